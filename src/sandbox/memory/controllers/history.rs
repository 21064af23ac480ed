//! ControllerRevisions: the pod templates that a StatefulSet or DaemonSet has had
//! (`pkg/controller/history`).

use std::collections::BTreeMap;

use k8s_openapi::api::apps::v1::ControllerRevision;
use k8s_openapi::api::core::v1::PodTemplateSpec;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use k8s_openapi::apimachinery::pkg::runtime::RawExtension;
use serde_json::{Map, Value, json};

use crate::sandbox::memory::status::Status;

use super::cluster::{Delete, Gvr};
use super::context::{Context, unless_gone};
use super::hash::{Fnv32, encode};
use super::index::Kind;
use super::meta;
use super::ownership::{Owner, Rule, claim, labels_of};
use super::selector::{self, Labels};

/// The label of a StatefulSet's revisions.
pub(super) const HASH_LABEL: &str = "controller.kubernetes.io/hash";
/// Characters of the owner's name in a revision's, as in Kubernetes.
const LONGEST_PREFIX: usize = 223;

/// What is kept of an owner in a revision: a patch that puts its template in place.
pub(super) fn data(template: &PodTemplateSpec) -> Value {
    let mut template = serde_json::to_value(template).unwrap_or_default();
    template["$patch"] = json!("replace");
    sorted(&json!({"spec": {"template": template}}))
}

/// The template that a revision keeps.
pub(super) fn template(revision: &ControllerRevision) -> Option<PodTemplateSpec> {
    let mut template = revision.data.as_ref()?.0["spec"]["template"].clone();
    template.as_object_mut()?.remove("$patch");
    serde_json::from_value(template).ok()
}

/// The hash of what a revision of a StatefulSet keeps. With the same template it is the same as that of a real
/// server, as both hash the JSON.
pub(super) fn hash(data: &Value, collisions: i32) -> String {
    let mut state = Fnv32::new();
    state.add(go_json(data).as_bytes());
    state.add(collisions.to_string().as_bytes());
    encode(state.0)
}

/// A revision's name.
pub(super) fn name(owner: &str, hash: &str) -> String {
    format!("{}-{hash}", owner.get(..LONGEST_PREFIX).unwrap_or(owner))
}

/// A revision of an owner's template, with its hash in that label.
pub(super) fn new(
    owner: &Owner,
    owner_meta: &ObjectMeta,
    template: &PodTemplateSpec,
    revision: i64,
    (label, hash): (&str, &str),
) -> ControllerRevision {
    let template_meta = template.metadata.as_ref();
    let labels = template_meta.and_then(|meta| meta.labels.clone());
    let mut labels: Labels = labels.unwrap_or_default();
    labels.insert(label.to_owned(), hash.to_owned());
    ControllerRevision {
        metadata: ObjectMeta {
            name: Some(name(&owner.reference.name, hash)),
            namespace: Some(owner.namespace.clone()),
            labels: Some(labels),
            annotations: owner_meta.annotations.clone(),
            owner_references: Some(vec![owner.reference.clone()]),
            ..ObjectMeta::default()
        },
        data: Some(RawExtension(data(template))),
        revision,
    }
}

/// The owner's revisions, oldest first, after adopting those that are nobody's.
pub(super) fn list(
    cx: &mut Context<'_>,
    owner: &Owner,
    wanted: &k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector,
) -> Result<Vec<ControllerRevision>, Status> {
    let matches = |revision: &ControllerRevision| selector::matches(wanted, &labels_of(revision));
    let rule = Rule {
        kind: Kind::ControllerRevision,
        matches: &matches,
        // Never let go: what does not match is only not used.
        open: &matches,
        finalizer: None,
    };
    let mut revisions = claim(cx, owner, &rule)?;
    revisions.sort_by(|one, other| order(one).cmp(&order(other)));
    Ok(revisions)
}

fn order(revision: &ControllerRevision) -> (i64, Option<jiff::Timestamp>, &str) {
    let created = revision
        .metadata
        .creation_timestamp
        .as_ref()
        .map(|time| time.0);
    (revision.revision, created, meta::name(revision))
}

/// Whether a revision keeps that.
pub(super) fn keeps(revision: &ControllerRevision, data: &Value) -> bool {
    revision
        .data
        .as_ref()
        .is_some_and(|own| meta::same(&own.0, data))
}

/// The number after the last one.
pub(super) fn next(revisions: &[ControllerRevision]) -> i64 {
    revisions
        .last()
        .map_or(1, |last| last.revision.saturating_add(1))
}

/// Gives an old revision a new number.
pub(super) fn renumber(
    cx: &mut Context<'_>,
    revision: &ControllerRevision,
    number: i64,
) -> Result<ControllerRevision, Status> {
    if revision.revision == number {
        return Ok(revision.clone());
    }
    let mut revision = revision.clone();
    revision.revision = number;
    cx.cluster.update_typed("", &revision)
}

/// Creates a revision, under another name if another template has its hash. Answers it with the
/// number of such collisions.
pub(super) fn create(
    cx: &mut Context<'_>,
    owner: &str,
    mut revision: ControllerRevision,
    mut collisions: i32,
) -> Result<(ControllerRevision, i32), Status> {
    let data = revision.data.clone().map(|data| data.0).unwrap_or_default();
    loop {
        revision.metadata.name = Some(name(owner, &hash(&data, collisions)));
        match cx.cluster.create_typed(&revision) {
            Err(problem) if problem.reason == "AlreadyExists" => {
                let namespace = meta::namespace(&revision);
                let name = meta::name(&revision);
                let found = cx.cluster.typed::<ControllerRevision>(namespace, name);
                let found = found.ok_or(problem)?;
                if keeps(&found, &data) {
                    return Ok((found, collisions));
                }
                collisions = collisions.saturating_add(1);
            }
            made => return made.map(|made| (made, collisions)),
        }
    }
}

/// Deletes the oldest of those that nothing uses, beyond the limit.
pub(super) fn truncate(
    cx: &mut Context<'_>,
    revisions: &[ControllerRevision],
    limit: Option<i32>,
    is_used: impl Fn(&ControllerRevision) -> bool,
) -> Result<(), Status> {
    let Ok(limit) = usize::try_from(limit.unwrap_or(10)) else {
        return Ok(());
    };
    let unused: Vec<&ControllerRevision> = revisions.iter().filter(|r| !is_used(r)).collect();
    let surplus = unused.len().saturating_sub(limit);
    for revision in &unused[..surplus] {
        let how = Delete {
            uid: revision.metadata.uid.as_deref(),
            ..Delete::default()
        };
        let resource = Gvr::of::<ControllerRevision>();
        let (namespace, name) = (meta::namespace(*revision), meta::name(*revision));
        unless_gone(cx.cluster.delete(&resource, namespace, name, how))?;
    }
    Ok(())
}

/// The same with all keys in order.
fn sorted(value: &Value) -> Value {
    match value {
        Value::Object(fields) => {
            let fields: BTreeMap<&String, Value> = fields
                .iter()
                .map(|(key, value)| (key, sorted(value)))
                .collect();
            Value::Object(
                fields
                    .into_iter()
                    .map(|(key, value)| (key.clone(), value))
                    .collect::<Map<_, _>>(),
            )
        }
        Value::Array(items) => Value::Array(items.iter().map(sorted).collect()),
        _ => value.clone(),
    }
}

/// The JSON that Go writes, which escapes what HTML gives a meaning.
fn go_json(value: &Value) -> String {
    let mut text = String::new();
    for letter in value.to_string().chars() {
        match letter {
            '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => {
                text.push_str(&format!("\\u{:04x}", u32::from(letter)));
            }
            _ => text.push(letter),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_the_real_server() {
        // A StatefulSet's, as kube-controller-manager 1.36.3 named its revision.
        let template = r#"{"metadata":{"labels":{"app":"db"}},"spec":{"containers":[{"image":"x:1",
            "imagePullPolicy":"IfNotPresent","name":"c","resources":{},"terminationMessagePath":
            "/dev/termination-log","terminationMessagePolicy":"File","volumeMounts":[{"mountPath":
            "/d","name":"data"}]}],"dnsPolicy":"ClusterFirst","restartPolicy":"Always",
            "schedulerName":"default-scheduler","securityContext":{},
            "terminationGracePeriodSeconds":30}}"#;
        let template: PodTemplateSpec = serde_json::from_str(template).unwrap();
        assert_eq!(hash(&data(&template), 0), "5d86cddb9c");
    }

    #[test]
    fn go_escapes_html() {
        assert_eq!(
            go_json(&json!("a<b>&\u{2028}")),
            r#""a\u003cb\u003e\u0026\u2028""#
        );
    }

    #[test]
    fn a_template_comes_back() {
        let original: PodTemplateSpec =
            serde_json::from_value(json!({"spec": {"containers": [{"name": "c"}]}})).unwrap();
        let revision = ControllerRevision {
            data: Some(RawExtension(data(&original))),
            ..ControllerRevision::default()
        };
        assert_eq!(template(&revision), Some(original));
    }
}

//! StatefulSet: `pkg/apis/apps` and `pkg/registry/apps/statefulset`.

use k8s_openapi::api::core::v1::{PersistentVolumeClaimVolumeSource, Volume};
use serde_json::{Value, json};

use super::read::{
    at, fill, fill_text, given, given_mut, int, items, items_mut, put, remove, same, text,
};
use super::{check, claim, template};
use crate::sandbox::memory::field::{FieldError, Path};
use crate::sandbox::memory::kinds::{Kind, Write, meta, pod};
use crate::sandbox::memory::names;

/// See the module.
pub(crate) struct StatefulSet;

impl Kind for StatefulSet {
    fn default(&self, object: &mut Value) {
        template::default(object, "spec.template");
        fill_text(object, "spec.podManagementPolicy", "OrderedReady");
        if text(object, "spec.updateStrategy.type").is_empty() {
            put(object, "spec.updateStrategy.type", "RollingUpdate");
            fill(object, "spec.updateStrategy.rollingUpdate", json!({}));
        }
        if text(object, "spec.updateStrategy.type") == "RollingUpdate"
            && let Some(rolling) = given_mut(object, "spec.updateStrategy.rollingUpdate")
        {
            fill(rolling, "partition", 0);
        }
        for when in ["whenDeleted", "whenScaled"] {
            let field = format!("spec.persistentVolumeClaimRetentionPolicy.{when}");
            fill_text(object, &field, "Retain");
        }
        fill(object, "spec.replicas", 1);
        fill(object, "spec.revisionHistoryLimit", 10);
        for claim in items_mut(object, "spec.volumeClaimTemplates") {
            put(claim, "apiVersion", "v1");
            put(claim, "kind", "PersistentVolumeClaim");
            fill_text(claim, "status.phase", "Pending");
            fill(claim, "spec.volumeMode", "Filesystem");
        }
    }

    fn prepare_create(&self, object: &mut Value) {
        // MaxUnavailableStatefulSet is off by default.
        remove(object, "spec.updateStrategy.rollingUpdate.maxUnavailable");
    }

    fn prepare_update(&self, _write: Write<'_>, object: &mut Value, old: &Value) {
        if given(old, "spec.updateStrategy.rollingUpdate.maxUnavailable").is_none() {
            remove(object, "spec.updateStrategy.rollingUpdate.maxUnavailable");
        }
    }

    fn validate_create(&self, object: &Value) -> Vec<FieldError> {
        let mut errors = meta::validate_create(object, true, meta::dns_label);
        errors.extend(validate_spec(at(object, "spec"), true));
        errors
    }

    fn validate_update(&self, write: Write<'_>, object: &Value, old: &Value) -> Vec<FieldError> {
        if write.subresource == "status" {
            let mut errors = meta::common_update(object, old);
            errors.extend(validate_status(at(object, "status")));
            errors.extend(meta::own_update(object, old));
            errors.extend(check::collisions_counted_down(object, old));
            return errors;
        }
        let mut errors = meta::validate_update(object, old);
        errors.extend(validate_spec(at(object, "spec"), false));
        errors.extend(changed_otherwise(at(object, "spec"), at(old, "spec")));
        errors
    }

    fn warnings(&self, object: &Value, old: Option<&Value>) -> Vec<String> {
        let mut warnings = template::warnings(object, old);
        for (index, claim) in items(object, "spec.volumeClaimTemplates")
            .iter()
            .enumerate()
        {
            let path = Path::new("spec.volumeClaimTemplates").index(index);
            let path = if old.is_some() {
                path.child("Spec")
            } else {
                path
            };
            warnings.extend(claim::warnings(at(claim, "spec"), &path));
        }
        if int(object, "spec.revisionHistoryLimit") < 0 {
            warnings.push(
                "spec.revisionHistoryLimit: a negative value retains all historical revisions; a \
                 value >= 0 is recommended"
                    .to_owned(),
            );
        }
        warnings
    }

    fn has_generation(&self) -> bool {
        true
    }
}

/// `is_new` objects are checked in what older servers let pass and nothing can change any more.
fn validate_spec(spec: &Value, is_new: bool) -> Vec<FieldError> {
    let path = Path::new("spec");
    let mut errors = validate_policy(spec, &path);
    errors.extend(validate_retention(
        spec,
        &path.child("persistentVolumeClaimRetentionPolicy"),
    ));
    if is_new {
        for (index, claim) in items(spec, "volumeClaimTemplates").iter().enumerate() {
            let path = path
                .child("volumeClaimTemplates")
                .index(index)
                .child("spec");
            errors.extend(claim::validate_spec(at(claim, "spec"), &path));
        }
    }
    errors.extend(check::nonnegatives(
        spec,
        &["replicas", "minReadySeconds"],
        &path,
    ));
    errors.extend(check::nonnegative(
        int(spec, "ordinals.start"),
        &path.child("ordinals.start"),
    ));
    let service = text(spec, "serviceName");
    if is_new && !service.is_empty() {
        let path = path.child("serviceName");
        errors.extend(check::invalid_each(
            &path,
            service,
            names::dns1123_label(service),
        ));
    }
    errors.extend(validate_template(spec, &path));
    errors
}

fn validate_policy(spec: &Value, path: &Path) -> Vec<FieldError> {
    let mut errors = Vec::new();
    match text(spec, "podManagementPolicy") {
        "OrderedReady" | "Parallel" => {}
        "" => errors.push(FieldError::required(&path.child("podManagementPolicy"), "")),
        other => errors.push(FieldError::invalid(
            &path.child("podManagementPolicy"),
            other,
            "must be 'OrderedReady' or 'Parallel'",
        )),
    }
    let path = path.child("updateStrategy");
    let rolling = given(spec, "updateStrategy.rollingUpdate");
    // The internal type is shown, whose fields have the names that they have in Go.
    let shown = rolling.map(|rolling| {
        json!({"Partition": int(rolling, "partition"), "MaxUnavailable": at(rolling, "maxUnavailable")})
    });
    match (text(spec, "updateStrategy.type"), rolling) {
        ("", _) => errors.push(FieldError::required(&path, "")),
        ("OnDelete", Some(_)) => errors.push(FieldError::invalid(
            &path.child("rollingUpdate"),
            shown,
            "only allowed for updateStrategy 'RollingUpdate'",
        )),
        ("RollingUpdate", Some(rolling)) => {
            errors.extend(validate_rolling(rolling, &path.child("rollingUpdate")));
        }
        ("OnDelete" | "RollingUpdate", None) => {}
        (other, _) => errors.push(FieldError::invalid(
            &path,
            json!({"Type": other, "RollingUpdate": shown}),
            "must be 'RollingUpdate' or 'OnDelete'",
        )),
    }
    errors
}

fn validate_rolling(rolling: &Value, path: &Path) -> Vec<FieldError> {
    let mut errors = check::nonnegatives(rolling, &["partition"], path);
    if let Some(unavailable) = given(rolling, "maxUnavailable") {
        let path = path.child("maxUnavailable");
        errors.extend(check::int_or_percent(unavailable, &path));
        if check::amount(unavailable) == 0 {
            errors.push(FieldError::invalid(
                &path,
                unavailable.clone(),
                "cannot be 0",
            ));
        }
        errors.extend(check::above_100_percent(unavailable, &path));
    }
    errors
}

fn validate_retention(spec: &Value, path: &Path) -> Vec<FieldError> {
    let Some(policy) = given(spec, "persistentVolumeClaimRetentionPolicy") else {
        return Vec::new();
    };
    let whens = ["whenDeleted", "whenScaled"].into_iter();
    let wrong = whens.filter(|when| !["Retain", "Delete"].contains(&text(policy, when)));
    let supported = &["Retain", "Delete"];
    wrong
        .map(|when| FieldError::not_supported(&path.child(when), text(policy, when), supported))
        .collect()
}

fn validate_template(spec: &Value, path: &Path) -> Vec<FieldError> {
    let selector = at(spec, "selector");
    let selector_path = path.child("selector");
    let mut errors = check::selector(selector, &selector_path);
    let is_wrong = !errors.is_empty();
    let shown = || check::shown_selector(selector);
    if selector.is_null() {
        errors.push(FieldError::required(&selector_path, ""));
    } else if check::selects_all(selector) {
        let words = "empty selector is invalid for statefulset";
        errors.push(FieldError::invalid(&selector_path, shown(), words));
    }
    let template = at(spec, "template");
    let path = path.child("template");
    if is_wrong {
        errors.push(FieldError::invalid(&selector_path, shown(), ""));
    } else {
        if selector.is_null() || !check::selects_all(selector) {
            errors.extend(template::not_selected(selector, template, &path));
        }
        errors.extend(validate_pods(spec, template, &path));
        errors.extend(meta::labels(
            template,
            "metadata.labels",
            &path.child("labels"),
        ));
        errors.extend(meta::annotations(
            template,
            "metadata.annotations",
            &path.child("annotations"),
        ));
    }
    errors.extend(template::ends(template, "StatefulSet", &path));
    errors
}

/// The template as its pods get it: the volumes of claims are there, names are the controller's.
fn validate_pods(spec: &Value, template: &Value, path: &Path) -> Vec<FieldError> {
    let mut pods = match template::typed(template) {
        Ok(pods) => pods,
        Err(error) => return vec![FieldError::internal(path, error.to_string())],
    };
    let claims = items(spec, "volumeClaimTemplates").iter();
    let claims: Vec<&str> = claims.map(|claim| text(claim, "metadata.name")).collect();
    if let Some(pod) = &mut pods.spec {
        pod.subdomain = None;
        pod.hostname = None;
        let others = pod.volumes.take().unwrap_or_default().into_iter();
        let others = others.filter(|volume| !claims.contains(&volume.name.as_str()));
        let volumes: Vec<Volume> = claims
            .iter()
            .map(|name| volume_of(name))
            .chain(others)
            .collect();
        pod.volumes = (!volumes.is_empty()).then_some(volumes);
    }
    pod::validate_template(&pods, path)
}

fn volume_of(claim: &str) -> Volume {
    Volume {
        name: claim.to_owned(),
        persistent_volume_claim: Some(PersistentVolumeClaimVolumeSource {
            claim_name: claim.to_owned(),
            ..PersistentVolumeClaimVolumeSource::default()
        }),
        ..Volume::default()
    }
}

/// A change of what cannot be changed.
fn changed_otherwise(spec: &Value, old: &Value) -> Option<FieldError> {
    let may_change = [
        "replicas",
        "template",
        "updateStrategy",
        "minReadySeconds",
        "ordinals",
        "revisionHistoryLimit",
        "persistentVolumeClaimRetentionPolicy",
    ];
    let fields = [spec, old]
        .into_iter()
        .filter_map(Value::as_object)
        .flatten();
    let mut fields = fields.filter(|(field, _)| !may_change.contains(&field.as_str()));
    fields.any(|(field, _)| !same(at(spec, field), at(old, field))).then(|| {
        FieldError::forbidden(
            &Path::new("spec"),
            "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', \
             'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and \
             'minReadySeconds' are forbidden",
        )
    })
}

fn validate_status(status: &Value) -> Vec<FieldError> {
    let path = Path::new("status");
    let counts = [
        "replicas",
        "readyReplicas",
        "currentReplicas",
        "updatedReplicas",
        "availableReplicas",
        "observedGeneration",
        "collisionCount",
    ];
    let mut errors = check::nonnegatives(status, &counts, &path);
    let parts = [
        "readyReplicas",
        "currentReplicas",
        "updatedReplicas",
        "availableReplicas",
    ];
    let words = "cannot be greater than status.replicas";
    errors.extend(check::not_above(status, &parts, "replicas", words, &path));
    let words = "cannot be greater than status.readyReplicas";
    errors.extend(check::not_above(
        status,
        &["availableReplicas"],
        "readyReplicas",
        words,
        &path,
    ));
    errors
}

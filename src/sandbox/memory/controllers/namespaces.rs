//! Empties namespaces that are being deleted, pods first, then lets them go
//! (`pkg/controller/namespace/deletion`).
//!
//! Kubernetes waits five seconds before it begins, for other API servers to notice; there are none.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::{Namespace, NamespaceCondition, NamespaceStatus, Pod};
use serde_json::Value;

use crate::sandbox::memory::status::Status;

use super::cluster::{Cluster, Delete, Gvr};
use super::context::{Again, Context, Controller, Name, time, unless_gone};
use super::index::{Index, Kind, Seen};
use super::queue::later;
use super::{meta, pods};

const FINALIZER: &str = "kubernetes";
/// Seconds that finalizers are thought to need, as in Kubernetes.
const FINALIZERS_NEED: i64 = 15;

/// The controller of namespaces.
pub(super) struct Namespaces;

impl Controller for Namespaces {
    fn due(&mut self, seen: &Seen<'_>, index: &Index, due: &mut dyn FnMut(Name)) {
        if seen.kind == Kind::Namespace {
            if !seen.gone() && seen.after.deleted {
                due(Name::new("", seen.name()));
            }
        } else if seen.gone() && index.terminating.contains(seen.namespace()) {
            due(Name::new("", seen.namespace()));
        }
    }

    fn reconcile(&mut self, cx: &mut Context<'_>, name: &Name) -> Result<Again, Status> {
        let Some(mut namespace) = cx.cluster.typed::<Namespace>("", &name.name) else {
            return Ok(None);
        };
        let Some(deleted) = namespace
            .metadata
            .deletion_timestamp
            .as_ref()
            .map(|time| time.0)
        else {
            return Ok(None);
        };
        let finalizers = namespace
            .spec
            .as_ref()
            .and_then(|spec| spec.finalizers.clone());
        let mut finalizers = finalizers.unwrap_or_default();
        if finalizers.is_empty() {
            return Ok(None);
        }
        let before = namespace.status.clone();
        let removal = remove(cx, &name.name, deleted);
        let status = namespace.status.get_or_insert_default();
        status.phase = Some("Terminating".to_owned());
        update_conditions(status, &removal, cx.now);
        if namespace.status != before {
            namespace = cx.cluster.update_typed("status", &namespace)?;
        }
        if let Some(problem) = removal.problems.into_iter().next() {
            return Err(problem);
        }
        if removal.estimate > 0 {
            let wait = removal.estimate.unsigned_abs() / 2 + 1;
            return Ok(Some(later(cx.now, Duration::from_secs(wait))));
        }
        finalizers.retain(|finalizer| finalizer != FINALIZER);
        namespace.spec.get_or_insert_default().finalizers = Some(finalizers);
        unless_gone(cx.cluster.update_typed("finalize", &namespace))?;
        Ok(None)
    }
}

/// What a removal has come to.
#[derive(Debug, Default)]
struct Removal {
    /// Seconds until what remains may be gone
    estimate: i64,
    problems: Vec<Status>,
    /// How many objects remain, by `resource.group`
    remaining: BTreeMap<String, usize>,
    /// How many of them have a finalizer, by its name
    finalizers: BTreeMap<String, usize>,
}

fn remove(cx: &Context<'_>, namespace: &str, deleted: Timestamp) -> Removal {
    let mut removal = Removal::default();
    let all_pods = Gvr::of::<Pod>();
    removal.remove(cx, &all_pods, namespace, deleted);
    if !removal.remaining.is_empty() {
        // Nothing is told of what remains as long as pods do, and all else waits for them.
        removal.remaining.clear();
        removal.finalizers.clear();
        return removal;
    }
    for resource in cx.cluster.resources() {
        if resource != all_pods && resource.group != "events.k8s.io" {
            removal.remove(cx, &resource, namespace, deleted);
        }
    }
    removal
}

impl Removal {
    fn remove(&mut self, cx: &Context<'_>, resource: &Gvr, namespace: &str, deleted: Timestamp) {
        let names = names(cx.cluster, resource, namespace);
        if names.is_empty() {
            return;
        }
        let estimate = match resource.plural == "pods" && resource.group.is_empty() {
            true => graceful(cx.cluster, namespace, deleted, cx.now),
            false => 0,
        };
        for name in &names {
            let deleted = cx
                .cluster
                .delete(resource, namespace, name, Delete::default());
            if let Err(problem) = unless_gone(deleted) {
                self.estimate = self.estimate.max(estimate);
                self.problems.push(problem);
                return;
            }
        }
        let remaining = cx.cluster.list(resource, Some(namespace));
        if remaining.is_empty() {
            return;
        }
        let mut finalizers = 0;
        for finalizer in remaining.iter().flat_map(meta::finalizers) {
            *self.finalizers.entry(finalizer.to_owned()).or_default() += 1;
            finalizers += 1;
        }
        let of = format!("{}.{}", resource.plural, resource.group);
        self.remaining.insert(of, remaining.len());
        self.estimate = self.estimate.max(match (estimate, finalizers) {
            (0, 0) => 0,
            (0, _) => FINALIZERS_NEED,
            (seconds, _) => seconds,
        });
        if estimate == 0 && finalizers == 0 {
            let Gvr {
                group,
                version,
                plural,
            } = resource;
            self.problems.push(Status::internal(format!(
                "unexpected items still remain in namespace: {namespace} for gvr: {group}/{version}, Resource={plural}"
            )));
        }
    }
}

fn names(cluster: &dyn Cluster, resource: &Gvr, namespace: &str) -> Vec<String> {
    let all = cluster.list(resource, Some(namespace));
    // What lives in no namespace is nobody's content.
    let here = all
        .iter()
        .filter(|object| meta::text(object, "namespace") == namespace);
    here.map(|object: &Value| meta::text(object, "name").to_owned())
        .collect()
}

/// How long pods may take to end, counted from the deletion of the namespace; 0 once that is over.
fn graceful(cluster: &dyn Cluster, namespace: &str, deleted: Timestamp, now: Timestamp) -> i64 {
    let all = cluster.all::<Pod>(Some(namespace));
    let running = all.iter().filter(|pod| !pods::is_terminal(pod));
    let grace = running.filter_map(|pod| pod.spec.as_ref()?.termination_grace_period_seconds);
    let longest = grace.max().unwrap_or_default();
    if now.duration_since(deleted).as_secs() >= longest {
        0
    } else {
        longest
    }
}

fn update_conditions(status: &mut NamespaceStatus, removal: &Removal, now: Timestamp) {
    let mut failures: Vec<&str> = removal
        .problems
        .iter()
        .map(|problem| problem.message.as_str())
        .collect();
    failures.sort_unstable();
    let failed = (!failures.is_empty()).then(|| {
        let (count, all) = (failures.len(), failures.join(", "));
        format!("Failed to delete all resource types, {count} remaining: {all}")
    });
    let each = |counts: &BTreeMap<String, usize>, text: &str| {
        let each: Vec<String> = counts
            .iter()
            .map(|(of, count)| format!("{of} {text} {count} resource instances"))
            .collect();
        (!each.is_empty()).then(|| each.join(", "))
    };
    let remain =
        each(&removal.remaining, "has").map(|each| format!("Some resources are remaining: {each}"));
    let held = each(&removal.finalizers, "in")
        .map(|each| format!("Some content in the namespace has finalizers remaining: {each}"));
    for (type_, bad, good) in [
        (
            "NamespaceDeletionDiscoveryFailure",
            None,
            (
                "ResourcesDiscovered",
                "All resources successfully discovered",
            ),
        ),
        (
            "NamespaceDeletionGroupVersionParsingFailure",
            None,
            (
                "ParsedGroupVersions",
                "All legacy kube types successfully parsed",
            ),
        ),
        (
            "NamespaceDeletionContentFailure",
            failed.map(|message| ("ContentDeletionFailed", message)),
            (
                "ContentDeleted",
                "All content successfully deleted, may be waiting on finalization",
            ),
        ),
        (
            "NamespaceContentRemaining",
            remain.map(|message| ("SomeResourcesRemain", message)),
            ("ContentRemoved", "All content successfully removed"),
        ),
        (
            "NamespaceFinalizersRemaining",
            held.map(|message| ("SomeFinalizersRemain", message)),
            (
                "ContentHasNoFinalizers",
                "All content-preserving finalizers finished",
            ),
        ),
    ] {
        let (truth, reason, message) = match bad {
            Some((reason, message)) => ("True", reason, message),
            None => ("False", good.0, good.1.to_owned()),
        };
        set(status, type_, truth, reason, message, now);
    }
}

fn set(
    status: &mut NamespaceStatus,
    type_: &str,
    truth: &str,
    reason: &str,
    message: String,
    now: Timestamp,
) {
    let conditions = status.conditions.get_or_insert_default();
    match conditions
        .iter_mut()
        .find(|condition| condition.type_ == type_)
    {
        Some(condition) => {
            if condition.status != truth {
                condition.last_transition_time = Some(time(now));
            }
            condition.status = truth.to_owned();
            condition.reason = Some(reason.to_owned());
            condition.message = Some(message);
        }
        None => conditions.push(NamespaceCondition {
            type_: type_.to_owned(),
            status: truth.to_owned(),
            reason: Some(reason.to_owned()),
            message: Some(message),
            last_transition_time: Some(time(now)),
        }),
    }
}

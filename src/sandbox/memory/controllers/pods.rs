//! What controllers ask of pods, and how they make them.

use std::cmp::Ordering;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::{Pod, PodCondition, PodTemplateSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference};

use crate::sandbox::memory::status::Status;

use super::cluster::{Cluster, Delete, Gvr};
use super::context::{Context, is_terminating};
use super::events::Involved;
use super::meta;

/// The cost of a pod's deletion, as its owner sees it.
const DELETION_COST: &str = "controller.kubernetes.io/pod-deletion-cost";

/// Its phase; empty before there is one.
pub(super) fn phase(pod: &Pod) -> &str {
    let status = pod.status.as_ref();
    status
        .and_then(|status| status.phase.as_deref())
        .unwrap_or_default()
}

/// Whether it has ended.
pub(super) fn is_terminal(pod: &Pod) -> bool {
    matches!(phase(pod), "Succeeded" | "Failed")
}

/// Whether it is marked for deletion.
pub(super) fn is_deleted(pod: &Pod) -> bool {
    pod.metadata.deletion_timestamp.is_some()
}

/// Whether it counts as a replica.
pub(super) fn is_active(pod: &Pod) -> bool {
    !is_terminal(pod) && !is_deleted(pod)
}

/// Whether it is on its way out and has not ended.
pub(super) fn is_terminating_pod(pod: &Pod) -> bool {
    !is_terminal(pod) && is_deleted(pod)
}

/// Its condition of that type.
pub(super) fn condition<'a>(pod: &'a Pod, type_: &str) -> Option<&'a PodCondition> {
    let mut conditions = pod.status.as_ref()?.conditions.iter().flatten();
    conditions.find(|condition| condition.type_ == type_)
}

/// Whether it is ready.
pub(super) fn is_ready(pod: &Pod) -> bool {
    condition(pod, "Ready").is_some_and(|condition| condition.status == "True")
}

/// Since when it is ready.
pub(super) fn ready_since(pod: &Pod) -> Option<Timestamp> {
    let ready = condition(pod, "Ready").filter(|condition| condition.status == "True")?;
    ready.last_transition_time.as_ref().map(|time| time.0)
}

/// Whether it has been ready for that many seconds.
pub(super) fn is_available(pod: &Pod, min_ready_seconds: i32, now: Timestamp) -> bool {
    is_ready(pod)
        && (min_ready_seconds <= 0
            || available_at(pod, min_ready_seconds).is_some_and(|at| at <= now))
}

/// When a ready pod has been ready for that many seconds.
pub(super) fn available_at(pod: &Pod, min_ready_seconds: i32) -> Option<Timestamp> {
    let seconds = jiff::SignedDuration::from_secs(i64::from(min_ready_seconds));
    ready_since(pod)?.checked_add(seconds).ok()
}

/// When the next of the ready pods becomes available, after `now`.
pub(super) fn next_available<'a>(
    pods: impl IntoIterator<Item = &'a Pod>,
    min_ready_seconds: i32,
    now: Timestamp,
) -> Option<Timestamp> {
    if min_ready_seconds <= 0 {
        return None;
    }
    let times = pods
        .into_iter()
        .filter_map(|pod| available_at(pod, min_ready_seconds));
    times.filter(|at| *at > now).min()
}

/// The node that it is on; empty before it is bound.
pub(super) fn node(pod: &Pod) -> &str {
    let spec = pod.spec.as_ref();
    spec.and_then(|spec| spec.node_name.as_deref())
        .unwrap_or_default()
}

/// The pods to delete first come first: not yet on a node, pending, not ready, cheap, crowded
/// (`related` counts pods on its node), ready for a shorter time, restarted more, younger. Times
/// count by their order of magnitude, as in Kubernetes (LogarithmicScaleDown).
pub(super) fn deletion_order(one: (&Pod, usize), other: (&Pod, usize), now: Timestamp) -> Ordering {
    let ((one, rank_one), (other, rank_other)) = (one, other);
    let bound = |pod| !node(pod).is_empty();
    let by_uid = || meta::uid(one).cmp(meta::uid(other));
    bound(one)
        .cmp(&bound(other))
        .then_with(|| phase_order(one).cmp(&phase_order(other)))
        .then_with(|| is_ready(one).cmp(&is_ready(other)))
        .then_with(|| deletion_cost(one).cmp(&deletion_cost(other)))
        .then_with(|| rank_other.cmp(&rank_one))
        .then_with(|| match (ready_since(one), ready_since(other)) {
            (Some(a), Some(b)) if a != b => {
                magnitude(a, now).cmp(&magnitude(b, now)).then_with(by_uid)
            }
            _ => Ordering::Equal,
        })
        .then_with(|| restarts(other).cmp(&restarts(one)))
        .then_with(|| match (created(one), created(other)) {
            (Some(a), Some(b)) if a != b => {
                magnitude(a, now).cmp(&magnitude(b, now)).then_with(by_uid)
            }
            (a, b) => a.is_some().cmp(&b.is_some()),
        })
}

/// When an object was created.
fn created(pod: &Pod) -> Option<Timestamp> {
    pod.metadata.creation_timestamp.as_ref().map(|time| time.0)
}

fn phase_order(pod: &Pod) -> u8 {
    match phase(pod) {
        "Pending" => 0,
        "Unknown" => 1,
        "Running" => 2,
        _ => 0,
    }
}

fn deletion_cost(pod: &Pod) -> i32 {
    let annotations = pod.metadata.annotations.as_ref();
    let cost = annotations.and_then(|annotations| annotations.get(DELETION_COST));
    cost.and_then(|cost| cost.parse().ok()).unwrap_or_default()
}

fn magnitude(since: Timestamp, now: Timestamp) -> i32 {
    let age = now.duration_since(since).as_nanos();
    if age > 0 {
        age.ilog2().try_into().unwrap_or(i32::MAX)
    } else {
        -1
    }
}

fn restarts(pod: &Pod) -> (i32, i32) {
    let status = pod.status.as_ref();
    let regular = status.and_then(|status| status.container_statuses.as_ref());
    let regular = regular.into_iter().flatten().map(|c| c.restart_count).max();
    let inits = pod
        .spec
        .as_ref()
        .and_then(|spec| spec.init_containers.as_ref());
    let is_sidecar = |name: &str| {
        let mut inits = inits.into_iter().flatten();
        inits.any(|c| c.name == name && c.restart_policy.as_deref() == Some("Always"))
    };
    let sidecars = status.and_then(|status| status.init_container_statuses.as_ref());
    let sidecars = sidecars
        .into_iter()
        .flatten()
        .filter(|c| is_sidecar(&c.name));
    let sidecars = sidecars.map(|c| c.restart_count).max();
    (regular.unwrap_or_default(), sidecars.unwrap_or_default())
}

/// A pod of a template, with a generated name.
pub(super) fn from_template(
    template: &PodTemplateSpec,
    owner_name: &str,
    namespace: &str,
    owner: OwnerReference,
) -> Pod {
    let meta = template.metadata.clone().unwrap_or_default();
    Pod {
        metadata: ObjectMeta {
            generate_name: Some(format!("{owner_name}-")),
            namespace: Some(namespace.to_owned()),
            labels: meta.labels,
            annotations: meta.annotations,
            finalizers: meta.finalizers,
            owner_references: Some(vec![owner]),
            ..ObjectMeta::default()
        },
        spec: template.spec.clone(),
        status: None,
    }
}

/// Creates a pod, with the Event that tells of it.
pub(super) fn create(
    cx: &mut Context<'_>,
    component: &'static str,
    about: &Involved,
    pod: &Pod,
) -> Result<Pod, Status> {
    match cx.cluster.create_typed(pod) {
        Ok(made) => {
            let message = format!("Created pod: {}", meta::name(&made));
            cx.normal(component, about, "SuccessfulCreate", &message);
            Ok(made)
        }
        Err(problem) => {
            if !is_terminating(&problem) {
                let message = format!("Error creating: {problem}");
                cx.warning(component, about, "FailedCreate", &message);
            }
            Err(problem)
        }
    }
}

/// Deletes a pod, with the Event that tells of it.
pub(super) fn delete(
    cx: &mut Context<'_>,
    component: &'static str,
    about: &Involved,
    pod: &Pod,
) -> Result<(), Status> {
    let how = Delete {
        uid: pod.metadata.uid.as_deref(),
        ..Delete::default()
    };
    let name = meta::name(pod);
    match cx
        .cluster
        .delete(&Gvr::of::<Pod>(), meta::namespace(pod), name, how)
    {
        Ok(()) => {
            cx.normal(
                component,
                about,
                "SuccessfulDelete",
                &format!("Deleted pod: {name}"),
            );
            Ok(())
        }
        Err(problem) if problem.reason == "NotFound" => Ok(()),
        Err(problem) => {
            let message = format!("Error deleting: {problem}");
            cx.warning(component, about, "FailedDelete", &message);
            Err(Status {
                message: format!("unable to delete pods: {problem}"),
                ..problem
            })
        }
    }
}

/// All pods of a namespace with these labels, by the index.
pub(super) fn read(cluster: &dyn Cluster, namespace: &str, names: &[String]) -> Vec<Pod> {
    names
        .iter()
        .filter_map(|name| cluster.typed(namespace, name))
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn pod(meta: Value, spec: Value, status: Value) -> Pod {
        serde_json::from_value(json!({"metadata": meta, "spec": spec, "status": status})).unwrap()
    }

    fn ready(since: &str) -> Value {
        json!({"phase": "Running", "conditions": [
            {"type": "Ready", "status": "True", "lastTransitionTime": since}]})
    }

    fn on(node: &str) -> Value {
        json!({"containers": [], "nodeName": node})
    }

    #[test]
    fn which_pods_go_first() {
        let now: Timestamp = "2026-01-01T01:00:00Z".parse().unwrap();
        let old = ready("2026-01-01T00:00:00Z");
        let young = ready("2026-01-01T00:59:50Z");
        let cheap = json!({"annotations": {DELETION_COST: "-1"}});
        // Each goes before the next.
        let order = [
            (
                pod(
                    json!({}),
                    json!({"containers": []}),
                    json!({"phase": "Pending"}),
                ),
                0,
            ),
            (pod(json!({}), on("a"), json!({"phase": "Pending"})), 0),
            (pod(json!({}), on("a"), json!({"phase": "Running"})), 0),
            (pod(cheap, on("a"), old.clone()), 0),
            (pod(json!({}), on("a"), old.clone()), 2),
            (pod(json!({}), on("a"), young.clone()), 1),
            (pod(json!({}), on("a"), old.clone()), 1),
        ];
        for pair in order.windows(2) {
            let (one, other) = ((&pair[0].0, pair[0].1), (&pair[1].0, pair[1].1));
            assert_eq!(deletion_order(one, other, now), Ordering::Less, "{pair:#?}");
            assert_eq!(
                deletion_order(other, one, now),
                Ordering::Greater,
                "{pair:#?}"
            );
        }
    }

    #[test]
    fn a_pod_is_available_after_a_while() {
        let pod = pod(json!({}), on("a"), ready("2026-01-01T00:00:00Z"));
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        assert!(is_available(&pod, 0, at("2026-01-01T00:00:00Z")));
        assert!(!is_available(&pod, 5, at("2026-01-01T00:00:04Z")));
        assert!(is_available(&pod, 5, at("2026-01-01T00:00:05Z")));
        let next = next_available([&pod], 5, at("2026-01-01T00:00:04Z"));
        assert_eq!(next, Some(at("2026-01-01T00:00:05Z")));
        assert_eq!(next_available([&pod], 5, at("2026-01-01T00:00:05Z")), None);
    }
}

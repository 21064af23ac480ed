//! How many pods to create, which to delete, and what the status says.

use std::collections::HashMap;

use jiff::Timestamp;
use k8s_openapi::api::apps::v1::{ReplicaSetCondition, ReplicaSetStatus};
use k8s_openapi::api::core::v1::Pod;

use super::super::context::time;
use super::super::ownership::labels_of;
use super::super::pods;
use super::super::scaled::{count, number};
use super::super::selector::contains;
use super::view::View;

/// Pods made or deleted at a time, as in Kubernetes (BurstReplicas).
pub(super) const BURST: usize = 500;
const REPLICA_FAILURE: &str = "ReplicaFailure";

/// What to do about the number of pods.
#[derive(Debug, PartialEq)]
pub(super) enum Manage<'a> {
    Enough,
    Create(usize),
    Delete(Vec<&'a Pod>),
}

/// Compares what there is with what is wanted. `crowds` says how many related pods nodes have; it is
/// asked only when there is a choice.
pub(super) fn manage(
    wanted: i32,
    active: &[Pod],
    crowds: impl FnOnce() -> HashMap<String, usize>,
    now: Timestamp,
) -> Manage<'_> {
    let wanted = usize::try_from(wanted).unwrap_or_default();
    if active.len() < wanted {
        return Manage::Create((wanted - active.len()).min(BURST));
    }
    let surplus = (active.len() - wanted).min(BURST);
    if surplus == 0 {
        return Manage::Enough;
    }
    let mut chosen: Vec<&Pod> = active.iter().collect();
    if surplus < active.len() {
        let crowds = crowds();
        let rank = |pod: &Pod| crowds.get(pods::node(pod)).copied().unwrap_or_default();
        chosen.sort_by(|one, other| {
            pods::deletion_order((one, rank(one)), (other, rank(other)), now)
        });
        chosen.truncate(surplus);
    }
    Manage::Delete(chosen)
}

/// The status after an attempt at that, which may have failed.
pub(super) fn status(
    view: &View,
    active: &[Pod],
    terminating: Option<usize>,
    failure: Option<&str>,
    now: Timestamp,
) -> ReplicaSetStatus {
    let template = view
        .template
        .as_ref()
        .and_then(|template| template.metadata.as_ref());
    let wanted = template
        .and_then(|meta| meta.labels.clone())
        .unwrap_or_default();
    let labelled = active
        .iter()
        .filter(|pod| contains(&labels_of(*pod), &wanted));
    let ready = active.iter().filter(|pod| pods::is_ready(pod));
    let available = active
        .iter()
        .filter(|pod| pods::is_available(pod, view.min_ready_seconds, now));
    let mut conditions = view.status.conditions.clone().unwrap_or_default();
    let failed_before = conditions.iter().any(|c| c.type_ == REPLICA_FAILURE);
    match failure {
        Some(message) if !failed_before => conditions.push(ReplicaSetCondition {
            type_: REPLICA_FAILURE.to_owned(),
            status: "True".to_owned(),
            reason: reason(active.len(), view.replicas).map(str::to_owned),
            message: Some(message.to_owned()),
            last_transition_time: Some(time(now)),
        }),
        None => conditions.retain(|c| c.type_ != REPLICA_FAILURE),
        Some(_) => {}
    }
    ReplicaSetStatus {
        replicas: number(active.len()),
        fully_labeled_replicas: count(labelled.count()),
        ready_replicas: count(ready.count()),
        available_replicas: count(available.count()),
        terminating_replicas: terminating.map(number),
        observed_generation: view.generation,
        conditions: (!conditions.is_empty()).then_some(conditions),
    }
}

fn reason(active: usize, wanted: i32) -> Option<&'static str> {
    match number(active).cmp(&wanted) {
        std::cmp::Ordering::Less => Some("FailedCreate"),
        std::cmp::Ordering::Greater => Some("FailedDelete"),
        std::cmp::Ordering::Equal => None,
    }
}

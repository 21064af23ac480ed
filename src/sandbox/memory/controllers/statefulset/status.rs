//! What a StatefulSet's status says.

use k8s_openapi::api::apps::v1::StatefulSetStatus;
use k8s_openapi::api::core::v1::Pod;

use super::super::pods;
use super::super::scaled::nonzero;
use super::decide::Observed;
use super::identity::revision;

/// Counts the pods.
pub(super) fn count<'a>(
    status: &mut StatefulSetStatus,
    observed: &Observed<'_>,
    all: impl Iterator<Item = &'a Pod>,
) {
    let min_ready_seconds = observed.spec.min_ready_seconds.unwrap_or_default();
    let (mut ready, mut available, mut current, mut updated) = (0, 0, 0, 0);
    for pod in all {
        let created = !pods::phase(pod).is_empty();
        status.replicas += i32::from(created);
        if pods::phase(pod) == "Running" && pods::is_ready(pod) {
            ready += 1;
            available += i32::from(pods::is_available(pod, min_ready_seconds, observed.now));
        }
        if created && !pods::is_deleted(pod) {
            current += i32::from(revision(pod) == observed.current.revision);
            updated += i32::from(revision(pod) == observed.update.revision);
        }
    }
    status.ready_replicas = Some(ready);
    status.available_replicas = Some(available);
    status.current_replicas = Some(current);
    status.updated_replicas = Some(updated);
}

/// Once all pods are of the new revision and ready, it is the current one.
pub(super) fn complete(observed: &Observed<'_>, status: &mut StatefulSetStatus) {
    let strategy = observed.spec.update_strategy.as_ref();
    let rolls = strategy.is_none_or(|strategy| strategy.type_.as_deref() != Some("OnDelete"));
    let wanted = observed.spec.replicas.unwrap_or(1);
    if rolls
        && status.updated_replicas == Some(wanted)
        && status.ready_replicas == Some(wanted)
        && status.replicas == wanted
    {
        status.current_replicas = status.updated_replicas;
        status.current_revision.clone_from(&status.update_revision);
    }
}

/// Leaves out what Kubernetes leaves out: all zeros but those of `replicas` and
/// `availableReplicas`.
pub(super) fn nonzero_counts(status: &mut StatefulSetStatus) {
    for count in [
        &mut status.ready_replicas,
        &mut status.current_replicas,
        &mut status.updated_replicas,
    ] {
        *count = count.and_then(nonzero);
    }
}

/// Whether a status is worth writing.
pub(super) fn differs(before: &StatefulSetStatus, after: &StatefulSetStatus) -> bool {
    let counts = |status: &StatefulSetStatus| {
        let count = |count: Option<i32>| count.unwrap_or_default();
        [
            status.replicas,
            count(status.ready_replicas),
            count(status.available_replicas),
            count(status.current_replicas),
            count(status.updated_replicas),
        ]
    };
    after.observed_generation > before.observed_generation
        || counts(before) != counts(after)
        || before.current_revision != after.current_revision
        || before.update_revision != after.update_revision
}

//! What a DaemonSet's status says.

use k8s_openapi::api::apps::v1::DaemonSetStatus;

use super::super::scaled::nonzero;
use super::super::{meta, pods};
use super::ByNode;
use super::decide::Observed;
use super::nodes::fit;
use super::template::{generation, is_updated};

/// Counts nodes.
pub(super) fn status(observed: &Observed<'_>, by_node: &ByNode) -> DaemonSetStatus {
    let before = observed.set.status.clone().unwrap_or_default();
    let mut status = DaemonSetStatus {
        observed_generation: observed.set.metadata.generation,
        collision_count: before.collision_count,
        conditions: before.conditions,
        ..DaemonSetStatus::default()
    };
    let (mut available, mut updated) = (0, 0);
    for node in observed.nodes {
        let first = by_node.get(meta::name(node)).and_then(|here| here.first());
        if !fit(observed.spec, node).should_run {
            status.number_misscheduled += i32::from(first.is_some());
            continue;
        }
        status.desired_number_scheduled += 1;
        let Some(pod) = first else {
            continue;
        };
        status.current_number_scheduled += 1;
        if pods::is_ready(pod) {
            status.number_ready += 1;
            available += i32::from(observed.is_available(pod));
        }
        updated += i32::from(is_updated(pod, observed.hash, generation(observed.set)));
    }
    status.number_available = nonzero(available);
    status.updated_number_scheduled = nonzero(updated);
    status.number_unavailable = nonzero(status.desired_number_scheduled - available);
    status
}

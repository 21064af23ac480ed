//! Which nodes need a pod, and which pods are to go. Pure.

use jiff::Timestamp;
use k8s_openapi::api::apps::v1::{DaemonSet, DaemonSetSpec};
use k8s_openapi::api::core::v1::{Node, Pod};

use super::super::scaled::{number, scaled};
use super::super::{meta, pods};
use super::ByNode;
use super::nodes::fit;
use super::template::{generation, is_updated};

/// What is known besides the pods.
pub(super) struct Observed<'a> {
    pub(super) set: &'a DaemonSet,
    pub(super) spec: &'a DaemonSetSpec,
    pub(super) hash: &'a str,
    pub(super) nodes: &'a [Node],
    pub(super) now: Timestamp,
}

/// What is to be done.
#[derive(Debug, Default)]
pub(super) struct Changes {
    /// Nodes that need a pod
    pub(super) create: Vec<String>,
    pub(super) delete: Vec<Pod>,
    /// Events: type, reason, message
    pub(super) told: Vec<(&'static str, &'static str, String)>,
}

/// What becomes of a failed pod.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Failed {
    Goes,
    Stays,
}

impl Observed<'_> {
    fn is_updated(&self, pod: &Pod) -> bool {
        is_updated(pod, self.hash, generation(self.set))
    }

    pub(super) fn is_available(&self, pod: &Pod) -> bool {
        pods::is_available(
            pod,
            self.spec.min_ready_seconds.unwrap_or_default(),
            self.now,
        )
    }

    fn should_run(&self, node: &str) -> bool {
        let node = self.nodes.iter().find(|known| meta::name(*known) == node);
        node.is_some_and(|node| fit(self.spec, node).should_run)
    }

    /// How many pods there may be too many, and missing, in a rolling update.
    fn limits(&self, desired: i32) -> (i32, i32) {
        let strategy = self.spec.update_strategy.as_ref();
        let rolling = strategy
            .filter(|strategy| strategy.type_.as_deref() != Some("OnDelete"))
            .and_then(|strategy| strategy.rolling_update.as_ref());
        let surge = rolling.and_then(|rolling| scaled(rolling.max_surge.as_ref()?, desired, true));
        let unavailable =
            rolling.and_then(|rolling| scaled(rolling.max_unavailable.as_ref()?, desired, true));
        match (surge.unwrap_or_default(), unavailable.unwrap_or_default()) {
            (0, 0) if desired > 0 => (0, 1),
            both => both,
        }
    }

    fn surges(&self) -> bool {
        self.limits(1).0 > 0
    }
}

/// Sees to it that every node has the pod that it should have, and no other. `failed` says what
/// becomes of a failed pod of a node.
pub(super) fn manage(
    observed: &Observed<'_>,
    by_node: &ByNode,
    mut failed: impl FnMut(&str, &Pod) -> Failed,
) -> Changes {
    let mut changes = Changes::default();
    for node in observed.nodes {
        let name = meta::name(node);
        let here = by_node.get(name).map(Vec::as_slice).unwrap_or_default();
        let fit = fit(observed.spec, node);
        if fit.should_run && here.is_empty() {
            changes.create.push(name.to_owned());
        } else if fit.may_stay {
            let running = sort_out(name, here, &mut changes, &mut failed);
            keep_one(observed, name, &running, fit.should_run, &mut changes);
        } else {
            let there = here.iter().filter(|pod| !pods::is_deleted(pod));
            changes.delete.extend(there.cloned());
        }
    }
    // Pods for nodes that are gone will never be placed.
    let known = |node: &String| observed.nodes.iter().any(|known| meta::name(known) == node);
    let lost = by_node
        .iter()
        .filter(|(node, _)| !known(node))
        .flat_map(|(_, pods)| pods);
    changes
        .delete
        .extend(lost.filter(|pod| pods::node(pod).is_empty()).cloned());
    changes
}

/// Sends away pods that have ended. Answers the others.
fn sort_out<'a>(
    node: &str,
    here: &'a [Pod],
    changes: &mut Changes,
    failed: &mut impl FnMut(&str, &Pod) -> Failed,
) -> Vec<&'a Pod> {
    let mut running = Vec::new();
    for pod in here.iter().filter(|pod| !pods::is_deleted(pod)) {
        let of = format!(
            "daemon pod {}/{} on node {node}",
            meta::namespace(pod),
            meta::name(pod)
        );
        match pods::phase(pod) {
            "Failed" => {
                if failed(node, pod) == Failed::Goes {
                    let message = format!("Found failed {of}, will try to kill it");
                    changes.told.push(("Warning", "FailedDaemonPod", message));
                    changes.delete.push(pod.clone());
                }
            }
            "Succeeded" => {
                let message = format!("Found succeeded {of}, will try to delete it");
                changes.told.push(("Normal", "SucceededDaemonPod", message));
                changes.delete.push(pod.clone());
            }
            _ => running.push(pod),
        }
    }
    running
}

/// One pod is enough, or one of the old template and one of the new where updates surge.
fn keep_one(
    observed: &Observed<'_>,
    node: &str,
    running: &[&Pod],
    should_run: bool,
    changes: &mut Changes,
) {
    if !observed.surges() {
        changes
            .delete
            .extend(running.iter().skip(1).map(|pod| (*pod).clone()));
        return;
    }
    if running.len() <= 1 {
        if running.is_empty() && should_run {
            changes.create.push(node.to_owned());
        }
        return;
    }
    let (mut new, mut old) = (None, None);
    for pod in running {
        let has_hash = is_updated(pod, observed.hash, None);
        let place: &mut Option<&Pod> = if has_hash { &mut new } else { &mut old };
        match place {
            None => *place = Some(pod),
            Some(_) => changes.delete.push((*pod).clone()),
        }
    }
    if let (Some(new), Some(old)) = (new, old)
        && (!pods::is_ready(old) || observed.is_available(new))
    {
        changes.delete.push(old.clone());
    }
}

/// The pods of the new and of the old template on a node; `None` when there are two of one.
fn new_and_old<'a>(
    observed: &Observed<'_>,
    here: &'a [Pod],
) -> Option<(Option<&'a Pod>, Option<&'a Pod>)> {
    let (mut new, mut old) = (None, None);
    for pod in here.iter().filter(|pod| !pods::is_deleted(pod)) {
        let place = if observed.is_updated(pod) {
            &mut new
        } else {
            &mut old
        };
        if place.replace(pod).is_some() {
            return None;
        }
    }
    Some((new, old))
}

/// Replaces pods of old templates, as many at a time as allowed.
pub(super) fn rolling_update(observed: &Observed<'_>, by_node: &ByNode) -> Changes {
    let strategy = observed.spec.update_strategy.as_ref();
    if strategy.is_some_and(|strategy| strategy.type_.as_deref() == Some("OnDelete")) {
        return Changes::default();
    }
    let wanting = observed
        .nodes
        .iter()
        .filter(|node| fit(observed.spec, node).should_run);
    let wanting: Vec<String> = wanting.map(|node| meta::name(node).to_owned()).collect();
    let mut by_node = by_node.clone();
    for node in &wanting {
        by_node.entry(node.clone()).or_default();
    }
    let desired = number(wanting.len());
    match observed.limits(desired) {
        (0, unavailable) => replace(observed, &by_node, unavailable),
        (surge, _) => surge_over(observed, &by_node, surge, desired),
    }
}

fn replace(observed: &Observed<'_>, by_node: &ByNode, max_unavailable: i32) -> Changes {
    let mut unavailable = 0;
    let mut changes = Changes::default();
    let mut candidates = Vec::new();
    for here in by_node.values() {
        match new_and_old(observed, here) {
            Some((Some(new), None)) => unavailable += i32::from(!observed.is_available(new)),
            Some((None, Some(old))) if observed.is_available(old) => candidates.push(old),
            Some((None, Some(old))) => {
                changes.delete.push(old.clone());
                unavailable += 1;
            }
            Some(_) | None => unavailable += 1,
        }
    }
    let allowed = usize::try_from(max_unavailable - unavailable).unwrap_or_default();
    changes
        .delete
        .extend(candidates.into_iter().take(allowed).cloned());
    changes
}

fn surge_over(observed: &Observed<'_>, by_node: &ByNode, max_surge: i32, desired: i32) -> Changes {
    let (mut surge, mut available) = (0, 0);
    let mut changes = Changes::default();
    let (mut candidates, mut unwanted) = (Vec::new(), Vec::new());
    for (node, here) in by_node {
        let Some((new, old)) = new_and_old(observed, here) else {
            surge += 1;
            continue;
        };
        available += old
            .or(new)
            .map_or(0, |pod| i32::from(observed.is_available(pod)));
        let Some(old) = old else {
            continue;
        };
        match (new, observed.is_available(old), observed.should_run(node)) {
            (Some(new), _, _) if observed.is_available(new) => changes.delete.push(old.clone()),
            (Some(_), _, _) => surge += 1,
            (None, false, false) => changes.delete.push(old.clone()),
            (None, true, false) => unwanted.push(old),
            (None, false, true) => changes.create.push(node.clone()),
            (None, true, true) => candidates.push(node),
        }
    }
    let spare = usize::try_from(available - desired).unwrap_or_default();
    changes
        .delete
        .extend(unwanted.into_iter().take(spare).cloned());
    let allowed = usize::try_from(max_surge - surge).unwrap_or_default();
    changes
        .create
        .extend(candidates.into_iter().take(allowed).cloned());
    changes
}

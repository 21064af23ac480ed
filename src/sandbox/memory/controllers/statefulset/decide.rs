//! What to do about the pods of a StatefulSet. Pure.
//!
//! In order, unless pods may be managed in parallel: each place waits until the pod of the one
//! before is available. Then pods without a place go, the last first, then those of old revisions.

use std::collections::HashMap;

use jiff::Timestamp;
use k8s_openapi::api::apps::v1::{StatefulSet, StatefulSetSpec, StatefulSetStatus};
use k8s_openapi::api::core::v1::{PersistentVolumeClaim, Pod, PodTemplateSpec};

use super::super::pods;
use super::claims::{are_current, is_stale};
use super::identity::{
    self, has_identity, has_storage, new_pod, ordinal, range, start, update_identity,
    update_storage,
};
use super::status::{complete, count, nonzero_counts};

/// What is to be done, one after the other; the first failure ends it.
#[derive(Debug, PartialEq)]
pub(super) enum Step {
    Create(Box<Pod>),
    /// Make its claims, if they are missing
    Claims(Box<Pod>),
    /// Give its claims the owners that they should have
    Owners(Box<Pod>),
    Update(Box<Pod>),
    Delete(Box<Pod>),
}

/// A pod template of a revision.
#[derive(Clone, Debug)]
pub(super) struct Template {
    pub(super) revision: String,
    pub(super) template: PodTemplateSpec,
}

/// What is known.
pub(super) struct Observed<'a> {
    pub(super) set: &'a StatefulSet,
    pub(super) spec: &'a StatefulSetSpec,
    pub(super) current: Template,
    pub(super) update: Template,
    /// By name
    pub(super) claims: HashMap<String, PersistentVolumeClaim>,
    pub(super) now: Timestamp,
}

/// See [`steps`].
#[derive(Debug, Default)]
pub(super) struct Decided {
    pub(super) steps: Vec<Step>,
    pub(super) status: StatefulSetStatus,
}

/// Whether more may be done in this turn.
#[derive(Clone, Copy, PartialEq)]
enum Go {
    On,
    No,
}

impl Observed<'_> {
    fn is_ready(&self, pod: &Pod) -> bool {
        pods::phase(pod) == "Running" && pods::is_ready(pod)
    }

    fn is_available(&self, pod: &Pod) -> bool {
        pods::is_available(
            pod,
            self.spec.min_ready_seconds.unwrap_or_default(),
            self.now,
        )
    }

    fn is_unavailable(&self, pod: &Pod) -> bool {
        !self.is_available(pod) || pods::is_deleted(pod)
    }

    /// A pod for a place that is free, of the old revision where an update has not come to it.
    fn pod_for(&self, ordinal: i32) -> Pod {
        let strategy = self.spec.update_strategy.clone().unwrap_or_default();
        let rolls = strategy.type_.as_deref() != Some("OnDelete");
        let status = self.set.status.as_ref();
        let old = match strategy.rolling_update {
            Some(rolling) => rolling.partition.unwrap_or_default(),
            None if rolls => status
                .and_then(|status| status.current_replicas)
                .unwrap_or_default(),
            None => 0,
        };
        let of_old = ordinal < start(self.spec).saturating_add(old);
        let template = if of_old { &self.current } else { &self.update };
        new_pod(self.set, self.spec, template, ordinal)
    }
}

/// Decides.
pub(super) fn steps(observed: &Observed<'_>, pods: &[Pod]) -> Decided {
    let mut decided = Decided {
        steps: Vec::new(),
        status: StatefulSetStatus {
            observed_generation: observed.set.metadata.generation,
            current_revision: Some(observed.current.revision.clone()),
            update_revision: Some(observed.update.revision.clone()),
            ..StatefulSetStatus::default()
        },
    };
    if observed.set.metadata.deletion_timestamp.is_some() {
        count(&mut decided.status, observed, pods.iter());
        complete(observed, &mut decided.status);
        return decided;
    }
    let mut by_ordinal: HashMap<i32, &Pod> = pods
        .iter()
        .filter_map(|pod| Some((ordinal(pod)?, pod)))
        .collect();
    let replicas: Vec<(i32, Option<&Pod>)> = range(observed.spec)
        .map(|place| (place, by_ordinal.remove(&place)))
        .collect();
    let mut condemned: Vec<(i32, &Pod)> = by_ordinal.into_iter().collect();
    condemned.sort_by_key(|(place, _)| std::cmp::Reverse(*place));

    let all = replicas.iter().filter_map(|(_, pod)| *pod);
    count(
        &mut decided.status,
        observed,
        all.chain(condemned.iter().map(|(_, pod)| *pod)),
    );
    let in_order = observed.spec.pod_management_policy.as_deref() != Some("Parallel");
    for (place, pod) in &replicas {
        if keep(observed, *place, *pod, in_order, &mut decided.steps) == Go::No && in_order {
            return finished(observed, decided);
        }
    }
    for (place, pod) in &condemned {
        if !are_current(observed.set, observed.spec, pod, *place, &observed.claims) {
            decided.steps.push(Step::Owners(Box::new((*pod).clone())));
        }
    }
    let unhealthy = first_unavailable(observed, &replicas, &condemned);
    for (place, pod) in &condemned {
        let waits = in_order && unhealthy != Some(*place) && !observed.is_available(pod);
        match (pods::is_deleted(pod), in_order) {
            (true, true) => return finished(observed, decided),
            (true, false) => {}
            (false, _) if waits => return finished(observed, decided),
            (false, _) => {
                decided.steps.push(Step::Delete(Box::new((*pod).clone())));
                if in_order {
                    return finished(observed, decided);
                }
            }
        }
    }
    update(observed, &replicas, &mut decided);
    finished(observed, decided)
}

fn finished(observed: &Observed<'_>, mut decided: Decided) -> Decided {
    complete(observed, &mut decided.status);
    nonzero_counts(&mut decided.status);
    decided
}

/// Sees to it that one place has a healthy pod. Answers whether the next may follow.
fn keep(
    observed: &Observed<'_>,
    place: i32,
    pod: Option<&Pod>,
    in_order: bool,
    steps: &mut Vec<Step>,
) -> Go {
    let (set, spec) = (observed.set, observed.spec);
    let Some(pod) = pod else {
        let pod = observed.pod_for(place);
        if !is_stale(set, spec, &pod, place, &observed.claims) {
            steps.push(Step::Create(Box::new(pod)));
        }
        return Go::No;
    };
    if pods::is_terminal(pod) {
        if !pods::is_deleted(pod) {
            steps.push(Step::Delete(Box::new(pod.clone())));
        }
        return Go::No;
    }
    if pods::phase(pod) == "Pending" {
        let names = spec.volume_claim_templates.iter().flatten();
        let mut names = names.map(|template| identity::claim_name(set, template, place));
        if names.any(|name| !observed.claims.contains_key(&name)) {
            steps.push(Step::Claims(Box::new(pod.clone())));
        }
    }
    let healthy = !pods::is_deleted(pod) && observed.is_ready(pod) && observed.is_available(pod);
    if !healthy && in_order {
        return Go::No;
    }
    let owned = are_current(set, spec, pod, place, &observed.claims);
    if !has_identity(pod) || !has_storage(set, spec, pod, place) {
        let mut changed = pod.clone();
        update_identity(&mut changed, place);
        update_storage(set, spec, &mut changed, place);
        steps.push(Step::Update(Box::new(changed)));
    } else if !owned {
        steps.push(Step::Owners(Box::new(pod.clone())));
    }
    Go::On
}

/// The place of the first pod that is not available, those in range first.
fn first_unavailable(
    observed: &Observed<'_>,
    replicas: &[(i32, Option<&Pod>)],
    condemned: &[(i32, &Pod)],
) -> Option<i32> {
    let missing = |pod: &Option<&Pod>| pod.is_none_or(|pod| observed.is_unavailable(pod));
    let first = replicas
        .iter()
        .find(|(_, pod)| missing(pod))
        .map(|(place, _)| *place);
    let condemned = condemned.iter().rev();
    let mut unhealthy = condemned.filter(|(_, pod)| observed.is_unavailable(pod));
    first.or_else(|| unhealthy.next().map(|(place, _)| *place))
}

/// Deletes the last pod of an old revision, once all after it are available.
fn update(observed: &Observed<'_>, replicas: &[(i32, Option<&Pod>)], decided: &mut Decided) {
    let strategy = observed.spec.update_strategy.clone().unwrap_or_default();
    if strategy.type_.as_deref() == Some("OnDelete") {
        return;
    }
    let partition = strategy
        .rolling_update
        .and_then(|rolling| rolling.partition);
    let partition = usize::try_from(partition.unwrap_or_default()).unwrap_or_default();
    for (_, pod) in replicas.iter().skip(partition).rev() {
        let Some(pod) = pod else {
            return;
        };
        let old = identity::revision(pod) != observed.update.revision;
        if old && !pods::is_deleted(pod) {
            decided.steps.push(Step::Delete(Box::new((*pod).clone())));
            let current = &mut decided.status.current_replicas;
            *current = current.map(|count| count - 1);
            return;
        }
        if observed.is_unavailable(pod) {
            return;
        }
    }
}

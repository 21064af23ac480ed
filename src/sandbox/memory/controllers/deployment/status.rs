//! What a Deployment's status says, and how much may be missing or too many on the way.

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::apps::v1::{
    Deployment, DeploymentCondition, DeploymentStatus, ReplicaSet, RollingUpdateDeployment,
};

use super::super::meta;
use super::super::scaled::{nonzero, scaled};
use super::conditions;
use super::sets::{self, Sets};

const PROGRESSING: &str = "Progressing";
const REPLICA_FAILURE: &str = "ReplicaFailure";
const NEW_SET_AVAILABLE: &str = "NewReplicaSetAvailable";
pub(super) const TIMED_OUT: &str = "ProgressDeadlineExceeded";

/// How many pods are wanted.
pub(super) fn replicas(deployment: &Deployment) -> i32 {
    deployment
        .spec
        .as_ref()
        .and_then(|spec| spec.replicas)
        .unwrap_or(1)
}

fn rolling(deployment: &Deployment) -> Option<RollingUpdateDeployment> {
    let strategy = deployment
        .spec
        .as_ref()?
        .strategy
        .clone()
        .unwrap_or_default();
    let rolls = strategy.type_.as_deref() != Some("Recreate");
    rolls.then(|| strategy.rolling_update.unwrap_or_default())
}

/// Whether pods are replaced step by step.
pub(super) fn is_rolling(deployment: &Deployment) -> bool {
    rolling(deployment).is_some()
}

fn fenceposts(deployment: &Deployment) -> (i32, i32) {
    let Some(rolling) = rolling(deployment) else {
        return (0, 0);
    };
    let total = replicas(deployment);
    let surge = rolling
        .max_surge
        .and_then(|surge| scaled(&surge, total, true));
    let unavailable = rolling
        .max_unavailable
        .and_then(|count| scaled(&count, total, false));
    match (surge.unwrap_or_default(), unavailable.unwrap_or_default()) {
        // Nothing could ever move.
        (0, 0) => (0, 1),
        both => both,
    }
}

/// How many pods there may be too many.
pub(super) fn max_surge(deployment: &Deployment) -> i32 {
    fenceposts(deployment).0
}

/// How many pods may be missing.
pub(super) fn max_unavailable(deployment: &Deployment) -> i32 {
    let total = replicas(deployment);
    if total == 0 {
        0
    } else {
        fenceposts(deployment).1.min(total)
    }
}

/// Whether a rollout may take too long.
pub(super) fn has_progress_deadline(deployment: &Deployment) -> bool {
    deadline(deployment).is_some()
}

fn deadline(deployment: &Deployment) -> Option<i32> {
    let deadline = deployment.spec.as_ref()?.progress_deadline_seconds;
    deadline.filter(|seconds| *seconds != i32::MAX)
}

/// Whether all pods are of the current template and available.
pub(super) fn is_complete(deployment: &Deployment, status: &DeploymentStatus) -> bool {
    let wanted = Some(replicas(deployment)).filter(|count| *count != 0);
    status.updated_replicas.and_then(nonzero) == wanted
        && status.replicas.and_then(nonzero) == wanted
        && status.available_replicas.and_then(nonzero) == wanted
        && status.observed_generation >= deployment.metadata.generation
}

/// Counts, and whether enough pods are available.
pub(super) fn calculate(deployment: &Deployment, all: &Sets, now: Timestamp) -> DeploymentStatus {
    let before = deployment.status.clone().unwrap_or_default();
    let available = all.sum(|set| sets::status(set).available_replicas.unwrap_or_default());
    let asked = all.sum(sets::replicas);
    let updated = all.new_set().map_or(0, |set| sets::status(set).replicas);
    let mut status = DeploymentStatus {
        observed_generation: deployment.metadata.generation,
        replicas: nonzero(all.sum(|set| sets::status(set).replicas)),
        updated_replicas: nonzero(updated),
        ready_replicas: nonzero(
            all.sum(|set| sets::status(set).ready_replicas.unwrap_or_default()),
        ),
        available_replicas: nonzero(available),
        unavailable_replicas: nonzero(asked.saturating_sub(available).max(0)),
        terminating_replicas: terminating(all),
        collision_count: before.collision_count,
        conditions: before.conditions,
    };
    let enough = available >= replicas(deployment) - max_unavailable(deployment);
    let condition = match enough {
        true => (
            "True",
            "MinimumReplicasAvailable",
            "Deployment has minimum availability.",
        ),
        false => (
            "False",
            "MinimumReplicasUnavailable",
            "Deployment does not have minimum availability.",
        ),
    };
    let (truth, reason, message) = condition;
    conditions::set(
        &mut status,
        conditions::new("Available", truth, reason, message, now),
    );
    status
}

/// Unknown as long as one of the sets has not counted.
fn terminating(all: &Sets) -> Option<i32> {
    let mut sum = 0_i32;
    for entry in &all.all {
        let status = sets::status(&entry.set);
        match status.terminating_replicas {
            Some(count) => sum = sum.saturating_add(count),
            None if status.observed_generation.unwrap_or_default() == 0 => {}
            None => return None,
        }
    }
    Some(sum)
}

/// The same with how the rollout goes on.
pub(super) fn of_rollout(deployment: &Deployment, all: &Sets, now: Timestamp) -> DeploymentStatus {
    let before = deployment.status.clone().unwrap_or_default();
    let mut status = calculate(deployment, all, now);
    if has_progress_deadline(deployment) {
        let current = conditions::get(&before, PROGRESSING);
        let done = status.replicas == status.updated_replicas
            && conditions::has_reason(&before, PROGRESSING, NEW_SET_AVAILABLE);
        if !done {
            progress(deployment, all, &before, current, &mut status, now);
        }
    } else {
        conditions::remove(&mut status, PROGRESSING);
    }
    match failure(all) {
        Some(condition) => conditions::set(&mut status, condition),
        None => conditions::remove(&mut status, REPLICA_FAILURE),
    }
    status
}

fn progress(
    deployment: &Deployment,
    all: &Sets,
    before: &DeploymentStatus,
    current: Option<&DeploymentCondition>,
    status: &mut DeploymentStatus,
    now: Timestamp,
) {
    let subject = match all.new_set() {
        Some(set) => format!("ReplicaSet {:?}", meta::name(set)),
        None => format!("Deployment {:?}", meta::name(deployment)),
    };
    if is_complete(deployment, status) {
        let message = format!("{subject} has successfully progressed.");
        let done = conditions::new(PROGRESSING, "True", NEW_SET_AVAILABLE, &message, now);
        conditions::set(status, done);
    } else if has_progressed(before, status) {
        let message = format!("{subject} is progressing.");
        let mut moved = conditions::new(PROGRESSING, "True", "ReplicaSetUpdated", &message, now);
        if let Some(current) = current {
            if current.status == "True" {
                moved.last_transition_time = current.last_transition_time.clone();
            }
            // So that the time of the update is this one, though the reason may be the same.
            conditions::remove(status, PROGRESSING);
        }
        conditions::set(status, moved);
    } else if has_timed_out(deployment, status, now) {
        let message = format!("{subject} has timed out progressing.");
        let late = conditions::new(PROGRESSING, "False", TIMED_OUT, &message, now);
        conditions::set(status, late);
    }
}

fn has_progressed(before: &DeploymentStatus, status: &DeploymentStatus) -> bool {
    let count = |count: Option<i32>| count.unwrap_or_default();
    let old = |status: &DeploymentStatus| count(status.replicas) - count(status.updated_replicas);
    count(status.updated_replicas) > count(before.updated_replicas)
        || old(status) < old(before)
        || count(status.ready_replicas) > count(before.ready_replicas)
        || count(status.available_replicas) > count(before.available_replicas)
}

fn has_timed_out(deployment: &Deployment, status: &DeploymentStatus, now: Timestamp) -> bool {
    if conditions::has_reason(status, PROGRESSING, NEW_SET_AVAILABLE) {
        return false;
    }
    if conditions::has_reason(status, PROGRESSING, TIMED_OUT) {
        return true;
    }
    runs_out(deployment, status).is_some_and(|at| at < now)
}

fn runs_out(deployment: &Deployment, status: &DeploymentStatus) -> Option<Timestamp> {
    let updated = conditions::get(status, PROGRESSING)?
        .last_update_time
        .as_ref()?
        .0;
    updated
        .checked_add(SignedDuration::from_secs(i64::from(deadline(deployment)?)))
        .ok()
}

/// When to look whether the rollout takes too long.
pub(super) fn look_again(deployment: &Deployment, status: &DeploymentStatus) -> Option<Timestamp> {
    let settled = is_complete(deployment, status)
        || conditions::has_reason(status, PROGRESSING, TIMED_OUT)
        || conditions::has_reason(status, PROGRESSING, NEW_SET_AVAILABLE);
    let at = (!settled).then(|| runs_out(deployment, status)).flatten()?;
    at.checked_add(SignedDuration::from_secs(1)).ok()
}

/// That pods could not be made or deleted, preferably those of the current template.
fn failure(all: &Sets) -> Option<DeploymentCondition> {
    let of = |set: &ReplicaSet| {
        let conditions = sets::status(set).conditions.unwrap_or_default();
        conditions
            .into_iter()
            .find(|condition| condition.type_ == REPLICA_FAILURE)
    };
    let others = all.all.iter().map(|entry| &entry.set);
    let failed = all.new_set().into_iter().chain(others).find_map(of)?;
    Some(DeploymentCondition {
        type_: failed.type_,
        status: failed.status,
        reason: failed.reason,
        message: failed.message,
        last_update_time: failed.last_transition_time.clone(),
        last_transition_time: failed.last_transition_time,
    })
}

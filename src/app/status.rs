//! How an App is, told from what was observed.

use k8s_openapi::jiff::Timestamp;
use serde_json::{Value, json};

use super::conditions::{self, State, Verdict};
use super::failure::Failure;
use super::labels;
use super::live::{Counts, LiveDeployment};
use super::names;
use super::observed::{Observed, called};
use super::pods::Trouble;
use super::types::{App, AppStatus};

/// The reasons in an App's conditions that are not taken over from Kubernetes.
pub mod reason {
    /// All replicas that are wished are ready, and run the current pod template.
    pub const READY: &str = "AllReplicasReady";
    /// The App is paused.
    pub const PAUSED: &str = "Paused";
    /// The App was paused; only in an Event.
    pub const RESUMED: &str = "Resumed";
    /// `podOverrides` cannot be merged.
    pub const INVALID_OVERRIDES: &str = "InvalidPodOverrides";
    /// An object that the App needs is there already and is somebody else's.
    pub const NOT_OWNED: &str = "NotOwned";
    /// The server refuses what the App asks for.
    pub const REFUSED: &str = "Refused";
    /// An object of an App of the same name is still being deleted.
    pub const AWAITING_DELETION: &str = "AwaitingDeletion";
    /// The children are not yet as the App asks for.
    pub const APPLYING: &str = "Applying";
    /// The Deployment controller has not acted on the Deployment yet.
    pub const AWAITING_CONTROLLER: &str = "AwaitingDeploymentController";
    /// Somebody has paused the Deployment's rollout.
    pub const ROLLOUT_PAUSED: &str = "RolloutPaused";
    /// Pods are being replaced, added or removed.
    pub const ROLLING_OUT: &str = "RollingOut";
}

/// The status of an App. The times in it are those of the App's present status where nothing
/// changed.
pub fn status(app: &App, observed: &Observed, now: Timestamp) -> AppStatus {
    of_verdict(app, observed, &judge(app, observed), now)
}

/// Whether two statuses say the same, whenever they began to.
pub fn same_ignoring_times(a: &AppStatus, b: &AppStatus) -> bool {
    let timeless = |status: &AppStatus| {
        let mut status = status.clone();
        for condition in &mut status.conditions {
            condition.last_transition_time.0 = Timestamp::UNIX_EPOCH;
        }
        status
    };
    timeless(a) == timeless(b)
}

/// A status as it is applied to an App's status subresource under [`super::MANAGER`]. It means this
/// very App: one of the same name made later is not touched (409).
pub fn payload(app: &App, status: &AppStatus) -> Value {
    let mut metadata = json!({"name": names::name(app)});
    if let Some(namespace) = &app.metadata.namespace {
        metadata["namespace"] = json!(namespace);
    }
    if let Some(uid) = &app.metadata.uid {
        metadata["uid"] = json!(uid);
    }
    json!({
        "apiVersion": <App as kube::Resource>::api_version(&()),
        "kind": <App as kube::Resource>::kind(&()),
        "metadata": metadata,
        "status": status,
    })
}

pub(super) fn of_verdict(
    app: &App,
    observed: &Observed,
    verdict: &Verdict,
    now: Timestamp,
) -> AppStatus {
    let ours = ours(app, observed);
    let counts = ours.map(|deployment| deployment.counts).unwrap_or_default();
    let selector = match ours.and_then(|deployment| deployment.selector.as_ref()) {
        Some(selector) => labels::selector_text(selector),
        None => labels::selector_text(&labels::selector(app)),
    };
    let generation = app.metadata.generation;
    let old = app.status.as_ref();
    let old = old.map_or(&[][..], |old| old.conditions.as_slice());
    AppStatus {
        observed_generation: generation,
        replicas: counts.replicas,
        updated_replicas: counts.updated,
        ready_replicas: counts.ready,
        available_replicas: counts.available,
        unavailable_replicas: counts.unavailable,
        ready: format!("{}/{}", counts.ready, observed.wished(app)),
        selector,
        conditions: conditions::conditions(verdict, generation, old, now),
    }
}

/// The Deployment, when it is the App's own.
fn ours<'a>(app: &App, observed: &'a Observed) -> Option<&'a LiveDeployment> {
    use super::live::Ownership::Ours;
    let deployment = observed.deployment.as_ref();
    deployment.filter(|deployment| deployment.live.ownership(app) == Ours)
}

/// What is to be said of an App.
pub(super) fn judge(app: &App, observed: &Observed) -> Verdict {
    let desired = match observed.desired(app) {
        Ok(desired) => desired,
        Err(error) => return stalled(reason::INVALID_OVERRIDES, error.to_string()),
    };
    let pending: Vec<String> = desired
        .payloads()
        .filter(|(child, payload)| !observed.is_settled(*child, payload))
        .map(|(child, _)| called(child, app))
        .collect();
    let pods = pods(app, observed);
    if app.spec.paused {
        return held(&pending, pods);
    }
    if let Some((child, owner)) = observed.foreign(app) {
        let called = called(child, app);
        let owner = owner.unwrap_or_else(|| "nobody that appop knows".to_owned());
        return stalled(
            reason::NOT_OWNED,
            format!(
                "{called} exists already and belongs to {owner}: it is left alone; rename or \
                 delete one of the two"
            ),
        );
    }
    match &observed.failure {
        Some(Failure::Refused { child, message }) => {
            let called = called(*child, app);
            return stalled(
                reason::REFUSED,
                format!("the API server refuses {called}: {message}"),
            );
        }
        Some(Failure::Failing {
            child,
            reason,
            message,
        }) => {
            let called = called(*child, app);
            let message = format!("{called} cannot be written: {message}; it is tried again");
            return warning(reason, message);
        }
        None => {}
    }
    if let Some(child) = observed.going(app) {
        let called = called(child, app);
        let message = format!("{called} is being deleted; a new one is made when it is gone");
        return reconciling(reason::AWAITING_DELETION, message);
    }
    if !pending.is_empty() {
        let message = format!("{} not yet as the App asks for", pending.join(" and "));
        return reconciling(reason::APPLYING, message);
    }
    pods
}

/// What the Deployment and its pods say.
fn pods(app: &App, observed: &Observed) -> Verdict {
    let Some(deployment) = ours(app, observed) else {
        let message = format!("{} not there yet", called(super::Child::Deployment, app));
        return reconciling(reason::APPLYING, message);
    };
    let wished = observed.wished(app);
    let Counts {
        replicas,
        updated,
        ready,
        ..
    } = deployment.counts;
    if deployment.observed_generation < deployment.generation {
        let message = "the Deployment controller has not acted on the Deployment yet".to_owned();
        return reconciling(reason::AWAITING_CONTROLLER, message);
    }
    if [replicas, updated, ready] == [wished; 3] {
        let message = match wished {
            0 => "no replicas, as wished".to_owned(),
            1 => "the one replica is ready".to_owned(),
            n => format!("all {n} replicas are ready"),
        };
        return Verdict {
            state: State::Ready,
            reason: reason::READY.to_owned(),
            message,
            warning: false,
        };
    }
    let counted = counted(wished, deployment.counts);
    let cause = cause(deployment, &observed.troubles);
    if let Some(deadline) = &deployment.deadline_exceeded {
        let (reason, words) = match cause {
            Some((reason, words)) => (reason, words),
            None => ("ProgressDeadlineExceeded", deadline.clone()),
        };
        return stalled(
            reason,
            format!("{counted}: {words}; the rollout has passed its deadline"),
        );
    }
    if let Some((reason, words)) = cause {
        return warning(reason, format!("{counted}: {words}"));
    }
    if deployment.paused {
        let name = names::name(app);
        let message = format!(
            "{counted}: the Deployment's rollout is paused; kubectl rollout resume \
             deployment/{name} goes on"
        );
        return reconciling(reason::ROLLOUT_PAUSED, message);
    }
    reconciling(reason::ROLLING_OUT, counted)
}

/// `1 of 2 replicas are ready`, and what else there is to say about the numbers.
fn counted(wished: i32, counts: Counts) -> String {
    let mut words = format!("{} of {wished} replicas are ready", counts.ready);
    if counts.updated < wished {
        words += &format!(", {} updated", counts.updated);
    }
    if counts.replicas > wished {
        words += &format!(", {} to be removed", counts.replicas - wished);
    }
    words
}

/// Why pods are missing or not ready, as far as anybody says.
fn cause<'a>(deployment: &LiveDeployment, troubles: &'a [Trouble]) -> Option<(&'a str, String)> {
    if let Some(message) = &deployment.replica_failure {
        return Some(("FailedCreate", format!("pods cannot be created: {message}")));
    }
    let worst = troubles.iter().min()?;
    let alike = troubles.iter().filter(|t| t.reason == worst.reason).count();
    let words = match alike {
        1 => worst.message.clone(),
        n => format!("{} ({n} pods)", worst.message),
    };
    Some((&worst.reason, words))
}

/// A paused App is ready when it is so by itself.
fn held(pending: &[String], pods: Verdict) -> Verdict {
    let (state, words) = match (pending, pods.state) {
        ([], State::Ready) => (State::Ready, pods.message),
        ([], _) => (State::Held, pods.message),
        (pending, _) => {
            let words = format!("{} not as the App asks for", pending.join(" and "));
            (State::Held, words)
        }
    };
    Verdict {
        state,
        reason: reason::PAUSED.to_owned(),
        message: format!("paused, nothing is written: {words}"),
        warning: false,
    }
}

fn stalled(reason: &str, message: String) -> Verdict {
    Verdict {
        state: State::Stalled,
        reason: reason.to_owned(),
        message,
        warning: true,
    }
}

fn reconciling(reason: &str, message: String) -> Verdict {
    Verdict {
        state: State::Reconciling,
        reason: reason.to_owned(),
        message,
        warning: false,
    }
}

fn warning(reason: &str, message: String) -> Verdict {
    Verdict {
        warning: true,
        ..reconciling(reason, message)
    }
}

//! What is to be said of an App: ready, on the way, or at a standstill, and why.

use super::children::Child;
use super::failure::Failure;
use super::live::{Counts, LiveDeployment, Ownership};
use super::observed::{Observed, called};
use super::pods::Trouble;
use super::types::App;
use super::{names, reason};

/// What is to be said of an App.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Verdict {
    pub(super) state: State,
    /// In CamelCase; the same in all three conditions.
    pub(super) reason: String,
    /// In words.
    pub(super) message: String,
    /// Whether a person should look.
    pub(super) warning: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// It is what its spec says.
    Ready,
    /// It is not, and that is being worked on.
    Reconciling,
    /// It is not, and nothing will happen by itself.
    Stalled,
    /// It is not, and nothing is to be done about it: it is paused.
    Held,
}

/// The Deployment, when it is the App's own.
pub(super) fn ours<'a>(app: &App, observed: &'a Observed) -> Option<&'a LiveDeployment> {
    let deployment = observed.deployment.as_ref();
    deployment.filter(|deployment| deployment.live.ownership(app) == Ownership::Ours)
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
        let message = format!("{} not there yet", called(Child::Deployment, app));
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

#[cfg(test)]
mod tests {
    use k8s_openapi::jiff::Timestamp;
    use serde_json::json;

    use super::*;
    use crate::app::live::LiveService;
    use crate::app::pods::trouble;
    use crate::app::status::status;
    use crate::app::testing::{counts, foreign, settled};

    const NOW: Timestamp = Timestamp::UNIX_EPOCH;

    /// The conditions in one line: those that are True, the reason and the words of Ready.
    fn says(app: &App, observed: &Observed) -> String {
        let status = status(app, observed, NOW);
        let types: Vec<&str> = status.conditions.iter().map(|c| c.type_.as_str()).collect();
        assert_eq!(types, ["Ready", "Reconciling", "Stalled"]);
        let holding = status.conditions.iter().filter(|c| c.status == "True");
        let holding: Vec<&str> = holding.map(|c| c.type_.as_str()).collect();
        for condition in &status.conditions {
            assert_eq!(condition.reason, status.conditions[0].reason);
            assert_eq!(condition.observed_generation, app.metadata.generation);
            assert!(condition.status == "False" || !condition.message.is_empty());
        }
        let ready = &status.conditions[0];
        format!("{} {}: {}", holding.join("+"), ready.reason, ready.message)
    }

    fn with(app: &App, change: impl FnOnce(&mut LiveDeployment)) -> Observed {
        let mut observed = settled(app);
        change(observed.deployment.as_mut().unwrap());
        observed
    }

    fn image_trouble() -> Trouble {
        let pod = json!({"status": {"phase": "Pending", "containerStatuses": [{
            "name": "web", "image": "nginx:nope", "imageID": "", "ready": false, "restartCount": 0,
            "state": {"waiting": {"reason": "ErrImagePull", "message": "not found"}},
        }]}});
        trouble(&serde_json::from_value(pod).unwrap()).unwrap()
    }

    #[test]
    fn everything_is_said_from_the_first_visit_on() {
        let app = App::test("web").port(80);
        assert_eq!(
            says(&app, &Observed::default()),
            "Reconciling Applying: Deployment \"web\" and Service \"web\" not yet as the App asks \
             for"
        );
        let status = status(&app, &Observed::default(), NOW);
        assert_eq!((status.ready.as_str(), status.replicas), ("0/1", 0));
        assert_eq!(status.selector, "app.example.com/v1=web");
    }

    #[test]
    fn ready_is_when_all_that_are_wished_are() {
        let says = |wished: i32, now: Counts| {
            let app = App::test("web").replicas(wished);
            says(&app, &with(&app, |deployment| deployment.counts = now))
        };
        assert_eq!(
            says(2, counts(2, 2, 2)),
            "Ready AllReplicasReady: all 2 replicas are ready"
        );
        assert_eq!(
            says(1, counts(1, 1, 1)),
            "Ready AllReplicasReady: the one replica is ready"
        );
        assert_eq!(
            says(0, counts(0, 0, 0)),
            "Ready AllReplicasReady: no replicas, as wished"
        );
        assert_eq!(
            says(2, counts(2, 2, 1)),
            "Reconciling RollingOut: 1 of 2 replicas are ready"
        );
        assert_eq!(
            says(2, counts(3, 1, 2)),
            "Reconciling RollingOut: 2 of 2 replicas are ready, 1 updated, 1 to be removed"
        );
        assert_eq!(
            says(2, counts(2, 1, 2)),
            "Reconciling RollingOut: 2 of 2 replicas are ready, 1 updated"
        );
        assert_eq!(
            says(0, counts(1, 1, 1)),
            "Reconciling RollingOut: 1 of 0 replicas are ready, 1 to be removed"
        );
    }

    #[test]
    fn numbers_of_an_older_deployment_do_not_count() {
        let app = App::test("web");
        assert_eq!(
            says(&app, &with(&app, |deployment| deployment.generation = 2)),
            "Reconciling AwaitingDeploymentController: the Deployment controller has not acted on \
             the Deployment yet"
        );
        let changed = app.clone().image("b").changed();
        assert_eq!(
            says(&changed, &settled(&app)),
            "Reconciling Applying: Deployment \"web\" not yet as the App asks for"
        );
    }

    #[test]
    fn failing_pods_say_why() {
        let app = App::test("web").replicas(2);
        let mut observed = with(&app, |deployment| deployment.counts = counts(2, 2, 0));
        observed.troubles = vec![image_trouble()];
        assert_eq!(
            says(&app, &observed),
            "Reconciling ImagePullBackOff: 0 of 2 replicas are ready: image \"nginx:nope\" cannot \
             be pulled: not found"
        );
        observed.troubles.push(image_trouble());
        assert!(says(&app, &observed).ends_with("not found (2 pods)"));
        let deployment = observed.deployment.as_mut().unwrap();
        deployment.deadline_exceeded =
            Some("ReplicaSet \"x\" has timed out progressing.".to_owned());
        assert_eq!(
            says(&app, &observed),
            "Stalled ImagePullBackOff: 0 of 2 replicas are ready: image \"nginx:nope\" cannot be \
             pulled: not found (2 pods); the rollout has passed its deadline"
        );
        observed.troubles.clear();
        assert!(says(&app, &observed).starts_with("Stalled ProgressDeadlineExceeded: 0 of 2"));
    }

    #[test]
    fn troubles_of_pods_do_not_matter_to_a_ready_app() {
        let app = App::test("web");
        let mut observed = settled(&app);
        observed.troubles = vec![image_trouble()];
        assert!(says(&app, &observed).starts_with("Ready AllReplicasReady"));
    }

    #[test]
    fn pods_that_cannot_be_created_say_why() {
        let app = App::test("web");
        let observed = with(&app, |deployment| {
            deployment.counts = counts(0, 0, 0);
            deployment.replica_failure = Some("exceeded quota".to_owned());
        });
        assert_eq!(
            says(&app, &observed),
            "Reconciling FailedCreate: 0 of 1 replicas are ready, 0 updated: pods cannot be \
             created: exceeded quota"
        );
    }

    #[test]
    fn a_paused_rollout_says_how_to_go_on() {
        let app = App::test("web").replicas(2);
        let observed = with(&app, |deployment| {
            deployment.counts = counts(2, 0, 2);
            deployment.paused = true;
        });
        assert!(says(&app, &observed).contains("kubectl rollout resume deployment/web"));
    }

    #[test]
    fn a_paused_app_is_ready_when_it_is_so_by_itself() {
        let app = App::test("web").paused();
        assert_eq!(
            says(&app, &settled(&app)),
            "Ready Paused: paused, nothing is written: the one replica is ready"
        );
        assert_eq!(
            says(&app.clone().image("b"), &settled(&app)),
            " Paused: paused, nothing is written: Deployment \"web\" not as the App asks for"
        );
        let rolling = with(&app, |deployment| deployment.counts = counts(1, 1, 0));
        assert_eq!(
            says(&app, &rolling),
            " Paused: paused, nothing is written: 0 of 1 replicas are ready"
        );
    }

    #[test]
    fn what_is_somebody_elses_stalls() {
        let app = App::test("web").port(80);
        let mut observed = settled(&app);
        observed.service = Some(LiveService::read(&foreign(Child::Service)));
        assert_eq!(
            says(&app, &observed),
            "Stalled NotOwned: Service \"web\" exists already and belongs to nobody that appop \
             knows: it is left alone; rename or delete one of the two"
        );
        // Without ports there is to be no Service, and it does not matter.
        let app = App::test("web");
        let mut observed = settled(&app);
        observed.service = Some(LiveService::read(&foreign(Child::Service)));
        assert!(says(&app, &observed).starts_with("Ready"));
        observed.deployment = Some(LiveDeployment::read(&foreign(Child::Deployment)));
        assert!(says(&app, &observed).starts_with("Stalled NotOwned"));
    }

    #[test]
    fn failures_of_writes_are_told() {
        let app = App::test("web");
        let mut observed = settled(&app);
        observed.failure = Some(Failure::Refused {
            child: Child::Deployment,
            message: "spec.replicas: Invalid value: -1".to_owned(),
        });
        assert_eq!(
            says(&app, &observed),
            "Stalled Refused: the API server refuses Deployment \"web\": spec.replicas: Invalid \
             value: -1"
        );
        observed.failure = Some(Failure::Failing {
            child: Child::Service,
            reason: "Forbidden".to_owned(),
            message: "services is forbidden".to_owned(),
        });
        assert_eq!(
            says(&app, &observed),
            "Reconciling Forbidden: Service \"web\" cannot be written: services is forbidden; it \
             is tried again"
        );
        let bad = app.overrides(json!({"spec": {"containers": [{}]}}));
        assert_eq!(
            says(&bad, &Observed::default()),
            "Stalled InvalidPodOverrides: podOverrides.spec.containers[0] needs a name: the items \
             of this list are told apart by it"
        );
    }

    #[test]
    fn a_child_that_is_going_is_waited_for() {
        let app = App::test("web");
        let observed = with(&app, |deployment| deployment.live.deleting = true);
        assert_eq!(
            says(&app, &observed),
            "Reconciling AwaitingDeletion: Deployment \"web\" is being deleted; a new one is made \
             when it is gone"
        );
    }
}

//! How an App is, told from what was observed.

use k8s_openapi::jiff::Timestamp;
use serde_json::{Value, json};

use super::observed::Observed;
use super::types::{App, AppStatus};
use super::verdict::{self, Verdict};
use super::{conditions, labels, names};

/// The status of an App. The times in it are those of the App's present status where nothing
/// changed.
pub fn status(app: &App, observed: &Observed, now: Timestamp) -> AppStatus {
    of_verdict(app, observed, &verdict::judge(app, observed), now)
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

/// A status as it is applied, forced, to an App's status subresource under [`super::MANAGER`].
///
/// A uid would be of no use in it: the server takes no metadata on the way to a status.
pub fn payload(app: &App, status: &AppStatus) -> Value {
    let mut metadata = json!({"name": names::name(app)});
    if let Some(namespace) = &app.metadata.namespace {
        metadata["namespace"] = json!(namespace);
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
    let ours = verdict::ours(app, observed);
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::children::Child;
    use crate::app::live::{Counts, LiveDeployment};
    use crate::app::testing::{applied, counts, foreign, settled};

    const NOW: Timestamp = Timestamp::UNIX_EPOCH;

    fn with(app: &App, change: impl FnOnce(&mut LiveDeployment)) -> Observed {
        let mut observed = settled(app);
        change(observed.deployment.as_mut().unwrap());
        observed
    }

    #[test]
    fn the_numbers_are_those_of_the_deployment() {
        let app = App::test("web").replicas(3);
        let observed = with(&app, |deployment| {
            deployment.counts = Counts {
                replicas: 4,
                updated: 3,
                ready: 2,
                available: 1,
                unavailable: 5,
            };
        });
        let status = json!(status(&app, &observed, NOW));
        let numbers = json!({
            "observedGeneration": 1, "replicas": 4, "updatedReplicas": 3, "readyReplicas": 2,
            "availableReplicas": 1, "unavailableReplicas": 5, "ready": "2/3",
            "selector": "app.example.com/v1=web",
        });
        for (name, number) in numbers.as_object().unwrap() {
            assert_eq!(status[name], *number, "{name}");
        }
    }

    #[test]
    fn with_an_autoscaler_its_number_is_the_wished_one() {
        let app = App::test("web").replicas(1);
        let mut observed = with(&app, |deployment| {
            deployment.wished = 4;
            deployment.counts = counts(4, 4, 4);
        });
        assert_eq!(status(&app, &observed, NOW).ready, "4/1");
        observed.autoscaler = Some("web".to_owned());
        assert_eq!(status(&app, &observed, NOW).ready, "4/4");
    }

    #[test]
    fn the_numbers_of_somebody_elses_deployment_are_not_told() {
        let app = App::test("web").replicas(2);
        let mut observed = with(&app, |deployment| deployment.counts = counts(2, 2, 2));
        let theirs = LiveDeployment::read(&foreign(Child::Deployment));
        observed.deployment = Some(LiveDeployment {
            counts: counts(2, 2, 2),
            ..theirs
        });
        let status = status(&app, &observed, NOW);
        assert_eq!((status.replicas, status.ready.as_str()), (0, "0/2"));
    }

    #[test]
    fn times_move_with_their_status_alone() {
        let later: Timestamp = "2026-01-01T00:00:00.5Z".parse().unwrap();
        let app = App::test("web").reported(&applied(&App::test("web")), NOW);
        let same = status(&app, &applied(&app), later);
        assert_eq!(Some(&same), app.status.as_ref());
        let ready = status(&app, &settled(&app), later);
        let times: Vec<String> = ready
            .conditions
            .iter()
            .map(|c| c.last_transition_time.0.to_string())
            .collect();
        let (moved, kept) = ("2026-01-01T00:00:00Z", "1970-01-01T00:00:00Z");
        assert_eq!(times, [moved, moved, kept]);
    }

    #[test]
    fn statuses_are_compared_without_times() {
        let app = App::test("web");
        let later: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
        let (a, b) = (
            status(&app, &settled(&app), NOW),
            status(&app, &settled(&app), later),
        );
        assert_ne!(a, b);
        assert!(same_ignoring_times(&a, &b));
        assert!(!same_ignoring_times(&a, &status(&app, &applied(&app), NOW)));
    }

    #[test]
    fn a_status_is_sent_alone() {
        let app = App::test("web");
        let sent = payload(&app, &status(&app, &settled(&app), NOW));
        let metadata = json!({"name": "web", "namespace": "default"});
        assert_eq!(sent["metadata"], metadata);
        assert_eq!(sent["apiVersion"], "app.example.com/v1");
        assert_eq!(sent["status"]["ready"], "1/1");
        assert_eq!(sent.get("spec"), None);
        assert!(!sent.to_string().contains("null"));
    }
}

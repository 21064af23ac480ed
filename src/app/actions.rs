//! What is to be done, decided from what was observed; others do it.

use k8s_openapi::jiff::Timestamp;
use serde_json::Value;

use super::children::{self, Child};
use super::events::{self, Note};
use super::failure::Failure;
use super::live::Ownership;
use super::observed::Observed;
use super::status::{self, same_ignoring_times};
use super::types::{App, AppStatus};
use super::verdict;
use super::{HANDOVER, MANAGER};

/// One thing to do.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// Server-side apply, forced, of a child in the App's namespace.
    Apply {
        /// Which child.
        child: Child,
        /// The field manager: [`MANAGER`] or [`HANDOVER`].
        manager: &'static str,
        /// What is sent. The precondition is the sender's: a child that was not observed must only
        /// be created, one that was must still be the same object.
        payload: Value,
    },
    /// A delete with a precondition on the uid.
    Delete {
        /// Which child.
        child: Child,
        /// Of this very object.
        uid: String,
    },
    /// The App's status is to be this one.
    PatchStatus(AppStatus),
    /// An Event about the App.
    Event(Note),
}

/// What is to be done to an App's children, in this order; nothing when all is as it should be.
///
/// Nothing is done for an App that is being deleted (the garbage collector takes its children),
/// is paused, or has been refused by the server; nothing is ever done to an object that belongs to
/// somebody else, or that is going.
pub fn plan(app: &App, observed: &Observed) -> Vec<Action> {
    let refused = matches!(observed.failure, Some(Failure::Refused { .. }));
    if app.metadata.deletion_timestamp.is_some() || app.spec.paused || refused {
        return Vec::new();
    }
    // What cannot be merged is said in the status; an App is brought up whole or not at all.
    let Ok(desired) = observed.desired(app) else {
        return Vec::new();
    };
    let mut actions = Vec::new();
    let unwanted = desired.service.is_none();
    for (child, payload) in desired.payloads() {
        if may_write(app, observed, child) && !observed.is_settled(child, &payload) {
            if child == Child::Deployment {
                actions.extend(hand_over(app, observed));
            }
            actions.push(Action::Apply {
                child,
                manager: MANAGER,
                payload,
            });
        }
    }
    if unwanted && let Some(service) = &observed.service {
        let live = &service.live;
        if !live.deleting && live.ownership(app) == Ownership::Ours {
            actions.push(Action::Delete {
                child: Child::Service,
                uid: live.uid.clone(),
            });
        }
    }
    actions
}

/// What is to be said about an App after its children were seen to: its status, when it says
/// something else than the stored one, and an Event when that is a transition.
///
/// Nothing is said about an App that is being deleted.
pub fn report(app: &App, observed: &Observed, now: Timestamp) -> Vec<Action> {
    if app.metadata.deletion_timestamp.is_some() {
        return Vec::new();
    }
    let verdict = verdict::judge(app, observed);
    let status = status::of_verdict(app, observed, &verdict, now);
    let old = app.status.as_ref();
    let mut actions = Vec::new();
    if !old.is_some_and(|old| same_ignoring_times(old, &status)) {
        actions.push(Action::PatchStatus(status));
    }
    let conditions = old.map_or(&[][..], |old| old.conditions.as_slice());
    actions.extend(events::transitions(conditions, &verdict).map(Action::Event));
    actions
}

fn may_write(app: &App, observed: &Observed, child: Child) -> bool {
    let Some(live) = observed.live(child) else {
        return true;
    };
    !live.deleting && matches!(live.ownership(app), Ownership::Ours | Ownership::Orphan)
}

/// An autoscaler that has not written yet owns no replicas; if we dropped them, nobody would.
fn hand_over(app: &App, observed: &Observed) -> Option<Action> {
    observed.autoscaler.as_ref()?;
    let deployment = observed.deployment.as_ref()?;
    if deployment.may_drop_replicas() {
        return None;
    }
    Some(Action::Apply {
        child: Child::Deployment,
        manager: HANDOVER,
        payload: children::handover(app, deployment.wished),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::app::live::{LiveDeployment, LiveService};
    use crate::app::testing::{applied, foreign, settled, stored};

    fn applies(actions: &[Action]) -> Vec<(Child, &'static str)> {
        let applied = actions.iter().filter_map(|action| match action {
            Action::Apply { child, manager, .. } => Some((*child, *manager)),
            _ => None,
        });
        applied.collect()
    }

    #[test]
    fn a_new_app_gets_its_children() {
        let app = App::test("web").port(80);
        assert_eq!(
            applies(&plan(&app, &Observed::default())),
            [(Child::Deployment, MANAGER), (Child::Service, MANAGER)]
        );
        let app = App::test("web");
        let deployment = [(Child::Deployment, MANAGER)];
        assert_eq!(applies(&plan(&app, &Observed::default())), deployment);
    }

    #[test]
    fn what_is_as_it_should_be_is_not_written() {
        let app = App::test("web").port(80).env("A", "");
        assert_eq!(plan(&app, &settled(&app)), []);
    }

    #[test]
    fn only_the_child_that_differs_is_written() {
        let app = App::test("web").port(80);
        let observed = settled(&app);
        let image = app.clone().image("nginx:2");
        let deployment = [(Child::Deployment, MANAGER)];
        assert_eq!(applies(&plan(&image, &observed)), deployment);
        let ports = App::test("web").ports(json!([{"port": 80, "targetPort": 80, "name": "a"},
            {"port": 81, "targetPort": 80}]));
        let both = [(Child::Deployment, MANAGER), (Child::Service, MANAGER)];
        assert_eq!(applies(&plan(&ports, &observed)), both);
    }

    #[test]
    fn a_child_that_is_gone_is_made_again() {
        let app = App::test("web").port(80);
        let mut observed = settled(&app);
        observed.service = None;
        assert_eq!(applies(&plan(&app, &observed)), [(Child::Service, MANAGER)]);
    }

    #[test]
    fn a_service_without_ports_goes_by_its_uid() {
        let app = App::test("web");
        let mut observed = settled(&App::test("web").port(80));
        // The container's port has to go as well.
        let actions = plan(&app, &observed);
        assert_eq!(applies(&actions), [(Child::Deployment, MANAGER)]);
        let delete = Action::Delete {
            child: Child::Service,
            uid: "uid-Service".to_owned(),
        };
        assert_eq!(actions[1..], [delete]);
        observed.service.as_mut().unwrap().live.deleting = true;
        assert_eq!(plan(&app, &observed).len(), 1);
        observed.service = Some(LiveService::read(&foreign(Child::Service)));
        assert_eq!(plan(&app, &observed).len(), 1);
    }

    #[test]
    fn what_is_somebody_elses_is_never_written() {
        let app = App::test("web").port(80);
        let mut observed = settled(&app);
        observed.deployment = Some(LiveDeployment::read(&foreign(Child::Deployment)));
        observed.service = Some(LiveService::read(&foreign(Child::Service)));
        assert_eq!(plan(&app, &observed), []);
    }

    #[test]
    fn an_orphan_is_adopted_and_a_predecessors_child_is_not() {
        let app = App::test("web");
        let payload = children::deployment(&app, None, Some(1)).unwrap();
        let mut orphan = stored(&payload, MANAGER);
        let owners = orphan["metadata"]["ownerReferences"].take();
        let observed = |object: &Value| Observed {
            deployment: Some(LiveDeployment::read(object)),
            ..Observed::default()
        };
        let adopted = [(Child::Deployment, MANAGER)];
        assert_eq!(applies(&plan(&app, &observed(&orphan))), adopted);
        orphan["metadata"]["ownerReferences"] = owners;
        orphan["metadata"]["ownerReferences"][0]["uid"] = json!("uid-earlier");
        assert_eq!(plan(&app, &observed(&orphan)), []);
    }

    #[test]
    fn nothing_is_written_for_an_app_that_is_paused_refused_or_going() {
        let app = App::test("web");
        assert_eq!(plan(&app.clone().paused(), &Observed::default()), []);
        let refused = Observed {
            failure: Some(Failure::Refused {
                child: Child::Deployment,
                message: "no".to_owned(),
            }),
            ..Observed::default()
        };
        assert_eq!(plan(&app, &refused), []);
        let bad = app.clone().overrides(json!({"spec": {"containers": [{}]}}));
        assert_eq!(plan(&bad, &Observed::default()), []);
        let mut going = app;
        let time = "2026-01-01T00:00:00Z";
        going.metadata.deletion_timestamp = serde_json::from_value(json!(time)).unwrap();
        assert_eq!(plan(&going, &Observed::default()), []);
        assert_eq!(
            report(&going, &Observed::default(), Timestamp::UNIX_EPOCH),
            []
        );
    }

    #[test]
    fn what_may_pass_is_tried_again() {
        let app = App::test("web");
        let failing = Observed {
            failure: Some(Failure::Failing {
                child: Child::Deployment,
                reason: "Forbidden".to_owned(),
                message: "no".to_owned(),
            }),
            ..Observed::default()
        };
        assert_eq!(
            applies(&plan(&app, &failing)),
            [(Child::Deployment, MANAGER)]
        );
    }

    #[test]
    fn replicas_are_handed_to_an_autoscaler_before_they_are_left_out() {
        let app = App::test("web").replicas(3);
        let mut observed = settled(&app);
        observed.autoscaler = Some("web".to_owned());
        let actions = plan(&app, &observed);
        let both = [(Child::Deployment, HANDOVER), (Child::Deployment, MANAGER)];
        assert_eq!(applies(&actions), both);
        let Action::Apply { payload, .. } = &actions[1] else {
            panic!("{actions:?}");
        };
        assert_eq!(payload["spec"].get("replicas"), None);
        // From then on the number is not ours, whatever it is.
        let mut live = stored(payload, MANAGER);
        live["spec"]["replicas"] = json!(7);
        observed.deployment = Some(LiveDeployment::read(&live));
        assert_eq!(plan(&app, &observed), []);
        // And without the autoscaler it is again.
        observed.autoscaler = None;
        assert_eq!(
            applies(&plan(&app, &observed)),
            [(Child::Deployment, MANAGER)]
        );
    }

    #[test]
    fn an_autoscaler_that_has_written_needs_no_handing_over() {
        let app = App::test("web").replicas(3);
        let mut observed = settled(&app);
        observed.autoscaler = Some("web".to_owned());
        observed.deployment.as_mut().unwrap().replicas_others = true;
        assert_eq!(
            applies(&plan(&app, &observed)),
            [(Child::Deployment, MANAGER)]
        );
    }

    #[test]
    fn a_new_deployment_starts_with_the_apps_number() {
        let app = App::test("web").replicas(3);
        let observed = Observed {
            autoscaler: Some("web".to_owned()),
            ..Observed::default()
        };
        let Action::Apply { payload, .. } = &plan(&app, &observed)[0] else {
            panic!("an apply");
        };
        assert_eq!(payload["spec"]["replicas"], 3);
    }

    #[test]
    fn what_a_webhook_stores_instead_is_not_fought_over() {
        let app = App::test("web");
        let mut observed = Observed::default();
        let payload = children::deployment(&app, None, Some(1)).unwrap();
        let mut answer = stored(&payload, MANAGER);
        answer["spec"]["template"]["spec"]["containers"][0]["image"] = json!("mirror/nginx");
        observed.applied(Child::Deployment, &payload, &answer);
        assert_eq!(plan(&app, &observed), []);
        let deployment = [(Child::Deployment, MANAGER)];
        assert_eq!(
            applies(&plan(&app.clone().image("b"), &observed)),
            deployment
        );
        answer["spec"]["replicas"] = json!(9);
        observed.deployment = Some(LiveDeployment::read(&answer));
        assert_eq!(applies(&plan(&app, &observed)), deployment);
    }

    #[test]
    fn a_status_is_written_when_it_says_something_else() {
        let app = App::test("web").replicas(2);
        let now: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
        let later: Timestamp = "2026-01-01T01:00:00Z".parse().unwrap();
        let observed = settled(&app);
        let first = report(&app, &observed, now);
        assert!(matches!(first[0], Action::PatchStatus(_)));
        let app = app.reported(&observed, now);
        assert_eq!(report(&app, &observed, later), []);
        let changed = report(&app.changed(), &observed, later);
        let [Action::PatchStatus(status)] = changed.as_slice() else {
            panic!("{changed:?}");
        };
        assert_eq!(status.observed_generation, Some(2));
    }

    #[test]
    fn events_tell_transitions() {
        let now = Timestamp::UNIX_EPOCH;
        let app = App::test("web").replicas(2);
        let events = |app: &App, observed: &Observed| {
            let actions = report(app, observed, now);
            let notes = actions.into_iter().filter_map(|action| match action {
                Action::Event(note) => Some((note.warning, note.reason)),
                _ => None,
            });
            notes.collect::<Vec<_>>()
        };
        let normal = |reason: &str| vec![(false, reason.to_owned())];
        let warning = |reason: &str| vec![(true, reason.to_owned())];

        // On the way up nothing, ready once.
        assert_eq!(events(&app, &applied(&app)), []);
        assert_eq!(events(&app, &settled(&app)), normal("AllReplicasReady"));
        let ready = app.clone().reported(&settled(&app), now);
        assert_eq!(events(&ready, &settled(&app)), []);

        let mut theirs = settled(&app);
        theirs.deployment = Some(LiveDeployment::read(&foreign(Child::Deployment)));
        assert_eq!(events(&ready, &theirs), warning("NotOwned"));
        let stalled = app.clone().reported(&theirs, now);
        assert_eq!(events(&stalled, &theirs), []);
        assert_eq!(events(&stalled, &settled(&app)), normal("AllReplicasReady"));

        let refused = |message: &str| Observed {
            failure: Some(Failure::Refused {
                child: Child::Deployment,
                message: message.to_owned(),
            }),
            ..settled(&app)
        };
        let no = app.clone().reported(&refused("no"), now);
        assert_eq!(events(&no, &refused("no")), []);
        assert_eq!(events(&no, &refused("still no")), warning("Refused"));

        let paused = app.clone().paused();
        assert_eq!(events(&paused, &settled(&app)), normal("Paused"));
        let held = paused.reported(&settled(&app), now);
        assert_eq!(events(&held, &settled(&app)), []);
        let mut resumed = app.clone().image("b");
        resumed.status = held.status;
        assert_eq!(events(&resumed, &settled(&app)), normal("Resumed"));
    }
}

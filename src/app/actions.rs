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
        /// What is sent.
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
    let verdict = status::judge(app, observed);
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

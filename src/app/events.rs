//! What is worth an Event: transitions, and nothing else.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;

use super::conditions::{READY, STALLED, find};
use super::pods::shortened;
use super::reason;
use super::verdict::{State, Verdict};

/// An Event about an App.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// Whether its type is `Warning`; otherwise `Normal`.
    pub warning: bool,
    /// In CamelCase.
    pub reason: String,
    /// In words.
    pub note: String,
}

/// The Events that a verdict is worth, given the conditions that were there before.
///
/// Becoming ready, coming to a standstill, a new trouble, being paused and going on: each once. An
/// operator that restarts finds the old conditions and has nothing to say.
pub(super) fn transitions(old: &[Condition], verdict: &Verdict) -> Option<Note> {
    let holds = |type_| find(old, type_).is_some_and(|condition| condition.status == "True");
    // A spec may be refused again, for another reason in the same CamelCase.
    let same_words = find(old, STALLED).is_some_and(|c| c.message == shortened(&verdict.message));
    let old_reason = find(old, READY).map_or("", |condition| condition.reason.as_str());
    let same_reason = old_reason == verdict.reason;
    let note = |warning: bool| {
        Some(Note {
            warning,
            reason: verdict.reason.clone(),
            note: shortened(&verdict.message),
        })
    };
    match verdict.state {
        _ if verdict.reason == reason::PAUSED => note(false).filter(|_| !same_reason),
        State::Ready if !holds(READY) => note(false),
        State::Stalled if !holds(STALLED) || !same_reason || !same_words => note(true),
        State::Reconciling if verdict.warning && !same_reason => note(true),
        _ if old_reason == reason::PAUSED => Some(Note {
            warning: false,
            reason: reason::RESUMED.to_owned(),
            note: "no longer paused".to_owned(),
        }),
        _ => None,
    }
}

//! The conditions Ready, Reconciling and Stalled, as kstatus reads them.
//!
//! kstatus (sigs.k8s.io/cli-utils/pkg/kstatus) takes an object for current unless a condition says
//! otherwise: all three are there from the first visit on.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use k8s_openapi::jiff::Timestamp;

use super::pods::shortened;
use super::verdict::{State, Verdict};

/// Whether the App is what its spec says.
pub(super) const READY: &str = "Ready";
/// Whether it is on the way there.
pub(super) const RECONCILING: &str = "Reconciling";
/// Whether it will not get there unless somebody does something.
pub(super) const STALLED: &str = "Stalled";

/// The three conditions. `lastTransitionTime` is that of the old condition while the status is the
/// same.
pub(super) fn conditions(
    verdict: &Verdict,
    generation: Option<i64>,
    old: &[Condition],
    now: Timestamp,
) -> Vec<Condition> {
    let (message, none) = (shortened(&verdict.message), String::new());
    let ready = verdict.state == State::Ready;
    let reconciling = verdict.state == State::Reconciling;
    let stalled = verdict.state == State::Stalled;
    let say = |said: bool| if said { &message } else { &none };
    [
        (READY, ready, &message),
        (RECONCILING, reconciling, say(reconciling)),
        (STALLED, stalled, say(stalled)),
    ]
    .into_iter()
    .map(|(type_, holds, message)| {
        let status = if holds { "True" } else { "False" };
        let before = old.iter().find(|condition| condition.type_ == type_);
        let since = before.filter(|condition| condition.status == status);
        Condition {
            type_: type_.to_owned(),
            status: status.to_owned(),
            reason: verdict.reason.clone(),
            message: message.clone(),
            observed_generation: generation,
            last_transition_time: since.map_or_else(
                || Time(whole_second(now)),
                |condition| condition.last_transition_time.clone(),
            ),
        }
    })
    .collect()
}

/// The condition of a type.
pub(super) fn find<'a>(conditions: &'a [Condition], type_: &str) -> Option<&'a Condition> {
    conditions.iter().find(|condition| condition.type_ == type_)
}

/// Kubernetes keeps times to the second; a finer one would not come back as it was sent.
fn whole_second(now: Timestamp) -> Timestamp {
    Timestamp::from_second(now.as_second()).unwrap_or(now)
}

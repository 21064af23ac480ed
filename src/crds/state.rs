//! Whether a CRD is established, or why it is not.

use super::model::{Condition, Crd};

/// Removes all objects before the CRD goes; the server puts it on every CRD that is deleted.
/// Source: k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1/types.go.
const CLEANUP: &str = "customresourcecleanup.apiextensions.k8s.io";

/// Whether a CRD is established, or why it is not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// It is served, under the names that it asks for
    Established,
    /// It is served, but under older names; with the server's reason
    OldNames(String),
    /// It is not served; with the server's reason
    NotEstablished(String),
    /// The server has not looked at it yet
    New,
    /// It was deleted and is still there; with what it waits for
    Terminating(String),
    /// It is not known, because it may not be read
    Unknown,
}

impl State {
    /// From deletion mark and conditions.
    pub fn of(crd: &Crd) -> Self {
        if crd.metadata.deletion_timestamp.is_some() {
            return State::Terminating(waits_for(crd));
        }
        match (crd.condition("Established"), crd.condition("NamesAccepted")) {
            (None, None) => State::New,
            (Some(established), names) if established.status == "True" => match names {
                Some(names) if names.status == "False" => State::OldNames(why(names)),
                _ => State::Established,
            },
            // NamesAccepted says what is wrong, where it is that; Established then only follows.
            (_, Some(names)) if names.status == "False" => State::NotEstablished(why(names)),
            (Some(established), _) => State::NotEstablished(why(established)),
            (None, Some(_)) => State::New,
        }
    }

    /// For a table's cell: `True`, or why not.
    pub fn text(&self) -> String {
        match self {
            State::Established => "True".to_owned(),
            State::OldNames(why) => format!("True, under old names: {why}"),
            State::NotEstablished(why) => format!("False: {why}"),
            State::New => "False: the server has not looked at it yet".to_owned(),
            State::Terminating(what) => format!("Terminating: {what}"),
            State::Unknown => "Unknown".to_owned(),
        }
    }
}

fn why(condition: &Condition) -> String {
    match (condition.reason.as_str(), condition.message.as_str()) {
        (reason, "") => reason.to_owned(),
        ("", message) => message.to_owned(),
        (reason, message) => format!("{reason}: {message}"),
    }
}

/// Whether a deleted CRD waits until its objects are gone.
pub(super) fn waits_for_objects(crd: &Crd) -> bool {
    crd.metadata.finalizers.iter().any(|f| f == CLEANUP)
}

fn waits_for(crd: &Crd) -> String {
    let others: Vec<&str> = crd
        .metadata
        .finalizers
        .iter()
        .map(String::as_str)
        .filter(|f| *f != CLEANUP)
        .collect();
    if !waits_for_objects(crd) {
        return match others.as_slice() {
            [] => "it is about to go".to_owned(),
            [one] => format!("waits for the finalizer {one}"),
            many => format!("waits for the finalizers {}", many.join(", ")),
        };
    }
    let said = crd
        .condition("Terminating")
        .filter(|c| !c.message.is_empty())
        .map(|c| format!(" ({})", why(c)))
        .unwrap_or_default();
    let more = match others.as_slice() {
        [] => String::new(),
        some => format!(", then for {}", some.join(", ")),
    };
    format!("waits until its objects are gone{said}{more}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crds::testing::crd;

    #[test]
    fn the_reason_is_that_of_the_names() {
        let conflict = crd("a.b")
            .condition(
                "NamesAccepted",
                "False",
                "KindConflict",
                "\"A\" is already in use",
            )
            .condition(
                "Established",
                "False",
                "NotAccepted",
                "not all names are accepted",
            );
        assert_eq!(
            State::of(&conflict.done()).text(),
            "False: KindConflict: \"A\" is already in use"
        );
        let renamed = crd("a.b")
            .condition("NamesAccepted", "False", "ShortNamesConflict", "x")
            .condition("Established", "True", "", "");
        assert_eq!(
            State::of(&renamed.done()),
            State::OldNames("ShortNamesConflict: x".into())
        );
        let early = crd("a.b").condition("NamesAccepted", "True", "", "");
        assert_eq!(State::of(&early.done()), State::New);
        assert_eq!(State::of(&crd("a.b").done()), State::New);
        assert_eq!(
            State::of(&crd("a.b").established().done()),
            State::Established
        );
    }

    #[test]
    fn what_keeps_a_deleted_crd_is_named() {
        let of = |finalizers: &[&str]| {
            let crd = crd("a.b").established().deleted(finalizers).condition(
                "Terminating",
                "True",
                "InstanceDeletionInProgress",
                "3 left",
            );
            State::of(&crd.done()).text()
        };
        assert_eq!(
            of(&["x.com/hold"]),
            "Terminating: waits for the finalizer x.com/hold"
        );
        assert_eq!(
            of(&[CLEANUP, "x.com/hold"]),
            "Terminating: waits until its objects are gone (InstanceDeletionInProgress: 3 left), \
             then for x.com/hold"
        );
        assert_eq!(of(&[]), "Terminating: it is about to go");
    }
}

//! What could not be looked at, in few words.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::crds::fetch::{is_forbidden, reason};
use crate::discovery::Discovery;
use crate::output::Printer;
use crate::ownership::list::Skipped;

/// So many names are worth reading in one sentence.
const NAMED: usize = 6;

/// What could not be looked at.
#[derive(Clone, Debug, Default)]
pub(in crate::cli) struct Notes {
    forbidden: Vec<String>,
    place: String,
    /// Reason, and what it is the reason for
    failed: BTreeMap<String, Vec<String>>,
}

impl Notes {
    pub(in crate::cli) fn of(skipped: Vec<Skipped>, namespace: Option<&str>) -> Self {
        let mut notes = Notes::default();
        for skipped in skipped {
            notes.add(skipped, namespace);
        }
        notes
    }

    pub(in crate::cli) fn add(&mut self, skipped: Skipped, namespace: Option<&str>) {
        let resource = skipped.kind.resource();
        if is_forbidden(&skipped.problem) {
            self.place = match namespace {
                Some(namespace) => format!("in the namespace {namespace:?}"),
                None => "in all namespaces".to_owned(),
            };
            self.forbidden.push(resource);
        } else {
            let why = reason(&skipped.problem);
            self.failed.entry(why).or_default().push(resource);
        }
    }

    /// The group-versions that discovery could not name the kinds of.
    pub(in crate::cli) fn undiscovered(&mut self, discovery: &Discovery) {
        for failure in &discovery.failures {
            let what = format!("the resources of {}", failure.group_version());
            self.failed
                .entry(failure.reason.clone())
                .or_default()
                .push(what);
        }
    }

    pub(in crate::cli) fn is_empty(&self) -> bool {
        self.forbidden.is_empty() && self.failed.is_empty()
    }

    /// A sentence for each reason.
    pub(in crate::cli) fn sentences(&self) -> Vec<String> {
        let forbidden = (!self.forbidden.is_empty()).then(|| {
            format!(
                "not shown, because you may not list it {}: {}. To see it, a role must allow the \
                 verb list.",
                self.place,
                named(&self.forbidden)
            )
        });
        let failed = self.failed.iter().map(|(why, what)| {
            format!(
                "not shown, because it cannot be read: {} ({why})",
                named(what)
            )
        });
        forbidden.into_iter().chain(failed).collect()
    }

    /// Says it on stderr.
    pub(in crate::cli) fn say(&self, printer: Printer) {
        for sentence in self.sentences() {
            printer.warn(&sentence);
        }
    }

    /// One object a resource.
    pub(super) fn json(&self) -> Value {
        let forbidden = self
            .forbidden
            .iter()
            .map(|resource| json!({"resource": resource, "reason": "Forbidden"}));
        let failed = self.failed.iter().flat_map(|(why, what)| {
            what.iter()
                .map(move |resource| json!({"resource": resource, "reason": why}))
        });
        forbidden.chain(failed).collect()
    }
}

fn named(all: &[String]) -> String {
    match all.len() {
        many if many > NAMED + 1 => {
            format!("{} and {} more", all[..NAMED].join(", "), many - NAMED)
        }
        _ => all.join(", "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_names_are_cut_short() {
        let all: Vec<String> = (0..9).map(|n| n.to_string()).collect();
        assert_eq!(named(&all), "0, 1, 2, 3, 4, 5 and 3 more");
        assert_eq!(named(&all[..7]), "0, 1, 2, 3, 4, 5, 6");
    }
}

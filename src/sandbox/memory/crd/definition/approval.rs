//! Groups that belong to Kubernetes ask for an annotation (`pkg/apihelpers` of
//! apiextensions-apiserver).

use serde_json::Value;

use super::super::format;
use super::super::go;
use crate::sandbox::memory::field::{FieldError, Path};

const ANNOTATION: &str = "api-approved.kubernetes.io";

/// What the annotation says.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum State {
    Invalid,
    Approved,
    Bypassed,
    Missing,
}

/// Whether a group needs approval.
pub(super) fn is_protected(group: &str) -> bool {
    ["k8s.io", "kubernetes.io"].into_iter().any(|domain| {
        let rest = group.strip_suffix(domain);
        rest.is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
    })
}

/// The state and its words.
pub(super) fn state(definition: &Value) -> (State, String) {
    let text = annotation(definition);
    if text.is_empty() {
        let words = format!(
            "protected groups must have approval annotation \"{ANNOTATION}\", see \
             https://github.com/kubernetes/enhancements/pull/1111"
        );
        return (State::Missing, words);
    }
    if text.starts_with("unapproved") {
        return (
            State::Bypassed,
            format!("not approved: {}", go::quote(text)),
        );
    }
    if is_url(text) {
        return (State::Approved, format!("approved in {text}"));
    }
    let words = format!(
        "protected groups must have approval annotation \"{ANNOTATION}\" with either a URL or a \
         reason starting with \"unapproved\", see \
         https://github.com/kubernetes/enhancements/pull/1111"
    );
    (State::Invalid, words)
}

fn annotation(definition: &Value) -> &str {
    let annotations = &definition["metadata"]["annotations"];
    annotations[ANNOTATION].as_str().unwrap_or_default()
}

/// A URL with a host.
fn is_url(text: &str) -> bool {
    let is_uri = format::check("uri").is_some_and(|check| check(text));
    let host = text.split_once("://").map(|(_, rest)| rest);
    is_uri && host.is_some_and(|rest| !rest.is_empty() && !rest.starts_with(['/', '?']))
}

/// What is wrong. A state that has not changed is let be.
pub(super) fn validate(group: &str, new: &Value, old: Option<&Value>) -> Option<FieldError> {
    if !is_protected(group) {
        return None;
    }
    let (now, words) = state(new);
    if old.is_some_and(|old| state(old).0 == now) {
        return None;
    }
    let path = Path::new("metadata.annotations").key(ANNOTATION);
    match now {
        State::Approved | State::Bypassed => None,
        State::Missing => Some(FieldError::required(&path, words)),
        State::Invalid => Some(go::invalid_text(&path, annotation(new), words)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn approvals() {
        let of = |text: &str| state(&json!({"metadata": {"annotations": {ANNOTATION: text}}})).0;
        assert!(of("") == State::Missing);
        assert!(of("unapproved, for tests") == State::Bypassed);
        assert!(of("https://github.com/kubernetes/kubernetes/pull/1") == State::Approved);
        for invalid in ["yes", "http://", "/a/b"] {
            assert!(of(invalid) == State::Invalid, "{invalid}");
        }
        assert!(is_protected("k8s.io") && is_protected("a.kubernetes.io"));
        assert!(!is_protected("notk8s.io") && !is_protected("x-k8s.io"));
    }
}

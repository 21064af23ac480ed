//! What a check found, and how it becomes an error about a field (`kubeOpenAPIResultToFieldErrors`
//! of apiextensions-apiserver).

use std::collections::HashSet;

use serde_json::Value;

use super::place::Place;
use crate::sandbox::memory::crd::go;
use crate::sandbox::memory::field::{FieldError, Path, Wrong};

/// One thing that is wrong.
#[derive(Clone, Debug)]
pub(super) struct Failure {
    /// By which equal ones are told: the sentence of kube-openapi, shown or not.
    message: String,
    /// Where; `None` for what concerns the value as a whole.
    name: Option<String>,
    wrong: Wrong,
    value: String,
    detail: String,
}

/// What is wrong, each thing once, and how many checks were made.
#[derive(Clone, Debug, Default)]
pub(super) struct Failures {
    all: Vec<Failure>,
    seen: HashSet<String>,
    /// See `Result.MatchCount` of kube-openapi.
    pub(super) matches: usize,
}

impl Failures {
    /// Nothing wrong, in one check.
    pub(super) fn counted() -> Self {
        Failures {
            matches: 1,
            ..Failures::default()
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    pub(super) fn push(&mut self, failure: Failure) {
        if self.seen.insert(failure.message.clone()) {
            self.all.push(failure);
        }
    }

    pub(super) fn merge(&mut self, others: Failures) {
        self.matches += others.matches;
        if self.all.is_empty() {
            self.all = others.all;
            self.seen = others.seen;
            return;
        }
        for failure in others.all {
            self.push(failure);
        }
    }

    /// As if nothing were wrong.
    pub(super) fn forgiven(self) -> Self {
        Failures {
            matches: self.matches,
            ..Failures::default()
        }
    }

    /// As errors, their fields below `path`.
    pub(super) fn into_errors(self, path: Option<&Path>) -> Vec<FieldError> {
        let root = Path::root();
        let base = path.unwrap_or(&root);
        let errors = self.all.into_iter();
        errors
            .map(|failure| {
                let name = failure.name.as_deref().unwrap_or_default();
                let name = name.strip_prefix('.').unwrap_or(name);
                let path = if name.is_empty() {
                    base.clone()
                } else {
                    base.child(name)
                };
                go::error(failure.wrong, &path, failure.value, failure.detail)
            })
            .collect()
    }
}

impl From<Failure> for Failures {
    fn from(failure: Failure) -> Self {
        let mut failures = Failures::default();
        failures.push(failure);
        failures
    }
}

impl Failure {
    /// About no field in particular: of a junctor, or of a number's range.
    pub(super) fn general(message: String) -> Self {
        Failure {
            detail: message.clone(),
            message,
            name: None,
            wrong: Wrong::Invalid,
            value: go::quote(""),
        }
    }

    /// `PLACE in body WORDS`; `value` as it is shown.
    pub(super) fn invalid(place: &Place<'_>, value: String, words: impl AsRef<str>) -> Self {
        Failure::about(place, value, format!("{place} in body {}", words.as_ref()))
    }

    /// A whole sentence about a place.
    pub(super) fn about(place: &Place<'_>, value: String, message: String) -> Self {
        Failure {
            detail: message.clone(),
            message,
            name: Some(place.to_string()),
            wrong: Wrong::Invalid,
            value,
        }
    }

    /// `PLACE in body must be of type TYPE: "FOUND"`
    pub(super) fn type_(place: &Place<'_>, type_: &str, found: Option<&str>) -> Self {
        let found = go::quote(found.unwrap_or_default());
        let words = format!("must be of type {type_}: {found}");
        Failure {
            wrong: Wrong::TypeInvalid,
            ..Failure::invalid(place, found, words)
        }
    }

    pub(super) fn required(place: &Place<'_>) -> Self {
        Failure {
            wrong: Wrong::Required,
            detail: String::new(),
            ..Failure::invalid(place, String::new(), "is required")
        }
    }

    pub(super) fn too_long(place: &Place<'_>, max: i64) -> Self {
        let bytes = if max == 1 { "byte" } else { "bytes" };
        Failure {
            wrong: Wrong::TooLong,
            detail: if max < 0 {
                "value is too long".to_owned()
            } else {
                format!("may not be more than {max} {bytes}")
            },
            ..Failure::invalid(
                place,
                String::new(),
                format!("should be at most {max} chars long"),
            )
        }
    }

    pub(super) fn too_many(place: &Place<'_>, what: &str, actual: i64, max: i64) -> Self {
        let items = if max == 1 { "item" } else { "items" };
        Failure {
            wrong: Wrong::TooMany,
            detail: if max < 0 {
                "has too many items".to_owned()
            } else {
                format!("must have at most {max} {items}")
            },
            ..Failure::invalid(
                place,
                actual.to_string(),
                format!("should have at most {max} {what}"),
            )
        }
    }

    pub(super) fn not_supported(place: &Place<'_>, value: &Value, supported: &[Value]) -> Self {
        let words: Vec<String> = supported
            .iter()
            .map(|value| match value {
                Value::String(text) => go::quote(text),
                value => go::quote(&go::json(value)),
            })
            .collect();
        let words = words.join(", ");
        Failure {
            wrong: Wrong::NotSupported,
            detail: format!("supported values: {words}"),
            ..Failure::invalid(place, go::shown(value), format!("should be one of {words}"))
        }
    }

    pub(super) fn forbidden_property(place: &Place<'_>, key: &str) -> Self {
        let message = format!("{place}.{key} in body is a forbidden property");
        Failure::about(place, go::quote(key), message)
    }
}

//! What is wrong with a field, in the words of apimachinery's `pkg/util/validation/field`.

use std::fmt;

use serde_json::Value;

use super::apply::go::quote;
use super::status::Cause;

/// A field's place in an object: `spec.containers[0].env[FOO].name`.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Path(String);

impl Path {
    /// The object itself; its errors have the field `<nil>`.
    pub fn root() -> Self {
        Path::default()
    }

    /// A field of the object, such as `spec`, or several, such as `spec.template`.
    pub fn new(field: &str) -> Self {
        Path(field.to_owned())
    }

    /// A field in this one.
    #[must_use]
    pub fn child(&self, field: &str) -> Self {
        if self.0.is_empty() {
            return Path(field.to_owned());
        }
        Path(format!("{}.{field}", self.0))
    }

    /// An item of this list.
    #[must_use]
    pub fn index(&self, index: usize) -> Self {
        Path(format!("{}[{index}]", self.0))
    }

    /// An entry of this map.
    #[must_use]
    pub fn key(&self, key: &str) -> Self {
        Path(format!("{}[{key}]", self.0))
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_empty() { "<nil>" } else { &self.0 })
    }
}

/// What kind of wrong; the names are those of `field.ErrorType`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wrong {
    /// A reference to what is not there
    NotFound,
    /// Missing
    Required,
    /// There twice
    Duplicate,
    /// Malformed or out of bounds
    Invalid,
    /// None of a fixed set
    NotSupported,
    /// Not allowed here
    Forbidden,
    /// More characters than allowed
    TooLong,
    /// More items than allowed
    TooMany,
    /// Our own fault
    Internal,
    /// Another type than the schema's
    TypeInvalid,
}

impl Wrong {
    /// The word in a cause.
    pub fn reason(self) -> &'static str {
        match self {
            Wrong::NotFound => "FieldValueNotFound",
            Wrong::Required => "FieldValueRequired",
            Wrong::Duplicate => "FieldValueDuplicate",
            Wrong::Invalid => "FieldValueInvalid",
            Wrong::NotSupported => "FieldValueNotSupported",
            Wrong::Forbidden => "FieldValueForbidden",
            Wrong::TooLong => "FieldValueTooLong",
            Wrong::TooMany => "FieldValueTooMany",
            Wrong::Internal => "InternalError",
            Wrong::TypeInvalid => "FieldValueTypeInvalid",
        }
    }

    /// The words in a message.
    pub fn words(self) -> &'static str {
        match self {
            Wrong::NotFound => "Not found",
            Wrong::Required => "Required value",
            Wrong::Duplicate => "Duplicate value",
            Wrong::Invalid | Wrong::TypeInvalid => "Invalid value",
            Wrong::NotSupported => "Unsupported value",
            Wrong::Forbidden => "Forbidden",
            Wrong::TooLong => "Too long",
            Wrong::TooMany => "Too many",
            Wrong::Internal => "Internal error",
        }
    }
}

/// One error about one field.
#[derive(Clone, Debug, PartialEq)]
pub struct FieldError {
    /// What kind of wrong
    pub wrong: Wrong,
    /// Where
    pub path: Path,
    /// The value, as it stands in the message; empty where there is none.
    pub value: String,
    /// What would be right
    pub detail: String,
}

impl FieldError {
    fn of(wrong: Wrong, path: &Path, value: String, detail: impl Into<String>) -> Self {
        FieldError {
            wrong,
            path: path.clone(),
            value,
            detail: detail.into(),
        }
    }

    /// `Required value: DETAIL`
    pub fn required(path: &Path, detail: impl Into<String>) -> Self {
        FieldError::of(Wrong::Required, path, String::new(), detail)
    }

    /// `Invalid value: VALUE: DETAIL`. Pass `&Value`, or anything that becomes one.
    pub fn invalid(path: &Path, value: impl Into<Value>, detail: impl Into<String>) -> Self {
        FieldError::of(Wrong::Invalid, path, shown(&value.into()), detail)
    }

    /// As [`invalid`](Self::invalid), for a value of the wrong type.
    pub fn type_invalid(path: &Path, value: impl Into<Value>, detail: impl Into<String>) -> Self {
        FieldError::of(Wrong::TypeInvalid, path, shown(&value.into()), detail)
    }

    /// `Unsupported value: VALUE: supported values: "A", "B"`, sorted as given.
    pub fn not_supported(path: &Path, value: impl Into<Value>, supported: &[&str]) -> Self {
        let detail = if supported.is_empty() {
            String::new()
        } else {
            let all: Vec<String> = supported.iter().map(|s| format!("{s:?}")).collect();
            format!("supported values: {}", all.join(", "))
        };
        FieldError::of(Wrong::NotSupported, path, shown(&value.into()), detail)
    }

    /// `Duplicate value: VALUE`
    pub fn duplicate(path: &Path, value: impl Into<Value>) -> Self {
        FieldError::of(Wrong::Duplicate, path, shown(&value.into()), "")
    }

    /// `Not found: VALUE`
    pub fn not_found(path: &Path, value: impl Into<Value>) -> Self {
        FieldError::of(Wrong::NotFound, path, shown(&value.into()), "")
    }

    /// `Forbidden: DETAIL`
    pub fn forbidden(path: &Path, detail: impl Into<String>) -> Self {
        FieldError::of(Wrong::Forbidden, path, String::new(), detail)
    }

    /// `Too long: may not be more than MAX bytes`
    pub fn too_long(path: &Path, max: usize) -> Self {
        let bytes = if max == 1 { "byte" } else { "bytes" };
        FieldError::of(
            Wrong::TooLong,
            path,
            String::new(),
            format!("may not be more than {max} {bytes}"),
        )
    }

    /// `Too many: ACTUAL: must have at most MAX items`
    pub fn too_many(path: &Path, actual: usize, max: usize) -> Self {
        let items = if max == 1 { "item" } else { "items" };
        FieldError::of(
            Wrong::TooMany,
            path,
            actual.to_string(),
            format!("must have at most {max} {items}"),
        )
    }

    /// `Internal error: DETAIL`
    pub fn internal(path: &Path, detail: impl Into<String>) -> Self {
        FieldError::of(Wrong::Internal, path, String::new(), detail)
    }

    /// All but the path: the message of a cause.
    pub fn body(&self) -> String {
        let mut body = self.wrong.words().to_owned();
        for part in [&self.value, &self.detail] {
            if !part.is_empty() {
                body.push_str(": ");
                body.push_str(part);
            }
        }
        body
    }

    /// As a cause of a Status.
    pub fn cause(&self) -> Cause {
        Cause {
            reason: self.wrong.reason(),
            message: self.body(),
            field: self.path.to_string(),
        }
    }
}

impl fmt::Display for FieldError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path, self.body())
    }
}

/// Several errors in one sentence: alone as it is, otherwise `[a, b]` without repetitions
/// (apimachinery's `util/errors.Aggregate`).
pub fn aggregate(errors: &[FieldError]) -> String {
    let mut words: Vec<String> = Vec::new();
    for error in errors {
        let word = error.to_string();
        if !words.contains(&word) {
            words.push(word);
        }
    }
    match &words[..] {
        [one] => one.clone(),
        all => format!("[{}]", all.join(", ")),
    }
}

/// A value as Go shows it in an error: strings quoted, structures as JSON, nil as `null`.
fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => quote(text),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_read_as_in_kubernetes() {
        let path = Path::new("spec").child("ports").index(0).child("port");
        let error = FieldError::invalid(&path, 0, "must be between 1 and 65535, inclusive");
        assert_eq!(
            error.to_string(),
            "spec.ports[0].port: Invalid value: 0: must be between 1 and 65535, inclusive"
        );
        let other = FieldError::not_supported(&Path::new("type"), "A", &["B", "C"]);
        assert_eq!(
            aggregate(&[error.clone(), other, error]),
            "[spec.ports[0].port: Invalid value: 0: must be between 1 and 65535, inclusive, \
             type: Unsupported value: \"A\": supported values: \"B\", \"C\"]"
        );
    }
}

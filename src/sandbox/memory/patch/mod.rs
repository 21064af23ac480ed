//! Patches: read from a body, and applied to an object.
//!
//! The caller has found the object, decodes what comes out with the object's type, and asks
//! [`Patch::invalid`] for the answer when that fails. Server-side apply is in
//! [`apply`](super::apply); a strategic merge patch of a custom resource is a 415 before it comes
//! here.

mod convert;
mod json;
mod literal;
mod merge;
mod strategic;

use serde_json::Value;

use super::apply::go;
use super::decode::{self, FieldValidation};
use super::field::{FieldError, Path};
use super::status::{Details, Status};
use super::types::{TypeId, Types};

pub use merge::merge;

/// The most operations of one JSON patch.
const MAX_OPERATIONS: usize = 10_000;

/// In which language a patch is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `application/json-patch+json`
    Json,
    /// `application/merge-patch+json`
    Merge,
    /// `application/strategic-merge-patch+json`
    Strategic,
}

impl Kind {
    /// By the media type, without its parameters.
    pub fn of(media_type: &str) -> Option<Self> {
        match media_type {
            "application/json-patch+json" => Some(Kind::Json),
            "application/merge-patch+json" => Some(Kind::Merge),
            "application/strategic-merge-patch+json" => Some(Kind::Strategic),
            _ => None,
        }
    }
}

/// A patch that was read.
#[derive(Clone, Debug)]
pub struct Patch {
    kind: Kind,
    value: Value,
    strict: Vec<String>,
    /// Whether it is known that it does not fit, whatever it is applied to
    is_unfit: bool,
}

impl Patch {
    /// Reads a body.
    ///
    /// # Errors
    /// 400 for what is no such patch, 413 for a JSON patch of too many operations.
    pub fn read(kind: Kind, body: &[u8], validation: FieldValidation) -> Result<Self, Status> {
        let is_lax = validation == FieldValidation::Ignore;
        let refuse = |problem: String| match (kind, is_lax) {
            (Kind::Merge, true) => Status::bad_request("Invalid JSON Patch"),
            (Kind::Json | Kind::Merge, false) => {
                Status::bad_request(format!("error decoding patch: {problem}"))
            }
            _ => Status::bad_request(problem),
        };
        let parsed = decode::parse(body).map_err(refuse)?;
        let value = parsed.value.clone();
        check(kind, &value, is_lax).map_err(refuse)?;
        if kind == Kind::Merge && value.is_null() {
            return Err(Status::bad_request("Invalid JSON Patch"));
        }
        let count = value.as_array().map_or(0, Vec::len);
        if kind == Kind::Json && count > MAX_OPERATIONS {
            let message = format!(
                "Request entity too large: The allowed maximum operations in a JSON patch is \
                 {MAX_OPERATIONS}, got {count}"
            );
            return Err(Status::new(413, "RequestEntityTooLarge", message));
        }
        let mut strict = Vec::new();
        if !is_lax {
            strict = parsed.unstructured().strict.warnings();
            if kind == Kind::Json {
                strict.extend(unknown_fields(&value));
                strict = strict
                    .into_iter()
                    .map(|words| format!("json patch {words}"))
                    .collect();
            }
        }
        let is_unfit = kind == Kind::Json && literal::tests_in_vain(body);
        Ok(Patch {
            kind,
            value,
            strict,
            is_unfit,
        })
    }

    /// What the patch itself has beyond what is read: words such as `duplicate field "spec.x"`, to
    /// be told before those of the object that comes out.
    pub fn strict(&self) -> &[String] {
        &self.strict
    }

    /// The object with the patch applied, not decoded yet.
    ///
    /// # Errors
    /// 422 for a JSON patch that does not fit, 400 and 500 for what strategic merge patches cannot
    /// do, in their words.
    pub fn apply(&self, types: &Types, type_: TypeId, mut object: Value) -> Result<Value, Status> {
        match self.kind {
            Kind::Json if self.is_unfit => return Err(unfit()),
            Kind::Json => {
                json::apply(&mut object, self.operations(), false).map_err(|_| unfit())?;
            }
            Kind::Merge => merge::run(&mut object, self.value.clone(), false),
            Kind::Strategic => {
                strategic::apply(types, type_, &mut object, self.value.clone())
                    .map_err(strategic_status)?;
                convert::convert(types, type_, &mut object)
                    .map_err(|problem| self.invalid(&Value::Null, &problem))?;
            }
        }
        Ok(object)
    }

    /// 422: what comes out of the patch is no such object, by this sentence of the decoder. `before`
    /// is the object that was patched.
    pub fn invalid(&self, before: &Value, problem: &str) -> Status {
        let shown = match self.kind {
            Kind::Strategic => go::plain(&without_directives(&self.value)),
            Kind::Json => {
                let mut object = before.clone();
                // It fitted before.
                let _ = json::apply(&mut object, self.operations(), true);
                go::json_in_order(&object)
            }
            Kind::Merge => {
                let mut object = before.clone();
                merge::run(&mut object, self.value.clone(), true);
                go::json_in_order(&object)
            }
        };
        let error = FieldError::invalid(&Path::new("patch"), shown, problem);
        Status::invalid("", "", "", &[error])
    }

    fn operations(&self) -> &[Value] {
        self.value.as_array().map_or(&[], Vec::as_slice)
    }
}

/// The answer to a patch that cannot be applied; Kubernetes says no more.
fn unfit() -> Status {
    Status::new(
        422,
        "Invalid",
        "the server rejected our request due to an error in our request",
    )
    .with(Details::default())
}

fn strategic_status(problem: strategic::Problem) -> Status {
    match problem {
        strategic::Problem::Bad(words) => Status::bad_request(words),
        strategic::Problem::Unfit => unfit(),
        strategic::Problem::Plain(words) => Status::new(500, "", words),
    }
}

/// What Go's decoder says about a value of another type than the patch's.
fn check(kind: Kind, value: &Value, is_lax: bool) -> Result<(), String> {
    match (kind, value) {
        (_, Value::Null) | (Kind::Merge | Kind::Strategic, Value::Object(_)) => Ok(()),
        // A list replaces the object, which is no object then.
        (Kind::Merge, Value::Array(_)) if is_lax => Ok(()),
        (Kind::Merge | Kind::Strategic, other) => Err(format!(
            "{} of type map[string]interface {{}}",
            unmarshal(other)
        )),
        (Kind::Json, Value::Array(operations)) => operations
            .iter()
            .try_for_each(|operation| check_operation(operation, is_lax)),
        (Kind::Json, other) => {
            let type_ = if is_lax {
                "jsonpatch.Patch"
            } else {
                "[]handlers.jsonPatchOp"
            };
            Err(format!("{} of type {type_}", unmarshal(other)))
        }
    }
}

fn check_operation(operation: &Value, is_lax: bool) -> Result<(), String> {
    let map = match operation {
        Value::Object(map) => map,
        Value::Null => return Ok(()),
        other => {
            let type_ = if is_lax {
                "jsonpatch.Operation"
            } else {
                "handlers.jsonPatchOp"
            };
            return Err(format!("{} of type {type_}", unmarshal(other)));
        }
    };
    let texts = map
        .iter()
        .filter(|(key, _)| matches!(key.as_str(), "op" | "path" | "from"));
    for (key, value) in texts {
        if !is_lax && !value.is_string() && !value.is_null() {
            let word = json_type(value);
            return Err(format!(
                "json: cannot unmarshal {word} into Go struct field jsonPatchOp.{key} of type string"
            ));
        }
    }
    Ok(())
}

fn unmarshal(value: &Value) -> String {
    format!("json: cannot unmarshal {} into Go value", json_type(value))
}

fn json_type(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "bool",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

/// Fields of operations that mean nothing.
fn unknown_fields(operations: &Value) -> Vec<String> {
    let operations = operations.as_array().into_iter().flatten().enumerate();
    let fields = operations.flat_map(|(at, operation)| {
        let keys = operation.as_object().into_iter().flat_map(|map| map.keys());
        let keys = keys.filter(|k| !matches!(k.as_str(), "op" | "path" | "from" | "value"));
        keys.map(move |key| format!("unknown field {}", go::quote(&format!("[{at}].{key}"))))
    });
    fields.collect()
}

/// A strategic merge patch as Go shows it once it was applied: directives that were obeyed are gone,
/// and lists with them that were put in order.
fn without_directives(patch: &Value) -> Value {
    const ORDER: &str = "$setElementOrder/";
    match patch {
        Value::Object(map) => {
            let is_gone = |(key, value): &(&String, &Value)| {
                key.starts_with(ORDER)
                    || *key == "$retainKeys"
                    || *key == "$patch" && *value == "replace"
                    || map.contains_key(&format!("{ORDER}{key}"))
            };
            let left = map.iter().filter(|pair| !is_gone(pair));
            left.map(|(key, value)| (key.clone(), without_directives(value)))
                .collect()
        }
        Value::Array(items) => {
            // Items keep their `$patch`.
            let items = items.iter().map(|item| match item.get("$patch") {
                Some(_) => item.clone(),
                None => without_directives(item),
            });
            items.collect()
        }
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{FieldValidation, Kind, Patch};
    use crate::sandbox::memory::status::Status;
    use crate::sandbox::memory::types::{Type, Types};

    fn read(kind: Kind, body: &str, validation: FieldValidation) -> Result<Patch, Status> {
        Patch::read(kind, body.as_bytes(), validation)
    }

    /// The answers are the real server's.
    #[test]
    fn bodies_that_are_no_patches_are_refused() {
        use FieldValidation::{Ignore, Strict, Warn};
        let no_object =
            "json: cannot unmarshal array into Go value of type map[string]interface {}";
        let decoding = |words: &str| format!("error decoding patch: {words}");
        for (kind, body, validation, message) in [
            (
                Kind::Json,
                "",
                Warn,
                decoding("unexpected end of JSON input"),
            ),
            (
                Kind::Json,
                "{}",
                Strict,
                decoding(
                    "json: cannot unmarshal object into Go value of type []handlers.jsonPatchOp",
                ),
            ),
            (
                Kind::Json,
                "{}",
                Ignore,
                "json: cannot unmarshal object into Go value of type jsonpatch.Patch".to_owned(),
            ),
            (
                Kind::Json,
                "[1]",
                Warn,
                decoding(
                    "json: cannot unmarshal number into Go value of type handlers.jsonPatchOp",
                ),
            ),
            (
                Kind::Json,
                "[1]",
                Ignore,
                "json: cannot unmarshal number into Go value of type jsonpatch.Operation"
                    .to_owned(),
            ),
            (
                Kind::Json,
                r#"[{"op":1}]"#,
                Warn,
                decoding(
                    "json: cannot unmarshal number into Go struct field jsonPatchOp.op of type string",
                ),
            ),
            (Kind::Merge, "[1]", Warn, decoding(no_object)),
            (Kind::Merge, "null", Warn, "Invalid JSON Patch".to_owned()),
            (Kind::Merge, "1", Ignore, "Invalid JSON Patch".to_owned()),
            (Kind::Merge, "{", Ignore, "Invalid JSON Patch".to_owned()),
            (
                Kind::Merge,
                "{",
                Warn,
                decoding("unexpected end of JSON input"),
            ),
            (Kind::Strategic, "[]", Warn, no_object.to_owned()),
            (
                Kind::Strategic,
                "[",
                Ignore,
                "unexpected end of JSON input".to_owned(),
            ),
        ] {
            let status = read(kind, body, validation).unwrap_err();
            assert_eq!((status.code, status.reason), (400, "BadRequest"), "{body}");
            assert_eq!(status.message, message, "{body}");
        }
        for (kind, body) in [
            (Kind::Json, "null"),
            (Kind::Json, "[null]"),
            (Kind::Json, r#"[{"op":null}]"#),
            (Kind::Strategic, "null"),
        ] {
            assert!(read(kind, body, Warn).is_ok(), "{body}");
        }
        let many = json!(vec![json!({"op": "test", "path": "/a"}); 10_001]).to_string();
        let status = read(Kind::Json, &many, Warn).unwrap_err();
        assert_eq!((status.code, status.reason), (413, "RequestEntityTooLarge"));
        let message = "Request entity too large: The allowed maximum operations in a JSON patch is \
                       10000, got 10001";
        assert_eq!(status.message, message);
    }

    #[test]
    fn patches_tell_what_they_have_too_much() {
        let json = r#"[{"op":"add","op":"test","path":"/a","q":1,"value":{"x":1,"x":2}}]"#;
        let patch = read(Kind::Json, json, FieldValidation::Strict).unwrap();
        assert_eq!(
            patch.strict(),
            [
                r#"json patch duplicate field "[0].op""#,
                r#"json patch duplicate field "[0].value.x""#,
                r#"json patch unknown field "[0].q""#,
            ]
        );
        assert!(
            read(Kind::Json, json, FieldValidation::Ignore)
                .unwrap()
                .strict()
                .is_empty()
        );
        let patch = read(Kind::Merge, r#"{"a":{"b":1,"b":2}}"#, FieldValidation::Warn).unwrap();
        assert_eq!(patch.strict(), [r#"duplicate field "a.b""#]);
    }

    /// Objects that Go has opened come out sorted, the others as they were.
    #[test]
    fn what_comes_out_is_shown_as_go_marshals_it() {
        let mut types = Types::new();
        let any = types.add(Type::Any);
        let object =
            json!({"kind": "K", "b": {"z": 1, "y": {"q": 1, "p": 2}}, "a": {"z": 1, "y": 2}});
        for (kind, body, shown) in [
            (
                Kind::Json,
                r#"[{"op":"add","path":"/b/x","value":{"w":"<","v":1.0}}]"#,
                r#"{"a":{"z":1,"y":2},"b":{"x":{"w":"\u003c","v":1.0},"y":{"q":1,"p":2},"z":1},"kind":"K"}"#,
            ),
            (
                Kind::Merge,
                r#"{"a":{"x":{"w":1,"v":null,"u":2}},"kind":null}"#,
                r#"{"a":{"x":{"u":2,"w":1},"y":2,"z":1},"b":{"z":1,"y":{"q":1,"p":2}}}"#,
            ),
            (
                Kind::Strategic,
                r#"{"b":{"$retainKeys":["y"],"y":[1,null]}}"#,
                "map[b:map[y:[1 <nil>]]]",
            ),
        ] {
            let patch = read(kind, body, FieldValidation::Warn).unwrap();
            let made = patch.apply(&types, any, object.clone());
            assert!(kind == Kind::Strategic || made.is_ok());
            let status = patch.invalid(&object, "it is wrong");
            let value = Value::String(shown.to_owned());
            let message = format!(r#" "" is invalid: patch: Invalid value: {value}: it is wrong"#);
            assert_eq!((status.code, status.message), (422, message));
        }
    }

    #[test]
    fn a_json_patch_that_does_not_fit_says_no_more() {
        let (types, object) = (Types::new(), json!({"a": 1}));
        let body = r#"[{"op":"test","path":"/a","value":2}]"#;
        let patch = read(Kind::Json, body, FieldValidation::Warn).unwrap();
        let any = crate::sandbox::memory::types::TypeId(0);
        let status = patch.apply(&types, any, object).unwrap_err();
        let message = "the server rejected our request due to an error in our request";
        assert_eq!(
            (status.code, status.reason, status.message.as_str()),
            (422, "Invalid", message)
        );
        assert_eq!(status.to_json()["details"], json!({}));
    }
}

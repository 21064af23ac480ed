//! Patches: read from a body, and applied to an object.
//!
//! The caller has found the object, decodes what comes out with the object's type, and asks
//! [`Patch::invalid`] for the answer when that fails. Server-side apply is in
//! [`apply`](super::apply); a strategic merge patch of a custom resource is a 415 before it comes
//! here.

mod convert;
mod json;
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
        Ok(Patch {
            kind,
            value,
            strict,
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
            Kind::Strategic => go::plain(&without_directives(self.value.clone())),
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

/// A strategic merge patch as Go shows it once it was applied: directives that were obeyed are gone.
fn without_directives(mut patch: Value) -> Value {
    match &mut patch {
        Value::Object(map) => {
            map.retain(|key, _| key != "$retainKeys" && !key.starts_with("$setElementOrder"));
            for value in map.values_mut() {
                *value = without_directives(value.take());
            }
        }
        Value::Array(items) => {
            for item in items {
                *item = without_directives(item.take());
            }
        }
        _ => {}
    }
    patch
}

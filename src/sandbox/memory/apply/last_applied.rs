//! Objects that `kubectl apply` looked after on the client's side: their annotation says what it
//! applied (apimachinery's `lastappliedmanager.go` and `lastappliedupdater.go`).

use serde_json::{Map, Value};

use super::compare::compare;
use super::conflict::Conflicts;
use super::context::Context;
use super::fieldset::field_set;
use super::go;
use super::set::Set;
use super::validate::validate;

/// Only the manager of `kubectl apply --server-side` takes over what kubectl applied before.
pub(super) const MANAGER: &str = "kubectl";

const ANNOTATION: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// What all annotations may come to, in bytes.
const MAX_ANNOTATIONS: usize = 256 << 10;

/// The conflicts that are left when those count as none that are about fields which kubectl applied
/// and nobody has changed since.
pub(super) fn spare<'a>(
    context: &Context<'_>,
    live: &Value,
    conflicts: Conflicts<'a>,
) -> Conflicts<'a> {
    let Some(last) = last_applied(context, live) else {
        return conflicts;
    };
    match unchanged(context, &last, live) {
        Some(own) => conflicts.without(&own),
        None => conflicts,
    }
}

fn last_applied(context: &Context<'_>, live: &Value) -> Option<Value> {
    let last: Value = serde_json::from_str(annotation(live)?).ok()?;
    let is = |key: &str, text: &str| last.get(key).and_then(Value::as_str) == Some(text);
    let same = is("apiVersion", context.api_version) && is("kind", context.kind);
    same.then_some(last)
}

fn unchanged<'a>(context: &Context<'a>, last: &'a Value, live: &'a Value) -> Option<Set<'a>> {
    let (types, type_) = (context.types, context.type_);
    validate(types, type_, live, false).ok()?;
    validate(types, type_, last, false).ok()?;
    let comparison = compare(types, type_, last, live).ok()?;
    let own = field_set(types, type_, last);
    let own = own
        .difference(&comparison.modified)
        .difference(&comparison.added);
    Some(own.difference(&comparison.removed))
}

/// Keeps the annotation, where there is one, in step with what is applied.
pub(super) fn refresh(object: &mut Value, applied: &Value) {
    if annotation(object).is_none() {
        return;
    }
    let mut configuration = applied.clone();
    match annotations_mut(&mut configuration) {
        Some(annotations) => {
            annotations.shift_remove(ANNOTATION);
            nulls_to_text(annotations);
        }
        None => {
            let metadata = configuration
                .get_mut("metadata")
                .and_then(Value::as_object_mut);
            metadata.and_then(|metadata| metadata.shift_remove("annotations"));
        }
    }
    let text = format!("{}\n", go::json(&configuration));
    if let Some(annotations) = annotations_mut(object) {
        nulls_to_text(annotations);
        annotations.insert(ANNOTATION.to_owned(), Value::String(text));
        let bytes = annotations
            .iter()
            .map(|(k, v)| k.len() + v.as_str().map_or(0, str::len));
        if bytes.sum::<usize>() > MAX_ANNOTATIONS {
            annotations.shift_remove(ANNOTATION);
        }
    }
}

/// Kubernetes reads annotations as a map of texts here, in which null is no text at all.
fn nulls_to_text(annotations: &mut Map<String, Value>) {
    for value in annotations.values_mut().filter(|value| value.is_null()) {
        *value = Value::String(String::new());
    }
}

fn annotation(object: &Value) -> Option<&str> {
    let annotation = object
        .get("metadata")?
        .get("annotations")?
        .get(ANNOTATION)?
        .as_str()?;
    (!annotation.is_empty()).then_some(annotation)
}

fn annotations_mut(object: &mut Value) -> Option<&mut Map<String, Value>> {
    object
        .get_mut("metadata")?
        .get_mut("annotations")?
        .as_object_mut()
}

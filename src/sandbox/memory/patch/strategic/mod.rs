//! Strategic merge patches (apimachinery's `pkg/util/strategicpatch`).

mod lists;
mod lookup;
mod order;
#[cfg(test)]
mod tests;

use serde_json::{Map, Value};

use crate::sandbox::memory::apply::go;
use crate::sandbox::memory::types::{TypeId, Types};

use lookup::Schema;

const PATCH: &str = "$patch";
const RETAIN_KEYS: &str = "$retainKeys";
const DELETE_FROM: &str = "$deleteFromPrimitiveList";
const SET_ORDER: &str = "$setElementOrder";

/// Why a patch cannot be applied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Problem {
    /// The patch is malformed, 400
    Bad(&'static str),
    /// 422, without words
    Unfit,
    /// What Kubernetes has no code for, 500
    Plain(String),
}

impl Problem {
    fn no_key(map: &Map<String, Value>, key: &str) -> Self {
        let map = go::plain_map(map);
        Problem::Plain(format!(
            "map: {map} does not contain declared merge key: {key}"
        ))
    }

    fn wrong_type(expected: &str, found: &Value) -> Self {
        let found = match found {
            Value::Null => "%!s(<nil>)",
            found => go::type_name(found),
        };
        Problem::Plain(format!("expected a {expected}, but received a {found}"))
    }

    /// Kubernetes panics over values that cannot be compared.
    fn incomparable(value: &Value) -> Self {
        let type_ = go::type_name(value);
        Problem::Plain(format!("runtime error: hash of unhashable type {type_}"))
    }
}

type Result<T> = std::result::Result<T, Problem>;

/// Merges a patch into an object.
pub(super) fn apply(types: &Types, type_: TypeId, target: &mut Value, patch: Value) -> Result<()> {
    let (Value::Object(map), Value::Object(patch)) = (&mut *target, patch) else {
        // No patch, or nothing to patch: both are objects in whatever came this far.
        return Ok(());
    };
    let merged = merge_maps(Schema::new(types, type_), std::mem::take(map), patch)?;
    *target = Value::Object(merged);
    Ok(())
}

fn merge_maps(
    schema: Schema<'_>,
    mut target: Map<String, Value>,
    mut patch: Map<String, Value>,
) -> Result<Map<String, Value>> {
    match patch.get(PATCH) {
        None => {}
        Some(directive) if directive == "replace" => {
            patch.shift_remove(PATCH);
            return Ok(patch);
        }
        Some(directive) if directive == "delete" => return Ok(Map::new()),
        Some(directive) => return Err(unknown_directive(directive, &patch)),
    }
    retain_keys(&mut target, &mut patch)?;
    order::set_element_orders(schema, &mut target, &mut patch)?;
    for (key, value) in patch {
        if key.starts_with(DELETE_FROM) {
            let list = directive_key(&key, DELETE_FROM)
                .ok_or(Problem::Bad("invalid patch format of primitive list"))?;
            merge_field(schema, &mut target, list, value, true)?;
        } else {
            merge_field(schema, &mut target, &key, value, false)?;
        }
    }
    Ok(target)
}

fn merge_field(
    schema: Schema<'_>,
    target: &mut Map<String, Value>,
    key: &str,
    mut value: Value,
    is_deletion: bool,
) -> Result<()> {
    if value.is_null() {
        target.shift_remove(key);
        return Ok(());
    }
    let merged = match (target.get_mut(key), value) {
        (Some(Value::Object(present)), Value::Object(value)) => {
            let (below, patch) = schema.field(key)?;
            // A whole selector is the one thing that Kubernetes wants replaced.
            if patch.is_replaced {
                Value::Object(value)
            } else {
                Value::Object(merge_maps(below, std::mem::take(present), value)?)
            }
        }
        (Some(Value::Array(present)), Value::Array(value)) => {
            let (below, patch) = schema.items(key)?;
            if patch.merge || is_deletion {
                let present = std::mem::take(present);
                Value::Array(lists::merge(below, patch.key, present, value, is_deletion)?)
            } else {
                Value::Array(value)
            }
        }
        (present, other) => {
            if is_deletion && !present.is_some_and(|present| is_same_scalar(present, &other)) {
                return Ok(());
            }
            value = other;
            drop_nulls(&mut value);
            if !drop_directives(&mut value) {
                target.shift_remove(key);
                return Ok(());
            }
            value
        }
    };
    target.insert(key.to_owned(), merged);
    Ok(())
}

fn is_same_scalar(left: &Value, right: &Value) -> bool {
    !left.is_null() && go::type_name(left) == go::type_name(right)
}

/// Removes what `$retainKeys` does not name.
fn retain_keys(target: &mut Map<String, Value>, patch: &mut Map<String, Value>) -> Result<()> {
    const BAD: Problem = Problem::Bad("invalid patch format of retainKeys");
    let Some(keys) = patch.shift_remove(RETAIN_KEYS) else {
        return Ok(());
    };
    let Value::Array(keys) = keys else {
        return Err(BAD);
    };
    if let Some(key) = keys.iter().find(|key| key.is_object() || key.is_array()) {
        return Err(Problem::incomparable(key));
    }
    let names: std::collections::HashSet<&str> = keys.iter().filter_map(Value::as_str).collect();
    let is_known = |(key, value): (&String, &Value)| {
        value.is_null()
            || key.starts_with(DELETE_FROM)
            || key.starts_with(SET_ORDER)
            || names.contains(key.as_str())
    };
    if !patch.iter().all(is_known) {
        return Err(BAD);
    }
    target.retain(|key, _| names.contains(key.as_str()));
    Ok(())
}

/// What stands behind the `/` of a directive.
fn directive_key<'k>(key: &'k str, directive: &str) -> Option<&'k str> {
    let (before, list) = key.split_once('/')?;
    (before == directive).then_some(list)
}

fn unknown_directive(directive: &Value, map: &Map<String, Value>) -> Problem {
    let shown = match directive {
        Value::String(text) => text.clone(),
        Value::Null => "%!s(<nil>)".to_owned(),
        Value::Object(_) | Value::Array(_) => go::plain(directive),
        other => format!("%!s({}={})", go::type_name(other), go::plain(other)),
    };
    let map = go::plain_map(map);
    Problem::Plain(format!("unknown patch type: {shown} in map: {map}"))
}

/// Removes null fields on all levels.
fn drop_nulls(value: &mut Value) {
    match value {
        Value::Object(map) => {
            map.retain(|_, value| !value.is_null());
            map.values_mut().for_each(drop_nulls);
        }
        Value::Array(items) => items.iter_mut().for_each(drop_nulls),
        _ => {}
    }
}

/// Removes what bears a `$patch`; false where that is the value itself.
fn drop_directives(value: &mut Value) -> bool {
    match value {
        Value::Object(map) => {
            if map.contains_key(PATCH) {
                return false;
            }
            map.retain(|_, value| drop_directives(value));
        }
        Value::Array(items) => items.retain_mut(drop_directives),
        _ => {}
    }
    true
}

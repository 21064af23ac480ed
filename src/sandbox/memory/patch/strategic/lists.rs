//! Lists that are merged: objects by a key, single values as sets.

use std::collections::HashSet;

use serde_json::{Map, Value};

use crate::sandbox::memory::apply::go;

use super::lookup::Schema;
use super::order::{Identity, arrange};
use super::{PATCH, Problem, Result, merge_maps, unknown_directive};

/// Merges two lists, or takes the items of the second out of the first.
pub(super) fn merge(
    schema: Schema<'_>,
    key: Option<&std::sync::Arc<str>>,
    present: Vec<Value>,
    patch: Vec<Value>,
    is_deletion: bool,
) -> Result<Vec<Value>> {
    if present.is_empty() && patch.is_empty() {
        return Ok(present);
    }
    if !are_objects(&[&present, &patch])? {
        if is_deletion {
            let gone: HashSet<String> = patch.iter().map(Value::to_string).collect();
            let left = present
                .into_iter()
                .filter(|item| !gone.contains(&item.to_string()));
            return Ok(left.collect());
        }
        let mut seen = HashSet::new();
        let both = present.iter().chain(&patch);
        let merged = both
            .filter(|item| seen.insert(item.to_string()))
            .cloned()
            .collect();
        return arrange(Identity::Item, merged, &patch, &present);
    }
    let Some(key) = key else {
        let kind = schema.kind();
        let words = format!("cannot merge lists without merge key for {kind}");
        return Err(Problem::Plain(words));
    };
    let (present, patch) = obey_directives(key, present, patch)?;
    // Merged items keep their keys, and new ones come last: where an item was is known from before.
    let before: Vec<Value> = present.iter().map(|item| key_only(item, key)).collect();
    let order: Vec<Value> = patch.iter().map(|item| key_only(item, key)).collect();
    let merged = merge_objects(schema, key, present, patch)?;
    arrange(Identity::Key(key), merged, &order, &before)
}

/// Whether items are objects. All are of one type, or it is an error.
pub(super) fn are_objects(lists: &[&Vec<Value>]) -> Result<bool> {
    let mut items = lists.iter().flat_map(|list| list.iter());
    let Some(first) = items.next() else {
        return Err(Problem::Plain(
            "no elements in any of the given slices".to_owned(),
        ));
    };
    if first.is_array() {
        return Err(Problem::Unfit);
    }
    let type_ = go::type_name(first);
    if first.is_null() || items.any(|item| go::type_name(item) != type_) {
        let shown = lists
            .iter()
            .map(|list| go::plain(&Value::Array(list.to_vec())));
        let shown: Vec<String> = shown.collect();
        let words = format!(
            "list element types are not identical: [{}]",
            shown.join(" ")
        );
        return Err(Problem::Plain(words));
    }
    Ok(first.is_object())
}

/// Obeys items with `$patch`, and takes them out.
fn obey_directives(
    key: &str,
    mut present: Vec<Value>,
    patch: Vec<Value>,
) -> Result<(Vec<Value>, Vec<Value>)> {
    let mut left = Vec::with_capacity(patch.len());
    let mut is_replaced = false;
    let mut gone = HashSet::new();
    for item in patch {
        let map = object(&item)?;
        match map.get(PATCH) {
            None => left.push(item),
            Some(directive) if directive == "delete" => {
                let value = map.get(key).ok_or_else(|| Problem::no_key(map, key))?;
                if gone.is_empty() {
                    check_objects(&present)?;
                }
                gone.insert(value.to_string());
            }
            Some(directive) if directive == "replace" => is_replaced = true,
            Some(directive) if directive == "merge" => {
                let words = "merging lists cannot yet be specified in the patch";
                return Err(Problem::Plain(words.to_owned()));
            }
            Some(directive) => return Err(unknown_directive(directive, map)),
        }
    }
    if !gone.is_empty() {
        present.retain(|item| {
            item.get(key)
                .is_none_or(|value| !gone.contains(&value.to_string()))
        });
    }
    Ok(if is_replaced {
        (left, Vec::new())
    } else {
        (present, left)
    })
}

fn merge_objects(
    schema: Schema<'_>,
    key: &str,
    mut present: Vec<Value>,
    patch: Vec<Value>,
) -> Result<Vec<Value>> {
    let mut places = std::collections::HashMap::new();
    for (at, item) in present.iter().enumerate() {
        if let Some(value) = object(item)?.get(key) {
            places.entry(value.to_string()).or_insert(at);
        }
    }
    for item in patch {
        let Value::Object(map) = item else {
            return Err(Problem::Unfit);
        };
        let value = map.get(key).ok_or_else(|| Problem::no_key(&map, key))?;
        let loses_key = value.is_null();
        let value = value.to_string();
        match places.get(&value).copied() {
            Some(at) => {
                let Value::Object(target) = present[at].take() else {
                    continue;
                };
                present[at] = Value::Object(merge_maps(schema, target, map)?);
                if loses_key {
                    places.remove(&value);
                }
            }
            None => {
                places.insert(value, present.len());
                present.push(Value::Object(map));
            }
        }
    }
    Ok(present)
}

fn check_objects(items: &[Value]) -> Result<()> {
    items.iter().try_for_each(|item| object(item).map(drop))
}

/// The content of an item that is an object, as all are once [`are_objects`] says so.
pub(super) fn object(item: &Value) -> Result<&Map<String, Value>> {
    item.as_object()
        .ok_or_else(|| Problem::wrong_type("map[string]interface {}", item))
}

/// An item with nothing but its key.
fn key_only(item: &Value, key: &str) -> Value {
    let value = item.get(key).map(|value| (key.to_owned(), value.clone()));
    Value::Object(value.into_iter().collect())
}

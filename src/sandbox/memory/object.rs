//! Metadata of objects that are JSON.

use std::borrow::Cow;
use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::store::Facts;

/// A field of metadata that is text; `""` when it is missing.
pub fn meta<'a>(object: &'a Value, field: &str) -> &'a str {
    let value = object
        .get("metadata")
        .and_then(|metadata| metadata.get(field));
    value.and_then(Value::as_str).unwrap_or_default()
}

/// The metadata, made when it is missing. An object is made of what is none.
pub fn metadata(object: &mut Value) -> &mut Map<String, Value> {
    if !object.is_object() {
        *object = json!({});
    }
    let metadata = &mut object["metadata"];
    if !metadata.is_object() {
        *metadata = json!({});
    }
    match metadata {
        Value::Object(fields) => fields,
        _ => unreachable!("it was made an object above"),
    }
}

/// Sets a field of metadata; removes it when there is no value.
pub fn set_meta(object: &mut Value, field: &str, value: Option<Value>) {
    let metadata = metadata(object);
    match value {
        Some(value) => metadata.insert(field.to_owned(), value),
        None => metadata.shift_remove(field),
    };
}

/// The finalizers.
pub fn finalizers(object: &Value) -> impl Iterator<Item = &str> {
    let all = object["metadata"]["finalizers"].as_array();
    all.into_iter().flatten().filter_map(Value::as_str)
}

/// Whether it is marked as deleted.
pub fn is_deleting(object: &Value) -> bool {
    !meta(object, "deletionTimestamp").is_empty()
}

/// Sets `kind` and `apiVersion`, and puts them first, as Go writes built-in kinds.
pub fn set_kind_first(object: &mut Value, api_version: &str, kind: &str) {
    if let Some(fields) = object.as_object_mut() {
        fields.shift_remove("kind");
        fields.shift_remove("apiVersion");
        fields.shift_insert(0, "kind".to_owned(), json!(kind));
        fields.shift_insert(1, "apiVersion".to_owned(), json!(api_version));
    }
}

/// Sets `apiVersion` and `kind` where they are.
pub fn set_kind(object: &mut Value, api_version: &str, kind: &str) {
    if let Some(fields) = object.as_object_mut() {
        fields.insert("apiVersion".to_owned(), json!(api_version));
        fields.insert("kind".to_owned(), json!(kind));
    }
}

/// Puts the fields of all objects in it in order, as Go writes what it keeps in maps.
pub fn sort(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            let is_sorted = fields.keys().is_sorted();
            if !is_sorted {
                fields.sort_keys();
            }
            fields.values_mut().for_each(sort);
        }
        Value::Array(items) => items.iter_mut().for_each(sort),
        _ => {}
    }
}

/// What the store is to know of an object.
pub fn facts(object: &Value, version: &str, fields: Vec<(Cow<'static, str>, Arc<str>)>) -> Facts {
    let labels = object["metadata"]["labels"].as_object();
    let mut labels: Vec<(Arc<str>, Arc<str>)> = labels
        .into_iter()
        .flatten()
        .filter_map(|(key, value)| Some((key.as_str().into(), value.as_str()?.into())))
        .collect();
    labels.sort();
    let owners = object["metadata"]["ownerReferences"].as_array();
    let owners = owners.into_iter().flatten();
    let owners = owners.filter_map(|owner| Some(Arc::from(owner["uid"].as_str()?)));
    Facts {
        namespace: meta(object, "namespace").into(),
        name: meta(object, "name").into(),
        uid: meta(object, "uid").into(),
        version: version.into(),
        labels: labels.into(),
        fields: fields.into(),
        owners: owners.collect(),
        is_deleting: is_deleting(object),
    }
}

/// A name made of a beginning, as the real server makes them (`apiserver/pkg/storage/names`).
pub fn generate_name(base: &str) -> String {
    const LETTERS: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";
    const RANDOM: usize = 5;
    // Names of most kinds are at most 63 characters long.
    let kept: String = base.chars().take(63 - RANDOM).collect();
    let mut bytes = [0u8; RANDOM];
    if getrandom::fill(&mut bytes).is_err() {
        std::process::abort();
    }
    let random = bytes.map(|byte| char::from(LETTERS[usize::from(byte) % LETTERS.len()]));
    kept.chars().chain(random).collect()
}

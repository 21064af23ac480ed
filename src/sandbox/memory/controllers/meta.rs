//! Metadata of objects of any kind, and of typed ones.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference};
use k8s_openapi::{Metadata, NamespaceResourceScope, Resource};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::selector::Labels;

/// A namespaced object of a type of k8s-openapi.
pub(super) trait Namespaced:
    Resource<Scope = NamespaceResourceScope>
    + Metadata<Ty = ObjectMeta>
    + DeserializeOwned
    + Serialize
    + Clone
{
}

impl<T> Namespaced for T where
    T: Resource<Scope = NamespaceResourceScope>
        + Metadata<Ty = ObjectMeta>
        + DeserializeOwned
        + Serialize
        + Clone
{
}

/// `metadata.labels` of an object of any kind.
pub(super) fn labels(object: &Value) -> Labels {
    let labels = object["metadata"]["labels"]
        .as_object()
        .into_iter()
        .flatten();
    let text = |(key, value): (&String, &Value)| Some((key.clone(), value.as_str()?.to_owned()));
    labels.filter_map(text).collect()
}

/// Text in `metadata` of an object of any kind; empty when it is not there.
pub(super) fn text<'a>(object: &'a Value, field: &str) -> &'a str {
    object["metadata"][field].as_str().unwrap_or_default()
}

/// Whether an object of any kind is marked for deletion.
pub(super) fn deleted(object: &Value) -> bool {
    object["metadata"]["deletionTimestamp"].is_string()
}

/// `metadata.finalizers` of an object of any kind.
pub(super) fn finalizers(object: &Value) -> Vec<&str> {
    let all = object["metadata"]["finalizers"]
        .as_array()
        .into_iter()
        .flatten();
    all.filter_map(Value::as_str).collect()
}

/// `metadata.ownerReferences` of an object of any kind, as far as they are well formed.
pub(super) fn owners(object: &Value) -> Vec<OwnerReference> {
    let all = object["metadata"]["ownerReferences"]
        .as_array()
        .into_iter()
        .flatten();
    all.filter_map(|owner| OwnerReference::deserialize(owner).ok())
        .collect()
}

/// The owner that controls an object of any kind.
pub(super) fn controller(object: &Value) -> Option<OwnerReference> {
    owners(object)
        .into_iter()
        .find(|owner| owner.controller == Some(true))
}

/// The owner that controls it.
pub(super) fn controller_of(meta: &ObjectMeta) -> Option<&OwnerReference> {
    let mut owners = meta.owner_references.iter().flatten();
    owners.find(|owner| owner.controller == Some(true))
}

/// An object's name.
pub(super) fn name(object: &impl Metadata<Ty = ObjectMeta>) -> &str {
    object.metadata().name.as_deref().unwrap_or_default()
}

/// An object's namespace; empty when it lives in none.
pub(super) fn namespace(object: &impl Metadata<Ty = ObjectMeta>) -> &str {
    object.metadata().namespace.as_deref().unwrap_or_default()
}

/// An object's uid.
pub(super) fn uid(object: &impl Metadata<Ty = ObjectMeta>) -> &str {
    object.metadata().uid.as_deref().unwrap_or_default()
}

/// Whether two values mean the same where Kubernetes takes an absent field for an empty one.
pub(super) fn same<T: Serialize>(one: &T, other: &T) -> bool {
    match (serde_json::to_value(one), serde_json::to_value(other)) {
        (Ok(one), Ok(other)) => same_values(&one, &other),
        _ => false,
    }
}

fn same_values(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Object(one), Value::Object(other)) => {
            one.iter().all(|(key, value)| match other.get(key) {
                Some(other) => same_values(value, other),
                None => is_nothing(value),
            }) && other
                .iter()
                .all(|(key, value)| one.contains_key(key) || is_nothing(value))
        }
        (Value::Array(one), Value::Array(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(a, b)| same_values(a, b))
        }
        _ => one == other,
    }
}

fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn absent_and_empty_are_the_same() {
        let full = json!({"a": {"b": [1]}, "c": {}, "d": null, "e": []});
        assert!(same(&full, &json!({"a": {"b": [1]}})));
        assert!(same(&json!({"a": {"b": [1]}}), &full));
        assert!(!same(&full, &json!({"a": {"b": [2]}})));
        assert!(!same(&full, &json!({"a": {"b": [1]}, "f": 0})));
    }

    #[test]
    fn the_controller_is_found_among_owners() {
        let owner = |uid: &str, controller: bool| json!({"apiVersion": "v1", "kind": "K", "name": "n", "uid": uid, "controller": controller});
        let object =
            json!({"metadata": {"ownerReferences": [owner("a", false), 7, owner("b", true)]}});
        assert_eq!(
            controller(&object).map(|owner| owner.uid),
            Some("b".to_owned())
        );
        assert_eq!(owners(&object).len(), 2);
        assert_eq!(owners(&json!([])).len(), 0);
    }
}

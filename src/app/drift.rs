//! Whether a child already is as it would be sent.
//!
//! Server-side apply of what is already there is a write that changes nothing, mostly; an operator
//! that restarts over thousands of Apps must not send it. The live object's managedFields say which
//! fields we own. A child is as it should be when those fields, with the values they have, are
//! exactly the fields that would be sent: a field that somebody changed is no longer ours, a field
//! that we no longer send still is, and both are seen.

use std::collections::hash_map::DefaultHasher;
use std::fmt;
use std::hash::{Hash, Hasher};

use serde_json::{Map, Value};

use super::quantity;

/// Stands for a payload, or for what a manager owns of a live object: equal when these are. Good for
/// one process only.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Digest(u64);

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

/// The digest of what would be sent.
pub fn digest(payload: &Value) -> Digest {
    hash(&canonical_payload(payload))
}

/// The digest of what `manager` has applied to a live object.
pub fn owned_digest(live: &Value, manager: &str) -> Digest {
    hash(&canonical(owned(live, manager), false))
}

/// Whether applying `desired` as `manager` would change nothing: every field of it has its value in
/// the live object and is owned by the manager, who owns no other.
pub fn is_applied(desired: &Value, live: &Value, manager: &str) -> bool {
    canonical_payload(desired) == canonical(owned(live, manager), false)
}

/// The fields of a live object that `manager` owns by apply, with the values that they have; in the
/// shape of a payload, but for what nobody owns: apiVersion, kind, name, namespace, preconditions.
///
/// An owned field that the object does not have is null: the server drops empty values, but
/// remembers who sent them.
pub fn owned(live: &Value, manager: &str) -> Value {
    match fields(live, manager) {
        Some(fields) => pick(fields, live),
        None => Value::Object(Map::new()),
    }
}

/// Whether `manager` owns the field at a path such as `["spec", "replicas"]` by apply.
pub(super) fn owns(live: &Value, manager: &str, path: &[&str]) -> bool {
    fields(live, manager).is_some_and(|fields| has(fields, path))
}

/// Whether anybody but `manager` owns the field at the path, by whichever operation.
pub(super) fn others_own(live: &Value, manager: &str, path: &[&str]) -> bool {
    entries(live)
        .filter(|entry| !is_apply_of(entry, manager))
        .filter_map(|entry| entry["fieldsV1"].as_object())
        .any(|fields| has(fields, path))
}

fn entries(live: &Value) -> impl Iterator<Item = &Value> {
    live["metadata"]["managedFields"]
        .as_array()
        .into_iter()
        .flatten()
}

fn is_apply_of(entry: &Value, manager: &str) -> bool {
    entry["manager"] == manager
        && entry["operation"] == "Apply"
        && entry["subresource"].as_str().unwrap_or_default().is_empty()
}

fn fields<'a>(live: &'a Value, manager: &str) -> Option<&'a Map<String, Value>> {
    let entry = entries(live).find(|entry| is_apply_of(entry, manager))?;
    entry["fieldsV1"].as_object()
}

fn has(mut fields: &Map<String, Value>, path: &[&str]) -> bool {
    for name in path {
        match fields.get(&format!("f:{name}")).and_then(Value::as_object) {
            Some(inner) => fields = inner,
            None => return false,
        }
    }
    true
}

/// What a set of fields in the FieldsV1 form names of a value. The form is that of
/// sigs.k8s.io/structured-merge-diff/fieldpath: `f:name` is a field, `k:{…}` a list item by its
/// keys, `v:…` an item by its value, `i:n` one by its place, and `.` the thing itself.
fn pick(fields: &Map<String, Value>, live: &Value) -> Value {
    let mut inside = fields.iter().filter(|(key, _)| *key != ".").peekable();
    // Nothing inside is owned apart: the value is owned whole.
    if inside.peek().is_none() {
        return live.clone();
    }
    match live {
        Value::Object(live) => {
            let named = inside.filter_map(|(key, inner)| Some((key.strip_prefix("f:")?, inner)));
            named
                .map(|(name, inner)| (name.to_owned(), pick_inner(inner, live.get(name))))
                .collect()
        }
        // In the object's order, which may mean something; that of the fields does not.
        Value::Array(items) => {
            let keys: Vec<(ItemKey, &Value)> = inside
                .filter_map(|(key, inner)| Some((ItemKey::parse(key)?, inner)))
                .collect();
            items
                .iter()
                .enumerate()
                .filter_map(|(index, item)| {
                    let found = keys.iter().find(|(key, _)| key.is(index, item));
                    found.map(|(_, inner)| pick_inner(inner, Some(item)))
                })
                .collect()
        }
        other => other.clone(),
    }
}

fn pick_inner(fields: &Value, live: Option<&Value>) -> Value {
    match (fields, live) {
        (_, None) => Value::Null,
        (Value::Object(fields), Some(live)) => pick(fields, live),
        (_, Some(live)) => live.clone(),
    }
}

enum ItemKey {
    Keys(Map<String, Value>),
    Value(Value),
    Index(usize),
}

impl ItemKey {
    fn parse(key: &str) -> Option<ItemKey> {
        let (kind, rest) = key.split_once(':')?;
        match kind {
            "k" => serde_json::from_str(rest).ok().map(ItemKey::Keys),
            "v" => serde_json::from_str(rest).ok().map(ItemKey::Value),
            "i" => rest.parse().ok().map(ItemKey::Index),
            _ => None,
        }
    }

    fn is(&self, index: usize, item: &Value) -> bool {
        match self {
            ItemKey::Keys(keys) => keys.iter().all(|(key, value)| item.get(key) == Some(value)),
            ItemKey::Value(value) => value == item,
            ItemKey::Index(place) => *place == index,
        }
    }
}

fn canonical_payload(payload: &Value) -> Value {
    let mut payload = payload.clone();
    if let Some(object) = payload.as_object_mut() {
        object.shift_remove("apiVersion");
        object.shift_remove("kind");
        if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
            for nobodys in ["name", "namespace", "uid", "resourceVersion"] {
                metadata.shift_remove(nobodys);
            }
        }
    }
    canonical(payload, false)
}

/// A value in the one form in which equal means the same: quantities as numbers, and everything
/// empty (`""`, `0`, `false`, `[]`, `{}`) as null, because the server drops what is empty from most
/// fields and a reader cannot know from which. `quantities` says that strings here are quantities.
fn canonical(value: Value, quantities: bool) -> Value {
    match value {
        Value::Object(object) if object.is_empty() => Value::Null,
        Value::Object(object) => {
            let fields = object.into_iter().map(|(key, value)| {
                let quantities = match &value {
                    Value::Object(_) => matches!(key.as_str(), "limits" | "requests"),
                    _ => quantities || matches!(key.as_str(), "divisor" | "sizeLimit"),
                };
                (key, canonical(value, quantities))
            });
            Value::Object(fields.collect())
        }
        Value::Array(list) if list.is_empty() => Value::Null,
        Value::Array(list) => {
            let items = list.into_iter().map(|item| canonical(item, false));
            Value::Array(items.collect())
        }
        Value::String(text) if text.is_empty() => Value::Null,
        Value::String(text) if quantities => match quantity::canonical(&text) {
            Some(number) => Value::String(number),
            None => Value::String(text),
        },
        Value::Number(number) if quantities => canonical(Value::String(number.to_string()), true),
        Value::Number(number) if number.as_f64() == Some(0.0) => Value::Null,
        Value::Bool(false) => Value::Null,
        other => other,
    }
}

fn hash(value: &Value) -> Digest {
    let mut hasher = DefaultHasher::new();
    hash_into(value, &mut hasher);
    Digest(hasher.finish())
}

/// Each kind of value begins with a mark of its own, and whatever holds others with their count.
fn hash_into(value: &Value, hasher: &mut DefaultHasher) {
    match value {
        Value::Null => 0u8.hash(hasher),
        Value::Bool(value) => (1u8, value).hash(hasher),
        Value::Number(number) => (2u8, number.to_string()).hash(hasher),
        Value::String(text) => (3u8, text).hash(hasher),
        Value::Array(items) => {
            (4u8, items.len()).hash(hasher);
            items.iter().for_each(|item| hash_into(item, hasher));
        }
        Value::Object(object) => {
            (5u8, object.len()).hash(hasher);
            let mut fields: Vec<_> = object.iter().collect();
            fields.sort_unstable_by_key(|(key, _)| *key);
            for (key, value) in fields {
                key.hash(hasher);
                hash_into(value, hasher);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::app::testing::stored;
    use crate::app::types::App;
    use crate::app::{MANAGER, children};

    /// A Deployment as it is sent, and as the server then has it.
    fn pair() -> (Value, Value) {
        let app = App::test("web").env("A", "1").env("B", "2").port(80);
        let desired = children::deployment(&app, None, Some(2)).unwrap();
        let live = stored(&desired, MANAGER);
        (desired, live)
    }

    fn container(object: &mut Value) -> &mut Value {
        &mut object["spec"]["template"]["spec"]["containers"][0]
    }

    fn applied(desired: &Value, live: &Value) -> bool {
        let by_digest = digest(desired) == owned_digest(live, MANAGER);
        assert_eq!(by_digest, is_applied(desired, live, MANAGER));
        by_digest
    }

    #[test]
    fn what_was_sent_is_applied() {
        let (desired, live) = pair();
        assert!(applied(&desired, &live));
    }

    #[test]
    fn what_others_add_is_not_looked_at() {
        let (desired, mut live) = pair();
        live["spec"]["template"]["metadata"]["annotations"] = json!({"restartedAt": "now"});
        live["spec"]["strategy"] = json!({"type": "RollingUpdate"});
        container(&mut live)["env"]
            .as_array_mut()
            .unwrap()
            .insert(0, json!({"name": "OTHER"}));
        let containers = &mut live["spec"]["template"]["spec"]["containers"];
        containers
            .as_array_mut()
            .unwrap()
            .insert(0, json!({"name": "injected"}));
        assert!(applied(&desired, &live));
    }

    #[test]
    fn a_changed_value_is_drift() {
        for change in [
            |live: &mut Value| container(live)["image"] = json!("other"),
            |live: &mut Value| live["spec"]["replicas"] = json!(3),
            |live: &mut Value| container(live)["env"][0]["value"] = json!("x"),
            |live: &mut Value| live["metadata"]["labels"]["app.example.com/v1"] = json!("x"),
            |live: &mut Value| container(live)["env"].as_array_mut().unwrap().reverse(),
            |live: &mut Value| container(live)["env"] = json!([]),
            |live: &mut Value| live["metadata"]["ownerReferences"] = json!([]),
        ] {
            let (desired, mut live) = pair();
            change(&mut live);
            assert!(!applied(&desired, &live), "{live}");
        }
    }

    #[test]
    fn a_field_that_is_no_longer_sent_or_no_longer_ours_is_drift() {
        let (desired, live) = pair();
        let mut less = desired.clone();
        container(&mut less)["env"].as_array_mut().unwrap().pop();
        assert!(!applied(&less, &live));
        // An update by somebody else takes a field over, even with the value that it had.
        assert!(!is_applied(&desired, &live, "other"));
        let mut taken = live;
        let fields = &mut taken["metadata"]["managedFields"][0]["fieldsV1"];
        fields["f:spec"]
            .as_object_mut()
            .unwrap()
            .shift_remove("f:replicas");
        assert!(!applied(&desired, &taken));
    }

    #[test]
    fn the_servers_spelling_of_a_quantity_is_the_same() {
        let (mut desired, _) = pair();
        let resources = |cpu: Value, memory: &str| json!({"limits": {"cpu": cpu, "memory": memory}, "requests": {"cpu": cpu}});
        container(&mut desired)["resources"] = resources(json!(0.5), "1024Mi");
        let mut live = stored(&desired, MANAGER);
        container(&mut live)["resources"] = resources(json!("500m"), "1Gi");
        assert!(applied(&desired, &live));
        container(&mut live)["resources"] = resources(json!("500m"), "1G");
        assert!(!applied(&desired, &live));
    }

    #[test]
    fn what_the_server_drops_because_it_is_empty_is_still_applied() {
        let (mut desired, _) = pair();
        container(&mut desired)["tty"] = json!(false);
        container(&mut desired)["args"] = json!([]);
        container(&mut desired)["env"][0]["value"] = json!("");
        desired["spec"]["template"]["spec"]["securityContext"] = json!({});
        let mut live = stored(&desired, MANAGER);
        let stored = container(&mut live).as_object_mut().unwrap();
        stored.shift_remove("tty");
        stored.shift_remove("args");
        let env = stored["env"][0].as_object_mut().unwrap();
        env.shift_remove("value");
        assert!(applied(&desired, &live));
        container(&mut live)["env"][0]["value"] = json!("x");
        assert!(!applied(&desired, &live));
    }

    #[test]
    fn only_our_apply_counts() {
        let (desired, mut live) = pair();
        live["metadata"]["managedFields"][0]["subresource"] = json!("scale");
        assert!(!applied(&desired, &live));
        live["metadata"]["managedFields"][0]["subresource"] = json!("");
        live["metadata"]["managedFields"][0]["operation"] = json!("Update");
        assert!(!applied(&desired, &live));
        live["metadata"]["managedFields"] = Value::Null;
        assert!(!applied(&desired, &live));
    }

    #[test]
    fn sets_and_places_are_read_too() {
        let live = json!({
            "metadata": {"finalizers": ["a", "b"], "managedFields": [{
                "manager": "m", "operation": "Apply",
                "fieldsV1": {"f:metadata": {"f:finalizers": {"v:\"b\"": {}}}, "f:l": {"i:1": {}}},
            }]},
            "l": [1, 2],
        });
        assert_eq!(
            owned(&live, "m"),
            json!({"metadata": {"finalizers": ["b"]}, "l": [2]})
        );
    }

    #[test]
    fn owners_of_a_field_are_found() {
        let (_, mut live) = pair();
        const REPLICAS: &[&str] = &["spec", "replicas"];
        assert!(owns(&live, MANAGER, REPLICAS));
        assert!(!others_own(&live, MANAGER, REPLICAS));
        let scaled = json!({
            "manager": "kube-controller-manager", "operation": "Update", "subresource": "scale",
            "fieldsV1": {"f:spec": {"f:replicas": {}}},
        });
        let entries = live["metadata"]["managedFields"].as_array_mut().unwrap();
        entries.push(scaled);
        assert!(others_own(&live, MANAGER, REPLICAS));
        assert!(!others_own(&live, MANAGER, &["spec", "paused"]));
    }
}

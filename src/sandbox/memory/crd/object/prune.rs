//! Removing what a schema does not know (`pkg/apiserver/schema/pruning`).

use serde_json::Value;

use super::super::schema::{Additional, Schema};
use super::is_meta;

/// Prunes the value of a field. A resource is pruned as one only where its schema says that it is.
pub(crate) fn prune(value: &mut Value, schema: Option<&Schema>) {
    let is_resource = schema.is_some_and(|schema| schema.embedded_resource);
    Pruner::default().prune(value, schema, is_resource, false);
}

/// Prunes a whole resource. Gives the paths of what was removed, sorted, when `tell`.
pub(crate) fn prune_resource(value: &mut Value, schema: &Schema, tell: bool) -> Vec<String> {
    let mut pruner = Pruner {
        tell,
        ..Pruner::default()
    };
    pruner.prune(value, Some(schema), true, false);
    pruner.unknown.sort();
    pruner.unknown
}

#[derive(Default)]
struct Pruner {
    tell: bool,
    path: String,
    unknown: Vec<String>,
}

impl Pruner {
    /// `preserves`: unknown fields stay whatever the schema says, as in the items of a list that
    /// says so.
    fn prune(
        &mut self,
        value: &mut Value,
        schema: Option<&Schema>,
        is_resource: bool,
        preserves: bool,
    ) {
        let preserves = preserves || schema.is_some_and(Schema::preserves);
        match value {
            Value::Object(map) => {
                let mut unknown = Vec::new();
                for (name, value) in map.iter_mut() {
                    if is_resource && is_meta(name) {
                        continue;
                    }
                    match known(schema, name) {
                        Some(child) => {
                            let length = self.enter(name);
                            let is_resource = child.is_some_and(|child| child.embedded_resource);
                            self.prune(value, child, is_resource, false);
                            self.path.truncate(length);
                        }
                        None if preserves => {}
                        None => unknown.push(name.clone()),
                    }
                }
                if unknown.is_empty() {
                    return;
                }
                map.retain(|name, _| !unknown.contains(name));
                if !self.tell {
                    return;
                }
                for name in unknown {
                    if !is_meta(&name) || !self.path.is_empty() {
                        let length = self.enter(&name);
                        self.unknown.push(self.path.clone());
                        self.path.truncate(length);
                    }
                }
            }
            Value::Array(items) => {
                let child = schema.and_then(Schema::item);
                if preserves && child.is_none() {
                    return;
                }
                let is_resource = child.is_some_and(|child| child.embedded_resource);
                for (at, item) in items.iter_mut().enumerate() {
                    let length = self.path.len();
                    if self.tell {
                        self.path.push_str(&format!("[{at}]"));
                    }
                    self.prune(item, child, is_resource, preserves);
                    self.path.truncate(length);
                }
            }
            _ => {}
        }
    }

    /// Goes down to a field, and gives the length of the path to go back to.
    fn enter(&mut self, name: &str) -> usize {
        let length = self.path.len();
        if self.tell {
            if length > 0 {
                self.path.push('.');
            }
            self.path.push_str(name);
        }
        length
    }
}

/// The schema of a field, if it may be there: some have none and are pruned of all they hold.
fn known<'a>(schema: Option<&'a Schema>, name: &str) -> Option<Option<&'a Schema>> {
    let schema = schema?;
    if let Some(property) = schema.properties.get(name) {
        return Some(Some(property));
    }
    match &schema.additional_properties {
        Some(Additional::Of(additional)) => Some(Some(additional)),
        Some(Additional::Allowed(_)) => Some(None),
        None => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sandbox::memory::crd::schema::read;
    use serde_json::json;

    fn pruned(schema: Value, mut value: Value) -> (Value, Vec<String>) {
        let unknown = prune_resource(&mut value, &read(&schema).unwrap(), true);
        (value, unknown)
    }

    #[test]
    fn unknown_fields_go_and_are_told() {
        let spec = json!({"type": "object", "properties": {
            "list": {"type": "array", "items": {"type": "object", "properties": {"x": {}}}},
            "map": {"type": "object", "additionalProperties":
                {"type": "object", "properties": {"x": {}}}},
            "free": {"type": "object", "x-kubernetes-preserve-unknown-fields": true,
                "properties": {"k": {"type": "object", "properties": {"y": {}}}}},
            "pod": {"type": "object", "x-kubernetes-embedded-resource": true,
                "properties": {"spec": {"type": "object"}}},
            "any": {"type": "object", "additionalProperties": true},
        }});
        let schema = json!({"type": "object", "properties": {"spec": spec}});
        let (value, unknown) = pruned(
            schema,
            json!({"kind": "A", "metadata": {"x": 1}, "foo": 1, "spec": {
                "b": 1, "list": [{"x": 1}, {"y": 1}], "map": {"m": {"z": 1}},
                "free": {"u": {"v": 1}, "k": {"w": 1}},
                "pod": {"kind": "Pod", "metadata": {"n": 1}, "spec": {"w": 1}, "o": 1},
                "any": {"a": {"b": 1}, "c": [1]},
            }}),
        );
        assert_eq!(
            value,
            json!({"kind": "A", "metadata": {"x": 1}, "spec": {
                "list": [{"x": 1}, {}], "map": {"m": {}}, "free": {"u": {"v": 1}, "k": {}},
                "pod": {"kind": "Pod", "metadata": {"n": 1}, "spec": {}},
                "any": {"a": {}, "c": [1]},
            }})
        );
        assert_eq!(
            unknown,
            [
                "foo",
                "spec.any.a.b",
                "spec.b",
                "spec.free.k.w",
                "spec.list[1].y",
                "spec.map.m.z",
                "spec.pod.o",
                "spec.pod.spec.w"
            ]
        );
    }

    #[test]
    fn a_field_is_no_resource() {
        let schema = read(&json!({"type": "object", "properties": {"a": {}}})).unwrap();
        let mut value = json!({"kind": "A", "a": 1});
        prune(&mut value, Some(&schema));
        assert_eq!(value, json!({"a": 1}));
    }
}

//! Which value of the old object a value of the new one goes on: for rules about changes, and so
//! that what was wrong before stays allowed until it is touched (`pkg/cel/common/equality.go` and
//! `maplist.go` of apiserver).

use std::collections::HashMap;
use std::fmt::Write as _;

use serde_json::Value;

use super::go;
use super::schema::Schema;

/// A value with what it was before.
#[derive(Clone, Copy)]
pub(super) struct Correlated<'a> {
    pub(super) schema: &'a Schema,
    pub(super) new: &'a Value,
    pub(super) old: &'a Value,
}

impl<'a> Correlated<'a> {
    /// The field of that name, when both objects have it and the schema knows it.
    pub(super) fn key(self, name: &str) -> Option<Correlated<'a>> {
        Some(Correlated {
            schema: self.schema.field(name)?,
            new: self.new.as_object()?.get(name)?,
            old: self.old.as_object()?.get(name)?,
        })
    }

    /// For each item of a list what it was before, as far as that can be told.
    pub(super) fn items(self) -> Items<'a> {
        let keyed = match (self.old, &self.schema.list_type) {
            (Value::Array(old), Some(kind)) if kind == "map" => Keyed::new(self.schema, old),
            _ => Keyed::default(),
        };
        Items { list: self, keyed }
    }

    /// Whether nothing has changed; the items of a list map may have moved.
    pub(super) fn is_equal(self) -> bool {
        match (self.new, self.old) {
            (Value::Array(new), Value::Array(old)) => {
                if new.len() != old.len() {
                    return false;
                }
                if self.schema.list_type.as_deref() != Some("map") {
                    return new == old;
                }
                let items = self.items();
                (0..new.len()).all(|at| items.get(at).is_some_and(Correlated::is_equal))
            }
            (Value::Object(new), Value::Object(old)) => {
                let is_same = |name: &String| self.key(name).is_some_and(Correlated::is_equal);
                new.len() == old.len() && new.keys().all(is_same)
            }
            (new, old) => new == old,
        }
    }
}

/// See [`Correlated::items`].
pub(super) struct Items<'a> {
    list: Correlated<'a>,
    keyed: Keyed<'a>,
}

impl<'a> Items<'a> {
    /// The item at that place of the new list.
    pub(super) fn get(&self, at: usize) -> Option<Correlated<'a>> {
        let new = self.list.new.as_array()?.get(at)?;
        Some(Correlated {
            schema: self.list.schema.item()?,
            new,
            old: self.keyed.get(new)?,
        })
    }
}

/// The items of a list of type map, by their keys; empty for other lists.
#[derive(Default)]
pub(super) struct Keyed<'a> {
    keys: &'a [String],
    items: HashMap<String, &'a Value>,
}

impl<'a> Keyed<'a> {
    pub(super) fn new(schema: &'a Schema, items: &'a [Value]) -> Self {
        let is_map = schema.type_ == "array" && schema.list_type.as_deref() == Some("map");
        if !is_map || schema.list_map_keys.is_empty() {
            return Keyed::default();
        }
        let keys = &schema.list_map_keys;
        let mut by_key = HashMap::with_capacity(items.len());
        for item in items {
            if let Some(key) = composite_key(keys, item) {
                by_key.entry(key).or_insert(item);
            }
        }
        Keyed {
            keys,
            items: by_key,
        }
    }

    /// The first item with the keys of that one.
    pub(super) fn get(&self, item: &Value) -> Option<&'a Value> {
        if self.items.is_empty() {
            return None;
        }
        self.items.get(&composite_key(self.keys, item)?).copied()
    }
}

/// A text that differs for items that differ in their keys; `None` unless all are plain values.
fn composite_key(keys: &[String], item: &Value) -> Option<String> {
    let item = item.as_object()?;
    let mut composite = String::new();
    for key in keys {
        match item.get(key)? {
            Value::Null | Value::Array(_) | Value::Object(_) => return None,
            Value::Number(number) if go::integer(number).is_none() => {
                let _ = write!(composite, "\0f{number}");
            }
            value => {
                let _ = write!(composite, "\0{value}");
            }
        }
    }
    Some(composite)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sandbox::memory::crd::schema::read;
    use serde_json::json;

    fn is_equal(schema: Value, new: Value, old: Value) -> bool {
        let schema = read(&schema).unwrap();
        Correlated {
            schema: &schema,
            new: &new,
            old: &old,
        }
        .is_equal()
    }

    #[test]
    fn what_is_unchanged() {
        let any = json!({"type": "object", "additionalProperties": {"type": "integer"}});
        assert!(is_equal(any.clone(), json!({"a": 1}), json!({"a": 1})));
        assert!(!is_equal(any.clone(), json!({"a": 1}), json!({"a": 1.0})));
        assert!(!is_equal(any, json!({"a": 1}), json!({"b": 1})));
        // What no schema knows cannot be compared.
        let closed = json!({"type": "object", "x-kubernetes-preserve-unknown-fields": true});
        assert!(!is_equal(closed, json!({"a": 1}), json!({"a": 1})));
        let map = json!({"type": "array", "x-kubernetes-list-type": "map",
            "x-kubernetes-list-map-keys": ["k"],
            "items": {"type": "object", "properties": {"k": {}, "v": {}}}});
        let (one, two) = (json!({"k": 1, "v": 1}), json!({"k": "1", "v": 2}));
        assert!(is_equal(map.clone(), json!([one, two]), json!([two, one])));
        assert!(!is_equal(map, json!([one, two]), json!([one, one])));
        let list = json!({"type": "array", "items": {}});
        assert!(!is_equal(list, json!([one, two]), json!([two, one])));
    }
}

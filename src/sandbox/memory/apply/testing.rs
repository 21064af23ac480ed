//! Small types and steps for tests.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::sandbox::memory::types::{
    Field, List, ListKind, Map, Object, Scalar, Type, TypeId, Types,
};

use super::{Applied, Context, Filter, apply, fields, managed, update};
use crate::sandbox::memory::status::Status;

/// When every write of a test is made.
pub(super) const NOW: &str = "2030-01-01T00:00:00Z";

/// A kind `Thing` of `example.com/v1` whose fields are described by JSON: `"str"`, `"int"`,
/// `"bool"`, `"any"`, `"set"`, `"list"` (atomic), `{"*": type}` for maps, `{"!": {...}}` for atomic
/// objects, `{"[a,b=x]": {...}}` for lists with keys (`b` has the default `x`).
pub(super) struct Thing {
    pub(super) types: Types,
    pub(super) type_: TypeId,
    pub(super) filter: Option<Filter>,
}

impl Thing {
    pub(super) fn new(spec: &Value) -> Self {
        let mut types = Types::new();
        let described = json!({
            "apiVersion": "str", "kind": "str",
            "metadata": {
                "name": "str", "namespace": "str", "uid": "str", "resourceVersion": "str",
                "labels": {"*": "str"}, "annotations": {"*": "str"}, "finalizers": "set",
                "managedFields": "list",
            },
            "spec": spec,
            "status": {"phase": "str", "conditions": {"[type]": {"status": "str"}}},
        });
        let type_ = add(&mut types, &described);
        Thing {
            types,
            type_,
            filter: None,
        }
    }

    /// All sorts of fields.
    pub(super) fn default() -> Self {
        Thing::new(&json!({
            "n": "int", "s": "str", "b": "bool", "m": {"*": "str"}, "set": "set", "list": "list",
            "o": {"x": "str", "y": {"z": "str"}}, "atom": {"!": {"u": "str", "v": "str"}},
            "items": {"[name]": {"image": "str", "ports": {"[port,protocol=TCP]": {"as": "str"}}}},
            "any": "any",
        }))
    }

    pub(super) fn context<'a>(&'a self, subresource: &'a str) -> Context<'a> {
        Context {
            types: &self.types,
            type_: self.type_,
            api_version: "example.com/v1",
            kind: "Thing",
            subresource,
            served: &["example.com/v2"],
            filter: self.filter.as_ref(),
            now: NOW,
        }
    }

    /// Applies a spec.
    pub(super) fn apply(
        &self,
        live: Option<&Value>,
        manager: &str,
        force: bool,
        spec: &Value,
    ) -> Result<Applied, Status> {
        apply(&self.context(""), live, &thing(spec), manager, force)
    }

    /// Updates to a spec, keeping the metadata.
    pub(super) fn update(&self, live: Option<&Value>, manager: &str, spec: &Value) -> Value {
        let mut new = live.cloned().unwrap_or_else(|| thing(&json!({})));
        new["spec"] = spec.clone();
        new["metadata"]["uid"] = json!("u");
        update(&self.context(""), live, &mut new, manager);
        new
    }
}

/// An object with that spec.
pub(super) fn thing(spec: &Value) -> Value {
    json!({"apiVersion": "example.com/v1", "kind": "Thing", "metadata": {"name": "x"}, "spec": spec})
}

/// Who manages what: `a Apply 2030-01-01T00:00:00Z .spec.n .spec.s`, one manager a line.
pub(super) fn managers(object: &Value) -> Vec<String> {
    let entries = managed::of(object)
        .and_then(Value::as_array)
        .into_iter()
        .flatten();
    let line = |entry: &Value| {
        let text = |key: &str| entry[key].as_str().unwrap_or("-").to_owned();
        let mut line = vec![text("manager"), text("operation")];
        line.extend(entry["subresource"].as_str().map(str::to_owned));
        line.push(if text("time") == NOW {
            "now".to_owned()
        } else {
            text("time")
        });
        line.extend(fields::decode(&entry["fieldsV1"]).unwrap().paths());
        line.join(" ")
    };
    entries.map(line).collect()
}

fn add(types: &mut Types, described: &Value) -> TypeId {
    let type_ = match described {
        Value::String(word) => match word.as_str() {
            "str" => Type::Scalar(Scalar::String),
            "int" => Type::Scalar(Scalar::Int64),
            "bool" => Type::Scalar(Scalar::Boolean),
            "any" => Type::Any,
            "set" => list(add(types, &json!("str")), ListKind::Set),
            "list" => list(add(types, &json!("any")), ListKind::Atomic),
            other => panic!("no such type: {other}"),
        },
        Value::Object(map) => match map.iter().next() {
            Some((key, value)) if key == "*" => Type::Map(Map {
                value: add(types, value),
                atomic: false,
            }),
            Some((key, value)) if key == "!" => {
                let mut object = object(types, value, &[]);
                object.atomic = true;
                Type::Object(object)
            }
            Some((key, value)) if key.starts_with('[') => {
                let keys: Vec<(&str, Option<&str>)> = key[1..key.len() - 1]
                    .split(',')
                    .map(|key| match key.split_once('=') {
                        Some((key, default)) => (key, Some(default)),
                        None => (key, None),
                    })
                    .collect();
                let item = Type::Object(object(types, value, &keys));
                let item = types.add(item);
                list(
                    item,
                    ListKind::Map(keys.iter().map(|(key, _)| Arc::from(*key)).collect()),
                )
            }
            _ => Type::Object(object(types, described, &[])),
        },
        other => panic!("no type: {other}"),
    };
    types.add(type_)
}

fn list(item: TypeId, kind: ListKind) -> Type {
    Type::List(List { item, kind })
}

fn object(types: &mut Types, described: &Value, keys: &[(&str, Option<&str>)]) -> Object {
    let mut fields: Vec<Field> = keys
        .iter()
        .map(|(key, default)| {
            let word = if *key == "port" { "int" } else { "str" };
            let mut field = Field::new(key, add(types, &json!(word)));
            field.default = default.map(|default| json!(default));
            field
        })
        .collect();
    for (name, described) in described.as_object().unwrap() {
        fields.push(Field::new(name, add(types, described)));
    }
    Object::new("", fields)
}

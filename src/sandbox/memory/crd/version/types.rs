//! The types of custom objects, for field ownership and merging (kube-openapi's `pkg/schemaconv`, on
//! the OpenAPI document of the definition).

use std::collections::HashMap;
use std::sync::Arc;

use super::super::object::is_meta;
use super::super::schema::{self, Additional, Schema};
use super::Shape;
use crate::sandbox::memory::catalog::catalog;
use crate::sandbox::memory::types::{
    Field, List, ListKind, Map, Object, Scalar, Type, TypeId, Types,
};

const OBJECT_META: &str = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta";

/// The types of a version, with that of its objects.
pub(super) fn build(shape: &Shape) -> (Arc<Types>, TypeId) {
    let json = serde_json::from_str(&shape.schema).unwrap_or_default();
    let schema = schema::read(&json).unwrap_or_default();
    let mut types = Types::new();
    let any = types.add(Type::Any);
    let text = types.add(Type::Scalar(Scalar::String));
    let meta = catalog().types();
    let metadata = match meta.named(OBJECT_META) {
        Some(id) => copy(meta, id, &mut types, &mut HashMap::new()),
        None => any,
    };
    let mut builder = Builder {
        types,
        any,
        text,
        metadata,
    };
    let root = builder.object(&schema, true, false);
    (Arc::new(builder.types), root)
}

/// Copies a type and all that it refers to.
fn copy(from: &Types, id: TypeId, to: &mut Types, known: &mut HashMap<TypeId, TypeId>) -> TypeId {
    if let Some(id) = known.get(&id) {
        return *id;
    }
    let copied = to.add(Type::Any);
    known.insert(id, copied);
    let mut type_ = from.get(id).clone();
    match &mut type_ {
        Type::Object(object) => {
            for field in &mut object.fields {
                field.type_ = copy(from, field.type_, to, known);
            }
            object.others = object.others.map(|id| copy(from, id, to, known));
        }
        Type::Map(map) => map.value = copy(from, map.value, to, known),
        Type::List(list) => list.item = copy(from, list.item, to, known),
        Type::Scalar(_) | Type::Any => {}
    }
    to.set(copied, type_);
    copied
}

struct Builder {
    types: Types,
    any: TypeId,
    text: TypeId,
    metadata: TypeId,
}

impl Builder {
    /// `preserves`: some schema above keeps unknown fields, which holds for all below it.
    fn type_(&mut self, schema: &Schema, preserves: bool) -> TypeId {
        let preserves = preserves || schema.preserves();
        let type_ = match schema.type_.as_str() {
            "object" => return self.object(schema, false, preserves),
            // Without a type and without fields it may be anything.
            "" if schema.properties.is_empty() && !schema.embedded_resource => return self.any,
            "" => return self.object(schema, false, preserves),
            "array" => Type::List(List {
                item: match schema.item() {
                    Some(item) => self.type_(item, preserves),
                    None => self.any,
                },
                kind: match schema.list_type.as_deref() {
                    Some("set") => ListKind::Set,
                    Some("map") => {
                        let keys = schema.list_map_keys.iter();
                        ListKind::Map(keys.map(|key| Arc::from(key.as_str())).collect())
                    }
                    _ => ListKind::Atomic,
                },
            }),
            "integer" | "number" => Type::Scalar(Scalar::Number),
            "boolean" => Type::Scalar(Scalar::Boolean),
            "string" if matches!(schema.format.as_str(), "" | "byte") => return self.text,
            _ => Type::Scalar(Scalar::Untyped),
        };
        self.types.add(type_)
    }

    fn object(&mut self, schema: &Schema, is_root: bool, preserves: bool) -> TypeId {
        let preserves = preserves || schema.preserves();
        let atomic = schema.map_type.as_deref() == Some("atomic");
        let is_resource = is_root || schema.embedded_resource;
        let others = match &schema.additional_properties {
            Some(Additional::Of(of)) => Some(self.type_(of, preserves)),
            Some(Additional::Allowed(is_allowed)) => is_allowed.then_some(self.any),
            None if preserves || (schema.properties.is_empty() && !is_resource) => Some(self.any),
            None => None,
        };
        if let (true, false, Some(value)) = (schema.properties.is_empty(), is_resource, others) {
            return self.types.add(Type::Map(Map { value, atomic }));
        }
        let mut fields = Vec::with_capacity(schema.properties.len() + 3);
        if is_resource {
            fields.push(Field::new("apiVersion", self.text));
            fields.push(Field::new("kind", self.text));
            fields.push(Field::new("metadata", self.metadata));
        }
        for (name, property) in &schema.properties {
            if is_resource && is_meta(name) {
                continue;
            }
            let mut field = Field::new(name, self.type_(property, preserves));
            field.default.clone_from(&property.default);
            field.required = schema.required.contains(name);
            fields.push(field);
        }
        let mut object = Object::new("", fields);
        object.atomic = atomic;
        object.others = others;
        self.types.add(Type::Object(object))
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use serde_json::{Value, json};

    use super::*;

    /// A type in few words: `{a: string, *: any}`, `atomic`, `set[string]`, `map(k)[{…}]`.
    fn shown(types: &Types, id: TypeId) -> String {
        match types.get(id) {
            Type::Object(object) => {
                let mut out = String::new();
                for field in &object.fields {
                    let type_ = match &*field.name {
                        "metadata" => "meta".to_owned(),
                        _ => shown(types, field.type_),
                    };
                    let _ = write!(out, "{}: {type_}, ", field.name);
                }
                if let Some(others) = object.others {
                    let _ = write!(out, "*: {}, ", shown(types, others));
                }
                let atomic = if object.atomic { "atomic " } else { "" };
                format!("{atomic}{{{}}}", out.trim_end_matches(", "))
            }
            Type::Map(map) => {
                let atomic = if map.atomic { "atomic " } else { "" };
                format!("{atomic}{{*: {}}}", shown(types, map.value))
            }
            Type::List(list) => {
                let item = shown(types, list.item);
                match &list.kind {
                    ListKind::Atomic => format!("[{item}]"),
                    ListKind::Set => format!("set[{item}]"),
                    ListKind::Map(keys) => format!("map({})[{item}]", keys.join(",")),
                }
            }
            Type::Scalar(scalar) => format!("{scalar:?}").to_lowercase(),
            Type::Any => "any".to_owned(),
        }
    }

    fn spec(schema: Value) -> String {
        let schema = json!({"type": "object", "properties": {"spec": schema}});
        let (types, root) = build(&Shape::new(&json!({"schema": {"openAPIV3Schema": schema}})));
        let all = shown(&types, root);
        let rest = all.strip_prefix("{apiVersion: string, kind: string, metadata: meta, spec: ");
        rest.and_then(|rest| rest.strip_suffix('}'))
            .expect(&all)
            .to_owned()
    }

    #[test]
    fn schemas_have_types() {
        let text = json!({"type": "string"});
        for (schema, expected) in [
            (json!({"type": "object"}), "{*: any}"),
            (
                json!({"type": "object", "x-kubernetes-map-type": "atomic"}),
                "atomic {*: any}",
            ),
            (
                json!({"type": "object", "additionalProperties": text}),
                "{*: string}",
            ),
            (
                json!({"type": "object", "additionalProperties": true}),
                "{*: any}",
            ),
            (
                json!({"type": "object", "properties": {"a": text}}),
                "{a: string}",
            ),
            (
                json!({"type": "object", "x-kubernetes-preserve-unknown-fields": true,
                    "properties": {"a": {"type": "object", "properties": {"b": text}}}}),
                "{a: {b: string, *: any}, *: any}",
            ),
            (json!({"x-kubernetes-preserve-unknown-fields": true}), "any"),
            (json!({"x-kubernetes-int-or-string": true}), "any"),
            (json!({"type": "array", "items": text}), "[string]"),
            (
                json!({"type": "array", "x-kubernetes-list-type": "set", "items": text}),
                "set[string]",
            ),
            (
                json!({"type": "array", "x-kubernetes-list-type": "map",
                    "x-kubernetes-list-map-keys": ["k", "l"],
                    "items": {"type": "object", "properties": {"k": text}}}),
                "map(k,l)[{k: string}]",
            ),
            (json!({"type": "string", "format": "date-time"}), "untyped"),
            (json!({"type": "string", "format": "byte"}), "string"),
            (json!({"type": "integer"}), "number"),
            (
                json!({"type": "object", "x-kubernetes-embedded-resource": true,
                    "properties": {"kind": text, "a": text}}),
                "{apiVersion: string, kind: string, metadata: meta, a: string}",
            ),
        ] {
            assert_eq!(spec(schema.clone()), expected, "{schema}");
        }
    }
}

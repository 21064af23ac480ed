//! The schemas of a kind and its list.

use serde_json::{Map, Value, json};

use super::{META, Published, REF};
use crate::sandbox::memory::catalog::catalog;

const CONVENTIONS: &str =
    "https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md";

impl Published<'_> {
    pub(super) fn schema(&self) -> Value {
        let mut schema: Value = serde_json::from_str(self.schema).unwrap_or_default();
        publish(&mut schema);
        let properties = properties(&mut schema);
        for name in ["apiVersion", "kind"] {
            properties.insert(name.to_owned(), type_meta(name));
        }
        properties.insert("metadata".to_owned(), object_meta());
        properties.sort_keys();
        if let Value::Object(schema) = &mut schema {
            self.extend(self.kind, schema);
        }
        schema
    }

    pub(super) fn list_schema(&self) -> Value {
        let (plural, kind, list_kind) = (self.plural, self.kind, self.list_kind);
        let mut schema = json!({
            "description": format!("{list_kind} is a list of {kind}"),
            "type": "object",
            "required": ["items"],
            "properties": {
                "apiVersion": type_meta("apiVersion"),
                "items": {
                    "description": format!("List of {plural}. More info: {CONVENTIONS}"),
                    "type": "array",
                    "items": self.reference(kind),
                },
                "kind": type_meta("kind"),
                "metadata": {
                    "description":
                        format!("Standard list metadata. More info: {CONVENTIONS}#types-kinds"),
                    "allOf": [{"$ref": format!("{REF}{META}.ListMeta")}],
                },
            },
        });
        if let Value::Object(schema) = &mut schema {
            self.extend(list_kind, schema);
        }
        schema
    }

    fn extend(&self, kind: &str, schema: &mut Map<String, Value>) {
        let gvk = json!([{"group": self.group, "kind": kind, "version": self.version}]);
        schema.insert("x-kubernetes-group-version-kind".to_owned(), gvk);
        if !self.selectable.is_empty() {
            let fields = self.selectable.iter();
            let fields = fields.map(|field| json!({"fieldPath": field})).collect();
            schema.insert(
                "x-kubernetes-selectable-fields".to_owned(),
                Value::Array(fields),
            );
        }
    }
}

/// What a field of TypeMeta is.
fn type_meta(field: &str) -> Value {
    let status = catalog()
        .schema(&format!("{META}.Status"), "")
        .unwrap_or_default();
    status["properties"][field].clone()
}

fn object_meta() -> Value {
    json!({
        "description": format!("Standard object's metadata. More info: {CONVENTIONS}#metadata"),
        "allOf": [{"$ref": format!("{REF}{META}.ObjectMeta")}],
    })
}

fn properties(schema: &mut Value) -> &mut Map<String, Value> {
    if !schema["properties"].is_object() {
        schema["properties"] = json!({});
    }
    match &mut schema["properties"] {
        Value::Object(properties) => properties,
        _ => unreachable!("it was made an object above"),
    }
}

/// Writes a definition's schema as it is published: what says nothing goes, what integers or texts
/// are is told without extensions, and embedded resources get the fields of every resource.
fn publish(schema: &mut Value) {
    let Value::Object(fields) = schema else {
        return;
    };
    fields.retain(|keyword, value| says_something(keyword, value));
    for (keyword, value) in fields.iter_mut() {
        match (keyword.as_str(), value) {
            ("properties", Value::Object(properties)) => {
                properties.values_mut().for_each(publish);
                properties.sort_keys();
            }
            ("items" | "additionalProperties" | "not", value) => publish(value),
            ("allOf" | "anyOf" | "oneOf", Value::Array(all)) => all.iter_mut().for_each(publish),
            _ => {}
        }
    }
    if fields.get("x-kubernetes-int-or-string") == Some(&json!(true)) {
        unfold(fields);
    }
    if fields.get("x-kubernetes-embedded-resource") == Some(&json!(true)) {
        embed(schema);
    }
}

/// Whether Go writes a keyword with that value.
fn says_something(keyword: &str, value: &Value) -> bool {
    match value {
        Value::Null => false,
        _ if matches!(
            keyword,
            "default" | "example" | "additionalProperties" | "not" | "items"
        ) =>
        {
            true
        }
        Value::Bool(is_set) => *is_set,
        Value::String(text) => !text.is_empty(),
        Value::Array(items) => !items.is_empty(),
        Value::Object(fields) => !fields.is_empty(),
        Value::Number(_) => true,
    }
}

fn unfold(fields: &mut Map<String, Value>) {
    let either = json!([{"type": "integer"}, {"type": "string"}]);
    let first = fields.get("allOf").and_then(|all| all.get(0));
    if fields.get("anyOf") == Some(&either)
        || first.is_some_and(|first| *first == json!({"anyOf": either}))
    {
        return;
    }
    if fields.contains_key("anyOf") {
        let all = fields.entry("allOf").or_insert_with(|| json!([]));
        if let Value::Array(all) = all {
            all.insert(0, json!({"anyOf": either}));
        }
    } else {
        fields.insert("anyOf".to_owned(), either);
    }
}

fn embed(schema: &mut Value) {
    let properties = properties(schema);
    for (field, what) in [
        (
            "apiVersion",
            "apiVersion defines the versioned schema of this representation of an object.",
        ),
        (
            "kind",
            "kind is a string value representing the type of this object. In CamelCase.",
        ),
    ] {
        let place = if field == "kind" {
            "types-kinds"
        } else {
            "resources"
        };
        let description = format!("{what} More info: {CONVENTIONS}#{place}");
        let type_ = json!({"description": description, "type": "string"});
        properties.insert(field.to_owned(), type_);
    }
    properties.insert("metadata".to_owned(), object_meta());
    properties.sort_keys();
    if !schema["required"].is_array() {
        schema["required"] = json!([]);
    }
    if let Value::Array(required) = &mut schema["required"] {
        for field in ["kind", "apiVersion"] {
            if !required.iter().any(|known| known == field) {
                required.push(json!(field));
            }
        }
    }
}

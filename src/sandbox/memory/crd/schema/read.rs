//! Reading a schema.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{Additional, Dependency, ExternalDocs, Items, Rule, Schema};

/// Deeper schemas are refused: whatever is done with one recurses. The JSON of a request is limited
/// to 128 levels, of which each level of a schema takes one or two; what people write has up to 30.
pub(crate) const DEEPEST: usize = 64;

/// The schema in that JSON, which has been decoded as `JSONSchemaProps`; what is of another type
/// counts as absent. `None` when it is nested too deeply.
pub(crate) fn read(json: &Value) -> Option<Schema> {
    let mut schema = Schema::default();
    fill(&mut schema, json, 0)?;
    Some(schema)
}

/// Schemas are filled where they stay, because each level of this recursion costs stack.
fn fill(schema: &mut Schema, json: &Value, depth: usize) -> Option<()> {
    if depth > DEEPEST {
        return None;
    }
    for (key, value) in json.as_object().into_iter().flatten() {
        if !value.is_null() && !plain(schema, key, value) {
            children(schema, key, value, depth + 1)?;
        }
    }
    Some(())
}

/// A keyword without schemas in it; false for others.
fn plain(schema: &mut Schema, key: &str, value: &Value) -> bool {
    match key {
        "id" => schema.id = text(value),
        "$schema" => schema.schema = text(value),
        "$ref" => schema.reference = optional_text(value),
        "description" => schema.description = text(value),
        "type" => schema.type_ = text(value),
        "nullable" => schema.nullable = is(value),
        "format" => schema.format = text(value),
        "title" => schema.title = text(value),
        "default" => schema.default = Some(value.clone()),
        "maximum" => schema.maximum = value.as_f64(),
        "exclusiveMaximum" => schema.exclusive_maximum = is(value),
        "minimum" => schema.minimum = value.as_f64(),
        "exclusiveMinimum" => schema.exclusive_minimum = is(value),
        "maxLength" => schema.max_length = value.as_i64(),
        "minLength" => schema.min_length = value.as_i64(),
        "pattern" => schema.pattern = text(value),
        "maxItems" => schema.max_items = value.as_i64(),
        "minItems" => schema.min_items = value.as_i64(),
        "uniqueItems" => schema.unique_items = is(value),
        "multipleOf" => schema.multiple_of = value.as_f64(),
        "enum" => schema.enum_ = value.as_array().cloned().unwrap_or_default(),
        "maxProperties" => schema.max_properties = value.as_i64(),
        "minProperties" => schema.min_properties = value.as_i64(),
        "required" => schema.required = texts(value),
        "externalDocs" => {
            schema.external_docs = Some(ExternalDocs {
                description: text(&value["description"]),
                url: text(&value["url"]),
            });
        }
        "example" => schema.example = Some(value.clone()),
        "x-kubernetes-preserve-unknown-fields" => {
            schema.preserve_unknown_fields = value.as_bool();
        }
        "x-kubernetes-embedded-resource" => schema.embedded_resource = is(value),
        "x-kubernetes-int-or-string" => schema.int_or_string = is(value),
        "x-kubernetes-list-map-keys" => schema.list_map_keys = texts(value),
        "x-kubernetes-list-type" => schema.list_type = optional_text(value),
        "x-kubernetes-map-type" => schema.map_type = optional_text(value),
        "x-kubernetes-validations" => {
            let rules = value.as_array().into_iter().flatten();
            schema.validations = rules.map(rule).collect();
        }
        _ => return false,
    }
    true
}

/// A keyword with schemas in it; others are left alone.
fn children(schema: &mut Schema, key: &str, value: &Value, depth: usize) -> Option<()> {
    match key {
        "items" => {
            schema.items = match value {
                Value::Object(_) => Some(Items::One(boxed(value, depth)?)),
                Value::Array(_) => Some(Items::Many(list(value, depth)?)),
                _ => None,
            };
        }
        "allOf" => schema.all_of = list(value, depth)?,
        "oneOf" => schema.one_of = list(value, depth)?,
        "anyOf" => schema.any_of = list(value, depth)?,
        "not" => schema.not = Some(boxed(value, depth)?),
        "properties" => schema.properties = by_name(value, depth)?,
        "additionalProperties" => schema.additional_properties = additional(value, depth)?,
        "patternProperties" => schema.pattern_properties = by_name(value, depth)?,
        "dependencies" => schema.dependencies = Some(dependencies(value, depth)?),
        "additionalItems" => schema.additional_items = additional(value, depth)?,
        "definitions" => schema.definitions = by_name(value, depth)?,
        _ => {}
    }
    Some(())
}

fn boxed(value: &Value, depth: usize) -> Option<Box<Schema>> {
    let mut schema = Box::<Schema>::default();
    fill(&mut schema, value, depth)?;
    Some(schema)
}

fn list(value: &Value, depth: usize) -> Option<Vec<Schema>> {
    let values = value.as_array().map(Vec::as_slice).unwrap_or_default();
    let mut schemas = vec![Schema::default(); values.len()];
    for (schema, value) in schemas.iter_mut().zip(values) {
        fill(schema, value, depth)?;
    }
    Some(schemas)
}

fn by_name(value: &Value, depth: usize) -> Option<BTreeMap<String, Schema>> {
    let mut schemas = BTreeMap::new();
    for (name, value) in value.as_object().into_iter().flatten() {
        fill(schemas.entry(name.clone()).or_default(), value, depth)?;
    }
    Some(schemas)
}

fn additional(value: &Value, depth: usize) -> Option<Option<Additional>> {
    Some(match value {
        Value::Object(_) => Some(Additional::Of(boxed(value, depth)?)),
        Value::Bool(is_allowed) => Some(Additional::Allowed(*is_allowed)),
        _ => None,
    })
}

fn dependencies(value: &Value, depth: usize) -> Option<BTreeMap<String, Dependency>> {
    let mut all = BTreeMap::new();
    for (name, value) in value.as_object().into_iter().flatten() {
        let dependency = match value {
            Value::Object(_) => Dependency::Schema(boxed(value, depth)?),
            value => Dependency::Properties(texts(value)),
        };
        all.insert(name.clone(), dependency);
    }
    Some(all)
}

fn rule(value: &Value) -> Rule {
    Rule {
        rule: text(&value["rule"]),
        message: text(&value["message"]),
        message_expression: text(&value["messageExpression"]),
        reason: optional_text(&value["reason"]),
        field_path: text(&value["fieldPath"]),
        optional_old_self: value["optionalOldSelf"].as_bool(),
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn optional_text(value: &Value) -> Option<String> {
    value.as_str().map(str::to_owned)
}

fn texts(value: &Value) -> Vec<String> {
    let all = value.as_array().into_iter().flatten();
    all.map(text).collect()
}

fn is(value: &Value) -> bool {
    value.as_bool().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn hostile_depth_is_refused() {
        let mut schema = json!({"type": "object"});
        for _ in 0..DEEPEST {
            schema = json!({"type": "object", "properties": {"a": schema}});
        }
        assert!(read(&schema).is_some());
        for key in ["not", "items", "additionalProperties"] {
            assert!(read(&json!({key: schema})).is_none(), "{key}");
        }
    }

    #[test]
    fn the_shapes_of_a_keyword() {
        let schema = read(&json!({
            "items": [{"type": "string"}], "additionalProperties": false,
            "dependencies": {"a": ["b"], "c": {}}, "default": null, "enum": [null, 1],
        }));
        let schema = schema.unwrap();
        assert!(matches!(&schema.items, Some(Items::Many(items)) if items.len() == 1));
        assert_eq!(
            schema.additional_properties,
            Some(Additional::Allowed(false))
        );
        assert_eq!(schema.dependencies.unwrap().len(), 2);
        assert_eq!(schema.default, None);
        assert_eq!(schema.enum_.len(), 2);
    }
}

//! Defaults, and nulls that stand where none may (`pkg/apiserver/schema/defaulting`).

use serde_json::Value;

use super::super::schema::{Additional, Schema};

/// Sets what is missing, or null and not nullable, to its default.
pub(crate) fn apply_defaults(value: &mut Value, schema: &Schema) {
    match value {
        Value::Object(map) => {
            for (name, property) in &schema.properties {
                let Some(default) = &property.default else {
                    continue;
                };
                match map.get_mut(name) {
                    None => {
                        map.insert(name.clone(), default.clone());
                    }
                    Some(value) if value.is_null() && !property.nullable => {
                        *value = default.clone();
                    }
                    Some(_) => {}
                }
            }
            for (name, value) in map.iter_mut() {
                if let Some(property) = schema.properties.get(name) {
                    apply_defaults(value, property);
                } else if let Some(Additional::Of(additional)) = &schema.additional_properties {
                    replace_null(value, additional);
                    apply_defaults(value, additional);
                }
            }
        }
        Value::Array(items) => {
            let Some(item_schema) = schema.item() else {
                return;
            };
            for item in items {
                replace_null(item, item_schema);
                apply_defaults(item, item_schema);
            }
        }
        _ => {}
    }
}

fn replace_null(value: &mut Value, schema: &Schema) {
    if value.is_null() && !schema.nullable {
        *value = schema.default.clone().unwrap_or_default();
    }
}

/// Removes nulls of fields that may not be null and have no default.
pub(crate) fn drop_nulls(value: &mut Value, schema: &Schema) {
    match value {
        Value::Object(map) => {
            let is_kept = |name: &str, value: &Value| {
                let schema = schema.field(name);
                !(value.is_null() && schema.is_some_and(|s| !s.nullable && s.default.is_none()))
            };
            if !map.iter().all(|(name, value)| is_kept(name, value)) {
                map.retain(|name, value| is_kept(name, value));
            }
            for (name, value) in map.iter_mut() {
                if let Some(schema) = schema.field(name) {
                    drop_nulls(value, schema);
                }
            }
        }
        Value::Array(items) => {
            if let Some(schema) = schema.item() {
                items.iter_mut().for_each(|item| drop_nulls(item, schema));
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sandbox::memory::crd::schema::read;
    use serde_json::json;

    #[test]
    fn defaults_are_set() {
        let a = json!({"type": "object", "properties": {"a": {"default": "A"}}});
        for (schema, value, expected) in [
            (
                json!({"items": a}),
                json!([{}, {"a": 1}, {"a": null}, {"a": []}]),
                json!([{"a": "A"}, {"a": 1}, {"a": "A"}, {"a": []}]),
            ),
            (
                json!({"additionalProperties": a}),
                json!({"x": {}, "y": {"a": 1}}),
                json!({"x": {"a": "A"}, "y": {"a": 1}}),
            ),
            (
                json!({"items": {"default": "A"}}),
                json!([null]),
                json!(["A"]),
            ),
            (
                json!({"items": {"nullable": true, "default": "A"}}),
                json!([null]),
                json!([null]),
            ),
            (
                json!({"properties": {"a": {"nullable": true, "default": "A"}}}),
                json!({"a": null}),
                json!({"a": null}),
            ),
            (
                json!({"additionalProperties": true}),
                json!({"a": null}),
                json!({"a": null}),
            ),
            (
                json!({"properties": {"o": {"default": {}, "properties": {"q": {"default": 5}}}}}),
                json!({}),
                json!({"o": {"q": 5}}),
            ),
        ] {
            let mut value = value;
            apply_defaults(&mut value, &read(&schema).unwrap());
            assert_eq!(value, expected, "{schema}");
        }
    }

    #[test]
    fn nulls_go_unless_they_may_stay() {
        let schema = read(&json!({"properties": {
            "a": {"default": "A"}, "b": {"nullable": true}, "d": {},
            "l": {"items": {"properties": {"d": {}}}},
        }}));
        let mut value =
            json!({"a": null, "b": null, "d": null, "e": null, "l": [null, {"d": null}]});
        drop_nulls(&mut value, &schema.unwrap());
        assert_eq!(
            value,
            json!({"a": null, "b": null, "e": null, "l": [null, {}]})
        );
    }
}

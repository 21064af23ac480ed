//! Whether lists that are sets or maps hold each item once (`pkg/apiserver/schema/listtype`).

use std::collections::HashMap;

use serde_json::{Map, Value};

use super::go;
use super::schema::Schema;
use crate::sandbox::memory::field::{FieldError, Path, Wrong};

/// What is there twice.
pub(super) fn validate(path: &Path, schema: &Schema, value: &Value) -> Vec<FieldError> {
    let mut errors = Vec::new();
    walk(path, schema, value, &mut errors);
    errors
}

fn walk(path: &Path, schema: &Schema, value: &Value, errors: &mut Vec<FieldError>) {
    match value {
        Value::Object(map) => {
            for (name, value) in map {
                if let Some(property) = schema.properties.get(name) {
                    walk(&path.child(name), property, value, errors);
                } else if let Some(additional) = schema.additional() {
                    walk(&path.key(name), additional, value, errors);
                }
            }
        }
        Value::Array(items) => {
            match schema.list_type.as_deref() {
                Some("set") => {
                    let texts: Vec<String> = items.iter().map(identity).collect();
                    for at in repeated(&texts) {
                        errors.push(duplicate(path, at, &items[at]));
                    }
                }
                Some("map") => list_map(path, schema, items, errors),
                _ => {}
            }
            if let Some(item_schema) = schema.item() {
                for (at, item) in items.iter().enumerate() {
                    walk(&path.index(at), item_schema, item, errors);
                }
            }
        }
        _ => {}
    }
}

fn list_map(path: &Path, schema: &Schema, items: &[Value], errors: &mut Vec<FieldError>) {
    let other = items
        .iter()
        .position(|item| !(item.is_object() || item.is_null()));
    if let Some(at) = other {
        let detail = "must be an object for an array of list-type map";
        errors.push(go::invalid(&path.index(at), &items[at], detail));
        return;
    }
    let keys: Vec<Value> = items
        .iter()
        .map(|item| {
            let key = |name: &String| Some((name.clone(), item.get(name)?.clone()));
            let keys: Map<String, Value> = schema.list_map_keys.iter().filter_map(key).collect();
            Value::Object(keys)
        })
        .collect();
    let texts: Vec<String> = keys.iter().map(identity).collect();
    for at in repeated(&texts) {
        errors.push(duplicate(path, at, &keys[at]));
    }
}

/// By which items are told apart.
fn identity(value: &Value) -> String {
    match value {
        // A float is another value than an integer, even where both are written alike.
        Value::Number(number) if go::integer(number).is_none() => format!("f{number}"),
        value => go::json(value),
    }
}

/// Where a text is that has been there exactly once before.
fn repeated(texts: &[String]) -> Vec<usize> {
    let mut seen: HashMap<&str, usize> = HashMap::with_capacity(texts.len());
    let mut repeated = Vec::new();
    for (at, text) in texts.iter().enumerate() {
        let times = seen.entry(text).or_default();
        if *times == 1 {
            repeated.push(at);
        }
        *times += 1;
    }
    repeated
}

fn duplicate(path: &Path, at: usize, value: &Value) -> FieldError {
    go::error(Wrong::Duplicate, &path.index(at), go::shown(value), "")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sandbox::memory::crd::schema::read;
    use serde_json::json;

    fn errors(list: Value, items: Value) -> Vec<String> {
        let schema = read(&json!({"properties": {"l": list}})).unwrap();
        let errors = validate(&Path::root(), &schema, &json!({"l": items}));
        errors.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn sets_and_maps() {
        let set = json!({"x-kubernetes-list-type": "set"});
        assert_eq!(
            errors(set.clone(), json!(["a", 1, "b", 1.0, null])),
            [""; 0]
        );
        assert_eq!(
            errors(set.clone(), json!(["a", "a", "a", {"x": 1}, {"x": 1}])),
            [
                "l[1]: Duplicate value: \"a\"",
                "l[4]: Duplicate value: {\"x\":1}"
            ]
        );
        let map = json!({"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["k"],
            "items": {"properties": {"s": set}}});
        assert_eq!(
            errors(
                map.clone(),
                json!([{"k": "a"}, {"k": "a", "s": [1, 1]}, {}, {}])
            ),
            [
                "l[1]: Duplicate value: {\"k\":\"a\"}",
                "l[3]: Duplicate value: {}",
                "l[1].s[1]: Duplicate value: 1"
            ]
        );
        assert_eq!(
            errors(map, json!([{"k": "a"}, 5])),
            ["l[1]: Invalid value: 5: must be an object for an array of list-type map"]
        );
    }
}

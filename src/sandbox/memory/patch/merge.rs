//! JSON merge patches (RFC 7386), as evanphx/json-patch applies them: nulls go from objects within
//! lists as well, where the list that is replaced was none or no object.

use serde_json::{Map, Value};

/// Merges a patch into an object. What is no object is replaced.
pub fn merge(target: &mut Value, patch: &Value) {
    run(target, patch.clone(), false);
}

/// The same; with `sort`, objects come out as Go marshals those that it has opened: sorted.
pub(super) fn run(target: &mut Value, patch: Value, sort: bool) {
    match (target, patch) {
        (Value::Object(target), Value::Object(patch)) => merge_maps(target, patch, sort),
        // An object is replaced by what is no object as it is, nulls within included.
        (target @ Value::Object(_), patch) => *target = patch,
        (target, mut patch) => {
            prune(&mut patch, sort);
            *target = patch;
        }
    }
}

fn merge_maps(target: &mut Map<String, Value>, patch: Map<String, Value>, sort: bool) {
    for (key, mut value) in patch {
        if value.is_null() {
            target.shift_remove(&key);
            continue;
        }
        match target.get_mut(&key).filter(|value| !value.is_null()) {
            Some(present) => run(present, value, sort),
            None => {
                prune(&mut value, sort);
                target.insert(key, value);
            }
        }
    }
    if sort {
        target.sort_keys();
    }
}

/// Takes out null fields, on all levels.
fn prune(value: &mut Value, sort: bool) {
    match value {
        Value::Object(map) => {
            map.retain(|_, value| !value.is_null());
            map.values_mut().for_each(|value| prune(value, sort));
            if sort {
                map.sort_keys();
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| prune(item, sort)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::merge;

    #[test]
    fn merges_as_evanphx_does() {
        for (target, patch, result) in [
            (
                json!({"a": "b"}),
                json!({"a": "c", "b": null}),
                json!({"a": "c"}),
            ),
            (
                json!({"a": [{"b": "c"}]}),
                json!({"a": [1]}),
                json!({"a": [1]}),
            ),
            (
                json!({"a": {"b": 1}}),
                json!({"a": {"b": null}}),
                json!({"a": {}}),
            ),
            (
                json!({}),
                json!({"a": {"b": {"c": null}}}),
                json!({"a": {"b": {}}}),
            ),
            (
                json!({}),
                json!({"a": [null, {"b": null}]}),
                json!({"a": [null, {}]}),
            ),
            (
                json!({"a": [1]}),
                json!({"a": [{"b": null}]}),
                json!({"a": [{}]}),
            ),
            (
                json!({"a": {}}),
                json!({"a": [{"b": null}]}),
                json!({"a": [{"b": null}]}),
            ),
            (
                json!({"a": null}),
                json!({"a": {"b": null, "c": 1}}),
                json!({"a": {"c": 1}}),
            ),
            (json!({"a": 1}), json!({"a": {"b": null}}), json!({"a": {}})),
            (json!({"a": {"b": 1}}), json!({"a": 1}), json!({"a": 1})),
            (json!({"a": 1}), json!([1]), json!([1])),
        ] {
            let mut merged: Value = target.clone();
            merge(&mut merged, &patch);
            assert_eq!(merged, result, "{target} and {patch}");
        }
    }
}

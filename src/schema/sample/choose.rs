//! Which of an object's optional fields must be there all the same.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use crate::schema::Field;

/// The names of the children that a sample of `field` has: those that are given, required, or have
/// a default, and enough of the rest to satisfy its conditions.
pub(super) fn children<'a>(
    field: &'a Field,
    given: Option<&Map<String, Value>>,
) -> BTreeSet<&'a str> {
    let exists = |name: &str| field.child(name).map(|c| c.name.as_str());
    let mut chosen: BTreeSet<&str> = field
        .children()
        .iter()
        .filter(|c| {
            c.required || c.default.is_some() || given.is_some_and(|g| g.contains_key(&c.name))
        })
        .map(|c| c.name.as_str())
        .collect();
    for condition in field.conditions.iter().filter(|c| c.kind != "not") {
        let alternatives: Vec<Vec<&str>> = condition.schemas.iter().map(required).collect();
        let holds = |names: &Vec<&str>| names.iter().all(|n| chosen.contains(n));
        if !alternatives.iter().any(holds)
            && let Some(first) = alternatives.first()
        {
            chosen.extend(first.iter().filter_map(|n| exists(n)));
        }
    }
    for union in &field.unions {
        let by = union.discriminator.as_deref().and_then(|d| field.child(d));
        let Some(by) = by.filter(|by| chosen.contains(by.name.as_str())) else {
            continue;
        };
        let value = given
            .and_then(|g| g.get(&by.name))
            .cloned()
            .unwrap_or_else(|| super::scalar::scalar(by, 0).value);
        let named = union
            .fields
            .iter()
            .filter(|(_, v)| value.as_str() == Some(v));
        chosen.extend(named.filter_map(|(name, _)| exists(name)));
    }
    let least = usize::try_from(field.bounds.min_properties.unwrap_or(0)).unwrap_or(usize::MAX);
    for child in field.children() {
        if chosen.len() >= least {
            break;
        }
        chosen.insert(&child.name);
    }
    chosen
}

fn required(schema: &Value) -> Vec<&str> {
    let names = schema.get("required").and_then(Value::as_array);
    names
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn chosen(schema: Value) -> Vec<String> {
        let field = Field::from_crd(&schema).unwrap();
        children(&field, None)
            .into_iter()
            .map(str::to_owned)
            .collect()
    }

    fn three() -> Value {
        json!({"a": {"type": "string"}, "b": {"type": "string"}, "c": {"type": "string"}})
    }

    #[test]
    fn conditions_pull_fields_in() {
        let of = |more: Value| {
            let mut schema = json!({"type": "object", "properties": three()});
            schema
                .as_object_mut()
                .unwrap()
                .extend(more.as_object().unwrap().clone());
            chosen(schema)
        };
        assert!(of(json!({})).is_empty());
        assert_eq!(of(json!({"required": ["c"]})), ["c"]);
        assert_eq!(
            of(json!({"oneOf": [{"required": ["b"]}, {"required": ["a"]}]})),
            ["b"]
        );
        let satisfied =
            json!({"required": ["a"], "oneOf": [{"required": ["b"]}, {"required": ["a"]}]});
        assert_eq!(of(satisfied), ["a"]);
        assert_eq!(of(json!({"minProperties": 2})), ["a", "b"]);
    }
}

//! Which of an object's optional fields must be there all the same.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use regex::Regex;
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
    for rule in &field.rules {
        let wanted = one_wanted(&rule.rule);
        if !wanted.iter().any(|n| chosen.contains(n.as_str())) {
            chosen.extend(wanted.first().and_then(|n| exists(n)));
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

/// The fields of a rule that wants at least or exactly one of them, in the forms that people and
/// controller-gen write: `has(self.a) || has(self.b)`, `has(self.a) != has(self.b)`,
/// `[has(self.a), has(self.b)].filter(x, x == true).size() == 1`.
fn one_wanted(rule: &str) -> Vec<String> {
    #[expect(clippy::unwrap_used, reason = "the expressions are constants")]
    static FORMS: LazyLock<Regex> = LazyLock::new(|| {
        let has = r"has\(self\.\w+\)";
        let either = format!(r"{has}(?:(?:\|\||!=|\^){has})+");
        let counted = format!(
            r"\[{has}(?:,{has})*\](?:\.filter\((\w+),\w+(?:==true)?\)\.size\(\)|\.exists_one\((\w+),\w+(?:==true)?\)|\.exists\((\w+),\w+(?:==true)?\))(?:(?:==|>=)1)?"
        );
        Regex::new(&format!("^(?:{either}|{counted})$")).unwrap()
    });
    #[expect(clippy::unwrap_used, reason = "the expressions are constants")]
    static HAS: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"has\(self\.(\w+)\)").unwrap());
    let bare: String = rule.chars().filter(|c| !c.is_whitespace()).collect();
    if !FORMS.is_match(&bare) {
        return Vec::new();
    }
    HAS.captures_iter(&bare).map(|c| c[1].to_owned()).collect()
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
    fn conditions_and_rules_pull_fields_in() {
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
        for rule in [
            "has(self.b) || has(self.c)",
            "has(self.b) != has(self.c)",
            "[has(self.b),has(self.c)].filter(x,x==true).size() == 1",
            "[has(self.b), has(self.c)].exists_one(x, x)",
        ] {
            let rules = json!({"x-kubernetes-validations": [{"rule": rule}]});
            assert_eq!(of(rules), ["b"], "{rule}");
        }
        let other = json!({"x-kubernetes-validations": [{"rule": "!has(self.b) || self.b > 1"}]});
        assert!(of(other).is_empty());
    }
}

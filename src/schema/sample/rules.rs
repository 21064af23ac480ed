//! Whether a sample meets the CEL rules of its schema, and what to change where it does not.

use kube_cel::{CompiledSchema, ErrorKind, Validator, compile_schema};
use serde_json::{Map, Value, json};

use crate::schema::field::{ElementKind, Field, Rule};

/// The types below a rule's object that matter to it; deeper ones are taken as they are written.
const LEVELS: usize = 6;
/// And no more of them than a large real schema has.
const MOST: usize = 5_000;
/// A rule that is longer or nests deeper is not tried: parsing it could exhaust the stack.
const LONGEST: usize = 8 << 10;
const DEEPEST: usize = 40;

/// The rules of one field, ready to be asked.
pub(super) struct Checker {
    validator: Validator,
    schema: CompiledSchema,
}

impl Checker {
    /// `None` where there is nothing to ask: no rules, or only ones about changes.
    pub(super) fn of(field: &Field) -> Option<Self> {
        let rules: Vec<Value> = field
            .rules
            .iter()
            .filter(|rule| is_asked_of_new(rule) && is_safe(&rule.rule))
            .map(|rule| json!({"rule": rule.rule}))
            .collect();
        if rules.is_empty() {
            return None;
        }
        let mut schema = schema_of(field, LEVELS, &mut 0);
        schema.insert("x-kubernetes-validations".to_owned(), Value::Array(rules));
        Some(Checker {
            validator: Validator::new(),
            schema: compile_schema(&Value::Object(schema)),
        })
    }

    /// The rules that `value` does not meet. Those that cannot be evaluated here do not count.
    pub(super) fn unmet(&self, value: &Value) -> Vec<String> {
        let Err(errors) = self.validator.validate_compiled(&self.schema, value, None) else {
            return Vec::new();
        };
        let is_no = |kind: &ErrorKind| {
            matches!(
                kind,
                ErrorKind::ValidationFailure | ErrorKind::EvaluationError
            )
        };
        let errors = errors.into_vec().into_iter();
        errors.filter(|e| is_no(&e.kind)).map(|e| e.rule).collect()
    }
}

/// A rule about `oldSelf` holds for every new object, unless it says otherwise.
fn is_asked_of_new(rule: &Rule) -> bool {
    !rule.rule.contains("oldSelf")
}

fn is_safe(rule: &str) -> bool {
    let mut depth = 0usize;
    let mut deepest = 0;
    for c in rule.chars() {
        match c {
            '(' | '[' | '{' | '!' | '-' | '?' => depth += 1,
            ')' | ']' | '}' => depth = depth.saturating_sub(1),
            // These nest with what follows them, which ends here at the latest.
            '&' | '|' | ',' => depth = depth.saturating_sub(1),
            _ => {}
        }
        deepest = deepest.max(depth);
    }
    rule.len() <= LONGEST && deepest <= DEEPEST
}

/// As much of a schema as evaluating a rule needs: types, formats, defaults.
fn schema_of(field: &Field, levels: usize, made: &mut usize) -> Map<String, Value> {
    *made += 1;
    let mut schema = Map::new();
    if !field.json_type().is_empty() {
        schema.insert("type".into(), json!(field.json_type()));
    }
    if let Some(format) = &field.format {
        schema.insert("format".into(), json!(format));
    }
    if let Some(default) = &field.default {
        schema.insert("default".into(), default.clone());
    }
    for (key, on) in [
        ("x-kubernetes-int-or-string", field.int_or_string),
        (
            "x-kubernetes-preserve-unknown-fields",
            field.preserve_unknown,
        ),
        ("x-kubernetes-embedded-resource", field.embedded),
    ] {
        if on {
            schema.insert(key.into(), json!(true));
        }
    }
    let Some(levels) = levels.checked_sub(1).filter(|_| *made < MOST) else {
        return schema;
    };
    if field.has_own_children() {
        let children = field.children().iter();
        let properties: Map<String, Value> = children
            .map(|c| (c.name.clone(), Value::Object(schema_of(c, levels, made))))
            .collect();
        schema.insert("properties".into(), Value::Object(properties));
    } else if let Some(element) = field.element() {
        let key = match field.element_kind() {
            Some(ElementKind::Value) => "additionalProperties",
            _ => "items",
        };
        schema.insert(key.into(), Value::Object(schema_of(element, levels, made)));
    }
    schema
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unmet(schema: Value, value: Value) -> Vec<String> {
        let field = Field::from_crd(&schema).unwrap();
        Checker::of(&field)
            .map(|c| c.unmet(&value))
            .unwrap_or_default()
    }

    fn with_rule(rule: &str) -> Value {
        json!({"type": "object", "properties": {
            "min": {"type": "integer"}, "max": {"type": "integer", "default": 5}},
            "x-kubernetes-validations": [{"rule": rule}]})
    }

    #[test]
    fn rules_are_asked_with_defaults_in_place() {
        let rule = "self.min <= self.max";
        assert!(unmet(with_rule(rule), json!({"min": 3})).is_empty());
        assert_eq!(unmet(with_rule(rule), json!({"min": 9})), [rule]);
        let missing = unmet(with_rule(rule), json!({}));
        assert_eq!(
            missing,
            [rule],
            "the server refuses what it cannot evaluate"
        );
        assert!(unmet(with_rule("self.min == oldSelf.min"), json!({})).is_empty());
        assert!(unmet(with_rule("nonsense("), json!({})).is_empty());
    }

    #[test]
    fn rules_that_would_exhaust_the_stack_are_left_alone() {
        let deep = format!("{}true{}", "(".repeat(3000), ")".repeat(3000));
        assert!(unmet(with_rule(&deep), json!({})).is_empty());
        assert!(unmet(with_rule(&"!".repeat(4000)), json!({})).is_empty());
        assert!(unmet(with_rule(&"[".repeat(4000)), json!({})).is_empty());
    }
}

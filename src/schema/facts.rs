//! What a schema says of a field, in words: one line a fact.

use serde_json::Value;

use super::field::{Field, Immutable, ListSemantics, Rule};

/// Something that holds for a field, for a person to read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fact {
    /// What kind of fact, such as `default` or `pattern`; with `item` or `value` before it where it
    /// holds for each item of a list or value of a map
    pub label: String,
    /// What holds
    pub text: String,
}

/// More values than these make a line too long to read.
const MOST_VALUES: usize = 6;

impl Field {
    /// Defaults, enums, bounds, patterns, CEL rules and all else that restricts or explains the
    /// field's value; type, name and description apart. Text from the server is as it came.
    pub fn facts(&self) -> Vec<Fact> {
        let mut facts = Vec::new();
        self.add_facts("", &mut facts);
        facts
    }

    /// The facts that matter most when many fields are listed, each in few words: default, enum,
    /// bounds, pattern, immutable by a rule.
    pub fn brief(&self) -> Vec<String> {
        let mut words: Vec<String> = Vec::new();
        words.extend(
            self.default
                .as_ref()
                .map(|d| format!("default {}", value_text(d))),
        );
        if !self.enum_.is_empty() {
            let mut values: Vec<String> = self.enum_.iter().map(value_text).collect();
            if values.len() > MOST_VALUES {
                values.truncate(MOST_VALUES);
                values.push("...".to_owned());
            }
            words.push(format!("one of {}", values.join(", ")));
        }
        words.extend(self.bounds.words());
        words.extend(self.patterns.iter().map(|p| format!("pattern {p}")));
        if matches!(self.immutable, Some(Immutable::Rule(_))) {
            words.push("immutable".to_owned());
        }
        words
    }

    fn add_facts(&self, prefix: &str, facts: &mut Vec<Fact>) {
        let mut add = |label: &str, text: String| {
            facts.push(Fact {
                label: format!("{prefix}{label}"),
                text,
            });
        };
        if let Some(default) = &self.default {
            add("default", value_text(default));
        }
        if !self.enum_.is_empty() {
            let values: Vec<String> = self.enum_.iter().map(value_text).collect();
            add("enum", values.join(", "));
        }
        if let Some(format) = &self.format
            && !self.int_or_string
        {
            add("format", format.clone());
        }
        if !self.bounds.is_empty() {
            add("bounds", self.bounds.words().join("; "));
        }
        for pattern in &self.patterns {
            add("pattern", pattern.clone());
        }
        if self.nullable {
            add("nullable", "may be null".to_owned());
        }
        if self.int_or_string && self.type_ != "IntOrString" {
            add("type", "an integer or a string".to_owned());
        }
        if let Some(list) = &self.list {
            add("list", list.words());
        }
        match self.map_type.as_deref() {
            Some("atomic") => add("map", "atomic: applied as a whole".to_owned()),
            Some(other) => add("map", other.to_owned()),
            None => {}
        }
        if let Some(patch) = &self.patch {
            let key = patch.merge_key.as_ref();
            let by = key.map(|key| format!(" by {key}")).unwrap_or_default();
            add(
                "patch",
                format!("{}{by}", patch.strategy.replace(',', ", ")),
            );
        }
        match &self.immutable {
            Some(Immutable::Rule(_)) => add("immutable", "cannot be changed once set".to_owned()),
            Some(Immutable::Description(sentence)) => add("immutable", sentence.clone()),
            None => {}
        }
        if self.embedded {
            let whole = "a whole object, with apiVersion, kind and metadata";
            add("embedded", whole.to_owned());
        }
        if self.preserve_unknown || self.takes_any_key() {
            add(
                "unknown",
                "fields that the schema does not name are kept".to_owned(),
            );
        }
        for union in &self.unions {
            let fields: Vec<&str> = union.fields.iter().map(|(name, _)| name.as_str()).collect();
            let of = format!("at most one of {}", fields.join(", "));
            add(
                "union",
                match &union.discriminator {
                    Some(by) => format!("{of}, as {by} says"),
                    None => of,
                },
            );
        }
        for condition in &self.conditions {
            let schemas: Vec<String> = condition.schemas.iter().map(condition_text).collect();
            add(condition.kind, schemas.join(" | "));
        }
        for rule in &self.rules {
            add("rule", rule.words());
        }
        if let Some(element) = self.element() {
            let noun = if self.type_.starts_with("[]") {
                "item"
            } else {
                "value"
            };
            element.add_facts(&format!("{prefix}{noun} "), facts);
        }
    }
}

impl Rule {
    /// The expression, and what the server says where it does not hold.
    pub fn words(&self) -> String {
        let rule = self.rule.split_whitespace().collect::<Vec<_>>().join(" ");
        match (&self.message, &self.message_expression) {
            (Some(message), _) => format!("{rule} ({})", message.trim()),
            (None, Some(expression)) => format!("{rule} (message: {})", expression.trim()),
            (None, None) => rule,
        }
    }
}

impl ListSemantics {
    /// What server-side apply does with such a list.
    pub fn words(&self) -> String {
        match (self.type_.as_str(), self.keys.as_slice()) {
            ("map", keys) if !keys.is_empty() => {
                format!("map: items are told apart by {}", keys.join(" and "))
            }
            ("set", _) => "set: no two items are equal".to_owned(),
            ("atomic", _) => "atomic: applied as a whole".to_owned(),
            (other, _) => other.to_owned(),
        }
    }
}

/// A value as it is written in YAML flow style: strings bare where that is unambiguous.
pub fn value_text(value: &Value) -> String {
    match value {
        Value::String(text) if super::yaml::is_plain(text) => text.clone(),
        other => other.to_string(),
    }
}

/// `required: [a, b]` as `a and b`; all else as JSON.
fn condition_text(schema: &Value) -> String {
    let required = schema
        .as_object()
        .filter(|s| s.len() == 1)
        .and_then(|s| s.get("required")?.as_array());
    match required {
        Some(names) => {
            let names: Vec<&str> = names.iter().filter_map(Value::as_str).collect();
            format!("has {}", names.join(" and "))
        }
        None => schema.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn facts(schema: Value) -> Vec<String> {
        let field = Field::from_crd(&schema).unwrap();
        let facts = field.facts().into_iter();
        facts.map(|f| format!("{}: {}", f.label, f.text)).collect()
    }

    #[test]
    fn everything_that_a_schema_says_is_said() {
        assert_eq!(
            facts(
                json!({"type": "string", "default": "a b", "enum": ["a b", "c", "true"],
                "minLength": 1, "pattern": "^a", "nullable": true,
                "x-kubernetes-validations": [
                    {"rule": "self  ==\n oldSelf"}, {"rule": "x", "message": "no x"}]})
            ),
            [
                "default: \"a b\"",
                "enum: \"a b\", c, \"true\"",
                "bounds: at least 1 character",
                "pattern: ^a",
                "nullable: may be null",
                "immutable: cannot be changed once set",
                "rule: self == oldSelf",
                "rule: x (no x)",
            ]
        );
        assert_eq!(
            facts(
                json!({"type": "array", "maxItems": 3, "x-kubernetes-list-type": "map",
                "x-kubernetes-list-map-keys": ["name", "port"],
                "items": {"type": "object", "oneOf": [{"required": ["a"]}, {"required": ["b", "c"]}],
                    "additionalProperties": {"type": "integer", "minimum": 0}}})
            ),
            [
                "bounds: at most 3 items",
                "list: map: items are told apart by name and port",
                "item oneOf: has a | has b and c",
                "item value bounds: at least 0",
            ]
        );
        assert_eq!(
            facts(json!({"x-kubernetes-int-or-string": true,
                "anyOf": [{"type": "integer"}, {"type": "string"}]})),
            Vec::<String>::new()
        );
        assert_eq!(
            facts(json!({"type": "string", "allOf": [{"enum": ["a", "b"]}, {"enum": ["b", "c"]}]})),
            ["enum: b"]
        );
    }
}

//! A version's schema as a tree to look at.

use crate::output::Paint;
use crate::output::tree::Node;
use crate::schema::{Fact, Field};

/// The fields of a schema, each with its type and what holds for it; CEL rules hang below the field
/// that they are about. Descriptions are left to `explain`.
pub(super) fn fields(root: &Field) -> Vec<Node> {
    let (rules, _) = split(root);
    let fields = root.children().iter().map(node);
    rules.into_iter().chain(fields).collect()
}

fn node(field: &Field) -> Node {
    let (rules, words) = split(field);
    let required = field.required.then(|| "required".to_owned());
    let words: Vec<String> = required.into_iter().chain(words).collect();
    let mut note = format!("<{}>", field.type_);
    if !words.is_empty() {
        note.push_str(&format!(" {}", words.join("; ")));
    }
    Node::new(field.name.clone())
        .paint(Paint::Key)
        .note(note)
        .children(rules)
        .children(field.children().iter().map(node))
}

/// Rules as nodes, all other facts as words.
fn split(field: &Field) -> (Vec<Node>, Vec<String>) {
    let (rules, others): (Vec<Fact>, Vec<Fact>) = field
        .facts()
        .into_iter()
        .partition(|fact| fact.label.ends_with("rule"));
    let rules = rules.into_iter().map(|fact| {
        Node::new(format!("{}:", fact.label))
            .paint(Paint::Warn)
            .note(fact.text)
    });
    let words = others.into_iter().map(|fact| match fact.label.as_str() {
        // These say themselves what they are.
        "bounds" | "nullable" | "type" | "immutable" | "unknown" | "embedded" => fact.text,
        label => format!("{label}: {}", fact.text),
    });
    (rules.collect(), words.collect())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::output::tree::render;

    #[test]
    fn a_schema_is_drawn_with_all_that_holds() {
        let schema = json!({"type": "object", "required": ["spec"], "properties": {
            "spec": {"type": "object", "x-kubernetes-validations": [
                {"rule": "self.min <= self.max", "message": "min is above max"}],
                "required": ["color"],
                "properties": {
                    "color": {"type": "string", "enum": ["red", "blue"], "default": "red"},
                    "ports": {"type": "array", "maxItems": 3, "items": {"type": "object",
                        "properties": {"port": {"type": "integer", "minimum": 1}}}}}}}});
        let field = Field::from_crd(&schema).unwrap();
        assert_eq!(
            render(&fields(&field), None, false),
            "\
spec  <Object> required
├── rule:  self.min <= self.max (min is above max)
├── color  <string> required; default: red; enum: red, blue
└── ports  <[]Object> at most 3 items
    └── port  <integer> at least 1
"
        );
    }
}

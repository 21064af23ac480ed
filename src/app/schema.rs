//! From the schema that the Rust types give to the one that the CRD bears.

use serde_json::Value;

use super::rules;

/// What a field is when nothing is said; all other defaults in a derived schema are those of Rust
/// types and would be written into every App.
const DEFAULTS: &[&str] = &["replicas", "imagePullPolicy", "protocol"];

/// Makes a derived schema of the App the one of its CRD.
pub(super) fn finish(root: &mut Value) {
    clean(root, None, 0);
    root["x-kubernetes-validations"] = rules::root();
    for (part, settings) in [("spec", rules::spec()), ("status", rules::status())] {
        let part = &mut root["properties"][part];
        for (path, setting) in settings {
            lay_over(field(part, path), setting);
        }
    }
}

/// The schema of a field below `schema`; `[]` goes to the items of a list.
fn field<'a>(schema: &'a mut Value, path: &[&str]) -> &'a mut Value {
    path.iter().fold(schema, |schema, name| match *name {
        "[]" => &mut schema["items"],
        name => &mut schema["properties"][name],
    })
}

fn lay_over(schema: &mut Value, setting: Value) {
    if let (Some(schema), Value::Object(setting)) = (schema.as_object_mut(), setting) {
        schema.extend(setting);
    }
}

/// Takes away what a schema derived from Rust types has too much of, here and below: nullable (a
/// null is a field left out, as in the built-in kinds), defaults and titles, and long descriptions
/// of the parts that are Kubernetes' own.
fn clean(schema: &mut Value, name: Option<&str>, depth: usize) {
    let Some(schema) = schema.as_object_mut() else {
        return;
    };
    schema.shift_remove("nullable");
    schema.shift_remove("title");
    if !name.is_some_and(|name| DEFAULTS.contains(&name)) {
        schema.shift_remove("default");
    }
    // Our own words are at the top, and in the fields of spec and status.
    if depth > OURS
        && let Some(Value::String(description)) = schema.get_mut("description")
    {
        *description = first_sentence(description);
    }
    if let Some(Value::Object(properties)) = schema.get_mut("properties") {
        for (name, property) in properties {
            clean(property, Some(name), depth + 1);
        }
    }
    for key in ["items", "additionalProperties"] {
        if let Some(inner) = schema.get_mut(key) {
            clean(inner, None, depth + 1);
        }
    }
    // Fields are either named or, below podOverrides, any: never both.
    if schema.get("additionalProperties") == Some(&Value::Bool(true)) {
        schema.shift_remove("additionalProperties");
    }
}

/// How deep the descriptions are our own: 0 is the App, 1 its spec and status, 2 their fields.
const OURS: usize = 2;

/// The first sentence of a description in Kubernetes' API documentation.
fn first_sentence(text: &str) -> String {
    let text = text.split("\n\n").next().unwrap_or_default();
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let ends = text.match_indices(". ").map(|(end, _)| end);
    let mut ends = ends.filter(|end| {
        let so_far = &text[..*end];
        !["e.g", "i.e", "etc"]
            .iter()
            .any(|short| so_far.ends_with(short))
    });
    match ends.next() {
        Some(end) => text[..=end].to_owned(),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_description_ends_with_its_first_sentence() {
        for (text, short) in [
            ("One. Two.", "One."),
            ("One, e.g. this. Two.", "One, e.g. this."),
            ("One\nand a half. Two.", "One and a half."),
            ("One\n\nTwo", "One"),
            ("One 1.5 times", "One 1.5 times"),
            ("", ""),
        ] {
            assert_eq!(first_sentence(text), short);
        }
    }
}

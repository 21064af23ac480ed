//! From the schema that the Rust types give to the one that the CRD bears.

use serde_json::Value;

use super::rules;

/// Makes a derived schema of the App the one of its CRD.
pub(super) fn finish(root: &mut Value) {
    clean(root, 0);
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
/// null is a field left out, as in the built-in kinds), titles, the defaults of Rust types, and long
/// descriptions of the parts that are Kubernetes' own.
fn clean(schema: &mut Value, depth: usize) {
    let Some(schema) = schema.as_object_mut() else {
        return;
    };
    for surplus in ["nullable", "title", "default"] {
        schema.shift_remove(surplus);
    }
    if let Some(Value::String(description)) = schema.get_mut("description") {
        *description = match depth {
            0..=OURS => on_one_line(description),
            _ => first_sentence(description),
        };
    }
    if let Some(Value::Object(properties)) = schema.get_mut("properties") {
        for property in properties.values_mut() {
            clean(property, depth + 1);
        }
    }
    for key in ["items", "additionalProperties"] {
        if let Some(inner) = schema.get_mut(key) {
            clean(inner, depth + 1);
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
    let text = on_one_line(text.split("\n\n").next().unwrap_or_default());
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

/// Readers wrap descriptions themselves; the lines of a source file are not theirs.
fn on_one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::app::crd::crd;

    /// All schemas below one, with their paths.
    fn all(path: &str, schema: &Value, found: &mut Vec<(String, Value)>) {
        found.push((path.to_owned(), schema.clone()));
        for (name, property) in schema["properties"].as_object().into_iter().flatten() {
            all(&format!("{path}.{name}"), property, found);
        }
        for key in ["items", "additionalProperties"] {
            if schema[key].is_object() {
                all(&format!("{path}[]"), &schema[key], found);
            }
        }
    }

    fn finished() -> Vec<(String, Value)> {
        let crd = json!(crd());
        let mut found = Vec::new();
        let root = &crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"];
        all("", root, &mut found);
        found
    }

    #[test]
    fn only_what_the_seed_left_to_a_default_has_one() {
        let with_default = finished()
            .into_iter()
            .filter(|(_, s)| s.get("default").is_some());
        let defaults: Vec<(String, Value)> = with_default
            .map(|(path, schema)| (path, schema["default"].clone()))
            .collect();
        assert_eq!(
            defaults,
            [
                (".spec.imagePullPolicy".to_owned(), json!("Always")),
                (".spec.ports[].protocol".to_owned(), json!("TCP")),
                (".spec.replicas".to_owned(), json!(1)),
            ]
        );
    }

    #[test]
    fn every_field_has_a_description_of_one_line_and_no_null() {
        for (path, schema) in finished() {
            assert_eq!(schema.get("nullable"), None, "{path}");
            assert_eq!(schema.get("title"), None, "{path}");
            let named = !path.ends_with("[]") && !path.contains("podOverrides.metadata.");
            let description = schema["description"].as_str();
            assert!(description.is_some() || !named, "{path}");
            assert!(!description.unwrap_or_default().contains('\n'), "{path}");
        }
    }

    #[test]
    fn every_list_says_how_it_is_merged_or_is_kubernetes_own() {
        let lists = finished().into_iter().filter(|(_, s)| s["type"] == "array");
        let untold: Vec<String> = lists
            .filter(|(_, schema)| schema.get("x-kubernetes-list-type").is_none())
            .map(|(path, _)| path)
            .filter(|path| !path.contains("Probe."))
            .collect();
        assert_eq!(untold, Vec::<String>::new());
    }

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

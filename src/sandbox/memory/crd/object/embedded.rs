//! What is wrong with the metadata of embedded resources
//! (`pkg/apiserver/schema/objectmeta/validation.go`).

use serde_json::{Map, Value};

use super::super::go;
use super::super::schema::{Additional, Schema};
use super::metadata;
use crate::sandbox::memory::field::{FieldError, Path};
use crate::sandbox::memory::kinds::meta;
use crate::sandbox::memory::names;

/// Checks every embedded resource. `is_resource`: the value is one whatever its schema says.
pub(crate) fn validate(
    path: &Path,
    value: &Value,
    schema: &Schema,
    is_resource: bool,
    errors: &mut Vec<FieldError>,
) {
    match value {
        Value::Object(map) => {
            if is_resource || schema.embedded_resource {
                resource(path, map, errors);
            }
            for (name, value) in map {
                if let Some(property) = schema.properties.get(name) {
                    validate(&path.child(name), value, property, false, errors);
                } else if let Some(Additional::Of(additional)) = &schema.additional_properties {
                    validate(&path.key(name), value, additional, false, errors);
                }
            }
        }
        Value::Array(items) => {
            if let Some(item_schema) = schema.item() {
                for (at, item) in items.iter().enumerate() {
                    validate(&path.index(at), item, item_schema, false, errors);
                }
            }
        }
        _ => {}
    }
}

fn resource(path: &Path, map: &Map<String, Value>, errors: &mut Vec<FieldError>) {
    for name in ["apiVersion", "kind"] {
        let path = path.child(name);
        match map.get(name) {
            None => errors.push(FieldError::required(&path, "")),
            Some(Value::String(text)) if text.is_empty() => {
                errors.push(go::invalid_text(&path, text, "must not be empty"));
            }
            Some(Value::String(text)) => {
                if let Some(detail) = wrong(name, text) {
                    errors.push(go::invalid_text(&path, text, detail));
                }
            }
            Some(value) => errors.push(go::invalid(&path, value, "must be a string")),
        }
    }
    let Some(found) = map.get("metadata") else {
        return;
    };
    let mut metadata = match metadata::decode(found, &mut Vec::new()) {
        Ok(metadata) => metadata,
        Err(error) => {
            errors.push(go::invalid(&path.child("metadata"), found, error));
            return;
        }
    };
    // A name is not asked for here.
    metadata
        .entry("name")
        .or_insert_with(|| Value::String("fakename".to_owned()));
    let is_namespaced = metadata.contains_key("namespace");
    let mut object = Map::new();
    object.insert("metadata".to_owned(), Value::Object(metadata));
    let wrong = meta::object_meta(&Value::Object(object), is_namespaced, meta::path_segment);
    errors.extend(wrong.into_iter().map(|error| FieldError {
        path: path.child(&error.path.to_string()),
        ..error
    }));
}

fn wrong(name: &str, text: &str) -> Option<String> {
    if name == "apiVersion" {
        let slashes = text.matches('/').count();
        return (slashes > 1).then(|| format!("unexpected GroupVersion string: {text}"));
    }
    let wrong = names::dns1035_label(&text.to_lowercase());
    (!wrong.is_empty()).then(|| {
        format!(
            "may have mixed case, but should otherwise match: {}",
            wrong.join(",")
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sandbox::memory::crd::schema::read;
    use serde_json::json;

    /// Answers of kube-apiserver 1.36.3.
    #[test]
    fn embedded_resources() {
        let schema = read(&json!({"properties": {"emb": {
            "type": "object", "x-kubernetes-embedded-resource": true,
        }}}));
        let schema = schema.unwrap();
        for (resource, words) in [
            (
                json!({}),
                &["emb.apiVersion: Required value", "emb.kind: Required value"][..],
            ),
            (
                json!({"apiVersion": "", "kind": ""}),
                &[
                    "emb.apiVersion: Invalid value: \"\": must not be empty",
                    "emb.kind: Invalid value: \"\": must not be empty",
                ],
            ),
            (
                json!({"apiVersion": "a/b/c", "kind": "A", "metadata": {"name": "a/b"}}),
                &[
                    "emb.apiVersion: Invalid value: \"a/b/c\": unexpected GroupVersion string: a/b/c",
                    "emb.metadata.name: Invalid value: \"a/b\": may not contain '/'",
                ],
            ),
            (
                json!({"apiVersion": "v1", "kind": "A", "metadata": {"ownerReferences": [{"kind": "x"}]}}),
                &[
                    "emb.metadata.ownerReferences.apiVersion: Invalid value: \"\": version must not be empty",
                    "emb.metadata.ownerReferences.name: Invalid value: \"\": must not be empty",
                    "emb.metadata.ownerReferences.uid: Invalid value: \"\": must not be empty",
                ],
            ),
            (
                json!({"apiVersion": "v1", "kind": "A", "metadata": {}}),
                &[],
            ),
        ] {
            let mut errors = Vec::new();
            validate(
                &Path::root(),
                &json!({"emb": resource}),
                &schema,
                false,
                &mut errors,
            );
            let errors: Vec<String> = errors.iter().map(ToString::to_string).collect();
            assert_eq!(errors, words);
        }
    }
}

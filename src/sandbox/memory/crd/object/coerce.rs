//! The metadata of embedded resources (`pkg/apiserver/schema/objectmeta/algorithm.go`).

use serde_json::Value;

use super::super::go;
use super::super::schema::{Additional, Schema};
use super::metadata;
use crate::sandbox::memory::field::{FieldError, Path};

/// How to coerce, and what was found.
#[derive(Default)]
pub(crate) struct Coercion {
    /// What cannot be read is dropped rather than an error.
    pub(crate) drops_invalid: bool,
    /// Paths of unknown fields of metadata, sorted at the end.
    pub(crate) unknown: Vec<String>,
}

/// Gives the metadata of every embedded resource its form. `is_resource`: the value is one
/// whatever its schema says.
pub(crate) fn coerce(
    path: &Path,
    value: &mut Value,
    schema: &Schema,
    is_resource: bool,
    coercion: &mut Coercion,
) -> Result<(), FieldError> {
    let result = coercion.coerce(path, value, schema, is_resource);
    coercion.unknown.sort();
    result
}

impl Coercion {
    fn coerce(
        &mut self,
        path: &Path,
        value: &mut Value,
        schema: &Schema,
        is_resource: bool,
    ) -> Result<(), FieldError> {
        match value {
            Value::Object(map) => {
                if is_resource || schema.embedded_resource {
                    self.meta(path, map)?;
                }
                for (name, value) in map.iter_mut() {
                    if let Some(property) = schema.properties.get(name) {
                        self.coerce(&path.child(name), value, property, false)?;
                    } else if let Some(Additional::Of(additional)) = &schema.additional_properties {
                        self.coerce(&path.key(name), value, additional, false)?;
                    }
                }
            }
            Value::Array(items) => {
                if let Some(item_schema) = schema.item() {
                    for (at, item) in items.iter_mut().enumerate() {
                        self.coerce(&path.index(at), item, item_schema, false)?;
                    }
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn meta(
        &mut self,
        path: &Path,
        map: &mut serde_json::Map<String, Value>,
    ) -> Result<(), FieldError> {
        for name in ["apiVersion", "kind"] {
            match map.get(name) {
                None | Some(Value::String(_)) => {}
                Some(_) if self.drops_invalid => {
                    map.shift_remove(name);
                }
                Some(value) => {
                    return Err(go::invalid(&path.child(name), value, "must be a string"));
                }
            }
        }
        let Some(found) = map.get_mut("metadata") else {
            return Ok(());
        };
        if self.drops_invalid {
            if let Some(metadata) = metadata::decode_lenient(found) {
                *found = Value::Object(metadata);
            }
            return Ok(());
        }
        let path = path.child("metadata");
        let mut unknown = Vec::new();
        match metadata::decode(found, &mut unknown) {
            Ok(metadata) => {
                *found = Value::Object(metadata);
                self.unknown
                    .extend(unknown.iter().map(|name| format!("{path}.{name}")));
                Ok(())
            }
            Err(error) => Err(go::invalid(&path, found, error)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sandbox::memory::crd::schema::read;
    use serde_json::json;

    fn coerced(value: &mut Value, drops_invalid: bool) -> Result<Vec<String>, String> {
        let schema = read(&json!({"properties": {"spec": {"additionalProperties": {
            "x-kubernetes-embedded-resource": true,
        }}}}));
        let mut coercion = Coercion {
            drops_invalid,
            ..Coercion::default()
        };
        coerce(&Path::root(), value, &schema.unwrap(), false, &mut coercion)
            .map_err(|error| error.to_string())?;
        Ok(coercion.unknown)
    }

    #[test]
    fn embedded_metadata() {
        let mut value = json!({"metadata": {"foo": 1}, "spec": {"a": {"metadata": {"foo": 1}}}});
        assert_eq!(
            coerced(&mut value, false).unwrap(),
            ["spec[a].metadata.foo"]
        );
        assert_eq!(
            value,
            json!({"metadata": {"foo": 1}, "spec": {"a": {"metadata": {}}}})
        );
        for (resource, words) in [
            (
                json!({"kind": 5}),
                "spec[a].kind: Invalid value: 5: must be a string",
            ),
            (
                json!({"metadata": {"labels": {"a": 1}}}),
                "spec[a].metadata: Invalid value: {\"labels\":{\"a\":1}}: json: cannot unmarshal \
                 number into Go struct field ObjectMeta.labels of type string",
            ),
        ] {
            let mut value = json!({"spec": {"a": resource}});
            assert_eq!(coerced(&mut value, false).unwrap_err(), words);
            assert!(coerced(&mut value, true).is_ok());
            assert!(value["spec"]["a"].get("kind").is_none());
            assert!(value["spec"]["a"]["metadata"].get("labels").is_none());
        }
    }
}

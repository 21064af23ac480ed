//! Descriptions of types and fields: those that the k8s-openapi crate has, which the build script
//! collects, joined when they are shown.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io::Read;

use flate2::read::GzDecoder;
use serde_json::{Map, Value};

/// By package of Kubernetes' types; `build.rs` says in which form.
static PACKAGES: &[(&str, &[u8])] = &include!(concat!(env!("OUT_DIR"), "/descriptions.rs"));

const DELETE_OPTIONS: &str = "io.k8s.apimachinery.pkg.apis.meta.v1.DeleteOptions";

/// Descriptions of types and their fields, read when the first of a package is asked for.
#[derive(Default)]
pub(super) struct Descriptions {
    packages: RefCell<BTreeMap<String, Map<String, Value>>>,
}

impl Descriptions {
    /// Puts descriptions into the schema of that name.
    pub(super) fn describe(&self, name: &str, schema: &mut Value) {
        let Some(schema) = schema.as_object_mut() else {
            return;
        };
        if let Some(text) = self.of(name, "") {
            schema.insert("description".to_owned(), text.into());
        }
        let Some(properties) = schema.get_mut("properties").and_then(Value::as_object_mut) else {
            return;
        };
        for (field, property) in properties {
            if let (Some(text), Some(property)) =
                (self.field(name, field), property.as_object_mut())
            {
                let text = with_values(text, property.get("enum"));
                property.insert("description".to_owned(), text.into());
            }
        }
    }

    /// The description of a field. The crate has no schemas of lists; two of their fields are those
    /// of any kind.
    fn field(&self, name: &str, field: &str) -> Option<String> {
        self.of(name, field).or_else(|| match field {
            "apiVersion" | "kind" if name.ends_with("List") => self.of(DELETE_OPTIONS, field),
            _ => None,
        })
    }

    /// The description of a field, or of a type for `""`.
    fn of(&self, name: &str, field: &str) -> Option<String> {
        let (package, type_) = name.rsplit_once('.')?;
        let mut packages = self.packages.borrow_mut();
        let types = packages
            .entry(package.to_owned())
            .or_insert_with(|| read(package));
        Some(types.get(type_)?.get(field)?.as_str()?.to_owned())
    }

    /// Puts descriptions into those query parameters of a path item that are fields of
    /// DeleteOptions as well; of the others, the crate knows nothing.
    pub(super) fn describe_parameters(&self, item: &mut Value) {
        let Some(item) = item.as_object_mut() else {
            return;
        };
        for (key, part) in item {
            let parameters = match key.as_str() {
                "parameters" => Some(part),
                _ => part.get_mut("parameters"),
            };
            for parameter in parameters
                .and_then(Value::as_array_mut)
                .into_iter()
                .flatten()
            {
                let name = parameter
                    .get("name")
                    .and_then(Value::as_str)
                    .unwrap_or_default();
                if parameter.get("in").is_some_and(|place| place == "query")
                    && let Some(text) = self.field(DELETE_OPTIONS, name)
                {
                    parameter["description"] = text.into();
                }
            }
        }
    }
}

/// The server names the values that a field may have, with what is said of each; the crate has
/// neither, and what is said is known to the server alone.
fn with_values(text: String, values: Option<&Value>) -> String {
    let values = values
        .and_then(Value::as_array)
        .map(Vec::as_slice)
        .unwrap_or_default();
    if values.is_empty() {
        return text;
    }
    let values = values.iter().map(|value| format!("\n - `{value}`"));
    format!(
        "{text}\n\nPossible enum values:{}",
        values.collect::<String>()
    )
}

/// The description of a field by its place, such as `io.k8s.api.core.v1.PodSpec.nodeName`.
pub(super) fn of_place(place: &str) -> Option<String> {
    let (name, field) = place.rsplit_once('.')?;
    Descriptions::default().field(name, field)
}

/// The types of a package; none for one that is not known.
fn read(package: &str) -> Map<String, Value> {
    let found = PACKAGES.iter().find(|(name, _)| *name == package);
    let Some((_, packed)) = found else {
        return Map::new();
    };
    let mut text = Vec::new();
    let unpacked = GzDecoder::new(*packed).read_to_end(&mut text);
    // The build wrote it; what cannot be read is as good as nothing said.
    unpacked
        .ok()
        .and_then(|_| serde_json::from_slice(&text).ok())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_packages_can_be_read_and_are_small() {
        let mut size = 0;
        for (package, packed) in PACKAGES {
            assert!(!read(package).is_empty(), "{package}");
            size += packed.len();
        }
        assert!((100_000..400_000).contains(&size), "{size} bytes");
    }

    #[test]
    fn a_place_is_a_field_of_a_type() {
        let text = of_place("io.k8s.api.core.v1.PodSpec.nodeName").unwrap();
        assert!(text.contains("scheduler"), "{text}");
        assert_eq!(of_place("io.k8s.api.core.v1.PodSpec.none"), None);
        assert_eq!(of_place("io.k8s.api.none.v1.PodSpec.nodeName"), None);
    }
}

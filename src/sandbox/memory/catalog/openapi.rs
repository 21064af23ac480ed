//! The OpenAPI v3 documents of the built-in group-versions.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;
use sha2::{Digest, Sha512};

use super::descriptions::Descriptions;
use super::{Catalog, file, schemas};

/// What documents are made of. Schemas and templates stay text until a document needs them: all of
/// them as values would take some megabytes.
#[derive(Debug, Deserialize)]
pub(super) struct Parts {
    pub(super) schemas: HashMap<String, Box<RawValue>>,
    frame: Value,
    documents: BTreeMap<String, Document>,
    templates: Vec<Box<RawValue>>,
}

#[derive(Debug, Deserialize)]
struct Document {
    #[serde(default)]
    schemas: Vec<String>,
    paths: BTreeMap<String, PathItem>,
}

/// The number of a template, and the words that take the places of `$0`, `$1` and so on.
#[derive(Debug, Deserialize)]
struct PathItem(usize, Option<Vec<String>>);

impl Parts {
    pub(super) fn read() -> Self {
        file::parse(&file::member(file::OPENAPI))
    }

    fn document(&self, path: &str) -> Option<Value> {
        let document = self.documents.get(path)?;
        let mut all = self.frame.clone();
        let descriptions = Descriptions::default();
        if !document.schemas.is_empty() {
            let schemas = document.schemas.iter().filter_map(|name| {
                let schema = schemas::read(self, name, path, &descriptions)?;
                Some((name.clone(), schema))
            });
            all["components"]["schemas"] = Value::Object(schemas.collect());
        }
        let paths = document
            .paths
            .iter()
            .filter_map(|(at, PathItem(template, words))| {
                let template = self.templates.get(*template)?;
                let mut item: Value = serde_json::from_str(template.get()).ok()?;
                fill(&mut item, words.as_deref().unwrap_or_default());
                descriptions.describe_parameters(&mut item);
                Some((at.clone(), item))
            });
        all["paths"] = Value::Object(paths.collect());
        Some(all)
    }
}

/// Puts words in the places of `$0` to `$9`; there are no other dollars.
fn fill(value: &mut Value, words: &[String]) {
    match value {
        Value::String(text) if text.contains('$') => {
            let mut filled = String::with_capacity(text.len() + 32);
            let mut parts = text.split('$');
            filled.push_str(parts.next().unwrap_or_default());
            for part in parts {
                let digit = part.chars().next().and_then(|c| c.to_digit(10));
                let word = digit.and_then(|at| words.get(at as usize));
                match word {
                    Some(word) => {
                        filled.push_str(word);
                        filled.push_str(&part[1..]);
                    }
                    None => {
                        filled.push('$');
                        filled.push_str(part);
                    }
                }
            }
            *text = filled;
        }
        Value::Array(items) => items.iter_mut().for_each(|item| fill(item, words)),
        Value::Object(map) => map.values_mut().for_each(|item| fill(item, words)),
        _ => {}
    }
}

impl Catalog {
    /// The names of all documents, such as `apis/apps/v1`, sorted.
    pub fn openapi_names(&self) -> Vec<String> {
        self.openapi_parts().documents.keys().cloned().collect()
    }

    /// What stands for a document's content in its address, as upper-case hexadecimal; `None` where
    /// there is no document of that name. It differs from a real server's, which is made of bytes
    /// that are others; only that it changes with the content matters.
    pub fn openapi_hash(&self, name: &str) -> Option<String> {
        if !self.openapi_parts().documents.contains_key(name) {
            return None;
        }
        let mut digest = Sha512::new();
        digest.update(file::digest());
        digest.update(env!("CARGO_PKG_VERSION"));
        digest.update(name);
        let digest = digest.finalize();
        let mut text = String::with_capacity(2 * digest.len());
        for byte in digest {
            // Writing into a String does not fail.
            let _ = write!(text, "{byte:02X}");
        }
        Some(text)
    }

    /// A whole document as a value, `None` where there is none of that name. Assembled anew each
    /// time: whoever serves it keeps it.
    pub fn openapi_document(&self, name: &str) -> Option<Value> {
        self.openapi_parts().document(name)
    }

    /// The same as bytes, as they are served.
    pub fn openapi(&self, name: &str) -> Option<Vec<u8>> {
        serde_json::to_vec(&self.openapi_document(name)?).ok()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use serde_json::{Value, json};

    use super::fill;
    use crate::sandbox::memory::catalog::catalog;

    #[test]
    fn words_take_their_places() {
        let mut item = json!({"a": ["$0List, $1", "$9"], "$0": {"b": "x$0y$1"}});
        fill(&mut item, &["A".to_owned(), "B".to_owned()]);
        assert_eq!(item, json!({"a": ["AList, B", "$9"], "$0": {"b": "xAyB"}}));
    }

    #[test]
    fn every_document_holds_what_it_refers_to() {
        for path in catalog().openapi_names() {
            let document = catalog().openapi_document(&path).unwrap();
            let text = document.to_string();
            let schemas = document["components"]["schemas"].as_object();
            let known: HashSet<&str> = schemas
                .into_iter()
                .flat_map(|s| s.keys().map(String::as_str))
                .collect();
            for part in text.split("\"#/components/schemas/").skip(1) {
                let name = part.split('"').next().unwrap();
                assert!(known.contains(name), "{path} has no {name}");
            }
            let paths = document["paths"].to_string();
            let left = paths
                .split('$')
                .skip(1)
                .find(|part| !part.starts_with("ref"));
            assert_eq!(left, None, "{path}");
        }
    }

    #[test]
    fn kubectl_finds_field_validation() {
        let document = catalog().openapi_document("apis/apps/v1").unwrap();
        let path = "/apis/apps/v1/namespaces/{namespace}/deployments/{name}";
        let patch = &document["paths"][path]["patch"];
        assert_eq!(
            patch["x-kubernetes-group-version-kind"],
            json!({"group": "apps", "kind": "Deployment", "version": "v1"})
        );
        let parameters = patch["parameters"].as_array().unwrap();
        assert!(parameters.iter().any(|p| p["name"] == "fieldValidation"));
        assert_eq!(patch["operationId"], "patchAppsV1NamespacedDeployment");
        let spec = &document["components"]["schemas"]["io.k8s.api.apps.v1.DeploymentSpec"];
        let text = |value: &Value| value["description"].as_str().unwrap_or_default().to_owned();
        assert!(text(&spec["properties"]["replicas"]).starts_with("Number of desired pods."));
    }

    #[test]
    fn hashes_differ_by_name() {
        let hash = |name| catalog().openapi_hash(name);
        assert_eq!(hash("api/v1").unwrap().len(), 128);
        assert_ne!(hash("api/v1"), hash("apis/apps/v1"));
        assert_eq!(hash("apis/none/v1"), None);
        assert_eq!(catalog().openapi("apis/none/v1"), None);
    }
}

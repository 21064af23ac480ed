//! Named schemas of OpenAPI documents, with descriptions joined.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::Catalog;
use super::descriptions::Descriptions;
use super::openapi::Parts;

/// The schema of `metadata` of every object.
const OBJECT_META: &str = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta";

const GVK: &str = "x-kubernetes-group-version-kind";

/// What stands before a schema's name in a `$ref`.
const REF: &str = "#/components/schemas/";

/// The schema of that name as it stands in the document of that path.
pub(super) fn read(
    parts: &Parts,
    name: &str,
    path: &str,
    descriptions: &Descriptions,
) -> Option<Value> {
    let mut schema: Value = serde_json::from_str(parts.schemas.get(name)?.get()).ok()?;
    if schema[GVK] == "each" {
        schema[GVK] = of_core_and(path, name.rsplit('.').next().unwrap_or_default());
    }
    descriptions.describe(name, &mut schema);
    Some(schema)
}

/// Some kinds, such as DeleteOptions, belong to the core group and to that of the document.
fn of_core_and(path: &str, kind: &str) -> Value {
    let mut all = vec![json!({"group": "", "kind": kind, "version": "v1"})];
    let own = path.strip_prefix("apis/").and_then(|gv| gv.split_once('/'));
    if let Some((group, version)) = own {
        all.push(json!({"group": group, "kind": kind, "version": version}));
    }
    Value::Array(all)
}

/// Adds the names that a schema, or any other part of a document, refers to.
fn refer(value: &Value, names: &mut Vec<String>) {
    match value {
        Value::Object(map) => {
            for (key, value) in map {
                match value {
                    Value::String(text) if key == "$ref" => {
                        names.extend(text.strip_prefix(REF).map(str::to_owned));
                    }
                    _ => refer(value, names),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| refer(item, names)),
        _ => {}
    }
}

impl Catalog {
    /// The built-in schemas that a part of a document refers to, directly or through others, with
    /// descriptions, sorted by name. `path` is that of the document that they are for.
    pub fn schemas_for(&self, part: &Value, path: &str) -> Map<String, Value> {
        let parts = self.openapi_parts();
        let descriptions = Descriptions::default();
        let mut found = Map::new();
        let mut seen = BTreeSet::new();
        let mut open = Vec::new();
        refer(part, &mut open);
        while let Some(name) = open.pop() {
            if !seen.insert(name.clone()) {
                continue;
            }
            if let Some(schema) = read(parts, &name, path, &descriptions) {
                refer(&schema, &mut open);
                found.insert(name, schema);
            }
        }
        found.sort_keys();
        found
    }

    /// One schema by its name, with descriptions, `None` where there is none of that name.
    pub fn schema(&self, name: &str, path: &str) -> Option<Value> {
        read(self.openapi_parts(), name, path, &Descriptions::default())
    }

    /// The schema of ObjectMeta.
    pub fn object_meta(&self) -> Value {
        self.schema(OBJECT_META, "").unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::OBJECT_META;
    use crate::sandbox::memory::catalog::catalog;

    #[test]
    fn what_a_part_refers_to_comes_with_what_that_refers_to() {
        let part = json!({"properties": {"metadata": {"allOf": [{"$ref": format!("#/components/schemas/{OBJECT_META}")}]}}});
        let found = catalog().schemas_for(&part, "apis/example.com/v1");
        let names: Vec<_> = found
            .keys()
            .map(|name| name.rsplit('.').next().unwrap())
            .collect();
        assert_eq!(
            names,
            [
                "FieldsV1",
                "ManagedFieldsEntry",
                "ObjectMeta",
                "OwnerReference",
                "Time"
            ]
        );
        assert_eq!(found[OBJECT_META], catalog().object_meta());
    }

    #[test]
    fn kinds_of_every_group_name_that_of_the_document() {
        let name = "io.k8s.apimachinery.pkg.apis.meta.v1.DeleteOptions";
        let schema = catalog().schema(name, "apis/example.com/v2").unwrap();
        assert_eq!(
            schema["x-kubernetes-group-version-kind"],
            json!([
                {"group": "", "kind": "DeleteOptions", "version": "v1"},
                {"group": "example.com", "kind": "DeleteOptions", "version": "v2"},
            ])
        );
        assert!(schema["properties"]["dryRun"]["description"].is_string());
    }
}

//! The OpenAPI v3 document of a custom group-version (`pkg/controller/openapi/builder`).

mod paths;
mod published;

use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::version::Version;
use crate::sandbox::memory::catalog::catalog;

/// Before a schema's name in a `$ref`.
const REF: &str = "#/components/schemas/";
const META: &str = "io.k8s.apimachinery.pkg.apis.meta.v1";

/// A kind as the document has it.
struct Published<'a> {
    group: &'a str,
    version: &'a str,
    plural: &'a str,
    kind: &'a str,
    list_kind: &'a str,
    namespaced: bool,
    has_status: bool,
    has_scale: bool,
    schema: &'a str,
    selectable: &'a [String],
}

/// The document of what these versions serve, which are all of one group-version.
pub fn document(versions: &[Arc<Version>]) -> Value {
    let mut versions: Vec<_> = versions
        .iter()
        .map(|version| version.resource_and_schema())
        .collect();
    versions.sort_by(|a, b| a.0.plural.cmp(&b.0.plural));
    let mut schemas = Map::new();
    let mut paths = Map::new();
    let mut path = String::new();
    for (resource, schema, selectable) in &versions {
        let has = |name| resource.subresource(name).is_some();
        let published = Published {
            group: &resource.group,
            version: &resource.version,
            plural: &resource.plural,
            kind: &resource.kind,
            list_kind: &resource.list_kind,
            namespaced: resource.namespaced,
            has_status: has("status"),
            has_scale: has("scale"),
            schema,
            selectable,
        };
        path = format!("apis/{}/{}", published.group, published.version);
        schemas.insert(published.model(published.kind), published.schema());
        schemas.insert(
            published.model(published.list_kind),
            published.list_schema(),
        );
        published.paths(&mut paths);
    }
    paths.sort_keys();
    let own = json!({"schemas": schemas, "paths": paths});
    schemas.extend(catalog().schemas_for(&own, &path));
    schemas.sort_keys();
    json!({
        "openapi": "3.0.0",
        "info": {"title": "Kubernetes CRD Swagger", "version": "v0.1.0"},
        "paths": paths,
        "components": {"schemas": schemas},
    })
}

impl Published<'_> {
    /// The name of a kind's schema: that of a package, as if there were one.
    fn model(&self, kind: &str) -> String {
        let group: Vec<&str> = self.group.split('.').rev().collect();
        format!("{}.{}.{kind}", group.join("."), self.version)
    }

    fn reference(&self, kind: &str) -> Value {
        json!({"$ref": format!("{REF}{}", self.model(kind))})
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sandbox::memory::crd::version::versions;

    fn documents(definitions: &[Value]) -> Value {
        let served: Vec<_> = definitions.iter().flat_map(versions).collect();
        document(&served)
    }

    fn definition(scope: &str, plural: &str, kind: &str, version: Value) -> Value {
        let names = json!({"plural": plural, "singular": kind.to_lowercase(), "kind": kind,
            "listKind": format!("{kind}List")});
        json!({
            "metadata": {"name": format!("{plural}.a.example"), "uid": "u", "generation": 1},
            "spec": {"group": "a.example", "scope": scope, "names": names, "versions": [version]},
            "status": {
                "acceptedNames": names,
                "conditions": [{"type": "Established", "status": "True"}],
            },
        })
    }

    fn foo() -> Value {
        let port = json!({"x-kubernetes-int-or-string": true});
        let pod = json!({"type": "object", "x-kubernetes-embedded-resource": true,
            "properties": {"spec": {"type": "object"}}});
        let spec = json!({"type": "object", "nullable": false, "required": [],
            "properties": {"port": port, "pod": pod, "open": {"type": "object", "additionalProperties": true}}});
        definition(
            "Namespaced",
            "foos",
            "Foo",
            json!({
                "name": "v1", "served": true, "storage": true,
                "subresources": {"status": {}, "scale": {"specReplicasPath": ".spec.r", "statusReplicasPath": ".status.r"}},
                "selectableFields": [{"jsonPath": ".spec.color"}],
                "schema": {"openAPIV3Schema": {"type": "object", "properties": {"spec": spec}}},
            }),
        )
    }

    /// The expectations are the real server's.
    #[test]
    fn kinds_have_schemas() {
        let document = documents(&[foo()]);
        let schemas = &document["components"]["schemas"];
        let foo = &schemas["example.a.v1.Foo"];
        let spec = &foo["properties"]["spec"];
        assert_eq!(
            spec["properties"]["port"],
            json!({
                "anyOf": [{"type": "integer"}, {"type": "string"}],
                "x-kubernetes-int-or-string": true,
            })
        );
        assert_eq!(
            spec["properties"]["open"],
            json!({"type": "object", "additionalProperties": true})
        );
        assert_eq!(
            spec["properties"]["pod"]["required"],
            json!(["kind", "apiVersion"])
        );
        let names = ["nullable", "required"].map(|name| spec.get(name));
        assert_eq!(names, [None, None]);
        assert_eq!(
            foo["properties"]["metadata"]["allOf"],
            json!([{"$ref": "#/components/schemas/io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"}])
        );
        assert_eq!(
            foo["x-kubernetes-group-version-kind"],
            json!([{"group": "a.example", "kind": "Foo", "version": "v1"}])
        );
        assert_eq!(
            foo["x-kubernetes-selectable-fields"],
            json!([{"fieldPath": "spec.color"}])
        );
        let list = &schemas["example.a.v1.FooList"];
        assert_eq!(list["description"], "FooList is a list of Foo");
        assert_eq!(
            list["properties"]["items"]["items"],
            json!({"$ref": "#/components/schemas/example.a.v1.Foo"})
        );
        for name in [
            "meta.v1.ObjectMeta",
            "meta.v1.ListMeta",
            "meta.v1.Status",
            "meta.v1.Patch",
            "meta.v1.DeleteOptions",
        ] {
            let name = format!("io.k8s.apimachinery.pkg.apis.{name}");
            assert!(schemas[&name].is_object(), "{name}");
        }
        assert!(schemas["io.k8s.api.autoscaling.v1.Scale"].is_object());
    }

    #[test]
    fn kinds_have_paths() {
        let version = json!({"name": "v1", "served": true, "storage": true,
            "schema": {"openAPIV3Schema": {"type": "object"}}});
        let document = documents(&[foo(), definition("Cluster", "apples", "Apple", version)]);
        let paths = document["paths"].as_object().unwrap();
        let names = |value: &Value| -> Vec<String> {
            let all = value.as_array().into_iter().flatten();
            all.map(|one| one["name"].as_str().unwrap_or_default().to_owned())
                .collect()
        };
        let told: Vec<String> = paths
            .iter()
            .flat_map(|(path, item)| {
                let path = path.strip_prefix("/apis/a.example/v1/").unwrap();
                let common = names(&item["parameters"]).len();
                let operations = item
                    .as_object()
                    .unwrap()
                    .iter()
                    .filter(|(verb, _)| *verb != "parameters");
                operations.map(move |(verb, operation)| {
                    let own = names(&operation["parameters"]).len();
                    let id = operation["operationId"].as_str().unwrap();
                    format!("{verb} {path} {id} {common}+{own}")
                })
            })
            .collect();
        assert_eq!(
            told,
            [
                "delete apples deleteAExampleV1CollectionApple 1+11",
                "get apples listAExampleV1Apple 1+11",
                "post apples createAExampleV1Apple 1+3",
                "delete apples/{name} deleteAExampleV1Apple 2+5",
                "get apples/{name} readAExampleV1Apple 2+1",
                "patch apples/{name} patchAExampleV1Apple 2+4",
                "put apples/{name} replaceAExampleV1Apple 2+3",
                "get foos listAExampleV1FooForAllNamespaces 12+0",
                "delete namespaces/{namespace}/foos deleteAExampleV1CollectionNamespacedFoo 2+11",
                "get namespaces/{namespace}/foos listAExampleV1NamespacedFoo 2+11",
                "post namespaces/{namespace}/foos createAExampleV1NamespacedFoo 2+3",
                "delete namespaces/{namespace}/foos/{name} deleteAExampleV1NamespacedFoo 3+5",
                "get namespaces/{namespace}/foos/{name} readAExampleV1NamespacedFoo 3+1",
                "patch namespaces/{namespace}/foos/{name} patchAExampleV1NamespacedFoo 3+4",
                "put namespaces/{namespace}/foos/{name} replaceAExampleV1NamespacedFoo 3+3",
                "get namespaces/{namespace}/foos/{name}/scale readAExampleV1NamespacedFooScale 3+1",
                "patch namespaces/{namespace}/foos/{name}/scale patchAExampleV1NamespacedFooScale 3+4",
                "put namespaces/{namespace}/foos/{name}/scale replaceAExampleV1NamespacedFooScale 3+3",
                "get namespaces/{namespace}/foos/{name}/status readAExampleV1NamespacedFooStatus 3+1",
                "patch namespaces/{namespace}/foos/{name}/status patchAExampleV1NamespacedFooStatus 3+4",
                "put namespaces/{namespace}/foos/{name}/status replaceAExampleV1NamespacedFooStatus 3+3",
            ]
        );
        let create = &paths["/apis/a.example/v1/apples"]["post"];
        assert_eq!(create["description"], "create an Apple");
        assert_eq!(create["tags"], json!(["aExample_v1"]));
    }
}

//! apidiscovery.k8s.io/v2: all groups in one document.

use serde_json::{Map, Value, json};

use super::words;
use crate::sandbox::memory::registry::Group;
use crate::sandbox::memory::resource::Resource;

pub(super) fn document(groups: &[Group], is_core: bool) -> Value {
    let groups = groups
        .iter()
        .filter(|group| group.name.is_empty() == is_core);
    let items: Vec<Value> = groups.map(group).collect();
    json!({
        "kind": "APIGroupDiscoveryList",
        "apiVersion": "apidiscovery.k8s.io/v2",
        "metadata": {},
        "items": items,
    })
}

fn group(group: &Group) -> Value {
    let mut metadata = Map::new();
    if !group.name.is_empty() {
        metadata.insert("name".to_owned(), json!(group.name));
    }
    let versions = group.versions.iter().map(|version| {
        let all = version.resources.iter();
        let resources: Vec<Value> = all.map(|r| resource(r, group.is_custom)).collect();
        json!({"version": version.name, "resources": resources, "freshness": "Current"})
    });
    json!({"metadata": metadata, "versions": versions.collect::<Vec<_>>()})
}

fn resource(resource: &Resource, is_custom: bool) -> Value {
    // Built-in kinds are of the group and version that they stand in, which is left empty then.
    let own = |kind: &str| match is_custom {
        true => json!({"group": resource.group, "version": resource.version, "kind": kind}),
        false => json!({"group": "", "version": "", "kind": kind}),
    };
    let scope = match resource.namespaced {
        true => "Namespaced",
        false => "Cluster",
    };
    let mut entry = Map::new();
    entry.insert("resource".to_owned(), json!(resource.plural));
    entry.insert("responseKind".to_owned(), own(&resource.kind));
    entry.insert("scope".to_owned(), json!(scope));
    entry.insert("singularResource".to_owned(), json!(resource.singular));
    entry.insert("verbs".to_owned(), json!(resource.verbs));
    for (name, words) in words(resource) {
        entry.insert(name.to_owned(), words);
    }
    let subresources = resource.subresources.iter().map(|sub| {
        let kind = match sub.version.is_empty() {
            true => own(&sub.kind),
            false => json!({"group": sub.group, "version": sub.version, "kind": sub.kind}),
        };
        json!({"subresource": sub.name, "responseKind": kind, "verbs": sub.verbs})
    });
    let subresources: Vec<Value> = subresources.collect();
    if !subresources.is_empty() {
        entry.insert("subresources".to_owned(), json!(subresources));
    }
    Value::Object(entry)
}

//! meta/v1's APIVersions, APIGroupList, APIGroup and APIResourceList.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::words;
use crate::sandbox::memory::registry::Group;
use crate::sandbox::memory::resource::Resource;

pub(super) fn versions(address: &str) -> Value {
    json!({
        "kind": "APIVersions",
        "versions": ["v1"],
        "serverAddressByClientCIDRs": [{"clientCIDR": "0.0.0.0/0", "serverAddress": address}],
    })
}

pub(super) fn groups(groups: &[Group]) -> Value {
    let named = groups.iter().filter(|group| !group.name.is_empty());
    let groups: Vec<Value> = named.map(|group| Value::Object(facts(group))).collect();
    json!({"kind": "APIGroupList", "apiVersion": "v1", "groups": groups})
}

pub(super) fn group(group: &Group) -> Value {
    let mut whole = Map::new();
    whole.insert("kind".to_owned(), json!("APIGroup"));
    whole.insert("apiVersion".to_owned(), json!("v1"));
    whole.extend(facts(group));
    Value::Object(whole)
}

fn facts(group: &Group) -> Map<String, Value> {
    let version = |name: &str| {
        let both = format!("{}/{name}", group.name);
        json!({"groupVersion": both, "version": name})
    };
    let versions: Vec<Value> = group.versions.iter().map(|v| version(&v.name)).collect();
    let mut facts = Map::new();
    facts.insert("name".to_owned(), json!(group.name));
    let preferred = versions.first().cloned();
    facts.insert("versions".to_owned(), json!(versions));
    if let Some(preferred) = preferred {
        facts.insert("preferredVersion".to_owned(), preferred);
    }
    facts
}

pub(super) fn resources(group: &str, version: &str, resources: &[Arc<Resource>]) -> Value {
    let mut entries = Vec::new();
    for resource in resources {
        entries.push(entry(resource));
        for sub in &resource.subresources {
            let mut entry = Map::new();
            let name = format!("{}/{}", resource.plural, sub.name);
            entry.insert("name".to_owned(), json!(name));
            entry.insert("singularName".to_owned(), json!(""));
            entry.insert("namespaced".to_owned(), json!(resource.namespaced));
            for (key, word) in [("group", &sub.group), ("version", &sub.version)] {
                if !word.is_empty() {
                    entry.insert(key.to_owned(), json!(word));
                }
            }
            entry.insert("kind".to_owned(), json!(sub.kind));
            entry.insert("verbs".to_owned(), json!(sub.verbs));
            entries.push(Value::Object(entry));
        }
    }
    let mut list = Map::new();
    list.insert("kind".to_owned(), json!("APIResourceList"));
    // The core group's list has no apiVersion, for clients older than the field.
    if !group.is_empty() {
        list.insert("apiVersion".to_owned(), json!("v1"));
    }
    let both = match group {
        "" => version.to_owned(),
        group => format!("{group}/{version}"),
    };
    list.insert("groupVersion".to_owned(), json!(both));
    list.insert("resources".to_owned(), json!(entries));
    Value::Object(list)
}

fn entry(resource: &Resource) -> Value {
    let mut entry = Map::new();
    entry.insert("name".to_owned(), json!(resource.plural));
    entry.insert("singularName".to_owned(), json!(resource.singular));
    entry.insert("namespaced".to_owned(), json!(resource.namespaced));
    entry.insert("kind".to_owned(), json!(resource.kind));
    entry.insert("verbs".to_owned(), json!(resource.verbs));
    for (name, words) in words(resource) {
        entry.insert(name.to_owned(), words);
    }
    if let Some(hash) = &resource.storage_version_hash {
        entry.insert("storageVersionHash".to_owned(), json!(hash));
    }
    Value::Object(entry)
}

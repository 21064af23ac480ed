//! The aggregated form: groups, versions and resources in one document.
//!
//! Source: k8s.io/api/apidiscovery/v2/types.go, and how client-go reads it
//! (k8s.io/client-go/discovery/aggregated_discovery.go). v2beta1 has the same fields.

use serde::Deserialize;

use super::model::{Group, Resource, Subresource, Version};

#[derive(Deserialize)]
pub(super) struct GroupList {
    #[serde(default)]
    items: Vec<GroupItem>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct GroupItem {
    #[serde(default)]
    metadata: Metadata,
    #[serde(default)]
    versions: Vec<VersionItem>,
}

#[derive(Default, Deserialize)]
struct Metadata {
    #[serde(default)]
    name: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct VersionItem {
    version: String,
    #[serde(default)]
    resources: Vec<ResourceItem>,
    #[serde(default)]
    freshness: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ResourceItem {
    resource: String,
    #[serde(default)]
    response_kind: Option<GroupVersionKind>,
    #[serde(default)]
    scope: String,
    #[serde(default)]
    singular_resource: String,
    #[serde(default)]
    verbs: Vec<String>,
    #[serde(default)]
    short_names: Vec<String>,
    #[serde(default)]
    categories: Vec<String>,
    #[serde(default)]
    subresources: Vec<SubresourceItem>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct SubresourceItem {
    subresource: String,
    #[serde(default)]
    response_kind: Option<GroupVersionKind>,
    #[serde(default)]
    verbs: Vec<String>,
}

#[derive(Default, Deserialize)]
struct GroupVersionKind {
    #[serde(default)]
    group: String,
    #[serde(default)]
    version: String,
    #[serde(default)]
    kind: String,
}

impl GroupList {
    pub(super) fn into_groups(self) -> Vec<Group> {
        self.items.into_iter().map(group).collect()
    }
}

fn group(item: GroupItem) -> Group {
    let name = item.metadata.name;
    let versions = item
        .versions
        .into_iter()
        .map(|v| Version {
            stale: v.freshness == "Stale",
            resources: v
                .resources
                .into_iter()
                .map(|r| resource(&name, &v.version, r))
                .collect(),
            version: v.version,
        })
        .collect();
    Group { name, versions }
}

fn resource(group: &str, version: &str, item: ResourceItem) -> Resource {
    Resource {
        group: group.to_owned(),
        version: version.to_owned(),
        // A resource without a responseKind exists only as parent of its subresources.
        kind: item.response_kind.unwrap_or_default().kind,
        plural: item.resource,
        singular: item.singular_resource,
        namespaced: item.scope == "Namespaced",
        verbs: item.verbs,
        short_names: item.short_names,
        categories: item.categories,
        subresources: item
            .subresources
            .into_iter()
            .filter_map(|s| {
                let kind = s.response_kind.filter(|k| !k.kind.is_empty())?;
                Some(Subresource {
                    name: s.subresource,
                    group: kind.group,
                    version: kind.version,
                    kind: kind.kind,
                    verbs: s.verbs,
                })
            })
            .collect(),
        storage_hash: None,
    }
}

//! Groups and resources, as discovery has them.

use std::sync::Arc;

use super::file::{Facts, GroupFacts, ResourceFacts};
use crate::sandbox::memory::resource::{Resource, Subresource};
use crate::sandbox::memory::types::{TypeId, Types};

/// A group that is served.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// Empty for the core group
    pub name: String,
    /// The preferred one first
    pub versions: Vec<String>,
}

/// Gives the groups, the core group first, and their resources. `find` knows the type of a kind of
/// an apiVersion.
pub(super) fn build(
    facts: &Facts<'_>,
    types: &Arc<Types>,
    find: impl Fn(&str, &str) -> Option<TypeId>,
) -> (Vec<Group>, Vec<Arc<Resource>>) {
    let mut groups = Vec::new();
    let mut resources = Vec::new();
    for group in facts.core.iter().chain(&facts.groups) {
        groups.push(Group {
            name: group.name.to_owned(),
            versions: group
                .versions
                .iter()
                .map(|v| v.version.to_owned())
                .collect(),
        });
        for version in &group.versions {
            let gv = api_version(group, version.version);
            for resource in &version.resources {
                let key = format!("{gv}/{}", resource.resource);
                let Some(type_) = find(&gv, resource.response_kind.kind) else {
                    debug_assert!(false, "{key} has no type");
                    continue;
                };
                let mut made = resource_of(resource, Arc::clone(types), type_);
                group.name.clone_into(&mut made.group);
                version.version.clone_into(&mut made.version);
                made.storage_version_hash = facts
                    .hashes
                    .get(key.as_str())
                    .map(|hash| (*hash).to_owned());
                resources.push(Arc::new(made));
            }
        }
    }
    (groups, resources)
}

fn api_version(group: &GroupFacts<'_>, version: &str) -> String {
    if group.name.is_empty() {
        version.to_owned()
    } else {
        format!("{}/{version}", group.name)
    }
}

fn resource_of(facts: &ResourceFacts<'_>, types: Arc<Types>, type_: TypeId) -> Resource {
    let subresources = facts.subresources.iter().map(|sub| Subresource {
        name: sub.subresource.to_owned(),
        group: sub.response_kind.group.to_owned(),
        version: sub.response_kind.version.to_owned(),
        kind: sub.response_kind.kind.to_owned(),
        verbs: owned(&sub.verbs),
    });
    Resource {
        group: String::new(),
        version: String::new(),
        plural: facts.resource.to_owned(),
        singular: facts.singular_resource.to_owned(),
        kind: facts.response_kind.kind.to_owned(),
        list_kind: format!("{}List", facts.response_kind.kind),
        namespaced: facts.scope == "Namespaced",
        short_names: owned(&facts.short_names),
        categories: owned(&facts.categories),
        verbs: owned(&facts.verbs),
        subresources: subresources.collect(),
        storage_version_hash: None,
        types,
        type_,
    }
}

fn owned(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

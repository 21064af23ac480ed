//! A resource that is served, built in or custom, in one version.

use std::sync::Arc;

use super::types::{TypeId, Types};

/// What discovery says about a resource in one version, and how its objects are typed.
#[derive(Clone, Debug)]
pub struct Resource {
    /// Empty for the core group
    pub group: String,
    /// Such as `v1`
    pub version: String,
    /// The word in paths
    pub plural: String,
    /// Lower case
    pub singular: String,
    /// In camel case
    pub kind: String,
    /// Usually the kind with `List` behind
    pub list_kind: String,
    /// Whether objects live in namespaces
    pub namespaced: bool,
    /// In the order of discovery
    pub short_names: Vec<String>,
    /// Such as `all`
    pub categories: Vec<String>,
    /// In the order of discovery
    pub verbs: Vec<String>,
    /// In the order of discovery
    pub subresources: Vec<Subresource>,
    /// A short hash that legacy discovery shows
    pub storage_version_hash: Option<String>,
    /// Where `type_` is
    pub types: Arc<Types>,
    /// What an object is
    pub type_: TypeId,
}

/// A subresource such as `status`.
#[derive(Clone, Debug)]
pub struct Subresource {
    /// The word in paths
    pub name: String,
    /// Of the body's kind; empty where it is the resource's own group and version
    pub group: String,
    /// See `group`
    pub version: String,
    /// What is sent and answered, such as `Scale`
    pub kind: String,
    /// In the order of discovery
    pub verbs: Vec<String>,
}

impl Resource {
    /// `apps/v1`, or `v1` for the core group.
    pub fn api_version(&self) -> String {
        if self.group.is_empty() {
            self.version.clone()
        } else {
            format!("{}/{}", self.group, self.version)
        }
    }

    /// The subresource of that name.
    pub fn subresource(&self, name: &str) -> Option<&Subresource> {
        self.subresources.iter().find(|s| s.name == name)
    }

    /// Whether the resource itself knows that verb of discovery, such as `list`.
    pub fn has_verb(&self, verb: &str) -> bool {
        self.verbs.iter().any(|known| known == verb)
    }
}

//! Groups, versions, resources: what a server serves.

use serde::{Deserialize, Serialize};

/// In which form the server told it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Form {
    /// Two documents for everything (since Kubernetes 1.26)
    Aggregated,
    /// One document for each group-version
    Legacy,
}

/// Everything that a server serves, as far as it could be asked.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Discovery {
    /// The groups in the server's order, the core group (named `""`) first
    pub groups: Vec<Group>,
    /// The group-versions that could not be fetched
    pub failures: Vec<GroupVersionFailure>,
    /// How it was told
    pub form: Form,
}

/// An API group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Group {
    /// Its name; `""` for the core group
    pub name: String,
    /// Its versions in the server's order of preference
    pub versions: Vec<Version>,
}

/// A version of a group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Version {
    /// Its name, such as `v1beta1`
    pub version: String,
    /// Whether the server could not refresh what it knows of it (its aggregated server is down)
    pub stale: bool,
    /// What it serves; without subresources, which belong to their resource
    pub resources: Vec<Resource>,
}

/// A resource in one version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resource {
    /// The group, `""` for core
    pub group: String,
    /// The version
    pub version: String,
    /// The name in paths, such as `deployments`
    pub plural: String,
    /// The name for one, such as `deployment`
    pub singular: String,
    /// The kind of its objects; empty for a resource that exists only as parent of subresources
    pub kind: String,
    /// Whether its objects live in a namespace
    pub namespaced: bool,
    /// What can be done with it
    pub verbs: Vec<String>,
    /// Abbreviations, such as `deploy`
    pub short_names: Vec<String>,
    /// The sets it belongs to, such as `all`
    pub categories: Vec<String>,
    /// What hangs below its objects
    pub subresources: Vec<Subresource>,
    /// Legacy discovery only: a hash of the group, version and kind that objects are stored as
    pub storage_hash: Option<String>,
}

/// A subresource, such as `status` or `scale`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subresource {
    /// The last part of its path
    pub name: String,
    /// The group of its kind
    pub group: String,
    /// The version of its kind
    pub version: String,
    /// Its kind, which may be another than its resource's (`Scale`)
    pub kind: String,
    /// What can be done with it
    pub verbs: Vec<String>,
}

/// A group-version whose resources the server could not name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupVersionFailure {
    /// The group
    pub group: String,
    /// The version
    pub version: String,
    /// Why, as far as the server says
    pub reason: String,
}

impl GroupVersionFailure {
    /// Stands for group and version where the server did not give the list of groups.
    pub const EVERY: &str = "*";

    /// `apps/v1`, or `v1` for core; words where the list of groups itself is missing.
    pub fn group_version(&self) -> String {
        if self.group == Self::EVERY {
            return "any group but core".to_owned();
        }
        group_version(&self.group, &self.version)
    }
}

/// `apps/v1`, or `v1` for the core group.
pub fn group_version(group: &str, version: &str) -> String {
    if group.is_empty() {
        version.to_owned()
    } else {
        format!("{group}/{version}")
    }
}

/// The path of a group-version: `/apis/apps/v1`, or `/api/v1` for the core group.
pub fn group_version_path(group: &str, version: &str) -> String {
    if group.is_empty() {
        format!("/api/{version}")
    } else {
        format!("/apis/{group}/{version}")
    }
}

impl Resource {
    /// `apps/v1`, or `v1` for core.
    pub fn group_version(&self) -> String {
        group_version(&self.group, &self.version)
    }

    /// `deployments.apps`, or `pods` for core: what `kubectl api-resources -o name` prints.
    pub fn name(&self) -> String {
        if self.group.is_empty() {
            self.plural.clone()
        } else {
            format!("{}.{}", self.plural, self.group)
        }
    }

    /// The path of its list; in one namespace if one is given and it is namespaced.
    pub fn path(&self, namespace: Option<&str>) -> String {
        let base = group_version_path(&self.group, &self.version);
        match namespace.filter(|_| self.namespaced) {
            Some(namespace) => format!("{base}/namespaces/{namespace}/{}", self.plural),
            None => format!("{base}/{}", self.plural),
        }
    }

    /// Whether `verb` is among its verbs.
    pub fn can(&self, verb: &str) -> bool {
        self.verbs.iter().any(|v| v == verb)
    }
}

impl Group {
    /// The version that the server prefers among those that it can serve now.
    pub fn preferred(&self) -> Option<&Version> {
        self.versions.iter().find(|v| !v.stale)
    }
}

impl Discovery {
    /// Every resource in every version, in the server's order.
    pub fn resources(&self) -> impl Iterator<Item = &Resource> {
        let versions = self.groups.iter().flat_map(|g| &g.versions);
        versions
            .flat_map(|v| &v.resources)
            .filter(|r| !r.kind.is_empty())
    }

    /// Each resource once, in the version that its group prefers, or else in the first that has it.
    /// Source: k8s.io/client-go/discovery/discovery_client.go (`ServerPreferredResources`).
    pub fn preferred(&self) -> Vec<&Resource> {
        let mut chosen = Vec::new();
        for group in &self.groups {
            let mut seen = std::collections::HashSet::new();
            for version in group.versions.iter().filter(|v| !v.stale) {
                for resource in version.resources.iter().filter(|r| !r.kind.is_empty()) {
                    if seen.insert(resource.plural.as_str()) {
                        chosen.push(resource);
                    }
                }
            }
        }
        chosen
    }

    /// Whether `resource` is what [`Discovery::preferred`] would give for its name.
    pub fn is_preferred(&self, resource: &Resource) -> bool {
        let group = self.groups.iter().find(|g| g.name == resource.group);
        let first = group.and_then(|g| {
            g.versions.iter().filter(|v| !v.stale).find(|v| {
                v.resources
                    .iter()
                    .any(|r| r.plural == resource.plural && !r.kind.is_empty())
            })
        });
        first.is_some_and(|v| v.version == resource.version)
    }

    /// A group by name; `core` and `""` are the core group.
    pub fn group(&self, name: &str) -> Option<&Group> {
        let name = if name == "core" { "" } else { name };
        self.groups.iter().find(|g| g.name == name)
    }

    /// A version of a group.
    pub fn version(&self, group: &str, version: &str) -> Option<&Version> {
        self.group(group)?
            .versions
            .iter()
            .find(|v| v.version == version)
    }

    /// A resource by its exact place.
    pub fn resource(&self, group: &str, version: &str, plural: &str) -> Option<&Resource> {
        let version = self.version(group, version)?;
        version
            .resources
            .iter()
            .find(|r| r.plural == plural && !r.kind.is_empty())
    }
}

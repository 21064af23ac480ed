//! The legacy form: a list of groups, then one document for each group-version, fetched in
//! parallel. Servers before 1.26 know no other, and some that only look like Kubernetes.
//!
//! Source: k8s.io/apimachinery/pkg/apis/meta/v1/types.go (`APIGroupList`, `APIResourceList`).

use futures::stream::{self, StreamExt};
use serde::Deserialize;

use crate::cluster::{Error, Server};

use super::model::{
    Group, GroupVersionFailure, Resource, Subresource, Version, group_version_path,
};

/// So many documents are asked for at a time: more only makes the server's queue longer.
const PARALLEL: usize = 16;

/// What `/api` says.
#[derive(Deserialize)]
pub(super) struct ApiVersions {
    #[serde(default)]
    pub(super) versions: Vec<String>,
}

/// What `/apis` says.
#[derive(Deserialize)]
pub(super) struct ApiGroupList {
    #[serde(default)]
    groups: Vec<ApiGroup>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ApiGroup {
    #[serde(default)]
    name: String,
    #[serde(default)]
    versions: Vec<GroupVersion>,
    #[serde(default)]
    preferred_version: Option<GroupVersion>,
}

#[derive(Deserialize)]
struct GroupVersion {
    version: String,
}

#[derive(Deserialize)]
struct ApiResourceList {
    #[serde(default)]
    resources: Vec<ApiResource>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ApiResource {
    name: String,
    #[serde(default)]
    singular_name: String,
    #[serde(default)]
    namespaced: bool,
    #[serde(default)]
    group: String,
    #[serde(default)]
    version: String,
    #[serde(default)]
    kind: String,
    #[serde(default)]
    verbs: Vec<String>,
    #[serde(default)]
    short_names: Vec<String>,
    #[serde(default)]
    categories: Vec<String>,
    #[serde(default)]
    storage_version_hash: String,
}

/// The names of groups and versions, the preferred version first, as aggregated discovery has it.
pub(super) type Names = Vec<(String, Vec<String>)>;

impl ApiGroupList {
    pub(super) fn into_names(self) -> Names {
        let ordered = |group: ApiGroup| {
            let preferred = group
                .preferred_version
                .map(|p| p.version)
                .unwrap_or_default();
            let mut versions: Vec<String> = group.versions.into_iter().map(|v| v.version).collect();
            // Stable: the others keep the server's order.
            versions.sort_by_key(|v| *v != preferred);
            (group.name, versions)
        };
        self.groups.into_iter().map(ordered).collect()
    }
}

/// Fetches the resources of every group-version named.
///
/// A document that cannot be fetched becomes a failure of its group-version; it is an error only
/// where no document came and the server could not be reached.
pub(super) async fn fetch(
    server: &Server,
    names: Names,
) -> Result<(Vec<Group>, Vec<GroupVersionFailure>), Error> {
    let wanted: Vec<(String, String)> = names
        .iter()
        .flat_map(|(group, versions)| versions.iter().map(|v| (group.clone(), v.clone())))
        .collect();
    let fetched: Vec<_> = stream::iter(wanted)
        .map(|(group, version)| async move {
            let path = group_version_path(&group, &version);
            let list = server
                .get_json::<ApiResourceList>(&path, "application/json")
                .await;
            (group, version, list)
        })
        .buffered(PARALLEL)
        .collect()
        .await;

    let mut groups: Vec<Group> = names
        .into_iter()
        .map(|(name, _)| Group {
            name,
            versions: Vec::new(),
        })
        .collect();
    let mut failures = Vec::new();
    let (mut any, mut unreachable) = (false, None);
    for (group, version, list) in fetched {
        let (resources, stale) = match list {
            Ok(list) => {
                any = true;
                (resources(&group, &version, list), false)
            }
            Err(problem) => {
                failures.push(GroupVersionFailure {
                    group: group.clone(),
                    version: version.clone(),
                    reason: reason(&problem),
                });
                if matches!(problem, Error::Transport { .. }) {
                    unreachable.get_or_insert(problem);
                }
                (Vec::new(), true)
            }
        };
        if let Some(group) = groups.iter_mut().find(|g| g.name == group) {
            group.versions.push(Version {
                version,
                stale,
                resources,
            });
        }
    }
    match unreachable {
        Some(problem) if !any => Err(problem),
        _ => Ok((groups, failures)),
    }
}

/// The reason of a failed document, in few words.
pub(super) fn reason(problem: &Error) -> String {
    match problem.failure() {
        Some(failure) => {
            let message = failure.message();
            let code = failure.code;
            if message.is_empty() {
                code.to_string()
            } else {
                format!("{}: {message}", code.as_u16())
            }
        }
        None => problem.to_string(),
    }
}

fn resources(group: &str, version: &str, list: ApiResourceList) -> Vec<Resource> {
    let (children, parents): (Vec<_>, Vec<_>) = list
        .resources
        .into_iter()
        .partition(|r| r.name.contains('/'));
    let mut resources: Vec<Resource> = parents
        .into_iter()
        .map(|r| Resource {
            group: group.to_owned(),
            version: version.to_owned(),
            plural: r.name,
            singular: r.singular_name,
            kind: r.kind,
            namespaced: r.namespaced,
            verbs: r.verbs,
            short_names: r.short_names,
            categories: r.categories,
            subresources: Vec::new(),
            storage_hash: Some(r.storage_version_hash).filter(|hash| !hash.is_empty()),
        })
        .collect();
    for child in children {
        let Some((plural, name)) = child.name.split_once('/') else {
            continue;
        };
        let or = |own: String, else_: &str| {
            if own.is_empty() {
                else_.to_owned()
            } else {
                own
            }
        };
        let subresource = Subresource {
            name: name.to_owned(),
            group: or(child.group, group),
            version: or(child.version, version),
            kind: child.kind,
            verbs: child.verbs,
        };
        match resources.iter_mut().find(|r| r.plural == plural) {
            Some(parent) => parent.subresources.push(subresource),
            None => resources.push(Resource {
                group: group.to_owned(),
                version: version.to_owned(),
                plural: plural.to_owned(),
                singular: String::new(),
                kind: String::new(),
                namespaced: child.namespaced,
                verbs: Vec::new(),
                short_names: Vec::new(),
                categories: Vec::new(),
                subresources: vec![subresource],
                storage_hash: None,
            }),
        }
    }
    resources
}

/// The hash by which legacy discovery names the version that objects are stored as.
///
/// `storageVersionHash` is base64 of the first 8 bytes of SHA-256 of `group/version/kind`.
/// Source: k8s.io/apiserver/pkg/endpoints/discovery/storageversionhash.go.
pub fn storage_hash(group: &str, version: &str, kind: &str) -> String {
    use base64::Engine;
    use sha2::{Digest, Sha256};
    let name = format!("{group}/{version}/{kind}");
    let hash = Sha256::digest(name.as_bytes());
    base64::engine::general_purpose::STANDARD.encode(&hash[..8])
}

//! What discovery says about custom resources (`pkg/apiserver/customresource_discovery_controller.go`).

use std::cmp::{Ordering, Reverse};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

use super::Family;
use super::types;
use crate::sandbox::memory::resource::{Resource, Subresource};

const VERBS: [&str; 8] = [
    "delete",
    "deletecollection",
    "get",
    "list",
    "patch",
    "create",
    "update",
    "watch",
];

/// What is left of them when the definition goes.
const LAST_VERBS: [&str; 5] = ["delete", "deletecollection", "get", "list", "watch"];

/// The resource in one version.
pub(super) fn resource(family: &Family, at: usize) -> Resource {
    let shape = &family.shapes[at];
    let names = &family.names;
    let verbs: &[&str] = if family.is_terminating {
        &LAST_VERBS
    } else {
        &VERBS
    };
    let owned = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
    let mut subresources = Vec::new();
    let mut subresource = |name: &str, group: &str, version: &str, kind: &str| {
        subresources.push(Subresource {
            name: name.to_owned(),
            group: group.to_owned(),
            version: version.to_owned(),
            kind: kind.to_owned(),
            verbs: owned(&["get", "patch", "update"]),
        });
    };
    if shape.has_status {
        subresource("status", "", "", &names.kind);
    }
    if shape.scale.is_some() {
        subresource("scale", "autoscaling", "v1", "Scale");
    }
    // A stored version that is not served is not told.
    let hash = family.shapes[family.stored].is_served.then(|| {
        let version = &family.shapes[family.stored].version;
        storage_version_hash(&family.group, version, &names.kind)
    });
    let (types, type_) = types::build(shape);
    Resource {
        group: family.group.clone(),
        version: shape.version.clone(),
        plural: names.plural.clone(),
        singular: names.singular.clone(),
        kind: names.kind.clone(),
        list_kind: names.list_kind.clone(),
        namespaced: family.namespaced,
        short_names: names.short_names.clone(),
        categories: names.categories.clone(),
        verbs: owned(verbs),
        subresources,
        storage_version_hash: hash,
        types,
        type_,
    }
}

/// `storageVersionHash` (apiserver's `pkg/endpoints/discovery/storageversionhash.go`).
fn storage_version_hash(group: &str, version: &str, kind: &str) -> String {
    let digest = Sha256::digest(format!("{group}/{version}/{kind}"));
    STANDARD.encode(&digest[..8])
}

/// The order of versions in a group, the preferred one first: `v2`, `v1`, `v1beta1`, `v1alpha1`, then
/// other names as words (`CompareKubeAwareVersionStrings`).
pub fn compare(a: &str, b: &str) -> Ordering {
    match (rank(a), rank(b)) {
        (Some(a), Some(b)) => Reverse(a).cmp(&Reverse(b)),
        (Some(_), None) => Ordering::Less,
        (None, Some(_)) => Ordering::Greater,
        (None, None) => a.cmp(b),
    }
}

/// Stability, version, and the number behind `alpha` or `beta`.
fn rank(version: &str) -> Option<(u8, u64, u64)> {
    let rest = version.strip_prefix('v')?;
    let number = |text: &str| -> Option<u64> {
        let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        text.parse().ok().filter(|_| is_number)
    };
    for (word, stability) in [("alpha", 0), ("beta", 1)] {
        if let Some((major, minor)) = rest.split_once(word) {
            return Some((stability, number(major)?, number(minor)?));
        }
    }
    Some((2, number(rest)?, 0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_have_an_order() {
        let mut versions = [
            "foo1", "v1alpha1", "v10", "v1beta2", "v2", "v1", "bar", "v1beta10", "v2alpha1", "v",
            "v1x",
        ];
        versions.sort_by(|a, b| compare(a, b));
        assert_eq!(
            versions,
            [
                "v10", "v2", "v1", "v1beta10", "v1beta2", "v2alpha1", "v1alpha1", "bar", "foo1",
                "v", "v1x"
            ]
        );
    }

    /// The hash is the real server's.
    #[test]
    fn hashes_are_of_the_stored_version() {
        assert_eq!(
            storage_version_hash("doc.crd.example", "v1", "Doc"),
            "1FDcWlx0iDA="
        );
    }
}

//! What a PersistentVolumeClaim uses of a quota.

use k8s_openapi::api::core::v1::PersistentVolumeClaim;

use super::{Usage, add, number};
use crate::sandbox::memory::quantity::Quantity;

const CLASS: &str = "volume.beta.kubernetes.io/storage-class";
const OF_CLASS: &str = ".storageclass.storage.k8s.io/";
const NAMES: [&str; 2] = ["persistentvolumeclaims", "requests.storage"];

/// Whether claims use what has that name.
pub(super) fn is_limited(name: &str) -> bool {
    let own = name.split_once(OF_CLASS).map_or(name, |(_, own)| own);
    NAMES.contains(&own)
}

/// Adds what a claim uses, as such and of its class.
pub(super) fn add_usage(usage: &mut Usage, claim: &PersistentVolumeClaim) {
    let annotations = claim.metadata.annotations.as_ref();
    let named = annotations.and_then(|all| all.get(CLASS));
    let spec = claim.spec.as_ref();
    let class = named.or(spec.and_then(|spec| spec.storage_class_name.as_ref()));
    let requests = spec.and_then(|spec| spec.resources.as_ref()?.requests.as_ref());
    let storage = requests.and_then(|requests| Quantity::parse(&requests.get("storage")?.0));
    let prefix = class
        .filter(|class| !class.is_empty())
        .map(|class| format!("{class}{OF_CLASS}"));
    let [claims, requested] = NAMES;
    for prefix in [Some(String::new()), prefix].into_iter().flatten() {
        add(usage, &format!("{prefix}{claims}"), &number(1));
        if let Some(storage) = &storage {
            add(usage, &format!("{prefix}{requested}"), storage);
        }
    }
}

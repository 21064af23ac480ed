//! Which volume suits a claim. Pure.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{PersistentVolume, PersistentVolumeClaim};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity as Text;

use crate::sandbox::memory::quantity::Quantity;

use super::super::ownership::labels_of;
use super::super::{meta, selector};
use super::CLASS;

/// How a claim and a volume are bound, if they are.
pub(super) fn is_bound_to(volume: &PersistentVolume, claim: &PersistentVolumeClaim) -> bool {
    let reference = volume
        .spec
        .as_ref()
        .and_then(|spec| spec.claim_ref.as_ref());
    reference.is_some_and(|reference| {
        let own = |text: &Option<String>| text.clone().unwrap_or_default();
        let uid = own(&reference.uid);
        own(&reference.name) == meta::name(claim)
            && own(&reference.namespace) == meta::namespace(claim)
            && (uid.is_empty() || uid == meta::uid(claim))
    })
}

/// The class that a claim asks for; empty for none.
pub(super) fn claim_class(claim: &PersistentVolumeClaim) -> String {
    let annotations = claim.metadata.annotations.as_ref();
    let by_annotation = annotations.and_then(|all| all.get(CLASS).cloned());
    let by_spec = || claim.spec.as_ref()?.storage_class_name.clone();
    by_annotation.or_else(by_spec).unwrap_or_default()
}

fn volume_class(volume: &PersistentVolume) -> String {
    let annotations = volume.metadata.annotations.as_ref();
    let by_annotation = annotations.and_then(|all| all.get(CLASS).cloned());
    let by_spec = || volume.spec.as_ref()?.storage_class_name.clone();
    by_annotation.or_else(by_spec).unwrap_or_default()
}

fn size(amounts: Option<&BTreeMap<String, Text>>) -> Option<Quantity> {
    Quantity::parse(&amounts?.get("storage")?.0)
}

fn requested(claim: &PersistentVolumeClaim) -> Option<Quantity> {
    size(claim.spec.as_ref()?.resources.as_ref()?.requests.as_ref())
}

fn capacity(volume: &PersistentVolume) -> Option<Quantity> {
    size(volume.spec.as_ref()?.capacity.as_ref())
}

fn is_too_small(volume: &PersistentVolume, claim: &PersistentVolumeClaim) -> bool {
    requested(claim).is_some_and(|wanted| capacity(volume).is_none_or(|size| size < wanted))
}

fn modes(volume: &PersistentVolume) -> Vec<String> {
    let modes = volume
        .spec
        .as_ref()
        .and_then(|spec| spec.access_modes.clone());
    modes.unwrap_or_default()
}

fn has_access_modes(volume: &PersistentVolume, claim: &PersistentVolumeClaim) -> bool {
    let wanted = claim
        .spec
        .iter()
        .flat_map(|spec| spec.access_modes.iter().flatten());
    let has = modes(volume);
    wanted.into_iter().all(|mode| has.contains(mode))
}

/// Whether one is a device and the other a file system.
pub(super) fn modes_differ(volume: &PersistentVolume, claim: &PersistentVolumeClaim) -> bool {
    let own = volume
        .spec
        .as_ref()
        .and_then(|spec| spec.volume_mode.as_deref());
    let wanted = claim
        .spec
        .as_ref()
        .and_then(|spec| spec.volume_mode.as_deref());
    own.unwrap_or("Filesystem") != wanted.unwrap_or("Filesystem")
}

fn attributes_differ(volume: &PersistentVolume, claim: &PersistentVolumeClaim) -> bool {
    let own = volume
        .spec
        .as_ref()
        .and_then(|spec| spec.volume_attributes_class_name.clone());
    let wanted = claim
        .spec
        .as_ref()
        .and_then(|spec| spec.volume_attributes_class_name.clone());
    own.unwrap_or_default() != wanted.unwrap_or_default()
}

/// Why a volume that a claim names does not suit it.
pub(super) fn mismatch(volume: &PersistentVolume, claim: &PersistentVolumeClaim) -> Option<String> {
    if volume.metadata.deletion_timestamp.is_some() {
        return Some(format!(
            "the volume is marked for deletion {:?}",
            meta::name(volume)
        ));
    }
    let problem = if is_too_small(volume, claim) {
        "requested PV is too small"
    } else if volume_class(volume) != claim_class(claim) {
        "storageClassName does not match"
    } else if attributes_differ(volume, claim) {
        "volumeAttributesClassName does not match"
    } else if modes_differ(volume, claim) {
        "incompatible volumeMode"
    } else if !has_access_modes(volume, claim) {
        "incompatible accessMode"
    } else {
        return None;
    };
    Some(problem.to_owned())
}

/// The volume with the fewest access modes besides those asked for, of these the smallest; before
/// them one that was reserved for the claim.
pub(super) fn best<'a>(
    claim: &PersistentVolumeClaim,
    volumes: &'a [PersistentVolume],
    delayed: bool,
) -> Option<&'a PersistentVolume> {
    let suits = |volume: &&PersistentVolume| {
        has_access_modes(volume, claim)
            && !is_too_small(volume, claim)
            && !modes_differ(volume, claim)
            && !attributes_differ(volume, claim)
            && volume.metadata.deletion_timestamp.is_none()
    };
    let mut suiting: Vec<&PersistentVolume> = volumes.iter().filter(suits).collect();
    if let Some(reserved) = suiting.iter().find(|volume| is_bound_to(volume, claim)) {
        return Some(reserved);
    }
    if delayed {
        return None;
    }
    let class = claim_class(claim);
    let wanted = claim.spec.as_ref().and_then(|spec| spec.selector.as_ref());
    suiting.retain(|volume| {
        let claimed = volume
            .spec
            .as_ref()
            .is_some_and(|spec| spec.claim_ref.is_some());
        let phase = volume
            .status
            .as_ref()
            .and_then(|status| status.phase.as_deref());
        !claimed
            && phase == Some("Available")
            && volume_class(volume) == class
            && wanted.is_none_or(|wanted| selector::matches(wanted, &labels_of(*volume)))
    });
    let order = |volume: &&PersistentVolume| (modes(volume).len(), capacity(volume));
    suiting
        .into_iter()
        .min_by(|one, other| order(one).cmp(&order(other)))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn volume(name: &str, size: &str, modes: &[&str], more: Value) -> PersistentVolume {
        let mut volume = json!({"metadata": {"name": name}, "status": {"phase": "Available"},
            "spec": {"capacity": {"storage": size}, "accessModes": modes}});
        for (key, value) in more.as_object().into_iter().flatten() {
            volume["spec"][key] = value.clone();
        }
        serde_json::from_value(volume).unwrap()
    }

    #[test]
    fn the_smallest_that_suits() {
        let claim: PersistentVolumeClaim = serde_json::from_value(json!({
            "metadata": {"name": "c", "namespace": "ns", "uid": "u"},
            "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}})).unwrap();
        let rwo = ["ReadWriteOnce"];
        let mut all = vec![
            volume("small", "500Mi", &rwo, json!({})),
            volume("large", "5Gi", &rwo, json!({})),
            volume("both", "1Gi", &["ReadWriteOnce", "ReadOnlyMany"], json!({})),
            volume("right", "2Gi", &rwo, json!({})),
            volume("classy", "1Gi", &rwo, json!({"storageClassName": "fast"})),
            volume("block", "1Gi", &rwo, json!({"volumeMode": "Block"})),
            volume(
                "taken",
                "1Gi",
                &rwo,
                json!({"claimRef": {"name": "d", "namespace": "ns"}}),
            ),
        ];
        assert_eq!(best(&claim, &all, false).map(meta::name), Some("right"));
        assert_eq!(best(&claim, &all, true), None);
        all.push(volume(
            "mine",
            "9Gi",
            &rwo,
            json!({"claimRef": {"name": "c", "namespace": "ns"}}),
        ));
        assert_eq!(best(&claim, &all, true).map(meta::name), Some("mine"));
        for (name, wanted) in [
            ("small", Some("requested PV is too small")),
            ("classy", Some("storageClassName does not match")),
            ("block", Some("incompatible volumeMode")),
            ("large", None),
        ] {
            let volume = all
                .iter()
                .find(|volume| meta::name(*volume) == name)
                .unwrap();
            assert_eq!(mismatch(volume, &claim).as_deref(), wanted, "{name}");
        }
    }
}

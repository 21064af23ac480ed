//! Volumes, claims to them, and what makes them.

use serde_json::Value;

use super::row::{NONE, Row, UNSET, cells};
use super::text::{canonical, joined};
use crate::sandbox::memory::kinds::workloads::read::{at, text, texts};

/// Where a class stood before there was a field for it; it still comes first.
const CLASS: &str = "volume.beta.kubernetes.io/storage-class";

/// Name, Capacity, Access Modes, Reclaim Policy, Status, Claim, StorageClass, VolumeAttributesClass,
/// Reason, Age, VolumeMode.
pub(super) fn persistent_volume(row: &Row<'_>) -> Vec<Value> {
    let claim = row.given("spec.claimRef");
    let claim = claim.map(|claim| format!("{}/{}", text(claim, "namespace"), text(claim, "name")));
    cells![
        row.name(),
        size(row, "spec.capacity"),
        access_modes(row, "spec.accessModes"),
        row.text("spec.persistentVolumeReclaimPolicy"),
        phase(row),
        claim.unwrap_or_default(),
        class(row),
        row.given_or("spec.volumeAttributesClassName", UNSET),
        row.text("status.reason"),
        row.age(),
        row.given_or("spec.volumeMode", UNSET),
    ]
}

/// Name, Status, Volume, Capacity, Access Modes, StorageClass, VolumeAttributesClass, Age,
/// VolumeMode.
pub(super) fn persistent_volume_claim(row: &Row<'_>) -> Vec<Value> {
    let volume = row.text("spec.volumeName");
    let (capacity, modes) = match volume {
        "" => (String::new(), String::new()),
        _ => (
            size(row, "status.capacity"),
            access_modes(row, "status.accessModes"),
        ),
    };
    cells![
        row.name(),
        phase(row),
        volume,
        capacity,
        modes,
        class(row),
        row.given_or("spec.volumeAttributesClassName", UNSET),
        row.age(),
        row.given_or("spec.volumeMode", UNSET),
    ]
}

fn phase<'a>(row: &Row<'a>) -> &'a str {
    match row.is_deleting() {
        true => "Terminating",
        false => row.text("status.phase"),
    }
}

fn class<'a>(row: &Row<'a>) -> &'a str {
    let class = row.annotation(CLASS);
    class.unwrap_or_else(|| row.text("spec.storageClassName"))
}

fn size(row: &Row<'_>, resources: &str) -> String {
    let size = canonical(&at(row.object, resources)["storage"]);
    size.unwrap_or_else(|| "0".to_owned())
}

/// In short, each once, in an order of their own.
fn access_modes(row: &Row<'_>, path: &str) -> String {
    const SHORT: [(&str, &str); 4] = [
        ("ReadWriteOnce", "RWO"),
        ("ReadOnlyMany", "ROX"),
        ("ReadWriteMany", "RWX"),
        ("ReadWriteOncePod", "RWOP"),
    ];
    let modes = texts(row.object, path);
    let shown = SHORT.iter().filter(|(mode, _)| modes.contains(mode));
    joined(shown.map(|(_, short)| *short))
}

/// Name, Provisioner, ReclaimPolicy, VolumeBindingMode, AllowVolumeExpansion, Age.
pub(super) fn storage_class(row: &Row<'_>) -> Vec<Value> {
    cells![
        row.name_or_default(&[
            "storageclass.kubernetes.io/is-default-class",
            "storageclass.beta.kubernetes.io/is-default-class",
        ]),
        row.text("provisioner"),
        row.given_or("reclaimPolicy", "Delete"),
        row.given_or("volumeBindingMode", "Immediate"),
        row.flag("allowVolumeExpansion"),
        row.age(),
    ]
}

/// Name, Attacher, PV, Node, Attached, Age.
pub(super) fn volume_attachment(row: &Row<'_>) -> Vec<Value> {
    cells![
        row.name(),
        row.text("spec.attacher"),
        row.text("spec.source.persistentVolumeName"),
        row.text("spec.nodeName"),
        row.flag("status.attached"),
        row.age(),
    ]
}

/// Name, AttachRequired, PodInfoOnMount, StorageCapacity, TokenRequests, RequiresRepublish, Modes,
/// Age.
pub(super) fn csi_driver(row: &Row<'_>) -> Vec<Value> {
    let modes = joined(texts(row.object, "spec.volumeLifecycleModes"));
    let tokens = row.items("spec.tokenRequests");
    let audiences = joined(tokens.iter().map(|token| text(token, "audience")));
    let is_attached = row.given("spec.attachRequired").and_then(Value::as_bool);
    cells![
        row.name(),
        is_attached.unwrap_or(true),
        row.flag("spec.podInfoOnMount"),
        row.flag("spec.storageCapacity"),
        if tokens.is_empty() {
            UNSET
        } else {
            audiences.as_str()
        },
        row.flag("spec.requiresRepublish"),
        if modes.is_empty() {
            NONE
        } else {
            modes.as_str()
        },
        row.age(),
    ]
}

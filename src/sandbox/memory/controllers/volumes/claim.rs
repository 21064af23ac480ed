//! A claim: bound to a volume that suits it, or waiting for one.

use k8s_openapi::api::core::v1::{
    ObjectReference, PersistentVolume, PersistentVolumeClaim, PersistentVolumeClaimSpec,
};
use k8s_openapi::api::storage::v1::StorageClass;

use crate::sandbox::memory::status::Status;

use super::super::context::Context;
use super::super::events::Involved;
use super::super::meta;
use super::matching::{best, claim_class, is_bound_to, mismatch};
use super::volume::set_phase;
use super::{BIND_COMPLETED, BOUND_BY_CONTROLLER, CLASS, COMPONENT};

const SELECTED_NODE: &str = "volume.kubernetes.io/selected-node";
const PROVISIONER: &str = "volume.kubernetes.io/storage-provisioner";
const BETA_PROVISIONER: &str = "volume.beta.kubernetes.io/storage-provisioner";
const DEFAULT_CLASS: [&str; 2] = [
    "storageclass.kubernetes.io/is-default-class",
    "storageclass.beta.kubernetes.io/is-default-class",
];

fn has(claim: &PersistentVolumeClaim, annotation: &str) -> bool {
    claim
        .metadata
        .annotations
        .as_ref()
        .is_some_and(|all| all.contains_key(annotation))
}

fn volume_name(claim: &PersistentVolumeClaim) -> &str {
    let spec = claim.spec.as_ref();
    spec.and_then(|spec| spec.volume_name.as_deref())
        .unwrap_or_default()
}

/// Brings a claim further.
pub(super) fn sync(cx: &mut Context<'_>, claim: PersistentVolumeClaim) -> Result<(), Status> {
    match (has(&claim, BIND_COMPLETED), volume_name(&claim).is_empty()) {
        (true, _) => sync_bound(cx, claim),
        (false, true) => find(cx, claim),
        (false, false) => sync_named(cx, claim),
    }
}

/// One that was bound stays so, or has lost its volume.
fn sync_bound(cx: &mut Context<'_>, claim: PersistentVolumeClaim) -> Result<(), Status> {
    let name = volume_name(&claim).to_owned();
    let volume = cx.cluster.typed::<PersistentVolume>("", &name);
    let (reason, message) = match volume {
        _ if name.is_empty() => {
            let message =
                "Bound claim has lost reference to PersistentVolume. Data on the volume is lost!";
            ("ClaimLost", message)
        }
        None => (
            "ClaimLost",
            "Bound claim has lost its PersistentVolume. Data on the volume is lost!",
        ),
        Some(volume) => {
            let reference = volume
                .spec
                .as_ref()
                .and_then(|spec| spec.claim_ref.as_ref());
            let owner = reference.and_then(|reference| reference.uid.as_deref());
            if reference.is_none() || owner == Some(meta::uid(&claim)) {
                return bind(cx, volume, claim);
            }
            let message = "Two claims are bound to the same volume, this one is bound incorrectly";
            ("ClaimMisbound", message)
        }
    };
    let phase = claim
        .status
        .as_ref()
        .and_then(|status| status.phase.as_deref());
    if phase != Some("Lost") {
        let claim = set_status(cx, claim, "Lost", None)?;
        cx.warning(COMPONENT, &Involved::of(&claim), reason, message);
    }
    Ok(())
}

/// One that names a volume.
fn sync_named(cx: &mut Context<'_>, claim: PersistentVolumeClaim) -> Result<(), Status> {
    let about = Involved::of(&claim);
    let Some(volume) = cx
        .cluster
        .typed::<PersistentVolume>("", volume_name(&claim))
    else {
        return set_status(cx, claim, "Pending", None).map(drop);
    };
    let claimed = volume
        .spec
        .as_ref()
        .is_some_and(|spec| spec.claim_ref.is_some());
    let name = meta::name(&volume);
    if !claimed {
        let Some(problem) = mismatch(&volume, &claim) else {
            return bind(cx, volume, claim);
        };
        let message = format!("Cannot bind to requested volume {name:?}: {problem}");
        cx.warning(COMPONENT, &about, "VolumeMismatch", &message);
        return set_status(cx, claim, "Pending", None).map(drop);
    }
    if is_bound_to(&volume, &claim) {
        return bind(cx, volume, claim);
    }
    let message = format!("volume {name:?} already bound to a different claim.");
    cx.warning(COMPONENT, &about, "FailedBinding", &message);
    set_status(cx, claim, "Pending", None).map(drop)
}

/// One that takes any volume that suits it.
fn find(cx: &mut Context<'_>, mut claim: PersistentVolumeClaim) -> Result<(), Status> {
    let about = Involved::of(&claim);
    let class_name = claim_class(&claim);
    let class = cx.cluster.typed::<StorageClass>("", &class_name);
    let waits = class
        .as_ref()
        .and_then(|class| class.volume_binding_mode.as_deref())
        == Some("WaitForFirstConsumer");
    let delayed = waits && !has(&claim, SELECTED_NODE);
    let volumes = cx.cluster.all::<PersistentVolume>(None);
    if let Some(volume) = best(&claim, &volumes, waits) {
        return bind(cx, volume.clone(), claim);
    }
    let without_class = !has(&claim, CLASS)
        && claim
            .spec
            .as_ref()
            .is_none_or(|spec| spec.storage_class_name.is_none());
    if without_class && let Some(default) = default_class(cx) {
        claim.spec.get_or_insert_default().storage_class_name = Some(default);
        return cx.cluster.update_typed("", &claim).map(drop);
    }
    if delayed {
        let message = "waiting for first consumer to be created before binding";
        cx.normal(COMPONENT, &about, "WaitForFirstConsumer", message);
    } else if class_name.is_empty() {
        let message = "no persistent volumes available for this claim and no storage class is set";
        cx.normal(COMPONENT, &about, "FailedBinding", message);
    } else {
        return provision(cx, &about, claim, &class_name, class);
    }
    set_status(cx, claim, "Pending", None).map(drop)
}

/// The youngest of the default classes.
fn default_class(cx: &Context<'_>) -> Option<String> {
    let mut classes = cx.cluster.all::<StorageClass>(None);
    classes.retain(|class| {
        let annotations = class.metadata.annotations.as_ref();
        let says = |name: &&'static str| {
            annotations
                .and_then(|all| all.get(*name))
                .is_some_and(|v| v == "true")
        };
        DEFAULT_CLASS.iter().any(says)
    });
    let created = |class: &StorageClass| class.metadata.creation_timestamp.as_ref().map(|t| t.0);
    classes.sort_by(|one, other| {
        created(other)
            .cmp(&created(one))
            .then_with(|| meta::name(one).cmp(meta::name(other)))
    });
    classes.into_iter().next()?.metadata.name
}

/// Leaves it to an external provisioner, which is told by annotations.
fn provision(
    cx: &mut Context<'_>,
    about: &Involved,
    mut claim: PersistentVolumeClaim,
    class_name: &str,
    class: Option<StorageClass>,
) -> Result<(), Status> {
    let Some(class) = class else {
        let message = format!("storageclass.storage.k8s.io {class_name:?} not found");
        cx.warning(COMPONENT, about, "ProvisioningFailed", &message);
        return Ok(());
    };
    let provisioner = class.provisioner;
    if provisioner.starts_with("kubernetes.io/") {
        let message = format!("no volume plugin matched name: {provisioner}");
        cx.warning(COMPONENT, about, "ProvisioningFailed", &message);
        return Ok(());
    }
    let annotations = claim.metadata.annotations.get_or_insert_default();
    let mut changed = false;
    for annotation in [BETA_PROVISIONER, PROVISIONER] {
        let before = annotations.insert(annotation.to_owned(), provisioner.clone());
        changed |= before.as_ref() != Some(&provisioner);
    }
    if changed {
        cx.cluster.update_typed("", &claim)?;
    }
    let message = format!(
        "Waiting for a volume to be created either by the external provisioner '{provisioner}' or manually by the system administrator. If volume creation is delayed, please verify that the provisioner is running and correctly registered."
    );
    cx.normal(COMPONENT, about, "ExternalProvisioning", &message);
    Ok(())
}

/// Binds both sides, the volume first: whatever comes between can be taken up from there.
fn bind(
    cx: &mut Context<'_>,
    mut volume: PersistentVolume,
    mut claim: PersistentVolumeClaim,
) -> Result<(), Status> {
    let spec = volume.spec.get_or_insert_default();
    let known = spec.claim_ref.as_ref().is_some_and(|reference| {
        reference.uid.as_deref() == Some(meta::uid(&claim))
            && reference.name == claim.metadata.name
            && reference.namespace == claim.metadata.namespace
    });
    if !known {
        let reserved = spec.claim_ref.is_some();
        spec.claim_ref = Some(ObjectReference {
            api_version: Some("v1".to_owned()),
            kind: Some("PersistentVolumeClaim".to_owned()),
            name: claim.metadata.name.clone(),
            namespace: claim.metadata.namespace.clone(),
            uid: claim.metadata.uid.clone(),
            resource_version: claim.metadata.resource_version.clone(),
            field_path: None,
        });
        if !reserved {
            let annotations = volume.metadata.annotations.get_or_insert_default();
            annotations.insert(BOUND_BY_CONTROLLER.to_owned(), "yes".to_owned());
        }
        volume = cx.cluster.update_typed("", &volume)?;
    }
    volume = set_phase(cx, volume, "Bound")?;
    let chosen = volume_name(&claim) != meta::name(&volume);
    if chosen || !has(&claim, BIND_COMPLETED) {
        let annotations = claim.metadata.annotations.get_or_insert_default();
        annotations.insert(BIND_COMPLETED.to_owned(), "yes".to_owned());
        if chosen {
            annotations.insert(BOUND_BY_CONTROLLER.to_owned(), "yes".to_owned());
            let spec: &mut PersistentVolumeClaimSpec = claim.spec.get_or_insert_default();
            spec.volume_name.clone_from(&volume.metadata.name);
        }
        claim = cx.cluster.update_typed("", &claim)?;
    }
    set_status(cx, claim, "Bound", Some(&volume)).map(drop)
}

fn set_status(
    cx: &mut Context<'_>,
    mut claim: PersistentVolumeClaim,
    phase: &str,
    volume: Option<&PersistentVolume>,
) -> Result<PersistentVolumeClaim, Status> {
    let before = claim.status.clone();
    let status = claim.status.get_or_insert_default();
    let spec = volume.and_then(|volume| volume.spec.as_ref());
    status.access_modes = spec.and_then(|spec| spec.access_modes.clone());
    match spec {
        None => {
            status.capacity = None;
            status.current_volume_attributes_class_name = None;
        }
        // Later it is for whoever resizes the volume to say.
        Some(spec) if status.phase.as_deref() != Some(phase) => {
            status.capacity.clone_from(&spec.capacity);
            status
                .current_volume_attributes_class_name
                .clone_from(&spec.volume_attributes_class_name);
        }
        Some(_) => {}
    }
    status.phase = Some(phase.to_owned());
    if claim.status == before {
        Ok(claim)
    } else {
        cx.cluster.update_typed("status", &claim)
    }
}

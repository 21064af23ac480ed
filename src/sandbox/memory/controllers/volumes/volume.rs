//! A volume: available, bound, or left behind by its claim.

use k8s_openapi::api::core::v1::{PersistentVolume, PersistentVolumeClaim};

use crate::sandbox::memory::status::Status;

use super::super::context::Context;
use super::super::events::Involved;
use super::super::meta;
use super::matching::modes_differ;
use super::{BOUND_BY_CONTROLLER, COMPONENT};

const PROVISIONED_BY: &str = "pv.kubernetes.io/provisioned-by";

/// Brings a volume further.
pub(super) fn sync(cx: &mut Context<'_>, volume: PersistentVolume) -> Result<(), Status> {
    let reference = volume.spec.as_ref().and_then(|spec| spec.claim_ref.clone());
    let Some((reference, uid)) =
        reference.and_then(|r| Some((r.clone(), r.uid.filter(|u| !u.is_empty())?)))
    else {
        return set_phase(cx, volume, "Available").map(drop);
    };
    let namespace = reference.namespace.as_deref().unwrap_or_default();
    let name = reference.name.as_deref().unwrap_or_default();
    let claim = cx.cluster.typed::<PersistentVolumeClaim>(namespace, name);
    let Some(claim) = claim.filter(|claim| meta::uid(claim) == uid) else {
        return release(cx, volume);
    };
    let bound_to = claim
        .spec
        .as_ref()
        .and_then(|spec| spec.volume_name.as_deref());
    match bound_to.unwrap_or_default() {
        "" => {
            if modes_differ(&volume, &claim) {
                let (claim_name, volume_name) = (meta::name(&claim), meta::name(&volume));
                let message = format!(
                    "Cannot bind PersistentVolume to requested PersistentVolumeClaim {claim_name:?} due to incompatible volumeMode."
                );
                cx.warning(
                    COMPONENT,
                    &Involved::of(&volume),
                    "VolumeMismatch",
                    &message,
                );
                let message = format!(
                    "Cannot bind PersistentVolume {volume_name:?} to requested PersistentVolumeClaim due to incompatible volumeMode."
                );
                cx.warning(COMPONENT, &Involved::of(&claim), "VolumeMismatch", &message);
            }
            Ok(())
        }
        name if name == meta::name(&volume) => set_phase(cx, volume, "Bound").map(drop),
        _ => unbind(cx, volume),
    }
}

/// Writes the phase, if it is another.
pub(super) fn set_phase(
    cx: &mut Context<'_>,
    mut volume: PersistentVolume,
    phase: &str,
) -> Result<PersistentVolume, Status> {
    let status = volume.status.get_or_insert_default();
    if status.phase.as_deref() == Some(phase) {
        return Ok(volume);
    }
    status.phase = Some(phase.to_owned());
    status.message = None;
    cx.cluster.update_typed("status", &volume)
}

/// Its claim is gone.
fn release(cx: &mut Context<'_>, mut volume: PersistentVolume) -> Result<(), Status> {
    let phase = volume
        .status
        .as_ref()
        .and_then(|status| status.phase.clone());
    if !matches!(phase.as_deref(), Some("Released" | "Failed")) {
        volume = set_phase(cx, volume, "Released")?;
    }
    let spec = volume.spec.clone().unwrap_or_default();
    let policy = spec.persistent_volume_reclaim_policy.unwrap_or_default();
    let annotations = volume.metadata.annotations.as_ref();
    let external = spec.csi.is_some()
        || annotations
            .and_then(|all| all.get(PROVISIONED_BY))
            .is_some_and(|by| !by.starts_with("kubernetes.io/"));
    let failed = match policy.as_str() {
        "Recycle" => Some((
            "VolumeFailedRecycle",
            "No recycler plugin found for the volume!".to_owned(),
        )),
        "Delete" if !external => {
            let name = meta::name(&volume);
            let message = format!(
                "error getting deleter volume plugin for volume {name:?}: no deletable volume plugin matched"
            );
            Some(("VolumeFailedDelete", message))
        }
        _ => None,
    };
    let Some((reason, message)) = failed else {
        return Ok(());
    };
    let status = volume.status.get_or_insert_default();
    if status.phase.as_deref() == Some("Failed") {
        return Ok(());
    }
    status.phase = Some("Failed".to_owned());
    status.message = Some(message.clone());
    let volume = cx.cluster.update_typed("status", &volume)?;
    cx.warning(COMPONENT, &Involved::of(&volume), reason, &message);
    Ok(())
}

/// Its claim has another volume.
fn unbind(cx: &mut Context<'_>, mut volume: PersistentVolume) -> Result<(), Status> {
    let annotations = volume.metadata.annotations.as_mut();
    let by_controller = annotations.is_some_and(|all| all.remove(BOUND_BY_CONTROLLER).is_some());
    let spec = volume.spec.get_or_insert_default();
    if by_controller {
        spec.claim_ref = None;
    } else if let Some(reference) = &mut spec.claim_ref {
        reference.uid = None;
    }
    let volume = cx.cluster.update_typed("", &volume)?;
    set_phase(cx, volume, "Available").map(drop)
}

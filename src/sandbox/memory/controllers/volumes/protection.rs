//! Claims that pods use, and volumes that are bound, are not let go
//! (`pkg/controller/volume/pvcprotection`, `pvprotection`).

use std::collections::BTreeSet;

use k8s_openapi::api::core::v1::{PersistentVolume, PersistentVolumeClaim, Pod};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use crate::sandbox::memory::status::Status;

use super::super::context::{Again, Context, Controller, Name, unless_gone};
use super::super::index::{Index, Kind, Seen};
use super::super::meta;
use super::super::pods;

const CLAIM_FINALIZER: &str = "kubernetes.io/pvc-protection";
const VOLUME_FINALIZER: &str = "kubernetes.io/pv-protection";

/// Adds the finalizer to what is not deleted, or takes it from what is and is not used. Answers
/// whether that changed anything.
fn protect(meta: &mut ObjectMeta, finalizer: &str, is_used: impl FnOnce() -> bool) -> bool {
    let deleted = meta.deletion_timestamp.is_some();
    let finalizers = meta.finalizers.get_or_insert_default();
    let has = finalizers.iter().any(|known| known == finalizer);
    match (deleted, has) {
        (false, false) => finalizers.push(finalizer.to_owned()),
        (true, true) if !is_used() => finalizers.retain(|known| known != finalizer),
        _ => return false,
    }
    true
}

/// The controller of the finalizer of claims.
#[derive(Debug, Default)]
pub(in super::super) struct ClaimProtection {
    /// Claims that are marked for deletion
    deleted: BTreeSet<Name>,
}

impl Controller for ClaimProtection {
    fn due(&mut self, seen: &Seen<'_>, _index: &Index, due: &mut dyn FnMut(Name)) {
        let namespace = seen.namespace();
        match seen.kind {
            Kind::PersistentVolumeClaim => {
                let name = Name::new(namespace, seen.name());
                if seen.gone() {
                    self.deleted.remove(&name);
                    return;
                }
                if seen.after.deleted {
                    self.deleted.insert(name.clone());
                }
                due(name);
            }
            Kind::Pod if !self.deleted.is_empty() => {
                let volumes = seen.change.object["spec"]["volumes"].as_array();
                for volume in volumes.into_iter().flatten() {
                    let claim = volume["persistentVolumeClaim"]["claimName"].as_str();
                    let generated = volume["ephemeral"].is_object().then(|| {
                        format!(
                            "{}-{}",
                            seen.name(),
                            volume["name"].as_str().unwrap_or_default()
                        )
                    });
                    for claim in claim.map(str::to_owned).into_iter().chain(generated) {
                        let name = Name::new(namespace, &claim);
                        if self.deleted.contains(&name) {
                            due(name);
                        }
                    }
                }
            }
            _ => {}
        }
    }

    fn reconcile(&mut self, cx: &mut Context<'_>, name: &Name) -> Result<Again, Status> {
        let claim = cx
            .cluster
            .typed::<PersistentVolumeClaim>(&name.namespace, &name.name);
        let Some(mut claim) = claim else {
            return Ok(None);
        };
        let is_used = || {
            let pods = cx.cluster.all::<Pod>(Some(&name.namespace));
            pods.iter().any(|pod| uses(pod, &name.name))
        };
        if protect(&mut claim.metadata, CLAIM_FINALIZER, is_used) {
            unless_gone(cx.cluster.update_typed("", &claim))?;
        }
        Ok(None)
    }
}

/// Whether a pod on a node has that claim.
fn uses(pod: &Pod, claim: &str) -> bool {
    let shut_down = pods::is_deleted(pod) && pod.metadata.deletion_grace_period_seconds == Some(0);
    let volumes = pod
        .spec
        .iter()
        .flat_map(|spec| spec.volumes.iter().flatten());
    !pods::node(pod).is_empty()
        && volumes.into_iter().any(|volume| {
            let named = volume.persistent_volume_claim.as_ref();
            let generated = volume.ephemeral.is_some()
                && !shut_down
                && claim == format!("{}-{}", meta::name(pod), volume.name);
            named.is_some_and(|named| named.claim_name == claim) || generated
        })
}

/// The controller of the finalizer of volumes.
pub(in super::super) struct VolumeProtection;

impl Controller for VolumeProtection {
    fn due(&mut self, seen: &Seen<'_>, _index: &Index, due: &mut dyn FnMut(Name)) {
        if seen.kind == Kind::PersistentVolume && !seen.gone() {
            due(Name::new("", seen.name()));
        }
    }

    fn reconcile(&mut self, cx: &mut Context<'_>, name: &Name) -> Result<Again, Status> {
        let Some(mut volume) = cx.cluster.typed::<PersistentVolume>("", &name.name) else {
            return Ok(None);
        };
        let phase = volume
            .status
            .as_ref()
            .and_then(|status| status.phase.clone());
        if protect(&mut volume.metadata, VOLUME_FINALIZER, || {
            phase.as_deref() == Some("Bound")
        }) {
            unless_gone(cx.cluster.update_typed("", &volume))?;
        }
        Ok(None)
    }
}

//! PersistentVolumes and their claims, as far as nobody makes volumes: what exists is bound, and
//! what is in use is not let go (`pkg/controller/volume`).
//!
//! No volume plugin is built in, so nothing is provisioned, deleted or recycled; external
//! provisioners are told as usual. A claim that waits is not looked at every 15 seconds but when
//! something changes that may help it.

mod claim;
mod matching;
mod protection;
mod volume;

use std::collections::BTreeSet;

use k8s_openapi::api::core::v1::{PersistentVolume, PersistentVolumeClaim};

use crate::sandbox::memory::status::Status;

use super::context::{Again, Context, Controller, Name};
use super::index::{Index, Kind, Seen};

pub(super) use protection::{ClaimProtection, VolumeProtection};

const COMPONENT: &str = "persistentvolume-controller";
const BIND_COMPLETED: &str = "pv.kubernetes.io/bind-completed";
const BOUND_BY_CONTROLLER: &str = "pv.kubernetes.io/bound-by-controller";
const CLASS: &str = "volume.beta.kubernetes.io/storage-class";

/// The controller that binds claims to volumes.
#[derive(Debug, Default)]
pub(super) struct Binder {
    /// Claims that may be helped by a new volume or class
    unbound: BTreeSet<Name>,
}

impl Controller for Binder {
    fn due(&mut self, seen: &Seen<'_>, _index: &Index, due: &mut dyn FnMut(Name)) {
        let object = &*seen.change.object;
        match seen.kind {
            Kind::PersistentVolumeClaim => {
                let name = Name::new(seen.namespace(), seen.name());
                let bound = object["status"]["phase"] == "Bound";
                if seen.gone() || bound {
                    self.unbound.remove(&name);
                } else {
                    self.unbound.insert(name.clone());
                }
                if !seen.gone() {
                    due(name);
                }
                if let Some(volume) = object["spec"]["volumeName"].as_str() {
                    due(Name::new("", volume));
                }
            }
            Kind::PersistentVolume => {
                if !seen.gone() {
                    due(Name::new("", seen.name()));
                }
                let claim = &object["spec"]["claimRef"];
                if let (Some(namespace), Some(name)) =
                    (claim["namespace"].as_str(), claim["name"].as_str())
                {
                    due(Name::new(namespace, name));
                }
                if !seen.gone() && object["status"]["phase"] == "Available" {
                    self.unbound.iter().for_each(|name| due(name.clone()));
                }
            }
            Kind::StorageClass if !seen.gone() => {
                self.unbound.iter().for_each(|name| due(name.clone()));
            }
            _ => {}
        }
    }

    fn reconcile(&mut self, cx: &mut Context<'_>, name: &Name) -> Result<Again, Status> {
        if name.namespace.is_empty() {
            if let Some(volume) = cx.cluster.typed::<PersistentVolume>("", &name.name) {
                volume::sync(cx, volume)?;
            }
        } else if let Some(claim) = cx
            .cluster
            .typed::<PersistentVolumeClaim>(&name.namespace, &name.name)
        {
            claim::sync(cx, claim)?;
        }
        Ok(None)
    }
}

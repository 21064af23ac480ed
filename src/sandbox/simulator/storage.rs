//! Storage that exists only in the API: a default StorageClass, and volumes for the claims of it.
//!
//! Does what an external provisioner does: a claim that kube-controller-manager leaves to it gets a
//! volume of its size, bound by the controller, which grows with its claim, and goes with it. Nothing
//! is behind them.

use std::time::Duration;

use k8s_openapi::api::core::v1::{
    CSIPersistentVolumeSource, ObjectReference, PersistentVolume, PersistentVolumeClaim,
    PersistentVolumeSpec,
};
use k8s_openapi::api::storage::v1::StorageClass;
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::api::{DeleteParams, Patch, PatchParams, PostParams, Preconditions};
use kube::{Api, Client};
use serde_json::json;
use tokio::time::sleep;

use super::quantity;

/// The StorageClass that claims get that name none.
const CLASS: &str = "standard";
const IS_DEFAULT: &str = "storageclass.kubernetes.io/is-default-class";
/// Who makes its volumes.
const PROVISIONER: &str = "appop/simulated";
/// Of a claim, who is to make its volume.
const LEFT_TO: &str = "volume.kubernetes.io/storage-provisioner";
/// Of a volume, who made it.
const MADE_BY: &str = "pv.kubernetes.io/provisioned-by";
/// How often a request is sent that the server cannot answer, and how long it rests in between.
const TRIES: usize = 10;
const REST: Duration = Duration::from_secs(1);

/// Creates the default StorageClass, unless there is one of its name.
///
/// Errors: the server's.
pub(super) async fn register(client: &Client) -> kube::Result<()> {
    let class = StorageClass {
        metadata: ObjectMeta {
            name: Some(CLASS.to_owned()),
            annotations: Some([(IS_DEFAULT.to_owned(), "true".to_owned())].into()),
            ..ObjectMeta::default()
        },
        provisioner: PROVISIONER.to_owned(),
        allow_volume_expansion: Some(true),
        ..StorageClass::default()
    };
    let classes: Api<StorageClass> = Api::all(client.clone());
    match classes.create(&PostParams::default(), &class).await {
        Err(kube::Error::Api(status)) if status.is_already_exists() => Ok(()),
        made => made.map(drop),
    }
}

/// What is to be done for storage.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Deed {
    Make(Box<PersistentVolume>),
    /// The volume of that name and uid
    Remove(String, Option<String>),
    /// A volume, and then its claim: namespace and name
    Grow {
        volume: String,
        claim: (String, String),
        size: Quantity,
    },
}

/// What a claim wants, if it is for us to do.
pub(super) fn for_claim(claim: &PersistentVolumeClaim) -> Option<Deed> {
    let meta = &claim.metadata;
    let spec = claim.spec.as_ref()?;
    let ours = meta.annotations.as_ref()?.get(LEFT_TO)? == PROVISIONER;
    let has_volume = spec
        .volume_name
        .as_deref()
        .is_some_and(|name| !name.is_empty());
    if !ours || meta.deletion_timestamp.is_some() {
        return None;
    }
    let uid = meta.uid.as_deref()?;
    let requests = spec.resources.as_ref()?.requests.as_ref()?;
    if has_volume {
        let status = claim.status.as_ref()?;
        let has = status.capacity.as_ref()?.get("storage")?;
        let size = requests.get("storage")?;
        return (quantity::milli(size) > quantity::milli(has)).then(|| Deed::Grow {
            volume: spec.volume_name.clone().unwrap_or_default(),
            claim: (
                meta.namespace.clone().unwrap_or_default(),
                meta.name.clone().unwrap_or_default(),
            ),
            size: size.clone(),
        });
    }
    let volume = PersistentVolume {
        metadata: ObjectMeta {
            name: Some(format!("pvc-{uid}")),
            annotations: Some([(MADE_BY.to_owned(), PROVISIONER.to_owned())].into()),
            ..ObjectMeta::default()
        },
        spec: Some(PersistentVolumeSpec {
            access_modes: spec.access_modes.clone(),
            capacity: Some([("storage".to_owned(), requests.get("storage")?.clone())].into()),
            claim_ref: Some(ObjectReference {
                api_version: Some("v1".to_owned()),
                kind: Some("PersistentVolumeClaim".to_owned()),
                namespace: meta.namespace.clone(),
                name: meta.name.clone(),
                uid: meta.uid.clone(),
                resource_version: meta.resource_version.clone(),
                field_path: None,
            }),
            csi: Some(CSIPersistentVolumeSource {
                driver: "simulated.appop".to_owned(),
                volume_handle: uid.to_owned(),
                ..CSIPersistentVolumeSource::default()
            }),
            persistent_volume_reclaim_policy: Some("Delete".to_owned()),
            storage_class_name: spec.storage_class_name.clone(),
            volume_mode: spec.volume_mode.clone(),
            ..PersistentVolumeSpec::default()
        }),
        status: None,
    };
    Some(Deed::Make(Box::new(volume)))
}

/// What a volume wants, if it is one of ours.
pub(super) fn for_volume(volume: &PersistentVolume) -> Option<Deed> {
    let meta = &volume.metadata;
    let ours = meta.annotations.as_ref()?.get(MADE_BY)? == PROVISIONER;
    let policy = volume
        .spec
        .as_ref()?
        .persistent_volume_reclaim_policy
        .as_deref();
    let phase = volume.status.as_ref()?.phase.as_deref();
    let goes = ours && policy == Some("Delete") && phase == Some("Released");
    if !goes || meta.deletion_timestamp.is_some() {
        return None;
    }
    Some(Deed::Remove(meta.name.clone()?, meta.uid.clone()))
}

/// Does it, as often as the server has to be asked.
pub(super) async fn act(client: Client, deed: Deed) {
    let volumes: Api<PersistentVolume> = Api::all(client.clone());
    for _ in 0..TRIES {
        let done = match &deed {
            Deed::Make(volume) => volumes
                .create(&PostParams::default(), volume)
                .await
                .map(drop),
            Deed::Remove(name, uid) => {
                let parameters = DeleteParams {
                    preconditions: Some(Preconditions {
                        uid: uid.clone(),
                        ..Preconditions::default()
                    }),
                    ..DeleteParams::default()
                };
                volumes.delete(name, &parameters).await.map(drop)
            }
            Deed::Grow {
                volume,
                claim,
                size,
            } => grow(&client, volume, claim, size).await,
        };
        match done {
            Ok(()) => return,
            // It is there already, or gone.
            Err(kube::Error::Api(status)) if status.code != 429 && status.code < 500 => return,
            Err(problem) => tracing::debug!(%problem, "the simulator could not see to a volume"),
        }
        sleep(REST).await;
    }
}

/// As a resizer and a kubelet do: first what there is, then what is said of it.
async fn grow(
    client: &Client,
    volume: &str,
    (namespace, claim): &(String, String),
    size: &Quantity,
) -> kube::Result<()> {
    let parameters = PatchParams::default();
    let capacity = json!({"capacity": {"storage": size}});
    let volumes: Api<PersistentVolume> = Api::all(client.clone());
    let patch = json!({ "spec": capacity });
    volumes
        .patch(volume, &parameters, &Patch::Merge(&patch))
        .await?;
    let claims: Api<PersistentVolumeClaim> = Api::namespaced(client.clone(), namespace);
    let patch = json!({ "status": capacity });
    claims
        .patch_status(claim, &parameters, &Patch::Merge(&patch))
        .await
        .map(drop)
}

#[cfg(test)]
mod tests {
    use k8s_openapi::api::core::v1::{
        PersistentVolumeClaimSpec, PersistentVolumeStatus, VolumeResourceRequirements,
    };

    use super::super::testing;
    use super::*;

    fn claim(provisioner: &str) -> PersistentVolumeClaim {
        PersistentVolumeClaim {
            metadata: ObjectMeta {
                name: Some("data".to_owned()),
                namespace: Some("ns".to_owned()),
                uid: Some("uid-1".to_owned()),
                annotations: Some([(LEFT_TO.to_owned(), provisioner.to_owned())].into()),
                ..ObjectMeta::default()
            },
            spec: Some(PersistentVolumeClaimSpec {
                storage_class_name: Some(CLASS.to_owned()),
                resources: Some(VolumeResourceRequirements {
                    requests: Some([("storage".to_owned(), testing::quantity("1Gi"))].into()),
                    ..VolumeResourceRequirements::default()
                }),
                ..PersistentVolumeClaimSpec::default()
            }),
            ..PersistentVolumeClaim::default()
        }
    }

    #[test]
    fn a_claim_gets_a_volume_and_takes_it_along() {
        let Some(Deed::Make(mut volume)) = for_claim(&claim(PROVISIONER)) else {
            panic!("no volume is made");
        };
        assert_eq!(volume.metadata.name.as_deref(), Some("pvc-uid-1"));
        assert_eq!(for_volume(&volume), None);
        volume.status = Some(PersistentVolumeStatus {
            phase: Some("Released".to_owned()),
            ..PersistentVolumeStatus::default()
        });
        let remove = Deed::Remove("pvc-uid-1".to_owned(), None);
        assert_eq!(for_volume(&volume), Some(remove));
    }

    #[test]
    fn a_claim_that_wants_more_than_it_has_grows() {
        let mut claim = claim(PROVISIONER);
        claim.spec.as_mut().unwrap().volume_name = Some("pv".to_owned());
        let mut has = |size: &str| {
            let capacity = [("storage".to_owned(), testing::quantity(size))];
            let status = claim.status.get_or_insert_default();
            status.capacity = Some(capacity.into());
            for_claim(&claim)
        };
        assert_eq!(has("1024Mi"), None);
        let Some(Deed::Grow { volume, size, .. }) = has("512Mi") else {
            panic!("it does not grow");
        };
        assert_eq!((volume.as_str(), size.0.as_str()), ("pv", "1Gi"));
    }

    #[test]
    fn what_is_bound_or_left_to_others_is_left() {
        assert_eq!(for_claim(&claim("other/provisioner")), None);
        let mut bound = claim(PROVISIONER);
        bound.spec.as_mut().unwrap().volume_name = Some("pv".to_owned());
        assert_eq!(for_claim(&bound), None);
    }
}

//! What tells the pods of a StatefulSet apart: ordinals, names, labels, claims.

use k8s_openapi::api::apps::v1::{StatefulSet, StatefulSetSpec};
use k8s_openapi::api::core::v1::{
    PersistentVolumeClaim, PersistentVolumeClaimVolumeSource, Pod, Volume,
};

use super::super::ownership::Owner;
use super::super::{meta, pods};
use super::decide::Template;

const POD_NAME: &str = "statefulset.kubernetes.io/pod-name";
const POD_INDEX: &str = "apps.kubernetes.io/pod-index";
pub(super) const REVISION: &str = "controller-revision-hash";

fn split(pod: &Pod) -> Option<(&str, i32)> {
    let (parent, ordinal) = meta::name(pod).rsplit_once('-')?;
    let digits = !ordinal.is_empty() && ordinal.bytes().all(|byte| byte.is_ascii_digit());
    Some((parent, ordinal.parse().ok().filter(|_| digits)?))
}

/// The name of the set that a pod's name begins with.
pub(super) fn parent(pod: &Pod) -> Option<&str> {
    split(pod).map(|(parent, _)| parent)
}

/// A pod's place.
pub(super) fn ordinal(pod: &Pod) -> Option<i32> {
    split(pod).map(|(_, ordinal)| ordinal)
}

/// The first place.
pub(super) fn start(spec: &StatefulSetSpec) -> i32 {
    spec.ordinals
        .as_ref()
        .and_then(|ordinals| ordinals.start)
        .unwrap_or_default()
}

/// The places that are to be taken.
pub(super) fn range(spec: &StatefulSetSpec) -> std::ops::Range<i32> {
    let start = start(spec);
    start..start.saturating_add(spec.replicas.unwrap_or(1))
}

/// The revision that a pod was made of.
pub(super) fn revision(pod: &Pod) -> &str {
    let labels = pod.metadata.labels.as_ref();
    labels
        .and_then(|labels| labels.get(REVISION))
        .map_or("", String::as_str)
}

/// The name of a pod's claim.
pub(super) fn claim_name(
    set: &StatefulSet,
    template: &PersistentVolumeClaim,
    ordinal: i32,
) -> String {
    format!("{}-{}-{ordinal}", meta::name(template), meta::name(set))
}

/// The claims of the pod in that place.
pub(super) fn claims(
    set: &StatefulSet,
    spec: &StatefulSetSpec,
    ordinal: i32,
) -> Vec<PersistentVolumeClaim> {
    let templates = spec.volume_claim_templates.iter().flatten();
    let claim = |template: &PersistentVolumeClaim| {
        let mut claim = template.clone();
        claim.metadata.name = Some(claim_name(set, template, ordinal));
        claim.metadata.namespace = set.metadata.namespace.clone();
        let labels = claim.metadata.labels.get_or_insert_default();
        labels.extend(spec.selector.match_labels.clone().unwrap_or_default());
        if labels.is_empty() {
            claim.metadata.labels = None;
        }
        claim.status = None;
        claim
    };
    templates.map(claim).collect()
}

/// A pod for that place.
pub(super) fn new_pod(
    set: &StatefulSet,
    spec: &StatefulSetSpec,
    of: &Template,
    ordinal: i32,
) -> Pod {
    let owner = Owner::of(set);
    let set_name = meta::name(set);
    let mut pod = pods::from_template(&of.template, set_name, &owner.namespace, owner.reference);
    pod.metadata.generate_name = None;
    pod.metadata.name = Some(format!("{set_name}-{ordinal}"));
    update_identity(&mut pod, ordinal);
    let own = pod.spec.get_or_insert_default();
    own.hostname = pod.metadata.name.clone();
    own.subdomain = spec.service_name.clone().filter(|name| !name.is_empty());
    update_storage(set, spec, &mut pod, ordinal);
    let labels = pod.metadata.labels.get_or_insert_default();
    labels.insert(REVISION.to_owned(), of.revision.clone());
    pod
}

/// Gives a pod the labels of its place.
pub(super) fn update_identity(pod: &mut Pod, ordinal: i32) {
    let name = pod.metadata.name.clone().unwrap_or_default();
    let labels = pod.metadata.labels.get_or_insert_default();
    labels.insert(POD_NAME.to_owned(), name);
    labels.insert(POD_INDEX.to_owned(), ordinal.to_string());
}

/// Whether a pod has the label of its name.
pub(super) fn has_identity(pod: &Pod) -> bool {
    let labels = pod.metadata.labels.as_ref();
    labels
        .and_then(|labels| labels.get(POD_NAME))
        .map(String::as_str)
        == Some(meta::name(pod))
}

/// Gives a pod the volumes of its claims.
pub(super) fn update_storage(
    set: &StatefulSet,
    spec: &StatefulSetSpec,
    pod: &mut Pod,
    ordinal: i32,
) {
    let templates = spec.volume_claim_templates.as_deref().unwrap_or_default();
    if templates.is_empty() {
        return;
    }
    let of_claim = |template: &PersistentVolumeClaim| Volume {
        name: meta::name(template).to_owned(),
        persistent_volume_claim: Some(PersistentVolumeClaimVolumeSource {
            claim_name: claim_name(set, template, ordinal),
            read_only: None,
        }),
        ..Volume::default()
    };
    let mut volumes: Vec<Volume> = templates.iter().map(of_claim).collect();
    let own = pod.spec.get_or_insert_default();
    let others = own.volumes.take().unwrap_or_default();
    let is_other = |volume: &Volume| templates.iter().all(|t| meta::name(t) != volume.name);
    volumes.extend(others.into_iter().filter(is_other));
    own.volumes = Some(volumes);
}

/// Whether a pod has the volumes of its claims.
pub(super) fn has_storage(
    set: &StatefulSet,
    spec: &StatefulSetSpec,
    pod: &Pod,
    ordinal: i32,
) -> bool {
    let volumes = pod
        .spec
        .as_ref()
        .and_then(|spec| spec.volumes.as_deref())
        .unwrap_or_default();
    spec.volume_claim_templates
        .iter()
        .flatten()
        .all(|template| {
            let volume = volumes
                .iter()
                .find(|volume| volume.name == meta::name(template));
            let claim = volume.and_then(|volume| volume.persistent_volume_claim.as_ref());
            claim.is_some_and(|claim| claim.claim_name == claim_name(set, template, ordinal))
        })
}

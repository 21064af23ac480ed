//! The claims of a StatefulSet's pods, and who owns them: nobody, or the set, or a pod that has lost
//! its place, so that they go when the retention policy says so.

use std::collections::HashMap;

use k8s_openapi::api::apps::v1::{StatefulSet, StatefulSetSpec};
use k8s_openapi::api::core::v1::{PersistentVolumeClaim, Pod};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference;

use crate::sandbox::memory::status::Status;

use super::super::context::Context;
use super::super::events::Involved;
use super::super::meta;
use super::super::ownership::Owner;
use super::COMPONENT;
use super::identity::{self, claim_name, ordinal, range};

type Claims = HashMap<String, PersistentVolumeClaim>;

/// When claims are deleted.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Policy {
    with_set: bool,
    with_pod: bool,
}

fn policy(spec: &StatefulSetSpec) -> Policy {
    let policy = spec.persistent_volume_claim_retention_policy.as_ref();
    let deletes = |when: Option<&String>| when.is_some_and(|when| when == "Delete");
    Policy {
        with_set: deletes(policy.and_then(|policy| policy.when_deleted.as_ref())),
        with_pod: deletes(policy.and_then(|policy| policy.when_scaled.as_ref())),
    }
}

fn is_reference(reference: &OwnerReference, to: &OwnerReference) -> bool {
    reference.api_version == to.api_version
        && reference.kind == to.kind
        && reference.name == to.name
}

/// The set and the pod, as references of a claim to them would be.
struct Pair {
    set: OwnerReference,
    pod: OwnerReference,
    /// Whether the pod has no place any more
    scaled_down: bool,
    policy: Policy,
}

impl Pair {
    fn of(set: &StatefulSet, spec: &StatefulSetSpec, pod: &Pod, place: i32) -> Self {
        Pair {
            set: Owner::of(set).reference,
            pod: Owner::of(pod).reference,
            scaled_down: !range(spec).contains(&place),
            policy: policy(spec),
        }
    }

    fn owners(claim: &PersistentVolumeClaim) -> &[OwnerReference] {
        claim
            .metadata
            .owner_references
            .as_deref()
            .unwrap_or_default()
    }

    fn has(claim: &PersistentVolumeClaim, owner: &OwnerReference) -> bool {
        Pair::owners(claim)
            .iter()
            .any(|known| known.uid == owner.uid)
    }

    /// Whether the claim still belongs to an earlier object of that name.
    fn has_stale(claim: &PersistentVolumeClaim, owner: &OwnerReference) -> bool {
        let known = Pair::owners(claim)
            .iter()
            .find(|known| is_reference(known, owner));
        known.is_some_and(|known| known.uid != owner.uid)
    }

    /// Whether somebody else controls the claim.
    fn is_strangers(&self, claim: &PersistentVolumeClaim) -> bool {
        if self.policy
            == (Policy {
                with_set: false,
                with_pod: false,
            })
        {
            return false;
        }
        Pair::owners(claim).iter().any(|known| {
            match [&self.set, &self.pod]
                .into_iter()
                .find(|own| is_reference(known, own))
            {
                Some(own) => known.uid != own.uid,
                None => known.controller == Some(true),
            }
        })
    }

    /// Whether the set, and the pod, should own claims.
    fn wanted(&self) -> (bool, bool) {
        let Policy { with_set, with_pod } = self.policy;
        let of_pod = with_pod && self.scaled_down;
        (with_set && !of_pod, of_pod)
    }

    fn is_current(&self, claim: &PersistentVolumeClaim) -> bool {
        let (of_set, of_pod) = (Pair::has(claim, &self.set), Pair::has(claim, &self.pod));
        if Pair::has_stale(claim, &self.set) || Pair::has_stale(claim, &self.pod) {
            return true;
        }
        if self.is_strangers(claim) {
            return !of_set && !of_pod;
        }
        let uncontrolled = Pair::owners(claim).iter().any(|known| {
            [&self.set.uid, &self.pod.uid].contains(&&known.uid) && known.controller != Some(true)
        });
        !uncontrolled && (of_set, of_pod) == self.wanted()
    }

    fn set_owners(&self, claim: &mut PersistentVolumeClaim) {
        let strangers = self.is_strangers(claim);
        let owners = claim.metadata.owner_references.get_or_insert_default();
        owners.retain(|known| !is_reference(known, &self.set) && !is_reference(known, &self.pod));
        if !strangers {
            let (of_set, of_pod) = self.wanted();
            owners.extend(of_set.then(|| self.set.clone()));
            owners.extend(of_pod.then(|| self.pod.clone()));
        }
    }
}

/// Whether all claims of a pod have the owners that they should have.
pub(super) fn are_current(
    set: &StatefulSet,
    spec: &StatefulSetSpec,
    pod: &Pod,
    place: i32,
    claims: &Claims,
) -> bool {
    let pair = Pair::of(set, spec, pod, place);
    let templates = spec.volume_claim_templates.iter().flatten();
    let mut claims = templates.filter_map(|template| claims.get(&claim_name(set, template, place)));
    claims.all(|claim| pair.is_current(claim))
}

/// Whether a claim is about to go with an earlier pod of that name.
pub(super) fn is_stale(
    set: &StatefulSet,
    spec: &StatefulSetSpec,
    pod: &Pod,
    place: i32,
    claims: &Claims,
) -> bool {
    if !policy(spec).with_pod {
        return false;
    }
    let pair = Pair::of(set, spec, pod, place);
    let templates = spec.volume_claim_templates.iter().flatten();
    let mut claims = templates.filter_map(|template| claims.get(&claim_name(set, template, place)));
    claims.any(|claim| Pair::has_stale(claim, &pair.pod))
}

/// Creates a pod's claims as far as there are none.
pub(super) fn create_missing(
    cx: &mut Context<'_>,
    set: &StatefulSet,
    spec: &StatefulSetSpec,
    about: &Involved,
    pod: &Pod,
) -> Result<(), Status> {
    let Some(place) = ordinal(pod) else {
        return Ok(());
    };
    let mut result = Ok(());
    for claim in identity::claims(set, spec, place) {
        let name = meta::name(&claim).to_owned();
        let found = cx
            .cluster
            .typed::<PersistentVolumeClaim>(meta::namespace(set), &name);
        if let Some(found) = found {
            if found.metadata.deletion_timestamp.is_some() {
                result = result.and(Err(Status::internal(format!(
                    "pvc {name} is being deleted"
                ))));
            }
            continue;
        }
        let created = cx.cluster.create_typed(&claim);
        let (pod, set) = (meta::name(pod), meta::name(set));
        match created {
            Ok(_) => {
                let message = format!("Create Claim {name} Pod {pod} in StatefulSet {set} success");
                cx.normal(COMPONENT, about, "SuccessfulCreate", &message);
            }
            Err(problem) if problem.reason == "AlreadyExists" => {}
            Err(problem) => {
                let message = format!(
                    "Create Claim {name} for Pod {pod} in StatefulSet {set} failed error: {problem}"
                );
                cx.warning(COMPONENT, about, "FailedCreate", &message);
                let message = format!("failed to create PVC {name}: {problem}");
                result = result.and(Err(Status { message, ..problem }));
            }
        }
    }
    result
}

/// Gives a pod's claims the owners that they should have.
pub(super) fn set_owners(
    cx: &mut Context<'_>,
    set: &StatefulSet,
    spec: &StatefulSetSpec,
    about: &Involved,
    pod: &Pod,
) -> Result<(), Status> {
    let Some(place) = ordinal(pod) else {
        return Ok(());
    };
    // A pod that was only just made has its uid in the store.
    let stored = cx
        .cluster
        .typed::<Pod>(meta::namespace(set), meta::name(pod));
    let pair = Pair::of(set, spec, stored.as_ref().unwrap_or(pod), place);
    for template in spec.volume_claim_templates.iter().flatten() {
        let name = claim_name(set, template, place);
        let found = cx
            .cluster
            .typed::<PersistentVolumeClaim>(meta::namespace(set), &name);
        let Some(mut claim) = found else {
            continue;
        };
        if pair.is_strangers(&claim) {
            let message = format!(
                "PersistentVolumeClaim {name} has a conflicting OwnerReference that acts as a manging controller, the retention policy is ignored for this claim"
            );
            cx.warning(COMPONENT, about, "ConflictingController", &message);
        }
        if !pair.is_current(&claim) {
            pair.set_owners(&mut claim);
            cx.cluster.update_typed("", &claim)?;
        }
    }
    Ok(())
}

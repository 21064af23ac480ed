//! Which objects are an owner's: those that it controls, those that it adopts because its selector
//! selects them, not those that it lets go because it no longer does
//! (`pkg/controller/controller_ref_manager.go`).

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference};
use k8s_openapi::{Metadata, NamespaceResourceScope, Resource};
use serde_json::{Value, json};

use crate::sandbox::memory::status::Status;

use super::cluster::Gvr;
use super::context::{Context, unless_gone};
use super::index::Kind;
use super::meta::{self, Namespaced};
use super::selector::Labels;

/// An owner as references to it say.
#[derive(Clone, Debug)]
pub(super) struct Owner {
    pub(super) reference: OwnerReference,
    pub(super) namespace: String,
    pub(super) deleted: bool,
}

impl Owner {
    pub(super) fn of<T>(object: &T) -> Self
    where
        T: Resource<Scope = NamespaceResourceScope> + Metadata<Ty = ObjectMeta>,
    {
        Owner {
            reference: OwnerReference {
                api_version: T::API_VERSION.to_owned(),
                kind: T::KIND.to_owned(),
                name: meta::name(object).to_owned(),
                uid: meta::uid(object).to_owned(),
                controller: Some(true),
                block_owner_deletion: Some(true),
            },
            namespace: meta::namespace(object).to_owned(),
            deleted: object.metadata().deletion_timestamp.is_some(),
        }
    }
}

/// What becomes of an object in the eyes of a would-be owner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Claim {
    Mine,
    NotMine,
    Adopt,
    Release,
}

fn decide(owner: &Owner, object: &ObjectMeta, matches: bool) -> Claim {
    match meta::controller_of(object) {
        Some(controller) if controller.uid != owner.reference.uid => Claim::NotMine,
        Some(_) if matches => Claim::Mine,
        Some(_) if owner.deleted => Claim::NotMine,
        Some(_) => Claim::Release,
        None if owner.deleted || !matches || object.deletion_timestamp.is_some() => Claim::NotMine,
        None => Claim::Adopt,
    }
}

/// How objects are told to be an owner's.
pub(super) struct Rule<'a, T> {
    /// The resource, as the index knows it
    pub(super) kind: Kind,
    /// Whether it is selected
    pub(super) matches: &'a dyn Fn(&T) -> bool,
    /// Whether it may be adopted or let go; of pods that have ended it is often no
    pub(super) open: &'a dyn Fn(&T) -> bool,
    /// Given to what is adopted and taken from what is let go
    pub(super) finalizer: Option<&'a str>,
}

/// The objects that are the owner's, after adopting and letting go.
pub(super) fn claim<T: Namespaced>(
    cx: &mut Context<'_>,
    owner: &Owner,
    rule: &Rule<'_, T>,
) -> Result<Vec<T>, Status> {
    let mut mine = Vec::new();
    for object in cx
        .cluster
        .controlled::<T>(&owner.namespace, &owner.reference.uid)
    {
        match decide(owner, object.metadata(), (rule.matches)(&object)) {
            Claim::Mine => mine.push(object),
            Claim::Release if (rule.open)(&object) => {
                let released = write(
                    cx,
                    &object,
                    &release(owner, object.metadata(), rule.finalizer),
                );
                match released {
                    Err(status) if status.reason == "Invalid" => {}
                    other => {
                        unless_gone(other)?;
                    }
                }
            }
            Claim::NotMine | Claim::Adopt | Claim::Release => {}
        }
    }
    if owner.deleted {
        return Ok(mine);
    }
    for name in cx.index.orphans(rule.kind, &owner.namespace) {
        let Some(object) = cx.cluster.typed::<T>(&owner.namespace, name) else {
            continue;
        };
        let matches = (rule.matches)(&object) && (rule.open)(&object);
        if decide(owner, object.metadata(), matches) == Claim::Adopt {
            let adopted = write(
                cx,
                &object,
                &adopt(owner, object.metadata(), rule.finalizer),
            );
            mine.extend(unless_gone(adopted)?);
        }
    }
    Ok(mine)
}

/// The labels of an object.
pub(super) fn labels_of(object: &impl Metadata<Ty = ObjectMeta>) -> Labels {
    object.metadata().labels.clone().unwrap_or_default()
}

fn write<T: Namespaced>(cx: &Context<'_>, object: &T, patch: &Value) -> Result<T, Status> {
    let resource = Gvr::of::<T>();
    let (namespace, name) = (meta::namespace(object), meta::name(object));
    let done = cx
        .cluster
        .patch(&resource, "", namespace, name, patch.clone())?;
    serde_json::from_value(done).map_err(Status::internal)
}

/// The uid and version make the server refuse it for another object, and for another version: a
/// merge patch replaces lists as a whole.
fn adopt(owner: &Owner, object: &ObjectMeta, finalizer: Option<&str>) -> Value {
    let mut owners = object.owner_references.clone().unwrap_or_default();
    owners.retain(|known| known.uid != owner.reference.uid);
    owners.push(owner.reference.clone());
    let mut patch = json!({"metadata": {
        "uid": object.uid, "resourceVersion": object.resource_version, "ownerReferences": owners,
    }});
    if let Some(finalizer) = finalizer {
        let mut finalizers = object.finalizers.clone().unwrap_or_default();
        if !finalizers.iter().any(|known| known == finalizer) {
            finalizers.push(finalizer.to_owned());
        }
        patch["metadata"]["finalizers"] = json!(finalizers);
    }
    patch
}

fn release(owner: &Owner, object: &ObjectMeta, finalizer: Option<&str>) -> Value {
    let mut owners = object.owner_references.clone().unwrap_or_default();
    owners.retain(|known| known.uid != owner.reference.uid);
    let owners = if owners.is_empty() {
        Value::Null
    } else {
        json!(owners)
    };
    let mut patch = json!({"metadata": {
        "uid": object.uid, "resourceVersion": object.resource_version, "ownerReferences": owners,
    }});
    if let Some(finalizer) = finalizer {
        let mut finalizers = object.finalizers.clone().unwrap_or_default();
        finalizers.retain(|known| known != finalizer);
        patch["metadata"]["finalizers"] = if finalizers.is_empty() {
            Value::Null
        } else {
            json!(finalizers)
        };
    }
    patch
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn claims() {
        let reference = |uid: &str| OwnerReference {
            uid: uid.to_owned(),
            controller: Some(true),
            ..OwnerReference::default()
        };
        let object = |uid: Option<&str>, deleted: bool| ObjectMeta {
            owner_references: uid.map(|uid| vec![reference(uid)]),
            deletion_timestamp: deleted
                .then(|| super::super::context::time(jiff::Timestamp::UNIX_EPOCH)),
            ..ObjectMeta::default()
        };
        for (owner_deleted, uid, deleted, matches, wanted) in [
            (false, Some("me"), false, true, Claim::Mine),
            (false, Some("me"), true, true, Claim::Mine),
            (true, Some("me"), false, true, Claim::Mine),
            (false, Some("me"), false, false, Claim::Release),
            (true, Some("me"), false, false, Claim::NotMine),
            (false, Some("you"), false, true, Claim::NotMine),
            (false, None, false, true, Claim::Adopt),
            (false, None, true, true, Claim::NotMine),
            (false, None, false, false, Claim::NotMine),
            (true, None, false, true, Claim::NotMine),
        ] {
            let owner = Owner {
                reference: reference("me"),
                namespace: "ns".to_owned(),
                deleted: owner_deleted,
            };
            let decided = decide(&owner, &object(uid, deleted), matches);
            assert_eq!(
                decided, wanted,
                "{owner_deleted} {uid:?} {deleted} {matches}"
            );
        }
    }
}

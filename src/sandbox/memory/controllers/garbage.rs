//! Deletes what has lost its owners, and what a deletion takes with it
//! (`pkg/controller/garbagecollector`).
//!
//! Works by uid: that of an object whose owners changed or that is being deleted, or that of an
//! owner that is gone.

use std::collections::HashMap;

use k8s_openapi::api::core::v1::ObjectReference;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference;
use serde_json::{Value, json};

use crate::sandbox::memory::status::Status;

use super::cluster::{Delete, Key, Propagation};
use super::context::{Again, Context, Controller, Name, unless_gone};
use super::events::Involved;
use super::index::{Index, Kind, Seen};
use super::meta;

const COMPONENT: &str = "garbage-collector-controller";
const FOREGROUND: &str = "foregroundDeletion";
const ORPHAN: &str = "orphan";
/// Dependents looked after at a time; others wait meanwhile.
const AT_ONCE: usize = 500;

/// The garbage collector.
#[derive(Debug, Default)]
pub(super) struct Garbage {
    /// The owners of objects that have some, by the objects' uids
    owners: HashMap<String, Vec<OwnerReference>>,
}

impl Controller for Garbage {
    fn due(&mut self, seen: &Seen<'_>, _index: &Index, due: &mut dyn FnMut(Name)) {
        if seen.kind == Kind::Event {
            return;
        }
        let object = &*seen.change.object;
        let uid = meta::text(object, "uid");
        if seen.gone() {
            let owners = self
                .owners
                .remove(uid)
                .unwrap_or_else(|| meta::owners(object));
            due(Name::new("", uid));
            owners
                .iter()
                .for_each(|owner| due(Name::new("", &owner.uid)));
            return;
        }
        let owners = meta::owners(object);
        let before = self.owners.get(uid).map(Vec::as_slice).unwrap_or_default();
        if before != owners {
            due(Name::new("", uid));
            before
                .iter()
                .chain(&owners)
                .for_each(|owner| due(Name::new("", &owner.uid)));
            if owners.is_empty() {
                self.owners.remove(uid);
            } else {
                self.owners.insert(uid.to_owned(), owners);
            }
        }
        if is_waiting(object, FOREGROUND) || is_waiting(object, ORPHAN) {
            due(Name::new("", uid));
        }
    }

    fn reconcile(&mut self, cx: &mut Context<'_>, name: &Name) -> Result<Again, Status> {
        let uid = name.name.as_str();
        let Some(key) = cx.cluster.by_uid(uid) else {
            after_each(cx, uid, |_| true, attempt)?;
            return Ok(None);
        };
        let Some(object) = cx.cluster.get(&key.resource, &key.namespace, &key.name) else {
            return Ok(None);
        };
        if is_waiting(&object, ORPHAN) {
            after_each(
                cx,
                uid,
                |_| true,
                |cx, key, object| let_go(cx, key, object, &[uid]),
            )?;
            if !cx.more {
                drop_finalizer(cx, &key, ORPHAN)?;
            }
            return Ok(None);
        }
        if is_waiting(&object, FOREGROUND) {
            after_each(cx, uid, |object| !meta::deleted(object), attempt)?;
            if !cx.more && !is_blocked(cx, uid) {
                drop_finalizer(cx, &key, FOREGROUND)?;
            }
            return Ok(None);
        }
        attempt(cx, &key, &object)?;
        Ok(None)
    }
}

/// Whether it is marked for deletion and held by that finalizer.
fn is_waiting(object: &Value, finalizer: &str) -> bool {
    meta::deleted(object) && meta::finalizers(object).contains(&finalizer)
}

/// Whether one of the owner's dependents must go before it.
fn is_blocked(cx: &Context<'_>, uid: &str) -> bool {
    cx.cluster.dependents(uid).into_iter().any(|key| {
        let object = cx.cluster.get(&key.resource, &key.namespace, &key.name);
        object.is_some_and(|object| {
            let owners = meta::owners(&object);
            owners
                .iter()
                .any(|o| o.uid == uid && o.block_owner_deletion == Some(true))
        })
    })
}

/// Does something to an owner's dependents, a number at a time.
/// One that fails does not keep it from the others.
fn after_each(
    cx: &mut Context<'_>,
    uid: &str,
    which: impl Fn(&Value) -> bool,
    act: impl Fn(&mut Context<'_>, &Key, &Value) -> Result<bool, Status>,
) -> Result<(), Status> {
    let mut acted = 0;
    let mut result = Ok(());
    for key in cx.cluster.dependents(uid) {
        let Some(object) = cx.cluster.get(&key.resource, &key.namespace, &key.name) else {
            continue;
        };
        if !which(&object) {
            continue;
        }
        match act(cx, &key, &object) {
            Ok(true) => acted += 1,
            Ok(false) => {}
            Err(problem) => result = Err(problem),
        }
        if acted == AT_ONCE {
            cx.more = true;
            return Ok(());
        }
    }
    result
}

/// What the owners of an object are to it.
#[derive(Debug, Default, PartialEq)]
struct Owners {
    solid: usize,
    dangling: Vec<String>,
    waiting: Vec<String>,
}

/// Deletes an object that no owner keeps, or takes references away that no longer lead anywhere.
/// Answers whether it wrote something.
fn attempt(cx: &mut Context<'_>, key: &Key, object: &Value) -> Result<bool, Status> {
    let uid = meta::text(object, "uid");
    let owners = meta::owners(object);
    if meta::deleted(object) || owners.is_empty() {
        return Ok(false);
    }
    warn_of_strangers(cx, key, object, &owners);
    let Some(classified) = classify(cx, key, &owners)? else {
        return Ok(false);
    };
    let Owners {
        solid,
        dangling,
        waiting,
    } = classified;
    if solid > 0 {
        let gone: Vec<&str> = dangling
            .iter()
            .chain(&waiting)
            .map(String::as_str)
            .collect();
        return if gone.is_empty() {
            Ok(false)
        } else {
            let_go(cx, key, object, &gone)
        };
    }
    let finalizers = meta::finalizers(object);
    let propagation = if !waiting.is_empty() && !cx.cluster.dependents(uid).is_empty() {
        unblock(cx, key, object, uid)?;
        Propagation::Foreground
    } else if finalizers.contains(&ORPHAN) {
        Propagation::Orphan
    } else if finalizers.contains(&FOREGROUND) {
        Propagation::Foreground
    } else {
        Propagation::Background
    };
    let how = Delete {
        uid: Some(uid),
        propagation,
        ..Delete::default()
    };
    let deleted = cx
        .cluster
        .delete(&key.resource, &key.namespace, &key.name, how);
    Ok(unless_gone(deleted)?.is_some())
}

/// `None` when nothing can be said: an object outside namespaces names an owner within one.
fn classify(
    cx: &Context<'_>,
    key: &Key,
    references: &[OwnerReference],
) -> Result<Option<Owners>, Status> {
    let mut owners = Owners::default();
    for reference in references {
        let served = cx.cluster.served(&reference.api_version, &reference.kind);
        let Some((resource, namespaced)) = served else {
            // It may be served later: until then nobody knows whether the owner is there.
            let what = format!(
                "no matches for kind {:?} in version {:?}",
                reference.kind, reference.api_version
            );
            return Err(Status::internal(what));
        };
        if namespaced && key.namespace.is_empty() {
            return Ok(None);
        }
        let namespace = if namespaced {
            key.namespace.as_str()
        } else {
            ""
        };
        let owner = cx.cluster.get(&resource, namespace, &reference.name);
        match owner.filter(|owner| meta::text(owner, "uid") == reference.uid) {
            None => owners.dangling.push(reference.uid.clone()),
            Some(owner) if is_waiting(&owner, FOREGROUND) => {
                owners.waiting.push(reference.uid.clone())
            }
            Some(_) => owners.solid += 1,
        }
    }
    Ok(Some(owners))
}

/// An owner within another namespace cannot be: an Event says so.
fn warn_of_strangers(cx: &mut Context<'_>, key: &Key, object: &Value, owners: &[OwnerReference]) {
    for owner in owners {
        let found = cx.cluster.by_uid(&owner.uid);
        if found.is_none_or(|f| f.namespace.is_empty() || f.namespace == key.namespace) {
            continue;
        }
        let about = Involved::new(ObjectReference {
            api_version: object["apiVersion"].as_str().map(str::to_owned),
            kind: object["kind"].as_str().map(str::to_owned),
            name: Some(key.name.clone()),
            namespace: Some(key.namespace.clone()).filter(|namespace| !namespace.is_empty()),
            uid: Some(meta::text(object, "uid").to_owned()),
            ..ObjectReference::default()
        });
        let message = format!(
            "ownerRef [{}/{}, namespace: {}, name: {}, uid: {}] does not exist in namespace {:?}",
            owner.api_version, owner.kind, key.namespace, owner.name, owner.uid, key.namespace
        );
        cx.warning(COMPONENT, &about, "OwnerRefInvalidNamespace", &message);
    }
}

/// Takes references to those owners away.
fn let_go(cx: &mut Context<'_>, key: &Key, object: &Value, gone: &[&str]) -> Result<bool, Status> {
    let mut owners = meta::owners(object);
    owners.retain(|owner| !gone.contains(&owner.uid.as_str()));
    write_owners(cx, key, object, &owners)
}

/// So that two objects that own each other do not wait for each other for ever.
fn unblock(cx: &mut Context<'_>, key: &Key, object: &Value, uid: &str) -> Result<bool, Status> {
    let waits = cx.cluster.dependents(uid).into_iter().any(|key| {
        let dependent = cx.cluster.get(&key.resource, &key.namespace, &key.name);
        dependent.is_some_and(|dependent| is_waiting(&dependent, FOREGROUND))
    });
    let mut owners = meta::owners(object);
    if !waits
        || owners
            .iter()
            .all(|owner| owner.block_owner_deletion != Some(true))
    {
        return Ok(false);
    }
    owners
        .iter_mut()
        .for_each(|owner| owner.block_owner_deletion = Some(false));
    write_owners(cx, key, object, &owners)
}

fn write_owners(
    cx: &mut Context<'_>,
    key: &Key,
    object: &Value,
    owners: &[OwnerReference],
) -> Result<bool, Status> {
    let owners = if owners.is_empty() {
        Value::Null
    } else {
        json!(owners)
    };
    let meta = &object["metadata"];
    let patch = json!({"metadata": {
        "uid": meta["uid"], "resourceVersion": meta["resourceVersion"], "ownerReferences": owners,
    }});
    let patched = cx
        .cluster
        .patch(&key.resource, "", &key.namespace, &key.name, patch);
    Ok(unless_gone(patched)?.is_some())
}

fn drop_finalizer(cx: &mut Context<'_>, key: &Key, finalizer: &str) -> Result<(), Status> {
    let Some(object) = cx.cluster.get(&key.resource, &key.namespace, &key.name) else {
        return Ok(());
    };
    let mut finalizers = meta::finalizers(&object);
    finalizers.retain(|known| *known != finalizer);
    let finalizers = if finalizers.is_empty() {
        Value::Null
    } else {
        json!(finalizers)
    };
    let meta = &object["metadata"];
    let patch = json!({"metadata": {
        "uid": meta["uid"], "resourceVersion": meta["resourceVersion"], "finalizers": finalizers,
    }});
    let patched = cx
        .cluster
        .patch(&key.resource, "", &key.namespace, &key.name, patch);
    unless_gone(patched).map(drop)
}

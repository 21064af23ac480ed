//! The end of a CustomResourceDefinition, whose objects go first (`pkg/registry/
//! customresourcedefinition/etcd.go` and `pkg/controller/finalizer`).

use serde_json::{Value, json};

use super::TERMINATING;
use super::conditions::{self, Condition};

/// The finalizer that holds a definition until its objects are gone.
pub const FINALIZER: &str = "customresourcecleanup.apiextensions.k8s.io";

/// How far a deletion is.
#[derive(Clone, Debug, PartialEq)]
pub enum Deletion {
    /// It was asked for: the definition is stored with this finalizer and condition, its
    /// `deletionTimestamp` set by the caller. The answer is this object.
    Pending,
    /// Objects are being deleted
    InProgress,
    /// They could not be listed or deleted: what went wrong, in words
    Failed(String),
    /// They are gone: the finalizer goes
    Completed,
    /// There never were any: the finalizer goes
    NeverEstablished,
}

/// Marks a definition with how far its deletion is.
pub fn mark(definition: &mut Value, deletion: &Deletion, now: &str) {
    let (status, reason, message) = match deletion {
        Deletion::Pending => (
            "True",
            "InstanceDeletionPending",
            "CustomResourceDefinition marked for deletion; CustomResource deletion will begin soon",
        ),
        Deletion::InProgress => (
            "True",
            "InstanceDeletionInProgress",
            "CustomResource deletion is in progress",
        ),
        Deletion::Failed(what) => ("True", "InstanceDeletionFailed", what.as_str()),
        Deletion::Completed => (
            "False",
            "InstanceDeletionCompleted",
            "removed all instances",
        ),
        Deletion::NeverEstablished => (
            "False",
            "NeverEstablished",
            "resource was never established",
        ),
    };
    let condition = Condition {
        type_: TERMINATING,
        status,
        reason,
        message,
    };
    conditions::set(definition, &condition, now);
    match deletion {
        Deletion::Pending => add_finalizer(definition),
        Deletion::Completed | Deletion::NeverEstablished => remove_finalizer(definition),
        Deletion::InProgress | Deletion::Failed(_) => {}
    }
}

/// Marks a definition whose deletion was asked for.
pub fn mark_terminating(definition: &mut Value, now: &str) {
    mark(definition, &Deletion::Pending, now);
}

fn add_finalizer(definition: &mut Value) {
    let finalizers = &mut definition["metadata"]["finalizers"];
    match finalizers.as_array_mut() {
        Some(all) if all.iter().any(|one| one == FINALIZER) => {}
        Some(all) => all.push(json!(FINALIZER)),
        None => *finalizers = json!([FINALIZER]),
    }
}

fn remove_finalizer(definition: &mut Value) {
    let Some(metadata) = definition["metadata"].as_object_mut() else {
        return;
    };
    if let Some(all) = metadata.get_mut("finalizers").and_then(Value::as_array_mut) {
        all.retain(|one| one != FINALIZER);
        if all.is_empty() {
            metadata.shift_remove("finalizers");
        }
    }
}

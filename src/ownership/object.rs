//! An object, as far as it matters who owns it.

use std::sync::Arc;

use serde::Deserialize;

use super::{Kind, State};

/// An object without its content.
#[derive(Clone, Debug, PartialEq)]
pub struct Object {
    /// What it is
    pub kind: Arc<Kind>,
    /// Its namespace; empty for what lives in none
    pub namespace: String,
    /// Its name
    pub name: String,
    /// What owners are known by
    pub uid: String,
    /// RFC 3339
    pub created: Option<String>,
    /// Whether it is marked for deletion
    pub deleting: bool,
    /// Whom it names as owners
    pub owners: Vec<Owner>,
    /// How it is
    pub state: State,
}

/// An ownerReference.
/// Source: k8s.io/apimachinery/pkg/apis/meta/v1/types.go.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Owner {
    /// Group and version, such as `apps/v1`
    pub api_version: String,
    /// The kind
    pub kind: String,
    /// The name; it may be that of another object by now
    pub name: String,
    /// Which object is meant
    pub uid: String,
    /// Whether the owner manages the object; at most one does
    #[serde(deserialize_with = "super::table::or_default")]
    pub controller: bool,
}

/// The part of an object's metadata that is read; all else is passed over without being kept.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Metadata {
    pub(super) name: String,
    pub(super) namespace: String,
    pub(super) uid: String,
    creation_timestamp: Option<String>,
    deletion_timestamp: Option<String>,
    #[serde(deserialize_with = "super::table::or_default")]
    pub(super) owner_references: Vec<Owner>,
}

impl Metadata {
    pub(super) fn is_deleting(&self) -> bool {
        self.deletion_timestamp.is_some()
    }

    pub(super) fn object(self, kind: &Arc<Kind>, state: State) -> Object {
        Object {
            kind: Arc::clone(kind),
            deleting: self.is_deleting(),
            namespace: self.namespace,
            name: self.name,
            uid: self.uid,
            created: self.creation_timestamp,
            owners: self.owner_references,
            state,
        }
    }
}

impl Object {
    /// From the object's own JSON; how it is is read from its conditions.
    pub fn of(kind: &Arc<Kind>, value: &serde_json::Value) -> Self {
        let metadata = Metadata::deserialize(&value["metadata"]).unwrap_or_default();
        metadata.object(kind, super::state::of_object(kind, value))
    }

    /// `Deployment/web`.
    pub fn title(&self) -> String {
        format!("{}/{}", self.kind.kind, self.name)
    }
}

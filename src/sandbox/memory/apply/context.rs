//! What a write is, beside its objects.

use std::sync::LazyLock;

use serde_json::Value;

use crate::sandbox::memory::types::{Type, TypeId, Types};

use super::managed::{Managed, Manager, Operation};
use super::reset::Filter;
use super::schema::reconcile;
use super::set::Set;

/// What is written, by which path, and when.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    /// Where `type_` is
    pub types: &'a Types,
    /// What the objects are, in the version of the request
    pub type_: TypeId,
    /// The version of the request, such as `apps/v1`
    pub api_version: &'a str,
    /// Such as `Deployment`
    pub kind: &'a str,
    /// Such as `status`; empty for the object itself
    pub subresource: &'a str,
    /// All versions in which the kind is served. Who wrote in another is forgotten.
    pub served: &'a [&'a str],
    /// What the write does not decide, see [`reset::filter`](super::reset::filter)
    pub filter: Option<&'a Filter>,
    /// RFC 3339, in whole seconds
    pub now: &'a str,
}

impl<'a> Context<'a> {
    /// As errors name the kind: `apps/v1, Kind=Deployment`, with an empty group in front where it
    /// is the core group.
    pub fn kind_name(&self) -> String {
        kind_name(self.api_version, self.kind)
    }

    /// As errors name an object: `default/web; apps/v1, Kind=Deployment`.
    pub fn object_name(&self, object: &Value) -> String {
        let text = |key: &str| {
            let value = object
                .get("metadata")
                .and_then(|metadata| metadata.get(key));
            value.and_then(Value::as_str).unwrap_or_default()
        };
        format!(
            "{}/{}; {}",
            text("namespace"),
            text("name"),
            self.kind_name()
        )
    }

    pub(super) fn manager(&self, name: &'a str, operation: Operation) -> Manager<'a> {
        let name = if name.is_empty() { "unknown" } else { name };
        Manager {
            name: name.into(),
            operation,
            api_version: self.api_version.into(),
            subresource: self.subresource.into(),
        }
    }

    pub(super) fn filtered<'s>(&self, set: Set<'s>) -> Set<'s> {
        match self.filter {
            Some(filter) => filter.apply(set),
            None => set,
        }
    }

    /// Forgets who wrote in versions that are gone, and joins what types own as a whole by now.
    pub(super) fn refresh(&self, managed: &mut Managed<'_>) {
        managed.entries.retain(|entry| {
            let version = &*entry.manager.api_version;
            version == self.api_version || self.served.contains(&version)
        });
        let is_fixed = self.is_built_in();
        for entry in &mut managed.entries {
            if is_fixed && entry.is_stored() {
                continue;
            }
            if let Some(set) = reconcile(self.types, self.type_, entry.set()) {
                entry.change(|_| set);
            }
        }
    }

    /// Whether the types are Kubernetes' own, which do not change while the server runs.
    pub(super) fn is_built_in(&self) -> bool {
        matches!(self.types.get(self.type_), Type::Object(object) if !object.name.is_empty())
    }
}

static NOBODYS: LazyLock<Set<'static>> = LazyLock::new(|| {
    Set::of_paths(&[
        "apiVersion",
        "kind",
        "metadata",
        "metadata/name",
        "metadata/namespace",
        "metadata/creationTimestamp",
        "metadata/selfLink",
        "metadata/uid",
        "metadata/clusterName",
        "metadata/generation",
        "metadata/managedFields",
        "metadata/resourceVersion",
    ])
});

/// As errors name a kind.
pub(super) fn kind_name(api_version: &str, kind: &str) -> String {
    let slash = if api_version.contains('/') { "" } else { "/" };
    format!("{slash}{api_version}, Kind={kind}")
}

/// Takes out what nobody ever manages.
pub(super) fn strip(set: Set<'_>) -> Set<'_> {
    if set.is_empty() {
        return set;
    }
    set.difference(&NOBODYS)
}

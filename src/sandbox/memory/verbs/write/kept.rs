//! What of an object's metadata and status a write may decide, and what stays as it is.

use serde_json::{Value, json};

use super::{MODIFIED, Writer};
use crate::sandbox::memory::field::{FieldError, Path};
use crate::sandbox::memory::object::{self, meta, set_meta};
use crate::sandbox::memory::registry::Served;
use crate::sandbox::memory::status::Status;
use crate::sandbox::memory::store::Stored;

impl Writer<'_> {
    /// Metadata that no update decides.
    pub(super) fn keep(&self, object: &mut Value, old: &Value) {
        let kept = |field: &str| old["metadata"].get(field).cloned();
        if meta(object, "uid").is_empty() {
            set_meta(object, "uid", kept("uid"));
        }
        for field in ["creationTimestamp", "generation", "deletionTimestamp"] {
            set_meta(object, field, kept(field));
        }
        if object["metadata"]
            .get("deletionGracePeriodSeconds")
            .is_none()
            || !object::is_deleting(old)
        {
            let field = "deletionGracePeriodSeconds";
            set_meta(object, field, kept(field));
        }
        if meta(object, "generateName").is_empty() {
            set_meta(object, "generateName", kept("generateName"));
        }
        if !self.served.has_status() {
            return;
        }
        let (of_old, of_new) = (old.get("status").cloned(), object.get("status").cloned());
        match self.subresource {
            "" => put(object, "status", of_old),
            "status" => {
                let metadata = object["metadata"].take();
                *object = old.clone();
                object["metadata"] = self.served.metadata_of_status(metadata, old);
                put(object, "status", of_new);
            }
            _ => {}
        }
    }

    /// Whether the version that a client speaks of is the one that there is.
    ///
    /// Errors: 409, 422 for none where one must be given, 500 for what is no version.
    pub(super) fn check_version(
        &self,
        object: &Value,
        live: &Stored,
        name: &str,
    ) -> Result<(), Status> {
        let sent = meta(object, "resourceVersion");
        if sent.is_empty() || sent == "0" {
            if self.served.updates_unconditionally() {
                return Ok(());
            }
            let path = Path::new("metadata").child("resourceVersion");
            let error = FieldError::invalid(&path, 0, "must be specified for an update");
            let resource = &self.served.resource;
            return Err(Status::invalid(
                &resource.group,
                &resource.plural,
                name,
                &[error],
            ));
        }
        match sent.parse::<u64>() {
            Ok(version) if version == live.version => Ok(()),
            Ok(_) => Err(self.conflict(name, MODIFIED)),
            Err(_) => {
                let message = format!("strconv.ParseUint: parsing {sent:?}: invalid syntax");
                Err(Status::new(500, "", message))
            }
        }
    }

    /// Puts the object into the namespace of the request.
    ///
    /// Errors: 400 for one that says another.
    pub(super) fn place(&self, object: &mut Value) -> Result<(), Status> {
        let namespace = match self.served.resource.namespaced {
            true => self.namespace,
            false => "",
        };
        let own = meta(object, "namespace");
        if own == namespace {
            return Ok(());
        }
        if own.is_empty() || namespace.is_empty() {
            let value = (!namespace.is_empty()).then(|| json!(namespace));
            set_meta(object, "namespace", value);
            return Ok(());
        }
        Err(Status::bad_request(
            "the namespace of the provided object does not match the namespace sent on the request",
        ))
    }
}

/// Whether a change counts as a new generation: anything but metadata, and status where that is a
/// subresource.
pub(super) fn counts(served: &Served, object: &Value, old: &Value) -> bool {
    let (Some(new), Some(old)) = (object.as_object(), old.as_object()) else {
        return false;
    };
    let spoken_of = |name: &str| match name {
        "metadata" | "apiVersion" | "kind" => false,
        "status" => !served.has_status(),
        _ => true,
    };
    let differs = |a: &serde_json::Map<String, Value>, b: &serde_json::Map<String, Value>| {
        a.iter()
            .any(|(name, value)| spoken_of(name) && b.get(name) != Some(value))
    };
    differs(new, old) || differs(old, new)
}

fn put(object: &mut Value, field: &str, value: Option<Value>) {
    if let Some(fields) = object.as_object_mut() {
        match value {
            Some(value) => fields.insert(field.to_owned(), value),
            None => fields.shift_remove(field),
        };
    }
}

//! IPAddress: `pkg/apis/networking` and `pkg/registry/networking/ipaddress`.

use serde_json::{Value, json};

use super::super::workloads::check;
use super::super::workloads::read::{at, given, text};
use super::reference;
use crate::sandbox::memory::field::{FieldError, Path};
use crate::sandbox::memory::kinds::{Kind, Write, meta};
use crate::sandbox::memory::names;

/// See the module.
pub(crate) struct IpAddress;

impl Kind for IpAddress {
    fn validate_create(&self, object: &Value) -> Vec<FieldError> {
        let mut errors = meta::validate_create(object, false, |name, _| names::ip(name));
        errors.extend(validate_parent(object));
        errors
    }

    fn validate_update(&self, _write: Write<'_>, object: &Value, old: &Value) -> Vec<FieldError> {
        let mut errors = meta::common_update(object, old);
        errors.extend(self.validate_create(object));
        errors.extend(meta::own_update(object, old));
        let field = "spec.parentRef";
        let parent = at(object, field);
        if parent != at(old, field) {
            // The internal type is shown, whose fields have the names that they have in Go.
            let shown = given(object, field).map(|parent| {
                json!({
                    "Group": text(parent, "group"),
                    "Resource": text(parent, "resource"),
                    "Namespace": text(parent, "namespace"),
                    "Name": text(parent, "name"),
                })
            });
            errors.push(FieldError::invalid(
                &Path::new(field),
                shown,
                "field is immutable",
            ));
        }
        errors
    }
}

fn validate_parent(object: &Value) -> Vec<FieldError> {
    let path = Path::new("spec.parentRef");
    let Some(parent) = given(object, "spec.parentRef") else {
        return vec![FieldError::required(&path, "")];
    };
    let mut errors = Vec::new();
    let group = text(parent, "group");
    if !group.is_empty() {
        let path = path.child("group");
        errors.extend(check::invalid_each(
            &path,
            group,
            names::dns1123_subdomain(group),
        ));
    }
    for field in ["resource", "name"] {
        errors.extend(reference::required_segment(parent, field, &path));
    }
    let namespace = text(parent, "namespace");
    if !namespace.is_empty() {
        let path = path.child("namespace");
        errors.extend(check::invalid_each(
            &path,
            namespace,
            names::path_segment(namespace),
        ));
    }
    errors
}

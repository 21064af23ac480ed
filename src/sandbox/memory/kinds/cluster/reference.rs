//! References to an object by group, kind and name (`validateIngressTypedLocalObjectReference`).

use serde_json::Value;

use super::super::workloads::check;
use super::super::workloads::read::{at, text};
use crate::sandbox::memory::field::{FieldError, Path};
use crate::sandbox::memory::names;

/// What is wrong with a reference.
pub(super) fn validate(reference: &Value, path: &Path) -> Vec<FieldError> {
    let mut errors = Vec::new();
    if let Some(group) = at(reference, "apiGroup").as_str() {
        let path = path.child("apiGroup");
        errors.extend(check::invalid_each(
            &path,
            group,
            names::dns1123_subdomain(group),
        ));
    }
    for field in ["kind", "name"] {
        errors.extend(required_segment(reference, field, path));
    }
    errors
}

/// A field that must be given and be a segment of a path.
pub(super) fn required_segment(object: &Value, field: &str, path: &Path) -> Vec<FieldError> {
    let path = path.child(field);
    match text(object, field) {
        "" => vec![FieldError::required(&path, "")],
        value => check::invalid_each(&path, value, names::path_segment(value)),
    }
}

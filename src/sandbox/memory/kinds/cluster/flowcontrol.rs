//! What the kinds of flowcontrol.apiserver.k8s.io have in common.

use std::collections::HashSet;

use serde_json::Value;

use super::super::workloads::read::{items, text};
use crate::sandbox::memory::field::{FieldError, Path};

/// Whether the server itself keeps an object of that name.
pub(super) fn is_mandatory(name: &str) -> bool {
    ["exempt", "catch-all"].contains(&name)
}

/// The conditions of a status, of which each needs a type of its own.
pub(super) fn validate_conditions(object: &Value) -> Vec<FieldError> {
    let field = "status.conditions";
    let mut errors = Vec::new();
    let mut seen = HashSet::new();
    for (index, condition) in items(object, field).iter().enumerate() {
        let path = Path::new(field).index(index).child("type");
        let type_ = text(condition, "type");
        if !seen.insert(type_) {
            errors.push(FieldError::duplicate(&path, type_));
        }
        if type_.is_empty() {
            errors.push(FieldError::required(&path, ""));
        }
    }
    errors
}

//! VolumeAttributesClass: `pkg/apis/storage` and `pkg/registry/storage/volumeattributesclass`.

use serde_json::Value;

use super::super::workloads::read::{at, same, text};
use super::storage;
use crate::sandbox::memory::field::{FieldError, Path};
use crate::sandbox::memory::kinds::{Kind, Write, meta};

/// See the module.
pub(crate) struct VolumeAttributesClass;

impl Kind for VolumeAttributesClass {
    fn validate_create(&self, object: &Value) -> Vec<FieldError> {
        let mut errors = meta::validate_create(object, false, meta::dns_subdomain);
        errors.extend(storage::validate_driver(object, "driverName"));
        errors.extend(storage::validate_parameters(object, false));
        errors
    }

    fn validate_update(&self, _write: Write<'_>, object: &Value, old: &Value) -> Vec<FieldError> {
        let mut errors = meta::validate_update(object, old);
        let is_changed = [
            (
                "driverName",
                text(object, "driverName") != text(old, "driverName"),
            ),
            (
                "parameters",
                !same(at(object, "parameters"), at(old, "parameters")),
            ),
        ];
        for (field, _) in is_changed.into_iter().filter(|(_, is_changed)| *is_changed) {
            let words = format!("updates to {field} are forbidden.");
            errors.push(FieldError::forbidden(&Path::new(field), words));
        }
        errors.extend(self.validate_create(object));
        errors
    }
}

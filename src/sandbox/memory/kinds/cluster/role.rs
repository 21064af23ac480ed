//! Role: `pkg/apis/rbac` and `pkg/registry/rbac/role`.

use serde_json::Value;

use super::rbac;
use crate::sandbox::memory::field::FieldError;
use crate::sandbox::memory::kinds::{Kind, Write, meta};

/// See the module.
pub(crate) struct Role;

impl Kind for Role {
    fn validate_create(&self, object: &Value) -> Vec<FieldError> {
        let mut errors = meta::validate_create(object, true, meta::path_segment);
        errors.extend(rbac::validate_rules(object, true));
        errors
    }

    fn validate_update(&self, _write: Write<'_>, object: &Value, old: &Value) -> Vec<FieldError> {
        let mut errors = meta::common_update(object, old);
        errors.extend(self.validate_create(object));
        errors.extend(meta::own_update(object, old));
        errors
    }

    fn creates_on_update(&self) -> bool {
        true
    }
}

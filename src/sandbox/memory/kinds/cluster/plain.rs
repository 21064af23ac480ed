//! Kinds of which only the metadata is checked.

use serde_json::Value;

use crate::sandbox::memory::field::FieldError;
use crate::sandbox::memory::kinds::{Kind, Write, meta};

/// See the module.
pub(crate) struct Plain {
    /// What a name may be
    pub(crate) name: meta::NameRule,
    /// Whether generations are counted
    pub(crate) has_generation: bool,
    /// Whether an update may leave the version out
    pub(crate) updates_unconditionally: bool,
}

impl Kind for Plain {
    fn validate_create(&self, object: &Value) -> Vec<FieldError> {
        meta::validate_create(object, false, self.name)
    }

    fn validate_update(&self, _write: Write<'_>, object: &Value, old: &Value) -> Vec<FieldError> {
        let mut errors = meta::common_update(object, old);
        errors.extend(self.validate_create(object));
        errors.extend(meta::own_update(object, old));
        errors
    }

    fn has_generation(&self) -> bool {
        self.has_generation
    }

    fn updates_unconditionally(&self) -> bool {
        self.updates_unconditionally
    }
}

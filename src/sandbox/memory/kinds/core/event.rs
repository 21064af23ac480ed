//! Event as it is written through the core group: `pkg/registry/core/event`.

use serde_json::Value;

use super::super::cluster::event;
use crate::sandbox::memory::field::FieldError;
use crate::sandbox::memory::kinds::{Kind, Write, meta};

/// See the module.
pub(super) struct Event;

impl Kind for Event {
    fn validate_create(&self, object: &Value) -> Vec<FieldError> {
        let errors = event::validate(object, "reportingComponent");
        // Through this group an Event's metadata are held to what any object's are, and no more.
        if errors.is_empty() {
            meta::object_meta(object, true, meta::path_segment)
        } else {
            errors
        }
    }

    fn validate_update(&self, _write: Write<'_>, object: &Value, old: &Value) -> Vec<FieldError> {
        let mut errors = meta::common_update(object, old);
        errors.extend(event::validate(object, "reportingComponent"));
        errors
    }

    fn creates_on_update(&self) -> bool {
        true
    }

    fn fields(&self, object: &Value) -> Vec<(&'static str, String)> {
        event::fields(object)
    }

    fn field_labels(&self) -> &'static [&'static str] {
        &event::STORED
    }
}

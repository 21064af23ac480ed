//! CustomResourceDefinitions, as a kind among others.

use serde_json::{Value, json};

use super::{Kind, Write};
use crate::sandbox::memory::crd;
use crate::sandbox::memory::field::{FieldError, Path};

/// See the module.
pub(super) struct Definition;

impl Kind for Definition {
    fn default(&self, object: &mut Value) {
        crd::set_defaults(object);
    }

    fn prepare_create(&self, object: &mut Value) {
        crd::prepare_create(object);
    }

    fn prepare_update(&self, write: Write<'_>, object: &mut Value, old: &Value) {
        match write.subresource {
            "status" => crd::prepare_status_update(object, old),
            _ => crd::prepare_update(object, old),
        }
    }

    fn validate_create(&self, object: &Value) -> Vec<FieldError> {
        crd::validate_create(object).unwrap_or_else(|refused| vec![not_built(&refused.message)])
    }

    fn validate_update(&self, write: Write<'_>, object: &Value, old: &Value) -> Vec<FieldError> {
        if write.subresource == "status" {
            return crd::validate_status_update(object, old);
        }
        crd::validate_update(object, old)
            .unwrap_or_else(|refused| vec![not_built(&refused.message)])
    }

    fn warnings(&self, object: &Value, old: Option<&Value>) -> Vec<String> {
        crd::warnings(object, old)
    }

    fn has_generation(&self) -> bool {
        true
    }

    fn updates_unconditionally(&self) -> bool {
        false
    }
}

fn not_built(words: &str) -> FieldError {
    FieldError::invalid(&Path::new("spec"), json!({}), words)
}

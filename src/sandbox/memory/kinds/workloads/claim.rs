//! The claims of a StatefulSet's pods.

use serde_json::Value;

use crate::sandbox::memory::field::{FieldError, Path};

pub(crate) fn validate_spec(_spec: &Value, _path: &Path) -> Vec<FieldError> {
    Vec::new()
}

pub(crate) fn warnings(_spec: &Value, _path: &Path) -> Vec<String> {
    Vec::new()
}

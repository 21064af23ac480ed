//! ControllerRevision: `pkg/apis/apps` and `pkg/registry/apps/controllerrevision`.

use serde_json::Value;

use super::check;
use super::read::{at, given, int};
use crate::sandbox::memory::field::{FieldError, Path};
use crate::sandbox::memory::kinds::{Kind, Write, meta};

/// See the module.
pub(crate) struct ControllerRevision;

impl Kind for ControllerRevision {
    fn validate_create(&self, object: &Value) -> Vec<FieldError> {
        let mut errors = validate(object);
        let path = Path::new("data");
        match given(object, "data") {
            None => errors.push(FieldError::required(&path, "data is mandatory")),
            Some(Value::Object(_)) => {}
            Some(_) => errors.push(FieldError::required(
                &path,
                "data must be a valid JSON object",
            )),
        }
        errors
    }

    fn validate_update(&self, _write: Write<'_>, object: &Value, old: &Value) -> Vec<FieldError> {
        let mut errors = meta::validate_update(object, old);
        errors.extend(validate(object));
        // Raw JSON is compared and shown as it is, an empty object too.
        let data = at(object, "data");
        if data != at(old, "data") {
            errors.push(FieldError::invalid(
                &Path::new("data"),
                data.clone(),
                "field is immutable",
            ));
        }
        errors
    }
}

fn validate(object: &Value) -> Vec<FieldError> {
    let mut errors = meta::validate_create(object, true, meta::dns_subdomain);
    errors.extend(check::nonnegative(
        int(object, "revision"),
        &Path::new("revision"),
    ));
    errors
}

//! Lease: `pkg/apis/coordination` and `pkg/registry/coordination/lease`.

use serde_json::Value;

use super::super::workloads::read::{at, given, keep, number, remove};
use crate::sandbox::memory::field::{FieldError, Path};
use crate::sandbox::memory::kinds::{Kind, Write, meta};

/// Fields of coordinated leader election, which is off by default.
const COORDINATED: [&str; 2] = ["spec.strategy", "spec.preferredHolder"];

/// See the module.
pub(crate) struct Lease;

impl Kind for Lease {
    fn prepare_create(&self, object: &mut Value) {
        for field in COORDINATED {
            remove(object, field);
        }
    }

    fn prepare_update(&self, _write: Write<'_>, object: &mut Value, old: &Value) {
        for field in COORDINATED
            .into_iter()
            .filter(|field| given(old, field).is_none())
        {
            keep(object, old, field);
        }
    }

    fn validate_create(&self, object: &Value) -> Vec<FieldError> {
        let mut errors = meta::validate_create(object, true, meta::dns_subdomain);
        errors.extend(validate_spec(at(object, "spec")));
        errors
    }

    fn validate_update(&self, _write: Write<'_>, object: &Value, old: &Value) -> Vec<FieldError> {
        let mut errors = meta::validate_update(object, old);
        errors.extend(validate_spec(at(object, "spec")));
        errors
    }

    fn creates_on_update(&self) -> bool {
        true
    }

    fn updates_unconditionally(&self) -> bool {
        false
    }
}

fn validate_spec(spec: &Value) -> Vec<FieldError> {
    let path = Path::new("spec");
    let bounds = [
        ("leaseDurationSeconds", 1, "must be greater than 0"),
        ("leaseTransitions", 0, "must be greater than or equal to 0"),
    ];
    let numbers = bounds.into_iter().filter_map(|(field, least, words)| {
        let value = number(spec, field).filter(|value| *value < least)?;
        Some(FieldError::invalid(&path.child(field), value, words))
    });
    numbers.collect()
}

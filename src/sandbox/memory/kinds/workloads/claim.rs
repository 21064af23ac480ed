//! The claims of a StatefulSet's pods.

use k8s_openapi::api::core::v1::PersistentVolumeClaimSpec;
use serde::Deserialize;
use serde_json::Value;

use super::read::at;
use crate::sandbox::memory::field::{FieldError, Path};
use crate::sandbox::memory::kinds::pod;
use crate::sandbox::memory::quantity::Quantity;

/// What is wrong with a claim's spec (`ValidatePersistentVolumeClaimSpec`).
pub(crate) fn validate_spec(spec: &Value, path: &Path) -> Vec<FieldError> {
    let spec = match Option::<PersistentVolumeClaimSpec>::deserialize(spec) {
        Ok(spec) => spec.unwrap_or_default(),
        Err(error) => return vec![FieldError::internal(path, error.to_string())],
    };
    let mut errors = Vec::new();
    pod::claim::validate(&mut errors, &spec, path);
    errors
}

/// Amounts of storage that are no whole bytes.
pub(crate) fn warnings(spec: &Value, path: &Path) -> Vec<String> {
    let lists = ["requests", "limits"].into_iter();
    let warnings = lists.filter_map(|list| {
        let path = path.child("resources").child(list).key("storage");
        let amount = Quantity::parse(at(spec, "resources").get(list)?.get("storage")?.as_str()?)?;
        (amount.milli_value() % 1000 != 0).then(|| {
            format!("{path}: fractional byte value \"{amount}\" is invalid, must be an integer")
        })
    });
    warnings.collect()
}

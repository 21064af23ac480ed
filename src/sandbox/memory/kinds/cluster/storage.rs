//! What kinds of storage.k8s.io have in common: `pkg/apis/storage/validation`.

use serde_json::Value;

use super::super::workloads::check;
use super::super::workloads::read::{entries, text};
use crate::sandbox::memory::field::{FieldError, Path};
use crate::sandbox::memory::names;

const PARAMETERS_MAX: usize = 512;
const SIZE_MAX: usize = 256 * 1024;

/// The driver that a class names (`validateProvisioner`).
pub(super) fn validate_driver(object: &Value, field: &str) -> Vec<FieldError> {
    let path = Path::new(field);
    let driver = text(object, field);
    if driver.is_empty() {
        return vec![FieldError::required(&path, "")];
    }
    let driver = driver.to_lowercase();
    check::invalid_each(&path, &driver, names::qualified_name(&driver))
}

/// The parameters of a class.
pub(super) fn validate_parameters(object: &Value, may_be_empty: bool) -> Vec<FieldError> {
    let path = Path::new("parameters");
    let parameters = entries(object, "parameters");
    if parameters.len() > PARAMETERS_MAX {
        return vec![FieldError::too_long(&path, PARAMETERS_MAX)];
    }
    let mut errors = Vec::new();
    if parameters.iter().any(|(key, _)| key.is_empty()) {
        errors.push(FieldError::invalid(&path, "", "field can not be empty."));
    }
    if parameters
        .iter()
        .map(|(key, value)| key.len() + value.len())
        .sum::<usize>()
        > SIZE_MAX
    {
        errors.push(FieldError::too_long(&path, SIZE_MAX));
    }
    if parameters.is_empty() && !may_be_empty {
        errors.push(FieldError::required(
            &path,
            "must contain at least one key/value pair",
        ));
    }
    errors
}

/// The name of a CSI driver (`ValidateCSIDriverName`).
pub(super) fn validate_csi_driver(name: &str, path: &Path) -> Vec<FieldError> {
    if name.is_empty() {
        return vec![FieldError::required(path, "")];
    }
    let mut errors = Vec::new();
    if name.len() > 63 {
        errors.push(FieldError::too_long(path, 63));
    }
    let wrong = names::dns1123_subdomain(&name.to_lowercase());
    errors.extend(check::invalid_each(path, name, wrong));
    errors
}

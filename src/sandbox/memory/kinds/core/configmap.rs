//! ConfigMap: `pkg/registry/core/configmap`.

use serde_json::Value;

use super::super::workloads::check;
use super::super::workloads::read::{at, entries, flag, same};
use super::secret::{MAX_SIZE, decoded_len};
use crate::sandbox::memory::field::{FieldError, Path};
use crate::sandbox::memory::kinds::{Kind, Write, meta};
use crate::sandbox::memory::names;

/// See the module.
pub(super) struct ConfigMap;

impl Kind for ConfigMap {
    fn validate_create(&self, object: &Value) -> Vec<FieldError> {
        let mut errors = meta::validate_create(object, true, meta::dns_subdomain);
        let mut size = 0;
        let path = Path::new("data");
        let binary = at(object, "binaryData");
        for (key, value) in entries(object, "data") {
            let path = path.key(key);
            errors.extend(check::invalid_each(&path, key, names::config_map_key(key)));
            if binary.get(key).is_some() {
                let why = "duplicate of key present in binaryData";
                errors.push(FieldError::invalid(&path, key, why));
            }
            size += value.len();
        }
        let path = Path::new("binaryData");
        for (key, value) in entries(object, "binaryData") {
            let wrong = names::config_map_key(key);
            errors.extend(check::invalid_each(&path.key(key), key, wrong));
            size += decoded_len(value);
        }
        if size > MAX_SIZE {
            errors.push(FieldError::too_long(&Path::new("[]"), MAX_SIZE));
        }
        errors
    }

    fn validate_update(&self, _write: Write<'_>, object: &Value, old: &Value) -> Vec<FieldError> {
        let mut errors = meta::validate_update(object, old);
        errors.extend(immutable(object, old, &["data", "binaryData"]));
        errors.extend(self.validate_create(object));
        errors
    }
}

/// What may not change in an object that says `immutable`, which itself is to stay so.
pub(super) fn immutable(object: &Value, old: &Value, fields: &[&str]) -> Vec<FieldError> {
    if !flag(old, "immutable") {
        return Vec::new();
    }
    let is_off = !flag(object, "immutable");
    let changed = fields
        .iter()
        .filter(|field| !same(at(object, field), at(old, field)));
    let all = is_off.then_some(&"immutable").into_iter().chain(changed);
    all.map(|field| {
        let why = "field is immutable when `immutable` is set";
        FieldError::forbidden(&Path::new(field), why)
    })
    .collect()
}

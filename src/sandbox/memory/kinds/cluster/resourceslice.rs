//! ResourceSlice: `pkg/apis/resource` and `pkg/registry/resource/resourceslice`. Devices and counters
//! are not looked at.

use serde_json::Value;

use super::super::workloads::check;
use super::super::workloads::read::{at, given, text};
use super::storage;
use crate::sandbox::memory::field::{FieldError, Path};
use crate::sandbox::memory::kinds::{Kind, Write, meta};
use crate::sandbox::memory::names;

/// See the module.
pub(crate) struct ResourceSlice;

impl Kind for ResourceSlice {
    fn validate_create(&self, object: &Value) -> Vec<FieldError> {
        let mut errors = meta::validate_create(object, false, meta::dns_subdomain);
        errors.extend(validate_spec(object, None));
        errors
    }

    fn validate_update(&self, _write: Write<'_>, object: &Value, old: &Value) -> Vec<FieldError> {
        let mut errors = meta::validate_update(object, old);
        errors.extend(validate_spec(object, Some(old)));
        errors
    }

    fn has_generation(&self) -> bool {
        true
    }

    fn fields(&self, object: &Value) -> Vec<(&'static str, String)> {
        let labels = self.field_labels().iter();
        labels
            .map(|label| (*label, text(object, label).to_owned()))
            .collect()
    }

    fn field_labels(&self) -> &'static [&'static str] {
        &["spec.nodeName", "spec.driver"]
    }
}

fn validate_spec(object: &Value, old: Option<&Value>) -> Vec<FieldError> {
    let path = Path::new("spec");
    let spec = at(object, "spec");
    let mut errors = storage::validate_csi_driver(text(spec, "driver"), &path.child("driver"));
    errors.extend(validate_pool(
        text(spec, "pool.name"),
        &path.child("pool.name"),
    ));
    if let Some(old) = old {
        let fields = ["spec.pool.name", "spec.driver", "spec.nodeName"];
        errors.extend(
            fields
                .iter()
                .filter_map(|field| check::immutable(object, old, field)),
        );
    }
    let mut places = Vec::new();
    match at(spec, "nodeName").as_str() {
        Some("") => {
            let words = "must be either unset or set to a non-empty string";
            errors.push(FieldError::invalid(&path.child("nodeName"), "", words));
        }
        Some(node) => {
            places.push("`nodeName`");
            let wrong = names::dns1123_subdomain(node);
            errors.extend(check::invalid_each(&path.child("nodeName"), node, wrong));
        }
        None => {}
    }
    if given(spec, "nodeSelector").is_some() {
        places.push("`nodeSelector`");
    }
    for (field, shown) in [
        ("allNodes", "`allNodes`"),
        ("perDeviceNodeSelection", "`perDeviceNodeSelection`"),
    ] {
        match at(spec, field).as_bool() {
            Some(true) => places.push(shown),
            Some(false) => {
                let words = "must be either unset or set to true";
                errors.push(FieldError::invalid(&path.child(field), false, words));
            }
            None => {}
        }
    }
    let words = "exactly one of `nodeName`, `nodeSelector`, `allNodes`, `perDeviceNodeSelection` is \
                 required";
    match places.len() {
        0 => errors.push(FieldError::required(&path, words)),
        1 => {}
        _ => {
            let words = format!("{words}, but multiple fields are set");
            let shown = format!("{{{}}}", places.join(", "));
            errors.push(FieldError::invalid(&path, shown, words));
        }
    }
    errors
}

fn validate_pool(name: &str, path: &Path) -> Vec<FieldError> {
    if name.is_empty() {
        return vec![FieldError::required(path, "")];
    }
    let mut errors = Vec::new();
    if name.len() > 253 {
        errors.push(FieldError::too_long(path, 253));
    }
    for part in name.split('/') {
        errors.extend(check::invalid_each(
            path,
            part,
            names::dns1123_subdomain(part),
        ));
    }
    errors
}

//! ResourceClaim and ResourceClaimTemplate: `pkg/apis/resource` and `pkg/registry/resource`. Of the
//! devices asked for, names, classes and numbers are checked; expressions, constraints and
//! configurations are not.

use std::collections::HashSet;

use serde_json::Value;

use super::super::workloads::check;
use super::super::workloads::read::{
    at, fill_text, fill_zero, given, given_mut, int, items, items_mut, keep, text,
};
use super::status_metadata;
use crate::sandbox::memory::field::{FieldError, Path};
use crate::sandbox::memory::kinds::{Kind, Write, meta};
use crate::sandbox::memory::names;

const REQUESTS_MAX: usize = 32;
const ALTERNATIVES_MAX: usize = 8;

/// See the module.
pub(crate) struct ResourceClaim;

/// See the module.
pub(crate) struct ResourceClaimTemplate;

impl Kind for ResourceClaim {
    fn default(&self, object: &mut Value) {
        default_requests(object, "spec.devices.requests");
    }

    fn prepare_update(&self, write: Write<'_>, object: &mut Value, old: &Value) {
        if write.subresource == "status" {
            keep(object, old, "spec");
            status_metadata::keep_all(object, old);
        }
    }

    fn validate_create(&self, object: &Value) -> Vec<FieldError> {
        let mut errors = meta::validate_create(object, true, meta::dns_subdomain);
        errors.extend(validate_devices(
            at(object, "spec.devices"),
            &Path::new("spec.devices"),
        ));
        errors
    }

    fn validate_update(&self, write: Write<'_>, object: &Value, old: &Value) -> Vec<FieldError> {
        if write.subresource == "status" {
            return meta::validate_update(object, old);
        }
        let mut errors = meta::common_update(object, old);
        errors.extend(meta::validate_create(object, true, meta::dns_subdomain));
        errors.extend(meta::own_update(object, old));
        errors.extend(check::immutable(object, old, "spec"));
        errors
    }
}

impl Kind for ResourceClaimTemplate {
    fn default(&self, object: &mut Value) {
        default_requests(object, "spec.spec.devices.requests");
    }

    fn validate_create(&self, object: &Value) -> Vec<FieldError> {
        let mut errors = meta::validate_create(object, true, meta::dns_subdomain);
        let metadata = Path::new("spec.metadata");
        errors.extend(meta::labels(
            object,
            "spec.metadata.labels",
            &metadata.child("labels"),
        ));
        let annotations = metadata.child("annotations");
        errors.extend(meta::annotations(
            object,
            "spec.metadata.annotations",
            &annotations,
        ));
        let devices = "spec.spec.devices";
        errors.extend(validate_devices(at(object, devices), &Path::new(devices)));
        errors
    }

    fn validate_update(&self, _write: Write<'_>, object: &Value, old: &Value) -> Vec<FieldError> {
        let mut errors = meta::common_update(object, old);
        errors.extend(self.validate_create(object));
        errors.extend(meta::own_update(object, old));
        errors.extend(check::immutable(object, old, "spec"));
        errors
    }
}

fn default_requests(object: &mut Value, path: &str) {
    for request in items_mut(object, path) {
        if let Some(exactly) = given_mut(request, "exactly") {
            default_request(exactly);
        }
        items_mut(request, "firstAvailable")
            .iter_mut()
            .for_each(default_request);
    }
}

fn default_request(request: &mut Value) {
    fill_text(request, "allocationMode", "ExactCount");
    if text(request, "allocationMode") == "ExactCount" {
        fill_zero(request, "count", 1);
    }
}

fn validate_devices(devices: &Value, path: &Path) -> Vec<FieldError> {
    let path = path.child("requests");
    let mut errors = Vec::new();
    each_once(
        items(devices, "requests"),
        REQUESTS_MAX,
        &path,
        &mut errors,
        |request, path, errors| {
            validate_name(text(request, "name"), &path.child("name"), errors);
            let alternatives = items(request, "firstAvailable");
            match (given(request, "exactly"), alternatives.is_empty()) {
            (None, true) => errors.push(FieldError::required(
                path,
                "exactly one of `exactly` or `firstAvailable` is required",
            )),
            (Some(_), false) => errors.push(FieldError::invalid(
                path,
                Value::Null,
                "exactly one of `exactly` or `firstAvailable` is required, but multiple fields are \
                 set",
            )),
            (Some(exactly), true) => validate_request(exactly, &path.child("exactly"), errors),
            (None, false) => {
                let path = path.child("firstAvailable");
                let check = |request: &Value, path: &Path, errors: &mut Vec<FieldError>| {
                    validate_name(text(request, "name"), &path.child("name"), errors);
                    validate_request(request, path, errors);
                };
                each_once(alternatives, ALTERNATIVES_MAX, &path, errors, check);
            }
        }
        },
    );
    errors
}

/// Looks at every item, at whether a name is there twice, and at how many there are.
fn each_once(
    list: &[Value],
    max: usize,
    path: &Path,
    errors: &mut Vec<FieldError>,
    check: impl Fn(&Value, &Path, &mut Vec<FieldError>),
) {
    let mut seen = HashSet::new();
    for (index, item) in list.iter().enumerate() {
        let path = path.index(index);
        check(item, &path, errors);
        let name = text(item, "name");
        if !seen.insert(name) {
            errors.push(FieldError::duplicate(&path, name));
        }
    }
    if list.len() > max {
        errors.push(FieldError::too_many(path, list.len(), max));
    }
}

fn validate_name(name: &str, path: &Path, errors: &mut Vec<FieldError>) {
    errors.extend(check::invalid_each(path, name, names::dns1123_label(name)));
}

fn validate_request(request: &Value, path: &Path, errors: &mut Vec<FieldError>) {
    let class_path = path.child("deviceClassName");
    match text(request, "deviceClassName") {
        "" => errors.push(FieldError::required(&class_path, "")),
        class => errors.extend(check::invalid_each(
            &class_path,
            class,
            names::dns1123_subdomain(class),
        )),
    }
    let count = int(request, "count");
    let count_path = path.child("count");
    match text(request, "allocationMode") {
        "All" if count != 0 => {
            let words = "must not be specified when allocationMode is 'All'";
            errors.push(FieldError::invalid(&count_path, count, words));
        }
        "ExactCount" if count <= 0 => {
            errors.push(FieldError::invalid(
                &count_path,
                count,
                "must be greater than zero",
            ));
        }
        "All" | "ExactCount" => {}
        mode => {
            let path = path.child("allocationMode");
            errors.push(FieldError::not_supported(
                &path,
                mode,
                &["All", "ExactCount"],
            ));
        }
    }
}

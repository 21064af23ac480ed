//! Small checks that the parts of a pod share.

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

use crate::sandbox::memory::field::{FieldError, Path};
use crate::sandbox::memory::names;

/// Errors as they are found, in the real server's order.
pub(crate) type Errors = Vec<FieldError>;

/// The text, empty where none is given.
pub(crate) fn text(text: &Option<String>) -> &str {
    text.as_deref().unwrap_or_default()
}

/// One error for each thing that is wrong with a value.
pub(crate) fn invalid_each(errors: &mut Errors, path: &Path, value: &str, wrong: Vec<String>) {
    errors.extend(
        wrong
            .into_iter()
            .map(|why| FieldError::invalid(path, value, why)),
    );
}

/// Text that must be there; whether it is.
pub(crate) fn required(errors: &mut Errors, value: &str, path: &Path) -> bool {
    if value.is_empty() {
        errors.push(FieldError::required(path, ""));
    }
    !value.is_empty()
}

/// A DNS label that must be there.
pub(crate) fn required_label(errors: &mut Errors, value: &str, path: &Path) {
    if required(errors, value, path) {
        invalid_each(errors, path, value, names::dns1123_label(value));
    }
}

/// A DNS subdomain that must be there.
pub(crate) fn required_subdomain(errors: &mut Errors, value: &str, path: &Path) {
    if required(errors, value, path) {
        invalid_each(errors, path, value, names::dns1123_subdomain(value));
    }
}

/// One of those; anything else, also nothing, is not supported.
pub(crate) fn one_of(errors: &mut Errors, value: &str, supported: &[&str], path: &Path) {
    if !supported.contains(&value) {
        errors.push(FieldError::not_supported(path, value, supported));
    }
}

/// One of those, and required.
pub(crate) fn required_one_of(errors: &mut Errors, value: &str, supported: &[&str], path: &Path) {
    if required(errors, value, path) {
        one_of(errors, value, supported, path);
    }
}

/// A number that is not below 0.
pub(crate) fn not_negative(errors: &mut Errors, value: i64, path: &Path) {
    if value < 0 {
        errors.push(FieldError::invalid(
            path,
            value,
            "must be greater than or equal to 0",
        ));
    }
}

/// A number that is wrong.
pub(crate) fn invalid_number(errors: &mut Errors, path: &Path, value: i64, wrong: Vec<String>) {
    errors.extend(
        wrong
            .into_iter()
            .map(|why| FieldError::invalid(path, value, why)),
    );
}

/// `ValidatePortNumOrName`.
pub(crate) fn port(errors: &mut Errors, port: &IntOrString, path: &Path) {
    match port {
        IntOrString::Int(number) => {
            let number = i64::from(*number);
            invalid_number(errors, path, number, names::valid_port_num(number));
        }
        IntOrString::String(name) => invalid_each(errors, path, name, names::valid_port_name(name)),
    }
}

/// A mode of a file.
pub(crate) fn mode(errors: &mut Errors, mode: Option<i32>, path: &Path) {
    if let Some(mode) = mode.filter(|mode| !(0..=0o777).contains(mode)) {
        let why = "must be a number between 0 and 0777 (octal), both inclusive";
        errors.push(FieldError::invalid(path, mode, why));
    }
}

/// `ValidateLabels`.
pub(crate) fn labels(errors: &mut Errors, map: &Option<BTreeMap<String, String>>, path: &Path) {
    for (key, value) in map.iter().flatten() {
        invalid_each(errors, path, key, names::qualified_name(key));
        invalid_each(errors, path, value, names::label_value(value));
    }
}

/// `ValidateLabelSelector`.
pub(crate) fn selector(errors: &mut Errors, selector: &Option<LabelSelector>, path: &Path) {
    let Some(selector) = selector else { return };
    labels(errors, &selector.match_labels, &path.child("matchLabels"));
    for (at, term) in selector.match_expressions.iter().flatten().enumerate() {
        let path = path.child("matchExpressions").index(at);
        let values = term.values.as_deref().unwrap_or_default();
        match term.operator.as_str() {
            "In" | "NotIn" if values.is_empty() => errors.push(FieldError::required(
                &path.child("values"),
                "must be specified when `operator` is 'In' or 'NotIn'",
            )),
            "Exists" | "DoesNotExist" if !values.is_empty() => errors.push(FieldError::forbidden(
                &path.child("values"),
                "may not be specified when `operator` is 'Exists' or 'DoesNotExist'",
            )),
            "In" | "NotIn" | "Exists" | "DoesNotExist" => {}
            other => errors.push(FieldError::invalid(
                &path.child("operator"),
                other,
                "not a valid selector operator",
            )),
        }
        invalid_each(
            errors,
            &path.child("key"),
            &term.key,
            names::qualified_name(&term.key),
        );
        for (at, value) in values.iter().enumerate() {
            let path = path.child("values").index(at);
            invalid_each(errors, &path, value, names::label_value(value));
        }
    }
}

/// `validateLocalDescendingPath`.
pub(crate) fn descending_path(errors: &mut Errors, target: &str, path: &Path) {
    if target.starts_with('/') {
        errors.push(FieldError::invalid(path, target, "must be a relative path"));
    }
    no_backsteps(errors, target, path);
}

/// `validatePathNoBacksteps`.
pub(crate) fn no_backsteps(errors: &mut Errors, target: &str, path: &Path) {
    if has_backsteps(target) {
        errors.push(FieldError::invalid(path, target, "must not contain '..'"));
    }
}

/// Whether one of a path's parts is `..`.
pub(crate) fn has_backsteps(target: &str) -> bool {
    target.split('/').any(|part| part == "..")
}

/// `ValidateLocalNonReservedPath`.
pub(crate) fn unreserved_path(errors: &mut Errors, target: &str, path: &Path) {
    descending_path(errors, target, path);
    if target.starts_with("..") && !target.starts_with("../") {
        errors.push(FieldError::invalid(
            path,
            target,
            "must not start with '..'",
        ));
    }
}

//! The metrics of a HorizontalPodAutoscaler (`validateMetrics`).

use serde_json::Value;

use super::super::check;
use super::super::read::{at, given, items, number, text};
use super::{Group, sign, validate_reference};
use crate::sandbox::memory::field::{FieldError, Path};
use crate::sandbox::memory::names;

const TYPES: [&str; 5] = [
    "ContainerResource",
    "External",
    "Object",
    "Pods",
    "Resource",
];

/// The fields of sources, in the order in which they are looked at, with the types that they are for.
const SOURCES: [(&str, &str); 5] = [
    ("object", "Object"),
    ("external", "External"),
    ("pods", "Pods"),
    ("resource", "Resource"),
    ("containerResource", "ContainerResource"),
];

pub(super) fn validate_all(spec: &Value, path: &Path) -> Vec<FieldError> {
    let metrics = items(spec, "metrics");
    let mut errors = Vec::new();
    for (index, metric) in metrics.iter().enumerate() {
        errors.extend(validate(metric, &path.index(index)));
    }
    let is_outside = |metric: &Value| ["Object", "External"].contains(&text(metric, "type"));
    if number(spec, "minReplicas") == Some(0) && !metrics.iter().any(is_outside) {
        errors.push(FieldError::forbidden(
            path,
            "must specify at least one Object or External metric to support scaling to zero replicas",
        ));
    }
    errors
}

fn validate(metric: &Value, path: &Path) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let type_ = text(metric, "type");
    let type_path = path.child("type");
    let unknown = || FieldError::not_supported(&type_path, type_, &TYPES);
    let is_known = TYPES.contains(&type_);
    if type_.is_empty() {
        errors.push(FieldError::required(
            &type_path,
            "must specify a metric source type",
        ));
    }
    if !is_known {
        errors.push(unknown());
    }
    let present = SOURCES
        .iter()
        .filter(|(field, _)| given(metric, field).is_some());
    let present: Vec<&str> = present.map(|(field, _)| *field).collect();
    if let Some(field) = present.first() {
        errors.extend(validate_source(
            at(metric, field),
            field,
            &path.child(field),
        ));
    }
    let expected = SOURCES
        .iter()
        .find(|(_, for_type)| *for_type == type_)
        .map(|(field, _)| *field);
    match expected {
        Some(field) if !present.contains(&field) => errors.push(FieldError::required(
            &path.child(field),
            "must populate information for the given metric source",
        )),
        Some(_) => {}
        None => errors.push(unknown()),
    }
    if present.len() != 1 {
        let others = present.iter().filter(|field| Some(**field) != expected);
        errors.extend(others.map(|field| {
            FieldError::forbidden(
                &path.child(field),
                "must populate the given metric source only",
            )
        }));
    }
    errors
}

fn validate_source(source: &Value, field: &str, path: &Path) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let target_path = path.child("target");
    let target = at(source, "target");
    let has = |field: &str| given(target, field).is_some();
    match field {
        "resource" | "containerResource" => {
            errors.extend(validate_resource(
                source,
                field == "containerResource",
                path,
            ));
            errors.extend(validate_target(target, &target_path));
            match (has("averageUtilization"), has("averageValue")) {
                (false, false) => errors.push(FieldError::required(
                    &target_path.child("averageUtilization"),
                    "must set either a target raw value or a target utilization",
                )),
                (true, true) => errors.push(FieldError::forbidden(
                    &target_path.child("averageValue"),
                    "may not set both a target raw value and a target utilization",
                )),
                _ => {}
            }
            return errors;
        }
        "object" => {
            let path = path.child("describedObject");
            errors.extend(validate_reference(
                at(source, "describedObject"),
                Group::Optional,
                &path,
            ));
        }
        _ => {}
    }
    errors.extend(validate_name(
        text(source, "metric.name"),
        &path.child("metric.name"),
    ));
    errors.extend(validate_target(target, &target_path));
    let average_path = target_path.child("averageValue");
    let (has_value, has_average) = (has("value"), has("averageValue"));
    let missing = match field {
        "object" if !has_value && !has_average => "must set either a target value or averageValue",
        "external" if !has_value && !has_average => {
            "must set either a target value for metric or a per-pod target"
        }
        "pods" if !has_average => "must specify a positive target averageValue",
        _ => "",
    };
    if !missing.is_empty() {
        errors.push(FieldError::required(&average_path, missing));
    }
    if field == "external" && has_value && has_average {
        errors.push(FieldError::forbidden(
            &target_path.child("value"),
            "may not set both a target value for metric and a per-pod target",
        ));
    }
    errors
}

fn validate_resource(source: &Value, of_container: bool, path: &Path) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let name = text(source, "name");
    let name_path = path.child("name");
    if name.is_empty() {
        errors.push(FieldError::required(
            &name_path,
            "must specify a resource name",
        ));
    } else if of_container {
        errors.extend(check::container_resource_name(name, &name_path));
    }
    if of_container {
        let container = text(source, "container");
        let path = path.child("container");
        if container.is_empty() {
            errors.push(FieldError::required(&path, "must specify a container"));
        } else {
            errors.extend(check::invalid_each(
                &path,
                container,
                names::dns1123_label(container),
            ));
        }
    }
    errors
}

fn validate_name(name: &str, path: &Path) -> Vec<FieldError> {
    if name.is_empty() {
        return vec![FieldError::required(path, "must specify a metric name")];
    }
    check::invalid_each(path, name, names::path_segment(name))
}

fn validate_target(target: &Value, path: &Path) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let type_ = text(target, "type");
    let type_path = path.child("type");
    if type_.is_empty() {
        errors.push(FieldError::required(
            &type_path,
            "must specify a metric target type",
        ));
    }
    if !["Utilization", "Value", "AverageValue"].contains(&type_) {
        let words = "must be either Utilization, Value, or AverageValue";
        errors.push(FieldError::invalid(&type_path, type_, words));
    }
    for field in ["value", "averageValue"] {
        if let Some(value) = given(target, field)
            && sign(value) != 1
        {
            errors.push(FieldError::invalid(
                &path.child(field),
                value.clone(),
                "must be positive",
            ));
        }
    }
    if let Some(share) = number(target, "averageUtilization").filter(|share| *share < 1) {
        let words = "must be greater than 0";
        errors.push(FieldError::invalid(
            &path.child("averageUtilization"),
            share,
            words,
        ));
    }
    errors
}

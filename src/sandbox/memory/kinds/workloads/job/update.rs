//! What may change in a Job's spec (`ValidateJobSpecUpdate`).

use serde_json::{Map, Value};

use super::super::check;
use super::super::read::{at, flag, given, int, items, keep, number, same, text};
use super::spec;
use super::status::has_condition;
use super::validate_spec;
use crate::sandbox::memory::field::{FieldError, Path};
use crate::sandbox::memory::kinds::pod::internal;

/// See the module.
pub(super) fn validate(object: &Value, old: &Value) -> Vec<FieldError> {
    let mut errors = validate_spec(at(object, "spec"));
    errors.extend(validate_completions(object, old));
    errors.extend(check::immutable_selector(object, old, "spec.selector"));
    errors.extend(validate_template(object, old));
    let fields = [
        "spec.completionMode",
        "spec.podFailurePolicy",
        "spec.backoffLimitPerIndex",
        "spec.managedBy",
        "spec.successPolicy",
    ];
    for field in fields {
        let error = check::immutable(object, old, field);
        errors.extend(error.map(|error| match given(object, field) {
            Some(policy) if field == "spec.podFailurePolicy" => FieldError::invalid(
                &error.path,
                spec::shown_failure_policy(policy),
                error.detail,
            ),
            Some(policy) if field == "spec.successPolicy" => FieldError::invalid(
                &error.path,
                spec::shown_success_policy(policy),
                error.detail,
            ),
            _ => error,
        }));
    }
    errors
}

fn validate_completions(object: &Value, old: &Value) -> Option<FieldError> {
    let field = "spec.completions";
    if text(object, "spec.completionMode") != "Indexed" {
        return check::immutable(object, old, field);
    }
    let completions = number(object, field)?;
    let moves_together = completions == int(object, "spec.parallelism");
    (number(old, field) != Some(completions) && !moves_together).then(|| {
        let words = "can only be modified in tandem with spec.parallelism";
        FieldError::invalid(&Path::new(field), completions, words)
    })
}

/// Of a Job that is suspended and has no pods, what decides where its pods run may change, and what
/// they need.
fn validate_template(object: &Value, old: &Value) -> Option<FieldError> {
    let new = at(object, "spec.template");
    let mut expected = at(old, "spec.template").clone();
    let is_suspended = flag(old, "spec.suspend");
    let has_stopped = given(old, "status.startTime").is_none() || has_condition(old, "Suspended");
    if !(is_suspended && has_stopped && int(old, "status.active") == 0) {
        let error = check::immutable_value(new, &expected, &Path::new("spec.template"));
        return error
            .map(|error| FieldError::invalid(&error.path, shown_template(new), error.detail));
    }
    for field in [
        "spec.nodeSelector",
        "spec.tolerations",
        "spec.schedulingGates",
        "spec.affinity.nodeAffinity",
        "metadata.annotations",
        "metadata.labels",
    ] {
        if !same(at(new, field), at(&expected, field)) {
            keep(&mut expected, new, field);
        }
    }
    // A node affinity that went may leave an empty affinity behind.
    if given(new, "spec.affinity").is_none() && same(at(&expected, "spec.affinity"), &Value::Null) {
        keep(&mut expected, new, "spec.affinity");
    }
    let expected = at(&expected, "spec");
    let expected = with_resources(at(new, "spec"), expected.clone());
    let spec = at(new, "spec");
    let error = check::immutable_value(spec, &expected, &Path::new("spec.template.spec"))?;
    Some(FieldError::invalid(
        &error.path,
        internal::shown("PodSpec", spec),
        error.detail,
    ))
}

/// A template as it is inside: its metadata has no name of its own there.
fn shown_template(template: &Value) -> Value {
    let mut shown = Map::new();
    for field in ["name", "generateName", "namespace", "labels", "annotations"] {
        match at(at(template, "metadata"), field) {
            Value::Null => {}
            map @ Value::Object(_) => {
                shown.insert(field.to_owned(), check::shown_map(map));
            }
            value => {
                shown.insert(field.to_owned(), value.clone());
            }
        }
    }
    shown.insert(
        "Spec".to_owned(),
        internal::shown("PodSpec", at(template, "spec")),
    );
    Value::Object(shown)
}

/// The old pods with the resources of the new ones, where containers have kept their places.
fn with_resources(new: &Value, mut old: Value) -> Value {
    for list in ["containers", "initContainers"] {
        let containers = items(new, list);
        let olds = super::super::read::items_mut(&mut old, list);
        if containers.len() != olds.len() {
            continue;
        }
        for (container, old) in containers.iter().zip(olds) {
            if text(container, "name") == text(old, "name") {
                keep(old, container, "resources");
            }
        }
    }
    old
}

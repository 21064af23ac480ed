//! ReplicationController: `pkg/registry/core/replicationcontroller`.

use k8s_openapi::api::core::v1::PodSpec;
use serde_json::Value;

use super::super::pod;
use super::super::workloads::check;
use super::super::workloads::read::{
    at, entries, entry, fill, given, int, is_empty, number, put, text,
};
use super::podtemplate::{template_warnings, validate_template};
use super::typed;
use crate::sandbox::memory::field::{FieldError, Path};
use crate::sandbox::memory::kinds::{Kind, Write, meta};

const TEMPLATE: &str = "spec.template";

/// See the module.
pub(super) struct ReplicationController;

impl Kind for ReplicationController {
    fn default(&self, object: &mut Value) {
        fill(object, "spec.replicas", 1);
        if given(object, TEMPLATE).is_none() {
            return;
        }
        let labels = at(object, "spec.template.metadata.labels").clone();
        for place in ["spec.selector", "metadata.labels"] {
            if !is_empty(&labels) && is_empty(at(object, place)) {
                put(object, place, labels.clone());
            }
        }
        typed::change::<PodSpec>(object, "spec.template.spec", pod::default_spec);
    }

    fn validate_create(&self, object: &Value) -> Vec<FieldError> {
        let mut errors = meta::validate_create(object, true, meta::dns_subdomain);
        errors.extend(validate_spec(object));
        errors
    }

    fn validate_update(&self, write: Write<'_>, object: &Value, old: &Value) -> Vec<FieldError> {
        let mut errors = meta::validate_update(object, old);
        if write.subresource == "status" {
            errors.extend(validate_status(at(object, "status")));
        } else {
            errors.extend(validate_spec(object));
        }
        errors
    }

    fn warnings(&self, object: &Value, old: Option<&Value>) -> Vec<String> {
        let name = if old.is_none() {
            check::pod_name_warning(object)
        } else {
            None
        };
        let template = template_warnings(object, old, TEMPLATE);
        name.into_iter().chain(template).collect()
    }

    fn has_generation(&self) -> bool {
        true
    }

    fn fields(&self, object: &Value) -> Vec<(&'static str, String)> {
        vec![(
            "status.replicas",
            int(object, "status.replicas").to_string(),
        )]
    }

    fn field_labels(&self) -> &'static [&'static str] {
        &["status.replicas"]
    }
}

fn validate_spec(object: &Value) -> Vec<FieldError> {
    let path = Path::new("spec");
    let mut errors = Vec::new();
    let seconds = int(object, "spec.minReadySeconds");
    errors.extend(check::nonnegative(seconds, &path.child("minReadySeconds")));
    let selector = at(object, "spec.selector");
    if is_empty(selector) {
        errors.push(FieldError::required(&path.child("selector"), ""));
    }
    match number(object, "spec.replicas") {
        None => errors.push(FieldError::required(&path.child("replicas"), "")),
        Some(replicas) => errors.extend(check::nonnegative(replicas, &path.child("replicas"))),
    }
    let path = path.child("template");
    if given(object, TEMPLATE).is_none() {
        errors.push(FieldError::required(&path, ""));
        return errors;
    }
    let label = |key: &str| entry(object, "spec.template.metadata.labels", key);
    if entries(object, "spec.selector")
        .iter()
        .any(|(key, value)| label(key) != Some(value))
    {
        let labels = check::shown_map(at(object, "spec.template.metadata.labels"));
        let why = "`selector` does not match template `labels`";
        errors.push(FieldError::invalid(
            &path.child("metadata.labels"),
            labels,
            why,
        ));
    }
    errors.extend(validate_template(object, TEMPLATE));
    let policy = text(object, "spec.template.spec.restartPolicy");
    if policy != "Always" {
        let path = path.child("spec.restartPolicy");
        errors.push(FieldError::not_supported(&path, policy, &["Always"]));
    }
    if given(object, "spec.template.spec.activeDeadlineSeconds").is_some() {
        errors.push(FieldError::forbidden(
            &path.child("spec.activeDeadlineSeconds"),
            "activeDeadlineSeconds in ReplicationController is not Supported",
        ));
    }
    errors
}

fn validate_status(status: &Value) -> Vec<FieldError> {
    let path = Path::new("status");
    let counts = [
        "replicas",
        "fullyLabeledReplicas",
        "readyReplicas",
        "availableReplicas",
        "observedGeneration",
    ];
    let mut errors = check::nonnegatives(status, &counts, &path);
    let words = "cannot be greater than status.replicas";
    errors.extend(check::not_above(
        status,
        &counts[1..4],
        "replicas",
        words,
        &path,
    ));
    let words = "cannot be greater than readyReplicas";
    errors.extend(check::not_above(
        status,
        &counts[3..4],
        "readyReplicas",
        words,
        &path,
    ));
    errors
}

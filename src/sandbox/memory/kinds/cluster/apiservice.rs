//! APIService: `pkg/apis/apiregistration` and `pkg/registry/apiservice` of kube-aggregator. One with a
//! service is refused elsewhere: nothing here passes requests on.

use serde_json::{Value, json};

use super::super::workloads::check;
use super::super::workloads::read::{
    at, fill, flag, given, given_mut, int, items, keep, put, text,
};
use super::now;
use crate::sandbox::memory::field::{FieldError, Path};
use crate::sandbox::memory::kinds::{Kind, Write, meta};
use crate::sandbox::memory::names;

/// See the module.
pub(crate) struct ApiService;

impl Kind for ApiService {
    fn default(&self, object: &mut Value) {
        if let Some(service) = given_mut(object, "spec.service") {
            fill(service, "port", 443);
        }
    }

    fn prepare_create(&self, object: &mut Value) {
        if given(object, "spec.service").is_none() {
            let condition = json!({
                "type": "Available",
                "status": "True",
                "lastTransitionTime": now(),
                "reason": "Local",
                "message": "Local APIServices are always available",
            });
            put(object, "status", json!({"conditions": [condition]}));
        }
    }

    fn prepare_update(&self, write: Write<'_>, object: &mut Value, old: &Value) {
        if write.subresource == "status" {
            for field in ["labels", "annotations", "finalizers", "ownerReferences"] {
                keep(object, old, &format!("metadata.{field}"));
            }
        }
    }

    fn validate_create(&self, object: &Value) -> Vec<FieldError> {
        let expected = format!(
            "{}.{}",
            text(object, "spec.version"),
            text(object, "spec.group")
        );
        let mut errors = meta::validate_create(object, false, meta::path_segment);
        // A name is asked to be a segment, and only then to be that of group and version.
        let name = text(object, "metadata.name");
        if !name.is_empty() && names::path_segment(name).is_empty() && name != expected {
            let words = format!("must be `spec.version+\".\"+spec.group`: {expected:?}");
            errors.insert(
                0,
                FieldError::invalid(&Path::new("metadata.name"), name, words),
            );
        }
        errors.extend(validate_spec(at(object, "spec")));
        errors
    }

    fn validate_update(&self, write: Write<'_>, object: &Value, old: &Value) -> Vec<FieldError> {
        let mut errors = meta::validate_update(object, old);
        if write.subresource == "status" {
            errors.extend(validate_status(object));
        } else {
            errors.extend(self.validate_create(object));
        }
        errors
    }

    fn updates_unconditionally(&self) -> bool {
        false
    }
}

fn validate_spec(spec: &Value) -> Vec<FieldError> {
    let path = Path::new("spec");
    let mut errors = Vec::new();
    let (group, version) = (text(spec, "group"), text(spec, "version"));
    let group_path = path.child("group");
    if group.is_empty() && version != "v1" {
        let words = "only v1 may have an empty group and it better be legacy kube";
        errors.push(FieldError::required(&group_path, words));
    }
    if !group.is_empty() {
        errors.extend(check::invalid_each(
            &group_path,
            group,
            names::dns1123_subdomain(group),
        ));
    }
    let version_path = path.child("version");
    errors.extend(check::invalid_each(
        &version_path,
        version,
        names::dns1035_label(version),
    ));
    for (field, most) in [("groupPriorityMinimum", 20_000), ("versionPriority", 1000)] {
        let priority = int(spec, field);
        if !(1..=most).contains(&priority) {
            let words = format!("must be positive and less than {most}");
            errors.push(FieldError::invalid(&path.child(field), priority, words));
        }
    }
    let is_insecure = flag(spec, "insecureSkipTLSVerify");
    let bundle = text(spec, "caBundle");
    let insecure_path = path.child("insecureSkipTLSVerify");
    let Some(service) = given(spec, "service") else {
        if !bundle.is_empty() {
            let padding = bundle.bytes().rev().take_while(|b| *b == b'=').count();
            let shown = format!("{} bytes", (bundle.len() / 4 * 3).saturating_sub(padding));
            let words = "local APIServices may not have a caBundle";
            errors.push(FieldError::invalid(&path.child("caBundle"), shown, words));
        }
        if is_insecure {
            let words = "local APIServices may not have insecureSkipTLSVerify";
            errors.push(FieldError::invalid(&insecure_path, true, words));
        }
        return errors;
    };
    let path = path.child("service");
    for field in ["namespace", "name"] {
        if text(service, field).is_empty() {
            errors.push(FieldError::required(&path.child(field), ""));
        }
    }
    let port = int(service, "port");
    let wrong = names::valid_port_num(port);
    if !wrong.is_empty() {
        let words = format!("port is not valid: {}", wrong.join(", "));
        errors.push(FieldError::invalid(&path.child("port"), port, words));
    }
    if is_insecure && !bundle.is_empty() {
        let words = "may not be true if caBundle is present";
        errors.push(FieldError::invalid(&insecure_path, true, words));
    }
    errors
}

fn validate_status(object: &Value) -> Vec<FieldError> {
    let field = "status.conditions";
    let states = ["True", "False", "Unknown"];
    let conditions = items(object, field).iter().enumerate();
    let wrong = conditions.filter(|(_, condition)| !states.contains(&text(condition, "status")));
    wrong
        .map(|(index, condition)| {
            let path = Path::new(field).index(index).child("status");
            FieldError::not_supported(&path, text(condition, "status"), &states)
        })
        .collect()
}

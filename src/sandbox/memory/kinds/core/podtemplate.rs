//! PodTemplate: `pkg/registry/core/podtemplate`.

use k8s_openapi::api::core::v1::{PodSpec, PodTemplateSpec};
use serde_json::Value;

use super::super::pod;
use super::super::workloads::read::at;
use super::typed;
use crate::sandbox::memory::field::{FieldError, Path};
use crate::sandbox::memory::kinds::{Kind, Write, meta};

/// See the module.
pub(super) struct PodTemplate;

impl Kind for PodTemplate {
    fn default(&self, object: &mut Value) {
        typed::change::<PodSpec>(object, "template.spec", pod::default_spec);
    }

    fn validate_create(&self, object: &Value) -> Vec<FieldError> {
        let mut errors = meta::validate_create(object, true, meta::dns_subdomain);
        errors.extend(validate_template(object, "template"));
        errors
    }

    fn validate_update(&self, _write: Write<'_>, object: &Value, old: &Value) -> Vec<FieldError> {
        let mut errors = meta::validate_update(object, old);
        errors.extend(validate_template(object, "template"));
        errors
    }

    fn warnings(&self, object: &Value, old: Option<&Value>) -> Vec<String> {
        template_warnings(object, old, "template")
    }

    fn has_generation(&self) -> bool {
        true
    }
}

/// What is wrong with the template at a path.
pub(super) fn validate_template(object: &Value, path: &str) -> Vec<FieldError> {
    let place = Path::new(path);
    match typed::read::<PodTemplateSpec>(at(object, path), &place) {
        Ok(template) => pod::validate_template(&template, &place),
        Err(errors) => errors,
    }
}

/// The warnings about the template at a path, if it is new or another.
pub(super) fn template_warnings(object: &Value, old: Option<&Value>, path: &str) -> Vec<String> {
    if old.is_some_and(|old| at(object, path) == at(old, path)) {
        return Vec::new();
    }
    let place = Path::new(path);
    let template = typed::read::<PodTemplateSpec>(at(object, path), &place).unwrap_or_default();
    pod::template_warnings(&template, &place)
}

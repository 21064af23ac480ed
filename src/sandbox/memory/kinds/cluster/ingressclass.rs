//! IngressClass: `pkg/apis/networking` and `pkg/registry/networking/ingressclass`.

use serde_json::Value;

use super::super::workloads::check;
use super::super::workloads::read::{at, fill, given, given_mut, text};
use super::reference;
use crate::sandbox::memory::field::{FieldError, Path};
use crate::sandbox::memory::kinds::{Kind, Write, meta};
use crate::sandbox::memory::names;

/// See the module.
pub(crate) struct IngressClass;

impl Kind for IngressClass {
    fn default(&self, object: &mut Value) {
        if let Some(parameters) = given_mut(object, "spec.parameters") {
            fill(parameters, "scope", "Cluster");
        }
    }

    fn validate_create(&self, object: &Value) -> Vec<FieldError> {
        let mut errors = meta::validate_create(object, false, meta::dns_subdomain);
        let path = Path::new("spec");
        let controller = text(object, "spec.controller");
        let controller_path = path.child("controller");
        if controller.len() > 250 {
            errors.push(FieldError::too_long(&controller_path, 250));
        }
        errors.extend(check::domain_prefixed_path(controller, &controller_path));
        if let Some(parameters) = given(object, "spec.parameters") {
            errors.extend(validate_parameters(parameters, &path.child("parameters")));
        }
        errors
    }

    fn validate_update(&self, _write: Write<'_>, object: &Value, old: &Value) -> Vec<FieldError> {
        let mut errors = meta::validate_update(object, old);
        let field = "spec.controller";
        let controller = text(object, field);
        if controller != text(old, field) {
            errors.push(FieldError::invalid(
                &Path::new(field),
                controller,
                "field is immutable",
            ));
        }
        errors.extend(self.validate_create(object));
        errors
    }

    fn has_generation(&self) -> bool {
        true
    }
}

fn validate_parameters(parameters: &Value, path: &Path) -> Vec<FieldError> {
    let mut errors = reference::validate(parameters, path);
    let scope_path = path.child("scope");
    let path = path.child("namespace");
    let namespace = at(parameters, "namespace").as_str();
    match (at(parameters, "scope").as_str(), namespace) {
        (None, _) => errors.push(FieldError::required(&scope_path, "")),
        (Some("Namespace"), None) => {
            let words = "`parameters.scope` is set to 'Namespace'";
            errors.push(FieldError::required(&path, words));
        }
        (Some("Namespace"), Some(name)) => {
            errors.extend(check::invalid_each(&path, name, names::dns1123_label(name)));
        }
        (Some("Cluster"), Some(_)) => {
            let words = "`parameters.scope` is set to 'Cluster'";
            errors.push(FieldError::forbidden(&path, words));
        }
        (Some("Cluster"), None) => {}
        (Some(scope), _) => {
            let scopes = ["Cluster", "Namespace"];
            errors.push(FieldError::not_supported(&scope_path, scope, &scopes));
        }
    }
    errors
}

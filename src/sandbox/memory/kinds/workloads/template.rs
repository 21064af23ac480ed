//! The pods that a workload makes: defaults and checks of `spec.template`.

use k8s_openapi::api::core::v1::{PodSpec, PodTemplateSpec};
use serde::Deserialize;
use serde_json::Value;

use super::check;
use super::read::{at, given, slot, text};
use crate::sandbox::memory::field::{FieldError, Path};
use crate::sandbox::memory::kinds::pod;

/// Sets the defaults of a template's pods. What is no pod spec is left to [`validate`].
pub(crate) fn default(object: &mut Value, path: &str) {
    let Some(place) = slot(object, path).and_then(|template| slot(template, "spec")) else {
        return;
    };
    let given = if place.is_null() {
        Ok(PodSpec::default())
    } else {
        PodSpec::deserialize(&*place)
    };
    let Ok(mut spec) = given else {
        return;
    };
    pod::default_spec(&mut spec);
    if let Ok(spec) = serde_json::to_value(spec) {
        *place = spec;
    }
}

/// What is wrong with a template (`ValidatePodTemplateSpec`).
pub(crate) fn validate(template: &Value, path: &Path) -> Vec<FieldError> {
    match typed(template) {
        Ok(template) => pod::validate_template(&template, path),
        Err(error) => vec![FieldError::internal(path, error.to_string())],
    }
}

/// A template as its type, from a copy.
pub(crate) fn typed(template: &Value) -> serde_json::Result<PodTemplateSpec> {
    if template.is_null() {
        return Ok(PodTemplateSpec::default());
    }
    PodTemplateSpec::deserialize(template)
}

/// Labels that the selector does not select.
pub(crate) fn not_selected(selector: &Value, template: &Value, path: &Path) -> Option<FieldError> {
    let labels = at(template, "metadata.labels");
    (!check::selects(selector, labels)).then(|| {
        FieldError::invalid(
            &path.child("metadata.labels"),
            check::shown_map(labels),
            "`selector` does not match template `labels`",
        )
    })
}

/// A restart policy other than `Always`, and a deadline: not for pods that run for ever.
pub(crate) fn ends(template: &Value, kind: &str, path: &Path) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let policy = text(template, "spec.restartPolicy");
    if policy != "Always" {
        let path = path.child("spec.restartPolicy");
        errors.push(FieldError::not_supported(&path, policy, &["Always"]));
    }
    if given(template, "spec.activeDeadlineSeconds").is_some() {
        errors.push(FieldError::forbidden(
            &path.child("spec.activeDeadlineSeconds"),
            format!("activeDeadlineSeconds in {kind} is not Supported"),
        ));
    }
    errors
}

/// `ValidatePodTemplateSpecForReplicaSet`, after the check of a selector that selects no pods at all.
pub(crate) fn validate_selected(
    selector: &Value,
    template: &Value,
    path: &Path,
) -> Vec<FieldError> {
    let mut errors = Vec::new();
    if selector.is_null() || !check::selects_all(selector) {
        errors.extend(not_selected(selector, template, path));
    }
    errors.extend(validate(template, path));
    errors.extend(ends(template, "ReplicaSet", path));
    errors
}

/// A selector that must be there and have terms, and the template that it selects.
pub(crate) fn validate_with_selector(spec: &Value, words: &str) -> Vec<FieldError> {
    let path = Path::new("spec.selector");
    let selector = at(spec, "selector");
    let mut errors = Vec::new();
    let wrong = check::selector(selector, &path);
    let is_wrong = !wrong.is_empty();
    if selector.is_null() {
        errors.push(FieldError::required(&path, ""));
    } else {
        errors.extend(wrong);
        if check::selects_all(selector) {
            let words = format!("empty selector is invalid for {words}");
            errors.push(FieldError::invalid(
                &path,
                check::shown_selector(selector),
                words,
            ));
        }
    }
    if is_wrong {
        let shown = check::shown_selector(selector);
        errors.push(FieldError::invalid(&path, shown, "invalid label selector"));
    } else {
        let template = at(spec, "template");
        errors.extend(validate_selected(
            selector,
            template,
            &Path::new("spec.template"),
        ));
    }
    errors
}

/// The warnings about a template, for an object whose template changed, or is new.
pub(crate) fn warnings(object: &Value, old: Option<&Value>) -> Vec<String> {
    warnings_at(object, old, "spec.template")
}

/// See [`warnings`].
pub(crate) fn warnings_at(object: &Value, old: Option<&Value>, template: &str) -> Vec<String> {
    if old.is_some_and(|old| at(object, template) == at(old, template)) {
        return Vec::new();
    }
    match typed(at(object, template)) {
        Ok(pods) => pod::template_warnings(&pods, &Path::new(template)),
        Err(_) => Vec::new(),
    }
}

/// [`warnings`], and at first one about a name that does not fit those of pods.
pub(crate) fn warnings_of_change(object: &Value, old: Option<&Value>) -> Vec<String> {
    let name = if old.is_none() {
        check::pod_name_warning(object)
    } else {
        None
    };
    name.into_iter().chain(warnings(object, old)).collect()
}

//! Templates of pods (`ValidatePodTemplateSpec`).

use k8s_openapi::api::core::v1::{PodSpec, PodTemplateSpec};
use serde_json::json;

use super::check::labels;
use super::spec::Owner;
use super::{annotations, spec};
use crate::sandbox::memory::field::{FieldError, Path};
use crate::sandbox::memory::kinds::meta;

/// What is wrong with a template; `path` is the template's.
pub fn validate_template(template: &PodTemplateSpec, path: &Path) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let metadata = template.metadata.clone().unwrap_or_default();
    labels(&mut errors, &metadata.labels, &path.child("labels"));
    let annotations_path = path.child("annotations");
    let shown = json!({"annotations": metadata.annotations});
    errors.extend(meta::annotations(&shown, "annotations", &annotations_path));
    let all = metadata.annotations.unwrap_or_default();
    let empty = PodSpec::default();
    let own = template.spec.as_ref().unwrap_or(&empty);
    annotations::validate(&mut errors, &all, own, &annotations_path);
    let path = path.child("spec");
    let owner = Owner {
        is_pod: false,
        name: "",
        is_mirror: false,
    };
    spec::validate(&mut errors, own, owner, &path);
    annotations::validate_match(&mut errors, &all, own, &path);
    if own
        .ephemeral_containers
        .as_ref()
        .is_some_and(|containers| !containers.is_empty())
    {
        let why = "ephemeral containers not allowed in pod template";
        errors.push(FieldError::forbidden(
            &path.child("ephemeralContainers"),
            why,
        ));
    }
    errors
}

//! What is wrong with a pod (`validatePodMetadataAndSpec` and `ValidatePodCreate`).

use k8s_openapi::api::core::v1::PodSpec;
use serde_json::Value;

use super::super::super::workloads::read::{at, text};
use super::super::typed;
use super::annotations;
use super::shared::{self, check::Errors};
use crate::sandbox::memory::field::{FieldError, Path};
use crate::sandbox::memory::kinds::meta;

/// A new pod.
pub(super) fn create(object: &Value) -> Vec<FieldError> {
    let spec = match spec_of(object) {
        Ok(spec) => spec,
        Err(errors) => return errors,
    };
    let mut errors = metadata_and_spec(object, &spec);
    let path = Path::new("spec");
    if spec
        .ephemeral_containers
        .as_ref()
        .is_some_and(|containers| !containers.is_empty())
    {
        let path = path.child("ephemeralContainers");
        errors.push(FieldError::forbidden(&path, "cannot be set on create"));
    }
    let is_gated = spec
        .scheduling_gates
        .as_ref()
        .is_some_and(|gates| !gates.is_empty());
    if is_gated && spec.node_name.as_ref().is_some_and(|name| !name.is_empty()) {
        let why = "cannot be set until all schedulingGates have been cleared";
        errors.push(FieldError::forbidden(&path.child("nodeName"), why));
    }
    shared::annotations::validate_match(&mut errors, &annotations(object), &spec, &path);
    errors
}

/// The pod's spec as its type.
pub(super) fn spec_of(object: &Value) -> Result<PodSpec, Vec<FieldError>> {
    typed::read(at(object, "spec"), &Path::new("spec"))
}

/// What pods are held to at all times.
pub(super) fn metadata_and_spec(object: &Value, spec: &PodSpec) -> Errors {
    let mut errors = meta::validate_create(object, true, meta::dns_subdomain);
    let all = annotations(object);
    let annotations_path = Path::new("metadata.annotations");
    shared::annotations::validate(&mut errors, &all, spec, &annotations_path);
    let path = Path::new("spec");
    let owner = shared::Owner {
        is_pod: true,
        name: text(object, "metadata.name"),
        is_mirror: all.contains_key(shared::annotations::MIRROR),
    };
    shared::validate_spec(&mut errors, spec, owner, &path);
    if spec
        .service_account_name
        .as_ref()
        .is_none_or(String::is_empty)
    {
        for (at, volume) in spec.volumes.iter().flatten().enumerate() {
            let sources = volume
                .projected
                .iter()
                .flat_map(|p| p.sources.iter().flatten());
            for (index, _) in sources
                .enumerate()
                .filter(|(_, s)| s.service_account_token.is_some())
            {
                let path = path
                    .child("volumes")
                    .index(at)
                    .child("projected.sources")
                    .index(index);
                let why = "must not be specified when serviceAccountName is not set";
                errors.push(FieldError::forbidden(
                    &path.child("serviceAccountToken"),
                    why,
                ));
            }
        }
    }
    let init = spec.init_containers.as_deref().unwrap_or_default();
    for (field, containers) in [
        ("containers", &spec.containers[..]),
        ("initContainers", init),
    ] {
        for (at, container) in containers.iter().enumerate() {
            let path = path.child(field).index(at);
            shared::image_has_no_edges(&mut errors, container, &path);
        }
    }
    errors
}

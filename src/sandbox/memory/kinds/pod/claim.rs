//! Specs of persistent volume claims, in claims and in ephemeral volumes.

use k8s_openapi::api::core::v1::{EphemeralVolumeSource, PersistentVolumeClaimSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde_json::json;

use super::check::{Errors, invalid_each, labels, one_of, required, selector, text};
use super::resources;
use crate::sandbox::memory::field::{FieldError, Path};
use crate::sandbox::memory::kinds::meta;
use crate::sandbox::memory::names;
use crate::sandbox::memory::quantity::Quantity;

/// How a volume can be mounted.
pub(crate) const ACCESS_MODES: [&str; 4] = [
    "ReadOnlyMany",
    "ReadWriteMany",
    "ReadWriteOnce",
    "ReadWriteOncePod",
];

/// `validateEphemeralVolumeSource`.
pub(super) fn validate_template(errors: &mut Errors, source: &EphemeralVolumeSource, path: &Path) {
    let path = path.child("volumeClaimTemplate");
    let Some(template) = &source.volume_claim_template else {
        errors.push(FieldError::required(&path, ""));
        return;
    };
    if let Some(metadata) = &template.metadata {
        template_meta(errors, metadata, &path.child("metadata"));
    }
    validate(errors, &template.spec, &path.child("spec"));
}

/// `ValidateTemplateObjectMeta`: labels and annotations alone.
fn template_meta(errors: &mut Errors, metadata: &ObjectMeta, path: &Path) {
    let shown = json!({"annotations": metadata.annotations});
    errors.extend(meta::annotations(
        &shown,
        "annotations",
        &path.child("annotations"),
    ));
    labels(errors, &metadata.labels, &path.child("labels"));
    let others = [
        ("name", metadata.name.is_some()),
        ("generateName", metadata.generate_name.is_some()),
        ("namespace", metadata.namespace.is_some()),
        ("selfLink", metadata.self_link.is_some()),
        ("uID", metadata.uid.is_some()),
        ("resourceVersion", metadata.resource_version.is_some()),
        ("generation", metadata.generation.is_some()),
        ("creationTimestamp", metadata.creation_timestamp.is_some()),
        ("deletionTimestamp", metadata.deletion_timestamp.is_some()),
        (
            "deletionGracePeriodSeconds",
            metadata.deletion_grace_period_seconds.is_some(),
        ),
        ("ownerReferences", metadata.owner_references.is_some()),
        ("finalizers", metadata.finalizers.is_some()),
        ("managedFields", metadata.managed_fields.is_some()),
    ];
    for (field, _) in others.into_iter().filter(|(_, is_set)| *is_set) {
        errors.push(FieldError::forbidden(&path.child(field), "cannot be set"));
    }
}

/// `ValidatePersistentVolumeClaimSpec`.
pub(crate) fn validate(errors: &mut Errors, spec: &PersistentVolumeClaimSpec, path: &Path) {
    let modes = spec.access_modes.as_deref().unwrap_or_default();
    let modes_path = path.child("accessModes");
    if modes.is_empty() {
        errors.push(FieldError::required(
            &modes_path,
            "at least 1 access mode is required",
        ));
    }
    selector(errors, &spec.selector, &path.child("selector"));
    access_modes(errors, modes, &modes_path);
    let requests = spec
        .resources
        .as_ref()
        .and_then(|resources| resources.requests.as_ref());
    let storage_path = path.child("resources").key("storage");
    match requests.and_then(|requests| Quantity::parse(&requests.get("storage")?.0)) {
        None => errors.push(FieldError::required(&storage_path, "")),
        Some(storage) if storage.sign() <= 0 => {
            let why = "must be greater than zero";
            errors.push(FieldError::invalid(&storage_path, storage.canonical(), why));
        }
        Some(storage) => resources::value(errors, "storage", &storage, &storage_path),
    }
    class(
        errors,
        text(&spec.storage_class_name),
        &path.child("storageClassName"),
    );
    if let Some(mode) = &spec.volume_mode {
        one_of(
            errors,
            mode,
            &["Block", "Filesystem"],
            &path.child("volumeMode"),
        );
    }
    if let Some(source) = &spec.data_source {
        let path = path.child("dataSource");
        data_source(
            errors,
            &source.name,
            &source.kind,
            text(&source.api_group),
            &path,
        );
    }
    if let Some(source) = &spec.data_source_ref {
        let path = path.child("dataSourceRef");
        data_source(
            errors,
            &source.name,
            &source.kind,
            text(&source.api_group),
            &path,
        );
        let namespace = text(&source.namespace);
        if !namespace.is_empty() {
            let wrong = names::dns1123_label(namespace);
            invalid_each(errors, &path.child("namespace"), namespace, wrong);
        }
    }
    if let (Some(source), Some(reference)) = (&spec.data_source, &spec.data_source_ref) {
        let is_same = source.name == reference.name
            && source.kind == reference.kind
            && source.api_group == reference.api_group;
        // Kubernetes shows a path there, which is empty as JSON.
        if !text(&reference.namespace).is_empty() {
            let why = "may not be specified when dataSourceRef.namespace is specified";
            errors.push(FieldError::invalid(path, json!({}), why));
        } else if !is_same {
            errors.push(FieldError::invalid(
                path,
                json!({}),
                "must match dataSourceRef",
            ));
        }
    }
    let attributes = text(&spec.volume_attributes_class_name);
    class(errors, attributes, &path.child("volumeAttributesClassName"));
}

/// A class's name, which may be left out.
pub(crate) fn class(errors: &mut Errors, name: &str, path: &Path) {
    if !name.is_empty() {
        invalid_each(errors, path, name, names::dns1123_subdomain(name));
    }
}

/// How a volume can be mounted; once by one pod excludes all other ways.
pub(crate) fn access_modes(errors: &mut Errors, modes: &[String], path: &Path) {
    for mode in modes {
        one_of(errors, mode, &ACCESS_MODES, path);
    }
    let is_once = |mode: &String| mode == "ReadWriteOncePod";
    let is_other = |mode: &String| !is_once(mode) && ACCESS_MODES.contains(&mode.as_str());
    if modes.iter().any(is_once) && modes.iter().any(is_other) {
        let why = "may not use ReadWriteOncePod with other access modes";
        errors.push(FieldError::forbidden(path, why));
    }
}

fn data_source(errors: &mut Errors, name: &str, kind: &str, group: &str, path: &Path) {
    required(errors, name, &path.child("name"));
    required(errors, kind, &path.child("kind"));
    if group.is_empty() {
        if kind != "PersistentVolumeClaim" {
            let why = "must be 'PersistentVolumeClaim' when referencing the default apiGroup";
            errors.push(FieldError::invalid(path, kind, why));
        }
    } else {
        let wrong = names::dns1123_subdomain(group);
        invalid_each(errors, &path.child("apiGroup"), group, wrong);
    }
}

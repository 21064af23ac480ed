//! Where a container mounts the pod's volumes.

use std::collections::{HashMap, HashSet};

use k8s_openapi::api::core::v1::{Container, Volume, VolumeMount};

use super::check::{Errors, descending_path, has_backsteps, one_of, required, text};
use crate::sandbox::memory::field::{FieldError, Path};

/// The pod's volumes that are well, by their names.
pub(super) type Volumes<'a> = HashMap<&'a str, &'a Volume>;

/// `ValidateVolumeMounts` and `ValidateVolumeDevices`.
pub(super) fn validate(
    errors: &mut Errors,
    container: &Container,
    volumes: &Volumes<'_>,
    path: &Path,
) {
    validate_mounts(errors, container, volumes, &path.child("volumeMounts"));
    validate_devices(errors, container, volumes, &path.child("volumeDevices"));
}

fn validate_mounts(errors: &mut Errors, container: &Container, volumes: &Volumes<'_>, path: &Path) {
    let devices = container.volume_devices.as_deref().unwrap_or_default();
    let device_names: HashSet<&str> = devices.iter().map(|device| device.name.as_str()).collect();
    let device_paths: HashSet<&str> = devices.iter().map(|d| d.device_path.as_str()).collect();
    let mut seen = HashSet::new();
    for (at, mount) in container.volume_mounts.iter().flatten().enumerate() {
        let own = path.index(at);
        let (name, target) = (mount.name.as_str(), mount.mount_path.as_str());
        required(errors, name, &own.child("name"));
        if !volumes.contains_key(name) {
            errors.push(FieldError::not_found(&own.child("name"), name));
        }
        required(errors, target, &own.child("mountPath"));
        let mut invalid = |field: &str, value: &str, why: &str| {
            errors.push(FieldError::invalid(&own.child(field), value, why));
        };
        if !seen.insert(target) {
            invalid("mountPath", target, "must be unique");
        }
        if device_names.contains(name) {
            invalid("name", name, "must not already exist in volumeDevices");
        }
        if device_paths.contains(target) {
            invalid(
                "mountPath",
                target,
                "must not already exist as a path in volumeDevices",
            );
        }
        let sub_path = text(&mount.sub_path);
        if !sub_path.is_empty() {
            descending_path(errors, sub_path, &path.child("subPath"));
        }
        let expression = text(&mount.sub_path_expr);
        if !expression.is_empty() {
            if !sub_path.is_empty() {
                errors.push(FieldError::invalid(
                    &own.child("subPathExpr"),
                    expression,
                    "subPathExpr and subPath are mutually exclusive",
                ));
            }
            descending_path(errors, expression, &path.child("subPathExpr"));
        }
        propagation(errors, mount, container, &path.child("mountPropagation"));
        recursive_read_only(errors, mount, &path.child("recursiveReadOnly"));
    }
}

fn propagation(errors: &mut Errors, mount: &VolumeMount, container: &Container, path: &Path) {
    let Some(propagation) = &mount.mount_propagation else {
        return;
    };
    one_of(
        errors,
        propagation,
        &["Bidirectional", "HostToContainer", "None"],
        path,
    );
    let context = container.security_context.as_ref();
    let is_privileged = context.and_then(|context| context.privileged) == Some(true);
    if propagation == "Bidirectional" && !is_privileged {
        let why = "Bidirectional mount propagation is available only to privileged containers";
        errors.push(FieldError::forbidden(path, why));
    }
}

fn recursive_read_only(errors: &mut Errors, mount: &VolumeMount, path: &Path) {
    match mount.recursive_read_only.as_deref() {
        None | Some("Disabled") => {}
        Some("Enabled" | "IfPossible") => {
            if mount.read_only != Some(true) {
                let why = "may only be specified when readOnly is true";
                errors.push(FieldError::forbidden(path, why));
            }
            if mount
                .mount_propagation
                .as_deref()
                .is_some_and(|mode| mode != "None")
            {
                let why = "may only be specified when mountPropagation is None or not specified";
                errors.push(FieldError::forbidden(path, why));
            }
        }
        Some(other) => {
            let supported = ["Disabled", "Enabled", "IfPossible"];
            errors.push(FieldError::not_supported(path, other, &supported));
        }
    }
}

fn validate_devices(
    errors: &mut Errors,
    container: &Container,
    volumes: &Volumes<'_>,
    path: &Path,
) {
    let mounts = container.volume_mounts.as_deref().unwrap_or_default();
    let mount_names: HashSet<&str> = mounts.iter().map(|mount| mount.name.as_str()).collect();
    let mount_paths: HashSet<&str> = mounts
        .iter()
        .map(|mount| mount.mount_path.as_str())
        .collect();
    let mut names = HashSet::new();
    let mut paths = HashSet::new();
    for (at, device) in container.volume_devices.iter().flatten().enumerate() {
        let own = path.index(at);
        let (name, target) = (device.name.as_str(), device.device_path.as_str());
        let mut push = |error: FieldError| errors.push(error);
        let invalid = |field: &str, value: &str, why: &str| {
            FieldError::invalid(&own.child(field), value, why)
        };
        if name.is_empty() {
            push(FieldError::required(&own.child("name"), ""));
        }
        if names.contains(name) {
            push(invalid("name", name, "must be unique"));
        }
        match volumes.get(name) {
            None => push(FieldError::not_found(&own.child("name"), name)),
            Some(volume)
                if volume.persistent_volume_claim.is_none() && volume.ephemeral.is_none() =>
            {
                let why = "can only use volume source type of PersistentVolumeClaim or Ephemeral \
                           for block mode";
                push(invalid("name", name, why));
            }
            Some(_) => {}
        }
        if target.is_empty() {
            push(FieldError::required(&own.child("devicePath"), ""));
        }
        if paths.contains(target) {
            push(invalid("devicePath", target, "must be unique"));
        }
        if has_backsteps(target) {
            push(invalid(
                "devicePath",
                target,
                "can not contain backsteps ('..')",
            ));
        } else {
            paths.insert(target);
        }
        if mount_names.contains(name) {
            push(invalid(
                "name",
                name,
                "must not already exist in volumeMounts",
            ));
        }
        if mount_paths.contains(target) {
            let why = "must not already exist as a path in volumeMounts";
            push(invalid("devicePath", target, why));
        }
        if !name.is_empty() {
            names.insert(name);
        }
    }
}

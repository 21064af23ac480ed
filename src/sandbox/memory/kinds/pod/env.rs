//! Environment variables of containers, and what they are taken from.

use k8s_openapi::api::core::v1::{
    ConfigMapKeySelector, Container, EnvVar, EnvVarSource, FileKeySelector, ObjectFieldSelector,
    ResourceFieldSelector, SecretKeySelector,
};

use super::check::{Errors, invalid_each, no_backsteps, required, required_label, text};
use crate::sandbox::memory::field::{FieldError, Path};
use crate::sandbox::memory::kinds::meta;
use crate::sandbox::memory::names;
use crate::sandbox::memory::quantity::Quantity;

/// What a variable may take from its pod's fields.
const ENV_FIELDS: [&str; 9] = [
    "metadata.name",
    "metadata.namespace",
    "metadata.uid",
    "spec.nodeName",
    "spec.serviceAccountName",
    "status.hostIP",
    "status.hostIPs",
    "status.podIP",
    "status.podIPs",
];
/// What a file may hold of its pod's fields.
pub(super) const FILE_FIELDS: [&str; 5] = [
    "metadata.annotations",
    "metadata.labels",
    "metadata.name",
    "metadata.namespace",
    "metadata.uid",
];
const RESOURCES: [&str; 6] = [
    "limits.cpu",
    "limits.ephemeral-storage",
    "limits.memory",
    "requests.cpu",
    "requests.ephemeral-storage",
    "requests.memory",
];
const SIZES: [&str; 13] = [
    "1", "1k", "1M", "1G", "1T", "1P", "1E", "1Ki", "1Mi", "1Gi", "1Ti", "1Pi", "1Ei",
];

/// `ValidateEnv` and `ValidateEnvFrom`.
pub(super) fn validate(errors: &mut Errors, container: &Container, path: &Path) {
    for (at, variable) in container.env.iter().flatten().enumerate() {
        let path = path.child("env").index(at);
        let name_path = path.child("name");
        if required(errors, &variable.name, &name_path) {
            invalid_each(
                errors,
                &name_path,
                &variable.name,
                names::env_var_name(&variable.name),
            );
        }
        if let Some(source) = &variable.value_from {
            value_from(errors, variable, source, &path.child("valueFrom"));
        }
    }
    let from_path = path.child("envFrom");
    for (at, from) in container.env_from.iter().flatten().enumerate() {
        let path = from_path.index(at);
        if let Some(prefix) = from.prefix.as_deref().filter(|prefix| !prefix.is_empty()) {
            invalid_each(
                errors,
                &path.child("prefix"),
                prefix,
                names::env_var_name(prefix),
            );
        }
        let names = [
            (
                "configMapRef",
                from.config_map_ref.as_ref().map(|map| &map.name),
            ),
            (
                "secretRef",
                from.secret_ref.as_ref().map(|secret| &secret.name),
            ),
        ];
        let mut count = 0;
        for (field, name) in names {
            let Some(name) = name else { continue };
            count += 1;
            let path = path.child(field).child("name");
            if required(errors, name, &path) {
                invalid_each(errors, &path, name, meta::dns_subdomain(name, true));
            }
        }
        let why = match count {
            0 => "must specify one of: `configMapRef` or `secretRef`",
            1 => continue,
            _ => "may not have more than one field specified at a time",
        };
        errors.push(FieldError::invalid(&from_path, "", why));
    }
}

fn value_from(errors: &mut Errors, variable: &EnvVar, source: &EnvVarSource, path: &Path) {
    let mut count = 0;
    if let Some(field) = &source.field_ref {
        count += 1;
        field_ref(errors, field, &ENV_FIELDS, &path.child("fieldRef"));
    }
    if let Some(resource) = &source.resource_field_ref {
        count += 1;
        resource_field_ref(errors, resource, false, &path.child("resourceFieldRef"));
    }
    if let Some(ConfigMapKeySelector { name, key, .. }) = &source.config_map_key_ref {
        count += 1;
        key_ref(errors, name, key, &path.child("configMapKeyRef"));
    }
    if let Some(SecretKeySelector { name, key, .. }) = &source.secret_key_ref {
        count += 1;
        key_ref(errors, name, key, &path.child("secretKeyRef"));
    }
    if let Some(file) = &source.file_key_ref {
        count += 1;
        file_key_ref(errors, file, &path.child("fileKeyRef"));
    }
    let why = if count == 0 {
        "must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef`, `secretKeyRef` or \
         `fileKeyRef`"
    } else if !text(&variable.value).is_empty() {
        "may not be specified when `value` is not empty"
    } else if count > 1 {
        "may not have more than one field specified at a time"
    } else {
        return;
    };
    errors.push(FieldError::invalid(path, "", why));
}

fn key_ref(errors: &mut Errors, name: &str, key: &str, path: &Path) {
    invalid_each(
        errors,
        &path.child("name"),
        name,
        names::dns1123_subdomain(name),
    );
    let path = path.child("key");
    if required(errors, key, &path) {
        invalid_each(errors, &path, key, names::config_map_key(key));
    }
}

fn file_key_ref(errors: &mut Errors, file: &FileKeySelector, path: &Path) {
    let key_path = path.child("key");
    if required(errors, &file.key, &key_path) {
        invalid_each(errors, &key_path, &file.key, names::env_var_name(&file.key));
    }
    required_label(errors, &file.volume_name, &path.child("volumeName"));
    let path = path.child("path");
    if required(errors, &file.path, &path) {
        no_backsteps(errors, &file.path, &path);
    }
}

/// `validateObjectFieldSelector`.
pub(super) fn field_ref(
    errors: &mut Errors,
    field: &ObjectFieldSelector,
    supported: &[&str],
    path: &Path,
) {
    let version = text(&field.api_version);
    let field_path = path.child("fieldPath");
    if !required(errors, version, &path.child("apiVersion"))
        || !required(errors, &field.field_path, &field_path)
    {
        return;
    }
    let label = field.field_path.as_str();
    if let Err(why) = convert_field(version, label) {
        let why = format!("error converting fieldPath: {why}");
        errors.push(FieldError::invalid(&field_path, label, why));
        return;
    }
    // A former name that is still understood.
    let label = if label == "spec.host" {
        "spec.nodeName"
    } else {
        label
    };
    match subscript(label) {
        Some(("metadata.annotations", key)) => {
            let key = key.to_lowercase();
            invalid_each(errors, path, &key, names::qualified_name(&key));
        }
        Some(("metadata.labels", key)) => {
            invalid_each(errors, path, key, names::qualified_name(key));
        }
        _ if !supported.contains(&label) => {
            errors.push(FieldError::not_supported(&field_path, label, supported));
        }
        _ => {}
    }
}

/// `SplitMaybeSubscriptedPath`: `metadata.labels['key']`.
fn subscript(label: &str) -> Option<(&str, &str)> {
    let (path, key) = label.strip_suffix("']")?.split_once("['")?;
    (!path.is_empty()).then_some((path, key))
}

/// `ConvertDownwardAPIFieldLabel`.
fn convert_field(version: &str, label: &str) -> Result<(), String> {
    if version != "v1" {
        return Err(format!("unsupported pod version: {version}"));
    }
    if let Some((path, _)) = subscript(label) {
        return match path {
            "metadata.annotations" | "metadata.labels" => Ok(()),
            _ => Err(format!("field label does not support subscript: {label}")),
        };
    }
    let others = [
        "spec.restartPolicy",
        "spec.schedulerName",
        "status.phase",
        "spec.host",
    ];
    if ENV_FIELDS.contains(&label) || FILE_FIELDS.contains(&label) || others.contains(&label) {
        return Ok(());
    }
    Err(format!("field label not supported: {label}"))
}

/// `validateContainerResourceFieldSelector`; files must name their container.
pub(super) fn resource_field_ref(
    errors: &mut Errors,
    selector: &ResourceFieldSelector,
    is_file: bool,
    path: &Path,
) {
    let resource = selector.resource.as_str();
    let hugepages = ["limits.hugepages-", "requests.hugepages-"];
    let is_hugepages = hugepages.iter().any(|prefix| resource.starts_with(prefix));
    if is_file && text(&selector.container_name).is_empty() {
        errors.push(FieldError::required(&path.child("containerName"), ""));
    } else if resource.is_empty() {
        errors.push(FieldError::required(&path.child("resource"), ""));
    } else if !RESOURCES.contains(&resource) && !is_hugepages {
        errors.push(FieldError::not_supported(
            &path.child("resource"),
            resource,
            &RESOURCES,
        ));
    }
    let divisor = selector
        .divisor
        .as_ref()
        .and_then(|divisor| Quantity::parse(&divisor.0));
    let Some(divisor) = divisor
        .filter(|divisor| !divisor.is_zero())
        .map(|d| d.canonical())
    else {
        return;
    };
    let (is_fine, what) = match resource {
        "limits.cpu" | "requests.cpu" => {
            let is_fine = divisor == "1m" || divisor == "1";
            (
                is_fine,
                "1m and 1 are supported with the cpu resource".to_owned(),
            )
        }
        _ => {
            let whose = match resource {
                "limits.memory" | "requests.memory" => "memory",
                "limits.ephemeral-storage" | "requests.ephemeral-storage" => {
                    "local ephemeral storage"
                }
                _ if is_hugepages => "hugepages",
                _ => return,
            };
            let sizes = SIZES.join(", ");
            (
                SIZES.contains(&divisor.as_str()),
                format!("{sizes} are supported with the {whose} resource"),
            )
        }
    };
    if !is_fine {
        let why = format!("only divisor's values {what}");
        errors.push(FieldError::invalid(&path.child("divisor"), resource, why));
    }
}

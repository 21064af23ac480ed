//! Annotations that say something about a pod, most of them former forms of fields.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{AppArmorProfile, PodSpec, SeccompProfile, Toleration};

use super::check::{Errors, descending_path, text};
use super::scheduling;
use super::spec::each_container;
use crate::sandbox::memory::field::{FieldError, Path};

/// Annotations as they are in metadata.
pub(crate) type Annotations = BTreeMap<String, String>;

/// A pod that stands for one which the kubelet runs from a file.
pub(crate) const MIRROR: &str = "kubernetes.io/config.mirror";
const TOLERATIONS: &str = "scheduler.alpha.kubernetes.io/tolerations";
const DELETION_COST: &str = "controller.kubernetes.io/pod-deletion-cost";
const SECCOMP_POD: &str = "seccomp.security.alpha.kubernetes.io/pod";
const SECCOMP_CONTAINER: &str = "container.seccomp.security.alpha.kubernetes.io/";
const APP_ARMOR: &str = "container.apparmor.security.beta.kubernetes.io/";

/// `ValidatePodSpecificAnnotations`; `path` is that of the annotations.
pub(crate) fn validate(errors: &mut Errors, all: &Annotations, spec: &PodSpec, path: &Path) {
    if let Some(value) = all.get(MIRROR).filter(|_| text(&spec.node_name).is_empty()) {
        let why = "must set spec.nodeName if mirror pod annotation is set";
        errors.push(FieldError::invalid(&path.key(MIRROR), value.as_str(), why));
    }
    if let Some(value) = all.get(TOLERATIONS).filter(|value| !value.is_empty()) {
        match serde_json::from_str::<Vec<Toleration>>(value) {
            Ok(tolerations) => {
                let path = path.child(TOLERATIONS);
                scheduling::validate_tolerations(errors, &tolerations, &path);
            }
            // Go's words about broken JSON are others.
            Err(error) => {
                errors.push(FieldError::invalid(path, TOLERATIONS, error.to_string()));
            }
        }
    }
    if let Some(value) = all.get(DELETION_COST).filter(|value| !is_cost(value)) {
        let why = "must be a 32bit integer";
        errors.push(FieldError::invalid(
            &path.key(DELETION_COST),
            value.as_str(),
            why,
        ));
    }
    for (key, value) in all {
        if key == SECCOMP_POD || key.starts_with(SECCOMP_CONTAINER) {
            seccomp(errors, value, &path.child(key));
        }
    }
    for (key, value) in all {
        let Some(container) = key.strip_prefix(APP_ARMOR) else {
            continue;
        };
        let path = path.key(key);
        let mut is_there = false;
        each_container(spec, &Path::root(), |own, _| {
            is_there |= own.name == container
        });
        if !is_there {
            errors.push(FieldError::invalid(&path, container, "container not found"));
        }
        let is_fine = value.is_empty()
            || value == "runtime/default"
            || value == "unconfined"
            || value.starts_with("localhost/");
        if !is_fine {
            let why = format!("invalid AppArmor profile name: {value:?}");
            errors.push(FieldError::invalid(&path, value.as_str(), why));
        }
    }
}

/// A 32-bit number as people write it: no plus sign and no zeros before it.
fn is_cost(value: &str) -> bool {
    let digits = value.strip_prefix('-').unwrap_or(value);
    let is_plain = !value.starts_with('+') && (value == "0" || !digits.starts_with('0'));
    is_plain && value.parse::<i32>().is_ok()
}

fn seccomp(errors: &mut Errors, profile: &str, path: &Path) {
    match profile {
        "runtime/default" | "docker/default" | "unconfined" => {}
        _ => match profile.strip_prefix("localhost/") {
            Some(local) => descending_path(errors, local, path),
            None => {
                errors.push(FieldError::invalid(
                    path,
                    profile,
                    "must be a valid seccomp profile",
                ));
            }
        },
    }
}

/// `ValidatePodSpecificAnnotationUpdates`, without what [`validate`] says.
pub(crate) fn validate_update(
    errors: &mut Errors,
    all: &Annotations,
    old: &Annotations,
    path: &Path,
) {
    for (key, value) in old {
        if all.get(key) == Some(value) {
            continue;
        }
        if key.starts_with(APP_ARMOR) {
            let why = "may not remove or update AppArmor annotations";
            errors.push(FieldError::forbidden(&path.key(key), why));
        }
        if key == MIRROR {
            let why = "may not remove or update mirror pod annotation";
            errors.push(FieldError::forbidden(&path.key(key), why));
        }
    }
    for key in all.keys().filter(|key| !old.contains_key(*key)) {
        if key.starts_with(APP_ARMOR) {
            errors.push(FieldError::forbidden(
                &path.key(key),
                "may not add AppArmor annotations",
            ));
        }
        if key == MIRROR {
            errors.push(FieldError::forbidden(
                &path.key(key),
                "may not add mirror pod annotation",
            ));
        }
    }
}

/// Annotations that must say what the fields say, which came after them.
pub(crate) fn validate_match(errors: &mut Errors, all: &Annotations, spec: &PodSpec, path: &Path) {
    let of_pod = spec.security_context.as_ref();
    let pod_path = path.child("securityContext").child("seccompProfile");
    let pod_profile = of_pod.and_then(|context| context.seccomp_profile.as_ref());
    if let (Some(profile), Some(value)) = (pod_profile, all.get(SECCOMP_POD)) {
        seccomp_matches(errors, value, profile, &pod_path);
    }
    each_container(spec, path, |container, path| {
        let context = container.security_context.as_ref();
        let profile = context.and_then(|context| context.seccomp_profile.as_ref());
        let value = all.get(&format!("{SECCOMP_CONTAINER}{}", container.name));
        if let (Some(profile), Some(value)) = (profile, value) {
            let path = path.child("securityContext").child("seccompProfile");
            seccomp_matches(errors, value, profile, &path);
        }
    });
    if spec.os.as_ref().is_some_and(|os| os.name == "windows") {
        return;
    }
    let pod_profile = of_pod.and_then(|context| context.app_armor_profile.as_ref());
    each_container(spec, path, |container, path| {
        let context = container.security_context.as_ref();
        let own = context.and_then(|context| context.app_armor_profile.as_ref());
        let value = all.get(&format!("{APP_ARMOR}{}", container.name));
        if let (Some(profile), Some(value)) = (own.or(pod_profile), value) {
            let path = path.child("securityContext").child("appArmorProfile");
            app_armor_matches(errors, value, profile, &path);
        }
    });
}

fn seccomp_matches(errors: &mut Errors, value: &str, profile: &SeccompProfile, path: &Path) {
    let is_type = match profile.type_.as_str() {
        "Unconfined" => value == "unconfined",
        "RuntimeDefault" => value == "runtime/default" || value == "docker/default",
        "Localhost" => value.starts_with("localhost/"),
        _ => return,
    };
    let local = value.strip_prefix("localhost/");
    if !is_type {
        let why = "seccomp type in annotation and field must match";
        errors.push(FieldError::forbidden(&path.child("type"), why));
    } else if profile.type_ == "Localhost" && local != profile.localhost_profile.as_deref() {
        let why = "seccomp profile in annotation and field must match";
        errors.push(FieldError::forbidden(&path.child("localhostProfile"), why));
    }
}

fn app_armor_matches(errors: &mut Errors, value: &str, profile: &AppArmorProfile, path: &Path) {
    let is_type = match profile.type_.as_str() {
        "Unconfined" => value == "unconfined",
        "RuntimeDefault" => value == "runtime/default",
        "Localhost" => value.starts_with("localhost/"),
        _ => return,
    };
    let local = value.strip_prefix("localhost/");
    if !is_type {
        let why = "apparmor type in annotation and field must match";
        errors.push(FieldError::forbidden(&path.child("type"), why));
    } else if profile.type_ == "Localhost" && local != profile.localhost_profile.as_deref() {
        let why = "apparmor profile in annotation and field must match";
        errors.push(FieldError::forbidden(&path.child("localhostProfile"), why));
    }
}

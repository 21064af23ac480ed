//! Volumes of pods.

use std::collections::HashSet;

use k8s_openapi::api::core::v1::{
    CSIVolumeSource, DownwardAPIVolumeFile, HostPathVolumeSource, ImageVolumeSource, KeyToPath,
    NFSVolumeSource, PodSpec, ProjectedVolumeSource, Volume,
};

use super::check::{
    Errors, descending_path, invalid_each, mode, no_backsteps, one_of, required, required_label,
    required_subdomain, text, unreserved_path,
};
use super::mounts::Volumes;
use super::{claim, container, env, network_volume};
use crate::sandbox::memory::field::{FieldError, Path};
use crate::sandbox::memory::names;
use crate::sandbox::memory::quantity::Quantity;

const HOST_PATH_TYPES: [&str; 8] = [
    "",
    "BlockDevice",
    "CharDevice",
    "Directory",
    "DirectoryOrCreate",
    "File",
    "FileOrCreate",
    "Socket",
];

/// `ValidateVolumes`; `pod` is the pod's name, empty for templates. Gives those that are well.
pub(super) fn validate_all<'a>(
    errors: &mut Errors,
    spec: &'a PodSpec,
    pod: &str,
    is_pod: bool,
    path: &Path,
) -> Volumes<'a> {
    let path = path.child("volumes");
    let all = spec.volumes.as_deref().unwrap_or_default();
    let created: HashSet<String> = all
        .iter()
        .filter(|volume| !pod.is_empty() && volume.ephemeral.is_some())
        .map(|volume| format!("{pod}-{}", volume.name))
        .collect();
    let mut well = Volumes::new();
    for (at, volume) in all.iter().enumerate() {
        let path = path.index(at);
        let before = errors.len();
        validate_source(errors, volume, pod, is_pod, &path);
        required_label(errors, &volume.name, &path.child("name"));
        if well.contains_key(volume.name.as_str()) {
            errors.push(FieldError::duplicate(
                &path.child("name"),
                volume.name.as_str(),
            ));
        }
        if errors.len() == before {
            well.insert(&volume.name, volume);
        }
        if let Some(claim) = &volume.persistent_volume_claim
            && created.contains(&claim.claim_name)
        {
            let why = "must not reference a PVC that gets created for an ephemeral volume";
            let path = path.child("persistentVolumeClaim").child("claimName");
            errors.push(FieldError::invalid(&path, claim.claim_name.as_str(), why));
        }
    }
    well
}

/// Sees to it that a volume has one source: only the first one is looked into.
pub(super) struct Sources<'a> {
    pub(super) errors: &'a mut Errors,
    path: &'a Path,
    count: usize,
}

impl Sources<'_> {
    /// Looks into a source, if it is there; `field` is where errors are.
    pub(super) fn see<T>(
        &mut self,
        field: &str,
        source: &Option<T>,
        check: impl FnOnce(&mut Errors, &T, &Path),
    ) {
        self.see_at(field, field, source, check);
    }

    /// As [`see`](Self::see), where Kubernetes spells a field in two ways.
    pub(super) fn see_at<T>(
        &mut self,
        second: &str,
        field: &str,
        source: &Option<T>,
        check: impl FnOnce(&mut Errors, &T, &Path),
    ) {
        let Some(source) = source else { return };
        self.count += 1;
        if self.count == 1 {
            check(self.errors, source, &self.path.child(field));
        } else {
            let why = "may not specify more than 1 volume type";
            self.errors
                .push(FieldError::forbidden(&self.path.child(second), why));
        }
    }

    /// The volume's place.
    pub(super) fn path(&self) -> &Path {
        self.path
    }
}

/// `validateVolumeSource`, in its order.
fn validate_source(errors: &mut Errors, volume: &Volume, pod: &str, is_pod: bool, path: &Path) {
    let mut sources = Sources {
        errors,
        path,
        count: 0,
    };
    sources.see("emptyDir", &volume.empty_dir, |errors, source, path| {
        let limit = source
            .size_limit
            .as_ref()
            .and_then(|limit| Quantity::parse(&limit.0));
        if limit.is_some_and(|limit| limit.sign() < 0) {
            let why = "SizeLimit field must be a valid resource quantity";
            errors.push(FieldError::forbidden(&path.child("sizeLimit"), why));
        }
    });
    sources.see("hostPath", &volume.host_path, host_path);
    sources.see("gitRepo", &volume.git_repo, |errors, source, path| {
        required(errors, &source.repository, &path.child("repository"));
        descending_path(errors, text(&source.directory), &path.child("directory"));
    });
    network_volume::validate_disks(&mut sources, volume);
    sources.see("secret", &volume.secret, |errors, source, path| {
        required(errors, text(&source.secret_name), &path.child("secretName"));
        mode(errors, source.default_mode, &path.child("defaultMode"));
        keys(errors, source.items.as_deref(), path);
    });
    sources.see("nfs", &volume.nfs, nfs);
    network_volume::validate_first(&mut sources, volume);
    sources.see(
        "persistentVolumeClaim",
        &volume.persistent_volume_claim,
        |errors, source, path| {
            required(errors, &source.claim_name, &path.child("claimName"));
        },
    );
    network_volume::validate_second(&mut sources, volume);
    sources.see_at(
        "downwarAPI",
        "downwardAPI",
        &volume.downward_api,
        |errors, source, path| {
            mode(errors, source.default_mode, &path.child("defaultMode"));
            for item in source.items.iter().flatten() {
                downward_file(errors, item, path);
            }
        },
    );
    network_volume::validate_third(&mut sources, volume);
    sources.see("configMap", &volume.config_map, |errors, source, path| {
        required(errors, &source.name, &path.child("name"));
        mode(errors, source.default_mode, &path.child("defaultMode"));
        keys(errors, source.items.as_deref(), path);
    });
    network_volume::validate_fourth(&mut sources, volume);
    sources.see("projected", &volume.projected, projected);
    network_volume::validate_last(&mut sources, volume);
    sources.see("csi", &volume.csi, csi);
    sources.see(
        "ephemeral",
        &volume.ephemeral,
        |errors, source, ephemeral_path| {
            claim::validate_template(errors, source, ephemeral_path);
            if !pod.is_empty() && !volume.name.is_empty() {
                let claim = format!("{pod}-{}", volume.name);
                let wrong = names::dns1123_subdomain(&claim).into_iter();
                let wrong = wrong
                    .map(|why| format!("PVC name {claim:?}: {why}"))
                    .collect();
                invalid_each(errors, &path.child("name"), &volume.name, wrong);
            }
        },
    );
    sources.see("image", &volume.image, |errors, source, path| {
        image(errors, source, is_pod, path)
    });
    if sources.count == 0 {
        errors.push(FieldError::required(path, "must specify a volume type"));
    }
}

pub(crate) fn host_path(errors: &mut Errors, source: &HostPathVolumeSource, path: &Path) {
    if required(errors, &source.path, &path.child("path")) {
        no_backsteps(errors, &source.path, &path.child("path"));
        if let Some(type_) = &source.type_ {
            one_of(errors, type_, &HOST_PATH_TYPES, &path.child("type"));
        }
    }
}

pub(crate) fn nfs(errors: &mut Errors, source: &NFSVolumeSource, path: &Path) {
    required(errors, &source.server, &path.child("server"));
    required(errors, &source.path, &path.child("path"));
    if !source.path.starts_with('/') {
        let why = "must be an absolute path";
        errors.push(FieldError::invalid(
            &path.child("path"),
            source.path.as_str(),
            why,
        ));
    }
}

fn image(errors: &mut Errors, source: &ImageVolumeSource, is_pod: bool, path: &Path) {
    if is_pod {
        required(errors, text(&source.reference), &path.child("reference"));
    }
    container::pull_policy(errors, text(&source.pull_policy), &path.child("pullPolicy"));
}

fn csi(errors: &mut Errors, source: &CSIVolumeSource, path: &Path) {
    csi_driver(errors, &source.driver, &path.child("driver"));
    if let Some(secret) = &source.node_publish_secret_ref {
        if secret.name.is_empty() {
            required(errors, "", &path.child("nodePublishSecretRef.name"));
        } else {
            let wrong = names::dns1123_subdomain(&secret.name);
            invalid_each(errors, &path.child("name"), &secret.name, wrong);
        }
    }
}

/// `ValidateCSIDriverName`.
pub(crate) fn csi_driver(errors: &mut Errors, name: &str, path: &Path) {
    if required(errors, name, path) {
        if name.len() > 63 {
            errors.push(FieldError::too_long(path, 63));
        }
        invalid_each(
            errors,
            path,
            name,
            names::dns1123_subdomain(&name.to_lowercase()),
        );
    }
}

fn keys(errors: &mut Errors, items: Option<&[KeyToPath]>, path: &Path) {
    for (at, item) in items.unwrap_or_default().iter().enumerate() {
        key(errors, item, &path.child("items").index(at));
    }
}

/// `validateKeyToPath`.
fn key(errors: &mut Errors, item: &KeyToPath, path: &Path) {
    required(errors, &item.key, &path.child("key"));
    required(errors, &item.path, &path.child("path"));
    unreserved_path(errors, &item.path, &path.child("path"));
    mode(errors, item.mode, &path.child("mode"));
}

/// `validateDownwardAPIVolumeFile`.
fn downward_file(errors: &mut Errors, file: &DownwardAPIVolumeFile, path: &Path) {
    required(errors, &file.path, &path.child("path"));
    unreserved_path(errors, &file.path, &path.child("path"));
    if let Some(field) = &file.field_ref {
        env::field_ref(errors, field, &env::FILE_FIELDS, &path.child("fieldRef"));
        if file.resource_field_ref.is_some() {
            let why = "fieldRef and resourceFieldRef can not be specified simultaneously";
            errors.push(FieldError::invalid(path, "resource", why));
        }
    } else if let Some(resource) = &file.resource_field_ref {
        env::resource_field_ref(errors, resource, true, &path.child("resourceFieldRef"));
    } else {
        let why = "one of fieldRef and resourceFieldRef is required";
        errors.push(FieldError::required(path, why));
    }
    mode(errors, file.mode, &path.child("mode"));
}

/// `validateProjectedVolumeSource`. Trust bundles and certificates are features that are off; they
/// are dropped before.
fn projected(errors: &mut Errors, source: &ProjectedVolumeSource, path: &Path) {
    mode(errors, source.default_mode, &path.child("defaultMode"));
    let mut seen = HashSet::new();
    for (at, source) in source.sources.iter().flatten().enumerate() {
        let own = path.child("sources").index(at);
        let mut count = 0;
        let named = [
            (
                "secret",
                source
                    .secret
                    .as_ref()
                    .map(|s| (&s.name, s.items.as_deref())),
            ),
            (
                "configMap",
                source
                    .config_map
                    .as_ref()
                    .map(|c| (&c.name, c.items.as_deref())),
            ),
        ];
        for (field, named) in named {
            let Some((name, items)) = named else { continue };
            count += 1;
            let own = own.child(field);
            required_name(errors, name, &own);
            for (at, item) in items.unwrap_or_default().iter().enumerate() {
                key(errors, item, &own.child("items").index(at));
                if !item.path.is_empty() && !seen.insert(item.path.as_str()) {
                    let why = "conflicting duplicate paths";
                    errors.push(FieldError::invalid(path, name.as_str(), why));
                }
            }
        }
        if let Some(downward) = &source.downward_api {
            count += 1;
            for file in downward.items.iter().flatten() {
                downward_file(errors, file, &own.child("downwardAPI"));
                if !file.path.is_empty() && !seen.insert(file.path.as_str()) {
                    let why = "conflicting duplicate paths";
                    errors.push(FieldError::invalid(path, file.path.as_str(), why));
                }
            }
        }
        if let Some(token) = &source.service_account_token {
            count += 1;
            let seconds = token.expiration_seconds.unwrap_or_default();
            let why = if seconds < 600 {
                Some("may not specify a duration less than 10 minutes")
            } else {
                (seconds > 1 << 32).then_some("may not specify a duration larger than 2^32 seconds")
            };
            if let Some(why) = why {
                let path = own.child("serviceAccountToken").child("expirationSeconds");
                errors.push(FieldError::invalid(&path, seconds, why));
            }
            if required(errors, &token.path, &path.child("path")) {
                unreserved_path(errors, &token.path, &path.child("path"));
            }
        }
        if count > 1 {
            let why = "may not specify more than 1 volume type per source";
            errors.push(FieldError::forbidden(&own, why));
        }
    }
}

fn required_name(errors: &mut Errors, name: &str, path: &Path) {
    required(errors, name, &path.child("name"));
}

/// A reference to a Secret of a persistent volume (`validatePVSecretReference`).
pub(crate) fn secret_reference(errors: &mut Errors, name: &str, namespace: &str, path: &Path) {
    required_subdomain(errors, name, &path.child("name"));
    required_label(errors, namespace, &path.child("namespace"));
}

//! PersistentVolume: `pkg/registry/core/persistentvolume`. Of the sources, those in wide use are
//! looked into; of the others it is asked that there is one.

use k8s_openapi::api::core::v1::{
    CSIPersistentVolumeSource, PersistentVolumeSpec, SecretReference,
};
use serde_json::{Map, Value, json};

use super::super::pod::check::{Errors, no_backsteps, one_of, required, text as or_empty};
use super::super::pod::{claim, internal, scheduling, volume};
use super::super::workloads::read::{
    at, entry, fill, fill_text, given, keep, put, remove, slot, text,
};
use super::persistentvolumeclaim::add_finalizer;
use super::typed;
use crate::sandbox::memory::field::{FieldError, Path};
use crate::sandbox::memory::kinds::{Kind, Write, meta};
use crate::sandbox::memory::quantity::Quantity;

/// What the admission plugin StorageObjectInUseProtection adds.
const PROTECTION: &str = "kubernetes.io/pv-protection";
/// Fields of a spec in which a source can be, in the real server's order.
const SOURCES: [&str; 22] = [
    "hostPath",
    "gcePersistentDisk",
    "awsElasticBlockStore",
    "glusterfs",
    "flocker",
    "nfs",
    "rbd",
    "quobyte",
    "cephfs",
    "iscsi",
    "cinder",
    "fc",
    "flexVolume",
    "azureFile",
    "vsphereVolume",
    "photonPersistentDisk",
    "portworxVolume",
    "azureDisk",
    "scaleIO",
    "local",
    "storageos",
    "csi",
];

/// See the module.
pub(super) struct PersistentVolume;

impl Kind for PersistentVolume {
    fn default(&self, object: &mut Value) {
        fill_text(object, "spec.persistentVolumeReclaimPolicy", "Retain");
        fill_text(object, "spec.volumeMode", "Filesystem");
        if given(object, "spec.hostPath").is_some() && given(object, "spec.hostPath.type").is_none()
        {
            put(object, "spec.hostPath.type", "");
        }
        default_network(object);
        if slot(object, "status").is_some() {
            fill_text(object, "status.phase", "Pending");
        }
    }

    fn prepare_create(&self, object: &mut Value) {
        put(
            object,
            "status",
            json!({"phase": "Pending", "lastPhaseTransitionTime": typed::now()}),
        );
        add_finalizer(object, PROTECTION);
    }

    fn prepare_update(&self, write: Write<'_>, object: &mut Value, old: &Value) {
        if write.subresource == "status" {
            keep(object, old, "spec");
            let time = "status.lastPhaseTransitionTime";
            let is_same = text(object, "status.phase") == text(old, "status.phase");
            if is_same && given(object, time).is_none() {
                keep(object, old, time);
            } else if !is_same
                && (given(object, time).is_none() || at(object, time) == at(old, time))
            {
                put(object, time, typed::now());
            }
        } else {
            keep(object, old, "status");
        }
    }

    fn validate_create(&self, object: &Value) -> Vec<FieldError> {
        let mut errors = meta::validate_create(object, false, meta::dns_subdomain);
        let path = Path::new("spec");
        match typed::read(at(object, "spec"), &path) {
            Ok(spec) => validate_spec(&mut errors, &spec, at(object, "spec"), &path),
            Err(wrong) => errors.extend(wrong),
        }
        errors
    }

    fn validate_update(&self, write: Write<'_>, object: &Value, old: &Value) -> Vec<FieldError> {
        let mut errors = meta::common_update(object, old);
        if write.subresource == "status" {
            errors.extend(meta::own_update(object, old));
            return errors;
        }
        // The real server looks at it twice.
        let own = self.validate_create(object);
        errors.extend_from_slice(&own);
        errors.extend(own);
        errors.extend(unchanged(object, old));
        errors
    }

    fn warnings(&self, object: &Value, _old: Option<&Value>) -> Vec<String> {
        let mut all = Vec::new();
        let annotations = [
            (
                "volume.beta.kubernetes.io/storage-class",
                "deprecated since v1.8; use \"storageClassName\" attribute instead",
            ),
            (
                "volume.beta.kubernetes.io/mount-options",
                "deprecated since v1.31; use \"mountOptions\" attribute instead",
            ),
        ];
        for (key, why) in annotations {
            if entry(object, "metadata.annotations", key).is_some() {
                all.push(format!(
                    "{}: {why}",
                    Path::new("metadata.annotations").key(key)
                ));
            }
        }
        if text(object, "spec.persistentVolumeReclaimPolicy") == "Recycle" {
            all.push(
                "spec.persistentVolumeReclaimPolicy: The Recycle reclaim policy is deprecated. \
                 Instead, the recommended approach is to use dynamic provisioning."
                    .to_owned(),
            );
        }
        let gone = [
            ("cephfs", "1.28", "1.31"),
            ("photonPersistentDisk", "1.11", "1.16"),
            ("scaleIO", "1.16", "1.22"),
            ("storageos", "1.22", "1.25"),
            ("glusterfs", "1.25", "1.26"),
            ("rbd", "1.28", "1.31"),
        ];
        for (field, from, to) in gone {
            if at(object, "spec")
                .get(field)
                .is_some_and(|source| !source.is_null())
            {
                let field = if field == "storageos" {
                    "storageOS"
                } else {
                    field
                };
                all.push(format!(
                    "spec.{field}: deprecated in v{from}, non-functional in v{to}+"
                ));
            }
        }
        all
    }
}

fn default_network(object: &mut Value) {
    let defaults: [(&str, &[(&str, Value)]); 4] = [
        ("spec.iscsi", &[("iscsiInterface", json!("default"))]),
        (
            "spec.rbd",
            &[
                ("pool", json!("rbd")),
                ("user", json!("admin")),
                ("keyring", json!("/etc/ceph/keyring")),
            ],
        ),
        (
            "spec.azureDisk",
            &[
                ("cachingMode", json!("ReadWrite")),
                ("fsType", json!("ext4")),
                ("readOnly", json!(false)),
                ("kind", json!("Shared")),
            ],
        ),
        (
            "spec.scaleIO",
            &[
                ("storageMode", json!("ThinProvisioned")),
                ("fsType", json!("xfs")),
            ],
        ),
    ];
    for (place, fields) in defaults {
        if given(object, place).is_none() {
            continue;
        }
        for (field, value) in fields {
            fill(object, &format!("{place}.{field}"), value.clone());
        }
    }
}

fn validate_spec(errors: &mut Errors, spec: &PersistentVolumeSpec, object: &Value, path: &Path) {
    let modes = spec.access_modes.as_deref().unwrap_or_default();
    let modes_path = path.child("accessModes");
    if modes.is_empty() {
        errors.push(FieldError::required(&modes_path, ""));
    }
    claim::access_modes(errors, modes, &modes_path);
    capacity(errors, spec, path);
    let policy = or_empty(&spec.persistent_volume_reclaim_policy);
    let policy_path = path.child("persistentVolumeReclaimPolicy");
    if !policy.is_empty() {
        one_of(
            errors,
            policy,
            &["Delete", "Recycle", "Retain"],
            &policy_path,
        );
    }
    let affinity_path = path.child("nodeAffinity");
    let required_nodes = spec
        .node_affinity
        .as_ref()
        .and_then(|affinity| affinity.required.as_ref());
    if spec.node_affinity.is_some() {
        match required_nodes {
            Some(selector) => {
                scheduling::node_selector(errors, selector, &affinity_path.child("required"));
            }
            None => errors.push(FieldError::required(
                &affinity_path.child("required"),
                "must specify required node constraints",
            )),
        }
    }
    sources(errors, spec, object, path);
    let is_root = spec.host_path.as_ref().is_some_and(|host| {
        host.path.starts_with('/') && host.path.split('/').all(|part| matches!(part, "" | "."))
    });
    if is_root && policy == "Recycle" {
        let why = "may not be 'recycle' for a hostPath mount of '/'";
        errors.push(FieldError::forbidden(&policy_path, why));
    }
    claim::class(
        errors,
        or_empty(&spec.storage_class_name),
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
    if let Some(name) = &spec.volume_attributes_class_name {
        let name_path = path.child("volumeAttributesClassName");
        if name.is_empty() {
            errors.push(FieldError::required(
                &name_path,
                "an empty string is disallowed",
            ));
        }
        claim::class(errors, name, &name_path);
        if spec.csi.is_none() {
            let why = "has to be specified when using volumeAttributesClassName";
            errors.push(FieldError::required(&path.child("csi"), why));
        }
    }
}

fn capacity(errors: &mut Errors, spec: &PersistentVolumeSpec, path: &Path) {
    let path = path.child("capacity");
    let all = spec.capacity.clone().unwrap_or_default();
    if all.is_empty() {
        errors.push(FieldError::required(&path, ""));
    }
    if !all.contains_key("storage") || all.len() > 1 {
        let shown = if all.is_empty() {
            Value::Null
        } else {
            json!(all)
        };
        errors.push(FieldError::not_supported(&path, shown, &["storage"]));
    }
    for (name, text) in &all {
        let Some(amount) = Quantity::parse(&text.0) else {
            continue;
        };
        let path = path.key(name);
        if amount.value() < 0 {
            let why = "must be a valid resource quantity";
            errors.push(FieldError::invalid(&path, amount.value(), why));
        }
        if amount.sign() <= 0 {
            let why = "must be greater than zero";
            errors.push(FieldError::invalid(&path, amount.canonical(), why));
        }
    }
}

/// One source, the first one looked into.
fn sources(errors: &mut Errors, spec: &PersistentVolumeSpec, object: &Value, path: &Path) {
    let given: Vec<&str> = SOURCES
        .into_iter()
        .filter(|field| object.get(field).is_some_and(|v| !v.is_null()))
        .collect();
    match given.first() {
        None => errors.push(FieldError::required(path, "must specify a volume type")),
        Some(&"hostPath") => {
            if let Some(source) = &spec.host_path {
                volume::host_path(errors, source, &path.child("hostPath"));
            }
        }
        Some(&"nfs") => {
            if let Some(source) = &spec.nfs {
                volume::nfs(errors, source, &path.child("nfs"));
            }
        }
        Some(&"local") => {
            if let Some(source) = &spec.local {
                let own = path.child("local").child("path");
                if required(errors, &source.path, &own) {
                    no_backsteps(errors, &source.path, &own);
                }
                if spec
                    .node_affinity
                    .as_ref()
                    .is_none_or(|affinity| affinity.required.is_none())
                {
                    let why = "Local volume requires node affinity";
                    errors.push(FieldError::required(&path.child("nodeAffinity"), why));
                }
            }
        }
        Some(&"csi") => {
            if let Some(source) = &spec.csi {
                csi(errors, source, &path.child("csi"));
            }
        }
        Some(_) => {}
    }
    for field in given.iter().skip(1) {
        let why = "may not specify more than 1 volume type";
        errors.push(FieldError::forbidden(&path.child(field), why));
    }
}

fn csi(errors: &mut Errors, source: &CSIPersistentVolumeSource, path: &Path) {
    volume::csi_driver(errors, &source.driver, &path.child("driver"));
    required(errors, &source.volume_handle, &path.child("volumeHandle"));
    let secrets: [(&str, &Option<SecretReference>); 4] = [
        (
            "controllerPublishSecretRef",
            &source.controller_publish_secret_ref,
        ),
        (
            "controllerExpandSecretRef",
            &source.controller_expand_secret_ref,
        ),
        ("nodePublishSecretRef", &source.node_publish_secret_ref),
        ("nodeExpandSecretRef", &source.node_expand_secret_ref),
    ];
    for (field, secret) in secrets {
        if let Some(secret) = secret {
            let (name, namespace) = (or_empty(&secret.name), or_empty(&secret.namespace));
            volume::secret_reference(errors, name, namespace, &path.child(field));
        }
    }
}

/// The source, in an object of its own.
fn source(object: &Value) -> Value {
    let spec = at(object, "spec");
    let fields = SOURCES
        .into_iter()
        .filter_map(|field| Some((field.to_owned(), spec.get(field)?.clone())));
    Value::Object(fields.collect::<Map<_, _>>())
}

fn unchanged(object: &Value, old: &Value) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let (mut new, known) = (source(object), source(old));
    let expand = "csi.controllerExpandSecretRef";
    if given(&known, "csi").is_some() && given(&known, expand).is_none() {
        remove(&mut new, expand);
    }
    if let Some(diff) = internal::diff("PersistentVolumeSource", &known, &new) {
        let why = format!("spec.persistentvolumesource is immutable after creation\n{diff}");
        errors.push(FieldError::forbidden(
            &Path::new("spec.persistentvolumesource"),
            why,
        ));
    }
    let mode = at(object, "spec.volumeMode");
    if mode != at(old, "spec.volumeMode") {
        let path = Path::new("volumeMode");
        errors.push(FieldError::invalid(
            &path,
            mode.clone(),
            "field is immutable",
        ));
    }
    let name = "spec.volumeAttributesClassName";
    if given(old, name).is_some() && given(object, name).is_none() {
        let why = "update from non-nil value to nil is forbidden";
        errors.push(FieldError::forbidden(&Path::new(name), why));
    }
    errors
}

//! PersistentVolumeClaim: `pkg/registry/core/persistentvolumeclaim`.

use k8s_openapi::api::core::v1::PersistentVolumeClaimSpec;
use serde_json::{Value, json};

use super::super::pod::{claim, internal, round_up};
use super::super::workloads::read::{
    at, entry, fill_text, given, items, keep, put, remove, slot, text, texts,
};
use super::typed;
use crate::sandbox::memory::field::{FieldError, Path};
use crate::sandbox::memory::kinds::{Kind, Write, meta, pod};
use crate::sandbox::memory::quantity::{Format, Quantity};

const CLASS: &str = "volume.beta.kubernetes.io/storage-class";
/// What the admission plugin StorageObjectInUseProtection adds.
const PROTECTION: &str = "kubernetes.io/pvc-protection";

/// See the module.
pub(super) struct PersistentVolumeClaim;

impl Kind for PersistentVolumeClaim {
    fn default(&self, object: &mut Value) {
        typed::change::<PersistentVolumeClaimSpec>(object, "spec", |spec| {
            spec.volume_mode
                .get_or_insert_with(|| "Filesystem".to_owned());
            if let Some(resources) = &mut spec.resources {
                round_up(&mut resources.limits);
                round_up(&mut resources.requests);
            }
        });
        if slot(object, "status").is_some() {
            fill_text(object, "status.phase", "Pending");
        }
    }

    fn prepare_create(&self, object: &mut Value) {
        put(object, "status", json!({"phase": "Pending"}));
        add_finalizer(object, PROTECTION);
        one_source(object, None);
    }

    fn prepare_update(&self, write: Write<'_>, object: &mut Value, old: &Value) {
        if write.subresource == "status" {
            keep(object, old, "spec");
        } else {
            keep(object, old, "status");
            one_source(object, Some(old));
        }
    }

    fn validate_create(&self, object: &Value) -> Vec<FieldError> {
        let mut errors = meta::validate_create(object, true, meta::dns_subdomain);
        let path = Path::new("spec");
        match typed::read(at(object, "spec"), &path) {
            Ok(spec) => claim::validate(&mut errors, &spec, &path),
            Err(wrong) => errors.extend(wrong),
        }
        errors
    }

    fn validate_update(&self, write: Write<'_>, object: &Value, old: &Value) -> Vec<FieldError> {
        let mut errors = meta::validate_update(object, old);
        if write.subresource == "status" {
            errors.extend(validate_status(object));
        } else {
            errors.extend(self.validate_create(object));
            errors.extend(unchanged(object, old));
        }
        errors
    }

    fn warnings(&self, object: &Value, _old: Option<&Value>) -> Vec<String> {
        let mut all = Vec::new();
        if entry(object, "metadata.annotations", CLASS).is_some() {
            let path = Path::new("metadata.annotations").key(CLASS);
            all.push(format!(
                "{path}: deprecated since v1.8; use \"storageClassName\" attribute instead"
            ));
        }
        let path = Path::new("spec.resources");
        let spec = typed::read::<PersistentVolumeClaimSpec>(at(object, "spec"), &path);
        let resources = spec
            .ok()
            .and_then(|spec| spec.resources)
            .unwrap_or_default();
        let storage = ["storage"];
        let requests = resources.requests.as_ref();
        pod::warnings::fractions(&mut all, requests, &path.child("requests"), &storage);
        let limits = resources.limits.as_ref();
        pod::warnings::fractions(&mut all, limits, &path.child("limits"), &storage);
        all
    }
}

/// Adds a finalizer to a new object.
pub(super) fn add_finalizer(object: &mut Value, name: &str) {
    if texts(object, "metadata.finalizers").contains(&name) {
        return;
    }
    let mut all = items(object, "metadata.finalizers").to_vec();
    all.push(name.into());
    put(object, "metadata.finalizers", all);
}

/// `EnforceDataSourceBackwardsCompatibility` and `NormalizeDataSources`: what `dataSource` may not
/// refer to is dropped, and the same source is in both fields.
fn one_source(object: &mut Value, old: Option<&Value>) {
    // References into other namespaces are a feature that is off.
    if !text(object, "spec.dataSourceRef.namespace").is_empty() {
        remove(object, "spec.dataSourceRef");
    }
    let was_given = old.is_some_and(|old| given(old, "spec.dataSource").is_some());
    if !was_given && given(object, "spec.dataSourceRef").is_none() {
        let group = text(object, "spec.dataSource.apiGroup");
        let is_known = match text(object, "spec.dataSource.kind") {
            "PersistentVolumeClaim" => group.is_empty(),
            "VolumeSnapshot" => group == "snapshot.storage.k8s.io",
            _ => false,
        };
        if !is_known {
            remove(object, "spec.dataSource");
        }
    }
    let source = given(object, "spec.dataSource").cloned();
    let reference = given(object, "spec.dataSourceRef").cloned();
    match (source, reference) {
        (Some(source), None) => put(object, "spec.dataSourceRef", source),
        (None, Some(reference)) => put(object, "spec.dataSource", reference),
        _ => {}
    }
}

fn storage(object: &Value, path: &str) -> Quantity {
    let amount = entry(object, path, "storage").and_then(Quantity::parse);
    amount.unwrap_or_else(|| Quantity::from_i64(0, Format::DecimalSi))
}

/// `ValidatePersistentVolumeClaimUpdate` beyond what new claims are held to.
fn unchanged(object: &Value, old: &Value) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let (mut spec, mut old_spec) = (at(object, "spec").clone(), at(old, "spec").clone());
    if text(&old_spec, "volumeName").is_empty() {
        keep(&mut old_spec, &spec, "volumeName");
    }
    let annotation = |object| entry(object, "metadata.annotations", CLASS);
    let (class, old_class) = (
        given(&spec, "storageClassName"),
        given(&old_spec, "storageClassName"),
    );
    let from_annotation = old_class.is_none()
        && annotation(old).is_some()
        && class.and_then(Value::as_str) == annotation(old)
        && annotation(object).is_none_or(|own| Some(own) == annotation(old));
    let from_nothing = class.is_some()
        && old_class.is_none()
        && annotation(old).is_none_or(|own| class.and_then(Value::as_str) == Some(own));
    if from_annotation {
        remove(&mut spec, "storageClassName");
    } else {
        if annotation(object) != annotation(old) {
            let path = Path::new("metadata.annotations").child(CLASS);
            let value = annotation(object).unwrap_or_default();
            errors.push(FieldError::invalid(&path, value, "field is immutable"));
        }
        if from_nothing {
            remove(&mut spec, "storageClassName");
        }
    }
    if text(object, "status.phase") == "Bound" {
        if given(&spec, "resources.requests").is_some() {
            keep(&mut spec, &old_spec, "resources.requests.storage");
        }
        keep(&mut spec, &old_spec, "volumeAttributesClassName");
    }
    if let Some(diff) = internal::diff("PersistentVolumeClaimSpec", &old_spec, &spec) {
        let why = format!(
            "spec is immutable after creation except resources.requests and \
             volumeAttributesClassName for bound claims\n{diff}"
        );
        errors.push(FieldError::forbidden(&Path::new("spec"), why));
    }
    let size = storage(object, "spec.resources.requests");
    if size < storage(old, "spec.resources.requests") && size <= storage(old, "status.capacity") {
        let path = Path::new("spec.resources.requests.storage");
        let why = "field can not be less than status.capacity";
        errors.push(FieldError::forbidden(&path, why));
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
    let current = given(old, "status.currentVolumeAttributesClassName");
    if at(object, name) != at(old, name) && current.is_some() && text(object, name).is_empty() {
        let to = if given(object, name).is_none() {
            "nil"
        } else {
            "empty string"
        };
        let why = format!(
            "update to {to} is forbidden when status.currentVolumeAttributesClassName is not nil"
        );
        errors.push(FieldError::forbidden(&Path::new(name), why));
    }
    errors
}

fn validate_status(object: &Value) -> Vec<FieldError> {
    let mut errors = Vec::new();
    if items(object, "spec.accessModes").is_empty() {
        errors.push(FieldError::required(&Path::new("Spec.accessModes"), ""));
    }
    let capacity = at(object, "status.capacity").as_object();
    for (name, amount) in capacity.into_iter().flatten() {
        let amount = amount.as_str().and_then(Quantity::parse);
        if let Some(amount) = amount.filter(|amount| amount.value() < 0) {
            let path = Path::new("status.capacity").key(name);
            let why = "must be a valid resource quantity";
            errors.push(FieldError::invalid(&path, amount.value(), why));
        }
    }
    errors
}

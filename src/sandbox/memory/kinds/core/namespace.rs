//! Namespace: `pkg/registry/core/namespace`.

use serde_json::{Value, json};

use super::super::workloads::read::{at, given, items, keep, put, slot, slot_of, text, texts};
use crate::sandbox::memory::field::{FieldError, Path};
use crate::sandbox::memory::kinds::{Kind, Write, meta};
use crate::sandbox::memory::names;

/// See the module. `finalize` is the subresource by which a terminating namespace's finalizers go.
pub(super) struct Namespace;

impl Kind for Namespace {
    fn default(&self, object: &mut Value) {
        let name = text(object, "metadata.name").to_owned();
        if !name.is_empty() {
            label(object, &name);
        }
        if text(object, "status.phase").is_empty() {
            put(object, "status.phase", "Active");
        }
    }

    fn prepare_create(&self, object: &mut Value) {
        // A name that was generated is known only now.
        let name = text(object, "metadata.name").to_owned();
        label(object, &name);
        put(object, "status", json!({"phase": "Active"}));
        let mut finalizers: Vec<Value> = items(object, "spec.finalizers").to_vec();
        if !finalizers.contains(&json!("kubernetes")) {
            finalizers.push(json!("kubernetes"));
        }
        put(object, "spec.finalizers", finalizers);
    }

    fn prepare_update(&self, write: Write<'_>, object: &mut Value, old: &Value) {
        match write.subresource {
            "status" => keep(object, old, "spec"),
            "finalize" => keep(object, old, "status"),
            _ => {
                keep(object, old, "spec.finalizers");
                keep(object, old, "status");
            }
        }
    }

    fn validate_create(&self, object: &Value) -> Vec<FieldError> {
        let mut errors = meta::validate_create(object, false, meta::dns_label);
        let path = Path::new("spec.finalizers");
        for name in texts(object, "spec.finalizers") {
            errors.extend(finalizer(name, &path));
        }
        errors
    }

    fn validate_update(&self, write: Write<'_>, object: &Value, old: &Value) -> Vec<FieldError> {
        let mut errors = meta::common_update(object, old);
        if !matches!(write.subresource, "status" | "finalize") {
            errors.extend(self.validate_create(object));
        }
        errors.extend(meta::own_update(object, old));
        if write.subresource == "status" {
            errors.extend(phase(object));
        }
        if write.subresource == "finalize" {
            let path = Path::new("spec.finalizers");
            for (index, name) in texts(object, "spec.finalizers").into_iter().enumerate() {
                errors.extend(finalizer(name, &path.index(index)));
            }
        }
        errors
    }

    fn fields(&self, object: &Value) -> Vec<(&'static str, String)> {
        vec![("status.phase", text(object, "status.phase").to_owned())]
    }

    fn field_labels(&self) -> &'static [&'static str] {
        &["status.phase"]
    }
}

fn label(object: &mut Value, name: &str) {
    let labels = slot(object, "metadata.labels");
    let key = "kubernetes.io/metadata.name";
    if let Some(place) = labels.and_then(|labels| slot_of(labels, key)) {
        *place = name.into();
    }
}

fn finalizer(name: &str, path: &Path) -> Vec<FieldError> {
    let wrong = names::qualified_name(name).into_iter();
    let mut errors: Vec<FieldError> = wrong
        .map(|why| FieldError::invalid(path, name, why))
        .collect();
    errors.extend(meta::legacy_finalizer(name, path));
    errors
}

fn phase(object: &Value) -> Option<FieldError> {
    let phase = text(object, "status.phase");
    let (expected, is_not) = match given(object, "metadata.deletionTimestamp") {
        None => ("Active", ""),
        Some(_) => ("Terminating", "not "),
    };
    (phase != expected).then(|| {
        let why = format!("may only be '{expected}' if `deletionTimestamp` is {is_not}empty");
        FieldError::invalid(
            &Path::new("status.Phase"),
            at(object, "status.phase").clone(),
            why,
        )
    })
}

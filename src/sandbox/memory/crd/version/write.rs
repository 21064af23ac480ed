//! What a write sets by itself, and what it warns of (`pkg/registry/customresource/strategy.go`).

use std::cmp::Ordering;
use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::super::go;
use super::discovery::compare;
use super::{Family, Version};
use crate::sandbox::memory::names;

/// Finalizers that have no domain but are known.
const STANDARD: [&str; 3] = ["orphan", "foregroundDeletion", "kubernetes"];

impl Version {
    /// Resets what a client does not decide about a new object.
    pub fn prepare_create(&self, object: &mut Value) {
        if let Value::Object(fields) = object {
            if self.shape().has_status {
                fields.shift_remove("status");
            }
            set_generation(fields, 1);
        }
    }

    /// The same for a change; `subresource` is empty for one of the object itself.
    pub fn prepare_update(&self, subresource: &str, object: &mut Value, old: &Value) {
        if subresource == "status" {
            let status = object.get("status").cloned();
            let managed = object["metadata"].get("managedFields").cloned();
            object.clone_from(old);
            set(object, "status", status);
            set(&mut object["metadata"], "managedFields", managed);
            return;
        }
        if self.shape().has_status {
            set(object, "status", old.get("status").cloned());
        }
        let (Some(new), Some(before)) = (object.as_object(), old.as_object()) else {
            return;
        };
        let differs = |a: &Map<String, Value>, b: &Map<String, Value>| {
            a.iter()
                .any(|(name, value)| name != "metadata" && b.get(name) != Some(value))
        };
        let generation = old["metadata"]["generation"].as_i64().unwrap_or_default();
        if (differs(new, before) || differs(before, new))
            && let Value::Object(fields) = object
        {
            set_generation(fields, generation + 1);
        }
    }

    /// Texts of warnings about finalizers that a write adds; a write of the status has none.
    pub fn warnings(&self, object: &Value, old: Option<&Value>) -> Vec<String> {
        let finalizers = |object: &Value| -> BTreeSet<String> {
            let all = object["metadata"]["finalizers"]
                .as_array()
                .into_iter()
                .flatten();
            all.filter_map(Value::as_str).map(str::to_owned).collect()
        };
        let known = old.map(finalizers).unwrap_or_default();
        let mut warnings = Vec::new();
        for finalizer in finalizers(object).difference(&known) {
            let mut warn = |why: &str| {
                let finalizer = go::quote(finalizer);
                warnings.push(format!("metadata.finalizers: {finalizer}: {why}"));
            };
            names::qualified_name(finalizer)
                .iter()
                .for_each(|why| warn(why));
            if !finalizer.contains('/') && !STANDARD.contains(&finalizer.as_str()) {
                let path = if finalizer.contains('.') {
                    "including a path (/) "
                } else {
                    ""
                };
                warn(&format!(
                    "prefer a domain-qualified finalizer name {path}to avoid accidental conflicts \
                     with other finalizer writers"
                ));
            }
        }
        warnings
    }
}

/// The warning of a version that is deprecated.
pub(super) fn deprecation(family: &Family, version: &Value, all: &[Value]) -> Option<String> {
    if version["deprecated"] != true {
        return None;
    }
    if let Some(own) = version["deprecationWarning"].as_str() {
        return Some(own.to_owned());
    }
    let name = |version: &Value| version["name"].as_str().unwrap_or_default().to_owned();
    let (group, kind) = (&family.group, &family.names.kind);
    let deprecated = name(version);
    let mut others: Vec<String> = all
        .iter()
        .filter(|other| other["served"] == true && other["deprecated"] != true)
        .map(name)
        .filter(|other| compare(other, &deprecated) == Ordering::Less)
        .collect();
    others.sort_by(|a, b| compare(a, b));
    let better = others
        .first()
        .map(|other| format!("; use {group}/{other} {kind}"));
    let better = better.unwrap_or_default();
    Some(format!("{group}/{deprecated} {kind} is deprecated{better}"))
}

fn set_generation(fields: &mut Map<String, Value>, generation: i64) {
    if let Some(Value::Object(metadata)) = fields.get_mut("metadata") {
        metadata.insert("generation".to_owned(), json!(generation));
    }
}

fn set(object: &mut Value, name: &str, value: Option<Value>) {
    if let Value::Object(fields) = object {
        match value {
            Some(value) => fields.insert(name.to_owned(), value),
            None => fields.shift_remove(name),
        };
    }
}

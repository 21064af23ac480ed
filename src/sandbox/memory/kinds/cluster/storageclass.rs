//! StorageClass: `pkg/apis/storage` and `pkg/registry/storage/storageclass`.

use std::collections::HashSet;

use serde_json::Value;

use super::super::workloads::check;
use super::super::workloads::read::{at, fill, items, text, texts};
use super::{node_labels, storage};
use crate::sandbox::memory::field::{FieldError, Path};
use crate::sandbox::memory::kinds::{Kind, Write, meta};
use crate::sandbox::memory::names;

/// See the module.
pub(crate) struct StorageClass;

impl Kind for StorageClass {
    fn default(&self, object: &mut Value) {
        fill(object, "reclaimPolicy", "Delete");
        fill(object, "volumeBindingMode", "Immediate");
    }

    fn validate_create(&self, object: &Value) -> Vec<FieldError> {
        let mut errors = meta::validate_create(object, false, meta::dns_subdomain);
        errors.extend(storage::validate_driver(object, "provisioner"));
        errors.extend(storage::validate_parameters(object, true));
        let reclaims = ["Delete", "Retain"];
        let reclaim = text(object, "reclaimPolicy");
        if !reclaim.is_empty() && !reclaims.contains(&reclaim) {
            let path = Path::new("reclaimPolicy");
            errors.push(FieldError::not_supported(&path, reclaim, &reclaims));
        }
        let modes = ["Immediate", "WaitForFirstConsumer"];
        let path = Path::new("volumeBindingMode");
        match at(object, "volumeBindingMode").as_str() {
            None => errors.push(FieldError::required(&path, "")),
            Some(mode) if modes.contains(&mode) => {}
            Some(mode) => errors.push(FieldError::not_supported(&path, mode, &modes)),
        }
        errors.extend(validate_topologies(items(object, "allowedTopologies")));
        errors
    }

    fn validate_update(&self, _write: Write<'_>, object: &Value, old: &Value) -> Vec<FieldError> {
        let mut errors = meta::common_update(object, old);
        errors.extend(self.validate_create(object));
        errors.extend(meta::own_update(object, old));
        for field in [
            "parameters",
            "provisioner",
            "reclaimPolicy",
            "volumeBindingMode",
        ] {
            let error = check::immutable(object, old, field);
            errors.extend(error.map(|error| match field {
                "parameters" => {
                    let shown = check::shown_map(at(object, field));
                    FieldError::invalid(&error.path, shown, error.detail)
                }
                _ => error,
            }));
        }
        errors
    }

    fn warnings(&self, object: &Value, _old: Option<&Value>) -> Vec<String> {
        let mut warnings = Vec::new();
        for (index, term) in items(object, "allowedTopologies").iter().enumerate() {
            let path = Path::new("allowedTopologies")
                .index(index)
                .child("matchLabelExpressions");
            for (index, label) in items(term, "matchLabelExpressions").iter().enumerate() {
                if let Some(words) = node_labels::deprecated(text(label, "key")) {
                    warnings.push(format!("{}: {words}", path.index(index).child("key")));
                }
            }
        }
        warnings
    }
}

fn validate_topologies(terms: &[Value]) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let mut seen: HashSet<Vec<(&str, Vec<&str>)>> = HashSet::new();
    // The real server starts from as many empty terms as there are: an empty one is a repetition.
    seen.insert(Vec::new());
    for (index, term) in terms.iter().enumerate() {
        let path = Path::new("allowedTopologies")
            .index(index)
            .child("matchLabelExpressions");
        let mut labels: Vec<(&str, Vec<&str>)> = Vec::new();
        let mut keys = HashSet::new();
        for (index, label) in items(term, "matchLabelExpressions").iter().enumerate() {
            let (key, values) = (text(label, "key"), texts(label, "values"));
            errors.extend(validate_label(key, &values, &path.index(index)));
            if !keys.insert(key) {
                errors.push(FieldError::duplicate(&path.index(index).child("key"), key));
                labels.retain(|(other, _)| *other != key);
            }
            let mut values = values;
            values.sort_unstable();
            values.dedup();
            labels.push((key, values));
        }
        labels.sort_unstable();
        if !seen.insert(labels) {
            errors.push(FieldError::duplicate(&path, ""));
        }
    }
    errors
}

fn validate_label(key: &str, values: &[&str], path: &Path) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let values_path = path.child("values");
    if values.is_empty() {
        errors.push(FieldError::required(&values_path, ""));
    }
    let mut seen = HashSet::new();
    for (index, value) in values.iter().enumerate() {
        if !seen.insert(value) {
            errors.push(FieldError::duplicate(&values_path.index(index), *value));
        }
    }
    errors.extend(check::invalid_each(
        &path.child("key"),
        key,
        names::qualified_name(key),
    ));
    errors
}

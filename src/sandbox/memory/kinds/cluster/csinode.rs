//! CSINode: `pkg/apis/storage` and `pkg/registry/storage/csinode`.

use std::collections::{HashMap, HashSet};

use serde_json::{Value, json};

use super::super::workloads::check;
use super::super::workloads::read::{at, items, same, text, texts};
use super::storage;
use crate::sandbox::memory::field::{FieldError, Path};
use crate::sandbox::memory::kinds::{Kind, Write, meta};
use crate::sandbox::memory::names;

const DRIVERS: &str = "spec.drivers";

/// See the module.
pub(crate) struct CsiNode;

impl Kind for CsiNode {
    fn validate_create(&self, object: &Value) -> Vec<FieldError> {
        let mut errors = meta::validate_create(object, false, meta::dns_subdomain);
        let mut seen = HashSet::new();
        for (index, driver) in items(object, DRIVERS).iter().enumerate() {
            let path = Path::new(DRIVERS).index(index);
            errors.extend(validate_driver(driver, &path));
            let name = text(driver, "name");
            if !seen.insert(name) {
                errors.push(FieldError::duplicate(&path.child("name"), name));
            }
            errors.extend(validate_keys(&texts(driver, "topologyKeys"), &path));
        }
        errors
    }

    fn validate_update(&self, _write: Write<'_>, object: &Value, old: &Value) -> Vec<FieldError> {
        let mut errors = meta::common_update(object, old);
        errors.extend(self.validate_create(object));
        let olds: HashMap<&str, &Value> = items(old, DRIVERS)
            .iter()
            .map(|driver| (text(driver, "name"), driver))
            .collect();
        for driver in items(object, DRIVERS) {
            let old = olds.get(text(driver, "name"));
            errors.extend(old.and_then(|old| changed(driver, old)));
        }
        errors
    }

    fn updates_unconditionally(&self) -> bool {
        false
    }
}

fn validate_driver(driver: &Value, path: &Path) -> Vec<FieldError> {
    let mut errors = storage::validate_csi_driver(text(driver, "name"), &path.child("name"));
    let id = text(driver, "nodeID");
    let id_path = path.child("nodeID");
    if id.is_empty() {
        errors.push(FieldError::required(&id_path, ""));
    }
    if id.len() > 256 {
        errors.push(FieldError::invalid(
            &id_path,
            id,
            "must be 256 characters or less",
        ));
    }
    let path = path.child("allocatable");
    errors.extend(check::nonnegatives(
        at(driver, "allocatable"),
        &["count"],
        &path,
    ));
    errors
}

fn validate_keys(keys: &[&str], path: &Path) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let mut seen = HashSet::new();
    for key in keys {
        if key.is_empty() {
            errors.push(FieldError::required(path, ""));
        }
        if !seen.insert(key) {
            errors.push(FieldError::duplicate(path, *key));
        }
        errors.extend(check::invalid_each(path, key, names::qualified_name(key)));
    }
    errors
}

/// A driver that changed in more than what it can hold.
fn changed(driver: &Value, old: &Value) -> Option<FieldError> {
    let fields = ["name", "nodeID", "topologyKeys"];
    let is_same = fields
        .iter()
        .all(|field| same(at(driver, field), at(old, field)));
    (!is_same).then(|| {
        // The internal type is shown, whose fields have the names that they have in Go.
        let shown = json!({
            "Name": text(driver, "name"),
            "NodeID": text(driver, "nodeID"),
            "TopologyKeys": at(driver, "topologyKeys"),
            "Allocatable": null,
        });
        FieldError::invalid(&Path::new(DRIVERS), shown, "field is immutable")
    })
}

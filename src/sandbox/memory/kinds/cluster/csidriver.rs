//! CSIDriver: `pkg/apis/storage` and `pkg/registry/storage/csidriver`.

use std::collections::HashSet;

use serde_json::{Value, json};

use super::super::workloads::check;
use super::super::workloads::read::{
    at, fill, given, int, items, keep, number, put, remove, same, text, texts,
};
use crate::sandbox::memory::field::{FieldError, Path};
use crate::sandbox::memory::kinds::{Kind, Write, meta};

/// VolumeLimitScaling is off by default.
const SCALING: &str = "spec.preventPodSchedulingIfMissing";

/// See the module.
pub(crate) struct CsiDriver;

impl Kind for CsiDriver {
    fn default(&self, object: &mut Value) {
        fill(object, "spec.attachRequired", true);
        fill(object, "spec.podInfoOnMount", false);
        fill(object, "spec.storageCapacity", false);
        fill(object, "spec.fsGroupPolicy", "ReadWriteOnceWithFSType");
        if items(object, "spec.volumeLifecycleModes").is_empty() {
            put(object, "spec.volumeLifecycleModes", json!(["Persistent"]));
        }
        fill(object, "spec.requiresRepublish", false);
        fill(object, "spec.seLinuxMount", false);
    }

    fn prepare_create(&self, object: &mut Value) {
        remove(object, SCALING);
    }

    fn prepare_update(&self, _write: Write<'_>, object: &mut Value, old: &Value) {
        if given(old, SCALING).is_none() {
            remove(object, SCALING);
        }
        // The strategy counts changes, but not from 1: a new driver has no generation.
        if at(object, "spec") != at(old, "spec") {
            let generation = int(old, "metadata.generation").saturating_add(1);
            put(object, "metadata.generation", generation);
        } else {
            keep(object, old, "metadata.generation");
        }
    }

    fn validate_create(&self, object: &Value) -> Vec<FieldError> {
        let mut errors = meta::validate_create(object, false, meta::dns_subdomain);
        errors.extend(validate_spec(at(object, "spec")));
        errors
    }

    fn validate_update(&self, _write: Write<'_>, object: &Value, old: &Value) -> Vec<FieldError> {
        let mut errors = meta::validate_update(object, old);
        errors.extend(validate_spec(at(object, "spec")));
        // The first field's name is the real server's.
        for (field, name) in [
            ("spec.attachRequired", "spec.attachedRequired"),
            ("spec.volumeLifecycleModes", "spec.volumeLifecycleModes"),
        ] {
            errors.extend(check::immutable_value(
                at(object, field),
                at(old, field),
                &Path::new(name),
            ));
        }
        errors
    }

    fn warnings(&self, object: &Value, old: Option<&Value>) -> Vec<String> {
        let requests = at(object, "spec.tokenRequests");
        let is_changed = old.is_none_or(|old| !same(at(old, "spec.tokenRequests"), requests));
        let has_place = given(object, "spec.serviceAccountTokenInSecrets").is_some();
        if has_place || !is_changed || items(object, "spec.tokenRequests").is_empty() {
            return Vec::new();
        }
        vec![
            "spec.serviceAccountTokenInSecrets is unset; if supported by this CSI driver, set to true \
             to prevent possible logging of tokens in volume attributes"
                .to_owned(),
        ]
    }

    fn updates_unconditionally(&self) -> bool {
        false
    }
}

fn validate_spec(spec: &Value) -> Vec<FieldError> {
    let path = Path::new("spec");
    let mut errors = Vec::new();
    for (field, name) in [
        ("attachRequired", "attachedRequired"),
        ("podInfoOnMount", "podInfoOnMount"),
        ("storageCapacity", "storageCapacity"),
    ] {
        if given(spec, field).is_none() {
            errors.push(FieldError::required(&path.child(name), ""));
        }
    }
    let policies = ["File", "None", "ReadWriteOnceWithFSType"];
    let policy = at(spec, "fsGroupPolicy").as_str();
    if let Some(policy) = policy.filter(|policy| !policies.contains(policy)) {
        errors.push(FieldError::not_supported(
            &path.child("fsGroupPolicy"),
            policy,
            &policies,
        ));
    }
    errors.extend(validate_tokens(spec, &path.child("tokenRequests")));
    let modes = ["Persistent", "Ephemeral"];
    for mode in texts(spec, "volumeLifecycleModes") {
        if !modes.contains(&mode) {
            let path = path.child("volumeLifecycleModes");
            errors.push(FieldError::not_supported(&path, mode, &modes));
        }
    }
    if given(spec, "seLinuxMount").is_none() {
        errors.push(FieldError::required(&path.child("seLinuxMount"), ""));
    }
    let period = number(spec, "nodeAllocatableUpdatePeriodSeconds");
    if let Some(period) = period.filter(|period| *period < 10) {
        let path = path.child("nodeAllocatableUpdatePeriodSeconds");
        let words = "must be greater than or equal to 10 seconds";
        errors.push(FieldError::invalid(&path, period, words));
    }
    if let Some(place) = given(spec, "serviceAccountTokenInSecrets")
        && items(spec, "tokenRequests").is_empty()
    {
        let path = path.child("serviceAccountTokenInSecrets");
        let words = "serviceAccountTokenInSecrets is set but no tokenRequests are specified";
        errors.push(FieldError::invalid(&path, place.clone(), words));
    }
    errors
}

fn validate_tokens(spec: &Value, path: &Path) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let mut audiences = HashSet::new();
    for (index, request) in items(spec, "tokenRequests").iter().enumerate() {
        let path = path.index(index);
        let audience = text(request, "audience");
        if !audiences.insert(audience) {
            errors.push(FieldError::duplicate(&path.child("audience"), audience));
            continue;
        }
        let Some(seconds) = number(request, "expirationSeconds") else {
            continue;
        };
        let path = path.child("expirationSeconds");
        if seconds < 600 {
            let words = "may not specify a duration less than 10 minutes";
            errors.push(FieldError::invalid(&path, seconds, words));
        }
        if seconds > 1 << 32 {
            let words = "may not specify a duration larger than 2^32 seconds";
            errors.push(FieldError::invalid(&path, seconds, words));
        }
    }
    errors
}

//! PodDisruptionBudget: `pkg/apis/policy` and `pkg/registry/policy/poddisruptionbudget`.

use serde_json::{Value, json};

use super::check;
use super::read::{at, given};
use crate::sandbox::memory::field::{FieldError, Path};
use crate::sandbox::memory::kinds::{Kind, Write, meta};

/// See the module.
pub(crate) struct PodDisruptionBudget;

impl Kind for PodDisruptionBudget {
    fn validate_create(&self, object: &Value) -> Vec<FieldError> {
        // Metadata is looked at only when the rest is well, and any path segment is a name.
        let errors = validate_spec(at(object, "spec"));
        if errors.is_empty() {
            meta::validate_create(object, true, meta::path_segment)
        } else {
            errors
        }
    }

    fn validate_update(&self, write: Write<'_>, object: &Value, old: &Value) -> Vec<FieldError> {
        let mut errors = meta::common_update(object, old);
        if write.subresource == "status" {
            let path = Path::new("status");
            let status = at(object, "status");
            errors.extend(check::conditions(status, &path));
            let counts = [
                "disruptionsAllowed",
                "currentHealthy",
                "desiredHealthy",
                "expectedPods",
            ];
            errors.extend(check::nonnegatives(status, &counts, &path));
        } else {
            errors.extend(validate_spec(at(object, "spec")));
        }
        errors
    }

    fn has_generation(&self) -> bool {
        true
    }

    fn updates_unconditionally(&self) -> bool {
        false
    }
}

fn validate_spec(spec: &Value) -> Vec<FieldError> {
    let path = Path::new("spec");
    let mut errors = Vec::new();
    let selector = at(spec, "selector");
    let policy = at(spec, "unhealthyPodEvictionPolicy");
    let limits = ["minAvailable", "maxUnavailable"];
    if limits.iter().all(|limit| given(spec, limit).is_some()) {
        // The internal type is shown, whose fields have the names that they have in Go.
        let shown = json!({
            "MinAvailable": at(spec, "minAvailable"),
            "Selector": check::shown_selector(selector),
            "MaxUnavailable": at(spec, "maxUnavailable"),
            "UnhealthyPodEvictionPolicy": policy,
        });
        let words = "minAvailable and maxUnavailable cannot be both set";
        errors.push(FieldError::invalid(&path, shown, words));
    }
    for limit in limits {
        if let Some(value) = given(spec, limit) {
            let path = path.child(limit);
            errors.extend(check::int_or_percent(value, &path));
            errors.extend(check::above_100_percent(value, &path));
        }
    }
    errors.extend(check::selector(selector, &path.child("selector")));
    let policies = ["AlwaysAllow", "IfHealthyBudget"];
    if let Some(policy) = policy.as_str().filter(|policy| !policies.contains(policy)) {
        let path = path.child("unhealthyPodEvictionPolicy");
        errors.push(FieldError::not_supported(&path, policy, &policies));
    }
    errors
}

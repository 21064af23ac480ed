//! PriorityClass: `pkg/apis/scheduling` and `pkg/registry/scheduling/priorityclass`.

use serde_json::Value;

use super::super::workloads::check;
use super::super::workloads::read::{at, fill, flag, int, put, text};
use crate::sandbox::memory::field::{FieldError, Path};
use crate::sandbox::memory::kinds::{Kind, Write, meta};

const SYSTEM: [(&str, i64); 2] = [
    ("system-node-critical", 2_000_001_000),
    ("system-cluster-critical", 2_000_000_000),
];
const HIGHEST: i64 = 1_000_000_000;

/// See the module.
pub(crate) struct PriorityClass;

impl Kind for PriorityClass {
    fn default(&self, object: &mut Value) {
        fill(object, "preemptionPolicy", "PreemptLowerPriority");
    }

    fn prepare_create(&self, object: &mut Value) {
        put(object, "metadata.generation", 1);
    }

    fn validate_create(&self, object: &Value) -> Vec<FieldError> {
        let mut errors = meta::validate_create(object, false, meta::dns_subdomain);
        let name = text(object, "metadata.name");
        if name.starts_with("system-") {
            errors.extend(system_error(object, name).map(|error| {
                let words = format!(
                    "priority class names with 'system-' prefix are reserved for system use only. \
                     error: {error}"
                );
                FieldError::forbidden(&Path::new("metadata.name"), words)
            }));
        } else if int(object, "value") > HIGHEST {
            let words = format!("maximum allowed value of a user defined priority is {HIGHEST}");
            errors.push(FieldError::forbidden(&Path::new("value"), words));
        }
        let path = Path::new("preemptionPolicy");
        let policies = ["PreemptLowerPriority", "Never"];
        match at(object, "preemptionPolicy").as_str() {
            Some("") => errors.push(FieldError::required(&path, "")),
            Some(policy) if !policies.contains(&policy) => {
                errors.push(FieldError::not_supported(&path, policy, &policies));
            }
            _ => {}
        }
        errors
    }

    fn validate_update(&self, _write: Write<'_>, object: &Value, old: &Value) -> Vec<FieldError> {
        let mut errors = meta::validate_update(object, old);
        if int(object, "value") != int(old, "value") {
            let words = "may not be changed in an update.";
            errors.push(FieldError::forbidden(&Path::new("value"), words));
        }
        errors.extend(check::immutable(object, old, "preemptionPolicy"));
        errors
    }
}

/// Why this is not one of the system's own classes.
fn system_error(object: &Value, name: &str) -> Option<String> {
    let Some((_, value)) = SYSTEM.iter().find(|(known, _)| *known == name) else {
        return Some(format!("{name} is not a known system priority class"));
    };
    if int(object, "value") != *value {
        return Some(format!("value of {name} PriorityClass must be {value}"));
    }
    let is_default = flag(object, "globalDefault");
    is_default.then(|| format!("globalDefault of {name} PriorityClass must be false"))
}

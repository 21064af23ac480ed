//! ReplicaSet: `pkg/apis/apps` and `pkg/registry/apps/replicaset`.

use serde_json::Value;

use super::read::{at, fill};
use super::{check, template};
use crate::sandbox::memory::field::{FieldError, Path};
use crate::sandbox::memory::kinds::{Kind, Write, meta};

/// See the module.
pub(crate) struct ReplicaSet;

impl Kind for ReplicaSet {
    fn default(&self, object: &mut Value) {
        template::default(object, "spec.template");
        fill(object, "spec.replicas", 1);
    }

    fn validate_create(&self, object: &Value) -> Vec<FieldError> {
        let mut errors = meta::validate_create(object, true, meta::dns_subdomain);
        errors.extend(validate_spec(at(object, "spec")));
        errors
    }

    fn validate_update(&self, write: Write<'_>, object: &Value, old: &Value) -> Vec<FieldError> {
        let mut errors = meta::validate_update(object, old);
        if write.subresource == "status" {
            errors.extend(validate_status(at(object, "status")));
            return errors;
        }
        errors.extend(validate_spec(at(object, "spec")));
        errors.extend(check::immutable_selector(object, old, "spec.selector"));
        errors
    }

    fn warnings(&self, object: &Value, old: Option<&Value>) -> Vec<String> {
        template::warnings_of_change(object, old)
    }

    fn has_generation(&self) -> bool {
        true
    }
}

fn validate_spec(spec: &Value) -> Vec<FieldError> {
    let path = Path::new("spec");
    let mut errors = check::nonnegatives(spec, &["replicas", "minReadySeconds"], &path);
    // The words are the real server's: those of a Deployment.
    errors.extend(template::validate_with_selector(spec, "deployment"));
    errors
}

fn validate_status(status: &Value) -> Vec<FieldError> {
    let path = Path::new("status");
    let counts = [
        "replicas",
        "fullyLabeledReplicas",
        "readyReplicas",
        "availableReplicas",
        "observedGeneration",
        "terminatingReplicas",
    ];
    let mut errors = check::nonnegatives(status, &counts, &path);
    let parts = ["fullyLabeledReplicas", "readyReplicas", "availableReplicas"];
    let words = "cannot be greater than status.replicas";
    errors.extend(check::not_above(status, &parts, "replicas", words, &path));
    let words = "cannot be greater than readyReplicas";
    errors.extend(check::not_above(
        status,
        &["availableReplicas"],
        "readyReplicas",
        words,
        &path,
    ));
    errors
}

//! ServiceAccount: `pkg/registry/core/serviceaccount`.

use serde_json::{Value, json};

use super::super::workloads::read::{entry, items_mut, text};
use crate::sandbox::memory::field::FieldError;
use crate::sandbox::memory::kinds::{Kind, Write, meta};

const MOUNTABLE: &str = "kubernetes.io/enforce-mountable-secrets";

/// See the module.
pub(super) struct ServiceAccount;

impl Kind for ServiceAccount {
    fn prepare_create(&self, object: &mut Value) {
        name_secrets(object);
    }

    fn prepare_update(&self, _write: Write<'_>, object: &mut Value, _old: &Value) {
        name_secrets(object);
    }

    fn validate_create(&self, object: &Value) -> Vec<FieldError> {
        meta::validate_create(object, true, meta::dns_subdomain)
    }

    fn validate_update(&self, _write: Write<'_>, object: &Value, old: &Value) -> Vec<FieldError> {
        let mut errors = meta::validate_update(object, old);
        errors.extend(self.validate_create(object));
        errors
    }

    fn warnings(&self, object: &Value, old: Option<&Value>) -> Vec<String> {
        let has = |object: &Value| entry(object, "metadata.annotations", MOUNTABLE).is_some();
        if !has(object) || old.is_some_and(has) {
            return Vec::new();
        }
        vec![format!(
            "metadata.annotations[{MOUNTABLE}]: deprecated in v1.32+; prefer separate namespaces to \
             isolate access to mounted secrets"
        )]
    }
}

/// Of a reference to a Secret only the name is kept.
fn name_secrets(object: &mut Value) {
    for secret in items_mut(object, "secrets") {
        *secret = json!({"name": text(secret, "name")});
    }
}

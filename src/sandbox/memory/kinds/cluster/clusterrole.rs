//! ClusterRole: `pkg/apis/rbac` and `pkg/registry/rbac/clusterrole`.

use serde_json::Value;

use super::super::workloads::check;
use super::super::workloads::read::{given, items};
use super::rbac;
use crate::sandbox::memory::field::{FieldError, Path};
use crate::sandbox::memory::kinds::{Kind, Write, meta};

/// See the module.
pub(crate) struct ClusterRole;

impl Kind for ClusterRole {
    fn validate_create(&self, object: &Value) -> Vec<FieldError> {
        let mut errors = meta::validate_create(object, false, meta::path_segment);
        errors.extend(rbac::validate_rules(object, false));
        errors.extend(validate_aggregation(object));
        errors
    }

    fn validate_update(&self, _write: Write<'_>, object: &Value, old: &Value) -> Vec<FieldError> {
        let mut errors = meta::common_update(object, old);
        errors.extend(self.validate_create(object));
        errors.extend(meta::own_update(object, old));
        errors
    }

    fn creates_on_update(&self) -> bool {
        true
    }
}

fn validate_aggregation(object: &Value) -> Vec<FieldError> {
    let Some(rule) = given(object, "aggregationRule") else {
        return Vec::new();
    };
    let path = Path::new("aggregationRule.clusterRoleSelectors");
    let selectors = items(rule, "clusterRoleSelectors");
    let mut errors = Vec::new();
    if selectors.is_empty() {
        let words = "at least one clusterRoleSelector required if aggregationRule is non-nil";
        errors.push(FieldError::required(&path, words));
    }
    for (index, selector) in selectors.iter().enumerate() {
        let path = path.index(index);
        let wrong = check::selector(selector, &path);
        let is_wrong = !wrong.is_empty();
        errors.extend(wrong);
        if is_wrong {
            // What is shown is the parsed selector, of which there is none.
            errors.push(FieldError::invalid(
                &path,
                Value::Null,
                "invalid label selector.",
            ));
        }
    }
    errors
}

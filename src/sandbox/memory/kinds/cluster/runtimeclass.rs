//! RuntimeClass: `pkg/apis/node` and `pkg/registry/node/runtimeclass`.

use std::collections::{BTreeSet, HashSet};

use k8s_openapi::api::core::v1::ResourceRequirements;
use serde::Deserialize;
use serde_json::Value;

use super::super::workloads::check;
use super::super::workloads::read::{at, entries, given, items, text};
use super::node_labels;
use crate::sandbox::memory::field::{FieldError, Path};
use crate::sandbox::memory::kinds::pod::resources;
use crate::sandbox::memory::kinds::{Kind, Write, meta};
use crate::sandbox::memory::names;

/// See the module.
pub(crate) struct RuntimeClass;

impl Kind for RuntimeClass {
    fn validate_create(&self, object: &Value) -> Vec<FieldError> {
        let mut errors = meta::validate_create(object, false, meta::dns_subdomain);
        let path = Path::new("handler");
        match text(object, "handler") {
            "" => errors.push(FieldError::required(&path, "")),
            name => errors.extend(check::invalid_each(&path, name, names::dns1123_label(name))),
        }
        errors.extend(validate_overhead(at(object, "overhead.podFixed")));
        if let Some(scheduling) = given(object, "scheduling") {
            let path = Path::new("scheduling");
            errors.extend(meta::labels(
                scheduling,
                "nodeSelector",
                &path.child("nodeSelector"),
            ));
            let tolerations = items(scheduling, "tolerations");
            errors.extend(validate_tolerations(
                tolerations,
                &path.child("tolerations"),
            ));
        }
        errors
    }

    fn validate_update(&self, _write: Write<'_>, object: &Value, old: &Value) -> Vec<FieldError> {
        let mut errors = meta::common_update(object, old);
        errors.extend(self.validate_create(object));
        errors.extend(meta::own_update(object, old));
        errors.extend(check::immutable(object, old, "handler"));
        errors
    }

    fn warnings(&self, object: &Value, _old: Option<&Value>) -> Vec<String> {
        let labels = entries(object, "scheduling.nodeSelector").into_iter();
        let warnings = labels.filter_map(|(key, _)| node_labels::deprecated(key));
        warnings
            .map(|words| format!("scheduling.nodeSelector: {words}"))
            .collect()
    }

    fn creates_on_update(&self) -> bool {
        true
    }

    fn updates_unconditionally(&self) -> bool {
        false
    }
}

/// The amounts are limits of a container to the checks.
fn validate_overhead(amounts: &Value) -> Vec<FieldError> {
    let mut errors = Vec::new();
    if let Ok(limits) = Option::deserialize(amounts) {
        let limits = ResourceRequirements {
            limits,
            ..ResourceRequirements::default()
        };
        let path = Path::new("overhead");
        let whose = resources::Whose::Container;
        resources::validate(&mut errors, &limits, whose, &BTreeSet::new(), &path);
    }
    errors
}

/// `ValidateTolerations`, and none twice.
fn validate_tolerations(tolerations: &[Value], path: &Path) -> Vec<FieldError> {
    let mut errors = Vec::new();
    for (index, toleration) in tolerations.iter().enumerate() {
        errors.extend(validate_toleration(toleration, &path.index(index)));
    }
    let mut seen = HashSet::new();
    for (index, toleration) in tolerations.iter().enumerate() {
        let key = ["key", "operator", "value", "effect"].map(|field| text(toleration, field));
        if !seen.insert(key) {
            // The internal type is shown, whose fields have the names that they have in Go.
            let shown = serde_json::json!({
                "Key": key[0], "Operator": key[1], "Value": key[2], "Effect": key[3],
                "TolerationSeconds": at(toleration, "tolerationSeconds"),
            });
            errors.push(FieldError::duplicate(&path.index(index), shown));
        }
    }
    errors
}

fn validate_toleration(toleration: &Value, path: &Path) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let field = |field| text(toleration, field);
    let (key, operator, value, effect) = (
        field("key"),
        field("operator"),
        field("value"),
        field("effect"),
    );
    let operator_path = path.child("operator");
    if !key.is_empty() {
        errors.extend(check::invalid_each(
            &path.child("key"),
            key,
            names::qualified_name(key),
        ));
    } else if operator != "Exists" {
        errors.push(FieldError::invalid(
            &operator_path,
            operator,
            "operator must be Exists when `key` is empty, which means \"match all values and all \
             keys\"",
        ));
    }
    let effect_path = path.child("effect");
    if given(toleration, "tolerationSeconds").is_some() && effect != "NoExecute" {
        let words = "effect must be 'NoExecute' when `tolerationSeconds` is set";
        errors.push(FieldError::invalid(&effect_path, effect, words));
    }
    match operator {
        "Equal" | "" => {
            let wrong = names::label_value(value);
            if !wrong.is_empty() {
                errors.push(FieldError::invalid(&operator_path, value, wrong.join(";")));
            }
        }
        "Exists" => {
            if !value.is_empty() {
                let words = "value must be empty when `operator` is 'Exists'";
                errors.push(FieldError::invalid(&operator_path, value, words));
            }
        }
        "Lt" | "Gt" => {
            let operators = ["Equal", "Exists", "Lt", "Gt"];
            errors.push(FieldError::not_supported(
                &operator_path,
                operator,
                &operators,
            ));
        }
        _ => {
            let operators = ["Equal", "Exists"];
            errors.push(FieldError::not_supported(
                &operator_path,
                operator,
                &operators,
            ));
        }
    }
    let effects = ["NoSchedule", "PreferNoSchedule", "NoExecute"];
    if !effect.is_empty() && !effects.contains(&effect) {
        errors.push(FieldError::not_supported(&effect_path, effect, &effects));
    }
    errors
}

//! RuntimeClass: `pkg/apis/node` and `pkg/registry/node/runtimeclass`.

use std::collections::HashSet;

use serde_json::Value;

use super::super::workloads::check;
use super::super::workloads::read::{at, entries, given, items, text};
use super::node_labels;
use crate::sandbox::memory::field::{FieldError, Path};
use crate::sandbox::memory::kinds::{Kind, Write, meta};
use crate::sandbox::memory::names;
use crate::sandbox::memory::quantity::Quantity;

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
            errors.extend(check::labels(
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
        let mut errors = self.validate_create(object);
        errors.extend(meta::validate_update(object, old));
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

/// Quantities are limits of containers to the checks.
fn validate_overhead(amounts: &Value) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let mut amounts: Vec<(&String, &Value)> = amounts.as_object().into_iter().flatten().collect();
    amounts.sort_unstable_by_key(|(name, _)| *name);
    for (name, amount) in amounts {
        let path = Path::new("overhead.limits").key(name);
        errors.extend(check::container_resource_name(name, &path));
        let text = amount
            .as_str()
            .map_or_else(|| amount.to_string(), str::to_owned);
        let Some(quantity) = Quantity::parse(&text) else {
            continue;
        };
        if quantity.sign() < 0 {
            let words = "must be greater than or equal to 0";
            errors.push(FieldError::invalid(&path, quantity.canonical(), words));
        }
        let is_extended = name.contains('/') && !name.contains("kubernetes.io/");
        if is_extended && quantity.milli_value() % 1000 != 0 {
            let words = "must be an integer";
            errors.push(FieldError::invalid(&path, quantity.canonical(), words));
        }
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

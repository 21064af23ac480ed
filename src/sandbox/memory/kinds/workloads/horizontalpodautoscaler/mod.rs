//! HorizontalPodAutoscaler in autoscaling/v2, which is stored: `pkg/apis/autoscaling` and
//! `pkg/registry/autoscaling/horizontalpodautoscaler`.

mod metric;

use serde_json::{Value, json};

use super::check;
use super::read::{at, fill, given, given_mut, int, items, number, put, text};
use crate::sandbox::memory::field::{FieldError, Path};
use crate::sandbox::memory::kinds::{Kind, Write, meta};
use crate::sandbox::memory::names;
use crate::sandbox::memory::quantity::Quantity;

/// See the module.
pub(crate) struct HorizontalPodAutoscaler;

impl Kind for HorizontalPodAutoscaler {
    fn default(&self, object: &mut Value) {
        fill(object, "spec.minReplicas", 1);
        if items(object, "spec.metrics").is_empty() {
            let target = json!({"type": "Utilization", "averageUtilization": 80});
            let metric = json!({"type": "Resource", "resource": {"name": "cpu", "target": target}});
            put(object, "spec.metrics", json!([metric]));
        }
        if let Some(behavior) = given_mut(object, "spec.behavior") {
            default_behavior(behavior);
        }
    }

    fn validate_create(&self, object: &Value) -> Vec<FieldError> {
        let mut errors = meta::validate_create(object, true, meta::dns_subdomain);
        errors.extend(validate_spec(at(object, "spec"), None));
        errors
    }

    fn validate_update(&self, write: Write<'_>, object: &Value, old: &Value) -> Vec<FieldError> {
        let mut errors = meta::validate_update(object, old);
        if write.subresource == "status" {
            let counts = ["currentReplicas", "desiredReplicas"];
            errors.extend(check::nonnegatives(
                at(object, "status"),
                &counts,
                &Path::new("status"),
            ));
        } else {
            errors.extend(validate_spec(at(object, "spec"), Some(at(old, "spec"))));
        }
        errors
    }
}

fn default_behavior(behavior: &mut Value) {
    let policy =
        |type_: &str, value: i64| json!({"type": type_, "value": value, "periodSeconds": 15});
    fill(behavior, "scaleUp.selectPolicy", "Max");
    fill(behavior, "scaleUp.stabilizationWindowSeconds", 0);
    fill(
        behavior,
        "scaleUp.policies",
        json!([policy("Pods", 4), policy("Percent", 100)]),
    );
    fill(behavior, "scaleDown.selectPolicy", "Max");
    fill(
        behavior,
        "scaleDown.policies",
        json!([policy("Percent", 100)]),
    );
}

fn validate_spec(spec: &Value, old: Option<&Value>) -> Vec<FieldError> {
    let path = Path::new("spec");
    let mut errors = Vec::new();
    let (min, max) = (number(spec, "minReplicas"), int(spec, "maxReplicas"));
    let max_path = path.child("maxReplicas");
    // HPAScaleToZero is off by default.
    if let Some(min) = min.filter(|min| *min < 1) {
        let words = "must be greater than or equal to 1";
        errors.push(FieldError::invalid(&path.child("minReplicas"), min, words));
    }
    if max == 0 {
        errors.push(FieldError::required(
            &max_path,
            "must be set and greater than 0",
        ));
    } else if max < 0 {
        let words = "must be greater than or equal to 1";
        errors.push(FieldError::invalid(&max_path, max, words));
    }
    if min.is_some_and(|min| max < min) {
        let words = "must be greater than or equal to `minReplicas`";
        errors.push(FieldError::invalid(&max_path, max, words));
    }
    let target = at(spec, "scaleTargetRef");
    let is_same = |old: &Value| {
        let fields = ["apiVersion", "kind"].into_iter();
        fields
            .map(|field| (text(target, field), text(old, field)))
            .all(|(new, old)| new == old)
    };
    let group = if old.is_some_and(|old| is_same(at(old, "scaleTargetRef"))) {
        Group::Any
    } else if text(target, "kind") == "ReplicationController" {
        Group::Optional
    } else {
        Group::Required
    };
    errors.extend(validate_reference(
        target,
        group,
        &path.child("scaleTargetRef"),
    ));
    errors.extend(metric::validate_all(spec, &path.child("metrics")));
    if let Some(behavior) = given(spec, "behavior") {
        for direction in ["scaleUp", "scaleDown"] {
            if let Some(rules) = given(behavior, direction) {
                let path = path.child("behavior").child(direction);
                errors.extend(validate_rules(rules, &path));
            }
        }
    }
    errors
}

/// What an `apiVersion` has to name.
#[derive(Clone, Copy, PartialEq)]
enum Group {
    /// A group and a version
    Required,
    /// At least a version, or nothing
    Optional,
    /// Whatever it likes
    Any,
}

fn validate_reference(reference: &Value, group: Group, path: &Path) -> Vec<FieldError> {
    let mut errors = Vec::new();
    for field in ["kind", "name"] {
        let path = path.child(field);
        match text(reference, field) {
            "" => errors.push(FieldError::required(&path, "")),
            value => errors.extend(check::invalid_each(
                &path,
                value,
                names::path_segment(value),
            )),
        }
    }
    let version = text(reference, "apiVersion");
    let wrong = match version.split_once('/') {
        _ if group == Group::Any => None,
        Some((_, rest)) if rest.contains('/') => {
            Some(format!("unexpected GroupVersion string: {version}"))
        }
        Some((name, _)) if !name.is_empty() => None,
        _ if group == Group::Required => Some("apiVersion must specify API group".to_owned()),
        _ => None,
    };
    let wrong = wrong.map(|words| FieldError::invalid(&path.child("apiVersion"), version, words));
    errors.extend(wrong);
    errors
}

fn validate_rules(rules: &Value, path: &Path) -> Vec<FieldError> {
    let mut errors = Vec::new();
    if let Some(window) = number(rules, "stabilizationWindowSeconds") {
        let path = path.child("stabilizationWindowSeconds");
        if window < 0 {
            let words = "must be greater than or equal to zero";
            errors.push(FieldError::invalid(&path, window, words));
        }
        if window > 3600 {
            errors.push(FieldError::invalid(
                &path,
                window,
                "must be less than or equal to 3600",
            ));
        }
    }
    let selects = ["Disabled", "Max", "Min"];
    let select = given(rules, "selectPolicy").and_then(Value::as_str);
    if let Some(select) = select.filter(|select| !selects.contains(select)) {
        errors.push(FieldError::not_supported(
            &path.child("selectPolicy"),
            select,
            &selects,
        ));
    }
    let policies = items(rules, "policies");
    let policies_path = path.child("policies");
    if policies.is_empty() {
        errors.push(FieldError::required(
            &policies_path,
            "must specify at least one Policy",
        ));
    }
    for (index, policy) in policies.iter().enumerate() {
        errors.extend(validate_policy(policy, &policies_path.index(index)));
    }
    if let Some(tolerance) = given(rules, "tolerance")
        && sign(tolerance) < 0
    {
        let words = "must be greater than or equal to 0";
        errors.push(FieldError::invalid(
            &path.child("tolerance"),
            tolerance.clone(),
            words,
        ));
    }
    errors
}

fn validate_policy(policy: &Value, path: &Path) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let types = ["Percent", "Pods"];
    let type_ = text(policy, "type");
    if !types.contains(&type_) {
        errors.push(FieldError::not_supported(
            &path.child("type"),
            type_,
            &types,
        ));
    }
    for field in ["value", "periodSeconds"] {
        let value = int(policy, field);
        if value <= 0 {
            let words = "must be greater than zero";
            errors.push(FieldError::invalid(&path.child(field), value, words));
        }
    }
    let period = int(policy, "periodSeconds");
    if period > 1800 {
        let words = "must be less than or equal to 1800";
        errors.push(FieldError::invalid(
            &path.child("periodSeconds"),
            period,
            words,
        ));
    }
    errors
}

/// -1, 0 or 1; 0 for what is no quantity, which decoding refuses.
fn sign(quantity: &Value) -> i32 {
    let text = match quantity {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    Quantity::parse(&text)
        .map(|quantity| quantity.sign())
        .unwrap_or_default()
}

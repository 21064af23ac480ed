//! HorizontalPodAutoscaler: autoscaling/v1 and v2 (`pkg/apis/autoscaling/v1/conversion.go`). What v1
//! has no fields for is in annotations of its objects, and in no others.

use serde_json::{Map, Value, json};

use super::metric;
use crate::sandbox::memory::kinds::workloads::read::{
    at, fill, given, given_mut, is_empty, items, number, put, remove, slot, slot_of, text,
};

const METRICS: &str = "autoscaling.alpha.kubernetes.io/metrics";
const CURRENT_METRICS: &str = "autoscaling.alpha.kubernetes.io/current-metrics";
const CONDITIONS: &str = "autoscaling.alpha.kubernetes.io/conditions";
const BEHAVIOR: &str = "autoscaling.alpha.kubernetes.io/behavior";
const ANNOTATIONS: [&str; 6] = [
    METRICS,
    CURRENT_METRICS,
    CONDITIONS,
    BEHAVIOR,
    "autoscaling.alpha.kubernetes.io/scale-down-tolerance",
    "autoscaling.alpha.kubernetes.io/scale-up-tolerance",
];

/// To autoscaling/v1.
pub(super) fn to_v1(object: &mut Value) {
    drop_annotations(object);
    let metrics = items(object, "spec.metrics");
    let utilization = metrics
        .iter()
        .find(|metric| is_cpu_utilization(metric))
        .map(utilization_of);
    let others = metrics.iter().filter(|metric| !is_cpu_utilization(metric));
    let others: Vec<Value> = others.map(metric::spec_to_v1).collect();
    let current = items(object, "status.currentMetrics");
    let mut measured = current
        .iter()
        .filter(|metric| is_cpu(metric))
        .filter_map(|metric| number(metric, "resource.current.averageUtilization"));
    let measured = measured.next_back();
    let current: Vec<Value> = current.iter().map(metric::status_to_v1).collect();
    let conditions = items(object, "status.conditions").iter().map(condition);
    let conditions: Vec<Value> = conditions.collect();
    let behavior = given(object, "spec.behavior").map(behavior_to_go);

    annotate(
        object,
        METRICS,
        (!others.is_empty()).then_some(Value::Array(others)),
    );
    annotate(
        object,
        CURRENT_METRICS,
        (!current.is_empty()).then_some(Value::Array(current)),
    );
    annotate(object, BEHAVIOR, behavior);
    annotate(
        object,
        CONDITIONS,
        (!conditions.is_empty()).then_some(Value::Array(conditions)),
    );

    remove(object, "spec.metrics");
    remove(object, "spec.behavior");
    if let Some(utilization) = utilization {
        put(object, "spec.targetCPUUtilizationPercentage", utilization);
    }
    remove(object, "status.currentMetrics");
    remove(object, "status.conditions");
    if let Some(measured) = measured {
        put(object, "status.currentCPUUtilizationPercentage", measured);
    }
}

/// To autoscaling/v2. Annotations that cannot be read are dropped with the others.
pub(super) fn to_v2(object: &mut Value) {
    let mut metrics: Vec<Value> = Vec::new();
    metrics.extend(
        annotated_items(object, METRICS)
            .iter()
            .map(metric::spec_to_v2),
    );
    if let Some(utilization) = number(object, "spec.targetCPUUtilizationPercentage") {
        metrics.push(cpu_utilization(utilization));
    }
    if metrics.is_empty() {
        metrics.push(cpu_utilization(80));
    }
    let mut current: Vec<Value> = Vec::new();
    match annotated(object, CURRENT_METRICS) {
        Some(Value::Array(annotated)) => {
            current.extend(annotated.iter().map(metric::status_to_v2));
        }
        _ => current.extend(
            number(object, "status.currentCPUUtilizationPercentage").map(|share| {
                let measured = json!({"averageUtilization": share});
                json!({"type": "Resource", "resource": {"name": "cpu", "current": measured}})
            }),
        ),
    }
    let conditions: Vec<Value> = annotated_items(object, CONDITIONS)
        .iter()
        .map(condition)
        .collect();
    let behavior = annotated(object, BEHAVIOR).map(|behavior| behavior_from_go(&behavior));
    drop_annotations(object);

    remove(object, "spec.targetCPUUtilizationPercentage");
    put(object, "spec.metrics", metrics);
    if let Some(behavior) = behavior.filter(|behavior| !is_empty(behavior)) {
        put(object, "spec.behavior", behavior);
    }
    remove(object, "status.currentCPUUtilizationPercentage");
    for (field, list) in [
        ("status.currentMetrics", current),
        ("status.conditions", conditions),
    ] {
        if !list.is_empty() {
            put(object, field, list);
        }
    }
}

fn is_cpu(metric: &Value) -> bool {
    text(metric, "type") == "Resource" && text(metric, "resource.name") == "cpu"
}

fn is_cpu_utilization(metric: &Value) -> bool {
    is_cpu(metric) && given(metric, "resource.target.averageUtilization").is_some()
}

fn utilization_of(metric: &Value) -> Value {
    at(metric, "resource.target.averageUtilization").clone()
}

fn cpu_utilization(share: i64) -> Value {
    let target = json!({"type": "Utilization", "averageUtilization": share});
    json!({"type": "Resource", "resource": {"name": "cpu", "target": target}})
}

/// A condition with the fields that Go writes.
fn condition(condition: &Value) -> Value {
    let mut new = Map::new();
    for field in ["type", "status", "lastTransitionTime", "reason", "message"] {
        let value = at(condition, field);
        let is_optional = ["reason", "message"].contains(&field);
        if !(is_optional && value.as_str().unwrap_or_default().is_empty()) {
            new.insert(field.to_owned(), value.clone());
        }
    }
    Value::Object(new)
}

fn drop_annotations(object: &mut Value) {
    let Some(annotations) =
        given_mut(object, "metadata.annotations").and_then(Value::as_object_mut)
    else {
        return;
    };
    for annotation in ANNOTATIONS {
        annotations.shift_remove(annotation);
    }
    if annotations.is_empty() {
        remove(object, "metadata.annotations");
    }
}

fn annotate(object: &mut Value, annotation: &str, value: Option<Value>) {
    let Some(value) = value else {
        return;
    };
    if let Some(annotations) = slot(object, "metadata.annotations") {
        if let Some(place) = slot_of(annotations, annotation) {
            *place = json!(go_json(&value));
        }
        if let Some(annotations) = annotations.as_object_mut() {
            annotations.sort_keys();
        }
    }
}

/// JSON as Go writes it: with these three characters escaped.
fn go_json(value: &Value) -> String {
    let json = value.to_string();
    json.replace('<', "\\u003c")
        .replace('>', "\\u003e")
        .replace('&', "\\u0026")
}

fn annotated(object: &Value, annotation: &str) -> Option<Value> {
    let text = at(object, "metadata.annotations")
        .get(annotation)?
        .as_str()?;
    serde_json::from_str(text).ok()
}

fn annotated_items(object: &Value, annotation: &str) -> Vec<Value> {
    match annotated(object, annotation) {
        Some(Value::Array(items)) => items,
        _ => Vec::new(),
    }
}

/// The behavior is kept as the internal type, whose fields have the names that they have in Go.
fn behavior_to_go(behavior: &Value) -> Value {
    let rules = |direction: &str| {
        let rules = given(behavior, direction)?;
        let policies = items(rules, "policies").iter().map(|policy| {
            json!({
                "Type": at(policy, "type"),
                "Value": at(policy, "value"),
                "PeriodSeconds": at(policy, "periodSeconds"),
            })
        });
        let policies = given(rules, "policies").map(|_| policies.collect::<Vec<Value>>());
        Some(json!({
            "StabilizationWindowSeconds": at(rules, "stabilizationWindowSeconds"),
            "SelectPolicy": at(rules, "selectPolicy"),
            "Policies": policies,
            "Tolerance": at(rules, "tolerance"),
        }))
    };
    json!({"ScaleUp": rules("scaleUp"), "ScaleDown": rules("scaleDown")})
}

/// Go reads the names whatever their case.
fn behavior_from_go(behavior: &Value) -> Value {
    let field = |object: &Value, name: &str| -> Value {
        let mut fields = object.as_object().into_iter().flatten();
        let found = fields.find(|(key, _)| key.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.clone()).unwrap_or_default()
    };
    let mut new = json!({});
    for direction in ["scaleUp", "scaleDown"] {
        let rules = field(behavior, direction);
        if !rules.is_object() {
            continue;
        }
        let mut converted = json!({});
        for name in [
            "stabilizationWindowSeconds",
            "selectPolicy",
            "policies",
            "tolerance",
        ] {
            let value = match field(&rules, name) {
                Value::Array(policies) => {
                    let policies = policies.iter().map(|policy| {
                        let [type_, value, period] =
                            ["type", "value", "periodSeconds"].map(|name| field(policy, name));
                        json!({"type": type_, "value": value, "periodSeconds": period})
                    });
                    Value::Array(policies.collect())
                }
                value => value,
            };
            if !value.is_null() {
                fill(&mut converted, name, value);
            }
        }
        fill(&mut new, direction, converted);
    }
    new
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is empty is written or not as the types say, which is not asked here.
    fn plain(mut value: Value) -> Value {
        fn strip(value: &mut Value) {
            match value {
                Value::Object(map) => {
                    map.values_mut().for_each(strip);
                    map.retain(|_, value| !is_empty(value) && *value != json!(0));
                }
                Value::Array(items) => items.iter_mut().for_each(strip),
                _ => {}
            }
        }
        strip(&mut value);
        value
    }

    #[test]
    fn both_versions_are_those_of_the_real_server() {
        // Lines in threes: an object in v2, the same in v1, and what v2 has when that is put back.
        let lines: Vec<&str> = include_str!("cases/autoscalers.txt").lines().collect();
        assert!(lines.len() > 10);
        for three in lines.chunks(3) {
            let [v2, v1, back] =
                [0, 1, 2].map(|at| serde_json::from_str::<Value>(three[at]).unwrap());
            for (version, from, to) in [("v1", &v2, &v1), ("v2", &v1, &back)] {
                let kind = "HorizontalPodAutoscaler";
                let made = super::super::to("autoscaling", version, kind, from.clone()).unwrap();
                assert_eq!(plain(made), plain(to.clone()), "to {version}");
            }
        }
    }

    #[test]
    fn annotations_that_cannot_be_read_are_dropped() {
        let mut object = json!({"spec": {"maxReplicas": 1}});
        let junk = [
            "{",
            "[1]",
            "{\"a\": [",
            "\"x\"",
            "[{\"type\":\"Pods\",\"pods\":1}]",
        ];
        for junk in junk {
            object["metadata"] = json!({"annotations": {METRICS: junk, BEHAVIOR: junk}});
            let mut made = object.clone();
            to_v2(&mut made);
            assert!(!items(&made, "spec.metrics").is_empty(), "{junk}");
            assert!(given(&made, "metadata.annotations").is_none());
        }
    }
}

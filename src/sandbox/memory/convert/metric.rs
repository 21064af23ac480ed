//! Metrics of a HorizontalPodAutoscaler in the form that autoscaling/v1 has for them, which it shows
//! in annotations only (`pkg/apis/autoscaling/v1/conversion.go`).

use serde_json::{Map, Value, json};

use crate::sandbox::memory::kinds::workloads::read::{at, given, text};

/// The fields of a metric, with what each is called in the two versions: v2's place, v1's name, and
/// whether v1 writes it even when there is none, with which value.
type Fields = &'static [(&'static str, &'static str, Option<Absent>)];

#[derive(Clone, Copy)]
enum Absent {
    /// An empty text
    Text,
    /// The amount 0
    Zero,
}

use Absent::{Text, Zero};

const SPECS: [(&str, Fields); 5] = [
    (
        "object",
        &[
            ("describedObject", "target", None),
            ("metric.name", "metricName", Some(Text)),
            ("target.value", "targetValue", Some(Zero)),
            ("metric.selector", "selector", None),
            ("target.averageValue", "averageValue", None),
        ],
    ),
    (
        "pods",
        &[
            ("metric.name", "metricName", Some(Text)),
            ("target.averageValue", "targetAverageValue", Some(Zero)),
            ("metric.selector", "selector", None),
        ],
    ),
    (
        "resource",
        &[
            ("name", "name", Some(Text)),
            (
                "target.averageUtilization",
                "targetAverageUtilization",
                None,
            ),
            ("target.averageValue", "targetAverageValue", None),
        ],
    ),
    (
        "containerResource",
        &[
            ("name", "name", Some(Text)),
            (
                "target.averageUtilization",
                "targetAverageUtilization",
                None,
            ),
            ("target.averageValue", "targetAverageValue", None),
            ("container", "container", Some(Text)),
        ],
    ),
    (
        "external",
        &[
            ("metric.name", "metricName", Some(Text)),
            ("metric.selector", "metricSelector", None),
            ("target.value", "targetValue", None),
            ("target.averageValue", "targetAverageValue", None),
        ],
    ),
];

const STATUSES: [(&str, Fields); 5] = [
    (
        "object",
        &[
            ("describedObject", "target", None),
            ("metric.name", "metricName", Some(Text)),
            ("current.value", "currentValue", Some(Zero)),
            ("metric.selector", "selector", None),
            ("current.averageValue", "averageValue", None),
        ],
    ),
    (
        "pods",
        &[
            ("metric.name", "metricName", Some(Text)),
            ("current.averageValue", "currentAverageValue", Some(Zero)),
            ("metric.selector", "selector", None),
        ],
    ),
    (
        "resource",
        &[
            ("name", "name", Some(Text)),
            (
                "current.averageUtilization",
                "currentAverageUtilization",
                None,
            ),
            ("current.averageValue", "currentAverageValue", Some(Zero)),
        ],
    ),
    (
        "containerResource",
        &[
            ("name", "name", Some(Text)),
            (
                "current.averageUtilization",
                "currentAverageUtilization",
                None,
            ),
            ("current.averageValue", "currentAverageValue", Some(Zero)),
            ("container", "container", Some(Text)),
        ],
    ),
    (
        "external",
        &[
            ("metric.name", "metricName", Some(Text)),
            ("metric.selector", "metricSelector", None),
            ("current.value", "currentValue", Some(Zero)),
            ("current.averageValue", "currentAverageValue", None),
        ],
    ),
];

/// A metric that is aimed at, in v1.
pub(super) fn spec_to_v1(metric: &Value) -> Value {
    to_v1(metric, &SPECS)
}

/// A metric that was measured, in v1.
pub(super) fn status_to_v1(metric: &Value) -> Value {
    to_v1(metric, &STATUSES)
}

/// A metric that is aimed at, in v2.
pub(super) fn spec_to_v2(metric: &Value) -> Value {
    let mut new = to_v2(metric, &SPECS);
    for (source, _) in SPECS {
        let Some(own) = given(metric, source) else {
            continue;
        };
        let has = |field: &str| given(own, field).is_some();
        let type_ = match source {
            "object" if has("averageValue") => "AverageValue",
            "object" => "Value",
            "external" if has("targetValue") => "Value",
            "resource" | "containerResource" if has("targetAverageUtilization") => "Utilization",
            _ => "AverageValue",
        };
        let target = &mut new[source]["target"];
        // An amount of 0 beside an average is v1's way to leave it out.
        if source == "object" && has("averageValue") && target["value"] == json!("0") {
            target["value"] = Value::Null;
        }
        let mut fields = Map::new();
        fields.insert("type".to_owned(), json!(type_));
        let others = target.as_object().into_iter().flatten();
        fields.extend(
            others
                .filter(|(_, value)| !value.is_null())
                .map(|(name, value)| (name.clone(), value.clone())),
        );
        *target = Value::Object(fields);
    }
    new
}

/// A metric that was measured, in v2.
pub(super) fn status_to_v2(metric: &Value) -> Value {
    to_v2(metric, &STATUSES)
}

fn to_v1(metric: &Value, sources: &[(&str, Fields)]) -> Value {
    let mut old = Map::new();
    old.insert("type".to_owned(), json!(text(metric, "type")));
    for (source, fields) in sources {
        let Some(own) = given(metric, source) else {
            continue;
        };
        let mut converted = Map::new();
        for (place, name, absent) in *fields {
            let value = match (given(own, place), absent) {
                (Some(value), _) => value.clone(),
                (None, Some(Text)) => json!(""),
                (None, Some(Zero)) => json!("0"),
                (None, None) if *place == "describedObject" => json!({"kind": "", "name": ""}),
                (None, None) => continue,
            };
            converted.insert((*name).to_owned(), value);
        }
        old.insert((*source).to_owned(), Value::Object(converted));
    }
    Value::Object(old)
}

fn to_v2(metric: &Value, sources: &[(&str, Fields)]) -> Value {
    let mut new = json!({"type": text(metric, "type")});
    for (source, fields) in sources {
        let Some(own) = given(metric, source) else {
            continue;
        };
        let mut converted = json!({});
        for (place, name, absent) in *fields {
            let value = match (at(own, name), absent) {
                (Value::Null, Some(Zero)) => json!("0"),
                (Value::Null, _) => continue,
                (value, _) => value.clone(),
            };
            match place.split_once('.') {
                Some((outer, inner)) => converted[outer][inner] = value,
                None => converted[*place] = value,
            }
        }
        new[*source] = converted;
    }
    new
}

//! HorizontalPodAutoscalers.

use std::borrow::Cow;

use serde_json::Value;

use super::row::{NONE, Row, UNKNOWN, UNSET, cells};
use super::text::{more, quantity};
use crate::sandbox::memory::convert;
use crate::sandbox::memory::kinds::workloads::read::{given, items, number, text};

/// How many targets are shown.
const SHOWN: usize = 2;

/// Go's word for an amount that is not there.
const NIL: &str = "<nil>";

/// Name, Reference, Targets, MinPods, MaxPods, Replicas, Age.
pub(super) fn autoscaler(row: &Row<'_>) -> Vec<Value> {
    let target = row.text("spec.scaleTargetRef.kind");
    let fewest = row.given("spec.minReplicas").map(Value::to_string);
    cells![
        row.name(),
        format!("{target}/{}", row.text("spec.scaleTargetRef.name")),
        targets(&in_v2(row.object)),
        fewest.as_deref().unwrap_or(UNSET),
        row.int("spec.maxReplicas"),
        row.int("status.currentReplicas"),
        row.age(),
    ]
}

/// The older version has most metrics in annotations.
fn in_v2(object: &Value) -> Cow<'_, Value> {
    if text(object, "apiVersion") != "autoscaling/v1" {
        return Cow::Borrowed(object);
    }
    let kind = "HorizontalPodAutoscaler";
    match convert::to("autoscaling", "v2", kind, object.clone()) {
        Ok(converted) => Cow::Owned(converted),
        Err(_) => Cow::Borrowed(object),
    }
}

fn targets(object: &Value) -> String {
    let metrics = items(object, "spec.metrics");
    let current = items(object, "status.currentMetrics");
    if metrics.is_empty() {
        return NONE.to_owned();
    }
    let shown = metrics.iter().take(SHOWN).enumerate();
    let shown: Vec<String> = shown
        .map(|(at, metric)| target(metric, current.get(at)))
        .collect();
    let shown = shown.join(", ");
    match metrics.len() {
        ..=SHOWN => shown,
        count => more(&shown, count - SHOWN),
    }
}

/// What is measured and what is wanted.
fn target(metric: &Value, current: Option<&Value>) -> String {
    let of = |source: &str| {
        let current = current.and_then(|current| given(current, source));
        (given(metric, source).unwrap_or(&Value::Null), current)
    };
    match text(metric, "type") {
        "External" => amount(of("external")),
        "Object" => amount(of("object")),
        "Pods" => {
            let (metric, current) = of("pods");
            let (current, wanted) = averages(metric, current);
            format!("{current}/{wanted}")
        }
        "Resource" => resource(of("resource")),
        "ContainerResource" => resource(of("containerResource")),
        _ => "<unknown type>".to_owned(),
    }
}

/// A metric that is compared as a whole, or by its average over the pods.
fn amount((metric, current): (&Value, Option<&Value>)) -> String {
    if let Some(wanted) = quantity(metric, "target.averageValue") {
        let current = current.and_then(|current| quantity(current, "current.averageValue"));
        return format!("{}/{wanted} (avg)", current.as_deref().unwrap_or(UNKNOWN));
    }
    let wanted = or_nil(metric, "target.value");
    let current = current.map(|current| or_nil(current, "current.value"));
    format!("{}/{wanted}", current.as_deref().unwrap_or(UNKNOWN))
}

/// What the pods use of a resource, as an amount or as a share of what they request.
fn resource((metric, current): (&Value, Option<&Value>)) -> String {
    let name = text(metric, "name");
    if given(metric, "target.averageValue").is_some() {
        let (current, wanted) = averages(metric, current);
        return format!("{name}: {current}/{wanted}");
    }
    let share = |of: Option<&Value>, path: &str| Some(format!("{}%", number(of?, path)?));
    let current = share(current, "current.averageUtilization");
    let wanted = share(Some(metric), "target.averageUtilization");
    let (current, wanted) = (current.as_deref(), wanted.as_deref());
    format!(
        "{name}: {}/{}",
        current.unwrap_or(UNKNOWN),
        wanted.unwrap_or("<auto>")
    )
}

fn averages(metric: &Value, current: Option<&Value>) -> (String, String) {
    let current = current.map(|current| or_nil(current, "current.averageValue"));
    let current = current.unwrap_or_else(|| UNKNOWN.to_owned());
    (current, or_nil(metric, "target.averageValue"))
}

fn or_nil(object: &Value, path: &str) -> String {
    quantity(object, path).unwrap_or_else(|| NIL.to_owned())
}

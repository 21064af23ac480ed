//! Namespaces, what they hold besides workloads, and what the cluster has but once.

use serde_json::Value;

use super::row::{Row, cells};
use super::text::canonical;
use crate::sandbox::memory::kinds::workloads::read::{at, text};

/// Name, Status, Age.
pub(super) fn namespace(row: &Row<'_>) -> Vec<Value> {
    cells![row.name(), row.text("status.phase"), row.age()]
}

/// Name, Data, Age.
pub(super) fn config_map(row: &Row<'_>) -> Vec<Value> {
    let count = row.entries("data") + row.entries("binaryData");
    cells![row.name(), count, row.age()]
}

/// Name, Type, Data, Age.
pub(super) fn secret(row: &Row<'_>) -> Vec<Value> {
    cells![row.name(), row.text("type"), row.entries("data"), row.age()]
}

/// Name, Request, Limit, Age.
pub(super) fn resource_quota(row: &Row<'_>) -> Vec<Value> {
    let hard = at(row.object, "status.hard").as_object();
    let used = at(row.object, "status.used");
    let mut hard: Vec<(&String, &Value)> = hard.into_iter().flatten().collect();
    hard.sort_unstable_by_key(|(resource, _)| *resource);
    let (limits, requests): (Vec<_>, Vec<_>) = hard
        .into_iter()
        .partition(|(resource, _)| resource.starts_with("limits."));
    let amount = |amount: &Value| canonical(amount).unwrap_or_else(|| "0".to_owned());
    let shown = |all: Vec<(&String, &Value)>| {
        let each = all.into_iter().map(|(resource, hard)| {
            let used = amount(&used[resource.as_str()]);
            format!("{resource}: {used}/{}", amount(hard))
        });
        each.collect::<Vec<_>>().join(", ")
    };
    cells![row.name(), shown(requests), shown(limits), row.age()]
}

/// Name, Status, Message, Error.
pub(super) fn component_status(row: &Row<'_>) -> Vec<Value> {
    let mut conditions = row.items("conditions").iter();
    let Some(healthy) = conditions.find(|condition| text(condition, "type") == "Healthy") else {
        return cells![row.name(), "Unknown", "", ""];
    };
    let status = match text(healthy, "status") {
        "True" => "Healthy",
        _ => "Unhealthy",
    };
    cells![
        row.name(),
        status,
        text(healthy, "message"),
        text(healthy, "error")
    ]
}

/// Name, Value, Global-Default, Age, PreemptionPolicy.
pub(super) fn priority_class(row: &Row<'_>) -> Vec<Value> {
    cells![
        row.name(),
        row.int("value"),
        row.flag("globalDefault"),
        row.age(),
        row.text("preemptionPolicy"),
    ]
}

/// Name, Service, Available, Age.
pub(super) fn api_service(row: &Row<'_>) -> Vec<Value> {
    let service = row.given("spec.service");
    let service = service.map_or_else(
        || "Local".to_owned(),
        |service| format!("{}/{}", text(service, "namespace"), text(service, "name")),
    );
    let mut conditions = row.items("status.conditions").iter();
    let available = conditions.find(|condition| text(condition, "type") == "Available");
    let available = available.map_or_else(
        || "Unknown".to_owned(),
        |condition| match (text(condition, "status"), text(condition, "reason")) {
            (status, "") | (status @ "True", _) => status.to_owned(),
            (status, reason) => format!("{status} ({reason})"),
        },
    );
    cells![row.name(), service, available, row.age()]
}

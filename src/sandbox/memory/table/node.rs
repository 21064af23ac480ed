//! Nodes.

use std::collections::BTreeSet;

use serde_json::Value;

use super::row::{NONE, Row, UNKNOWN, cells};
use super::text::joined;
use crate::sandbox::memory::kinds::workloads::read::{entries, text};

/// Name, Status, Roles, Age, Version, Internal-IP, External-IP, OS-Image, Kernel-Version,
/// Container-Runtime.
pub(super) fn node(row: &Row<'_>) -> Vec<Value> {
    let info = |field: &str| row.text_or(&format!("status.nodeInfo.{field}"), UNKNOWN);
    let kernel = match row.text("status.nodeInfo.architecture") {
        "" => info("kernelVersion").to_owned(),
        architecture => format!("{} ({architecture})", info("kernelVersion")),
    };
    cells![
        row.name(),
        status(row),
        roles(row),
        row.age(),
        row.text("status.nodeInfo.kubeletVersion"),
        address(row, "InternalIP"),
        address(row, "ExternalIP"),
        info("osImage"),
        kernel,
        info("containerRuntimeVersion"),
    ]
}

fn status(row: &Row<'_>) -> String {
    let mut conditions = row.items("status.conditions").iter().rev();
    let ready = conditions.find(|condition| text(condition, "type") == "Ready");
    let ready = match ready.map(|condition| text(condition, "status")) {
        Some("True") => "Ready",
        Some(_) => "NotReady",
        None => "Unknown",
    };
    match row.flag("spec.unschedulable") {
        true => format!("{ready},SchedulingDisabled"),
        false => ready.to_owned(),
    }
}

/// What the labels say that the node is for.
fn roles(row: &Row<'_>) -> String {
    let labels = entries(row.object, "metadata.labels").into_iter();
    let roles: BTreeSet<&str> = labels
        .filter_map(|(key, value)| match key {
            "kubernetes.io/role" => Some(value),
            key => key.strip_prefix("node-role.kubernetes.io/"),
        })
        .filter(|role| !role.is_empty())
        .collect();
    match roles.is_empty() {
        true => NONE.to_owned(),
        false => joined(roles),
    }
}

fn address<'a>(row: &Row<'a>, type_: &str) -> &'a str {
    let mut addresses = row.items("status.addresses").iter();
    let found = addresses.find(|address| text(address, "type") == type_);
    found.map_or(NONE, |address| text(address, "address"))
}

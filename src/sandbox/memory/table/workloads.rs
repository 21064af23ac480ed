//! What keeps pods running.

use serde_json::Value;

use super::row::{NONE, Row, cells};
use super::text::{containers, labels, selector};
use crate::sandbox::memory::kinds::workloads::read::{at, flag, text};
use crate::sandbox::memory::selector::LabelSelector;

const CONTAINERS: &str = "spec.template.spec.containers";

/// Name, Containers, Images, Pod Labels.
pub(super) fn pod_template(row: &Row<'_>) -> Vec<Value> {
    let (names, images) = containers(row.object, "template.spec.containers");
    cells![
        row.name(),
        names,
        images,
        labels(row.object, "template.metadata.labels"),
    ]
}

/// Name, Desired, Current, Ready, Age, Containers, Images, Selector.
pub(super) fn replication_controller(row: &Row<'_>) -> Vec<Value> {
    replicated(row, labels(row.object, "spec.selector"))
}

/// Name, Desired, Current, Ready, Age, Containers, Images, Selector.
pub(super) fn replica_set(row: &Row<'_>) -> Vec<Value> {
    replicated(row, selector(at(row.object, "spec.selector")))
}

fn replicated(row: &Row<'_>, selector: String) -> Vec<Value> {
    let (names, images) = containers(row.object, CONTAINERS);
    cells![
        row.name(),
        row.int("spec.replicas"),
        row.int("status.replicas"),
        row.int("status.readyReplicas"),
        row.age(),
        names,
        images,
        selector,
    ]
}

/// Name, Ready, Up-to-date, Available, Age, Containers, Images, Selector.
pub(super) fn deployment(row: &Row<'_>) -> Vec<Value> {
    let (names, images) = containers(row.object, CONTAINERS);
    // Unlike other kinds, it shows what selects all as nothing.
    let selector = match LabelSelector::of(at(row.object, "spec.selector")) {
        Ok(selector) => selector.to_string(),
        Err(_) => "<invalid>".to_owned(),
    };
    cells![
        row.name(),
        ready(row),
        row.int("status.updatedReplicas"),
        row.int("status.availableReplicas"),
        row.age(),
        names,
        images,
        selector,
    ]
}

/// Name, Ready, Age, Containers, Images.
pub(super) fn stateful_set(row: &Row<'_>) -> Vec<Value> {
    let (names, images) = containers(row.object, CONTAINERS);
    cells![row.name(), ready(row), row.age(), names, images]
}

fn ready(row: &Row<'_>) -> String {
    let ready = row.int("status.readyReplicas");
    format!("{ready}/{}", row.int("spec.replicas"))
}

/// Name, Desired, Current, Ready, Up-to-date, Available, Node Selector, Age, Containers, Images,
/// Selector.
pub(super) fn daemon_set(row: &Row<'_>) -> Vec<Value> {
    let (names, images) = containers(row.object, CONTAINERS);
    cells![
        row.name(),
        row.int("status.desiredNumberScheduled"),
        row.int("status.currentNumberScheduled"),
        row.int("status.numberReady"),
        row.int("status.updatedNumberScheduled"),
        row.int("status.numberAvailable"),
        labels(row.object, "spec.template.spec.nodeSelector"),
        row.age(),
        names,
        images,
        selector(at(row.object, "spec.selector")),
    ]
}

/// Name, Controller, Revision, Age.
pub(super) fn controller_revision(row: &Row<'_>) -> Vec<Value> {
    let mut owners = row.items("metadata.ownerReferences").iter();
    let controller = owners.find(|owner| flag(owner, "controller"));
    let controller = controller.map(|owner| {
        let kind = text(owner, "kind");
        let kind = match text(owner, "apiVersion").split_once('/') {
            Some((group, _)) => format!("{kind}.{group}"),
            None => kind.to_owned(),
        };
        format!("{}/{}", kind.to_lowercase(), text(owner, "name"))
    });
    cells![
        row.name(),
        controller.as_deref().unwrap_or(NONE),
        row.int("revision"),
        row.age(),
    ]
}

/// Name, Min Available, Max Unavailable, Allowed Disruptions, Age.
pub(super) fn disruption_budget(row: &Row<'_>) -> Vec<Value> {
    let amount = |path: &str| match row.given(path) {
        Some(Value::String(share)) => share.clone(),
        Some(number) => number.to_string(),
        None => "N/A".to_owned(),
    };
    cells![
        row.name(),
        amount("spec.minAvailable"),
        amount("spec.maxUnavailable"),
        row.int("status.disruptionsAllowed"),
        row.age(),
    ]
}

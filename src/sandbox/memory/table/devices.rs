//! Devices and claims to them.

use serde_json::Value;

use super::row::{Row, cells};

/// Name, State, Age.
pub(super) fn claim(row: &Row<'_>) -> Vec<Value> {
    let is_allocated = row.given("status.allocation").is_some();
    let is_reserved = is_allocated && !row.items("status.reservedFor").is_empty();
    let states = [
        (row.is_deleting(), "deleted"),
        (!is_allocated && !row.is_deleting(), "pending"),
        (is_allocated, "allocated"),
        (is_reserved, "reserved"),
    ];
    let states = states.iter().filter(|(is, _)| *is).map(|(_, state)| *state);
    cells![row.name(), states.collect::<Vec<_>>().join(","), row.age()]
}

/// Name, Node, Driver, Pool, Age.
pub(super) fn slice(row: &Row<'_>) -> Vec<Value> {
    cells![
        row.name(),
        row.text("spec.nodeName"),
        row.text("spec.driver"),
        row.text("spec.pool.name"),
        row.age(),
    ]
}

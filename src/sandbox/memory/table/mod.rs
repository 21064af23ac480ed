//! Tables: what `kubectl get` prints (`pkg/printers/internalversion` in Kubernetes; those of
//! APIServices are in kube-aggregator).
//!
//! The columns are facts of the catalog; what stands in them is made here, a function per kind.
//! Every row has all cells, those that are shown only for `-o wide` included.

mod admission;
mod autoscaler;
mod batch;
mod cells;
mod core;
mod devices;
mod endpoints;
mod event;
mod flowcontrol;
mod network;
mod node;
mod pod;
mod rights;
mod row;
mod scale;
mod storage;
#[cfg(test)]
mod tests;
mod text;
mod time;
mod workloads;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::sandbox::memory::catalog::catalog;
use crate::sandbox::memory::object;
use crate::sandbox::memory::registry::{Behaviour, Served};

pub use cells::{cells, precedes, row_conditions};
pub use scale::{columns as scale_columns, row as scale_row};
pub use time::human;

/// A row of a table, `{"cells": [...]}`, with `conditions` where there are some. The object is in
/// the version that is served, or, where there are several, in any of them.
pub fn row(served: &Served, object: &Value, now: Timestamp) -> Value {
    let resource = &served.resource;
    let (group, plural) = (resource.group.as_str(), resource.plural.as_str());
    let (cells, conditions) = match &served.behaviour {
        Behaviour::Custom(version) => (version.cells(object, now), Vec::new()),
        Behaviour::BuiltIn(_) => (
            cells(group, plural, object, now).unwrap_or_else(|| plain_cells(object)),
            row_conditions(group, plural, object),
        ),
    };
    let mut row = Map::new();
    row.insert("cells".to_owned(), Value::Array(cells));
    if !conditions.is_empty() {
        row.insert("conditions".to_owned(), Value::Array(conditions));
    }
    Value::Object(row)
}

/// The columns of a table (`columnDefinitions`).
pub fn columns(served: &Served) -> Value {
    let resource = &served.resource;
    if let Behaviour::Custom(version) = &served.behaviour {
        return version.columns();
    }
    let columns = catalog().columns(&resource.group, &resource.plural);
    let columns = columns.iter().map(|column| {
        json!({
            "name": column.name,
            "type": column.type_,
            "format": column.format,
            "description": column.description(),
            "priority": column.priority,
        })
    });
    Value::Array(columns.collect())
}

/// Puts the objects of a list into the order of its table's rows, which for most kinds is theirs.
pub fn arrange(served: &Served, objects: &mut [Value]) {
    let resource = &served.resource;
    if !served.is_custom() {
        objects.sort_by(|a, b| precedes(&resource.group, &resource.plural, a, b));
    }
}

/// Kinds without columns of their own show their names and when they were made.
fn plain_cells(object: &Value) -> Vec<Value> {
    let created = match object::meta(object, "creationTimestamp") {
        "" => "0001-01-01T00:00:00Z",
        created => created,
    };
    vec![json!(object::meta(object, "name")), json!(created)]
}

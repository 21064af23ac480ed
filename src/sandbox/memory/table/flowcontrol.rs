//! What shares the server among requests.

use serde_json::Value;

use super::row::{NONE, Row, cells};
use crate::sandbox::memory::kinds::workloads::read::{at, int, text};

/// Name, PriorityLevel, MatchingPrecedence, DistinguisherMethod, Age, MissingPL.
pub(super) fn flow_schema(row: &Row<'_>) -> Vec<Value> {
    let mut conditions = row.items("status.conditions").iter();
    let dangling = conditions.find(|condition| text(condition, "type") == "Dangling");
    let method = row.given("spec.distinguisherMethod");
    cells![
        row.name(),
        row.text("spec.priorityLevelConfiguration.name"),
        precedence(row.object),
        method.map_or(NONE, |method| text(method, "type")),
        row.age(),
        dangling.map_or("?", |condition| text(condition, "status")),
    ]
}

/// When a FlowSchema is asked whether a request is its own: the lowest first.
pub(super) fn precedence(object: &Value) -> i64 {
    int(object, "spec.matchingPrecedence")
}

/// Name, Type, NominalConcurrencyShares, Queues, HandSize, QueueLengthLimit, Age.
pub(super) fn priority_level(row: &Row<'_>) -> Vec<Value> {
    let number = |of: Option<&Value>, path: &str| {
        of.map_or(Value::from(NONE), |of| Value::from(int(of, path)))
    };
    let limited = row.given("spec.limited");
    let queuing = limited.map(|limited| at(limited, "limitResponse.queuing"));
    let queuing = queuing.filter(|queuing| !queuing.is_null());
    cells![
        row.name(),
        row.text("spec.type"),
        number(limited, "nominalConcurrencyShares"),
        number(queuing, "queues"),
        number(queuing, "handSize"),
        number(queuing, "queueLengthLimit"),
        row.age(),
    ]
}

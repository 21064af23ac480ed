//! Events, of both groups that serve them.

use std::borrow::Cow;

use serde_json::Value;

use super::row::{Row, cells};
use super::time;
use crate::sandbox::memory::convert;
use crate::sandbox::memory::kinds::workloads::read::{int, text};

/// Last Seen, Type, Reason, Object, Subobject, Source, Message, First Seen, Count, Name.
pub(super) fn event(row: &Row<'_>) -> Vec<Value> {
    let object = &in_core(row.object);
    let row = &Row {
        object,
        now: row.now,
    };
    let read = |path: &str| time::read(row.text(path));
    let first = read("firstTimestamp").or_else(|| read("eventTime"));
    let (last, count) = match (row.given("series"), row.int("count")) {
        (Some(series), _) => {
            let last = time::read(text(series, "lastObservedTime"));
            (last, int(series, "count"))
        }
        // What happened once is not counted in the newer API.
        (None, count) => (
            read("lastTimestamp").or(first),
            if count == 0 { 1 } else { count },
        ),
    };
    let kind = row.text("involvedObject.kind").to_lowercase();
    let about = match row.text("involvedObject.name") {
        "" => kind,
        name => format!("{kind}/{name}"),
    };
    cells![
        time::since(last, row.now),
        row.text("type"),
        row.text("reason"),
        about,
        row.text("involvedObject.fieldPath"),
        source(row),
        row.text("message").trim(),
        time::since(first, row.now),
        count,
        row.name(),
    ]
}

fn in_core(object: &Value) -> Cow<'_, Value> {
    if text(object, "apiVersion") != "events.k8s.io/v1" {
        return Cow::Borrowed(object);
    }
    match convert::to("", "v1", "Event", object.clone()) {
        Ok(converted) => Cow::Owned(converted),
        Err(_) => Cow::Borrowed(object),
    }
}

/// Who reports, and where.
fn source(row: &Row<'_>) -> String {
    let either = |one: &str, other: &str| match row.text(one) {
        "" => row.text(other),
        text => text,
    };
    let component = either("source.component", "reportingComponent");
    match either("source.host", "reportingInstance") {
        "" => component.to_owned(),
        host => format!("{component}, {host}"),
    }
}

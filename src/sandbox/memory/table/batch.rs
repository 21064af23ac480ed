//! Jobs.

use serde_json::Value;

use super::row::{NONE, Row, UNSET, cells};
use super::text::{containers, selector};
use super::time;
use crate::sandbox::memory::kinds::workloads::read::{at, text};

/// Name, Status, Completions, Duration, Age, Containers, Images, Selector.
pub(super) fn job(row: &Row<'_>) -> Vec<Value> {
    let (names, images) = containers(row.object, "spec.template.spec.containers");
    cells![
        row.name(),
        status(row),
        completions(row),
        duration(row),
        row.age(),
        names,
        images,
        selector(at(row.object, "spec.selector")),
    ]
}

fn status(row: &Row<'_>) -> &'static str {
    let is = |type_: &str| {
        let mut conditions = row.items("status.conditions").iter();
        let condition = conditions.find(|condition| text(condition, "type") == type_);
        condition.is_some_and(|condition| text(condition, "status") == "True")
    };
    if is("Complete") {
        return "Complete";
    }
    if is("Failed") {
        return "Failed";
    }
    if row.is_deleting() {
        return "Terminating";
    }
    let others = ["Suspended", "FailureTarget", "SuccessCriteriaMet"];
    let found = others.into_iter().find(|type_| is(type_));
    found.unwrap_or("Running")
}

fn completions(row: &Row<'_>) -> String {
    let succeeded = row.int("status.succeeded");
    let parallelism = row.int("spec.parallelism");
    match row.given("spec.completions") {
        Some(completions) => format!("{succeeded}/{completions}"),
        None if parallelism > 1 => format!("{succeeded}/1 of {parallelism}"),
        None => format!("{succeeded}/1"),
    }
}

/// How long it has run; nothing before it has begun.
fn duration(row: &Row<'_>) -> String {
    let ended = row.given("status.completionTime").and_then(Value::as_str);
    let ended = ended.map_or(Some(row.now), time::read);
    match (time::read(row.text("status.startTime")), ended) {
        (Some(began), Some(ended)) => time::between(began, ended),
        _ => String::new(),
    }
}

/// Name, Schedule, Timezone, Suspend, Active, Last Schedule, Age, Containers, Images, Selector.
pub(super) fn cron_job(row: &Row<'_>) -> Vec<Value> {
    let (names, images) = containers(row.object, "spec.jobTemplate.spec.template.spec.containers");
    let suspend = match row.given("spec.suspend").and_then(Value::as_bool) {
        Some(true) => "True",
        Some(false) => "False",
        None => UNSET,
    };
    let last = match row.given("status.lastScheduleTime") {
        Some(_) => row.since("status.lastScheduleTime"),
        None => NONE.to_owned(),
    };
    cells![
        row.name(),
        row.text("spec.schedule"),
        row.given_or("spec.timeZone", NONE),
        suspend,
        row.items("status.active").len(),
        last,
        row.age(),
        names,
        images,
        selector(at(row.object, "spec.jobTemplate.spec.selector")),
    ]
}

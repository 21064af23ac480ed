//! Pods: what their containers come to in a word.

use std::collections::HashSet;

use jiff::Timestamp;
use serde_json::Value;

use super::row::{NONE, Row, cells};
use super::time;
use crate::sandbox::memory::kinds::workloads::read::{at, flag, given, int, items, text};

/// The reason of a node's pods after the node was lost.
const NODE_LOST: &str = "NodeLost";

/// Name, Ready, Status, Restarts, Age, IP, Node, Nominated Node, Readiness Gates.
pub(super) fn pod(row: &Row<'_>) -> Vec<Value> {
    let summary = Summary::of(row);
    // Where the two differ, the one address is what counts.
    let address = match row.text("status.podIP") {
        "" => row
            .items("status.podIPs")
            .first()
            .map_or("", |ip| text(ip, "ip")),
        address => address,
    };
    cells![
        row.name(),
        format!("{}/{}", summary.ready, summary.total),
        summary.reason,
        summary.restarts.to_text(row.now),
        row.age(),
        if address.is_empty() { NONE } else { address },
        row.text_or("spec.nodeName", NONE),
        row.text_or("status.nominatedNodeName", NONE),
        readiness_gates(row),
    ]
}

struct Summary {
    reason: String,
    /// Running containers that are ready
    ready: usize,
    /// Containers that are to run as long as the pod
    total: usize,
    restarts: Restarts,
}

#[derive(Clone, Copy, Default)]
struct Restarts {
    count: i64,
    last: Option<Timestamp>,
}

/// What init containers come to.
struct Init {
    /// Why the pod is not initialized, if it is not
    reason: Option<String>,
    ready: usize,
    restarts: Restarts,
    /// Restarts of sidecars alone, which go on when the others have ended
    sidecar_restarts: Restarts,
}

impl Summary {
    fn of(row: &Row<'_>) -> Self {
        let sidecars = row.items("spec.initContainers").iter();
        let sidecars = sidecars.filter(|container| text(container, "restartPolicy") == "Always");
        let sidecars: HashSet<&str> = sidecars.map(|container| text(container, "name")).collect();
        let init = Init::of(row, &sidecars);
        let mut summary = Summary {
            reason: reason(row).to_owned(),
            ready: init.ready,
            total: row.items("spec.containers").len() + sidecars.len(),
            restarts: init.restarts,
        };
        let is_initializing = init.reason.is_some();
        if let Some(reason) = init.reason {
            summary.reason = reason;
        }
        if !is_initializing || is_true(row, "Initialized") {
            summary.restarts = init.sidecar_restarts;
            summary.add_containers(row);
        }
        if row.is_deleting() {
            if row.text("status.reason") == NODE_LOST {
                summary.reason = "Unknown".to_owned();
            } else if !matches!(row.text("status.phase"), "Succeeded" | "Failed") {
                summary.reason = "Terminating".to_owned();
            }
        }
        summary
    }

    fn add_containers(&mut self, row: &Row<'_>) {
        let mut is_running = false;
        let mut failure = None;
        // The first container has the last word.
        for status in row.items("status.containerStatuses").iter().rev() {
            self.restarts.add(status);
            let waiting = text(status, "state.waiting.reason");
            if !waiting.is_empty() {
                self.reason = waiting.to_owned();
            } else if let Some(ended) = given(status, "state.terminated") {
                self.reason = ending(ended);
                if int(ended, "exitCode") != 0 {
                    failure = Some(self.reason.clone());
                }
            } else if flag(status, "ready") && given(status, "state.running").is_some() {
                is_running = true;
                self.ready += 1;
            }
        }
        if self.reason != "Completed" {
            return;
        }
        let is_ready = row
            .items("status.conditions")
            .iter()
            .any(|c| text(c, "type") == "Ready" && text(c, "status") == "True");
        if is_running && is_ready {
            self.reason = "Running".to_owned();
        } else if let Some(failure) = failure {
            self.reason = failure;
        } else if is_running {
            self.reason = "NotReady".to_owned();
        }
    }
}

impl Init {
    fn of(row: &Row<'_>, sidecars: &HashSet<&str>) -> Self {
        let mut init = Init {
            reason: None,
            ready: 0,
            restarts: Restarts::default(),
            sidecar_restarts: Restarts::default(),
        };
        for (at, status) in row.items("status.initContainerStatuses").iter().enumerate() {
            init.restarts.add(status);
            let is_sidecar = sidecars.contains(text(status, "name"));
            if is_sidecar {
                init.sidecar_restarts.add(status);
            }
            let ended = given(status, "state.terminated");
            if ended.is_some_and(|ended| int(ended, "exitCode") == 0) {
                continue;
            }
            if is_sidecar && flag(status, "started") {
                init.ready += usize::from(flag(status, "ready"));
                continue;
            }
            let why = match (ended, text(status, "state.waiting.reason")) {
                (Some(ended), _) => ending(ended),
                (None, "" | "PodInitializing") => {
                    format!("{at}/{}", row.items("spec.initContainers").len())
                }
                (None, waiting) => waiting.to_owned(),
            };
            init.reason = Some(format!("Init:{why}"));
            // Those after it have not begun.
            break;
        }
        init
    }
}

impl Restarts {
    fn add(&mut self, status: &Value) {
        self.count = self.count.saturating_add(int(status, "restartCount"));
        let ended = time::read(text(status, "lastState.terminated.finishedAt"));
        self.last = self.last.max(ended);
    }

    fn to_text(self, now: Timestamp) -> String {
        match self {
            Restarts {
                count,
                last: Some(last),
            } if count != 0 => format!("{count} ({} ago)", time::between(last, now)),
            Restarts { count, .. } => count.to_string(),
        }
    }
}

/// What the pod says of itself.
fn reason<'a>(row: &Row<'a>) -> &'a str {
    const GATED: &str = "SchedulingGated";
    let mut conditions = row.items("status.conditions").iter();
    if conditions.any(|c| text(c, "type") == "PodScheduled" && text(c, "reason") == GATED) {
        return GATED;
    }
    match row.text("status.reason") {
        "" => row.text("status.phase"),
        reason => reason,
    }
}

/// How a container ended.
fn ending(terminated: &Value) -> String {
    match (text(terminated, "reason"), int(terminated, "signal")) {
        ("", 0) => format!("ExitCode:{}", int(terminated, "exitCode")),
        ("", signal) => format!("Signal:{signal}"),
        (reason, _) => reason.to_owned(),
    }
}

/// Whether the first condition of a type is true.
fn is_true(row: &Row<'_>, type_: &str) -> bool {
    let mut conditions = row.items("status.conditions").iter();
    let condition = conditions.find(|condition| text(condition, "type") == type_);
    condition.is_some_and(|condition| at(condition, "status") == "True")
}

/// How many conditions that the pod waits for are true.
fn readiness_gates(row: &Row<'_>) -> String {
    let gates = items(row.object, "spec.readinessGates");
    if gates.is_empty() {
        return NONE.to_owned();
    }
    let fulfilled = gates
        .iter()
        .filter(|gate| is_true(row, text(gate, "conditionType")));
    format!("{}/{}", fulfilled.count(), gates.len())
}

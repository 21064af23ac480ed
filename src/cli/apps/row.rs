//! An App in one line.

use jiff::Timestamp;
use serde_json::Value;

use crate::output::time::age;
use crate::output::{Cell, Column, Table};
use crate::ownership::{Health, State};

/// What is said of an App. Read from JSON field by field: an App that somebody else's tool has
/// written in an odd way must not take the others with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Row {
    pub(super) namespace: String,
    pub(super) name: String,
    /// Such as `1/2`
    ready: String,
    /// One word
    state: &'static str,
    /// In CamelCase
    reason: String,
    message: String,
    image: String,
    created: Option<String>,
    health: Health,
}

/// Whether an operator has spoken of the App as it is now; one that is going needs none.
pub(super) fn is_seen(app: &Value) -> bool {
    let generation = &app["metadata"]["generation"];
    is_going(app) || &app["status"]["observedGeneration"] == generation
}

fn is_going(app: &Value) -> bool {
    !app["metadata"]["deletionTimestamp"].is_null()
}

impl Row {
    pub(super) fn of(app: &Value) -> Self {
        let (metadata, spec, status) = (&app["metadata"], &app["spec"], &app["status"]);
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let conditions = status["conditions"]
            .as_array()
            .map_or(&[][..], Vec::as_slice);
        let find = |type_: &str| conditions.iter().find(|c| c["type"] == type_);
        let holds = |type_: &str| find(type_).is_some_and(|c| c["status"] == "True");
        let why = find("Ready").map(|c| (text(&c["reason"]), text(&c["message"])));
        let (mut reason, mut message) = why.unwrap_or_default();
        let (state, health) = if is_going(app) {
            ("Terminating", Health::Progressing)
        } else if !is_seen(app) {
            reason = String::new();
            message = "no operator has looked at it since its last change".to_owned();
            ("Waiting", Health::Progressing)
        } else if holds("Stalled") {
            ("Stalled", Health::Bad)
        } else if holds("Ready") {
            ("Ready", Health::Good)
        } else if holds("Reconciling") {
            ("Reconciling", Health::Progressing)
        } else if reason == "Paused" {
            ("Paused", Health::Progressing)
        } else {
            ("Unknown", Health::Progressing)
        };
        let ready = match text(&status["ready"]) {
            ready if !ready.is_empty() && state != "Waiting" => ready,
            _ => {
                let ready = status["readyReplicas"].as_i64().unwrap_or(0);
                format!("{ready}/{}", spec["replicas"].as_i64().unwrap_or(1))
            }
        };
        Row {
            namespace: text(&metadata["namespace"]),
            name: text(&metadata["name"]),
            ready,
            state,
            reason,
            message,
            image: text(&spec["image"]),
            created: metadata["creationTimestamp"].as_str().map(str::to_owned),
            health,
        }
    }

    /// How the App is, for its place in a tree.
    pub(super) fn state(&self) -> State {
        let state = match self.reason.as_str() {
            "" | "Paused" => self.state.to_owned(),
            _ if self.health == Health::Good => self.state.to_owned(),
            reason => format!("{}, {reason}", self.state),
        };
        State::new(self.ready.as_str(), state, self.health)
    }

    /// The row of an App that is gone.
    pub(super) fn gone(mut self) -> Self {
        self.state = "Deleted";
        self.reason = String::new();
        self.health = Health::None;
        self
    }
}

/// A table of Apps.
pub(super) fn table(rows: &[Row], namespaces: bool, wide: bool, now: Timestamp) -> Table {
    let namespace = namespaces.then(|| Column::new("namespace"));
    let columns = namespace.into_iter().chain([
        Column::new("name"),
        Column::new("ready"),
        Column::new("state"),
        Column::new("reason").priority(1),
        Column::new("image").flexible(12).priority(2),
        Column::new("age").priority(3),
        Column::new("message").flexible(20).wide_only(),
    ]);
    let mut table = Table::new(columns).wide(wide);
    for row in rows {
        let paint = crate::cli::family::paint(row.health);
        let namespace = namespaces.then(|| Cell::from(row.namespace.as_str()));
        let reason = if row.reason == row.state {
            ""
        } else {
            &row.reason
        };
        table.row(namespace.into_iter().chain([
            Cell::from(row.name.as_str()),
            Cell::from(row.ready.as_str()).paint(paint),
            Cell::from(row.state).paint(paint),
            Cell::from(reason),
            Cell::from(row.image.as_str()),
            Cell::from(age(row.created.as_deref(), now)),
            Cell::from(row.message.as_str()),
        ]));
    }
    table
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn app(status: Value) -> Value {
        json!({
            "metadata": {"name": "web", "namespace": "shop", "generation": 2},
            "spec": {"image": "nginx", "replicas": 3},
            "status": status,
        })
    }

    fn words(app: &Value) -> (String, &'static str, String) {
        let row = Row::of(app);
        (row.ready, row.state, row.reason)
    }

    fn status(type_: &str, reason: &str) -> Value {
        let condition = |name: &str| {
            let status = if name == type_ { "True" } else { "False" };
            json!({"type": name, "status": status, "reason": reason, "message": "m"})
        };
        let conditions = ["Ready", "Reconciling", "Stalled"].map(condition);
        json!({
            "observedGeneration": 2, "ready": "1/2", "readyReplicas": 1,
            "conditions": conditions,
        })
    }

    #[test]
    fn an_app_is_as_its_conditions_say() {
        let is = |app: &Value, ready: &str, state: &str, reason: &str| {
            assert_eq!(
                words(app),
                (ready.to_owned(), words(app).1, reason.to_owned())
            );
            assert_eq!(words(app).1, state);
        };
        is(
            &app(status("Ready", "AllReplicasReady")),
            "1/2",
            "Ready",
            "AllReplicasReady",
        );
        is(
            &app(status("Reconciling", "RollingOut")),
            "1/2",
            "Reconciling",
            "RollingOut",
        );
        is(
            &app(status("Stalled", "Refused")),
            "1/2",
            "Stalled",
            "Refused",
        );
        is(&app(status("None", "Paused")), "1/2", "Paused", "Paused");
        is(&app(Value::Null), "0/3", "Waiting", "");
        let mut changed = app(status("Ready", "AllReplicasReady"));
        changed["metadata"]["generation"] = json!(3);
        is(&changed, "1/3", "Waiting", "");
        changed["metadata"]["deletionTimestamp"] = json!("2026-01-01T00:00:00Z");
        assert_eq!(words(&changed).1, "Terminating");
        is(&json!({"spec": []}), "0/1", "Unknown", "");
    }
}

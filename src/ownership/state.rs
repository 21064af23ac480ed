//! How an object is, in the words of `kubectl get` where it has some.

use serde_json::Value;

use super::Kind;
use super::table::Cells;

/// How an object is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct State {
    /// How much of it is ready, such as `1/2`; empty where that says nothing
    pub ready: String,
    /// A few words; empty where there is nothing to say
    pub status: String,
    /// What to think of it
    pub health: Health,
    /// Whether the words are all there is to be had; a custom resource whose columns do not tell may
    /// still have conditions
    pub(super) told: bool,
}

/// What to think of an object.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Health {
    /// It is what it is: nothing in it could be well or ill
    #[default]
    None,
    /// As it should be
    Good,
    /// On its way there, or on its way out
    Progressing,
    /// Somebody should look
    Bad,
}

impl Health {
    /// One lower-case word, for programs.
    pub fn word(self) -> &'static str {
        match self {
            Health::None => "none",
            Health::Good => "good",
            Health::Progressing => "progressing",
            Health::Bad => "bad",
        }
    }
}

/// Words of which the meaning is plain, as parts of the first word of a status. Others, such as a
/// reason that some operator made up, are not judged.
const BAD: &[&str] = &[
    "backoff",
    "cannotrun",
    "deadline",
    "degraded",
    "err",
    "evicted",
    "fail",
    "invalid",
    "lost",
    "notready",
    "oomkilled",
    "stalled",
    "unavailable",
    "unhealthy",
];
const PROGRESSING: &[&str] = &[
    "creating",
    "deleting",
    "gated",
    "init",
    "pending",
    "progressing",
    "provisioning",
    "reconciling",
    "suspended",
    "terminating",
    "updating",
    "waiting",
];
/// Whole words.
const GOOD: &[&str] = &[
    "active",
    "available",
    "bound",
    "complete",
    "completed",
    "established",
    "healthy",
    "ready",
    "running",
    "succeeded",
    "true",
];

impl State {
    /// A state in the caller's words.
    pub fn new(ready: impl Into<String>, status: impl Into<String>, health: Health) -> Self {
        State {
            ready: ready.into(),
            status: status.into(),
            health,
            told: true,
        }
    }

    /// Words, judged by what they usually mean.
    fn judged(ready: Option<String>, status: Option<String>) -> Self {
        let told = ready.is_some() || status.is_some();
        let (ready, status) = (ready.unwrap_or_default(), status.unwrap_or_default());
        let health = of_ready(&ready).max(of_status(&status));
        State {
            ready,
            status,
            health,
            told,
        }
    }

    fn counted(ready: i64, wished: i64, status: &str) -> Self {
        State::judged(Some(format!("{ready}/{wished}")), Some(status.to_owned()))
    }
}

/// `1/2`, or a condition's True, False, Unknown.
fn of_ready(text: &str) -> Health {
    if let Some((ready, wished)) = text.split_once('/') {
        return match ready == wished {
            true => Health::Good,
            false => Health::Progressing,
        };
    }
    match text {
        "" => Health::None,
        "True" => Health::Good,
        "False" => Health::Bad,
        _ => Health::Progressing,
    }
}

fn of_status(text: &str) -> Health {
    let word: &str = text.split([',', ' ']).next().unwrap_or_default();
    let word = word.to_lowercase();
    let has = |parts: &[&str]| parts.iter().any(|part| word.contains(part));
    match word.as_str() {
        word if GOOD.contains(&word) => Health::Good,
        _ if has(BAD) => Health::Bad,
        _ if has(PROGRESSING) => Health::Progressing,
        // `1 of 2 available`
        word if word.starts_with(|c: char| c.is_ascii_digit()) => Health::Progressing,
        _ => Health::None,
    }
}

/// What the server's own columns say of an object.
pub(super) fn of_row(kind: &Kind, cells: &Cells<'_>, deleting: bool) -> State {
    let mut state = match (kind.group.as_str(), kind.plural.as_str()) {
        ("", "pods") => pod(cells),
        ("", "services") => service(cells),
        ("", "persistentvolumeclaims") => {
            let words = [cells.get("Status"), cells.get("Capacity")];
            State::judged(None, Some(joined(words)))
        }
        ("apps", "deployments") => deployment(cells),
        ("apps", "replicasets" | "daemonsets") | ("", "replicationcontrollers") => {
            let count = |column| cells.number(column).unwrap_or(0);
            State::counted(count("Ready"), count("Desired"), "")
        }
        ("batch", "jobs") => State::judged(cells.get("Completions"), cells.get("Status")),
        ("batch", "cronjobs") => cron_job(cells),
        _ => {
            let words = ["Status", "State", "Phase", "Condition", "Reason"];
            let status = words.iter().find_map(|column| cells.get(column));
            State::judged(cells.get("Ready"), status)
        }
    };
    if deleting {
        end(&mut state);
    }
    state
}

fn end(state: &mut State) {
    state.status = "Terminating".to_owned();
    state.health = Health::Progressing;
    state.told = true;
}

fn joined(words: impl IntoIterator<Item = Option<String>>) -> String {
    let words: Vec<String> = words.into_iter().flatten().collect();
    words.join(" ")
}

fn pod(cells: &Cells<'_>) -> State {
    let status = cells.get("Status").unwrap_or_default();
    let restarts = match cells.number("Restarts").unwrap_or(0) {
        0 => String::new(),
        1 => ", 1 restart".to_owned(),
        many => format!(", {many} restarts"),
    };
    let mut state = State::judged(cells.get("Ready"), Some(format!("{status}{restarts}")));
    // What has run to its end is not meant to be ready.
    if status == "Completed" {
        state.health = Health::Good;
    }
    state
}

fn deployment(cells: &Cells<'_>) -> State {
    let ready = cells.get("Ready");
    let wished = ready
        .as_ref()
        .and_then(|ready| ready.split_once('/')?.1.parse::<i64>().ok());
    let count = |column| cells.number(column).unwrap_or(0);
    let (updated, available) = (count("Up-to-date"), count("Available"));
    let status = match wished {
        Some(0) => String::new(),
        Some(wished) if updated < wished => format!("{updated} of {wished} up to date"),
        Some(wished) if available < wished => format!("{available} of {wished} available"),
        _ => "Available".to_owned(),
    };
    State::judged(ready, Some(status))
}

fn service(cells: &Cells<'_>) -> State {
    let words = ["Type", "Cluster-IP", "External-IP", "Port(s)"];
    State {
        status: joined(words.map(|column| cells.get(column))),
        told: true,
        ..State::default()
    }
}

fn cron_job(cells: &Cells<'_>) -> State {
    let suspended = cells
        .get("Suspend")
        .is_some_and(|s| s.eq_ignore_ascii_case("true"));
    let status = match (suspended, cells.number("Active").unwrap_or(0)) {
        (true, _) => "Suspended".to_owned(),
        (false, 0) => cells.get("Schedule").unwrap_or_default(),
        (false, active) => format!(
            "{}, {active} active",
            cells.get("Schedule").unwrap_or_default()
        ),
    };
    State {
        status,
        told: true,
        ..State::default()
    }
}

/// What an object's own status says: by the rules of kstatus for all kinds but EndpointSlices, whose
/// content is their state.
/// Source: sigs.k8s.io/cli-utils/pkg/kstatus/status.
pub(super) fn of_object(kind: &Kind, value: &Value) -> State {
    let mut state = match kind.plural.as_str() {
        "endpointslices" if kind.group == "discovery.k8s.io" => endpoint_slice(value),
        _ => conditions(value),
    };
    if !value["metadata"]["deletionTimestamp"].is_null() {
        end(&mut state);
    }
    state.told = true;
    state
}

fn endpoint_slice(value: &Value) -> State {
    let endpoints = value["endpoints"].as_array().map_or(&[][..], Vec::as_slice);
    // Nothing said means ready, as the type's documentation has it.
    let is_ready = |e: &&Value| e["conditions"]["ready"].as_bool().unwrap_or(true);
    let ready = endpoints.iter().filter(is_ready).count();
    let ports = value["ports"].as_array().map_or(&[][..], Vec::as_slice);
    let ports: Vec<String> = ports.iter().map(|p| p["port"].to_string()).collect();
    let addresses = value["addressType"].as_str().unwrap_or_default().to_owned();
    let ports = (!ports.is_empty()).then(|| ports.join(","));
    let ready = format!("{ready}/{}", endpoints.len());
    State {
        health: of_ready(&ready),
        ready,
        status: joined([Some(addresses), ports]),
        told: true,
    }
}

fn conditions(value: &Value) -> State {
    let status = &value["status"];
    let conditions = status["conditions"]
        .as_array()
        .map_or(&[][..], Vec::as_slice);
    let find = |type_: &str| conditions.iter().find(|c| c["type"] == type_);
    let holds = |type_: &str| find(type_).filter(|c| c["status"] == "True");
    let reason = |c: &Value, otherwise: &str| match c["reason"].as_str() {
        Some(reason) if !reason.is_empty() => reason.to_owned(),
        _ => otherwise.to_owned(),
    };
    let generation = value["metadata"]["generation"].as_i64();
    let observed = status["observedGeneration"].as_i64();
    let made = |status: String, health| State {
        status,
        health,
        ..State::default()
    };
    if observed.is_some() && observed != generation {
        return made("Reconciling".to_owned(), Health::Progressing);
    }
    if let Some(condition) = holds("Stalled") {
        return made(reason(condition, "Stalled"), Health::Bad);
    }
    if let Some(condition) = holds("Reconciling") {
        return made(reason(condition, "Reconciling"), Health::Progressing);
    }
    if let Some(condition) = find("Ready") {
        let (word, health) = match condition["status"].as_str() {
            Some("True") => ("Ready", Health::Good),
            Some("False") => ("NotReady", Health::Bad),
            _ => ("Unknown", Health::Progressing),
        };
        return made(reason(condition, word), health);
    }
    let phase = ["phase", "state"]
        .iter()
        .find_map(|field| status[*field].as_str());
    State::judged(None, phase.map(str::to_owned))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::table::Column;
    use super::*;

    fn row(group: &str, plural: &str, cells: &[(&str, Value)]) -> (String, String, Health) {
        let kind = Kind::known(group, "v1", plural, "X");
        let columns: Vec<Column> = cells
            .iter()
            .map(|(name, _)| Column {
                name: (*name).to_owned(),
            })
            .collect();
        let values: Vec<Value> = cells.iter().map(|(_, value)| value.clone()).collect();
        let state = of_row(&kind, &Cells::new(&columns, &values), false);
        (state.ready, state.status, state.health)
    }

    fn words(ready: &str, status: &str, health: Health) -> (String, String, Health) {
        (ready.to_owned(), status.to_owned(), health)
    }

    #[test]
    fn pods_are_as_kubectl_says() {
        let pod = |ready: &str, status: &str, restarts: &str| {
            let cells = [
                ("Ready", json!(ready)),
                ("Status", json!(status)),
                ("Restarts", json!(restarts)),
            ];
            row("", "pods", &cells)
        };
        assert_eq!(
            pod("1/1", "Running", "0"),
            words("1/1", "Running", Health::Good)
        );
        assert_eq!(
            pod("0/1", "CrashLoopBackOff", "5 (3m ago)"),
            words("0/1", "CrashLoopBackOff, 5 restarts", Health::Bad)
        );
        assert_eq!(pod("0/1", "Init:ErrImagePull", "0").2, Health::Bad);
        assert_eq!(pod("0/1", "ContainerCreating", "0").2, Health::Progressing);
        assert_eq!(pod("0/1", "Completed", "0").2, Health::Good);
        assert_eq!(pod("0/1", "Running", "1").1, "Running, 1 restart");
    }

    #[test]
    fn workloads_say_how_far_they_are() {
        let deployment = |ready: &str, updated: i64, available: i64| {
            let cells = [
                ("Ready", json!(ready)),
                ("Up-to-date", json!(updated)),
                ("Available", json!(available)),
            ];
            row("apps", "deployments", &cells)
        };
        assert_eq!(
            deployment("2/2", 2, 2),
            words("2/2", "Available", Health::Good)
        );
        assert_eq!(deployment("2/3", 1, 2).1, "1 of 3 up to date");
        assert_eq!(
            deployment("1/2", 2, 1),
            words("1/2", "1 of 2 available", Health::Progressing)
        );
        assert_eq!(deployment("0/0", 0, 0), words("0/0", "", Health::Good));
        let set = [
            ("Desired", json!(3)),
            ("Current", json!(3)),
            ("Ready", json!(1)),
        ];
        assert_eq!(
            row("apps", "replicasets", &set),
            words("1/3", "", Health::Progressing)
        );
        let job = [("Status", json!("Failed")), ("Completions", json!("0/1"))];
        assert_eq!(
            row("batch", "jobs", &job),
            words("0/1", "Failed", Health::Bad)
        );
    }

    #[test]
    fn services_and_others_say_what_their_columns_say() {
        let service = [
            ("Name", json!("web")),
            ("Type", json!("ClusterIP")),
            ("Cluster-IP", json!("10.0.0.1")),
            ("External-IP", json!("<none>")),
            ("Port(s)", json!("80/TCP")),
        ];
        assert_eq!(
            row("", "services", &service),
            words("", "ClusterIP 10.0.0.1 80/TCP", Health::None)
        );
        let app = [
            ("Ready", json!("2/2")),
            ("Reason", json!("AllReplicasReady")),
        ];
        assert_eq!(row("x.io", "ws", &app).2, Health::Good);
        let custom = [("Ready", json!("False")), ("Phase", json!("Waiting"))];
        assert_eq!(
            row("x.io", "ws", &custom),
            words("False", "Waiting", Health::Bad)
        );
        assert_eq!(
            row("", "configmaps", &[("Data", json!(2))]),
            words("", "", Health::None)
        );
    }

    #[test]
    fn conditions_are_read_in_the_order_of_kstatus() {
        let kind = Kind::known("x.io", "v1", "ws", "W");
        let is = |value: Value, status: &str, health: Health| {
            let state = of_object(&kind, &value);
            assert_eq!(
                (state.status.as_str(), state.health),
                (status, health),
                "{value}"
            );
        };
        let with = |conditions: Value| json!({"status": {"conditions": conditions}});
        is(json!({}), "", Health::None);
        is(
            json!({"metadata": {"deletionTimestamp": "2026-01-01T00:00:00Z"}}),
            "Terminating",
            Health::Progressing,
        );
        is(
            json!({"metadata": {"generation": 2}, "status": {"observedGeneration": 1,
                "conditions": [{"type": "Ready", "status": "True"}]}}),
            "Reconciling",
            Health::Progressing,
        );
        is(
            with(
                json!([{"type": "Ready", "status": "False", "reason": "NoDisk"},
                {"type": "Stalled", "status": "True", "reason": "Refused"}]),
            ),
            "Refused",
            Health::Bad,
        );
        is(
            with(json!([{"type": "Ready", "status": "True"}])),
            "Ready",
            Health::Good,
        );
        is(
            with(json!([{"type": "Ready", "status": "False"}])),
            "NotReady",
            Health::Bad,
        );
        is(json!({"status": {"phase": "Bound"}}), "Bound", Health::Good);
        is(json!({"status": {"conditions": "none"}}), "", Health::None);
    }

    #[test]
    fn endpoint_slices_count_who_is_ready() {
        let kind = Kind::known("discovery.k8s.io", "v1", "endpointslices", "EndpointSlice");
        let state = of_object(
            &kind,
            &json!({"addressType": "IPv4", "ports": [{"port": 80}], "endpoints": [
                {"conditions": {"ready": true}}, {"conditions": {"ready": false}}, {}]}),
        );
        assert_eq!(
            (state.ready.as_str(), state.status.as_str()),
            ("2/3", "IPv4 80")
        );
        assert_eq!(of_object(&kind, &json!({"endpoints": null})).ready, "0/0");
    }
}

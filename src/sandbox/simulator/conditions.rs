//! The conditions that a kubelet reports.
//!
//! They follow k8s.io/kubernetes/pkg/kubelet/status/generate.go.

use jiff::Timestamp;
use k8s_openapi::api::core::v1::{ContainerStatus, Pod, PodCondition, PodSpec, PodStatus};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use super::requests::is_sidecar;
use super::state;

/// What is known of a condition, besides its type.
struct Finding {
    is_true: bool,
    reason: Option<&'static str>,
    message: Option<String>,
}

const TRUE: Finding = Finding {
    is_true: true,
    reason: None,
    message: None,
};

fn not(reason: &'static str, message: Option<String>) -> Finding {
    Finding {
        is_true: false,
        reason: Some(reason),
        message,
    }
}

/// All of them. `wanted` has the phase and the containers as they are to be reported, and
/// `has_sandbox` is whether containers can start in the pod.
pub(super) fn conditions(
    pod: &Pod,
    spec: &PodSpec,
    current: &PodStatus,
    wanted: &PodStatus,
    has_sandbox: bool,
    now: Timestamp,
) -> Vec<PodCondition> {
    let ended = match wanted.phase.as_deref() {
        Some("Succeeded") => Some("PodCompleted"),
        Some("Failed") => Some("PodFailed"),
        _ => None,
    };
    let init = wanted
        .init_container_statuses
        .as_deref()
        .unwrap_or_default();
    let regular = wanted.container_statuses.as_deref().unwrap_or_default();
    let containers_ready = || match (ended, unready(spec, init, regular)) {
        (Some(reason), _) => not(reason, None),
        (None, Some(message)) => not("ContainersNotReady", Some(message)),
        (None, None) => TRUE,
    };
    let ready = match (containers_ready(), unready_gates(spec, current)) {
        (Finding { is_true: true, .. }, Some(message)) => {
            not("ReadinessGatesNotReady", Some(message))
        }
        (found, _) => found,
    };
    let initialized = match (ended, uninitialized(spec, init, regular)) {
        (Some("PodCompleted"), _) => Finding {
            reason: ended,
            ..TRUE
        },
        (_, Some(message)) => not("ContainersNotInitialized", Some(message)),
        (_, None) => TRUE,
    };
    let sandbox = Finding {
        is_true: has_sandbox && ended.is_none(),
        ..TRUE
    };
    [
        ("PodScheduled", TRUE),
        ("PodReadyToStartContainers", sandbox),
        ("Initialized", initialized),
        ("ContainersReady", containers_ready()),
        ("Ready", ready),
    ]
    .map(|(type_, found)| {
        let wanted = PodCondition {
            type_: type_.to_owned(),
            status: if found.is_true { "True" } else { "False" }.to_owned(),
            reason: found.reason.map(str::to_owned),
            message: found.message,
            observed_generation: pod.metadata.generation,
            ..PodCondition::default()
        };
        since(wanted, current, now)
    })
    .into()
}

/// The condition with the time of its last transition: now, if it is one.
pub(super) fn since(wanted: PodCondition, current: &PodStatus, now: Timestamp) -> PodCondition {
    let old = condition(current, &wanted.type_).filter(|old| old.status == wanted.status);
    let time = old.and_then(|old| old.last_transition_time.clone());
    PodCondition {
        last_transition_time: Some(time.unwrap_or(Time(now))),
        ..wanted
    }
}

pub(super) fn condition<'a>(status: &'a PodStatus, type_: &str) -> Option<&'a PodCondition> {
    status
        .conditions
        .iter()
        .flatten()
        .find(|condition| condition.type_ == type_)
}

/// Which containers are not ready, in the kubelet's words: sidecars first.
fn unready(
    spec: &PodSpec,
    init: &[ContainerStatus],
    regular: &[ContainerStatus],
) -> Option<String> {
    let sidecars = spec.init_containers.iter().flatten().zip(init);
    let sidecars = sidecars.filter(|(container, _)| is_sidecar(container));
    let all = sidecars.map(|(_, status)| status).chain(regular);
    let names: Vec<&str> = all
        .filter(|status| !status.ready)
        .map(|status| status.name.as_str())
        .collect();
    (!names.is_empty()).then(|| format!("containers with unready status: [{}]", names.join(" ")))
}

/// Which init containers are not done, unless the pod has got beyond them.
fn uninitialized(
    spec: &PodSpec,
    init: &[ContainerStatus],
    regular: &[ContainerStatus],
) -> Option<String> {
    let has_started = |status: &ContainerStatus| {
        state::is_running(status)
            || state::terminated(status).is_some()
            || state::last_terminated(status).is_some()
    };
    if regular.iter().any(has_started) {
        return None;
    }
    let names: Vec<&str> = spec
        .init_containers
        .iter()
        .flatten()
        .zip(init)
        .filter(|(container, status)| match is_sidecar(container) {
            true => status.started != Some(true),
            false => !status.ready,
        })
        .map(|(container, _)| container.name.as_str())
        .collect();
    let list = names.join(" ");
    (!names.is_empty()).then(|| format!("containers with incomplete status: [{list}]"))
}

/// What is missing of the readiness gates, in the kubelet's words.
fn unready_gates(spec: &PodSpec, current: &PodStatus) -> Option<String> {
    let missing: Vec<String> = spec
        .readiness_gates
        .iter()
        .flatten()
        .map(|gate| &gate.condition_type)
        .filter_map(|gate| match condition(current, gate) {
            None => Some(format!(
                "corresponding condition of pod readiness gate {gate:?} does not exist."
            )),
            Some(found) if found.status == "True" => None,
            Some(found) => Some(format!(
                "the status of pod readiness gate {gate:?} is not \"True\", but {}",
                found.status
            )),
        })
        .collect();
    (!missing.is_empty()).then(|| missing.join(", "))
}

//! What keeps a pod from becoming ready, in words.

use k8s_openapi::api::core::v1::{ContainerState, ContainerStateTerminated, ContainerStatus, Pod};

/// What keeps a pod from becoming ready. The lesser, the nearer to the cause.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Trouble {
    rank: Rank,
    /// As kubectl's STATUS column would say it: `ImagePullBackOff`, `CrashLoopBackOff`.
    pub reason: String,
    /// A sentence without its full stop. It names no pod, so that it stays the same when one
    /// failing pod takes the place of another.
    pub message: String,
}

/// How much a trouble explains, the most first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    Image,
    Config,
    Crash,
    Scheduling,
    Probe,
}

/// The longest part of a kubelet's or a scheduler's message that is taken over, in characters.
const LONGEST: usize = 512;

/// What keeps a pod from becoming ready; `None` when it is ready, is going, or merely takes its
/// time.
pub fn trouble(pod: &Pod) -> Option<Trouble> {
    let status = pod.status.as_ref()?;
    let over = matches!(status.phase.as_deref(), Some("Succeeded" | "Failed"));
    if pod.metadata.deletion_timestamp.is_some() || over {
        return None;
    }
    let conditions = status.conditions.iter().flatten();
    let unscheduled = conditions
        .filter(|c| c.type_ == "PodScheduled" && c.status == "False")
        .find_map(|c| {
            let reason = c.reason.clone().unwrap_or_default();
            let what = match reason.as_str() {
                "Unschedulable" => "no node takes the pod",
                "SchedulingGated" => "the pod waits for its scheduling gates",
                _ => return None,
            };
            let message = with_detail(what, c.message.as_deref());
            Some(made(Rank::Scheduling, &reason, message))
        });
    let statuses = [
        status.init_container_statuses.as_deref(),
        status.container_statuses.as_deref(),
    ];
    let containers = statuses.into_iter().flatten().flatten();
    unscheduled
        .into_iter()
        .chain(containers.filter_map(|status| container_trouble(pod, status)))
        .min()
}

fn container_trouble(pod: &Pod, status: &ContainerStatus) -> Option<Trouble> {
    let state = status.state.as_ref()?;
    if let Some(waiting) = &state.waiting {
        let reason = waiting.reason.as_deref().unwrap_or_default();
        let message = waiting.message.as_deref();
        match reason {
            "ErrImagePull" | "ImagePullBackOff" => return Some(image_trouble(status, message)),
            "InvalidImageName"
            | "ErrImageNeverPull"
            | "ImageInspectError"
            | "RegistryUnavailable"
            | "SignatureValidationFailed" => {
                let what = format!("image {:?} cannot be used", status.image);
                return Some(made(Rank::Image, reason, with_detail(&what, message)));
            }
            "CreateContainerConfigError"
            | "CreateContainerError"
            | "RunContainerError"
            | "PreStartHookError"
            | "PostStartHookError" => {
                let what = format!("container {:?} cannot be started", status.name);
                return Some(made(Rank::Config, reason, with_detail(&what, message)));
            }
            _ => {}
        }
    }
    crash_trouble(status, state).or_else(|| probe_trouble(pod, status, state))
}

/// The kubelet says ErrImagePull and ImagePullBackOff by turns; both are one trouble here, with the
/// registry's words where there are any.
fn image_trouble(status: &ContainerStatus, message: Option<&str>) -> Trouble {
    let what = format!("image {:?} cannot be pulled", status.image);
    let detail = message.and_then(|message| match message.split_once("ErrImagePull: ") {
        Some((_, cause)) => Some(cause),
        None => Some(message).filter(|message| !message.starts_with("Back-off ")),
    });
    made(Rank::Image, "ImagePullBackOff", with_detail(&what, detail))
}

/// A container that has ended badly and is not ready: down, waiting to be started again, or just
/// started again. All are one trouble, which ends when the container is ready.
fn crash_trouble(status: &ContainerStatus, state: &ContainerState) -> Option<Trouble> {
    if status.ready {
        return None;
    }
    let last = status.last_state.as_ref();
    let ended = state
        .terminated
        .as_ref()
        .or_else(|| last.and_then(|last| last.terminated.as_ref()))?;
    let waiting = state.waiting.as_ref();
    let backing_off = waiting.and_then(|w| w.reason.as_deref()) == Some("CrashLoopBackOff");
    if ended.exit_code == 0 && !backing_off {
        return None;
    }
    let restarts = match status.restart_count {
        0 => String::new(),
        1 => ", restarted once".to_owned(),
        n => format!(", restarted {n} times"),
    };
    let how = how_it_ended(ended);
    let message = format!("container {:?} {how}{restarts}", status.name);
    let reason = match ended.reason.as_deref() {
        Some("OOMKilled") => "OOMKilled",
        _ => "CrashLoopBackOff",
    };
    Some(made(Rank::Crash, reason, message))
}

fn how_it_ended(ended: &ContainerStateTerminated) -> String {
    let reason = ended.reason.as_deref().unwrap_or_default();
    let how = match (reason, ended.signal) {
        ("OOMKilled", _) => "ran out of memory and was killed".to_owned(),
        (_, Some(signal)) if signal != 0 => format!("was ended by signal {signal}"),
        _ => format!("exited with code {}", ended.exit_code),
    };
    let message = ended.message.as_deref().unwrap_or_default();
    match message.trim() {
        "" => how,
        message => format!("{how} ({})", shortened(message)),
    }
}

fn probe_trouble(pod: &Pod, status: &ContainerStatus, state: &ContainerState) -> Option<Trouble> {
    state.running.as_ref()?;
    if status.ready {
        return None;
    }
    let spec = pod.spec.as_ref()?;
    let container = spec.containers.iter().find(|c| c.name == status.name)?;
    let (reason, probe) = if container.startup_probe.is_some() && status.started == Some(false) {
        ("NotStarted", "startup")
    } else if container.readiness_probe.is_some() {
        ("NotReady", "readiness")
    } else {
        return None;
    };
    let message = format!(
        "container {:?} runs, but its {probe} probe has not succeeded",
        status.name
    );
    Some(made(Rank::Probe, reason, message))
}

fn made(rank: Rank, reason: &str, message: String) -> Trouble {
    Trouble {
        rank,
        reason: reason.to_owned(),
        message,
    }
}

fn with_detail(what: &str, detail: Option<&str>) -> String {
    match detail.map(str::trim).filter(|detail| !detail.is_empty()) {
        Some(detail) => format!("{what}: {}", shortened(detail)),
        None => what.to_owned(),
    }
}

/// The text on one line, cut where it gets long.
pub(super) fn shortened(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(LONGEST) {
        Some((cut, _)) => format!("{}…", &line[..cut]),
        None => line,
    }
}

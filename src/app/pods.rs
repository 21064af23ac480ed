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

/// While a kubelet waits before it pulls an image again.
const BACKING_OFF: &str = "ImagePullBackOff";

/// Why it waits.
const PULL_FAILURES: &[&str] = &[
    "ErrImagePull",
    "RegistryUnavailable",
    "SignatureValidationFailed",
];

/// The longest message in a condition, in bytes: the note of an Event, which has the same words, may
/// have 1,024.
const LONGEST: usize = 900;

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

/// The kubelet says why a pull failed, and that it is backing off, by turns
/// (k8s.io/kubernetes/pkg/kubelet/images/image_manager.go); both are one trouble here, with the
/// registry's words where there are any.
fn image_trouble(status: &ContainerStatus, message: Option<&str>) -> Trouble {
    let what = format!("image {:?} cannot be pulled", status.image);
    let detail =
        message.and_then(
            |message| match message.strip_prefix("Back-off pulling image ") {
                Some(backing_off) => {
                    let (_, cause) = backing_off.split_once("\": ")?;
                    let named = |reason: &&str| cause.strip_prefix(reason)?.strip_prefix(": ");
                    PULL_FAILURES.iter().find_map(named).or(Some(cause))
                }
                None => Some(message),
            },
        );
    made(Rank::Image, BACKING_OFF, with_detail(&what, detail))
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
    if line.len() <= LONGEST {
        return line;
    }
    let cut = (0..=LONGEST).rev().find(|end| line.is_char_boundary(*end));
    format!("{}…", &line[..cut.unwrap_or(0)])
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    /// A pod with one container `web` of the image `nginx:nope`, in that state.
    fn pod(container: Value) -> Value {
        let mut status = json!({
            "name": "web", "image": "nginx:nope", "imageID": "", "ready": false, "restartCount": 0,
        });
        let object = status.as_object_mut().unwrap();
        object.extend(container.as_object().unwrap().clone());
        json!({
            "spec": {"containers": [{"name": "web", "readinessProbe": {}}]},
            "status": {"phase": "Running", "containerStatuses": [status]},
        })
    }

    fn says(pod: Value) -> Option<(String, String)> {
        let found = trouble(&serde_json::from_value(pod).unwrap())?;
        Some((found.reason, found.message))
    }

    fn waiting(reason: &str, message: &str) -> Value {
        pod(json!({"state": {"waiting": {"reason": reason, "message": message}}}))
    }

    fn said(reason: &str, message: &str) -> Option<(String, String)> {
        Some((reason.to_owned(), message.to_owned()))
    }

    #[test]
    fn an_image_that_cannot_be_pulled_is_one_trouble_in_both_states() {
        let registry = "rpc error: code = NotFound desc = nginx:nope: not found";
        let words = format!("image \"nginx:nope\" cannot be pulled: {registry}");
        let backing_off =
            format!("Back-off pulling image \"nginx:nope\": ErrImagePull: {registry}");
        let expected = said("ImagePullBackOff", &words);
        assert_eq!(says(waiting("ErrImagePull", registry)), expected);
        assert_eq!(says(waiting("ImagePullBackOff", &backing_off)), expected);
        assert_eq!(
            says(waiting(
                "ImagePullBackOff",
                "Back-off pulling image \"nginx:nope\""
            )),
            said("ImagePullBackOff", "image \"nginx:nope\" cannot be pulled")
        );
    }

    #[test]
    fn other_reasons_for_waiting_are_kept() {
        assert_eq!(
            says(waiting("InvalidImageName", "couldn't parse image name")),
            said(
                "InvalidImageName",
                "image \"nginx:nope\" cannot be used: couldn't parse image name"
            )
        );
        assert_eq!(
            says(waiting(
                "CreateContainerConfigError",
                "secret \"db\" not found"
            )),
            said(
                "CreateContainerConfigError",
                "container \"web\" cannot be started: secret \"db\" not found"
            )
        );
        assert_eq!(says(waiting("ContainerCreating", "")), None);
        assert_eq!(says(waiting("PodInitializing", "")), None);
    }

    #[test]
    fn a_crash_loop_is_one_trouble_while_it_turns() {
        let ended = json!({"exitCode": 3, "reason": "Error"});
        let expected = said(
            "CrashLoopBackOff",
            "container \"web\" exited with code 3, restarted 5 times",
        );
        for (state, last) in [
            (json!({"terminated": ended}), json!({})),
            (
                json!({"waiting": {"reason": "CrashLoopBackOff"}}),
                json!({"terminated": ended}),
            ),
            (json!({"running": {}}), json!({"terminated": ended})),
        ] {
            let pod = pod(json!({"state": state, "lastState": last, "restartCount": 5}));
            assert_eq!(says(pod), expected, "{state}");
        }
    }

    #[test]
    fn how_a_container_ended_is_said() {
        let ended = |ended: Value, restarts: i32| {
            says(pod(json!({
                "state": {"waiting": {"reason": "CrashLoopBackOff"}},
                "lastState": {"terminated": ended},
                "restartCount": restarts,
            })))
        };
        assert_eq!(
            ended(json!({"exitCode": 137, "reason": "OOMKilled"}), 1),
            said(
                "OOMKilled",
                "container \"web\" ran out of memory and was killed, restarted once"
            )
        );
        assert_eq!(
            ended(json!({"exitCode": 0, "reason": "Completed"}), 2),
            said(
                "CrashLoopBackOff",
                "container \"web\" exited with code 0, restarted 2 times"
            )
        );
        assert_eq!(
            ended(json!({"exitCode": 1, "message": "no\n config\n"}), 0),
            said(
                "CrashLoopBackOff",
                "container \"web\" exited with code 1 (no config)"
            )
        );
        assert_eq!(
            ended(json!({"exitCode": 128, "signal": 9}), 0),
            said(
                "CrashLoopBackOff",
                "container \"web\" was ended by signal 9"
            )
        );
    }

    #[test]
    fn a_pod_that_no_node_takes_says_why() {
        let pod = json!({"status": {"phase": "Pending", "conditions": [{
            "type": "PodScheduled", "status": "False", "reason": "Unschedulable",
            "message": "0/2 nodes are available: 2 Insufficient cpu.",
        }]}});
        assert_eq!(
            says(pod),
            said(
                "Unschedulable",
                "no node takes the pod: 0/2 nodes are available: 2 Insufficient cpu."
            )
        );
    }

    #[test]
    fn a_probe_that_has_not_succeeded_is_said_last() {
        let running = pod(json!({"state": {"running": {}}}));
        let words = "container \"web\" runs, but its readiness probe has not succeeded";
        assert_eq!(says(running.clone()), said("NotReady", words));
        let mut with_init = running;
        with_init["status"]["initContainerStatuses"] = json!([{
            "name": "init", "image": "x", "imageID": "", "ready": false, "restartCount": 1,
            "state": {"terminated": {"exitCode": 1}},
        }]);
        assert_eq!(
            says(with_init),
            said(
                "CrashLoopBackOff",
                "container \"init\" exited with code 1, restarted once"
            )
        );
    }

    #[test]
    fn a_pod_that_is_ready_going_or_over_has_no_trouble() {
        let image = || waiting("ErrImagePull", "");
        let ready = pod(
            json!({"state": {"running": {}}, "ready": true, "restartCount": 4,
            "lastState": {"terminated": {"exitCode": 1}}}),
        );
        assert_eq!(says(ready), None);
        let mut going = image();
        going["metadata"] = json!({"deletionTimestamp": "2026-01-01T00:00:00Z"});
        assert_eq!(says(going), None);
        let mut over = image();
        over["status"]["phase"] = json!("Failed");
        assert_eq!(says(over), None);
    }

    #[test]
    fn long_messages_are_cut_between_characters() {
        assert_eq!(shortened(" a\n b "), "a b");
        let cut = shortened(&"ä".repeat(1000));
        assert_eq!(cut, format!("{}…", "ä".repeat(450)));
    }
}

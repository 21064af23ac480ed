//! A pod's phase, by the states of its containers.

use k8s_openapi::api::core::v1::{ContainerStatus, PodSpec};

use super::requests::is_sidecar;
use super::restart::restarts;
use super::state;

/// As `getPhase` in k8s.io/kubernetes/pkg/kubelet has it, of a pod whose containers are all known.
/// `stopped` when the pod is going: nothing is started again.
pub(super) fn phase(
    spec: &PodSpec,
    init: &[ContainerStatus],
    regular: &[ContainerStatus],
    stopped: bool,
) -> &'static str {
    let init_containers = spec.init_containers.iter().flatten();
    let pending = init_containers.zip(init).any(|(container, status)| {
        never_ran(status) || (!is_sidecar(container) && state::is_running(status))
    });
    if !stopped && (pending || regular.iter().any(never_ran)) {
        return "Pending";
    }
    if !stopped && regular.iter().any(state::is_running) {
        return "Running";
    }
    let again = spec
        .containers
        .iter()
        .zip(regular)
        .any(|(container, status)| {
            let ended = state::terminated(status).or_else(|| state::last_terminated(status));
            ended.is_none_or(|ended| restarts(container, spec, ended.exit_code))
        });
    if again && !stopped {
        return "Running";
    }
    match regular.iter().all(|s| state::exit_code(s) == Some(0)) {
        true => "Succeeded",
        false => "Failed",
    }
}

/// Whether it has waited since the pod was made.
fn never_ran(status: &ContainerStatus) -> bool {
    !state::is_running(status)
        && state::terminated(status).is_none()
        && state::last_terminated(status).is_none()
}

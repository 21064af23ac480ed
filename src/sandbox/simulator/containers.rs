//! What a kubelet reports of a pod's containers.

use jiff::Timestamp;
use k8s_openapi::api::core::v1::{
    Container, ContainerState, ContainerStateRunning, ContainerStateTerminated, ContainerStatus,
    EphemeralContainer, Pod, PodSpec, PodStatus, ResourceRequirements,
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use super::requests::is_sidecar;

/// What a pod is doing.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Life {
    Running,
    Ended { exit_code: i32 },
}

/// The containers of one pod, all in the same phase of life.
pub(super) struct Containers<'a> {
    pub(super) pod: &'a Pod,
    pub(super) life: Life,
    pub(super) now: Timestamp,
}

impl Containers<'_> {
    pub(super) fn regular(&self, spec: &PodSpec, current: &PodStatus) -> Vec<ContainerStatus> {
        let old = &current.container_statuses;
        spec.containers
            .iter()
            .map(|container| self.lasting(container, old))
            .collect()
    }

    pub(super) fn init(&self, spec: &PodSpec, current: &PodStatus) -> Vec<ContainerStatus> {
        let old = &current.init_container_statuses;
        let status = |container| match is_sidecar(container) {
            true => self.lasting(container, old),
            false => self.completed(container, old),
        };
        spec.init_containers.iter().flatten().map(status).collect()
    }

    /// For those that kubectl debug adds, nobody asks whether they are ready.
    pub(super) fn ephemeral(&self, spec: &PodSpec, current: &PodStatus) -> Vec<ContainerStatus> {
        let old = &current.ephemeral_container_statuses;
        let status = |container: &EphemeralContainer| {
            let (name, image) = (
                &container.name,
                container.image.as_deref().unwrap_or_default(),
            );
            let status = self.status(name, image, None, find(old, name));
            ContainerStatus {
                ready: false,
                started: None,
                ..status
            }
        };
        spec.ephemeral_containers
            .iter()
            .flatten()
            .map(status)
            .collect()
    }

    fn lasting(
        &self,
        container: &Container,
        old: &Option<Vec<ContainerStatus>>,
    ) -> ContainerStatus {
        let (name, image) = (
            &container.name,
            container.image.as_deref().unwrap_or_default(),
        );
        self.status(name, image, container.resources.as_ref(), find(old, name))
    }

    /// A container that lives as long as its pod does.
    fn status(
        &self,
        name: &str,
        image: &str,
        resources: Option<&ResourceRequirements>,
        old: Option<&ContainerStatus>,
    ) -> ContainerStatus {
        let was_running = old.and_then(|old| old.state.as_ref()?.running.as_ref());
        let same = old.filter(|old| old.image == image);
        let started = same
            .and(was_running)
            .and_then(|running| running.started_at.clone());
        let restart_count = match (old, same) {
            (Some(old), None) => old.restart_count + 1,
            (Some(old), Some(_)) => old.restart_count,
            (None, _) => 0,
        };
        let last_state = match (old, same) {
            (Some(old), None) => {
                let started = was_running.and_then(|running| running.started_at.clone());
                Some(self.ended(0, old.container_id.clone(), started))
            }
            (old, _) => old.and_then(|old| old.last_state.clone()),
        };
        let id = self.id(name, restart_count);
        let started = Some(started.unwrap_or(Time(self.now)));
        let alive = self.life == Life::Running;
        let state = match self.life {
            Life::Running => ContainerState {
                running: Some(ContainerStateRunning {
                    started_at: started,
                }),
                ..ContainerState::default()
            },
            Life::Ended { exit_code } => self.ended(exit_code, Some(id.clone()), started),
        };
        ContainerStatus {
            name: name.to_owned(),
            image: image.to_owned(),
            image_id: image_id(image),
            container_id: Some(id),
            ready: alive,
            started: Some(alive),
            restart_count,
            state: Some(state),
            last_state,
            resources: resources.cloned(),
            allocated_resources: resources.and_then(|resources| resources.requests.clone()),
            ..ContainerStatus::default()
        }
    }

    /// An init container, done before the others started.
    fn completed(
        &self,
        container: &Container,
        old: &Option<Vec<ContainerStatus>>,
    ) -> ContainerStatus {
        let (name, image) = (
            &container.name,
            container.image.as_deref().unwrap_or_default(),
        );
        let id = self.id(name, 0);
        let old = find(old, name).and_then(|old| old.state.clone());
        let old = old.filter(|old| old.terminated.is_some());
        let state = old.unwrap_or_else(|| self.ended(0, Some(id.clone()), Some(Time(self.now))));
        ContainerStatus {
            name: name.to_owned(),
            image: image.to_owned(),
            image_id: image_id(image),
            container_id: Some(id),
            ready: true,
            started: Some(false),
            state: Some(state),
            ..ContainerStatus::default()
        }
    }

    fn ended(
        &self,
        exit_code: i32,
        container_id: Option<String>,
        started_at: Option<Time>,
    ) -> ContainerState {
        let reason = if exit_code == 0 { "Completed" } else { "Error" };
        let terminated = ContainerStateTerminated {
            exit_code,
            container_id,
            started_at,
            finished_at: Some(Time(self.now)),
            reason: Some(reason.to_owned()),
            ..ContainerStateTerminated::default()
        };
        ContainerState {
            terminated: Some(terminated),
            ..ContainerState::default()
        }
    }

    fn id(&self, name: &str, restarts: i32) -> String {
        let uid = self.pod.metadata.uid.as_deref().unwrap_or_default();
        format!("simulated://{uid}/{name}/{restarts}")
    }
}

fn image_id(image: &str) -> String {
    format!("simulated://{image}")
}

fn find<'a>(statuses: &'a Option<Vec<ContainerStatus>>, name: &str) -> Option<&'a ContainerStatus> {
    statuses.iter().flatten().find(|status| status.name == name)
}

//! What a kubelet reports of a pod's containers.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::core::v1::{
    Container, ContainerState, ContainerStateTerminated, ContainerStateWaiting, ContainerStatus,
    EphemeralContainer, Pod, PodSpec, ResourceRequirements,
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use super::image::{self, Pull};
use super::known::Lacks;
use super::options::Options;
use super::requests::is_sidecar;
use super::restart::{back_off, go, restarts};
use super::state;

/// How long a container runs that may complete: long enough to be seen running.
const WORK: Duration = Duration::from_secs(1);
/// How a container ends whose pod is to crash.
const CRASH: i32 = 1;

/// How far the pod has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// Its containers are not to start yet, but at this time, if it is known.
    Creating(Option<Timestamp>),
    /// Its containers may start, since this time.
    Started(Timestamp),
    /// All that runs has been stopped, with this exit code.
    Stopped(i32),
}

/// The containers of one pod, by what was last reported of them.
pub(super) struct Containers<'a> {
    pub(super) pod: &'a Pod,
    pub(super) spec: &'a PodSpec,
    pub(super) options: &'a Options,
    pub(super) lacks: &'a Lacks,
    pub(super) stage: Stage,
    pub(super) now: Timestamp,
    /// When something changes by itself
    pub(super) wake: Option<Timestamp>,
}

impl Containers<'_> {
    /// In the order of the spec. Those after one that is not done wait for it, and so do all
    /// regular ones: whether there is one is told beside.
    pub(super) fn init(&mut self, old: &[ContainerStatus]) -> (Vec<ContainerStatus>, bool) {
        if let Stage::Creating(Some(time)) = self.stage {
            self.wake_at(time);
        }
        let mut held = false;
        let spec = self.spec;
        let mut statuses = Vec::new();
        for container in spec.init_containers.iter().flatten() {
            let old = find(old, &container.name);
            let (status, done) = match held {
                true => (self.untouched(container, old), true),
                false => self.init_container(container, old),
            };
            held |= !done;
            statuses.push(status);
        }
        (statuses, held)
    }

    /// The regular ones; `held` when they have to wait for an init container.
    pub(super) fn regular(&mut self, old: &[ContainerStatus], held: bool) -> Vec<ContainerStatus> {
        let crashes = self.crashes();
        let spec = self.spec;
        let mut statuses = Vec::new();
        for container in &spec.containers {
            let old = find(old, &container.name);
            statuses.push(match self.stage {
                Stage::Creating(_) => self.untouched(container, old),
                Stage::Stopped(exit_code) => self.stopped(container, old, exit_code),
                Stage::Started(_) if held => self.untouched(container, old),
                Stage::Started(since) => self.regular_container(container, old, crashes, since),
            });
        }
        statuses
    }

    /// Those that kubectl debug adds: nobody asks whether they are ready.
    pub(super) fn ephemeral(&mut self, old: &[ContainerStatus]) -> Vec<ContainerStatus> {
        let spec = self.spec;
        let status = |container: &EphemeralContainer| {
            let old = find(old, &container.name);
            let image = container.image.as_deref().unwrap_or_default();
            let status = match self.stage {
                Stage::Creating(_) => {
                    self.waiting(&container.name, image, old, "ContainerCreating", "")
                }
                Stage::Started(_) => self.kept_or_started(&container.name, image, None, old),
                Stage::Stopped(exit_code) => match old {
                    Some(old) => self.end(old, exit_code),
                    None => self.waiting(&container.name, image, old, "ContainerCreating", ""),
                },
            };
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

    fn crashes(&self) -> bool {
        let meta = &self.pod.metadata;
        let namespace = meta.namespace.as_deref().unwrap_or_default();
        self.options
            .crashes(namespace, meta.name.as_deref().unwrap_or_default())
    }

    /// The status, and whether the next container may start.
    fn init_container(
        &mut self,
        container: &Container,
        old: Option<&ContainerStatus>,
    ) -> (ContainerStatus, bool) {
        let since = match self.stage {
            Stage::Creating(_) => return (self.untouched(container, old), false),
            Stage::Stopped(exit_code) if is_sidecar(container) => {
                return (self.stopped(container, old, exit_code), true);
            }
            Stage::Stopped(_) => {
                let status = old.cloned();
                return (
                    status.unwrap_or_else(|| self.untouched(container, old)),
                    true,
                );
            }
            Stage::Started(since) => since,
        };
        let done = old.filter(|old| state::exit_code(old) == Some(0) && !is_sidecar(container));
        if let Some(done) = done {
            return (done.clone(), true);
        }
        let runs = old.is_some_and(|old| is_same(container, old) && state::is_running(old));
        if !runs && let Some(status) = self.hindered(container, old, since) {
            return (status, false);
        }
        if is_sidecar(container) {
            return (self.lasting(container, old), true);
        }
        let started = self.started(&container.name, image_of(container), None, old);
        let completed = ContainerStatus {
            ready: true,
            ..self.end(&started, 0)
        };
        (completed, true)
    }

    fn regular_container(
        &mut self,
        container: &Container,
        old: Option<&ContainerStatus>,
        crashes: bool,
        since: Timestamp,
    ) -> ContainerStatus {
        if let Some(old) = old
            && let Some(code) = state::exit_code(old)
            && !restarts(container, self.spec, code)
        {
            return old.clone();
        }
        let running = old.filter(|old| is_same(container, old) && state::is_running(old));
        if running.is_none()
            && let Some(status) = self.hindered(container, old, since)
        {
            return status;
        }
        if crashes {
            return self.crash(container, old);
        }
        let status = self.lasting(container, old);
        if restarts(container, self.spec, 0) {
            return status;
        }
        let due = state::started_at(&status).map(|started| later(started, WORK));
        match due {
            Some(due) if running.is_some() && due <= self.now => self.end(&status, 0),
            Some(due) => {
                self.wake_at(due);
                status
            }
            None => status,
        }
    }

    /// One step of what never goes well.
    fn crash(&mut self, container: &Container, old: Option<&ContainerStatus>) -> ContainerStatus {
        let Some(old) = old else {
            return self.crashed(container, None);
        };
        if state::is_running(old) {
            return self.end(old, CRASH);
        }
        let failures = u32::try_from(old.restart_count).unwrap_or(0);
        if let Some(ended) = state::terminated(old) {
            // The first failure is forgiven.
            let Some(earlier) = failures.checked_sub(1) else {
                return self.crashed(container, Some(old));
            };
            let pause = back_off(earlier);
            self.wake_at(later(finished(ended), pause));
            let message = format!(
                "back-off {} restarting failed container={} pod={}",
                go(pause),
                container.name,
                state::pod(self.pod)
            );
            let reason = "CrashLoopBackOff";
            return self.waiting(
                &container.name,
                image_of(container),
                Some(old),
                reason,
                &message,
            );
        }
        match state::last_terminated(old) {
            Some(ended) if state::waits_for(old) == Some("CrashLoopBackOff") => {
                let due = later(finished(ended), back_off(failures.saturating_sub(1)));
                if due <= self.now {
                    return self.crashed(container, Some(old));
                }
                self.wake_at(due);
                old.clone()
            }
            _ => self.crashed(container, Some(old)),
        }
    }

    /// Started once more, and ended at once.
    fn crashed(&self, container: &Container, old: Option<&ContainerStatus>) -> ContainerStatus {
        let resources = container.resources.as_ref();
        let started = self.started(&container.name, image_of(container), resources, old);
        self.end(&started, CRASH)
    }

    /// What keeps a container from starting, if anything does.
    fn hindered(
        &mut self,
        container: &Container,
        old: Option<&ContainerStatus>,
        since: Timestamp,
    ) -> Option<ContainerStatus> {
        let image = image_of(container);
        if !self.options.is_no_image(image) {
            let message = self.lacks.containers.get(&container.name)?;
            let reason = "CreateContainerConfigError";
            return Some(self.waiting(&container.name, image, old, reason, message));
        }
        let elapsed = Duration::try_from(self.now.duration_since(since)).unwrap_or_default();
        let (pull, left) = image::pull(elapsed);
        self.wake_at(later(self.now, left));
        let problem = image::problem(image);
        let (reason, message) = match pull {
            Pull::Failed => ("ErrImagePull", problem),
            Pull::BackOff => (
                "ImagePullBackOff",
                format!("Back-off pulling image {image:?}: ErrImagePull: {problem}"),
            ),
        };
        Some(self.waiting(&container.name, image, old, reason, &message))
    }

    /// One whose turn has not come.
    fn untouched(&self, container: &Container, old: Option<&ContainerStatus>) -> ContainerStatus {
        if let Some(old) = old
            && (state::is_running(old) || state::terminated(old).is_some())
        {
            return old.clone();
        }
        let alone = self.spec.init_containers.iter().flatten().next().is_none();
        let reason = match alone {
            true => "ContainerCreating",
            false => "PodInitializing",
        };
        self.waiting(&container.name, image_of(container), old, reason, "")
    }

    fn lasting(&self, container: &Container, old: Option<&ContainerStatus>) -> ContainerStatus {
        let resources = container.resources.as_ref();
        self.kept_or_started(&container.name, image_of(container), resources, old)
    }

    fn kept_or_started(
        &self,
        name: &str,
        image: &str,
        resources: Option<&ResourceRequirements>,
        old: Option<&ContainerStatus>,
    ) -> ContainerStatus {
        match old.filter(|old| old.image == image && state::is_running(old)) {
            Some(old) => ContainerStatus {
                resources: resources.cloned(),
                allocated_resources: resources.and_then(|resources| resources.requests.clone()),
                ..old.clone()
            },
            None => self.started(name, image, resources, old),
        }
    }

    /// A container that starts now, after what was before it.
    fn started(
        &self,
        name: &str,
        image: &str,
        resources: Option<&ResourceRequirements>,
        old: Option<&ContainerStatus>,
    ) -> ContainerStatus {
        let before = old.filter(|old| old.container_id.is_some());
        let restart_count = before.map_or(0, |old| old.restart_count.saturating_add(1));
        ContainerStatus {
            name: name.to_owned(),
            image: image.to_owned(),
            image_id: format!("simulated://{image}"),
            container_id: Some(self.id(name, restart_count)),
            ready: true,
            started: Some(true),
            restart_count,
            state: Some(state::running(self.now)),
            last_state: before.and_then(|old| self.last(old)),
            resources: resources.cloned(),
            allocated_resources: resources.and_then(|resources| resources.requests.clone()),
            ..ContainerStatus::default()
        }
    }

    /// How a container ended that another takes the place of.
    fn last(&self, old: &ContainerStatus) -> Option<ContainerState> {
        match state::is_running(old) {
            true => self.end(old, 0).state,
            false if state::terminated(old).is_some() => old.state.clone(),
            false => old.last_state.clone(),
        }
    }

    /// The same container, ended now, if it runs.
    fn end(&self, container: &ContainerStatus, exit_code: i32) -> ContainerStatus {
        if !state::is_running(container) {
            return container.clone();
        }
        let reason = if exit_code == 0 { "Completed" } else { "Error" };
        let terminated = ContainerStateTerminated {
            exit_code,
            container_id: container.container_id.clone(),
            started_at: state::started_at(container).map(Time),
            finished_at: Some(Time(self.now)),
            reason: Some(reason.to_owned()),
            ..ContainerStateTerminated::default()
        };
        ContainerStatus {
            ready: false,
            started: Some(false),
            state: Some(state::ended(terminated)),
            ..container.clone()
        }
    }

    /// When the pod goes: what runs ends, what was to be started again has ended, and of what
    /// never ran nothing is known.
    fn stopped(
        &self,
        container: &Container,
        old: Option<&ContainerStatus>,
        exit_code: i32,
    ) -> ContainerStatus {
        let Some(old) = old else {
            return self.untouched(container, None);
        };
        let waits = !state::is_running(old) && state::terminated(old).is_none();
        if waits && let Some(last) = state::last_terminated(old) {
            return ContainerStatus {
                state: Some(state::ended(last.clone())),
                last_state: None,
                ..old.clone()
            };
        }
        if waits && self.spec.init_containers.iter().flatten().next().is_none() {
            return ContainerStatus {
                state: Some(state::unknown()),
                ..old.clone()
            };
        }
        self.end(old, exit_code)
    }

    fn waiting(
        &self,
        name: &str,
        image: &str,
        old: Option<&ContainerStatus>,
        reason: &str,
        message: &str,
    ) -> ContainerStatus {
        let state = ContainerState {
            waiting: Some(ContainerStateWaiting {
                reason: Some(reason.to_owned()),
                message: Some(message.to_owned()).filter(|message| !message.is_empty()),
            }),
            ..ContainerState::default()
        };
        ContainerStatus {
            name: name.to_owned(),
            image: image.to_owned(),
            ready: false,
            started: Some(false),
            state: Some(state),
            last_state: old.and_then(|old| self.last(old)),
            ..old.cloned().unwrap_or_default()
        }
    }

    fn wake_at(&mut self, time: Timestamp) {
        self.wake = Some(self.wake.map_or(time, |before| before.min(time)));
    }

    fn id(&self, name: &str, restarts: i32) -> String {
        let uid = self.pod.metadata.uid.as_deref().unwrap_or_default();
        format!("simulated://{uid}/{name}/{restarts}")
    }
}

fn later(time: Timestamp, by: Duration) -> Timestamp {
    let by = SignedDuration::try_from(by).unwrap_or(SignedDuration::MAX);
    time.checked_add(by).unwrap_or(Timestamp::MAX)
}

fn finished(ended: &ContainerStateTerminated) -> Timestamp {
    let time = ended.finished_at.as_ref();
    time.map_or(Timestamp::UNIX_EPOCH, |time| time.0)
}

fn is_same(container: &Container, status: &ContainerStatus) -> bool {
    status.image == image_of(container)
}

fn image_of(container: &Container) -> &str {
    container.image.as_deref().unwrap_or_default()
}

fn find<'a>(statuses: &'a [ContainerStatus], name: &str) -> Option<&'a ContainerStatus> {
    statuses.iter().find(|status| status.name == name)
}

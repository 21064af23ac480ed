//! What the kubelet of a simulated node does for a pod: the status that it reports, and when.
//!
//! The conditions follow k8s.io/kubernetes/pkg/kubelet/status/generate.go.

use std::net::IpAddr;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::core::v1::{HostIP, Pod, PodCondition, PodIP, PodSpec, PodStatus};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use super::conditions::{condition, conditions};
use super::containers::{Containers, Stage};
use super::known::Lacks;
use super::options::Options;
use super::phase::phase;

/// What a process returns that SIGTERM has ended.
const TERMINATED: i32 = 128 + 15;

/// What is to be done next for a pod.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Step {
    /// All is as it should be.
    Nothing,
    /// Look again after this time.
    Wait(Duration),
    /// Try again to mount its volumes.
    Mount,
    /// Write this status; what is `None` in it stays as it is.
    Report(Box<PodStatus>),
    /// Write this status, if any, then let go of the pod.
    Finish(Option<Box<PodStatus>>),
}

/// Where a pod runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) node: IpAddr,
    pub(super) pod: IpAddr,
    /// When the kubelet first saw the pod
    pub(super) since: Timestamp,
}

/// The next step for a pod that is bound to a simulated node.
pub(super) fn step(
    pod: &Pod,
    place: Place,
    options: &Options,
    lacks: &Lacks,
    now: Timestamp,
) -> Step {
    let Some(spec) = &pod.spec else {
        return Step::Nothing;
    };
    let current = pod.status.clone().unwrap_or_default();
    let ended = is_terminal(pod);
    let report = Report {
        pod,
        spec,
        current: &current,
        place,
        options,
        lacks,
        now,
    };
    if pod.metadata.deletion_timestamp.is_some() {
        let stopped = || {
            let exit_code = if may_complete(spec) { TERMINATED } else { 0 };
            Box::new(report.status(Stage::Stopped(exit_code)).0)
        };
        let stop = !ended && current.start_time.is_some();
        return match (pod.metadata.deletion_grace_period_seconds, stop) {
            // Let go of already; what holds it now is a finalizer.
            (Some(0), false) => Step::Nothing,
            (Some(0), true) => Step::Report(stopped()),
            (_, stop) => Step::Finish(stop.then(stopped)),
        };
    }
    if ended {
        return Step::Nothing;
    }
    let stage = report.stage();
    let (wanted, wake) = report.status(stage);
    if !is_reported(&wanted, &current) {
        return Step::Report(Box::new(wanted));
    }
    match wake {
        _ if stage == Stage::Creating(None) => Step::Mount,
        Some(time) => Step::Wait(Duration::try_from(time.duration_since(now)).unwrap_or_default()),
        None => Step::Nothing,
    }
}

/// How long the kubelet waits after so many failures to mount a volume: half a second, doubled each
/// time, two minutes and two seconds at most (k8s.io/kubernetes/pkg/volume/util).
pub(super) fn mount_pause(failures: u32) -> Duration {
    let longest = Duration::from_secs(122);
    Duration::from_millis(500)
        .saturating_mul(1 << failures.min(8))
        .min(longest)
}

/// Whether the pod has ended: it takes nothing of its node any more.
pub(super) fn is_terminal(pod: &Pod) -> bool {
    let phase = pod
        .status
        .as_ref()
        .and_then(|status| status.phase.as_deref());
    matches!(phase, Some("Succeeded" | "Failed"))
}

fn may_complete(spec: &PodSpec) -> bool {
    matches!(spec.restart_policy.as_deref(), Some("Never" | "OnFailure"))
}

/// What the status of a pod is made of.
struct Report<'a> {
    pod: &'a Pod,
    spec: &'a PodSpec,
    current: &'a PodStatus,
    place: Place,
    options: &'a Options,
    lacks: &'a Lacks,
    now: Timestamp,
}

impl Report<'_> {
    /// How far a pod has come that goes on.
    fn stage(&self) -> Stage {
        let delay = SignedDuration::try_from(self.options.start_delay);
        let due = delay
            .ok()
            .and_then(|delay| self.place.since.checked_add(delay).ok())
            .unwrap_or(Timestamp::MAX);
        let has_sandbox = condition(self.current, "PodReadyToStartContainers")
            .is_some_and(|condition| condition.status == "True");
        match has_sandbox {
            true => Stage::Started(due.min(self.now)),
            false if !self.lacks.volumes.is_empty() => Stage::Creating(None),
            false if due > self.now => Stage::Creating(Some(due)),
            false => Stage::Started(due),
        }
    }

    /// The part of a status that a kubelet owns, and when it changes by itself. Times of what has
    /// not changed are kept.
    fn status(&self, stage: Stage) -> (PodStatus, Option<Timestamp>) {
        let mut containers = Containers {
            pod: self.pod,
            spec: self.spec,
            options: self.options,
            lacks: self.lacks,
            stage,
            now: self.now,
            wake: None,
        };
        let old = |statuses: &Option<Vec<_>>| statuses.clone().unwrap_or_default();
        let old_init = old(&self.current.init_container_statuses);
        let (mut init, held) = containers.init(&old_init);
        let regular = containers.regular(&old(&self.current.container_statuses), held);
        let is_stopped = matches!(stage, Stage::Stopped(_));
        let phase = phase(self.spec, &init, &regular, is_stopped);
        if !is_stopped && matches!(phase, "Succeeded" | "Failed") {
            // Sidecars end when there is nothing left to help.
            containers.stage = Stage::Stopped(0);
            (init, _) = containers.init(&init);
        }
        let ephemeral = containers.ephemeral(&old(&self.current.ephemeral_container_statuses));
        let has_sandbox = !matches!(stage, Stage::Creating(_));
        let ip = match stage {
            Stage::Creating(_) => None,
            Stage::Started(_) => Some(self.place.pod.to_string()),
            Stage::Stopped(_) => self.current.pod_ip.clone(),
        };
        let start_time = self.current.start_time.clone();
        let mut status = PodStatus {
            phase: Some(phase.to_owned()),
            container_statuses: Some(regular),
            init_container_statuses: some(init),
            ephemeral_container_statuses: some(ephemeral),
            host_ip: Some(self.place.node.to_string()),
            host_ips: Some(vec![HostIP {
                ip: self.place.node.to_string(),
            }]),
            pod_ips: ip.clone().map(|ip| vec![PodIP { ip }]),
            pod_ip: ip,
            start_time: Some(start_time.unwrap_or(Time(self.now))),
            observed_generation: self.pod.metadata.generation,
            ..PodStatus::default()
        };
        let (pod, current) = (self.pod, self.current);
        let found = conditions(pod, self.spec, current, &status, has_sandbox, self.now);
        status.conditions = Some(found);
        (status, containers.wake)
    }
}

/// Whether all that `wanted` says stands in `current`.
fn is_reported(wanted: &PodStatus, current: &PodStatus) -> bool {
    let same_condition = |wanted: &PodCondition| {
        condition(current, &wanted.type_).is_some_and(|current| {
            current.status == wanted.status
                && current.reason == wanted.reason
                && current.message == wanted.message
        })
    };
    wanted.phase == current.phase
        && wanted.host_ip == current.host_ip
        && (wanted.pod_ip.is_none() || wanted.pod_ip == current.pod_ip)
        && wanted.container_statuses == current.container_statuses
        && wanted.init_container_statuses == current.init_container_statuses
        && wanted.ephemeral_container_statuses == current.ephemeral_container_statuses
        && wanted.observed_generation == current.observed_generation
        && wanted.conditions.iter().flatten().all(same_condition)
}

fn some<T>(items: Vec<T>) -> Option<Vec<T>> {
    (!items.is_empty()).then_some(items)
}

#[cfg(test)]
mod tests {
    use k8s_openapi::api::core::v1::PodReadinessGate;

    use super::super::testing::{self, PodBuilder};
    use super::*;

    const PLACE: Place = Place {
        node: IpAddr::V4(std::net::Ipv4Addr::new(198, 18, 0, 1)),
        pod: IpAddr::V4(std::net::Ipv4Addr::new(198, 18, 0, 2)),
        since: Timestamp::constant(1_700_000_000, 0),
    };

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_700_000_000 + second).unwrap()
    }

    /// The next step where all goes well.
    fn step(pod: &Pod, place: Place, now: Timestamp) -> Step {
        super::step(pod, place, &Options::default(), &Lacks::default(), now)
    }

    fn reported(step: Step) -> PodStatus {
        match step {
            Step::Report(status) => *status,
            other => panic!("{other:?}"),
        }
    }

    /// The pod after its first report.
    fn started(pod: PodBuilder) -> PodBuilder {
        let pod = pod.on("node-0");
        let status = reported(step(&pod.peek(), PLACE, at(0)));
        pod.status(status)
    }

    fn state(status: &PodStatus, type_: &str) -> (String, Option<String>) {
        let found = condition(status, type_).unwrap();
        (found.status.clone(), found.reason.clone())
    }

    #[test]
    fn a_bound_pod_runs_and_is_ready() {
        let pod = started(testing::pod("a")).build();
        let status = pod.status.clone().unwrap();
        assert_eq!(status.phase.as_deref(), Some("Running"));
        assert_eq!(status.pod_ip.as_deref(), Some("198.18.0.2"));
        for type_ in ["PodScheduled", "Initialized", "ContainersReady", "Ready"] {
            assert_eq!(state(&status, type_), ("True".to_owned(), None), "{type_}");
        }
        assert!(
            status
                .container_statuses
                .unwrap()
                .iter()
                .all(|c| c.ready && c.started == Some(true))
        );
        assert_eq!(step(&pod, PLACE, at(100)), Step::Nothing);
    }

    #[test]
    fn init_containers_are_done_and_sidecars_run() {
        let mut sidecar = testing::container("sidecar", "0");
        sidecar.restart_policy = Some("Always".to_owned());
        let pod = testing::pod("a").spec(|spec| {
            spec.init_containers = Some(vec![testing::container("init", "0"), sidecar]);
        });
        let pod = started(pod).build();
        let states: Vec<bool> = pod
            .status
            .as_ref()
            .and_then(|status| status.init_container_statuses.as_ref())
            .unwrap()
            .iter()
            .map(|status| status.state.as_ref().unwrap().running.is_some())
            .collect();
        assert_eq!(states, [false, true]);
        assert_eq!(step(&pod, PLACE, at(100)), Step::Nothing);
    }

    #[test]
    fn a_readiness_gate_holds_ready_back() {
        let gated = testing::pod("a").spec(|spec| {
            spec.readiness_gates = Some(vec![PodReadinessGate {
                condition_type: "example.com/lb".to_owned(),
            }]);
        });
        let mut pod = started(gated).build();
        let status = pod.status.as_mut().unwrap();
        let waiting = (
            "False".to_owned(),
            Some("ReadinessGatesNotReady".to_owned()),
        );
        assert_eq!(state(status, "Ready"), waiting);
        assert_eq!(state(status, "ContainersReady").0, "True");
        status.conditions.as_mut().unwrap().push(PodCondition {
            type_: "example.com/lb".to_owned(),
            status: "True".to_owned(),
            ..PodCondition::default()
        });
        let status = reported(step(&pod, PLACE, at(5)));
        assert_eq!(state(&status, "Ready"), ("True".to_owned(), None));
        let ready = condition(&status, "Ready")
            .unwrap()
            .last_transition_time
            .clone();
        let scheduled = condition(&status, "PodScheduled")
            .unwrap()
            .last_transition_time
            .clone();
        assert_eq!((ready, scheduled), (Some(Time(at(5))), Some(Time(at(0)))));
    }

    #[test]
    fn what_may_complete_does_so_after_a_while() {
        let pod = started(testing::pod("a").restart_policy("Never")).build();
        assert_eq!(step(&pod, PLACE, at(0)), Step::Wait(Duration::from_secs(1)));
        let status = reported(step(&pod, PLACE, at(1)));
        assert_eq!(status.phase.as_deref(), Some("Succeeded"));
        assert_eq!(
            state(&status, "Ready"),
            ("False".to_owned(), Some("PodCompleted".to_owned()))
        );
        let done = testing::pod("a")
            .restart_policy("Never")
            .on("node-0")
            .status(status)
            .build();
        assert_eq!(step(&done, PLACE, at(9)), Step::Nothing);
    }

    #[test]
    fn a_deleted_pod_stops_and_is_let_go() {
        let Step::Finish(Some(status)) = step(
            &started(testing::pod("a")).deleted(30).build(),
            PLACE,
            at(9),
        ) else {
            panic!("it is not finished");
        };
        assert_eq!(status.phase.as_deref(), Some("Succeeded"));
        let ended = testing::pod("a").on("node-0").status(*status);
        assert_eq!(
            step(&ended.deleted(30).build(), PLACE, at(9)),
            Step::Finish(None)
        );
    }

    #[test]
    fn a_job_that_was_cut_short_has_failed() {
        let pod = started(testing::pod("a").restart_policy("OnFailure"))
            .deleted(30)
            .build();
        let Step::Finish(Some(status)) = step(&pod, PLACE, at(9)) else {
            panic!("it is not finished");
        };
        assert_eq!(status.phase.as_deref(), Some("Failed"));
        assert_eq!(state(&status, "Ready").1.as_deref(), Some("PodFailed"));
    }

    #[test]
    fn a_finalizer_holds_a_pod_that_was_let_go() {
        let pod = started(testing::pod("a")).deleted(0).build();
        let status = reported(step(&pod, PLACE, at(9)));
        let held = testing::pod("a")
            .on("node-0")
            .status(status)
            .deleted(0)
            .build();
        assert_eq!(step(&held, PLACE, at(9)), Step::Nothing);
        let pending = testing::pod("a").on("node-0").deleted(30).build();
        assert_eq!(step(&pending, PLACE, at(9)), Step::Finish(None));
    }

    #[test]
    fn a_new_image_restarts_its_container() {
        let mut pod = started(testing::pod("a")).build();
        pod.spec.as_mut().unwrap().containers[0].image = Some("example.com/main:2".to_owned());
        let status = reported(step(&pod, PLACE, at(9)));
        let container = &status.container_statuses.as_ref().unwrap()[0];
        assert_eq!(container.restart_count, 1);
        assert!(container.last_state.as_ref().unwrap().terminated.is_some());
        pod.status = Some(status);
        assert_eq!(step(&pod, PLACE, at(10)), Step::Nothing);
    }

    #[test]
    fn a_debug_container_is_reported() {
        use k8s_openapi::api::core::v1::EphemeralContainer;
        let mut pod = started(testing::pod("a")).build();
        pod.spec.as_mut().unwrap().ephemeral_containers = Some(vec![EphemeralContainer {
            name: "debug".to_owned(),
            image: Some("busybox".to_owned()),
            ..EphemeralContainer::default()
        }]);
        let status = reported(step(&pod, PLACE, at(9)));
        assert_eq!(
            status.ephemeral_container_statuses.as_ref().unwrap()[0].name,
            "debug"
        );
        pod.status = Some(status);
        assert_eq!(step(&pod, PLACE, at(10)), Step::Nothing);
    }
}

//! Pods that do not do well, step by step.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::{ContainerStatus, Pod, PodStatus};

use super::conditions::condition;
use super::known::Lacks;
use super::kubelet::{Place, Step, step};
use super::options::Options;
use super::state;
use super::testing::{self, PodBuilder};

const BEGAN: i64 = 1_700_000_000;

/// A pod whose kubelet reports as soon as there is something to report.
struct Life {
    pod: Pod,
    options: Options,
    lacks: Lacks,
    now: Timestamp,
}

impl Life {
    fn new(pod: PodBuilder, options: Options) -> Self {
        Life {
            pod: pod.on("node-0").build(),
            options,
            lacks: Lacks::default(),
            now: Timestamp::from_second(BEGAN).unwrap(),
        }
    }

    fn step(&self) -> Step {
        let place = Place {
            node: IpAddr::V4(Ipv4Addr::new(198, 18, 0, 1)),
            pod: IpAddr::V4(Ipv4Addr::new(198, 18, 0, 2)),
            since: Timestamp::from_second(BEGAN).unwrap(),
        };
        step(&self.pod, place, &self.options, &self.lacks, self.now)
    }

    /// Goes on until the next report, waiting as told; what it says.
    #[track_caller]
    fn next(&mut self) -> PodStatus {
        for _ in 0..3 {
            match self.step() {
                Step::Report(status) => {
                    self.pod.status = Some((*status).clone());
                    return *status;
                }
                Step::Wait(time) => self.now += time,
                other => panic!("{other:?}"),
            }
        }
        panic!("nothing is reported");
    }

    fn seconds(&self) -> i64 {
        self.now.as_second() - BEGAN
    }
}

fn failing_image(pattern: &str) -> Options {
    Options {
        fail_image: vec![pattern.parse().unwrap()],
        ..Options::default()
    }
}

fn crashing() -> Options {
    Options {
        fail_pod: vec!["*".parse().unwrap()],
        ..Options::default()
    }
}

fn main(status: &PodStatus) -> &ContainerStatus {
    &status.container_statuses.as_ref().unwrap()[0]
}

fn reason(status: &PodStatus) -> &str {
    state::waits_for(main(status)).unwrap_or("none")
}

fn message(status: &PodStatus) -> String {
    let message = state::waiting_message(main(status));
    message.unwrap_or_default().to_owned()
}

#[test]
fn a_pod_takes_its_time_to_start() {
    let options = Options {
        start_delay: Duration::from_secs(5),
        ..Options::default()
    };
    let mut life = Life::new(testing::pod("a"), options);
    let creating = life.next();
    assert_eq!(creating.phase.as_deref(), Some("Pending"));
    assert_eq!(reason(&creating), "ContainerCreating");
    assert_eq!(creating.pod_ip, None);
    let ready = condition(&creating, "Ready").unwrap();
    assert_eq!(ready.reason.as_deref(), Some("ContainersNotReady"));
    assert_eq!(
        ready.message.as_deref(),
        Some("containers with unready status: [main]")
    );
    let running = life.next();
    assert_eq!(
        (life.seconds(), running.phase.as_deref()),
        (5, Some("Running"))
    );
    assert_eq!(life.step(), Step::Nothing);
}

#[test]
fn an_image_that_is_not_there_is_tried_again_and_again() {
    let mut life = Life::new(testing::pod("a"), failing_image("main:*"));
    let seen: Vec<(i64, String)> = (0..6)
        .map(|_| {
            let status = life.next();
            assert_eq!(status.phase.as_deref(), Some("Pending"));
            assert_eq!(main(&status).container_id, None);
            (life.seconds(), reason(&status).to_owned())
        })
        .collect();
    let wanted = [
        (0, "ErrImagePull"),
        (1, "ImagePullBackOff"),
        (10, "ErrImagePull"),
        (11, "ImagePullBackOff"),
        (30, "ErrImagePull"),
        (31, "ImagePullBackOff"),
    ];
    assert_eq!(seen, wanted.map(|(time, reason)| (time, reason.to_owned())));
    let status = life.pod.status.clone().unwrap();
    assert_eq!(
        message(&status),
        "Back-off pulling image \"example.com/main:1\": ErrImagePull: rpc error: code = NotFound \
         desc = failed to pull and unpack image \"example.com/main:1\": failed to resolve \
         reference \"example.com/main:1\": example.com/main:1: not found"
    );
    let sandbox = condition(&status, "PodReadyToStartContainers").unwrap();
    assert_eq!(sandbox.status, "True");
    life.pod.spec.as_mut().unwrap().containers[0].image = Some("good".to_owned());
    let status = life.next();
    assert_eq!(status.phase.as_deref(), Some("Running"));
    assert_eq!(main(&status).restart_count, 0);
}

#[test]
fn an_init_container_holds_the_others_back() {
    let pod = testing::pod("a").spec(|spec| {
        let init = ["first", "bad", "last"].map(|name| testing::container(name, "0"));
        spec.init_containers = Some(init.into());
    });
    let mut life = Life::new(pod, failing_image("bad:*"));
    let status = life.next();
    assert_eq!(reason(&status), "PodInitializing");
    let init = status.init_container_statuses.as_ref().unwrap();
    let reasons: Vec<_> = init.iter().map(state::waits_for).collect();
    assert_eq!(
        reasons,
        [None, Some("ErrImagePull"), Some("PodInitializing")]
    );
    let initialized = condition(&status, "Initialized").unwrap();
    assert_eq!(
        initialized.message.as_deref(),
        Some("containers with incomplete status: [bad last]")
    );
    assert_eq!(status.phase.as_deref(), Some("Pending"));
}

#[test]
fn a_crash_loop_slows_down() {
    let mut life = Life::new(testing::pod("a"), crashing());
    let mut seen = Vec::new();
    for _ in 0..8 {
        let status = life.next();
        let main = main(&status);
        assert_eq!(status.phase.as_deref(), Some("Running"));
        assert!(!main.ready);
        let state = match state::exit_code(main) {
            Some(code) => format!("exit {code}"),
            None => message(&status).split(' ').nth(1).unwrap().to_owned(),
        };
        seen.push((life.seconds(), main.restart_count, state));
    }
    let wanted = [
        (0, 0, "exit 1"),
        (0, 1, "exit 1"),
        (0, 1, "10s"),
        (10, 2, "exit 1"),
        (10, 2, "20s"),
        (30, 3, "exit 1"),
        (30, 3, "40s"),
        (70, 4, "exit 1"),
    ];
    let wanted = wanted.map(|(time, count, state)| (time, count, state.to_owned()));
    assert_eq!(seen, wanted);
    let status = life.next();
    assert_eq!(
        message(&status),
        "back-off 1m20s restarting failed container=main pod=a_ns(uid-a)"
    );
    let last = state::last_terminated(main(&status)).unwrap();
    assert_eq!((last.exit_code, last.reason.as_deref()), (1, Some("Error")));
}

#[test]
fn what_is_not_restarted_fails() {
    let pod = testing::pod("a").restart_policy("Never").spec(|spec| {
        let mut sidecar = testing::container("sidecar", "0");
        sidecar.restart_policy = Some("Always".to_owned());
        spec.init_containers = Some(vec![sidecar]);
    });
    let mut life = Life::new(pod, crashing());
    let status = life.next();
    assert_eq!(status.phase.as_deref(), Some("Failed"));
    assert_eq!(state::exit_code(main(&status)), Some(1));
    let sidecar = &status.init_container_statuses.as_ref().unwrap()[0];
    assert_eq!(state::exit_code(sidecar), Some(0));
    assert_eq!(life.step(), Step::Nothing);
}

#[test]
fn a_crash_loop_ends_when_nothing_makes_it_crash() {
    let mut life = Life::new(testing::pod("a"), crashing());
    for _ in 0..3 {
        life.next();
    }
    life.options = Options::default();
    let status = life.next();
    assert_eq!(main(&status).restart_count, 2);
    assert!(state::is_running(main(&status)) && main(&status).ready);
    assert_eq!(life.step(), Step::Nothing);
}

#[test]
fn of_what_never_ran_nothing_is_known() {
    let mut life = Life::new(testing::pod("a"), failing_image("*"));
    life.next();
    let deleted = PodBuilder::from(life.pod.clone()).deleted(30).build();
    life.pod = deleted;
    let Step::Finish(Some(status)) = life.step() else {
        panic!("it is not finished");
    };
    assert_eq!(status.phase.as_deref(), Some("Failed"));
    let ended = state::terminated(main(&status)).unwrap();
    assert_eq!(ended.reason.as_deref(), Some("ContainerStatusUnknown"));
}

#[test]
fn a_container_waits_for_what_its_environment_names() {
    let mut life = Life::new(testing::pod("a"), Options::default());
    let why = "secret \"s\" not found";
    life.lacks.containers = [("main".to_owned(), why.to_owned())].into();
    let status = life.next();
    assert_eq!(reason(&status), "CreateContainerConfigError");
    assert_eq!(message(&status), why);
    assert_eq!(status.phase.as_deref(), Some("Pending"));
    assert_eq!(life.step(), Step::Nothing);
    life.lacks = Lacks::default();
    assert!(state::is_running(main(&life.next())));
}

#[test]
fn a_pod_waits_for_its_volumes() {
    let mut life = Life::new(testing::pod("a"), Options::default());
    life.lacks.volumes = vec!["it is not there".to_owned()];
    assert_eq!(reason(&life.next()), "ContainerCreating");
    assert_eq!(life.step(), Step::Mount);
    life.lacks = Lacks::default();
    assert!(state::is_running(main(&life.next())));
}

//! What is done next, event by event.

use super::*;
use crate::sandbox::simulator::testing::{self, PodBuilder};

fn now() -> Timestamp {
    Timestamp::from_second(1_700_000_000).unwrap()
}

/// Two nodes, both known.
fn world() -> World {
    let mut world = World::new([Simulated(0), Simulated(1)], Options::default());
    for name in ["node-0", "node-1"] {
        world.node_event(Event::Apply(testing::node(name).build()));
    }
    world
}

impl World {
    fn see(&mut self, pod: PodBuilder) {
        self.pod_event(Event::Apply(pod.build()));
    }

    fn gone(&mut self, pod: PodBuilder) {
        self.pod_event(Event::Delete(pod.build()));
    }

    fn act(&mut self) -> Option<What> {
        self.next(now()).map(|action| action.what)
    }

    fn done_with(&mut self, name: &str, outcome: Outcome) {
        let key = Key {
            namespace: "ns".to_owned(),
            name: name.to_owned(),
        };
        self.done(&key, outcome);
    }
}

fn bind(node: &str) -> Option<What> {
    Some(What::Bind(node.to_owned()))
}

#[test]
fn pods_are_spread_even_before_the_watch_shows_them_bound() {
    let mut world = world();
    world.see(testing::pod("a"));
    world.see(testing::pod("b"));
    assert_eq!(world.act(), bind("node-0"));
    assert_eq!(world.act(), bind("node-1"));
    assert_eq!(world.act(), None);
}

#[test]
fn nothing_is_done_twice_while_the_watch_lags() {
    let mut world = world();
    world.see(testing::pod("a"));
    assert_eq!(world.act(), bind("node-0"));
    world.done_with("a", Outcome::Done);
    assert_eq!(world.act(), None);
    world.see(testing::pod("a").on("node-0"));
    assert!(matches!(world.act(), Some(What::Report(_))));
}

#[test]
fn a_change_during_an_action_is_looked_at_afterwards() {
    let mut world = world();
    world.see(testing::pod("a"));
    assert_eq!(world.act(), bind("node-0"));
    world.see(testing::pod("a").on("node-0"));
    assert_eq!(world.act(), None);
    world.done_with("a", Outcome::Done);
    assert!(matches!(world.act(), Some(What::Report(_))));
}

#[test]
fn a_failure_is_tried_again_and_a_refusal_is_not() {
    let mut world = world();
    world.see(testing::pod("a"));
    assert_eq!(world.act(), bind("node-0"));
    world.done_with("a", Outcome::Failed);
    assert_eq!(world.act(), bind("node-0"), "what was assumed is forgotten");
    world.done_with("a", Outcome::Refused);
    assert_eq!(world.act(), None);
    assert_eq!(
        world.usage["node-0"],
        Usage {
            pods: 0,
            ..world.usage["node-0"].clone()
        }
    );
}

#[test]
fn what_finds_no_room_gets_it_when_some_is_freed() {
    let mut world = world();
    let big = |name| testing::pod(name).cpu("3");
    world.see(big("a").on("node-0"));
    world.see(big("b").on("node-1"));
    world.see(big("c"));
    let mut reports = Vec::new();
    while let Some(action) = world.next(now()) {
        reports.push(action);
    }
    let Some(What::Report(status)) = reports
        .iter()
        .find(|action| action.key.name == "c")
        .map(|action| &action.what)
    else {
        panic!("{reports:?}");
    };
    let condition =
        crate::sandbox::simulator::conditions::condition(status, "PodScheduled").unwrap();
    assert_eq!(condition.reason.as_deref(), Some("Unschedulable"));
    world.see(big("c").status((**status).clone()));
    world.done_with("c", Outcome::Done);
    assert_eq!(world.act(), None, "the condition is there already");
    world.gone(big("b").on("node-1"));
    assert_eq!(world.act(), bind("node-1"));
}

#[test]
fn a_new_node_takes_what_waited() {
    let mut world = World::new([Simulated(0)], Options::default());
    world.see(testing::pod("a"));
    assert!(matches!(world.act(), Some(What::Report(_))));
    world.done_with("a", Outcome::Done);
    assert!(!world.is_ready());
    world.node_event(Event::Apply(testing::node("node-0").build()));
    assert!(world.is_ready());
    assert_eq!(world.act(), bind("node-0"));
}

#[test]
fn pods_that_completed_take_no_room() {
    let mut world = world();
    let done = PodStatus {
        phase: Some("Succeeded".to_owned()),
        ..PodStatus::default()
    };
    world.see(testing::pod("a").cpu("4").on("node-0").status(done));
    world.see(testing::pod("b").cpu("4"));
    assert_eq!(world.act(), bind("node-0"));
}

#[test]
fn every_pod_has_its_own_address_and_a_new_list_frees_those_gone() {
    let mut world = world();
    let address = |what: Option<What>| match what {
        Some(What::Report(status)) => status.pod_ip.unwrap(),
        other => panic!("{other:?}"),
    };
    world.see(testing::pod("a").on("node-1"));
    world.see(testing::pod("b").on("node-1"));
    assert_eq!(address(world.act()), "198.18.1.2");
    assert_eq!(address(world.act()), "198.18.1.3");
    world.pod_event(Event::Init);
    world.pod_event(Event::InitApply(testing::pod("b").on("node-1").build()));
    world.pod_event(Event::InitDone);
    assert_eq!(world.pods.len(), 1);
    assert_eq!(world.usage["node-1"].pods, 1);
    assert_eq!(world.simulated["node-1"].taken(), 1);
}

#[test]
fn pods_on_other_nodes_are_left_alone() {
    let mut world = world();
    world.see(testing::pod("a").on("elsewhere"));
    assert_eq!(world.act(), None);
}

#[test]
fn a_pod_whose_claim_is_missing_is_placed_when_it_is_there() {
    use k8s_openapi::api::core::v1::{
        PersistentVolumeClaimStatus, PersistentVolumeClaimVolumeSource, Volume,
    };
    let mut world = world();
    world.claim_event(Event::InitDone);
    world.see(testing::pod("a").spec(|spec| {
        spec.volumes = Some(vec![Volume {
            name: "v".to_owned(),
            persistent_volume_claim: Some(PersistentVolumeClaimVolumeSource {
                claim_name: "c".to_owned(),
                read_only: None,
            }),
            ..Volume::default()
        }]);
    }));
    let Some(What::Report(status)) = world.act() else {
        panic!("nothing is said of it");
    };
    let condition =
        crate::sandbox::simulator::conditions::condition(&status, "PodScheduled").unwrap();
    let why = "0/2 nodes are available: persistentvolumeclaim \"c\" not found.";
    assert_eq!(condition.message.as_deref(), Some(why));
    world.done_with("a", Outcome::Done);
    let mut claim = PersistentVolumeClaim::default();
    claim.metadata.name = Some("c".to_owned());
    claim.metadata.namespace = Some("ns".to_owned());
    claim.status = Some(PersistentVolumeClaimStatus {
        phase: Some("Bound".to_owned()),
        ..PersistentVolumeClaimStatus::default()
    });
    world.claim_event(Event::Apply(claim));
    assert_eq!(world.act(), bind("node-0"));
}

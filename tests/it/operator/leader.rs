//! Several operators, one lease.

use std::time::{Duration, Instant};

use rustix::process::Signal;
use serde_json::{Value, json};

use super::lab::{Lab, Operator, text, wait};
use crate::support::{Cluster, on_both};

on_both! {
    a_clean_stop_hands_over_and_a_killed_leader_is_replaced,
    a_leader_that_was_frozen_past_its_lease_never_writes_again,
}

fn spec() -> Value {
    json!({"replicas": 0, "image": "nginx", "ports": [{"port": 80}]})
}

fn candidate(lab: &Lab) -> Operator {
    let args = [
        "-n",
        &lab.namespace,
        "--leader-elect",
        "--lease-namespace",
        &lab.namespace,
    ];
    lab.operator_with(&args)
}

fn leads(operator: &Operator) -> bool {
    operator.metric("leader_election_master_status", &["name=\"app-lock\""]) == 1
}

fn holder(lab: &Lab) -> String {
    lab.get("lease", "app-lock")
        .map(|l| text(&l["spec"]["holderIdentity"]))
        .unwrap_or_default()
}

fn a_clean_stop_hands_over_and_a_killed_leader_is_replaced(cluster: &'static Cluster) {
    let lab = Lab::new(cluster, "handover");
    lab.bind(&lab.namespace, "appop-operator-lease");
    let mut first = candidate(&lab);
    wait("the first leads", || leads(&first).then_some(()));
    lab.app("one", spec());
    lab.ready("one");
    let mut second = candidate(&lab);
    second.wait_for("somebody else leads; waiting");
    wait("who waits is ready to take over", || {
        (second.get("/readyz").0 == 200).then_some(())
    });
    assert!(!leads(&second));
    assert_eq!(second.writes(), 0);

    assert_eq!(first.stop(), 0);
    first.wait_for("the lease is given back");
    let stopped = Instant::now();
    wait("the second leads", || leads(&second).then_some(()));
    assert!(
        stopped.elapsed() < Duration::from_secs(4),
        "{:?}",
        stopped.elapsed()
    );
    lab.app("two", spec());
    lab.ready("two");

    let third = candidate(&lab);
    third.wait_for("somebody else leads; waiting");
    let before = holder(&lab);
    second.kill();
    let killed = Instant::now();
    wait("the third leads", || leads(&third).then_some(()));
    assert!(
        killed.elapsed() < Duration::from_secs(20),
        "{:?}",
        killed.elapsed()
    );
    assert_ne!(holder(&lab), before);
    lab.app("three", spec());
    lab.ready("three");
    let transitions = &lab.must_get("lease", "app-lock")["spec"]["leaseTransitions"];
    assert_eq!(*transitions, 2);
}

/// The hard case: a leader that is frozen in the middle of work, with more in its queue and changes
/// waiting on its watches. When it wakes, its lease is over, whether or not somebody has taken it.
fn a_leader_that_was_frozen_past_its_lease_never_writes_again(cluster: &'static Cluster) {
    let lab = Lab::new(cluster, "frozen");
    lab.bind(&lab.namespace, "appop-operator-lease");
    let mut first = candidate(&lab);
    wait("the first leads", || leads(&first).then_some(()));
    let second = candidate(&lab);
    second.wait_for("somebody else leads; waiting");
    for n in 0..60 {
        lab.app(&format!("app{n}"), spec());
    }
    first.signal(Signal::STOP);
    wait("the second leads", || leads(&second).then_some(()));
    // Now it sleeps as well: whatever is written from here on, the first has written.
    second.signal(Signal::STOP);
    // What the kernel had taken from either before is answered by now.
    let state = || {
        let list = |kind: &str| {
            let list = lab.admin.get(&lab.path(kind, "")).unwrap();
            let items = list["items"].as_array().unwrap().clone();
            let of = |o: &Value| {
                (
                    text(&o["metadata"]["name"]),
                    text(&o["metadata"]["resourceVersion"]),
                )
            };
            items.iter().map(of).collect::<Vec<_>>()
        };
        (list("app"), list("deployment"), list("service"))
    };
    let settled = || {
        let before = state();
        std::thread::sleep(Duration::from_millis(500));
        (before == state()).then_some(before)
    };
    wait("nothing moves", settled);
    // Work for the first: a deleted child, and Apps that wish something else.
    lab.delete("deployment", "app0");
    lab.change("app1", json!({"image": "other"}));
    let before = wait("nothing moves", settled);
    first.signal(Signal::CONT);
    assert_eq!(first.ended(), 1, "{:#?}", first.log());
    assert_eq!(state(), before);
    wait("it says why it ended", || {
        let log = first.log();
        let last = log.last()?["plain"].as_str()?.to_owned();
        last.contains("the lease app-lock is lost").then_some(())
    });
    second.signal(Signal::CONT);
}

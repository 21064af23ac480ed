//! Crashes: of the operator, and of the API server.

use std::time::{Duration, Instant};

use rustix::process::Signal;
use serde_json::{Value, json};

use super::away::{Kept, Second, Server};
use super::lab::{Lab, Operator, wait};
use crate::support::{self, Cluster, on_both};

on_both! {
    after_a_kill_in_the_middle_only_what_is_missing_is_written,
}

mod kept {
    #[test]
    fn an_api_server_that_is_gone_for_a_while_is_caught_up_with() {
        super::an_api_server_that_is_gone_for_a_while_is_caught_up_with(super::Kept::start());
    }
}

mod second {
    #[test]
    fn an_api_server_that_is_gone_for_a_while_is_caught_up_with() {
        if let Some(real) = super::support::real() {
            let server = super::Second::start(real);
            super::an_api_server_that_is_gone_for_a_while_is_caught_up_with(server);
        }
    }
}

fn spec() -> Value {
    json!({"replicas": 0, "image": "nginx", "ports": [{"port": 80}]})
}

fn count(lab: &Lab, kind: &str) -> usize {
    lab.admin.get(&lab.path(kind, "")).unwrap()["items"]
        .as_array()
        .unwrap()
        .len()
}

fn after_a_kill_in_the_middle_only_what_is_missing_is_written(cluster: &'static Cluster) {
    let lab = Lab::new(cluster, "killed");
    const APPS: usize = 200;
    for n in 0..APPS {
        lab.app(&format!("app{n}"), spec());
    }
    let mut first = lab.operator();
    wait("it is in the middle", || {
        (count(&lab, "service") > APPS / 4).then_some(())
    });
    first.kill();
    // What was on its way when it died has arrived when two looks agree.
    let children = || count(&lab, "deployment") + count(&lab, "service");
    let there = wait("nothing arrives any more", || {
        let before = children();
        std::thread::sleep(Duration::from_millis(300));
        (children() == before).then_some(before)
    });
    assert!(there < 2 * APPS, "it was too fast for this scenario");

    let second = lab.operator();
    second.wait_for("caught up");
    assert_eq!(
        (count(&lab, "deployment"), count(&lab, "service")),
        (APPS, APPS)
    );
    let applied = second.metric("appop_applies_total", &[]);
    assert_eq!(
        applied as usize,
        2 * APPS - there,
        "each once, and none again"
    );
    for n in 0..APPS {
        lab.ready(&format!("app{n}"));
    }
    drop(second);

    // A restart over what is settled writes nothing.
    let third = lab.operator();
    third.wait_for("caught up");
    assert_eq!(third.writes(), 0, "{:#?}", third.log());
    assert_eq!(third.metric("appop_noops_total", &[]) as usize, 2 * APPS);
}

fn an_api_server_that_is_gone_for_a_while_is_caught_up_with(mut server: impl Server) {
    let lab = Lab::new(server.cluster(), "outage");
    let url = server.url();
    let mut operator = lab.operator_with(&["-n", &lab.namespace, "--server", &url]);
    for n in 0..10 {
        lab.app(&format!("app{n}"), spec());
    }
    for n in 0..10 {
        lab.ready(&format!("app{n}"));
    }
    let before = operator.metric("appop_applies_total", &[]);
    assert_eq!(before, 20);

    server.kill();
    let gone = Instant::now();
    // The world goes on, by way of the other API server.
    lab.delete("deployment", "app0");
    lab.change("app1", json!({"image": "other"}));
    lab.app("new", spec());
    lab.delete("app", "app2");
    lab.merge(
        "service",
        "app3",
        json!({"spec": {"selector": {"app": "other"}}}),
    );
    lab.merge(
        "deployment",
        "app4",
        json!({"metadata": {"labels": {"not": "ours"}}}),
    );
    wait("it notices", || {
        operator.says("the watch broke; trying again").then_some(())
    });
    while gone.elapsed() < Duration::from_secs(30) {
        assert_eq!(operator.get("/healthz").0, 200);
        std::thread::sleep(Duration::from_secs(1));
    }
    server.again();
    let back = Instant::now();

    lab.ready("new");
    lab.ready("app1");
    let is = |kind: &str, name: &str, pointer: &str, wanted: &str| {
        let object = lab.get(kind, name)?;
        (object.pointer(pointer)?.as_str() == Some(wanted)).then_some(())
    };
    let image = "/spec/template/spec/containers/0/image";
    wait("the change is followed", || {
        is("deployment", "app1", image, "other")
    });
    wait("the deleted one is back", || {
        is("deployment", "app0", image, "nginx")
    });
    wait("the drift is put right", || {
        let service = lab.get("service", "app3")?;
        (service["spec"]["selector"] == json!({"app.example.com/v1": "app3"})).then_some(())
    });
    assert!(
        back.elapsed() < Duration::from_secs(15),
        "{:?}",
        back.elapsed()
    );
    wait("the App is gone", || {
        (operator.metric("appop_apps", &[]) == 10).then_some(())
    });
    // Deleted, changed, drifted: one each; the new App has two children.
    let applied = operator.metric("appop_applies_total", &[]) - before;
    assert_eq!(applied, 5, "{:#?}", operator.log());
    assert!(expired(&operator) > 0, "{:#?}", operator.log());

    // The same while the operator sleeps: it wakes with watches that nobody serves any more, of
    // versions that nobody remembers.
    let (seen, before) = (
        expired(&operator),
        operator.metric("appop_applies_total", &[]),
    );
    operator.signal(Signal::STOP);
    server.kill();
    lab.delete("deployment", "app5");
    lab.change("app6", json!({"image": "other"}));
    lab.delete("app", "app7");
    lab.app("app7", spec());
    server.again();
    operator.signal(Signal::CONT);
    wait("the deleted one is back", || {
        is("deployment", "app5", image, "nginx")
    });
    wait("the change is followed", || {
        is("deployment", "app6", image, "other")
    });
    // Another App of the same name: the children of the first go, and its own come.
    let app = lab.ready("app7");
    for kind in ["deployment", "service"] {
        let owner = &lab.must_get(kind, "app7")["metadata"]["ownerReferences"][0];
        assert_eq!(owner["uid"], app["metadata"]["uid"]);
    }
    assert!(expired(&operator) > seen, "{:#?}", operator.log());
    let applied = operator.metric("appop_applies_total", &[]) - before;
    assert_eq!(applied, 4, "{:#?}", operator.log());
    assert_eq!(operator.stop(), 0);
}

/// How many watches the server has ended because it has forgotten where they were (410).
fn expired(operator: &Operator) -> usize {
    let is_expired = |line: &&Value| {
        let problem = line["problem"].as_str().unwrap_or_default();
        problem.contains("too old resource version")
    };
    operator.log().iter().filter(is_expired).count()
}

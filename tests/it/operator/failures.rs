//! What the server refuses, and what it does not let us do.

use serde_json::{Value, json};

use super::lab::{Lab, condition, path, wait};
use crate::support::{Cluster, on_both};

on_both! {
    a_spec_that_is_refused_waits_for_its_repair_and_holds_up_nobody,
    a_namespace_that_is_closed_to_us_does_not_close_the_others,
    a_missing_right_to_write_events_is_said_once,
    probes_and_metrics_are_served_and_idleness_costs_nothing,
    what_is_forbidden_is_said_and_tried_again,
}

fn spec() -> Value {
    json!({"replicas": 1, "image": "nginx", "ports": [{"port": 80}]})
}

fn a_spec_that_is_refused_waits_for_its_repair_and_holds_up_nobody(cluster: &'static Cluster) {
    let lab = Lab::new(cluster, "refused");
    let operator = lab.operator();
    let mut bad = spec();
    bad["podOverrides"] = json!({"spec": {"restartPolicy": "Sometimes"}});
    lab.app("bad", bad);
    let mut typo = spec();
    typo["podOverrides"] = json!({"spec": {"hostNetwrk": true}});
    lab.app("typo", typo);
    for n in 0..5 {
        lab.app(&format!("good{n}"), spec());
    }
    let message = lab.holds("bad", "Stalled", "Refused");
    assert!(
        message.contains("Unsupported value: \"Sometimes\""),
        "{message}"
    );
    let message = lab.holds("typo", "Stalled", "Refused");
    assert!(message.contains("hostNetwrk"), "{message}");
    for n in 0..5 {
        lab.ready(&format!("good{n}"));
    }
    // Looked at for another reason, it is not sent again.
    let refused = operator.metric(
        "appop_api_requests_total",
        &["verb=\"apply\"", "code=\"422\""],
    );
    let looks = operator.metric("controller_runtime_reconcile_total", &[]);
    lab.merge(
        "app",
        "bad",
        json!({"metadata": {"labels": {"look": "again"}}}),
    );
    wait("it is looked at again", || {
        (operator.metric("controller_runtime_reconcile_total", &[]) > looks).then_some(())
    });
    let now = operator.metric(
        "appop_api_requests_total",
        &["verb=\"apply\"", "code=\"422\""],
    );
    assert_eq!((refused, now), (1, 1));
    lab.change("bad", json!({"podOverrides": null}));
    lab.change(
        "typo",
        json!({"podOverrides": {"spec": {"hostNetwrk": null, "hostNetwork": true}}}),
    );
    lab.ready("bad");
    lab.ready("typo");
    let template = &lab.must_get("deployment", "typo")["spec"]["template"]["spec"];
    assert_eq!(template["hostNetwork"], true);
}

fn a_namespace_that_is_closed_to_us_does_not_close_the_others(cluster: &'static Cluster) {
    let lab = Lab::new(cluster, "open");
    let closed = "op-closed";
    lab.make_namespace(closed);
    let app = json!({
        "apiVersion": "app.example.com/v1", "kind": "App",
        "metadata": {"name": "web"}, "spec": spec(),
    });
    lab.admin.create(&path("app", closed, ""), &app);
    let operator = lab.operator_with(&["-n", &lab.namespace, "-n", closed]);
    lab.app("web", spec());
    lab.ready("web");
    assert_eq!(operator.get("/readyz").0, 200);
    let log = operator.log();
    let complaint = log
        .iter()
        .find(|line| line["kind"] == "apps" && line["level"] == "WARN");
    let complaint = complaint.unwrap();
    assert_eq!(complaint["place"], "in namespace op-closed");
    assert!(
        complaint["problem"]
            .as_str()
            .unwrap()
            .contains("is forbidden"),
        "{complaint}"
    );
    assert!(lab.admin.get(&path("deployment", closed, "web")).is_none());
    // Once it is opened, its Apps come up without a restart.
    lab.bind(closed, "appop-operator");
    wait("it is ready", || {
        let app = lab.admin.get(&path("app", closed, "web"))?;
        (condition(&app, "Ready").0 == "True").then_some(())
    });
    operator.wait_for("the watch goes on");
}

fn what_is_forbidden_is_said_and_tried_again(cluster: &'static Cluster) {
    let lab = Lab::new(cluster, "quota");
    let operator = lab.operator();
    let quotas = format!("/api/v1/namespaces/{}/resourcequotas", lab.namespace);
    let quota = json!({"metadata": {"name": "none"}, "spec": {"hard": {"services": "0"}}});
    lab.admin.create(&quotas, &quota);
    wait("the quota counts", || {
        let quota = lab.admin.get(&format!("{quotas}/none"))?;
        quota["status"]["hard"]["services"].as_str().map(|_| ())
    });
    lab.app("web", spec());
    let message = lab.holds("web", "Reconciling", "Forbidden");
    assert!(message.contains("exceeded quota"), "{message}");
    // The status is written before the attempt is counted.
    wait("the failure is counted", || {
        (operator.metric("controller_runtime_reconcile_errors_total", &[]) > 0).then_some(())
    });
    lab.admin.delete(&format!("{quotas}/none"));
    lab.ready("web");
}

fn a_missing_right_to_write_events_is_said_once(cluster: &'static Cluster) {
    let lab = Lab::new(cluster, "mute");
    let bindings = format!(
        "/apis/rbac.authorization.k8s.io/v1/namespaces/{}/rolebindings/appop-operator",
        lab.namespace
    );
    let mut rules = json!(appop::operator::rules());
    let rules = rules.as_array_mut().unwrap();
    rules.retain(|rule| rule["resources"] != json!(["events"]));
    let role = json!({
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRole",
        "metadata": {"name": "appop-operator-mute"},
        "rules": rules,
    });
    let roles = "/apis/rbac.authorization.k8s.io/v1/clusterroles";
    lab.admin.create(roles, &role);
    lab.admin.delete(&bindings);
    lab.bind(&lab.namespace, "appop-operator-mute");
    let operator = lab.operator();
    for name in ["a", "b"] {
        lab.app(name, spec());
        lab.ready(name);
    }
    operator.wait_for("an Event was not written");
    let failed = || {
        let with = ["resource=\"events\"", "code=\"403\""];
        (operator.metric("appop_api_requests_total", &with) > 1).then_some(())
    };
    wait("both Events are refused", failed);
    let said = operator.log();
    let said = said
        .iter()
        .filter(|line| line["message"] == "an Event was not written");
    assert_eq!(said.count(), 1, "{:#?}", operator.log());
}

fn probes_and_metrics_are_served_and_idleness_costs_nothing(cluster: &'static Cluster) {
    let lab = Lab::new(cluster, "idle");
    let mut operator = lab.operator();
    lab.app("web", spec());
    lab.ready("web");
    assert_eq!(operator.get("/healthz"), (200, "ok\n".to_owned()));
    assert_eq!(operator.get("/readyz"), (200, "ok\n".to_owned()));
    assert_eq!(operator.get("/nothing").0, 404);
    let (_, text) = operator.get("/metrics");
    for name in [
        "controller_runtime_reconcile_total{",
        "controller_runtime_reconcile_time_seconds_bucket{",
        "workqueue_depth{",
        "rest_client_requests_total{",
        "process_resident_memory_bytes ",
    ] {
        assert!(text.contains(name), "{name} is not in {text}");
    }
    assert!(text.ends_with("# EOF\n"));
    let requests = || operator.metric("appop_api_requests_total", &[]);
    // The last Event may still be on its way.
    wait("the Event is written", || {
        (lab.events("web").len() == 1).then_some(())
    });
    let before = requests();
    std::thread::sleep(std::time::Duration::from_secs(4));
    assert_eq!(requests(), before);
    assert_eq!(operator.stop(), 0);
    operator.wait_for("stopped");
}

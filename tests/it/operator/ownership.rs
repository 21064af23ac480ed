//! Objects that have the name of a child and are not one.

use serde_json::{Value, json};

use super::lab::{Lab, wait};
use crate::support::{Cluster, on_both};

on_both! {
    what_is_somebody_elses_is_never_touched,
    a_deployment_of_another_controller_is_never_touched,
    an_orphan_is_adopted_with_its_pods,
}

fn spec() -> Value {
    json!({"replicas": 1, "image": "nginx", "ports": [{"port": 80}]})
}

fn service(labels: Value) -> Value {
    json!({"metadata": {"name": "web", "labels": labels}, "spec": {"ports": [{"port": 99}]}})
}

fn deployment(labels: Value) -> Value {
    let pod = json!({"mine": "yes"});
    let containers = json!([{"name": "web", "image": "theirs"}]);
    json!({
        "metadata": {"name": "web", "labels": labels},
        "spec": {
            "replicas": 0,
            "selector": {"matchLabels": pod},
            "template": {"metadata": {"labels": pod}, "spec": {"containers": containers}},
        },
    })
}

fn what_is_somebody_elses_is_never_touched(cluster: &'static Cluster) {
    let lab = Lab::new(cluster, "foreign");
    let operator = lab.operator();
    // Out of sight of our watches: it does not bear our label.
    let theirs = lab
        .admin
        .create(&lab.path("service", ""), &service(json!({})));
    lab.app("web", spec());
    let message = lab.holds("web", "Stalled", "NotOwned");
    assert!(
        message.contains("Service \"web\" exists already"),
        "{message}"
    );
    let version = |object: &Value| object["metadata"]["resourceVersion"].clone();
    assert_eq!(version(&lab.must_get("service", "web")), version(&theirs));
    // The Deployment's name was free.
    assert!(lab.get("deployment", "web").is_some());
    // More looks, no more Events, no write.
    for round in 0..3 {
        let looks = operator.metric("controller_runtime_reconcile_total", &[]);
        lab.merge(
            "app",
            "web",
            json!({"metadata": {"labels": {"round": round.to_string()}}}),
        );
        wait("it is looked at again", || {
            (operator.metric("controller_runtime_reconcile_total", &[]) > looks).then_some(())
        });
    }
    assert_eq!(version(&lab.must_get("service", "web")), version(&theirs));
    let told = lab
        .events("web")
        .iter()
        .filter(|(reason, _)| reason == "NotOwned")
        .count();
    assert_eq!(told, 1);
    // When it is gone, the App comes up.
    lab.delete("service", "web");
    lab.merge(
        "app",
        "web",
        json!({"metadata": {"labels": {"round": "last"}}}),
    );
    lab.ready("web");
    assert_eq!(
        lab.must_get("service", "web")["spec"]["ports"][0]["port"],
        80
    );
}

fn a_deployment_of_another_controller_is_never_touched(cluster: &'static Cluster) {
    let lab = Lab::new(cluster, "foreign2");
    let _operator = lab.operator();
    let owner = lab.admin.create(
        &format!("/api/v1/namespaces/{}/configmaps", lab.namespace),
        &json!({"metadata": {"name": "boss"}}),
    );
    // It bears our label, and belongs to somebody.
    let mut theirs = deployment(json!({"app.example.com/v1": "web"}));
    theirs["metadata"]["ownerReferences"] = json!([{
        "apiVersion": "v1", "kind": "ConfigMap", "name": "boss", "controller": true,
        "uid": owner["metadata"]["uid"],
    }]);
    lab.admin.create(&lab.path("deployment", ""), &theirs);
    lab.app("web", spec());
    let message = lab.holds("web", "Stalled", "NotOwned");
    assert!(
        message.contains("belongs to ConfigMap \"boss\""),
        "{message}"
    );
    let deployment = lab.must_get("deployment", "web");
    assert_eq!(
        deployment["spec"]["template"]["spec"]["containers"][0]["image"],
        "theirs"
    );
    assert_eq!(
        deployment["metadata"]["managedFields"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|entry| entry["manager"] == "appop")
            .count(),
        0
    );
    // The watch sees it go.
    lab.delete("deployment", "web");
    lab.ready("web");
}

fn an_orphan_is_adopted_with_its_pods(cluster: &'static Cluster) {
    let lab = Lab::new(cluster, "orphan");
    let _operator = lab.operator();
    lab.app("web", spec());
    lab.ready("web");
    let uid = |kind: &str| lab.must_get(kind, "web")["metadata"]["uid"].clone();
    let before = (uid("deployment"), uid("service"), uid("app"));
    lab.delete("app", "web?propagationPolicy=Orphan");
    wait("the App is gone", || {
        lab.get("app", "web").is_none().then_some(())
    });
    wait("the children are orphans", || {
        let owners =
            |kind: &str| Some(lab.get(kind, "web")?["metadata"]["ownerReferences"].is_null());
        (owners("deployment")? && owners("service")?).then_some(())
    });
    let mut changed = spec();
    changed["replicas"] = json!(2);
    let app = lab.app("web", changed);
    assert_eq!(lab.ready("web")["status"]["ready"], "2/2");
    assert_eq!((uid("deployment"), uid("service")), (before.0, before.1));
    for kind in ["deployment", "service"] {
        let owner = &lab.must_get(kind, "web")["metadata"]["ownerReferences"][0];
        assert_eq!(owner["uid"], app["metadata"]["uid"]);
    }
}

//! Apps come up, follow their spec, and go.

use serde_json::{Value, json};

use super::lab::{Lab, condition, text, wait};
use crate::support::{Cluster, on_both};

on_both! {
    an_app_comes_up_follows_its_spec_and_goes,
    a_paused_app_is_left_as_it_is,
    the_status_says_in_words_why_pods_are_not_ready,
    a_namespace_that_goes_is_left_in_peace,
}

/// As its first users wrote it.
fn example() -> Value {
    json!({
        "replicas": 2,
        "image": "nginx",
        "ports": [{"port": 8080, "targetPort": 80}],
        "envs": [{"name": "DEMO", "value": "app"}],
        "resources": {
            "limits": {"cpu": "100m", "memory": "100M"},
            "requests": {"cpu": "100m", "memory": "100M"},
        },
    })
}

fn an_app_comes_up_follows_its_spec_and_goes(cluster: &'static Cluster) {
    let lab = Lab::new(cluster, "lifecycle");
    let mut operator = lab.operator();
    lab.app("web", example());
    let app = lab.ready("web");
    assert_eq!(app["status"]["ready"], "2/2");
    assert_eq!(app["status"]["replicas"], app["status"]["readyReplicas"]);
    let uid = app["metadata"]["uid"].clone();
    for kind in ["deployment", "service"] {
        let child = lab.must_get(kind, "web");
        let owner = &child["metadata"]["ownerReferences"][0];
        assert_eq!((&owner["uid"], &owner["controller"]), (&uid, &json!(true)));
        assert_eq!(child["metadata"]["labels"]["app.example.com/v1"], "web");
    }
    let service = lab.must_get("service", "web");
    assert_eq!(service["spec"]["ports"][0]["port"], 8080);
    assert_eq!(service["spec"]["ports"][0]["targetPort"], 80);

    // Scaled as people do it, by the scale subresource.
    lab.merge("app", "web/scale", json!({"spec": {"replicas": 3}}));
    assert_eq!(lab.ready("web")["status"]["readyReplicas"], 3);

    // A new image is rolled out: all pods are new ones.
    let before = pods(&lab, "web");
    lab.change("web", json!({"image": "nginx:1.29"}));
    lab.ready("web");
    let after = pods(&lab, "web");
    assert_eq!(after.len(), 3, "{after:?}");
    assert!(
        before.iter().all(|pod| !after.contains(pod)),
        "{before:?} {after:?}"
    );

    // Ports come and go; the Service keeps its address for as long as it lives.
    let ports = json!([
        {"name": "http", "port": 80, "targetPort": "web"},
        {"name": "dns", "port": 53, "protocol": "UDP"},
    ]);
    lab.change("web", json!({ "ports": ports }));
    let address = service["spec"]["clusterIP"].clone();
    let service = wait("the ports are there", || {
        let service = lab.get("service", "web")?;
        (service["spec"]["ports"].as_array()?.len() == 2).then_some(service)
    });
    assert_eq!(service["spec"]["clusterIP"], address);
    let ports = &service["spec"]["ports"];
    assert_eq!(
        (&ports[0]["targetPort"], &ports[1]["protocol"]),
        (&json!("web"), &json!("UDP"))
    );
    let container = &lab.must_get("deployment", "web")["spec"]["template"]["spec"]["containers"][0];
    let declared = json!([
        {"name": "web", "containerPort": 80, "protocol": "TCP"},
        {"name": "dns", "containerPort": 53, "protocol": "UDP"},
    ]);
    let sorted = |list: &Value| {
        let mut items: Vec<String> = list.as_array().unwrap().iter().map(sorted_text).collect();
        items.sort();
        items
    };
    assert_eq!(sorted(&container["ports"]), sorted(&declared));
    lab.change("web", json!({ "ports": [] }));
    wait("the Service is gone", || {
        lab.get("service", "web").is_none().then_some(())
    });
    lab.change("web", json!({ "ports": [{"port": 81}] }));
    wait("there is a new one", || lab.get("service", "web"));

    // The order of variables has a meaning.
    let envs = json!([
        {"name": "B", "value": "1"}, {"name": "A", "value": "$(B)2"}, {"name": "DEMO", "value": "app"},
    ]);
    lab.change("web", json!({ "envs": envs }));
    wait("the variables are in order", || {
        let deployment = lab.get("deployment", "web")?;
        let env = &deployment["spec"]["template"]["spec"]["containers"][0]["env"];
        (*env == envs).then_some(())
    });
    lab.ready("web");

    lab.delete("app", "web");
    for kind in ["deployment", "service"] {
        wait("the children are collected", || {
            lab.get(kind, "web").is_none().then_some(())
        });
    }
    wait("and their pods", || {
        pods(&lab, "web").is_empty().then_some(())
    });
    let log = operator.log();
    assert!(log.iter().all(|line| line["level"] == "INFO"), "{log:#?}");
    assert_eq!(operator.stop(), 0);
}

fn sorted_text(value: &Value) -> String {
    let mut fields: Vec<String> = value
        .as_object()
        .unwrap()
        .iter()
        .map(|(key, value)| format!("{key}={value}"))
        .collect();
    fields.sort();
    fields.join(",")
}

/// The names of an App's pods that are not on their way out.
fn pods(lab: &Lab, app: &str) -> Vec<String> {
    let path = format!(
        "{}?labelSelector=app.example.com/v1%3D{app}",
        lab.path("pod", "")
    );
    let list = lab.admin.get(&path).unwrap();
    let there = |pod: &&Value| pod["metadata"]["deletionTimestamp"].is_null();
    let items = list["items"].as_array().unwrap();
    items
        .iter()
        .filter(there)
        .map(|pod| text(&pod["metadata"]["name"]))
        .collect()
}

fn a_paused_app_is_left_as_it_is(cluster: &'static Cluster) {
    let lab = Lab::new(cluster, "paused");
    let operator = lab.operator();
    lab.app("web", example());
    lab.ready("web");
    lab.change("web", json!({"paused": true, "replicas": 5}));
    let message = wait("it says so", || {
        let (_, reason, message) = condition(&lab.get("app", "web")?, "Ready");
        (reason == "Paused").then_some(message)
    });
    assert!(message.contains("nothing is written"), "{message}");
    lab.merge("deployment", "web", json!({"spec": {"replicas": 1}}));
    wait("the status follows", || {
        (lab.get("app", "web")?["status"]["readyReplicas"] == 1).then_some(())
    });
    assert_eq!(
        operator.metric("appop_applies_total", &[]),
        2,
        "the two creations alone"
    );
    lab.change("web", json!({"paused": null}));
    assert_eq!(lab.ready("web")["status"]["readyReplicas"], 5);
    let reasons: Vec<String> = lab
        .events("web")
        .into_iter()
        .map(|(reason, _)| reason)
        .collect();
    for reason in ["AllReplicasReady", "Paused"] {
        assert!(reasons.iter().any(|r| r == reason), "{reasons:?}");
    }
}

fn the_status_says_in_words_why_pods_are_not_ready(cluster: &'static Cluster) {
    let lab = Lab::new(cluster, "reasons");
    let _operator = lab.operator();
    let mut spec = example();
    spec["resources"] = json!({"requests": {"cpu": "4k"}});
    lab.app("huge", spec);
    let message = lab.holds("huge", "Reconciling", "Unschedulable");
    assert!(message.contains("0 of 2 replicas are ready"), "{message}");
    assert!(message.contains("no node takes the pod"), "{message}");
    assert!(message.contains("Insufficient cpu"), "{message}");
    // What is mended is ready, and says so.
    lab.change("huge", json!({"resources": null}));
    lab.ready("huge");
    let reasons: Vec<String> = lab
        .events("huge")
        .into_iter()
        .map(|(reason, _)| reason)
        .collect();
    // Once for each time that it became so: the pods of the old template still were when the new
    // one came.
    let told = reasons.iter().filter(|r| *r == "Unschedulable").count();
    assert!((1..=2).contains(&told), "{reasons:?}");
}

fn a_namespace_that_goes_is_left_in_peace(cluster: &'static Cluster) {
    let lab = Lab::new(cluster, "leaving");
    // A binding inside the namespace would go with it, and nothing would be learnt.
    lab.bind_everywhere();
    let mut operator = lab.operator();
    for n in 0..5 {
        lab.app(&format!("web{n}"), example());
    }
    for n in 0..5 {
        lab.ready(&format!("web{n}"));
    }
    lab.admin
        .delete(&format!("/api/v1/namespaces/{}", lab.namespace));
    let namespace = format!("/api/v1/namespaces/{}", lab.namespace);
    wait("the namespace is gone", || {
        lab.admin.get(&namespace).is_none().then_some(())
    });
    wait("so are its Apps", || {
        (operator.metric("appop_apps", &[]) == 0).then_some(())
    });
    let errors = operator.metric("controller_runtime_reconcile_errors_total", &[]);
    assert_eq!(errors, 0, "{:#?}", operator.log());
    assert_eq!(operator.stop(), 0);
}

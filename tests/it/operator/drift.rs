//! What somebody else changes: put right where it is ours, left alone where it is theirs.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use http::Method;
use serde_json::{Value, json};

use super::lab::{Lab, wait};
use crate::support::{Cluster, on_both};

on_both! {
    every_managed_field_comes_back,
    a_deleted_child_comes_back,
    what_others_have_added_stays,
    a_quarrel_slows_down_delays_nobody_and_ends_well;
    // Autoscalers are objects only in the sandbox.
    only real: an_autoscaler_owns_the_replicas_for_as_long_as_it_is_there,
}

fn spec() -> Value {
    json!({
        "replicas": 1,
        "image": "nginx",
        "imagePullPolicy": "IfNotPresent",
        "command": ["nginx"],
        "args": ["-g", "daemon off;"],
        "ports": [{"name": "http", "port": 8080, "targetPort": 80}],
        "envs": [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}],
        "resources": {"limits": {"cpu": "0.2", "memory": "100M"}},
        "readinessProbe": {"httpGet": {"path": "/", "port": 80}, "periodSeconds": 7},
        "livenessProbe": {"tcpSocket": {"port": 80}},
        "startupProbe": {"exec": {"command": ["true"]}},
        "envFrom": [{"configMapRef": {"name": "settings", "optional": true}}],
        "serviceAccountName": "web",
        "imagePullSecrets": [{"name": "registry"}],
        "podOverrides": {
            "metadata": {"annotations": {"note": "ours"}},
            "spec": {"terminationGracePeriodSeconds": 7},
        },
    })
}

/// What of a child must come back to what it was: all that people write.
fn essence(child: &Value) -> Value {
    let mut spec = child["spec"].clone();
    // The server's own.
    for field in ["clusterIP", "clusterIPs"] {
        spec[field].take();
    }
    let metadata = &child["metadata"];
    let owners = metadata["ownerReferences"].clone();
    json!({"spec": spec, "labels": metadata["labels"], "owners": owners})
}

/// Somebody else's change: JSON patch operations on a child.
struct Meddling(&'static str, Value);

fn container(field: &str) -> String {
    format!("/spec/template/spec/containers/0/{field}")
}

fn replace(path: &str, value: Value) -> Value {
    json!({"op": "replace", "path": path, "value": value})
}

fn remove(path: &str) -> Value {
    json!({"op": "remove", "path": path})
}

fn every_managed_field_comes_back(cluster: &'static Cluster) {
    let lab = Lab::new(cluster, "drift");
    let operator = lab.operator();
    lab.app("web", spec());
    lab.ready("web");
    let label = "/metadata/labels/app.example.com~1v1";
    let managed = "/metadata/labels/app.kubernetes.io~1managed-by";
    let all = [
        Meddling("deployment", replace("/spec/replicas", json!(4))),
        Meddling("deployment", replace(&container("image"), json!("evil"))),
        Meddling(
            "deployment",
            replace(&container("imagePullPolicy"), json!("Never")),
        ),
        Meddling("deployment", replace(&container("command"), json!(["sh"]))),
        Meddling("deployment", remove(&container("args"))),
        Meddling("deployment", replace(&container("env/0/value"), json!("9"))),
        Meddling("deployment", remove(&container("env/1"))),
        Meddling(
            "deployment",
            replace(&container("resources/limits/cpu"), json!("2")),
        ),
        Meddling(
            "deployment",
            replace(&container("ports/0/containerPort"), json!(81)),
        ),
        Meddling("deployment", remove(&container("readinessProbe"))),
        Meddling("deployment", remove(&container("livenessProbe"))),
        Meddling(
            "deployment",
            replace(&container("startupProbe/exec/command"), json!(["false"])),
        ),
        Meddling("deployment", remove(&container("envFrom"))),
        Meddling(
            "deployment",
            replace("/spec/template/spec/serviceAccountName", json!("root")),
        ),
        Meddling("deployment", remove("/spec/template/spec/imagePullSecrets")),
        Meddling(
            "deployment",
            replace("/spec/template/metadata/annotations/note", json!("mine")),
        ),
        Meddling(
            "deployment",
            replace(
                "/spec/template/spec/terminationGracePeriodSeconds",
                json!(9),
            ),
        ),
        Meddling(
            "deployment",
            remove("/spec/template/metadata/labels/app.kubernetes.io~1name"),
        ),
        Meddling("deployment", remove(managed)),
        Meddling("deployment", replace(managed, json!("me"))),
        Meddling("deployment", remove("/metadata/ownerReferences")),
        Meddling("service", replace("/spec/ports/0/port", json!(8081))),
        Meddling(
            "service",
            replace("/spec/ports/0/targetPort", json!("https")),
        ),
        Meddling("service", replace("/spec/ports/0/name", json!("other"))),
        Meddling(
            "service",
            replace("/spec/selector", json!({"app": "other"})),
        ),
        Meddling("service", replace(label, json!("other"))),
        // Out of sight of our watches.
        Meddling("service", remove(label)),
    ];
    let wished = ["deployment", "service"].map(|kind| essence(&lab.must_get(kind, "web")));
    for Meddling(kind, operation) in &all {
        let before = &wished[usize::from(*kind == "service")];
        let path = format!("{}?fieldManager=somebody", lab.path(kind, "web"));
        let body = json!([operation]);
        let kind_of = "application/json-patch+json";
        lab.admin
            .send(Method::PATCH, &path, kind_of, &body)
            .unwrap();
        wait(&format!("{operation} is put right"), || {
            (essence(&lab.get(kind, "web")?) == *before).then_some(())
        });
    }
    let applies = operator.metric("appop_applies_total", &[]);
    assert_eq!(applies, 2 + all.len() as u64, "one write for each");
    let corrections = operator
        .log()
        .iter()
        .filter(|line| line["message"] == "put right")
        .count();
    assert_eq!(corrections, all.len());
}

fn a_deleted_child_comes_back(cluster: &'static Cluster) {
    let lab = Lab::new(cluster, "deleted");
    let _operator = lab.operator();
    lab.app("web", spec());
    lab.ready("web");
    for kind in ["deployment", "service"] {
        let before = lab.must_get(kind, "web")["metadata"]["uid"].clone();
        lab.delete(kind, "web");
        wait("it is there again", || {
            let child = lab.get(kind, "web")?;
            let is_new = child["metadata"]["uid"] != before;
            (is_new && child["metadata"]["deletionTimestamp"].is_null()).then_some(())
        });
    }
    lab.ready("web");
}

fn what_others_have_added_stays(cluster: &'static Cluster) {
    let lab = Lab::new(cluster, "others");
    let operator = lab.operator();
    lab.app("web", spec());
    lab.ready("web");
    // As kubectl rollout restart, and a sidecar that something injects.
    let restarted = json!({"kubectl.kubernetes.io/restartedAt": "2026-01-01T00:00:00Z"});
    let restart = json!({"spec": {"template": {"metadata": {"annotations": restarted}}}});
    let path = lab.path("deployment", "web") + "?fieldManager=kubectl-rollout";
    let kind = "application/strategic-merge-patch+json";
    lab.admin
        .send(Method::PATCH, &path, kind, &restart)
        .unwrap();
    let path = format!(
        "{}?fieldManager=injector&force=true",
        lab.path("deployment", "web")
    );
    let sidecar = json!({
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web", "annotations": {"mesh": "on"}},
        "spec": {"template": {"spec": {"containers": [{"name": "mesh", "image": "mesh"}]}}},
    });
    lab.admin
        .send(
            Method::PATCH,
            &path,
            "application/apply-patch+yaml",
            &sidecar,
        )
        .unwrap();
    lab.ready("web");
    // A change of ours goes around them.
    lab.change("web", json!({"image": "nginx:2"}));
    wait("the image is there", || {
        let deployment = lab.get("deployment", "web")?;
        let template = &deployment["spec"]["template"];
        let containers = template["spec"]["containers"].as_array()?;
        let image = |name: &str| containers.iter().find(|c| c["name"] == name)?["image"].as_str();
        let restarted = &template["metadata"]["annotations"]["kubectl.kubernetes.io/restartedAt"];
        let all = image("web") == Some("nginx:2") && image("mesh") == Some("mesh");
        (all && restarted.is_string()).then_some(())
    });
    lab.ready("web");
    let applies = operator.metric("appop_applies_total", &["kind=\"Deployment\""]);
    assert_eq!(applies, 2, "made once, and changed once with its App");
}

fn an_autoscaler_owns_the_replicas_for_as_long_as_it_is_there(cluster: &'static Cluster) {
    let lab = Lab::new(cluster, "autoscaler");
    let operator = lab.operator();
    lab.app("web", spec());
    lab.ready("web");
    let autoscaler = json!({
        "metadata": {"name": "web"},
        "spec": {
            "minReplicas": 3, "maxReplicas": 5,
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"},
        },
    });
    lab.admin.create(&lab.path("hpa", ""), &autoscaler);
    // Without metrics it still keeps its minimum.
    wait("it has scaled", || {
        let app = lab.get("app", "web")?;
        (app["status"]["ready"] == "3/3").then_some(())
    });
    // The App is changed, and the number stays.
    lab.change("web", json!({"image": "nginx:2", "replicas": 2}));
    wait("the image is there", || {
        let deployment = lab.get("deployment", "web")?;
        let image = &deployment["spec"]["template"]["spec"]["containers"][0]["image"];
        (image == "nginx:2").then_some(())
    });
    assert_eq!(lab.must_get("deployment", "web")["spec"]["replicas"], 3);
    assert_eq!(lab.ready("web")["status"]["ready"], "3/3");
    lab.delete("hpa", "web");
    wait("the App's own number counts again", || {
        (lab.get("deployment", "web")?["spec"]["replicas"] == 2).then_some(())
    });
    lab.ready("web");
    assert!(operator.log().iter().all(|line| line["level"] == "INFO"));
}

/// Two who write as fast as they can, in the two ways there are: over whatever is there, and only
/// over what they have read (which is refused with 409 whenever we were faster).
fn a_quarrel_slows_down_delays_nobody_and_ends_well(cluster: &'static Cluster) {
    let lab = Lab::new(cluster, "quarrel");
    let operator = lab.operator_with(&["-n", &lab.namespace, "--workers", "1"]);
    for name in ["web", "web2"] {
        lab.app(name, spec());
        lab.ready(name);
    }
    let key = "app.kubernetes.io/managed-by";
    let (over, applies) = (AtomicBool::new(false), || {
        operator.metric("appop_applies_total", &[])
    });
    let (mut rounds, mut conflicts) = (0, 0);
    thread::scope(|scope| {
        let blind = scope.spawn(|| {
            let mut round = 0;
            while !over.load(Ordering::Relaxed) {
                let labels = json!({"metadata": {"labels": {key: format!("other-{round}")}}});
                lab.admin.merge(&lab.path("deployment", "web"), &labels);
                // Beside it, changes of the App that are nobody's business here.
                let note = json!({"metadata": {"annotations": {"round": round.to_string()}}});
                lab.admin.merge(&lab.path("app", "web"), &note);
                round += 1;
            }
            round
        });
        let careful = scope.spawn(|| {
            let path = lab.path("service", "web2");
            let mut refused = 0;
            while !over.load(Ordering::Relaxed) {
                let Some(mut service) = lab.admin.get(&path) else {
                    continue;
                };
                service["metadata"]["labels"][key] = json!("careful");
                thread::sleep(Duration::from_millis(5));
                let kind = "application/json";
                let path = format!("{path}?fieldManager=careful");
                match lab.admin.send(Method::PUT, &path, kind, &service) {
                    Err((409, _)) => refused += 1,
                    other => drop(other.unwrap()),
                }
            }
            refused
        });
        wait("it rests", || {
            operator
                .says("somebody keeps changing its children; resting")
                .then_some(())
        });
        // Meanwhile, with the one worker that there is:
        lab.app("calm", spec());
        lab.ready("calm");
        let before = applies();
        thread::sleep(Duration::from_secs(6));
        let during = applies() - before;
        over.store(true, Ordering::Relaxed);
        (rounds, conflicts) = (blind.join().unwrap(), careful.join().unwrap());
        // Two Apps, each at one write every 6 s when it has used up what is free.
        assert!(during <= 2 * 20, "{during} writes in 6 s");
    });
    assert!(rounds > 40, "that was no quarrel: {rounds}");
    assert!(conflicts > 0, "we never were faster");
    for (kind, name) in [("deployment", "web"), ("service", "web2")] {
        wait("the last word is ours", || {
            (lab.get(kind, name)?["metadata"]["labels"][key] == "appop").then_some(())
        });
    }
    assert!(applies() <= 6 + 2 * 35, "{} writes", applies());
    lab.ready("web");
    lab.ready("web2");
}

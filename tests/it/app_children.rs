//! What is sent for an App, applied on the real server: taken, recognised as applied, and drift
//! seen.

use appop::app::status::{payload as status_payload, same_ignoring_times, status};
use appop::app::{App, Child, HANDOVER, LiveDeployment, MANAGER, Observed, children, drift};
use k8s_openapi::jiff::Timestamp;
use serde_json::{Value, json};

use crate::app_crd::{Apps, eventually};

impl Apps {
    /// Server-side apply, forced; gives the object with its managedFields.
    fn apply(&self, manager: &str, payload: &Value) -> Value {
        let manager = format!("--field-manager={manager}");
        let args = [
            "apply",
            "--server-side",
            "--force-conflicts",
            "--show-managed-fields",
            "-o",
            "json",
            &manager,
        ];
        serde_json::from_str(&self.with_file(&args, payload).success()).unwrap()
    }

    fn patch(&self, what: &str, kind: &str, patch: &Value) {
        let args = ["patch", what, "--type", kind, "-p", &patch.to_string()];
        self.kubectl(&args).success();
    }
}

fn parsed(app: Value) -> App {
    serde_json::from_value(app).unwrap()
}

fn deployment(app: &App) -> Value {
    children::deployment(app, None, Some(app.spec.replicas)).unwrap()
}

/// An App with all that a server writes otherwise than it was sent.
fn everything() -> Value {
    json!({
        "image": "nginx",
        "replicas": 0,
        "command": ["nginx"],
        "args": ["-g", ""],
        "resources": {
            "limits": {"cpu": "0.5", "memory": "1024Mi", "ephemeral-storage": "1e9"},
            "requests": {"cpu": "0.1", "memory": 100000000},
        },
        "envs": [
            {"name": "Z", "value": ""},
            {"name": "A", "value": "$(Z)"},
            {"name": "LIMIT", "valueFrom": {"resourceFieldRef":
                {"resource": "limits.memory", "divisor": "1024Ki"}}},
            {"name": "SECRET", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}},
        ],
        "envFrom": [{"prefix": "P_", "configMapRef": {"name": "m", "optional": false}}],
        "ports": [
            {"name": "http", "port": 80, "targetPort": "http"},
            {"port": 53, "protocol": "UDP"},
            {"port": 53, "targetPort": 5353, "appProtocol": "dns"},
        ],
        "livenessProbe": {"httpGet": {"path": "/", "port": "http"}, "initialDelaySeconds": 0},
        "readinessProbe": {"tcpSocket": {"port": 80}, "periodSeconds": 5},
        "startupProbe": {"exec": {"command": ["true"]}},
        "serviceAccountName": "default",
        "imagePullSecrets": [{"name": "b"}, {"name": "a"}],
        "podOverrides": {
            "metadata": {"annotations": {"empty": ""}},
            "spec": {
                "hostNetwork": false,
                "automountServiceAccountToken": false,
                "terminationGracePeriodSeconds": 0,
                "securityContext": {},
                "nodeSelector": {"kubernetes.io/os": "linux"},
                "tolerations": [{"operator": "Exists"}],
                "volumes": [{"name": "tmp", "emptyDir": {"sizeLimit": "1024Mi"}}],
                "containers": [
                    {"name": "web", "tty": false, "volumeMounts":
                        [{"name": "tmp", "mountPath": "/tmp", "readOnly": false}]},
                    {"name": "side", "image": "busybox", "resources": {"limits": {"cpu": "2000m"}}},
                ],
            },
        },
    })
}

#[test]
fn what_is_applied_is_recognised_and_a_second_apply_changes_nothing() {
    let Some(apps) = Apps::new("app-apply") else {
        return;
    };
    let least = json!({"image": "nginx", "replicas": 0, "ports": [{"port": 80}]});
    for (name, spec) in [("least", least), ("web", everything())] {
        let app = parsed(apps.create(name, spec));
        let service = children::service(&app).unwrap();
        for payload in [deployment(&app), service] {
            let first = apps.apply(MANAGER, &payload);
            assert!(
                drift::is_applied(&payload, &first, MANAGER),
                "{}\n{}",
                payload,
                drift::owned(&first, MANAGER)
            );
            // The Deployment controller writes to it once or twice in between.
            let what = format!("{}/{name}", payload["kind"].as_str().unwrap());
            eventually("an apply that changes nothing", || {
                let version = |object: &Value| object["metadata"]["resourceVersion"].clone();
                let before = version(&apps.get(&what));
                (version(&apps.apply(MANAGER, &payload)) == before).then_some(())
            });
        }
    }
    // The Service is of the App and selects by its label.
    let service = apps.get("service/web");
    let app = apps.get("app/web");
    assert_eq!(
        service["metadata"]["ownerReferences"][0]["uid"],
        app["metadata"]["uid"]
    );
    assert_eq!(
        service["spec"]["selector"],
        json!({"app.example.com/v1": "web"})
    );
}

#[test]
fn drift_is_seen_and_put_right_and_other_peoples_fields_are_left() {
    let Some(apps) = Apps::new("app-drift") else {
        return;
    };
    let app = parsed(apps.create("web", everything()));
    let payload = deployment(&app);
    apps.apply(MANAGER, &payload);

    let theirs = json!({
        "metadata": {"annotations": {"theirs": "yes"}},
        "spec": {
            "minReadySeconds": 1,
            "template": {
                "metadata": {"annotations": {"kubectl.kubernetes.io/restartedAt": "now"}},
                "spec": {"containers": [
                    {"name": "injected", "image": "proxy"},
                    {"name": "web", "env": [{"name": "THEIRS", "value": "1"}]},
                ]},
            },
        },
    });
    apps.patch("deployment/web", "strategic", &theirs);
    let live = apps.get("deployment/web");
    assert!(drift::is_applied(&payload, &live, MANAGER));

    let container = "/spec/template/spec/containers/0";
    let names: Vec<&Value> = live["spec"]["template"]["spec"]["containers"]
        .as_array()
        .unwrap()
        .iter()
        .map(|container| &container["name"])
        .collect();
    let ours = names.iter().position(|name| **name == "web").unwrap();
    let container = container.replace('0', &ours.to_string());
    let env = |order: &[&str]| -> Value {
        let live = apps.get("deployment/web");
        let env = live.pointer(&format!("{container}/env")).unwrap().clone();
        let named = |name: &&str| {
            let env = env.as_array().unwrap();
            env.iter().find(|item| item["name"] == **name).cloned()
        };
        order.iter().filter_map(named).collect()
    };
    let replace =
        |path: &str, value: Value| json!([{"op": "replace", "path": path, "value": value}]);
    let reordered = env(&["SECRET", "A", "Z", "THEIRS", "LIMIT"]);
    let drifts = [
        replace("/spec/replicas", json!(2)),
        replace(&format!("{container}/image"), json!("other")),
        replace(&format!("{container}/resources/limits/cpu"), json!("2")),
        replace(&format!("{container}/env"), reordered),
        replace(&format!("{container}/env"), env(&["Z", "A", "THEIRS"])),
        replace(&format!("{container}/ports"), json!([])),
        replace(&format!("{container}/startupProbe"), Value::Null),
        replace("/metadata/labels/app.kubernetes.io~1name", json!("x")),
        replace("/metadata/ownerReferences", json!([])),
        replace("/spec/template/spec/imagePullSecrets", json!([])),
        replace(
            "/spec/template/spec/automountServiceAccountToken",
            Value::Null,
        ),
    ];
    for change in drifts {
        apps.patch("deployment/web", "json", &change);
        let live = apps.get("deployment/web");
        assert!(!drift::is_applied(&payload, &live, MANAGER), "{change}");
        let live = apps.apply(MANAGER, &payload);
        assert!(drift::is_applied(&payload, &live, MANAGER), "{change}");
        assert_eq!(live["metadata"]["annotations"]["theirs"], "yes");
        assert_eq!(live["spec"]["minReadySeconds"], 1);
        let containers = &live["spec"]["template"]["spec"]["containers"];
        assert_eq!(containers.as_array().unwrap().len(), 3);
    }

    // What is no longer asked for goes; what is asked for in another order comes so.
    let mut spec = everything();
    spec["envs"].as_array_mut().unwrap().reverse();
    spec["envs"].as_array_mut().unwrap().remove(0);
    spec["ports"].as_array_mut().unwrap().remove(1);
    let changed = App {
        spec: serde_json::from_value(spec).unwrap(),
        ..app
    };
    let payload = deployment(&changed);
    assert!(!drift::is_applied(
        &payload,
        &apps.get("deployment/web"),
        MANAGER
    ));
    let live = apps.apply(MANAGER, &payload);
    assert!(drift::is_applied(&payload, &live, MANAGER));
    let env = live.pointer(&format!("{container}/env")).unwrap();
    let names = env
        .as_array()
        .unwrap()
        .iter()
        .map(|item| item["name"].as_str().unwrap());
    let names: Vec<&str> = names.filter(|name| *name != "THEIRS").collect();
    assert_eq!(names, ["LIMIT", "A", "Z"]);
}

#[test]
fn ports_come_and_go() {
    let Some(apps) = Apps::new("app-ports") else {
        return;
    };
    let mut app = parsed(apps.create("web", json!({"image": "nginx", "replicas": 0})));
    let ports = |live: &Value| -> Vec<String> {
        let ports = live["spec"]["ports"].as_array().unwrap().iter();
        ports
            .map(|port| {
                let text = |key: &str| port[key].to_string().replace('"', "");
                let said = ["name", "port", "protocol", "targetPort"].map(text);
                said.join(" ")
            })
            .collect()
    };
    let steps: [(Value, &[&str]); 5] = [
        (json!([{"port": 80}]), &["port-80 80 TCP 80"]),
        (
            json!([{"port": 80, "targetPort": "web"}, {"port": 80, "protocol": "UDP"}]),
            &["port-80 80 TCP web", "port-80-udp 80 UDP 80"],
        ),
        (
            json!([{"port": 80, "protocol": "UDP", "name": "u"}, {"port": 81}]),
            &["u 80 UDP 80", "port-81 81 TCP 81"],
        ),
        (
            json!([{"port": 81, "nodePort": 30081}]),
            &["port-81 81 TCP 81"],
        ),
        (json!([{"port": 81}]), &["port-81 81 TCP 81"]),
    ];
    for (asked, expected) in steps {
        app.spec.ports = serde_json::from_value(asked.clone()).unwrap();
        let service = children::service(&app).unwrap();
        let live = apps.apply(MANAGER, &service);
        assert_eq!(ports(&live), expected, "{asked}");
        assert!(drift::is_applied(&service, &live, MANAGER), "{asked}");
        let deployment = deployment(&app);
        let live = apps.apply(MANAGER, &deployment);
        assert!(drift::is_applied(&deployment, &live, MANAGER), "{asked}");
    }
    let service = apps.get("service/web");
    assert_eq!(service["spec"]["type"], "ClusterIP");
}

#[test]
fn a_payload_that_does_not_fit_is_refused_in_the_known_words() {
    let Some(apps) = Apps::new("app-unfit") else {
        return;
    };
    let spec = json!({"image": "nginx", "podOverrides": {"spec": {"hostNetwrk": true}}});
    let app = parsed(apps.create("web", spec));
    let args = ["apply", "--server-side", "--validate=ignore"];
    let said = apps.with_file(&args, &deployment(&app));
    assert_eq!(
        said.stderr,
        "Error from server: failed to create typed patch object (app-unfit/web; apps/v1, \
         Kind=Deployment): .spec.template.spec.hostNetwrk: field not declared in schema\n"
    );
}

#[test]
fn the_status_follows_the_deployment_until_it_is_ready() {
    let Some(apps) = Apps::new("app-status") else {
        return;
    };
    let spec = json!({"image": "nginx", "replicas": 2, "ports": [{"port": 80}]});
    let app = parsed(apps.create("web", spec));
    let now: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
    let tell = |observed: &Observed| {
        let app = parsed(apps.get("app/web"));
        let told = status(&app, observed, now);
        let args = [
            "apply",
            "--server-side",
            "--subresource=status",
            "--field-manager=appop",
            "-o",
            "json",
        ];
        let stored = apps
            .with_file(&args, &status_payload(&app, &told))
            .success();
        let stored = parsed(serde_json::from_str(&stored).unwrap());
        // What is read back is what was written, to the second.
        assert_eq!(stored.status.as_ref(), Some(&told));
        assert!(same_ignoring_times(
            &told,
            &status(&stored, observed, Timestamp::UNIX_EPOCH)
        ));
        told
    };
    let mut observed = Observed::default();
    let first = tell(&observed);
    assert_eq!(first.conditions[1].status, "True");

    for (child, payload) in [
        (Child::Deployment, deployment(&app)),
        (Child::Service, children::service(&app).unwrap()),
    ] {
        let answer = apps.apply(MANAGER, &payload);
        observed.applied(child, &payload, &answer);
    }
    eventually("two ready pods", || {
        observed.deployment = Some(LiveDeployment::read(&apps.get("deployment/web")));
        let status = status(&app, &observed, now);
        (status.conditions[0].status == "True").then_some(())
    });
    let ready = tell(&observed);
    assert_eq!((ready.ready.as_str(), ready.replicas), ("2/2", 2));
    let wait = ["wait", "--for=condition=Ready", "app/web", "--timeout=5s"];
    apps.kubectl(&wait).success();
    let wide = apps.kubectl(&["get", "app", "web", "-o", "wide"]).success();
    for words in ["2/2", "AllReplicasReady", "all 2 replicas are ready"] {
        assert!(wide.contains(words), "{wide}");
    }
    let selector = ready.selector;
    let pods = apps.kubectl(&["get", "pods", "-l", &selector, "-o", "name"]);
    assert_eq!(pods.success().lines().count(), 2);
}

#[test]
fn replicas_are_handed_over_without_falling_back_to_one() {
    let Some(apps) = Apps::new("app-handover") else {
        return;
    };
    let app = parsed(apps.create("web", json!({"image": "nginx", "replicas": 3})));
    let live = LiveDeployment::read(&apps.apply(MANAGER, &deployment(&app)));
    assert!(live.replicas_ours);
    apps.apply(HANDOVER, &children::handover(&app, live.wished));
    let payload = children::deployment(&app, None, None).unwrap();
    let stored = apps.apply(MANAGER, &payload);
    assert!(drift::is_applied(&payload, &stored, MANAGER));
    let live = LiveDeployment::read(&stored);
    assert_eq!(
        (live.wished, live.replicas_ours, live.replicas_others),
        (3, false, true)
    );
    apps.kubectl(&["scale", "deployment/web", "--replicas=2"])
        .success();
    let stored = apps.apply(MANAGER, &payload);
    assert_eq!(stored["spec"]["replicas"], 2);
    assert!(drift::is_applied(&payload, &stored, MANAGER));
}

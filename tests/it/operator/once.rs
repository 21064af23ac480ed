//! One pass: `--once`, `--dry-run`, and what is wrong from the start.

use serde_json::{Value, json};

use super::lab::{Lab, text, wait};
use crate::support::{Cluster, finish, on_both};

on_both! {
    one_pass_brings_up_what_there_is,
    a_dry_run_shows_what_would_be_written_and_writes_nothing,
    wrong_usage_is_said_at_once,
}

fn spec() -> Value {
    json!({"replicas": 1, "image": "nginx", "ports": [{"port": 80}]})
}

fn one_pass_brings_up_what_there_is(cluster: &'static Cluster) {
    let lab = Lab::new(cluster, "once");
    let run = |more: &[&str]| {
        let mut command = lab.command(&["run", "--once", "-n", &lab.namespace]);
        finish(command.args(more))
    };
    let output = run(&[]);
    assert_eq!(
        (output.code, output.stderr.as_str()),
        (0, "There are no Apps.\n")
    );
    lab.app("a", spec());
    lab.app("b", spec());
    let lines = run(&[]).success();
    let lines: Vec<&str> = lines.lines().collect();
    assert_eq!(lines.len(), 3, "{lines:?}");
    assert!(lines[0].starts_with("NAMESPACE"), "{lines:?}");
    assert!(lines[1].contains("Deployment,Service"), "{lines:?}");
    wait("the pods are there", || {
        (lab.get("deployment", "b")?["status"]["readyReplicas"] == 1).then_some(())
    });
    let lines = run(&[]).success();
    assert!(
        lines
            .lines()
            .skip(1)
            .all(|l| l.contains("1/1") && l.contains(" - ")),
        "{lines}"
    );
    assert!(lines.contains("AllReplicasReady"), "{lines}");
    let mut bad = spec();
    bad["podOverrides"] = json!({"spec": {"restartPolicy": "Sometimes"}});
    lab.app("c", bad);
    let output = run(&[]);
    assert_eq!(output.code, 1, "{output:?}");
    assert!(output.stdout.contains("Refused"), "{output:?}");
    assert_eq!(run(&["-l", "nobody=has-it"]).stderr, "There are no Apps.\n");
}

fn a_dry_run_shows_what_would_be_written_and_writes_nothing(cluster: &'static Cluster) {
    let lab = Lab::new(cluster, "dry");
    let run = || {
        let mut command = lab.command(&["run", "--dry-run", "-n", &lab.namespace]);
        finish(&mut command)
    };
    let app = lab.app("web", spec());
    let output = run();
    assert_eq!(output.code, 0, "{output:?}");
    assert!(!output.stdout.contains("clusterIP:"), "{}", output.stdout);
    for line in [
        "--- /dev/null",
        "+++ Deployment op-dry/web (wished)",
        "+  replicas: 1",
    ] {
        assert!(
            output.stdout.lines().any(|l| l == line),
            "{line}: {}",
            output.stdout
        );
    }
    assert!(
        output
            .stderr
            .ends_with("2 objects would be written; nothing was.\n"),
        "{output:?}"
    );
    assert!(lab.get("deployment", "web").is_none() && lab.get("service", "web").is_none());
    let version = |object: &Value| text(&object["metadata"]["resourceVersion"]);
    assert_eq!(version(&lab.must_get("app", "web")), version(&app));

    let mut once = lab.command(&["run", "--once", "-n", &lab.namespace]);
    finish(&mut once).success();
    assert_eq!(run().stdout, "");
    // Our name on another port: a real run makes room for ours, and this one says so.
    let edited = json!({"ports": [{"name": "port-80", "port": 9090, "targetPort": 80}]});
    lab.merge("service", "web", json!({ "spec": edited }));
    let output = run();
    assert_eq!(output.code, 0, "{output:?}");
    let shown: Vec<&str> = output.stdout.lines().map(str::trim_end).collect();
    assert!(shown.contains(&"-    port: 9090"), "{shown:#?}");
    assert!(shown.contains(&"+    port: 80"), "{shown:#?}");
    finish(&mut once).success();
    lab.change("web", json!({"image": "nginx:2", "ports": []}));
    let before = version(&lab.must_get("service", "web"));
    let output = run();
    let shown: Vec<&str> = output.stdout.lines().collect();
    assert!(
        shown.contains(&"-        image: nginx") || shown.contains(&"-      - image: nginx"),
        "{shown:#?}"
    );
    assert!(
        shown.contains(&"--- Service op-dry/web (live)"),
        "{shown:#?}"
    );
    assert_eq!(version(&lab.must_get("service", "web")), before);
}

fn wrong_usage_is_said_at_once(cluster: &'static Cluster) {
    let lab = Lab::new(cluster, "usage");
    let run = |args: &[&str]| finish(lab.command(&["run"]).args(args));
    let output = run(&["--metrics-bind-address", "nowhere"]);
    assert_eq!(output.code, 2, "{output:?}");
    assert!(
        output.stderr.contains("is not an address with a port"),
        "{output:?}"
    );
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let output = run(&["--metrics-bind-address", &address]);
    assert_eq!(output.code, 1, "{output:?}");
    assert!(
        output
            .stderr
            .contains("is in use, perhaps by another appop run"),
        "{output:?}"
    );
    let output = run(&["--once", "-n", &lab.namespace, "-l", "a in b"]);
    assert_eq!(output.code, 1, "{output:?}");
    assert!(
        output.stderr.contains("unable to parse requirement"),
        "{output:?}"
    );
    let output = run(&["--once", "-n", "not/one"]);
    assert_eq!(output.code, 2, "{output:?}");
    assert!(
        output.stderr.contains("\"not/one\" is no namespace"),
        "{output:?}"
    );
    let output = run(&["--once", "--leader-elect"]);
    assert_eq!(output.code, 2, "{output:?}");
    // Nobody has given it a role here.
    let output = run(&["--metrics-bind-address", "0", "-n", "default"]);
    assert_eq!(output.code, 1, "{output:?}");
    assert!(
        output
            .stderr
            .contains("cannot look for Apps in namespace default"),
        "{output:?}"
    );
    assert!(
        output
            .stderr
            .contains("lack the verb list on apps.app.example.com"),
        "{output:?}"
    );
}

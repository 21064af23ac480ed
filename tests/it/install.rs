//! `appop install` and `appop uninstall`, each on a control plane of its own: they are about objects
//! that a cluster has once.

use std::io::{self, BufRead, BufReader, Write};
use std::process::{Child, Stdio};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::support::{self, Cluster, Output};

const EXAMPLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/deploy/examples/app.yaml");
const CRD: &str = "customresourcedefinition.apiextensions.k8s.io/apps.app.example.com";
/// The garbage collector of a new control plane learns of a new kind within 30 s.
const COLLECTED: Duration = Duration::from_secs(90);

fn fresh() -> Option<Cluster> {
    support::assets()?;
    Some(support::start())
}

fn refused(output: &Output, told: &[&str]) {
    assert_eq!(output.code, 1, "{}", output.stderr);
    for told in told {
        assert!(output.stderr.contains(told), "{told}: {}", output.stderr);
    }
}

/// What there is of an installation, one name a line.
fn installed(real: &Cluster) -> String {
    let kinds = "crd,deployments.apps,sa,clusterroles,clusterrolebindings,roles,rolebindings";
    let ours = "app.kubernetes.io/part-of=appop";
    real.kubectl(["get", kinds, "-A", "-l", ours, "-o", "name"])
        .success()
}

fn json(real: &Cluster, args: &[&str]) -> Value {
    let text = real.kubectl([args, &["-o", "json"]].concat()).success();
    serde_json::from_str(&text).unwrap()
}

/// `appop run` as its Deployment runs it, with a token of its service account and no other rights.
struct Operator {
    child: Child,
    log: Option<JoinHandle<Vec<String>>>,
}

impl Operator {
    fn of(real: &Cluster, namespace: &str) -> Operator {
        let deployment = json(real, &["get", "deploy/appop", "-n", namespace]);
        let pod = &deployment["spec"]["template"]["spec"];
        let container = &pod["containers"][0];
        let account = pod["serviceAccountName"].as_str().unwrap();
        let token = real.kubectl(["create", "token", account, "-n", namespace]);
        let mut command = real.command(Vec::<String>::new());
        for arg in container["args"].as_array().unwrap() {
            // One port for all tests would be a port too few.
            command.arg(
                arg.as_str()
                    .unwrap()
                    .replace("0.0.0.0:60000", "127.0.0.1:0"),
            );
        }
        for variable in container["env"].as_array().unwrap() {
            let value = match &variable["valueFrom"] {
                Value::Null => variable["value"].as_str().unwrap_or_default(),
                _ => "appop-test",
            };
            command.env(variable["name"].as_str().unwrap(), value);
        }
        // What a pod knows from its files: the server, its token and its namespace. The
        // administrator's kubeconfig is not read.
        let dir = real.kubeconfig.parent().unwrap();
        let authority = json(real, &["config", "view", "--raw", "--flatten"]);
        let authority = &authority["clusters"][0]["cluster"]["certificate-authority-data"];
        let config = serde_json::json!({
            "apiVersion": "v1", "kind": "Config", "current-context": "pod",
            "clusters": [{ "name": "pod", "cluster": {
                "server": real.url(), "certificate-authority-data": authority,
            } }],
            "users": [{ "name": "pod", "user": { "token": token.success().trim() } }],
            "contexts": [{ "name": "pod", "context": {
                "cluster": "pod", "user": "pod", "namespace": namespace,
            } }],
        });
        let file = dir.join(format!("pod-{namespace}"));
        std::fs::write(&file, config.to_string()).unwrap();
        command.env("KUBECONFIG", file);
        let mut child = command
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let log = BufReader::new(child.stderr.take().unwrap());
        let log = thread::spawn(move || log.lines().map_while(Result::ok).collect());
        Operator {
            child,
            log: Some(log),
        }
    }

    /// Brings up the example in a namespace, scales it, and takes it down again.
    fn prove(&self, real: &Cluster, namespace: &str) {
        let on = |args: &[&str]| real.kubectl([&["-n", namespace], args].concat()).success();
        let ready = [
            "wait",
            "--for=condition=Ready",
            "app/example-app",
            "--timeout=60s",
        ];
        on(&["apply", "-f", EXAMPLE]);
        on(&ready);
        on(&["scale", "app/example-app", "--replicas=3"]);
        let scaled = "--for=jsonpath={.status.readyReplicas}=3";
        on(&["wait", scaled, "app/example-app", "--timeout=60s"]);
        let without_ports = r#"[{"op":"remove","path":"/spec/ports"}]"#;
        on(&[
            "patch",
            "app/example-app",
            "--type=json",
            "-p",
            without_ports,
        ]);
        support::wait_until(Duration::from_secs(60), || {
            on(&["get", "svc/example-app", "--ignore-not-found", "-o", "name"]).is_empty()
        });
        // Its Events tell that it may write them.
        support::wait_until(Duration::from_secs(60), || {
            let events = on(&["get", "events.events.k8s.io", "-o", "jsonpath={..reason}"]);
            events.contains("AllReplicasReady")
        });
    }

    /// Ends it, and asserts that it lacked no right.
    fn stop(mut self) {
        let id = Pid::from_raw(self.child.id().cast_signed()).unwrap();
        kill_process(id, Signal::TERM).unwrap();
        let log = self.log.take().unwrap().join().unwrap();
        assert!(self.child.wait().unwrap().success(), "{log:?}");
        let lacks = |line: &&String| line.contains("forbidden") || line.contains("Forbidden");
        assert_eq!(log.iter().find(lacks), None);
    }
}

impl Drop for Operator {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if thread::panicking()
            && let Some(log) = self.log.take()
        {
            let log = log.join().unwrap_or_default().join("\n");
            let _ = writeln!(io::stderr(), "{log}");
        }
    }
}

#[test]
fn the_crd_alone_comes_and_goes() {
    let Some(real) = fresh() else { return };
    let crd_only = ["install", "--crd-only"];
    let tried = real.run(["install", "--crd-only", "--dry-run=server"]);
    assert_eq!(tried.success(), format!("{CRD} created (server dry run)\n"));
    assert_eq!(installed(&real), "", "a dry run writes nothing");
    assert_eq!(real.run(crd_only).success(), format!("{CRD} created\n"));
    real.kubectl(["apply", "-f", EXAMPLE]).success();
    assert_eq!(real.run(crd_only).success(), format!("{CRD} unchanged\n"));

    let output = real.run(["uninstall"]);
    refused(
        &output,
        &["1 App (default/example-app)", "--keep-crd", "--delete-apps"],
    );
    assert_eq!(output.stdout, "");
    let kept = real.run(["uninstall", "--keep-crd"]).success();
    assert_eq!(kept, "");
    let tried = real.run(["uninstall", "--delete-apps", "--dry-run=server"]);
    assert_eq!(tried.success(), format!("{CRD} deleted (server dry run)\n"));
    real.kubectl(["get", "app/example-app"]).success();
    real.kubectl(["delete", "app/example-app"]).success();
    assert_eq!(
        real.run(["uninstall"]).success(),
        format!("{CRD} deleted\n")
    );
    assert_eq!(installed(&real), "");
    let again = real.run(["uninstall"]);
    assert!(
        again.stderr.contains("no operator to remove"),
        "{}",
        again.stderr
    );
    assert_eq!(again.success(), "");
}

#[test]
fn a_cluster_wide_operator_has_the_rights_it_needs() {
    let Some(real) = fresh() else { return };
    let install = ["install", "--image", "appop:test"];
    let first = real.run(install).success();
    assert!(
        first.lines().all(|line| line.contains(" created")),
        "{first}"
    );
    assert_eq!(first.lines().count(), 8, "{first}");
    let rollout = ["rollout", "status", "deploy/appop", "-n", "appop-system"];
    real.kubectl(rollout).success();
    let second = real.run(install).success();
    assert!(
        second.lines().all(|line| line.contains(" unchanged")),
        "{second}"
    );

    let manifests = [&install[..], &["--dry-run", "-o", "yaml"]].concat();
    let manifests = real.run(manifests).success();
    real.kubectl_stdin(["apply", "--server-side", "-f", "-"], &manifests)
        .success();
    let third = real.run(install).success();
    assert_eq!(
        third, second,
        "whoever applies the same is nobody's opponent"
    );

    let other = real.run(["install", "--image", "x", "-n", "other"]);
    refused(&other, &["namespace appop-system", "Nothing was written"]);
    let operator = Operator::of(&real, "appop-system");
    operator.prove(&real, "default");
    operator.stop();

    let changed = [
        "set",
        "image",
        "deploy/appop",
        "appop=mine",
        "-n",
        "appop-system",
    ];
    real.kubectl(changed).success();
    refused(
        &real.run(install),
        &["kubectl-set", "--force-conflicts", "Nothing was written"],
    );
    let forced = real.run([&install[..], &["--force-conflicts"]].concat());
    let line = "deployment.apps/appop configured in namespace appop-system";
    assert!(forced.success().lines().any(|it| it == line));

    // Without delay: what the Apps own goes although the garbage collector may have yet to learn
    // of Apps.
    let gone = real.run(["uninstall", "--delete-apps", "--delete-namespace"]);
    assert!(
        gone.stderr.contains("1 App (default/example-app) deleted"),
        "{}",
        gone.stderr
    );
    let gone = gone.success();
    for what in [
        "lease.coordination.k8s.io/app-lock",
        CRD,
        "namespace/appop-system",
    ] {
        assert!(gone.contains(&format!("{what} deleted")), "{what}: {gone}");
    }
    assert_eq!(installed(&real), "");
    let left = ["get", "deploy,rs", "-n", "default", "-o", "name"];
    support::wait_until(COLLECTED, || real.kubectl(left).success().is_empty());
}

#[test]
fn an_operator_of_one_namespace_has_rights_there_alone() {
    let Some(real) = fresh() else { return };
    let nowhere = ["install", "--image", "x", "--watch-namespace", "nowhere"];
    refused(
        &real.run(nowhere),
        &["kubectl create namespace nowhere", "Nothing was written"],
    );
    assert_eq!(installed(&real), "");
    for namespace in ["shop", "bank", "ops"] {
        real.kubectl(["create", "namespace", namespace]).success();
    }
    let install = |watched: &str| {
        let args = [
            "install",
            "--image",
            "x",
            "-n",
            "ops",
            "--watch-namespace",
            watched,
        ];
        real.run(args).success()
    };
    install("shop,bank");
    let fewer = install("shop");
    let role = "role.rbac.authorization.k8s.io/appop deleted in namespace bank";
    assert!(fewer.lines().any(|line| line == role), "{fewer}");
    assert!(
        !installed(&real).contains("clusterrole"),
        "{}",
        installed(&real)
    );
    let operator = Operator::of(&real, "ops");
    operator.prove(&real, "shop");
    operator.stop();
    let account = "--as=system:serviceaccount:ops:appop";
    let may = |verb: &str, what: &str, namespace: &str| {
        let output = real.kubectl(["auth", "can-i", verb, what, "-n", namespace, account]);
        output.code == 0
    };
    assert!(may("create", "deployments.apps", "shop"));
    assert!(!may("create", "deployments.apps", "bank"));
    assert!(!may("delete", "deployments.apps", "shop"));
    assert!(!may("get", "secrets", "shop"));

    // A namespace that was there before is nobody's to change or to delete.
    let labels = json(&real, &["get", "ns/ops"])["metadata"]["labels"].clone();
    assert_eq!(labels.as_object().unwrap().len(), 1, "{labels}");
    let second = real.run(["install", "--image", "x", "--watch-namespace", "shop"]);
    refused(&second, &["namespace ops", "in namespace shop already"]);
    install("bank");
    let elsewhere = ["install", "--image", "x", "--watch-namespace", "shop"];
    real.run(elsewhere).success();
    let args = ["uninstall", "-n", "ops", "--keep-crd", "--delete-namespace"];
    real.run(args).success();
    real.kubectl(["get", "ns/ops"]).success();
    real.kubectl(["get", "role/appop", "-n", "shop"]).success();
    assert_ne!(real.kubectl(["get", "role/appop", "-n", "bank"]).code, 0);
}

#[test]
fn who_may_not_is_told_who_may() {
    let Some(real) = fresh() else { return };
    real.run(["install", "--crd-only"]).success();
    real.kubectl(["create", "namespace", "team"]).success();
    let bind = [
        "create",
        "rolebinding",
        "admin",
        "--clusterrole=admin",
        "--user=anna",
    ];
    real.kubectl([&bind[..], &["-n", "team"]].concat())
        .success();
    let view = [
        "create",
        "clusterrolebinding",
        "view",
        "--clusterrole=view",
        "--user=vera",
    ];
    real.kubectl(view).success();

    let vera = real.run(["install", "--crd-only", "--as", "vera"]);
    refused(
        &vera,
        &[
            "the verb get on customresourcedefinitions",
            "Nothing was written",
        ],
    );
    let nobody = real.run(["install", "--image", "x", "--as", "nobody"]);
    refused(&nobody, &["administrator", "Nothing was written"]);
    let vera = real.run(["uninstall", "--as", "vera"]);
    refused(&vera, &["Nothing was deleted", "--keep-crd"]);

    // An administrator of a namespace can grant only the rights that she has.
    let anna = ["--as", "anna", "-n", "team"];
    let install = [
        "install",
        "--image",
        "x",
        "--skip-crd",
        "--watch-namespace",
        "team",
    ];
    let install = [&install[..], &anna].concat();
    refused(
        &real.run(&install),
        &["attempting to grant", "Nothing was written"],
    );
    let apps = "--resource=apps.app.example.com,apps.app.example.com/status,apps.app.example.com/finalizers";
    let role = ["create", "role", "apps", "--verb=*", apps, "-n", "team"];
    real.kubectl(role).success();
    let bind = [
        "create",
        "rolebinding",
        "apps",
        "--role=apps",
        "--user=anna",
        "-n",
        "team",
    ];
    real.kubectl(bind).success();
    real.run(&install).success();
    let uninstall = [&["uninstall", "--keep-crd"][..], &anna].concat();
    let gone = real.run(uninstall).success();
    assert!(
        gone.contains("deployment.apps/appop deleted in namespace team"),
        "{gone}"
    );
}

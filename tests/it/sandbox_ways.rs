//! The ways into a sandbox in memory: a demonstration, a server for one command, and which there
//! are.
#![cfg(unix)]

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tempfile::TempDir;

use crate::support::{self, Output, finish, wait_until};

/// Nothing should take longer to go away.
const SOON: Duration = Duration::from_secs(10);

#[test]
fn a_demonstration_has_its_app_up_before_the_command() {
    let script =
        "appop apps -o json; appop tree app/example-app -o name | cut -d. -f1 | cut -d/ -f1";
    let output = support::run(["sandbox", "--demo", "--", "sh", "-c", script]);
    let output = output.success();
    let mut apps = serde_json::Deserializer::from_str(&output).into_iter::<Value>();
    let (list, owned) = (apps.next().unwrap().unwrap(), &output[apps.byte_offset()..]);
    assert_eq!(list["items"][0]["status"]["ready"], "2/2", "{list}");
    let mut kinds: Vec<&str> = owned.split_whitespace().collect();
    kinds.sort_unstable();
    kinds.dedup();
    let wanted = [
        "app",
        "deployment",
        "endpointslice",
        "pod",
        "replicaset",
        "service",
    ];
    assert_eq!(kinds, wanted);
}

#[test]
fn a_demonstration_says_what_to_try_and_ends_when_told() {
    let mut sandbox = Background::start(&["--demo"]);
    let line = sandbox.line();
    let kubeconfig = line.strip_prefix("export KUBECONFIG=").unwrap();
    let scaled = finish(
        support::command(["raw", "-X", "PATCH", "--kubeconfig", kubeconfig])
            .arg("/apis/app.example.com/v1/namespaces/default/apps/example-app")
            .args(["-d", r#"{"spec":{"replicas":3}}"#])
            .args(["-H", "Content-Type: application/merge-patch+json"]),
    );
    assert_eq!(scaled.code, 0, "{scaled:?}");
    wait_until(SOON, || {
        let apps = ["apps", "--no-headers", "--kubeconfig", kubeconfig];
        support::run(apps).success().contains("3/3")
    });
    let words = sandbox.end(Signal::INT);
    assert!(
        words.contains("The App example-app is ready (2/2)"),
        "{words}"
    );
    for command in ["discover", "raw", "crds", "explain", "apps", "tree"] {
        assert!(
            words.contains(&format!(" {command} ")),
            "{command}: {words}"
        );
    }
    assert!(words.contains("kubectl scale"), "{words}");
}

#[test]
fn an_app_that_cannot_come_up_is_said_so_and_the_command_runs() {
    let output = support::run(["sandbox", "--demo", "--nodes", "0", "--", "echo", "ran"]);
    assert_eq!(
        (output.code, output.stdout.as_str()),
        (0, "ran\n"),
        "{output:?}"
    );
    assert!(
        output.stderr.contains("example-app is not ready"),
        "{output:?}"
    );
}

#[test]
fn any_command_may_have_a_server_of_its_own() {
    let tmp = tempfile::tempdir().unwrap();
    let run = |args: &[&str]| -> Output {
        finish(
            support::command(args)
                .arg("--sandbox")
                .env("TMPDIR", tmp.path()),
        )
    };
    let says = |args: &[&str], wanted: &str| {
        let output = run(args);
        assert_eq!(output.code, 0, "{args:?}: {output:?}");
        assert!(output.stdout.contains(wanted), "{args:?}: {output:?}");
    };
    says(&["raw", "/readyz"], "ok");
    says(&["discover", "deploy", "-o", "name"], "deployments.v1.apps");
    says(&["crds", "-o", "name"], "apps.app.example.com");
    says(&["explain", "app.spec.image"], "container image");
    says(&["apps"], "2/2");
    says(&["tree", "app/example-app", "-o", "name"], "deployment");
    says(&["run", "--once"], "example-app");
    says(&["install", "--crd-only"], "created");
    assert_eq!(
        tmp.path().read_dir().unwrap().count(),
        0,
        "something is left"
    );
    let failed = run(&["raw", "/nowhere"]);
    assert_eq!(failed.code, 1, "{failed:?}");
    assert_eq!(
        tmp.path().read_dir().unwrap().count(),
        0,
        "something is left"
    );
}

#[test]
fn a_signal_ends_a_command_with_its_server() {
    let tmp = tempfile::tempdir().unwrap();
    let mut child = support::command(["apps", "--watch", "--sandbox"])
        .env("TMPDIR", tmp.path())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap())
        .read_line(&mut line)
        .unwrap();
    kill_process(Pid::from_child(&child), Signal::TERM).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(143));
    assert_eq!(
        tmp.path().read_dir().unwrap().count(),
        0,
        "something is left"
    );
}

#[test]
fn a_server_of_ones_own_and_another_are_one_too_many() {
    for args in [
        &["apps", "--sandbox", "--server", "https://127.0.0.1:1"][..],
        &["--context", "x", "discover", "--sandbox"],
        &["sandbox", "--sandbox"],
        &["completion", "bash", "--sandbox"],
        &["sandbox", "--token", "x"],
        &["sandbox", "--namespace", "x"],
    ] {
        let output = support::run(args);
        assert_eq!(output.code, 2, "{args:?}: {output:?}");
        assert_eq!(output.stdout, "", "{args:?}");
    }
}

#[test]
fn without_a_cluster_the_sandbox_is_named() {
    let output = support::run(["discover"]);
    assert_eq!(output.code, 1, "{output:?}");
    assert!(
        output.stderr.contains("no cluster is configured"),
        "{output:?}"
    );
    assert!(output.stderr.contains("appop sandbox"), "{output:?}");
    assert!(output.stderr.contains("--sandbox"), "{output:?}");
}

#[test]
fn status_lists_those_that_run() {
    let mut sandbox = Background::start(&["--nodes", "2"]);
    let line = sandbox.line();
    let kubeconfig = line.strip_prefix("export KUBECONFIG=").unwrap();
    let status = |args: &[&str]| {
        let mut command = support::command(["sandbox", "status"]);
        finish(command.args(args).env("TMPDIR", sandbox.tmp.path())).success()
    };
    assert_eq!(status(&["-o", "name"]), format!("{kubeconfig}\n"));
    let all: Value = serde_json::from_str(&status(&["-o", "json"])).unwrap();
    let one = &all[0];
    assert_eq!(one["pid"], sandbox.child.id());
    assert_eq!(one["nodes"], 2);
    assert_eq!(one["kind"], "memory");
    assert_eq!(one["kubeconfig"], kubeconfig);
    let url = one["url"].as_str().unwrap();
    assert!(status(&[]).contains(url), "{}", status(&[]));
    assert!(status(&["-o", "wide"]).contains("PROCESS"));

    let second = finish(
        support::command(["sandbox", "--kubeconfig", kubeconfig, "--", "true"])
            .env("TMPDIR", sandbox.tmp.path()),
    );
    assert_eq!(second.code, 1, "{second:?}");
    assert!(
        second.stderr.contains(url) && second.stderr.contains("which is running"),
        "{second:?}"
    );
    assert!(Path::new(kubeconfig).exists());

    sandbox.signal(Signal::KILL);
    sandbox.child.wait().unwrap();
    let gone = finish(support::command(["sandbox", "status"]).env("TMPDIR", sandbox.tmp.path()));
    assert_eq!((gone.code, gone.stdout.as_str()), (0, ""), "{gone:?}");
    assert!(gone.stderr.contains("No sandbox is running"), "{gone:?}");
}

#[test]
fn what_kubectl_keeps_of_a_sandbox_goes_with_it() {
    let script = "echo \"$KUBECACHEDIR\"; dirname \"$KUBECONFIG\"";
    let output = support::run(["sandbox", "--", "sh", "-c", script]).success();
    let lines: Vec<PathBuf> = output.lines().map(PathBuf::from).collect();
    assert!(lines[0].starts_with(&lines[1]), "{lines:?}");
    let mut command = support::command(["sandbox", "--", "sh", "-c", script]);
    let output = finish(command.env("KUBECACHEDIR", "/own")).success();
    assert!(output.starts_with("/own\n"), "{output}");
}

/// A sandbox without a command, with a directory for temporary files of its own.
struct Background {
    tmp: TempDir,
    child: Child,
    stdout: BufReader<ChildStdout>,
}

impl Background {
    fn start(args: &[&str]) -> Self {
        let tmp = tempfile::tempdir().unwrap();
        let mut child = support::command(["sandbox"])
            .args(args)
            .env("TMPDIR", tmp.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        Background { tmp, child, stdout }
    }

    /// The next line of its stdout.
    fn line(&mut self) -> String {
        let mut line = String::new();
        self.stdout.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// Ends it in good order and gives what it wrote to stderr.
    fn end(&mut self, signal: Signal) -> String {
        self.signal(signal);
        wait_until(SOON, || self.child.try_wait().unwrap().is_some());
        assert_eq!(self.child.wait().unwrap().code(), Some(0));
        assert_eq!(self.tmp.path().read_dir().unwrap().count(), 0);
        std::io::read_to_string(self.child.stderr.take().unwrap()).unwrap()
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        // A test that has failed must not leave a server behind either.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

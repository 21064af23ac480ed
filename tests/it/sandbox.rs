//! `appop sandbox`: how it starts, what it runs, and that nothing of it is left. What the server in
//! memory answers is in `fidelity`.
#![cfg(unix)]

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::support::{self, finish, wait_until};

/// The binaries' names, for directories of impostors.
const SERVERS: [&str; 3] = ["etcd", "kube-apiserver", "kube-controller-manager"];

/// Nothing should take longer to go away.
const SOON: Duration = Duration::from_secs(10);

#[test]
fn the_server_in_memory_serves_the_command_and_leaves_nothing() {
    let tmp = tempfile::tempdir().unwrap();
    let script =
        "appop raw /readyz && appop discover deploy -o name && test -f \"$KUBECONFIG\" && exit 7";
    let output =
        finish(support::command(["sandbox", "--", "sh", "-c", script]).env("TMPDIR", tmp.path()));
    assert_eq!(output.code, 7, "{output:?}");
    assert_eq!(output.stdout, "okdeployments.v1.apps\n", "{output:?}");
    assert_eq!(entries(tmp.path()), Vec::<PathBuf>::new());
}

#[test]
fn a_port_of_the_server_in_memory_in_use_is_named() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let output = support::run(["sandbox", "--port", &port]);
    assert_eq!(output.code, 1, "{output:?}");
    let sentence = format!("port {port} on 127.0.0.1 is in use");
    assert!(output.stderr.contains(&sentence), "{output:?}");
}

#[test]
fn what_is_kept_is_there_again_and_what_is_damaged_is_left() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("kept");
    let run = |script: &str| {
        let mut command = support::command(["sandbox", "--data"]);
        finish(command.arg(&file).args(["--", "sh", "-c", script]))
    };
    let create = "appop raw /api/v1/namespaces/default/configmaps -d '{\"metadata\":{\"name\":\"a\"},\"data\":{\"k\":\"v\"}}'";
    let made = run(create).success();
    assert!(made.contains("\"uid\""), "{made}");
    let read = "appop raw /api/v1/namespaces/default/configmaps/a";
    assert_eq!(run(read).success(), made);
    let mut text = fs::read_to_string(&file).unwrap();
    text.truncate(text.len() - 10);
    fs::write(&file, &text).unwrap();
    let output = run("true");
    assert_eq!(output.code, 1, "{output:?}");
    assert!(output.stderr.contains("it is not complete"), "{output:?}");
    assert_eq!(fs::read_to_string(&file).unwrap(), text);
}

#[test]
fn what_services_have_is_theirs_after_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("kept");
    let run = |name: &str, ip: &str| {
        let service = format!(
            r#"{{"metadata":{{"name":"{name}"}},"spec":{{"type":"NodePort",{ip}"ports":[{{"port":80}}]}}}}"#
        );
        let path = "/api/v1/namespaces/default/services";
        let mut command = support::command(["sandbox", "--data"]);
        command.arg(&file);
        finish(command.args(["--", "appop", "raw", path, "-d", &service]))
    };
    let has = |name: &str| {
        let service: serde_json::Value = serde_json::from_str(&run(name, "").success()).unwrap();
        let spec = &service["spec"];
        let port = spec["ports"][0]["nodePort"].as_u64().unwrap();
        (spec["clusterIP"].to_string(), port)
    };
    let (one, other) = (has("one"), has("other"));
    assert!(one.0 != other.0 && one.1 != other.1, "{one:?} {other:?}");
    let refused = run("third", &format!("\"clusterIP\":{},", one.0));
    assert_eq!(refused.code, 1);
    let words = "provided IP is already allocated";
    assert!(refused.stderr.contains(words), "{refused:?}");
}

#[test]
fn a_missing_binary_is_named() {
    let empty = tempfile::tempdir().unwrap();
    let output = finish(
        support::command(["sandbox", "--real"])
            .env("KUBEBUILDER_ASSETS", empty.path())
            .env("PATH", ""),
    );
    assert_eq!(output.code, 1, "{output:?}");
    assert!(output.stderr.contains("cannot find etcd"), "{output:?}");
    assert!(
        output.stderr.contains(empty.path().to_str().unwrap()),
        "{output:?}"
    );
    assert!(
        output.stderr.contains("tests/controlplane/build.sh"),
        "{output:?}"
    );
}

#[test]
fn a_server_that_ends_early_is_named_with_its_last_words() {
    let impostors = impostors("echo starting; echo 'the disk is full' >&2; exit 3");
    let tmp = tempfile::tempdir().unwrap();
    let output = finish(
        support::command(["sandbox", "--real"])
            .env("KUBEBUILDER_ASSETS", impostors.path())
            .env("TMPDIR", tmp.path()),
    );
    assert_eq!(output.code, 1, "{output:?}");
    assert!(
        output
            .stderr
            .contains("etcd ended by itself (exit status: 3)"),
        "{output:?}"
    );
    assert!(output.stderr.contains("the disk is full"), "{output:?}");
    assert_eq!(entries(tmp.path()), Vec::<PathBuf>::new());
}

#[test]
fn a_foreign_kubeconfig_is_kept() {
    let impostors = impostors("exit 3");
    let file = impostors.path().join("config");
    fs::write(&file, "precious").unwrap();
    let output = finish(
        support::command(["sandbox", "--real", "--kubeconfig"])
            .arg(&file)
            .env("KUBEBUILDER_ASSETS", impostors.path()),
    );
    assert_eq!(output.code, 1, "{output:?}");
    assert!(
        output.stderr.contains("no sandbox has written"),
        "{output:?}"
    );
    assert_eq!(fs::read_to_string(&file).unwrap(), "precious");
}

#[test]
fn a_port_in_use_is_named() {
    let Some(real) = support::real() else { return };
    let port = real.url().rsplit(':').next().unwrap().to_owned();
    let output = real.run(["sandbox", "--real", "--port", &port]);
    assert_eq!(output.code, 1, "{output:?}");
    let sentence = format!("port {port} on 127.0.0.1 is in use");
    assert!(output.stderr.contains(&sentence), "{output:?}");
}

#[test]
fn the_commands_exit_code_is_ours_and_so_is_the_first_appop() {
    if support::assets().is_none() {
        return;
    }
    let tmp = tempfile::tempdir().unwrap();
    let script = "appop --version && command -v appop && kubectl get --raw /readyz && exit 7";
    let output = finish(
        support::command(["sandbox", "--real", "--", "sh", "-c", script]).env("TMPDIR", tmp.path()),
    );
    assert_eq!(output.code, 7, "{output:?}");
    let lines: Vec<&str> = output.stdout.lines().collect();
    assert_eq!(
        lines[0],
        concat!("appop ", env!("CARGO_PKG_VERSION")),
        "{output:?}"
    );
    assert!(
        lines[1].starts_with(tmp.path().to_str().unwrap()),
        "{output:?}"
    );
    assert_eq!(lines[2], "ok", "{output:?}");
    assert_eq!(entries(tmp.path()), Vec::<PathBuf>::new());
}

#[test]
fn a_command_that_is_not_there_gives_a_shells_code() {
    if support::assets().is_none() {
        return;
    }
    let output = support::run(["sandbox", "--real", "--nodes", "0", "--", "no-such-command"]);
    assert_eq!(output.code, 127, "{output:?}");
    assert!(
        output.stderr.contains("cannot run no-such-command"),
        "{output:?}"
    );
}

#[test]
fn a_signal_is_passed_on_and_the_command_decides() {
    if support::assets().is_none() {
        return;
    }
    let script = "trap 'exit 5' TERM; echo \"$KUBECONFIG\"; while :; do sleep 0.05; done";
    let mut sandbox = Background::start(&["--nodes", "0", "--", "sh", "-c", script]);
    let line = sandbox.line();
    assert!(line.ends_with("/kubeconfig"), "{line}");
    sandbox.signal(Signal::TERM);
    assert_eq!(sandbox.wait().code(), Some(5));
    assert_nothing_is_left(&sandbox);
}

#[test]
fn a_command_that_ignores_the_signal_does_not_keep_the_servers_alive() {
    if support::assets().is_none() {
        return;
    }
    let script = "trap '' TERM; echo \"$KUBECONFIG\"; while :; do sleep 0.05; done";
    let mut sandbox = Background::start(&["--nodes", "0", "--", "sh", "-c", script]);
    let line = sandbox.line();
    assert!(line.ends_with("/kubeconfig"), "{line}");
    sandbox.signal(Signal::TERM);
    assert_eq!(sandbox.wait().code(), Some(137));
    assert_nothing_is_left(&sandbox);
}

#[test]
fn a_port_lost_to_another_program_is_replaced() {
    let Some(assets) = support::assets() else {
        return;
    };
    // Loses its port the first time, as when another program binds it in between.
    let dir = impostors("exit 3");
    for name in SERVERS {
        let real = assets.join(name).display().to_string();
        let lost = dir.path().join("lost").display().to_string();
        let lose = format!(
            "[ -e '{lost}' ] || {{ : >'{lost}'; echo 'listen: bind: address already in use'; exit 1; }}"
        );
        let first = if name == "kube-apiserver" {
            lose
        } else {
            String::new()
        };
        script(
            &dir.path().join(name),
            &format!("{first}\nexec '{real}' \"$@\""),
        );
    }
    let output = finish(
        support::command(["sandbox", "--real", "--nodes", "0", "--", "echo", "ran"])
            .env("KUBEBUILDER_ASSETS", dir.path()),
    );
    assert_eq!(
        (output.code, output.stdout.as_str()),
        (0, "ran\n"),
        "{output:?}"
    );
    assert!(dir.path().join("lost").exists());
}

#[test]
fn a_server_that_dies_later_ends_the_sandbox() {
    if support::assets().is_none() {
        return;
    }
    let mut sandbox = Background::start(&["--nodes", "0"]);
    sandbox.line();
    let etcd = processes(&sandbox.directory());
    let etcd = etcd
        .iter()
        .find(|(_, command)| command.contains("--data-dir"))
        .unwrap();
    kill_process(etcd.0, Signal::KILL).unwrap();
    assert_eq!(sandbox.wait().code(), Some(1));
    let words = sandbox.stderr();
    assert!(
        words.contains("etcd ended by itself (signal: 9 (SIGKILL))"),
        "{words}"
    );
    assert_nothing_is_left(&sandbox);
}

#[test]
fn interrupt_and_terminate_leave_nothing() {
    if support::assets().is_none() {
        return;
    }
    for signal in [Signal::INT, Signal::TERM] {
        let kubeconfig = tempfile::NamedTempFile::new().unwrap();
        let path = kubeconfig.path().to_str().unwrap();
        let mut sandbox = Background::start(&["--kubeconfig", path]);
        assert_eq!(sandbox.line(), format!("export KUBECONFIG={path}"));
        let mode = kubeconfig.path().metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert_eq!(
            sandbox.directory().metadata().unwrap().permissions().mode() & 0o777,
            0o700
        );
        assert_eq!(processes(&sandbox.directory()).len(), SERVERS.len());
        sandbox.signal(signal);
        assert_eq!(sandbox.wait().code(), Some(0));
        assert_nothing_is_left(&sandbox);
        assert!(!kubeconfig.path().exists());
    }
}

#[test]
fn a_signal_while_it_starts_leaves_nothing() {
    if support::assets().is_none() {
        return;
    }
    let mut sandbox = Background::start(&[]);
    let dir = {
        wait_until(SOON, || !entries(sandbox.tmp.path()).is_empty());
        sandbox.directory()
    };
    wait_until(SOON, || processes(&dir).len() >= 2);
    sandbox.signal(Signal::TERM);
    assert_eq!(sandbox.wait().code(), Some(143));
    assert_nothing_is_left(&sandbox);
}

#[test]
fn being_killed_leaves_no_process_and_the_next_one_sweeps() {
    if support::assets().is_none() {
        return;
    }
    let mut killed = Background::start(&[]);
    killed.line();
    let dir = killed.directory();
    assert_eq!(processes(&dir).len(), SERVERS.len());
    killed.signal(Signal::KILL);
    assert_eq!(killed.wait().signal(), Some(9));
    wait_until(SOON, || processes(&dir).is_empty());
    assert!(dir.exists());

    let next = ["sandbox", "--real", "--nodes", "0", "--", "test", "!", "-e"];
    let output = finish(
        support::command(next)
            .arg(&dir)
            .env("TMPDIR", killed.tmp.path()),
    );
    assert_eq!(output.code, 0, "{output:?}");
    assert_nothing_is_left(&killed);
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
        let mut child = support::command(["sandbox", "--real"])
            .args(args)
            .env("TMPDIR", tmp.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        Background { tmp, child, stdout }
    }

    /// The next line of its stdout; fails the test when there is none.
    fn line(&mut self) -> String {
        let mut line = String::new();
        self.stdout.read_line(&mut line).unwrap();
        assert!(line.ends_with('\n'), "{line:?}: {}", self.stderr());
        line.trim_end().to_owned()
    }

    fn stderr(&mut self) -> String {
        let mut text = String::new();
        self.child
            .stderr
            .take()
            .unwrap()
            .read_to_string(&mut text)
            .unwrap();
        text
    }

    fn directory(&self) -> PathBuf {
        let [dir] = entries(self.tmp.path()).try_into().unwrap();
        dir
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    fn wait(&mut self) -> ExitStatus {
        wait_until(SOON, || self.child.try_wait().unwrap().is_some());
        self.child.wait().unwrap()
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        // A test that has failed must not leave servers behind either.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[track_caller]
fn assert_nothing_is_left(sandbox: &Background) {
    assert_eq!(processes(sandbox.tmp.path()), Vec::new());
    assert_eq!(entries(sandbox.tmp.path()), Vec::<PathBuf>::new());
}

/// The processes whose command line names something in `dir`, except the test's own.
fn processes(dir: &Path) -> Vec<(Pid, String)> {
    let listed = Command::new("ps")
        .args(["-A", "-ww", "-o", "pid=,args="])
        .output()
        .unwrap();
    let dir = dir.to_str().unwrap();
    let all = String::from_utf8_lossy(&listed.stdout).into_owned();
    all.lines()
        .filter(|line| line.contains(dir) && !line.contains("sandbox --real"))
        .map(|line| {
            let (pid, command) = line.trim_start().split_once(' ').unwrap();
            (
                Pid::from_raw(pid.parse().unwrap()).unwrap(),
                command.to_owned(),
            )
        })
        .collect()
}

fn entries(dir: &Path) -> Vec<PathBuf> {
    dir.read_dir()
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect()
}

/// A directory with a script in the place of every server.
fn impostors(body: &str) -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    for name in SERVERS {
        script(&dir.path().join(name), body);
    }
    dir
}

fn script(path: &Path, body: &str) {
    fs::write(path, format!("#!/bin/sh\n{body}\n")).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}

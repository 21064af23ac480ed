//! `appop sandbox`, of either kind, as a process.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::Method;
use rustix::process::{Pid, Signal, kill_process};

use crate::client::Target;

const APPOP: &str = env!("CARGO_BIN_EXE_appop");

/// Which of the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// In memory
    Memory,
    /// etcd, kube-apiserver and kube-controller-manager
    Real,
}

/// A server, ended when dropped.
pub(crate) struct Server {
    child: Child,
    pub(crate) target: Target,
    /// From the start of the process until `/readyz` has answered
    pub(crate) ready: Duration,
    // Last: the server ends before its files go.
    _directory: tempfile::TempDir,
}

impl Server {
    pub(crate) async fn start(kind: Kind, nodes: u16) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let kubeconfig: PathBuf = directory.path().join("kubeconfig");
        let mut command = Command::new(APPOP);
        command.args(["sandbox", "--nodes", &nodes.to_string()]);
        if kind == Kind::Real {
            command.arg("--real");
        }
        command.arg("--kubeconfig").arg(&kubeconfig);
        command.stdin(Stdio::null()).stdout(Stdio::piped());
        command.stderr(Stdio::null());
        let began = Instant::now();
        let mut child = command.spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        assert!(
            line.starts_with("export KUBECONFIG="),
            "the sandbox did not start: {line:?}"
        );
        let target = Target::read(&kubeconfig);
        let mut connection = target.connect().await;
        connection.call(Method::GET, "/readyz", Bytes::new()).await;
        Server {
            ready: began.elapsed(),
            child,
            target,
            _directory: directory,
        }
    }

    /// Resident memory of the process and those that it has started, in bytes.
    pub(crate) fn memory(&self) -> u64 {
        let own = self.child.id().to_string();
        let mut sum = 0;
        for entry in fs::read_dir("/proc").unwrap().map_while(Result::ok) {
            let pid = entry.file_name().to_string_lossy().into_owned();
            if pid.parse::<u32>().is_ok() && is_below(Some(pid), &own) {
                // A process that has just ended has none.
                let status = fs::read_to_string(entry.path().join("status")).unwrap_or_default();
                let line = status.lines().find(|line| line.starts_with("VmRSS:"));
                let kilobytes = line.and_then(|line| line.split_whitespace().nth(1));
                sum += kilobytes.map_or(0, |n| n.parse::<u64>().unwrap() * 1024);
            }
        }
        sum
    }
}

/// Whether `own` is among the process and its parents.
fn is_below(process: Option<String>, own: &str) -> bool {
    let mut process = process;
    while let Some(pid) = process {
        if pid == own {
            return true;
        }
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        let fields = stat.rsplit(") ").next().unwrap_or_default();
        let parent = fields.split(' ').nth(1);
        process = parent.filter(|p| *p != "0").map(str::to_owned);
    }
    false
}

impl Drop for Server {
    fn drop(&mut self) {
        // SIGTERM, so that the servers and their directory go too.
        let _ = kill_process(Pid::from_child(&self.child), Signal::TERM);
        let _ = self.child.wait();
    }
}

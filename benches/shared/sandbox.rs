//! `appop sandbox` as a process.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};

/// A sandbox that takes requests, ended when dropped.
pub(crate) struct Sandbox {
    pub(crate) child: Child,
    pub(crate) kubeconfig: PathBuf,
    // Last: the server ends before its files go.
    _directory: tempfile::TempDir,
}

impl Sandbox {
    /// Starts one with these flags and waits until it is ready.
    pub(crate) fn start(flags: &[&str]) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let kubeconfig = directory.path().join("kubeconfig");
        let mut child = Command::new(env!("CARGO_BIN_EXE_appop"))
            .arg("sandbox")
            .args(flags)
            .arg("--kubeconfig")
            .arg(&kubeconfig)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        assert!(
            line.starts_with("export KUBECONFIG="),
            "the sandbox did not start: {line:?}"
        );
        Sandbox {
            child,
            kubeconfig,
            _directory: directory,
        }
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        // SIGTERM, so that the servers and their directory go too.
        let _ = kill_process(Pid::from_child(&self.child), Signal::TERM);
        let _ = self.child.wait();
    }
}

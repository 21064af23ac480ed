//! A server of either kind, and what it takes.

use std::fs;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::Method;

use crate::client::Target;
use crate::processes;
use crate::sandbox::Sandbox;

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
    sandbox: Sandbox,
    pub(crate) target: Target,
    /// From the start of the process until `/readyz` has answered
    pub(crate) ready: Duration,
}

impl Server {
    pub(crate) async fn start(kind: Kind, nodes: u16) -> Self {
        let nodes = nodes.to_string();
        let mut flags = vec!["--nodes", &nodes];
        if kind == Kind::Real {
            flags.push("--real");
        }
        let began = Instant::now();
        let sandbox = Sandbox::start(&flags);
        let target = Target::read(&sandbox.kubeconfig);
        let mut connection = target.connect().await;
        connection.call(Method::GET, "/readyz", Bytes::new()).await;
        Server {
            ready: began.elapsed(),
            sandbox,
            target,
        }
    }

    /// Resident memory of the process and those that it has started, in bytes.
    pub(crate) fn memory(&self) -> u64 {
        let all = processes::tree(self.sandbox.child.id());
        all.into_iter().map(resident).sum()
    }
}

/// A process that has just ended has none.
fn resident(process: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmRSS:"));
    let kilobytes = line.and_then(|line| line.split_whitespace().nth(1));
    kilobytes.map_or(0, |n| n.parse::<u64>().unwrap() * 1024)
}

//! The servers that scenarios are sent to.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::OnceLock;

use serde_json::Value;

use super::answer::Body;
use super::http::{Client, Request, Server};
use super::kubeconfig;
use super::normal::Known;
use crate::support;

/// A server, and what scenarios must know of it.
pub(super) struct Target {
    pub(super) kubeconfig: PathBuf,
    pub(super) server: Server,
    pub(super) known: Known,
    /// Something puts a service account and a certificate authority into each namespace.
    pub(super) furnished: bool,
}

impl Target {
    fn of(kubeconfig: &Path) -> Target {
        let server = kubeconfig::server(kubeconfig);
        let mut client = Client::new(server.clone());
        let mut get = |target: &str| {
            let request = Request {
                method: "GET".into(),
                target: target.into(),
                headers: Vec::new(),
                body: Vec::new(),
            };
            client.send(&request).unwrap()
        };
        let nodes = match get("/api/v1/nodes").body {
            Body::Json(list) => list["items"].as_array().cloned().unwrap_or_default(),
            _ => Vec::new(),
        };
        let name = |node: &Value| node["metadata"]["name"].as_str().map(str::to_owned);
        let authority = "/api/v1/namespaces/default/configmaps/kube-root-ca.crt";
        Target {
            kubeconfig: kubeconfig.to_owned(),
            known: Known {
                host: server.host.clone(),
                nodes: nodes.iter().filter_map(name).collect(),
            },
            furnished: get(authority).status == 200,
            server,
        }
    }

    /// The real control plane; `None` where there are no binaries for one.
    pub(super) fn real() -> Option<&'static Target> {
        static REAL: OnceLock<Target> = OnceLock::new();
        let real = support::real()?;
        Some(REAL.get_or_init(|| Target::of(&real.kubeconfig)))
    }

    /// The sandbox in memory, or whatever server `APPOP_FIDELITY_KUBECONFIG` leads to.
    pub(super) fn sandbox() -> &'static Target {
        static SANDBOX: OnceLock<Target> = OnceLock::new();
        SANDBOX.get_or_init(|| match std::env::var_os("APPOP_FIDELITY_KUBECONFIG") {
            Some(file) => Target::of(Path::new(&file)),
            None => Target::of(&start()),
        })
    }
}

/// Starts the sandbox, with RBAC as the real server has it; it ends when this process does, since
/// only this process holds its stdin.
fn start() -> PathBuf {
    let mut child = support::command(["sandbox", "--rbac", "--nodes", "2", "--"])
        .args(["sh", "-c", "echo \"$KUBECONFIG\"; exec cat >/dev/null"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap())
        .read_line(&mut line)
        .unwrap();
    assert!(!line.is_empty(), "the sandbox did not start");
    // The pipe to its stdin must stay open.
    std::mem::forget(child);
    PathBuf::from(line.trim_end())
}

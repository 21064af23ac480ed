//! `appop sandbox`: a Kubernetes API on this machine.

use std::ffi::OsString;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::process::ExitCode;

use super::Context;
use super::exit::Usage;
use crate::sandbox::memory::host::Options;

#[cfg(unix)]
mod command;
mod hints;
mod pods;
#[cfg(not(unix))]
mod portable;
#[cfg(unix)]
mod running;
#[cfg(unix)]
mod serve;
#[cfg(unix)]
pub(super) mod signals;
mod status;

#[cfg(not(unix))]
use portable as serve;

const MORE: &str = "\
The server runs in this program, in memory, as Kubernetes 1.36 behaves; what it does not do, it
refuses with a Status that says so. With --real, the real servers run: etcd, kube-apiserver and
kube-controller-manager, with RBAC on. Their binaries come from $KUBEBUILDER_ASSETS, then the PATH.

Both listen on 127.0.0.1 only, and everything is lost at the end, which Ctrl-C brings about, or the
end of COMMAND. With --data the server in memory keeps it in a file.

The context `appop-sandbox` of the kubeconfig is for an administrator. A FILE that exists is
overwritten only when it is empty or another sandbox's, and removed at the end.

On the simulated nodes no container runs, but pods are scheduled, become ready and go when they
are deleted, as if all went well. A pod that may complete (restartPolicy Never or OnFailure, so a
Job's too) succeeds after a second; one that names a Secret, ConfigMap or claim waits until it is
there. Claims get volumes with nothing behind them. Probes, pod affinity and topology spread are not
looked at; logs, exec and port-forward have nothing to reach.

In a PATTERN, `*` stands for any characters and `?` for one. An image is meant by all of it or by
what follows its last slash, a pod by its name or by its namespace/name.

Examples:
  appop sandbox --demo
  appop sandbox --nodes 3 -- kubectl get nodes
  appop sandbox --fail-image 'nginx:*' --fail-pod 'shop/web-*' --start-delay 5s
  appop sandbox --kubeconfig sandbox.yaml -- ./e2e.sh
  appop sandbox --real -- bash";

/// Arguments of `appop sandbox`.
#[derive(Debug, clap::Args)]
#[command(after_long_help = MORE, args_conflicts_with_subcommands = true)]
pub struct Args {
    #[command(subcommand)]
    action: Option<Action>,
    /// Run the real servers: etcd, kube-apiserver and kube-controller-manager
    #[arg(long)]
    real: bool,
    /// Bring an example App up, by the operator, which runs in this process too
    #[arg(long)]
    demo: bool,
    /// The API server's port; any free one by default
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    port: Option<u16>,
    /// Listen on this address in place of 127.0.0.1: whoever reaches it needs the token
    #[arg(long, value_name = "ADDRESS", conflicts_with = "real")]
    bind: Option<IpAddr>,
    /// Write the kubeconfig to FILE; to a temporary directory by default
    // The same id as the global flag, whose place it takes: here there is nothing to read yet.
    #[arg(long, value_name = "FILE")]
    kubeconfig: Option<PathBuf>,
    /// How many nodes to simulate
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(0..=500))]
    nodes: u16,
    #[command(flatten)]
    pods: pods::Pods,
    /// Let Roles and their bindings decide who may do what, as they always do with --real
    #[arg(long)]
    rbac: bool,
    /// Start with what FILE holds, and keep everything in it
    #[arg(long, value_name = "FILE", conflicts_with = "real")]
    data: Option<PathBuf>,
    /// Run COMMAND with KUBECONFIG set and this appop first on its PATH, and end with its exit code
    #[arg(last = true, value_name = "COMMAND")]
    command: Vec<OsString>,
}

/// What else there is to do with sandboxes.
#[derive(Debug, clap::Subcommand)]
enum Action {
    /// Which sandboxes are running, and where their kubeconfigs are
    Status(status::Args),
}

impl Args {
    /// Serves until told to stop, or until the command given has ended.
    pub(super) async fn run(&self, context: &Context) -> anyhow::Result<ExitCode> {
        if let Some(Action::Status(args)) = &self.action {
            return args.run(context.printer);
        }
        if let Some(flag) = context.global.connect.beside_file() {
            return Err(Usage(format!(
                "{flag} is for commands that ask a server; appop sandbox starts one"
            ))
            .into());
        }
        serve::run(self, context.printer).await
    }

    /// What the server in memory is to be like.
    fn memory(&self) -> Options {
        let address = self.bind.unwrap_or(IpAddr::V4(Ipv4Addr::LOCALHOST));
        Options {
            address: SocketAddr::new(address, self.port.unwrap_or(0)),
            kubeconfig: self.kubeconfig.clone(),
            nodes: self.nodes,
            pods: self.pods.options(),
            rbac: self.rbac,
            data: self.data.clone(),
        }
    }
}

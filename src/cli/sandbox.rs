//! `appop sandbox`: a Kubernetes API on this machine.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use super::Context;
use super::exit::Usage;

#[cfg(unix)]
mod real;

#[cfg(not(unix))]
mod real {
    use super::{Args, ExitCode};
    use crate::output::Printer;

    pub(super) async fn run(_: &Args, _: Printer) -> anyhow::Result<ExitCode> {
        anyhow::bail!("the real servers run on Linux and macOS; on Windows, run appop inside WSL")
    }
}

const MORE: &str = "\
With --real, the servers listen on 127.0.0.1 only, with RBAC on. Their binaries come from
$KUBEBUILDER_ASSETS, then the PATH. All they store is in a temporary directory and lost at the end,
which Ctrl-C brings about, or the end of COMMAND.

The context `appop-sandbox` of the kubeconfig is for an administrator. A FILE that exists is
overwritten only when it is empty or another sandbox's, and removed at the end.

On the simulated nodes no container runs, but pods are scheduled, become ready and go when they
are deleted, as if all went well. A pod that may complete (restartPolicy Never or OnFailure, so a
Job's too) succeeds after a second. Volumes, probes, images, pod affinity and topology spread are
not looked at; logs, exec and port-forward have nothing to reach.

Examples:
  appop sandbox --real
  appop sandbox --real --nodes 3 -- kubectl get nodes
  appop sandbox --real --kubeconfig sandbox.yaml -- ./e2e.sh";

/// Arguments of `appop sandbox`.
#[derive(Debug, clap::Args)]
#[command(after_long_help = MORE)]
#[cfg_attr(not(unix), allow(dead_code))]
pub struct Args {
    /// Run the real servers: etcd, kube-apiserver and kube-controller-manager
    #[arg(long)]
    real: bool,
    /// The API server's port on 127.0.0.1; any free one by default
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    port: Option<u16>,
    /// Write the kubeconfig to FILE; to a temporary directory by default
    // The same id as the global flag, whose place it takes: here there is nothing to read yet.
    #[arg(long, value_name = "FILE")]
    kubeconfig: Option<PathBuf>,
    /// How many nodes to simulate
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(0..=500))]
    nodes: u16,
    /// Run COMMAND with KUBECONFIG set and this appop first on its PATH, and end with its exit code
    #[arg(last = true, value_name = "COMMAND")]
    command: Vec<OsString>,
}

impl Args {
    /// Serves until told to stop, or until the command given has ended.
    pub(super) async fn run(&self, context: &Context) -> anyhow::Result<ExitCode> {
        if !self.real {
            let problem = "the sandbox in memory is not built yet; --real runs the real servers";
            return Err(Usage(problem.to_owned()).into());
        }
        real::run(self, context.printer).await
    }
}

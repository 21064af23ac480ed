//! `appop sandbox`: a Kubernetes API on this machine.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use super::Context;
use super::exit::Usage;

#[cfg(unix)]
mod real;

/// Arguments of `appop sandbox`.
///
/// With --real, etcd, kube-apiserver and kube-controller-manager are started on 127.0.0.1, from
/// $KUBEBUILDER_ASSETS or the PATH, and stopped at the end; all that was stored is lost then.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Run the real servers: etcd, kube-apiserver and kube-controller-manager
    #[arg(long)]
    real: bool,
    /// The API server's port on 127.0.0.1; otherwise a free one
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    port: Option<u16>,
    /// Write the kubeconfig to FILE; otherwise to a temporary directory
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
        #[cfg(unix)]
        return real::run(self, context.printer).await;
        #[cfg(not(unix))]
        anyhow::bail!(
            "the real servers run on Linux and macOS only; on Windows, run appop inside WSL"
        );
    }
}

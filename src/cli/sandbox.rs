//! `appop sandbox`: a Kubernetes API on this machine.

use std::process::ExitCode;

use super::Context;

/// Arguments of `appop sandbox`.
#[derive(Debug, clap::Args)]
pub struct Args {}

impl Args {
    /// Serves until told to stop, or until the command given has ended.
    pub(super) async fn run(&self, _context: &Context) -> anyhow::Result<ExitCode> {
        Ok(ExitCode::SUCCESS)
    }
}

//! `appop sandbox` where there are no signals: the server in memory, until Ctrl-C or the end of the
//! command.

use std::process::ExitCode;

use anyhow::Context;
use tokio::process::Command;

use super::{Args, hints};
use crate::cli::demo;
use crate::output::Printer;
use crate::sandbox::memory::host::Sandbox;

pub(super) async fn run(args: &Args, printer: Printer) -> anyhow::Result<ExitCode> {
    if args.real {
        anyhow::bail!("the real servers run on Linux and macOS; on Windows, run appop inside WSL");
    }
    let sandbox = Sandbox::start(args.memory()).await?;
    let kubeconfig = sandbox.kubeconfig_path().to_owned();
    let mut operator = None;
    if args.demo {
        let (started, state) = demo::bring_up(&kubeconfig, printer).await?;
        operator = Some(started);
        if args.command.is_empty() {
            printer.say(&hints::text(&state));
        }
    }
    let code = match args.command.split_first() {
        Some((program, arguments)) => {
            let mut command = Command::new(program);
            command.args(arguments).env("KUBECONFIG", &kubeconfig);
            let status = command.status().await;
            let status = status.with_context(|| format!("cannot run {}", program.display()))?;
            let code = status.code().and_then(|code| u8::try_from(code).ok());
            ExitCode::from(code.unwrap_or(1))
        }
        None => {
            printer.data(&format!("{}\n", kubeconfig.display()))?;
            tokio::signal::ctrl_c().await?;
            ExitCode::SUCCESS
        }
    };
    if let Some(operator) = operator {
        operator.stop().await;
    }
    sandbox.stop().await?;
    Ok(code)
}

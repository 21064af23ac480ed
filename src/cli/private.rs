//! `--sandbox`: a server for one command alone.

use std::process::ExitCode;

use super::demo;
use super::exit::Usage;
use super::{Command, Context};
use crate::sandbox::memory::host::{Options, Sandbox};

/// What is on the server before the command begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Furniture {
    /// What every server has
    Bare,
    /// The CRD of Apps and an example
    App,
    /// The same, and the operator that has brought the example up
    Operated,
}

/// Runs the command on a server that is there only for it.
///
/// Errors: the command needs no server or a certain one; whatever it fails with itself.
pub(super) async fn run(command: &Command, mut context: Context) -> anyhow::Result<ExitCode> {
    let furniture = furniture(command)?;
    if let Some(flag) = context.global.connect.chosen() {
        return Err(Usage(format!(
            "{flag} says which server to ask, and --sandbox starts one for this command: give one \
             of the two"
        ))
        .into());
    }
    let sandbox = Sandbox::start(Options::default()).await?;
    context.global.connect.kubeconfig = Some(sandbox.kubeconfig_path().to_owned());
    // Its address is another each time; what would be kept of it is of no use to anybody.
    context.global.cache_dir = Some(sandbox.directory().join("cache"));
    let ended = furnished(command, &context, &sandbox, furniture).await;
    let stopped = sandbox.stop().await;
    ended.and_then(|code| {
        stopped?;
        Ok(code)
    })
}

async fn furnished(
    command: &Command,
    context: &Context,
    sandbox: &Sandbox,
    furniture: Furniture,
) -> anyhow::Result<ExitCode> {
    let (kubeconfig, printer) = (sandbox.kubeconfig_path(), context.printer);
    match furniture {
        Furniture::Bare => interruptible(command, context).await,
        Furniture::App => {
            demo::furnish(&demo::connect(kubeconfig, printer)?).await?;
            interruptible(command, context).await
        }
        Furniture::Operated => {
            let (operator, state) = demo::bring_up(kubeconfig, printer).await?;
            state.warn(printer);
            let ended = interruptible(command, context).await;
            operator.stop().await;
            ended
        }
    }
}

/// Runs the command so that a signal ends it and not the process: the sandbox's directory is still
/// to be removed.
async fn interruptible(command: &Command, context: &Context) -> anyhow::Result<ExitCode> {
    // It ends in good order by itself when it is told to.
    if matches!(command, Command::Run(_)) {
        return command.run(context).await;
    }
    tokio::select! {
        ended = command.run(context) => ended,
        code = interrupted() => code,
    }
}

#[cfg(unix)]
async fn interrupted() -> anyhow::Result<ExitCode> {
    let mut signals = super::sandbox::signals::Signals::catch()?;
    Ok(signals.next().await.exit_code())
}

#[cfg(not(unix))]
async fn interrupted() -> anyhow::Result<ExitCode> {
    tokio::signal::ctrl_c().await?;
    Ok(ExitCode::FAILURE)
}

fn furniture(command: &Command) -> Result<Furniture, Usage> {
    match command {
        Command::Discover(_)
        | Command::Raw(_)
        | Command::Crds(_)
        | Command::Explain(_)
        | Command::Run(_) => Ok(Furniture::App),
        Command::Apps(_) | Command::Tree(_) => Ok(Furniture::Operated),
        Command::Install(_) | Command::Uninstall(_) => Ok(Furniture::Bare),
        Command::Sandbox(_) => Err(Usage(
            "appop sandbox is one already; --sandbox is for the other commands".to_owned(),
        )),
        Command::Completion(_) => Err(Usage(
            "appop completion asks no server, so it has no use for --sandbox".to_owned(),
        )),
    }
}

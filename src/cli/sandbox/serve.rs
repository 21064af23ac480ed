//! `appop sandbox`: what is printed, which signals end it, and the command that runs in it.

use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;

use super::Args;
use super::command;
use super::hints;
use super::running::Running;
use super::signals::Signals;
use crate::cli::demo;
use crate::output::Printer;
use crate::output::progress::Progress;
use crate::sandbox::memory::host::Sandbox;
use crate::sandbox::real::{ControlPlane, Options};

pub(super) async fn run(args: &Args, printer: Printer) -> anyhow::Result<ExitCode> {
    let mut signals = Signals::catch()?;
    let began = Instant::now();
    let started = tokio::select! {
        started = start(args, printer) => started?,
        signal = signals.next() => {
            printer.say("stopped before the servers were ready");
            return Ok(signal.exit_code());
        }
    };
    let mut running = started;
    if args.command.is_empty() {
        printer.say(&format!(
            "{} with {}, ready after {:.1} s. Ctrl-C ends it.",
            running.name(),
            nodes(args.nodes),
            began.elapsed().as_secs_f32()
        ));
    }
    let ended = serve(args, &mut running, &mut signals, printer).await;
    let stopped = running.stop().await;
    ended.and_then(|code| stopped.map(|()| code))
}

async fn serve(
    args: &Args,
    running: &mut Running,
    signals: &mut Signals,
    printer: Printer,
) -> anyhow::Result<ExitCode> {
    let mut operator = None;
    if args.demo {
        let (started, state) = tokio::select! {
            up = demo::bring_up(running.kubeconfig(), printer) => up?,
            signal = signals.next() => return Ok(signal.exit_code()),
        };
        operator = Some(started);
        match args.command.is_empty() {
            true => printer.say(&hints::text(&state)),
            false => state.warn(printer),
        }
    }
    let ended = match args.command.split_first() {
        Some((program, arguments)) => {
            command::run(program, arguments, running, signals, printer).await
        }
        None => match printer.data(&export_line(running.kubeconfig())) {
            Err(problem) => Err(problem.into()),
            Ok(()) => tokio::select! {
                ended = running.ended() => Err(anyhow::anyhow!("{ended}")),
                _ = signals.next() => Ok(ExitCode::SUCCESS),
            },
        },
    };
    if let Some(operator) = operator {
        operator.stop().await;
    }
    ended
}

async fn start(args: &Args, printer: Printer) -> anyhow::Result<Running> {
    if !args.real {
        let sandbox = Sandbox::start(args.memory()).await?;
        return Ok(Running::Memory(Box::new(sandbox)));
    }
    let options = Options {
        port: args.port,
        kubeconfig: args.kubeconfig.clone(),
        nodes: args.nodes,
        pods: args.pods.options(),
    };
    if args.command.is_empty() {
        let started = ControlPlane::start(options, |stage| printer.say(stage)).await?;
        return Ok(Running::Real(Box::new(started)));
    }
    // stderr is the command's too: nothing but what a terminal forgets again.
    let progress = Progress::start(printer, "starting the sandbox");
    let started = ControlPlane::start(options, |stage| progress.set(stage)).await?;
    Ok(Running::Real(Box::new(started)))
}

fn nodes(count: u16) -> String {
    match count {
        0 => "no nodes".to_owned(),
        1 => "1 simulated node".to_owned(),
        _ => format!("{count} simulated nodes"),
    }
}

/// A line for a shell. It is quoted only where it must be.
fn export_line(path: &Path) -> String {
    let path = path.to_string_lossy();
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+:@%,".contains(c);
    if path.chars().all(plain) {
        format!("export KUBECONFIG={path}\n")
    } else {
        format!("export KUBECONFIG='{}'\n", path.replace('\'', "'\\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_export_line_is_quoted_where_a_shell_needs_it() {
        assert_eq!(
            export_line(Path::new("/tmp/a-b/c")),
            "export KUBECONFIG=/tmp/a-b/c\n"
        );
        assert_eq!(
            export_line(Path::new("/tmp/it's $x")),
            "export KUBECONFIG='/tmp/it'\\''s $x'\n"
        );
    }
}

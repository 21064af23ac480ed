//! The command that runs in a sandbox, as a shell would run it.

use std::env;
use std::ffi::{OsStr, OsString};
use std::io;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{ExitCode, ExitStatus};
use std::time::Duration;

use anyhow::Context;
use rustix::process::{Pid, Signal, kill_process};
use tokio::process::{Child, Command};
use tokio::time::{Instant, sleep_until};

use super::running::Running;
use super::signals::Signals;
use crate::output::Printer;
use crate::sandbox::ASSETS_VARIABLE;

const CACHE_VARIABLE: &str = "KUBECACHEDIR";

/// A shell's codes for a command that is not there, and for one that cannot be run.
const NOT_FOUND: u8 = 127;
const NOT_EXECUTABLE: u8 = 126;

/// How long a command may take to end after SIGTERM: whoever sent it wants the servers gone, and an
/// interactive shell ignores it. Shorter than the patience of systemd or Kubernetes.
const GRACE: Duration = Duration::from_secs(5);

/// Runs the command until it ends; its exit code is ours. Signals are passed on to it.
pub(super) async fn run(
    program: &OsStr,
    arguments: &[OsString],
    running: &mut Running,
    signals: &mut Signals,
    printer: Printer,
) -> anyhow::Result<ExitCode> {
    let own = own_directory(running.directory())?;
    let mut command = Command::new(program);
    command
        .args(arguments)
        .env("KUBECONFIG", running.kubeconfig())
        .env(CACHE_VARIABLE, cache(running.directory()))
        .env(
            "PATH",
            path(own, env::var_os("PATH"), env::var_os(ASSETS_VARIABLE))?,
        );
    let mut child = match command.spawn() {
        Ok(child) => child,
        Err(problem) => {
            printer.error(&format!("cannot run {}: {problem}", program.display()));
            return Ok(ExitCode::from(match problem.kind() {
                io::ErrorKind::NotFound => NOT_FOUND,
                _ => NOT_EXECUTABLE,
            }));
        }
    };
    let mut servers_live = true;
    let mut deadline = None;
    let status = loop {
        tokio::select! {
            status = child.wait() => break status.context("cannot wait for the command")?,
            signal = signals.next() => {
                if !signal.reached_the_group() {
                    pass_on(&child, signal.0);
                }
                if signal.0 == Signal::TERM {
                    deadline.get_or_insert(Instant::now() + GRACE);
                }
            }
            () = sleep_until(deadline.unwrap_or_else(Instant::now)), if deadline.is_some() => {
                deadline = None;
                printer.say("The command does not end when asked to; it is killed.");
                child.start_kill().context("cannot kill the command")?;
            }
            ended = running.ended(), if servers_live => {
                // The command is left to find out for itself what it can still do.
                servers_live = false;
                printer.error(&ended.to_string());
            }
        }
    };
    let code = exit_code(status);
    Ok(ExitCode::from(if servers_live {
        code
    } else {
        code.max(1)
    }))
}

/// Where kubectl, and appop, keep what servers serve: by address, of which this sandbox's is soon
/// another one's.
fn cache(sandbox: &Path) -> OsString {
    env::var_os(CACHE_VARIABLE)
        .filter(|dir| !dir.is_empty())
        .unwrap_or_else(|| sandbox.join("cache").into_os_string())
}

fn pass_on(child: &Child, signal: rustix::process::Signal) {
    // Without an id it has ended, and the next thing that is heard of it is its exit code.
    if let Some(pid) = child.id().and_then(|id| Pid::from_raw(id.cast_signed())) {
        let _ = kill_process(pid, signal);
    }
}

fn exit_code(status: ExitStatus) -> u8 {
    let code = status
        .code()
        .or_else(|| status.signal().map(|signal| 128 + signal));
    code.and_then(|code| u8::try_from(code).ok()).unwrap_or(1)
}

/// A directory with nothing but this program in it, as `appop`: it can be first on the PATH
/// without changing what else is found there.
fn own_directory(sandbox: &Path) -> anyhow::Result<PathBuf> {
    let program = env::current_exe().context("cannot tell where this program is")?;
    let dir = sandbox.join("bin");
    std::fs::create_dir(&dir)
        .and_then(|()| std::os::unix::fs::symlink(&program, dir.join("appop")))
        .with_context(|| format!("cannot link to {} in {}", program.display(), dir.display()))?;
    Ok(dir)
}

/// `own` first; the directory of the servers last, for there is often a kubectl in it.
fn path(
    own: PathBuf,
    inherited: Option<OsString>,
    assets: Option<OsString>,
) -> anyhow::Result<OsString> {
    let inherited = inherited.unwrap_or_default();
    let assets = assets.filter(|dir| !dir.is_empty()).map(PathBuf::from);
    let dirs = std::iter::once(own)
        .chain(env::split_paths(&inherited))
        .chain(assets);
    env::join_paths(dirs).context("cannot extend the PATH")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_program_is_first_and_the_servers_are_last() {
        let joined = path("/own".into(), Some("/a:/b".into()), Some("/assets".into())).unwrap();
        assert_eq!(joined, "/own:/a:/b:/assets");
        assert_eq!(
            path("/own".into(), Some("/a".into()), Some("".into())).unwrap(),
            "/own:/a"
        );
    }

    #[test]
    fn exit_codes_are_a_shells() {
        assert_eq!(exit_code(ExitStatus::from_raw(7 << 8)), 7);
        assert_eq!(exit_code(ExitStatus::from_raw(9)), 137);
    }
}

//! One server as a process, and all of them together.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::{Duration, Instant};

use futures::future::select_all;
use tokio::process::{Child, Command};

use super::orphans::Guard;
use crate::sandbox::error::{Ended, Error};

/// Lines of a log that an error shows: enough for the cause, little enough to read.
const LOG_LINES: usize = 10;
/// How far back in a log those lines are looked for.
const LOG_TAIL: u64 = 64 * 1024;
/// How long a killed process may take to be gone, where nothing can be awaited.
const REAP: Duration = Duration::from_secs(5);

/// A running server; its output goes to a file.
struct Server {
    name: &'static str,
    child: Child,
    log: PathBuf,
}

/// The running servers. Dropping them kills them and waits until they are gone.
pub(super) struct Servers {
    running: Vec<Server>,
    // After the servers: it must not be gone while one of them runs.
    guard: Guard,
}

impl Servers {
    pub(super) fn new() -> Result<Self, Error> {
        let guard = Guard::new().map_err(Error::system("watch over the servers"))?;
        Ok(Servers {
            running: Vec::new(),
            guard,
        })
    }

    /// Starts a server with `dir` as its working directory and `NAME.log` there for its output.
    pub(super) async fn start(
        &mut self,
        name: &'static str,
        binary: &Path,
        arguments: &[String],
        dir: &Path,
    ) -> Result<(), Error> {
        let failed = || Error::system(format!("start {}", binary.display()));
        let log = log_file(dir, name);
        let out = File::create(&log).map_err(failed())?;
        let err = out.try_clone().map_err(failed())?;
        let mut command = Command::new(binary);
        command
            .args(arguments)
            .current_dir(dir)
            .stdin(Stdio::null())
            .stdout(out)
            .stderr(err);
        // A Ctrl-C in the terminal is for us, who then stop the servers.
        command.process_group(0);
        // etcd takes every flag from its environment too.
        for (key, _) in std::env::vars_os() {
            if key.to_string_lossy().starts_with("ETCD_") {
                command.env_remove(key);
            }
        }
        let child = self.guard.spawn(command).await.map_err(failed())?;
        self.running.push(Server { name, child, log });
        Ok(())
    }

    /// Waits until a server has ended by itself; for ever when there is none. It is not among the
    /// running ones any more then.
    pub(super) async fn ended(&mut self) -> Ended {
        if self.running.is_empty() {
            return std::future::pending().await;
        }
        let waits = self
            .running
            .iter_mut()
            .map(|server| Box::pin(server.child.wait()));
        let (status, index, _) = select_all(waits).await;
        let server = self.running.remove(index);
        Ended {
            server: server.name,
            status: status.ok(),
            log: tail(&server.log),
        }
    }

    /// Kills all of them (their data is thrown away anyway) and waits until they are gone.
    pub(super) async fn stop(&mut self) {
        self.kill();
        for mut server in self.running.drain(..) {
            let _ = server.child.wait().await;
        }
    }

    fn kill(&mut self) {
        for server in &mut self.running {
            // It has ended already when this fails.
            let _ = server.child.start_kill();
        }
    }
}

impl Drop for Servers {
    fn drop(&mut self) {
        self.kill();
        let until = Instant::now() + REAP;
        for server in &mut self.running {
            while matches!(server.child.try_wait(), Ok(None)) && Instant::now() < until {
                std::thread::sleep(Duration::from_millis(5));
            }
        }
    }
}

fn log_file(dir: &Path, name: &str) -> PathBuf {
    dir.join(format!("{name}.log"))
}

/// The end of the log of the server `name`.
pub(super) fn log_of(dir: &Path, name: &str) -> String {
    tail(&log_file(dir, name))
}

fn tail(log: &Path) -> String {
    let read = || -> io::Result<String> {
        let mut file = File::open(log)?;
        let length = file.metadata()?.len();
        file.seek(SeekFrom::Start(length.saturating_sub(LOG_TAIL)))?;
        let mut bytes = Vec::new();
        file.take(LOG_TAIL).read_to_end(&mut bytes)?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    };
    match read() {
        Ok(text) => last_lines(&text),
        Err(problem) => format!("(cannot read {}: {problem})", log.display()),
    }
}

fn last_lines(text: &str) -> String {
    let lines: Vec<&str> = text
        .lines()
        // The cause of a panic stands before the stacks, which are for the server's makers.
        .take_while(|line| !is_stack(line))
        .filter(|line| !line.trim().is_empty())
        .collect();
    lines[lines.len().saturating_sub(LOG_LINES)..].join("\n")
}

/// Whether a line begins the stacks that a Go program prints when it panics.
fn is_stack(line: &str) -> bool {
    line.starts_with("goroutine ") && line.ends_with("]:")
}

/// Whether a server ended because its port was taken.
pub(super) fn port_was_taken(ended: &Ended) -> bool {
    ended
        .status
        .is_some_and(|status: ExitStatus| !status.success())
        && ended.log.contains("address already in use")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_lines_that_say_something() {
        let text: String = (0..20).map(|i| format!("line {i}\n\n")).collect();
        let shown = last_lines(&text);
        assert!(
            shown.starts_with("line 10\n") && shown.ends_with("line 19"),
            "{shown}"
        );
        assert_eq!(last_lines("one"), "one");
        let panic =
            "started\npanic: disk is full\n\ngoroutine 1 [running]:\nmain.main()\n\tmain.go:10";
        assert_eq!(last_lines(panic), "started\npanic: disk is full");
        assert_eq!(last_lines(""), "");
    }
}

//! No server outlives this process, not even when it is killed without a chance to clean up.
//!
//! On Linux the kernel sees to it. Elsewhere a small shell waits for the end of a pipe that only
//! this process holds open, and then kills the servers.

#[cfg(target_os = "linux")]
pub(super) use linux::Guard;
#[cfg(not(target_os = "linux"))]
pub(super) use watchdog::Guard;

#[cfg(target_os = "linux")]
mod linux {
    use std::io;
    use std::sync::{OnceLock, mpsc};
    use std::thread;

    use rustix::process::{Pid, Signal, getpid, getppid, set_parent_process_death_signal};
    use tokio::process::{Child, Command};
    use tokio::runtime::Handle;
    use tokio::sync::oneshot;

    /// Starts processes that the kernel kills when this one has ended.
    pub(in super::super) struct Guard;

    impl Guard {
        pub(in super::super) fn new() -> io::Result<Self> {
            Ok(Guard)
        }

        /// Must be called within a tokio runtime.
        pub(in super::super) async fn spawn(&mut self, mut command: Command) -> io::Result<Child> {
            die_with(&mut command, getpid());
            let (reply, child) = oneshot::channel();
            let job = Job {
                command,
                runtime: Handle::current(),
                reply,
            };
            let gone = || io::Error::other("the thread that starts processes is gone");
            spawner()?.send(job).map_err(|_| gone())?;
            child.await.map_err(|_| gone())?
        }
    }

    struct Job {
        command: Command,
        runtime: Handle,
        reply: oneshot::Sender<io::Result<Child>>,
    }

    /// The kernel's signal comes when the *thread* that forked has ended, and a runtime's threads
    /// come and go; this one stays as long as the process.
    fn spawner() -> io::Result<&'static mpsc::Sender<Job>> {
        static SPAWNER: OnceLock<mpsc::Sender<Job>> = OnceLock::new();
        if let Some(spawner) = SPAWNER.get() {
            return Ok(spawner);
        }
        let (sender, jobs) = mpsc::channel::<Job>();
        thread::Builder::new()
            .name("sandbox-spawner".to_owned())
            .spawn(move || {
                for mut job in jobs {
                    let _runtime = job.runtime.enter();
                    // An asker that has gone away drops the child, which then is killed.
                    let _ = job.reply.send(job.command.kill_on_drop(true).spawn());
                }
            })?;
        Ok(SPAWNER.get_or_init(|| sender))
    }

    #[allow(unsafe_code)]
    fn die_with(command: &mut Command, parent: Pid) {
        let before_exec = move || {
            set_parent_process_death_signal(Some(Signal::KILL))?;
            // The parent may have ended before the request was made; then no signal comes.
            if getppid() == Some(parent) {
                Ok(())
            } else {
                Err(io::ErrorKind::NotConnected.into())
            }
        };
        // SAFETY: between fork and exec only async-signal-safe work is allowed. The closure makes
        // two plain system calls, prctl and getppid, and its errors need no allocation.
        unsafe { command.pre_exec(before_exec) };
    }
}

#[cfg(any(test, not(target_os = "linux")))]
mod watchdog {
    use std::io::{self, Write};
    use std::os::unix::process::CommandExt;
    use std::process::{self, Stdio};

    use tokio::process::{Child, Command};

    /// Reads process ids until its input ends, which it does when this process does.
    const SCRIPT: &str = "trap '' HUP INT QUIT TERM
        while read -r pid; do pids=\"$pids $pid\"; done
        [ -z \"$pids\" ] || kill -KILL $pids";

    /// Starts processes and tells a watchdog of them. Dropping it ends the watchdog, not them.
    pub(in super::super) struct Guard {
        watchdog: process::Child,
    }

    impl Guard {
        pub(in super::super) fn new() -> io::Result<Self> {
            let watchdog = process::Command::new("/bin/sh")
                .args(["-c", SCRIPT])
                // A Ctrl-C in the terminal is not meant for it.
                .process_group(0)
                .stdin(Stdio::piped())
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn()?;
            Ok(Guard { watchdog })
        }

        /// Must be called within a tokio runtime.
        pub(in super::super) async fn spawn(&mut self, mut command: Command) -> io::Result<Child> {
            let child = command.kill_on_drop(true).spawn()?;
            if let (Some(pid), Some(pipe)) = (child.id(), &mut self.watchdog.stdin) {
                writeln!(pipe, "{pid}")?;
            }
            Ok(child)
        }
    }

    impl Drop for Guard {
        fn drop(&mut self) {
            // Killed before its pipe is closed: by now its process ids may be other programs'.
            let _ = self.watchdog.kill();
            let _ = self.watchdog.wait();
        }
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[tokio::test]
        async fn processes_die_when_the_pipe_breaks() {
            let mut guard = Guard::new().unwrap();
            let mut sleep = Command::new("sleep");
            sleep.arg("600");
            let mut child = guard.spawn(sleep).await.unwrap();
            drop(guard.watchdog.stdin.take());
            let status = child.wait().await.unwrap();
            assert!(!status.success());
        }

        #[tokio::test]
        async fn processes_are_left_alone_after_an_orderly_end() {
            let mut guard = Guard::new().unwrap();
            let mut cat = Command::new("cat");
            cat.stdin(Stdio::piped());
            let mut child = guard.spawn(cat).await.unwrap();
            drop(guard);
            drop(child.stdin.take());
            assert!(child.wait().await.unwrap().success());
        }
    }
}

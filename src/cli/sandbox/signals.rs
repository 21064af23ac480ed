//! The signals that ask a program to end.

use std::fs::File;
use std::io;
use std::process::ExitCode;

use rustix::process::Signal;
use tokio::signal::unix::{self, SignalKind, signal};

/// Catches SIGHUP, SIGINT, SIGQUIT and SIGTERM from now on; SIGHUP not under nohup.
pub(in crate::cli) struct Signals {
    hangup: Option<unix::Signal>,
    interrupt: unix::Signal,
    quit: unix::Signal,
    terminate: unix::Signal,
}

/// One that came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::cli) struct Caught(pub(super) Signal);

impl Signals {
    pub(in crate::cli) fn catch() -> io::Result<Self> {
        Ok(Signals {
            hangup: (!hangups_are_ignored())
                .then(|| signal(SignalKind::hangup()))
                .transpose()?,
            interrupt: signal(SignalKind::interrupt())?,
            quit: signal(SignalKind::quit())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    /// Waits for the next one.
    pub(in crate::cli) async fn next(&mut self) -> Caught {
        let hangup = async {
            match &mut self.hangup {
                Some(hangup) => hangup.recv().await,
                None => std::future::pending().await,
            }
        };
        let signal = tokio::select! {
            _ = hangup => Signal::HUP,
            _ = self.interrupt.recv() => Signal::INT,
            _ = self.quit.recv() => Signal::QUIT,
            _ = self.terminate.recv() => Signal::TERM,
        };
        Caught(signal)
    }
}

impl Caught {
    /// What a shell shows for a program that this signal has ended.
    pub(in crate::cli) fn exit_code(self) -> ExitCode {
        ExitCode::from(128u8.saturating_add(u8::try_from(self.0.as_raw()).unwrap_or(u8::MAX)))
    }

    /// Whether a child in our process group has got the signal too: the terminal sends Ctrl-C and
    /// Ctrl-\ to its whole foreground group.
    pub(super) fn reached_the_group(self) -> bool {
        (self.0 == Signal::INT || self.0 == Signal::QUIT) && in_the_foreground()
    }
}

/// Whether our parent (nohup, say) has asked that hangups be ignored. Only Linux can tell without
/// unsafe code; elsewhere they end the sandbox.
fn hangups_are_ignored() -> bool {
    std::fs::read_to_string("/proc/self/status").is_ok_and(|status| ignores_hangups(&status))
}

/// Reads the mask of ignored signals, in which signal N is bit N-1.
fn ignores_hangups(status: &str) -> bool {
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok())
        .is_some_and(|mask| mask & 1 == 1)
}

fn in_the_foreground() -> bool {
    File::open("/dev/tty")
        .and_then(|terminal| Ok(rustix::termios::tcgetpgrp(&terminal)?))
        .is_ok_and(|foreground| foreground == rustix::process::getpgrp())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mask_of_ignored_signals_is_read() {
        assert!(ignores_hangups(
            "SigBlk:\t0000000000000000\nSigIgn:\t0000000000001001\n"
        ));
        assert!(!ignores_hangups("SigIgn:\t0000000000001000\n"));
        assert!(!ignores_hangups(""));
    }
}

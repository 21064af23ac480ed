//! The signals that ask a program to end.

use std::fs::File;
use std::io;
use std::process::ExitCode;

use rustix::process::Signal;
use tokio::signal::unix::{self, SignalKind, signal};

/// Catches SIGHUP, SIGINT, SIGQUIT and SIGTERM from now on.
pub(super) struct Signals {
    hangup: unix::Signal,
    interrupt: unix::Signal,
    quit: unix::Signal,
    terminate: unix::Signal,
}

/// One that came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Caught(pub(super) Signal);

impl Signals {
    pub(super) fn catch() -> io::Result<Self> {
        Ok(Signals {
            hangup: signal(SignalKind::hangup())?,
            interrupt: signal(SignalKind::interrupt())?,
            quit: signal(SignalKind::quit())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    /// Waits for the next one.
    pub(super) async fn next(&mut self) -> Caught {
        let signal = tokio::select! {
            _ = self.hangup.recv() => Signal::HUP,
            _ = self.interrupt.recv() => Signal::INT,
            _ = self.quit.recv() => Signal::QUIT,
            _ = self.terminate.recv() => Signal::TERM,
        };
        Caught(signal)
    }
}

impl Caught {
    /// What a shell shows for a program that this signal has ended.
    pub(super) fn exit_code(self) -> ExitCode {
        ExitCode::from(128u8.saturating_add(u8::try_from(self.0.as_raw()).unwrap_or(u8::MAX)))
    }

    /// Whether a child in our process group has got the signal too: the terminal sends Ctrl-C and
    /// Ctrl-\ to its whole foreground group.
    pub(super) fn reached_the_group(self) -> bool {
        (self.0 == Signal::INT || self.0 == Signal::QUIT) && in_the_foreground()
    }
}

fn in_the_foreground() -> bool {
    File::open("/dev/tty")
        .and_then(|terminal| Ok(rustix::termios::tcgetpgrp(&terminal)?))
        .is_ok_and(|foreground| foreground == rustix::process::getpgrp())
}

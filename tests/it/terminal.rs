//! The built binary on a terminal, as a person sees it.

use std::io::{Read, Write};
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

use pty_process::blocking::Pty;

/// Nothing that a test waits for takes this long unless it hangs.
const PATIENCE: Duration = Duration::from_secs(60);

/// A program on a terminal of 80 columns.
pub(crate) struct Terminal {
    child: Child,
    pty: std::sync::Arc<Pty>,
    pieces: Receiver<Vec<u8>>,
    seen: Vec<u8>,
}

/// How a program on a terminal ended.
#[derive(Debug)]
pub(crate) struct Ended {
    /// The exit code as a shell has it: 128 and the signal's number when a signal ended it.
    pub(crate) code: i32,
    /// All that was on the screen, stdout and stderr together; lines end in `\r\n`.
    pub(crate) screen: String,
}

impl Terminal {
    /// Starts a command of [`crate::support`].
    pub(crate) fn start(command: Command) -> Self {
        let (pty, pts) = pty_process::blocking::open().unwrap();
        pty.resize(pty_process::Size::new(24, 80)).unwrap();
        let command = pty_process::blocking::Command::from(command).env("TERM", "xterm");
        let child = command.spawn(pts).unwrap();
        let pty = std::sync::Arc::new(pty);
        let (send, pieces) = mpsc::channel();
        let from = std::sync::Arc::clone(&pty);
        thread::spawn(move || {
            let mut room = [0; 64 * 1024];
            // When the program has ended, Linux says EIO.
            while let Ok(read @ 1..) = (&*from).read(&mut room) {
                if send.send(room[..read].to_vec()).is_err() {
                    break;
                }
            }
        });
        Terminal {
            child,
            pty,
            pieces,
            seen: Vec::new(),
        }
    }

    /// Waits until `text` is on the screen.
    #[track_caller]
    pub(crate) fn wait_for(&mut self, text: &str) {
        let until = Instant::now() + PATIENCE;
        while !String::from_utf8_lossy(&self.seen).contains(text) {
            let left = until.saturating_duration_since(Instant::now());
            match self.pieces.recv_timeout(left) {
                Ok(piece) => self.seen.extend(piece),
                Err(problem) => panic!("{problem}: no {text:?} in {}", self.shown()),
            }
        }
    }

    /// Types Ctrl-C.
    pub(crate) fn interrupt(&self) {
        (&*self.pty).write_all(b"\x03").unwrap();
    }

    /// Waits for the end of the program.
    #[track_caller]
    pub(crate) fn end(mut self) -> Ended {
        let until = Instant::now() + PATIENCE;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            match self.pieces.recv_timeout(left) {
                Ok(piece) => self.seen.extend(piece),
                Err(mpsc::RecvTimeoutError::Disconnected) => break,
                Err(mpsc::RecvTimeoutError::Timeout) => {
                    self.child.kill().unwrap();
                    panic!("it hangs: {}", self.shown());
                }
            }
        }
        let status = self.child.wait().unwrap();
        let code = status.code().or(status.signal().map(|signal| 128 + signal));
        Ended {
            code: code.unwrap(),
            screen: String::from_utf8_lossy(&self.seen).into_owned(),
        }
    }

    fn shown(&self) -> String {
        let start = self.seen.len().saturating_sub(2000);
        String::from_utf8_lossy(&self.seen[start..]).into_owned()
    }
}

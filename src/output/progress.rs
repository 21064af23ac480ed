//! One line on a terminal's stderr for what takes longer than a second.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::Printer;

/// How long a person waits before being told what for.
const PATIENCE: Duration = Duration::from_secs(1);
/// How often the line is drawn anew.
const FRAME: Duration = Duration::from_millis(120);
const SPINNER: [char; 10] = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'];

/// Shown while it lives, once a second has passed, when stderr is a terminal.
pub struct Progress {
    printer: Printer,
    text: Arc<Mutex<String>>,
    drawn: Arc<AtomicBool>,
    task: Option<tokio::task::JoinHandle<()>>,
}

impl Progress {
    /// Starts the wait; `text` says what is going on ("asking the server what it serves").
    /// Must be called within a tokio runtime.
    pub fn start(printer: Printer, text: impl Into<String>) -> Self {
        let text = Arc::new(Mutex::new(text.into()));
        let drawn = Arc::new(AtomicBool::new(false));
        let task = printer.stderr_is_terminal().then(|| {
            let text = Arc::clone(&text);
            let drawn = Arc::clone(&drawn);
            tokio::spawn(async move {
                let began = Instant::now();
                tokio::time::sleep(PATIENCE).await;
                for frame in SPINNER.iter().cycle() {
                    let now = text.lock().unwrap_or_else(PoisonError::into_inner).clone();
                    drawn.store(true, Ordering::Relaxed);
                    let seconds = began.elapsed().as_secs();
                    printer.err_raw(&format!("\r\x1b[2K{frame} {now} ({seconds} s)"));
                    tokio::time::sleep(FRAME).await;
                }
            })
        });
        Progress {
            printer,
            text,
            drawn,
            task,
        }
    }

    /// Says what is going on now.
    pub fn set(&self, text: impl Into<String>) {
        *self.text.lock().unwrap_or_else(PoisonError::into_inner) = text.into();
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(task) = self.task.take() {
            task.abort();
        }
        if self.drawn.load(Ordering::Relaxed) {
            self.printer.err_raw("\r\x1b[2K");
        }
    }
}

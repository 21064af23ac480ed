//! The one place that writes to stdout and stderr.

use std::io::{self, IsTerminal, Write};

use colored::Color;

use super::clean;

/// When to colour: `--color`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum ColorChoice {
    /// On a terminal, unless `NO_COLOR` is set or `TERM` is `dumb`
    #[default]
    Auto,
    /// Always, in a pipe too
    Always,
    /// Never
    Never,
}

/// The few roles that text has; each is readable on a light and on a dark background.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Paint {
    /// As it is
    Plain,
    /// A heading, the name of the thing in question
    Strong,
    /// What can be skipped when reading
    Dim,
    /// Fine: served, established, ready
    Good,
    /// Needs attention: deprecated, stale
    Warn,
    /// Broken
    Bad,
    /// A key or field name
    Key,
    /// A literal value
    Value,
    /// A number, a boolean or null
    Literal,
}

impl Paint {
    /// The colour of this role, if it has one.
    pub fn color(self) -> Option<Color> {
        match self {
            Paint::Plain | Paint::Strong | Paint::Dim => None,
            Paint::Good => Some(Color::Green),
            Paint::Warn => Some(Color::Yellow),
            Paint::Bad => Some(Color::Red),
            Paint::Key => Some(Color::Cyan),
            Paint::Value => Some(Color::Green),
            Paint::Literal => Some(Color::Magenta),
        }
    }

    /// What switches this role on in a terminal; empty for [`Paint::Plain`].
    pub(super) fn escape(self) -> String {
        match (self, self.color()) {
            (Paint::Strong, _) => "\x1b[1m".to_owned(),
            (Paint::Dim, _) => "\x1b[2m".to_owned(),
            (_, Some(color)) => format!("\x1b[{}m", color.to_fg_str()),
            (_, None) => String::new(),
        }
    }
}

/// What switches every role off again.
pub(super) const RESET: &str = "\x1b[0m";

/// Writes data to stdout and words to stderr, and knows of both whether a person is watching.
///
/// Cheap to copy; hand it down by value.
#[derive(Clone, Copy, Debug)]
pub struct Printer {
    stdout_terminal: bool,
    stderr_terminal: bool,
    stdout_color: bool,
    stderr_color: bool,
    width: Option<usize>,
}

impl Printer {
    /// Looks at the two streams and at `NO_COLOR` and `TERM`, once.
    pub fn new(choice: ColorChoice) -> Self {
        let stdout_terminal = io::stdout().is_terminal();
        let stderr_terminal = io::stderr().is_terminal();
        let set = |name| std::env::var_os(name).is_some_and(|v: std::ffi::OsString| !v.is_empty());
        let wanted = !set("NO_COLOR") && std::env::var_os("TERM").is_none_or(|t| t != "dumb");
        let color = |terminal| match choice {
            ColorChoice::Auto => terminal && wanted,
            ColorChoice::Always => true,
            ColorChoice::Never => false,
        };
        let (stdout_color, stderr_color) = (color(stdout_terminal), color(stderr_terminal));
        let width = stdout_terminal
            .then(|| terminal_size::terminal_size().map(|(w, _)| usize::from(w.0)))
            .flatten()
            .filter(|w| *w >= 20);
        Printer {
            stdout_terminal,
            stderr_terminal,
            stdout_color,
            stderr_color,
            width,
        }
    }

    /// Whether stdout is a terminal: a person reads, so indent, colour, fit.
    pub fn stdout_is_terminal(&self) -> bool {
        self.stdout_terminal
    }

    /// Whether stderr is a terminal: progress may be shown there.
    pub fn stderr_is_terminal(&self) -> bool {
        self.stderr_terminal
    }

    /// Whether stderr is to be coloured.
    pub fn stderr_is_colored(&self) -> bool {
        self.stderr_color
    }

    /// Whether stdout is to be coloured.
    pub fn stdout_is_colored(&self) -> bool {
        self.stdout_color
    }

    /// Columns of the terminal on stdout; `None` in a pipe, where nothing is cut or wrapped.
    pub fn width(&self) -> Option<usize> {
        self.width
    }

    /// `text` in the colour of `role`, for stdout.
    pub fn paint(&self, role: Paint, text: &str) -> String {
        paint(self.stdout_color, role, text)
    }

    /// A line of words on stderr that can be skipped when reading: dim.
    pub fn note(&self, text: &str) {
        self.err_line(&paint(self.stderr_color, Paint::Dim, &clean::block(text)));
    }

    /// Writes `text` to stdout as it is.
    ///
    /// Errors: what the stream says, named as stdout's; a broken pipe ends the program quietly, see `cli`.
    pub fn data(&self, text: &str) -> io::Result<()> {
        self.bytes(text.as_bytes())
    }

    /// Writes bytes to stdout as they are, and flushes.
    pub fn bytes(&self, bytes: &[u8]) -> io::Result<()> {
        let mut out = io::stdout().lock();
        // The kind stays: it tells a reader who has gone away from a disk that is full.
        let named =
            |why: io::Error| io::Error::new(why.kind(), format!("cannot write to stdout: {why}"));
        out.write_all(bytes)
            .and_then(|()| out.flush())
            .map_err(named)
    }

    /// A line of words on stderr. Control characters are escaped, apart from line ends.
    pub fn say(&self, text: &str) {
        self.err_line(&clean::block(text));
    }

    /// `Warning: text` on stderr.
    pub fn warn(&self, text: &str) {
        let label = paint(self.stderr_color, Paint::Warn, "Warning:");
        self.err_line(&format!("{label} {}", clean::block(text)));
    }

    /// `error: text` on stderr.
    pub fn error(&self, text: &str) {
        let label = paint(self.stderr_color, Paint::Bad, "error:");
        self.err_line(&format!("{label} {}", clean::block(text)));
    }

    /// Writes to stderr without a line end: for progress, which rewrites its line.
    pub(super) fn err_raw(&self, text: &str) {
        let mut err = io::stderr().lock();
        // Nobody is left to tell when stderr itself cannot be written.
        let _ = err.write_all(text.as_bytes()).and_then(|()| err.flush());
    }

    fn err_line(&self, text: &str) {
        self.err_raw(&format!("{text}\n"));
    }
}

/// `text` in the colour of `role` when colour is on.
///
/// Not by way of the colour library's own styling, whose switch is global to the process: stdout
/// and stderr are told apart here.
pub(super) fn paint(on: bool, role: Paint, text: &str) -> String {
    if !on || role == Paint::Plain || text.is_empty() {
        return text.to_owned();
    }
    format!("{}{text}{RESET}", role.escape())
}

//! Logs: for people on a terminal, JSON otherwise; on stderr.

use std::io;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt;
use tracing_subscriber::util::SubscriberInitExt;

/// How the log is to look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Style {
    /// A line a person reads, not JSON
    pub readable: bool,
    /// With colours
    pub colored: bool,
    /// Only what is wrong
    pub quiet: bool,
    /// 0: what happens; 1: every request and decision; 2 and more: everything
    pub verbose: u8,
}

/// Starts to log. RUST_LOG, when set, says what is logged.
///
/// Called once; a second call changes nothing.
pub fn start(style: Style) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(level(style)));
    let log = fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr)
        .with_target(false);
    // An error only says that there is a log already.
    let _ = if style.readable {
        log.with_ansi(style.colored).finish().try_init()
    } else {
        log.json()
            .flatten_event(true)
            .with_current_span(false)
            .with_span_list(false)
            .finish()
            .try_init()
    };
}

/// The kube crate's own lines say again, at level error, what we say in context.
fn level(style: Style) -> &'static str {
    match style.verbose {
        0 if style.quiet => "off,appop=warn",
        0 => "off,appop=info",
        1 => "off,appop=debug",
        _ => "debug,appop=trace",
    }
}

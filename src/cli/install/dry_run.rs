//! `--dry-run`, with kubectl's words.

use super::request::Write;

/// What is left undone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub(in crate::cli) enum DryRun {
    /// Write
    #[default]
    None,
    /// Write nothing
    Client,
    /// Let the server check everything and write nothing
    Server,
}

impl DryRun {
    /// How the server is to take a write.
    pub(in crate::cli) fn write(self) -> Write {
        match self {
            DryRun::None => Write::Really,
            DryRun::Client | DryRun::Server => Write::Trial,
        }
    }

    /// kubectl's remark after each line.
    pub(in crate::cli) fn remark(self) -> &'static str {
        match self {
            DryRun::None => "",
            DryRun::Client => " (dry run)",
            DryRun::Server => " (server dry run)",
        }
    }
}

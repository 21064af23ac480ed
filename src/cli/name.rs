//! The name that help shows: as a kubectl plugin, appop is `kubectl appop`.

use std::ffi::OsString;
use std::path::Path;

/// Renames `command` when the program was started as `kubectl-appop`.
pub(super) fn rename(command: clap::Command, args: &[OsString]) -> clap::Command {
    let started_as = args.first().and_then(|first| Path::new(first).file_stem());
    if started_as.is_some_and(|name| name == "kubectl-appop") {
        command
            .bin_name("kubectl appop")
            .display_name("kubectl appop")
    } else {
        command
    }
}

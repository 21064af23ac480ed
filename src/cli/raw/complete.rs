//! Completion of PATH in a shell, from what is kept of the server's discovery. Asks nobody.

use std::ffi::{OsStr, OsString};

use clap::{CommandFactory, FromArgMatches};
use clap_complete::CompletionCandidate;

use crate::cli::{Cli, Global};
use crate::cluster::{Places, Settings};
use crate::discovery::{self, Cache, Discovery, complete::complete};

/// The paths that `word` may become on the server that the rest of the line chooses.
pub(super) fn complete_path(word: &OsStr) -> Vec<CompletionCandidate> {
    let Some(word) = word.to_str() else {
        return Vec::new();
    };
    let (discovery, namespace) = known(std::env::args_os());
    let found = complete(discovery.as_ref(), &namespace, word);
    let candidates = found.into_iter().map(|candidate| {
        let help = candidate.help.map(Into::into);
        CompletionCandidate::new(candidate.path).help(help)
    });
    candidates.collect()
}

/// What is kept of the server that the flags on the line lead to, and the namespace.
fn known(args: impl Iterator<Item = OsString>) -> (Option<Discovery>, String) {
    // The shell's script puts the line behind `--`; kubectl gives it alone.
    let mut words: Vec<OsString> = args.collect();
    if let Some(at) = words.iter().position(|word| word == "--") {
        words.drain(..=at);
    }
    let global = Cli::command()
        .ignore_errors(true)
        .try_get_matches_from(words)
        .and_then(|matches| Global::from_arg_matches(&matches));
    let place = global.ok().and_then(|global| {
        let (url, namespace) = Settings::place(&global.connect, &Places::from_env()).ok()?;
        Some((Cache::of(&url, global.cache_dir.as_deref()), namespace))
    });
    match place {
        Some((cache, namespace)) => (cache.as_ref().and_then(discovery::cached), namespace),
        None => (None, "default".to_owned()),
    }
}

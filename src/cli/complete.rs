//! What a shell completes by looking things up: in what is kept of the server's discovery, without
//! asking anybody.

use std::ffi::{OsStr, OsString};

use clap::{CommandFactory, FromArgMatches};
use clap_complete::CompletionCandidate;

use super::{Cli, Global};
use crate::cluster::{Places, Settings};
use crate::crds::row::is_custom;
use crate::discovery::{self, Cache, Discovery};

/// The paths that `word` may become on the server that the rest of the line chooses.
pub(super) fn path(word: &OsStr) -> Vec<CompletionCandidate> {
    let Some(word) = word.to_str() else {
        return Vec::new();
    };
    let (discovery, namespace) = known(std::env::args_os());
    let found = discovery::complete::complete(discovery.as_ref(), &namespace, word);
    let candidates = found.into_iter().map(|candidate| {
        let help = candidate.help.map(Into::into);
        CompletionCandidate::new(candidate.path).help(help)
    });
    candidates.collect()
}

/// The resources that `word` may become, as kubectl names them.
pub(super) fn resource(word: &OsStr) -> Vec<CompletionCandidate> {
    let (Some(word), (Some(discovery), _)) = (word.to_str(), known(std::env::args_os())) else {
        return Vec::new();
    };
    let all = discovery.preferred().into_iter();
    let named = all.map(|r| (r.name(), r.kind.clone()));
    candidates(word, named)
}

/// The CRDs that `word` may become, as far as discovery tells custom resources from others.
pub(super) fn custom_resource(word: &OsStr) -> Vec<CompletionCandidate> {
    let (Some(word), (Some(discovery), _)) = (word.to_str(), known(std::env::args_os())) else {
        return Vec::new();
    };
    let all = discovery.preferred().into_iter().filter(|r| is_custom(r));
    candidates(word, all.map(|r| (r.name(), r.kind.clone())))
}

/// As [`resource`], groups and group-versions too.
pub(super) fn what(word: &OsStr) -> Vec<CompletionCandidate> {
    let mut found = resource(word);
    if let (Some(word), (Some(discovery), _)) = (word.to_str(), known(std::env::args_os())) {
        for group in discovery.groups.iter().filter(|g| !g.name.is_empty()) {
            let versions = group.versions.iter().map(|v| {
                (
                    discovery::group_version(&group.name, &v.version),
                    "a group-version".to_owned(),
                )
            });
            let name = std::iter::once((group.name.clone(), "a group".to_owned()));
            found.extend(candidates(word, name.chain(versions)));
        }
    }
    found
}

fn candidates(
    word: &str,
    named: impl Iterator<Item = (String, String)>,
) -> Vec<CompletionCandidate> {
    let fitting = named.filter(|(name, _)| name.starts_with(word));
    fitting
        .map(|(name, help)| CompletionCandidate::new(name).help(Some(help.into())))
        .collect()
}

/// What is kept of the server that the flags on the line lead to, and the namespace.
fn known(args: impl Iterator<Item = OsString>) -> (Option<Discovery>, String) {
    let (cache, namespace) = place(args);
    (cache.as_ref().and_then(discovery::cached), namespace)
}

/// Where things are kept of the server that the flags on the line lead to, and the namespace.
pub(super) fn place(args: impl Iterator<Item = OsString>) -> (Option<Cache>, String) {
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
    place.unwrap_or_else(|| (None, "default".to_owned()))
}

//! What a shell completes by looking things up: in what is kept of the server's discovery, without
//! asking anybody.

use std::ffi::{OsStr, OsString};

use clap::{CommandFactory, FromArgMatches};
use clap_complete::CompletionCandidate;

use super::{Cli, Global};
use crate::cluster::{Places, Settings};
use crate::crds::row::is_custom;
use crate::discovery::{self, Cache, Discovery};
use crate::output::clean;

/// The paths that `word` may become on the server that the rest of the line chooses.
pub(super) fn path(word: &OsStr) -> Vec<CompletionCandidate> {
    let Some(word) = word.to_str() else {
        return Vec::new();
    };
    let (discovery, namespace) = known(std::env::args_os());
    let found = discovery::complete::complete(discovery.as_ref(), &namespace, word);
    let candidates = found
        .into_iter()
        .filter_map(|candidate| offered(word, candidate.path, candidate.help));
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
    named
        .filter_map(|(name, help)| offered(word, name, Some(help)))
        .collect()
}

/// A name that goes on from `word`. A shell puts it into a line that will be run, and any server
/// behind the API server may choose names: those that a shell would read otherwise are left out.
fn offered(word: &str, name: String, help: Option<String>) -> Option<CompletionCandidate> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-._/:".contains(c);
    let rest = name.strip_prefix(word)?;
    rest.chars().all(plain).then(|| {
        let help = help.map(|help| clean::line(&help).into_owned().into());
        CompletionCandidate::new(name).help(help)
    })
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

#[cfg(test)]
mod tests {
    use super::offered;

    #[test]
    fn names_that_a_shell_would_run_are_not_offered() {
        for name in ["pods;id", "$(id)", "`id`", "a b", "a\nb", "a'", "a\x1b[0m"] {
            assert!(offered("", name.into(), None).is_none(), "{name:?}");
        }
        assert!(offered("po", "nodes".into(), None).is_none());
        // What was typed is the user's own.
        assert!(offered("/namespaces/$N/", "/namespaces/$N/pods".into(), None).is_some());
        let found = offered("", "jobs.batch".into(), Some("J\x1bob".into())).unwrap();
        assert_eq!(found.get_help().unwrap().to_string(), "J\\u{1b}ob");
    }
}

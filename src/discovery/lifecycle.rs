//! When the built-in APIs came and went: introduced, deprecated, removed, replaced by what.
//!
//! The facts are in `lifecycle.json`, which `tests/controlplane/lifecycle` generates from the
//! Kubernetes modules; they are read at the first question. What they say of releases after
//! [`recorded`] is Kubernetes' plan.

use std::fmt;
use std::str::FromStr;
use std::sync::OnceLock;

use serde::{Deserialize, Deserializer};

/// A minor release of Kubernetes, such as 1.22.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Release {
    /// The 1 of 1.22.
    pub major: u32,
    /// The 22 of 1.22.
    pub minor: u32,
}

/// A text that does not begin as a version of Kubernetes does.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a version of Kubernetes, such as 1.36 or v1.36.3")]
pub struct NotARelease(String);

impl FromStr for Release {
    type Err = NotARelease;

    /// Reads `1.22` and what a server's `gitVersion` may be: `v1.36.3`, `v1.30.4-gke.100`, `1.27+`.
    fn from_str(text: &str) -> Result<Self, NotARelease> {
        let parse = || {
            let (major, rest) = text.strip_prefix('v').unwrap_or(text).split_once('.')?;
            let end = rest
                .find(|c: char| !c.is_ascii_digit())
                .unwrap_or(rest.len());
            Some(Release {
                major: major.parse().ok()?,
                minor: rest[..end].parse().ok()?,
            })
        };
        parse().ok_or_else(|| NotARelease(text.to_owned()))
    }
}

impl fmt::Display for Release {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

impl<'de> Deserialize<'de> for Release {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        <&str>::deserialize(deserializer)?
            .parse()
            .map_err(serde::de::Error::custom)
    }
}

/// A kind of an API version; shown as `networking.k8s.io/v1 Ingress`, `v1 Pod`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub struct KindName {
    /// The group; empty for the core group.
    pub group: &'static str,
    /// The version, such as `v1beta1`.
    pub version: &'static str,
    /// The kind, such as `Ingress`.
    pub kind: &'static str,
}

impl fmt::Display for KindName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", api_version(self.group, self.version), self.kind)
    }
}

/// How an API stands with a server of some release.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// That release does not have it yet.
    NotYet,
    /// That release has it. Whether a server has it switched on is another question: most alpha and
    /// beta versions are off until `--runtime-config` and feature gates say otherwise.
    Served,
    /// That release has it and warns of it.
    Deprecated,
    /// That release does not have it any more.
    Removed,
}

/// What is known of one kind of one API version.
#[derive(Debug, Deserialize)]
pub struct Lifecycle {
    /// The group; empty for the core group.
    pub group: &'static str,
    /// The version, such as `v1beta1`.
    pub version: &'static str,
    /// The kind, such as `Ingress`.
    pub kind: &'static str,
    /// The plural name in paths; none for what is no resource of its own (`Eviction`, `Scale`).
    pub resource: Option<&'static str>,
    /// The first release that has it; none for some that came before 1.16.
    pub introduced: Option<Release>,
    /// The first release that warns of it.
    pub deprecated: Option<Release>,
    /// The first release that does not serve it.
    pub removed: Option<Release>,
    /// What Kubernetes names in its place, else the same kind in the most stable version of its
    /// group. It may itself be gone by now: [`Lifecycle::successor`] follows on.
    pub replacement: Option<KindName>,
}

impl Lifecycle {
    /// How this kind stands with a server of that release.
    pub fn state(&self, server: Release) -> State {
        let reached = |release: Option<Release>| release.is_some_and(|r| r <= server);
        if reached(self.removed) {
            State::Removed
        } else if reached(self.deprecated) {
            State::Deprecated
        } else if self.introduced.is_some_and(|r| r > server) {
            State::NotYet
        } else {
            State::Served
        }
    }

    /// What to use in its place on a server of that release: the last of its replacements that the
    /// server has, or the next that a later release has.
    pub fn successor(&self, server: Release) -> Option<&'static Lifecycle> {
        let next = |of: &Lifecycle| {
            of.replacement
                .and_then(|r| of_kind(r.group, r.version, r.kind))
        };
        let mut found = next(self)?;
        // Replacements lead to newer versions, so the walk ends.
        loop {
            found = match (found.state(server), next(found)) {
                (State::Removed, newer) => newer?,
                (State::Deprecated, Some(newer)) if newer.state(server) != State::NotYet => newer,
                _ => return Some(found),
            };
        }
    }

    /// What a person on a server of that release should know, without a full stop: "deprecated
    /// since 1.19, removed in 1.22; use networking.k8s.io/v1 Ingress". None when all is well.
    pub fn describe(&self, server: Release) -> Option<String> {
        let successors = match self.successor(server) {
            None => Vec::new(),
            Some(found) => {
                let name = KindName {
                    group: found.group,
                    version: found.version,
                    kind: found.kind,
                };
                let from = found.introduced.filter(|r| *r > server);
                vec![from.map_or(name.to_string(), |r| format!("{name} (from {r} on)"))]
            }
        };
        let dates = [self.introduced, self.deprecated, self.removed];
        sentence(self.state(server), dates, &successors)
    }
}

/// What is known of an API version as a whole.
#[derive(Clone, Copy, Debug)]
pub struct GroupVersionLifecycle {
    /// The group; empty for the core group.
    pub group: &'static str,
    /// The version, such as `v1beta1`.
    pub version: &'static str,
    /// Its kinds by name, lists left out; never empty.
    pub kinds: &'static [Lifecycle],
}

impl GroupVersionLifecycle {
    /// The first release that has one of its kinds, if that is known of any.
    pub fn introduced(&self) -> Option<Release> {
        self.resources().filter_map(|k| k.introduced).min()
    }

    /// The first release that warns of every kind, or no longer has it.
    pub fn deprecated(&self) -> Option<Release> {
        self.once_all(|k| k.deprecated.or(k.removed))
    }

    /// The first release that serves none of its kinds.
    pub fn removed(&self) -> Option<Release> {
        self.once_all(|k| k.removed)
    }

    /// How it stands with a server of that release: served as long as one kind is.
    pub fn state(&self, server: Release) -> State {
        let all = |wanted: &[State]| self.resources().all(|k| wanted.contains(&k.state(server)));
        if all(&[State::Removed]) {
            State::Removed
        } else if all(&[State::NotYet]) {
            State::NotYet
        } else if all(&[State::Deprecated, State::Removed]) {
            State::Deprecated
        } else {
            State::Served
        }
    }

    /// The (group, version) pairs that its kinds moved to, as far as they moved.
    pub fn successors(&self, server: Release) -> Vec<(&'static str, &'static str)> {
        let mut found = Vec::new();
        for kind in self.resources().filter_map(|k| k.successor(server)) {
            if !found.contains(&(kind.group, kind.version)) {
                found.push((kind.group, kind.version));
            }
        }
        found
    }

    /// As [`Lifecycle::describe`]: "deprecated since 1.16, removed in 1.22; use
    /// apiextensions.k8s.io/v1".
    pub fn describe(&self, server: Release) -> Option<String> {
        let successors: Vec<String> = self
            .successors(server)
            .iter()
            .map(|(g, v)| api_version(g, v))
            .collect();
        let dates = [self.introduced(), self.deprecated(), self.removed()];
        sentence(self.state(server), dates, &successors)
    }

    /// The kinds that decide: those with a path, where there are any.
    fn resources(&self) -> impl Iterator<Item = &'static Lifecycle> {
        let any = self.kinds.iter().any(|k| k.resource.is_some());
        self.kinds
            .iter()
            .filter(move |k| k.resource.is_some() || !any)
    }

    fn once_all(&self, date: impl Fn(&Lifecycle) -> Option<Release>) -> Option<Release> {
        let dates: Option<Vec<Release>> = self.resources().map(date).collect();
        dates?.into_iter().max()
    }
}

/// What is known of a kind.
pub fn of_kind(group: &str, version: &str, kind: &str) -> Option<&'static Lifecycle> {
    of_group_version(group, version)?
        .kinds
        .iter()
        .find(|k| k.kind == kind)
}

/// What is known of a resource by its plural name in paths: `extensions`, `v1beta1`, `ingresses`.
pub fn of_resource(group: &str, version: &str, plural: &str) -> Option<&'static Lifecycle> {
    of_group_version(group, version)?
        .kinds
        .iter()
        .find(|k| k.resource == Some(plural))
}

/// What is known of an API version as a whole.
pub fn of_group_version(group: &str, version: &str) -> Option<GroupVersionLifecycle> {
    of_group(group).find(|v| v.version == version)
}

/// Everything known under a plural, a kind, or a singular name, in any group, case ignored.
pub fn of_name(name: &str) -> impl Iterator<Item = &'static Lifecycle> {
    facts().kinds.iter().filter(move |k| {
        k.resource.is_some_and(|r| r.eq_ignore_ascii_case(name))
            || k.kind.eq_ignore_ascii_case(name)
    })
}

/// Every version of a group that some release had, by name.
pub fn of_group(group: &str) -> impl Iterator<Item = GroupVersionLifecycle> {
    let kinds: &'static [Lifecycle] = &facts().kinds;
    let begin = kinds.partition_point(|k| k.group < group);
    let end = kinds.partition_point(|k| k.group <= group);
    kinds[begin..end]
        .chunk_by(|a, b| a.version == b.version)
        .map(|kinds| GroupVersionLifecycle {
            group: kinds[0].group,
            version: kinds[0].version,
            kinds,
        })
}

/// The release that the facts were generated from; an assumption to make of a server whose release
/// is unknown.
pub fn recorded() -> Release {
    facts().kubernetes
}

#[derive(Deserialize)]
// The names are borrowed from the text in the binary.
#[serde(bound(deserialize = "'de: 'static"))]
struct Facts {
    kubernetes: Release,
    /// Sorted by group, version, kind.
    kinds: Vec<Lifecycle>,
}

fn facts() -> &'static Facts {
    static FACTS: OnceLock<Facts> = OnceLock::new();
    FACTS.get_or_init(|| {
        serde_json::from_str(include_str!("lifecycle.json"))
            .expect("the file is generated, and a test reads it")
    })
}

fn api_version(group: &str, version: &str) -> String {
    if group.is_empty() {
        version.to_owned()
    } else {
        format!("{group}/{version}")
    }
}

fn sentence(
    state: State,
    [introduced, deprecated, removed]: [Option<Release>; 3],
    successors: &[String],
) -> Option<String> {
    let mut words = Vec::new();
    match state {
        State::Served => return None,
        State::NotYet => return introduced.map(|r| format!("introduced in {r}")),
        State::Deprecated | State::Removed => {}
    }
    if let Some(since) = deprecated.filter(|d| removed.is_none_or(|r| *d < r)) {
        words.push(format!("deprecated since {since}"));
    }
    if let Some(release) = removed {
        let tense = if state == State::Removed {
            "removed"
        } else {
            "will be removed"
        };
        words.push(format!("{tense} in {release}"));
    }
    let advice = match successors {
        [] if state == State::Removed => "; no replacement is known".to_owned(),
        [] => String::new(),
        [one] => format!("; use {one}"),
        [some @ .., last] => {
            format!("; use {} or {last}, depending on the kind", some.join(", "))
        }
    };
    Some(words.join(", ") + &advice)
}

#[cfg(test)]
mod tests;

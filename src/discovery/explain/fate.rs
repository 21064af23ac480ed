//! APIs that Kubernetes has in some releases and not in others.

use super::Explanation;
use super::place::Place;
use super::walk::Walk;
use crate::discovery::lifecycle::{self, GroupVersionLifecycle, Lifecycle, State};
use crate::discovery::model::{group_version, group_version_path};

impl Walk<'_> {
    /// What became of a group-version, or of a resource in it, that the server does not serve;
    /// `None` when Kubernetes never had it.
    pub(super) fn fate(&self, group: &str, version: &str, rest: &[&str]) -> Option<Explanation> {
        let place = Place::of(rest);
        let of_kind = place.as_ref().and_then(|place| {
            let facts = lifecycle::of_resource(group, version, place.resource)?;
            self.fate_of_kind(facts, place)
        });
        of_kind.or_else(|| {
            if self.discovery.version(group, version).is_some() {
                return None;
            }
            let facts = lifecycle::of_group_version(group, version)?;
            self.fate_of_version(&facts, rest)
        })
    }

    fn fate_of_kind(&self, facts: &Lifecycle, place: &Place<'_>) -> Option<Explanation> {
        let name = format!(
            "{} of {}",
            facts.kind,
            group_version(facts.group, facts.version)
        );
        let what = self.what(
            &name,
            facts.state(self.release),
            facts.introduced,
            facts.removed,
        )?;
        let next = facts.successor(self.release);
        let next = next.filter(|next| next.state(self.release) != State::NotYet);
        let Some(next) = next else {
            let why = match facts.state(self.release) {
                State::Removed => format!("{what} Nothing has taken its place."),
                _ => what,
            };
            return Explanation::new(why, None);
        };
        let plural = next.resource.unwrap_or_default();
        let served = self.discovery.resource(next.group, next.version, plural);
        let instead = served.map(|resource| self.under(place, resource));
        let next = group_version(next.group, next.version);
        Explanation::new(format!("{what} Use {next}."), instead)
    }

    fn fate_of_version(&self, facts: &GroupVersionLifecycle, rest: &[&str]) -> Option<Explanation> {
        let name = group_version(facts.group, facts.version);
        let state = facts.state(self.release);
        let what = self.what(&name, state, facts.introduced(), facts.removed())?;
        let mut next = facts.successors(self.release);
        next.retain(|(group, version)| self.discovery.version(group, version).is_some());
        match next.as_slice() {
            [] if state == State::Removed => {
                Explanation::new(format!("{what} Nothing has taken its place."), None)
            }
            [] => Explanation::new(what, None),
            [(group, version)] => {
                let name = group_version(group, version);
                let path = group_version_path(group, version);
                let parts: Vec<&str> = path
                    .trim_start_matches('/')
                    .split('/')
                    .chain(rest.iter().copied())
                    .collect();
                let (root, parts) = parts.split_first()?;
                Explanation::new(
                    format!("{what} Use {name}."),
                    Some(self.mended(root, parts)),
                )
            }
            [several @ .., (group, version)] => {
                let names: Vec<String> = several
                    .iter()
                    .map(|(group, version)| group_version(group, version))
                    .collect();
                Explanation::new(
                    format!(
                        "{what} Use {} or {}, depending on the kind.",
                        names.join(", "),
                        group_version(group, version)
                    ),
                    None,
                )
            }
        }
    }

    /// A group that Kubernetes had as a whole.
    pub(super) fn fate_of_group(&self, group: &str) -> Option<Explanation> {
        let mut versions: Vec<GroupVersionLifecycle> = lifecycle::of_group(group).collect();
        // The one that stayed longest tells most.
        versions.sort_by_key(|facts| facts.removed());
        let facts = versions.last()?;
        self.fate_of_version(facts, &[])
    }

    /// Why it is not served; `None` where Kubernetes would serve it by default.
    fn what(
        &self,
        name: &str,
        state: State,
        introduced: Option<lifecycle::Release>,
        removed: Option<lifecycle::Release>,
    ) -> Option<String> {
        let server = self.release;
        match state {
            State::Removed => Some(match removed {
                Some(removed) => {
                    format!("{name} was removed in Kubernetes {removed}; this server is {server}.")
                }
                None => format!("{name} was removed from Kubernetes; this server is {server}."),
            }),
            State::NotYet => Some(match introduced {
                Some(first) => {
                    format!("{name} came with Kubernetes {first}; this server is {server}.")
                }
                None => format!("{name} is newer than this server, which is {server}."),
            }),
            State::Served | State::Deprecated => {
                let is_early = name.contains("alpha") || name.contains("beta");
                is_early.then(|| {
                    let group_version = name.rsplit(' ').next().unwrap_or(name);
                    format!(
                        "Kubernetes {server} has {name}, but this server is not told to serve it. \
                         Its administrator can switch it on: --runtime-config={group_version}=true."
                    )
                })
            }
        }
    }
}

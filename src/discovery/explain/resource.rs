//! The part of a path below its version: a resource by a wrong name, in a wrong place.

use super::Explanation;
use super::place::Place;
use super::walk::Walk;
use crate::discovery::find::Found;
use crate::discovery::model::{Group, Resource, Version, group_version, group_version_path};
use crate::discovery::nearest::{did_you_mean, nearest};

/// More names than this are not read.
const LISTED: usize = 12;

impl Walk<'_> {
    pub(super) fn below_version(
        &self,
        group: &str,
        version: &str,
        rest: &[&str],
    ) -> Option<Explanation> {
        let place = Place::of(rest)?;
        let served = self.discovery.version(group, version)?;
        let word = place.resource;
        if let Some(resource) = served.resources.iter().find(|r| r.plural == word) {
            return self.placed(resource, &place);
        }
        let name = group_version(group, version);
        if served.stale {
            return self.unreachable(&[
                if group.is_empty() { "api" } else { "apis" },
                group,
                version,
            ]);
        }
        if let Some(explanation) = self.fate(group, version, rest) {
            return Some(explanation);
        }
        if let Some((resource, what)) = alias(served, word) {
            return Explanation::new(
                format!(
                    "{word} is the {what} of {0}; paths have the plural, {0}.",
                    resource.plural
                ),
                Some(self.under(&place, resource)),
            );
        }
        let others = self.discovery.group(group)?.versions.iter();
        let other = others.flat_map(|v| &v.resources).find(|r| r.plural == word);
        if let Some(resource) = other {
            return Explanation::new(
                format!(
                    "{word} are not in {name}, but in {}.",
                    resource.group_version()
                ),
                Some(self.under(&place, resource)),
            );
        }
        if let Some(explanation) = self.found(word, &place) {
            return Some(explanation);
        }
        let plurals = || served.resources.iter().map(|r| r.plural.as_str());
        let near = nearest(word, plurals());
        let resource = near
            .first()
            .and_then(|n| served.resources.iter().find(|r| r.plural == **n));
        let why = format!("{name} has no resource {word:?}.");
        if let Some(resource) = resource {
            return Explanation::new(
                format!("{why} {}", did_you_mean(&near).unwrap_or_default()),
                Some(self.under(&place, resource)),
            );
        }
        if let Found::Unknown(near) = self.discovery.find(word)
            && let Some(question) = did_you_mean(&near)
        {
            let resource = near
                .first()
                .and_then(|n| self.discovery.find_resource(n, None).ok());
            return Explanation::new(
                format!("{why} {question}"),
                resource.map(|resource| self.under(&place, resource)),
            );
        }
        let mut names: Vec<&str> = plurals().collect();
        let more = names.len().saturating_sub(LISTED);
        names.truncate(LISTED);
        let more = if more > 0 {
            format!(" and {more} more")
        } else {
            String::new()
        };
        Explanation::new(
            format!("{why} It has {}{more}.", names.join(", ")),
            Some(group_version_path(group, version)),
        )
    }

    /// A resource that there is: is it where the path has it?
    fn placed(&self, resource: &Resource, place: &Place<'_>) -> Option<Explanation> {
        let plural = &resource.plural;
        if let Some(namespace) = place.namespace.filter(|_| !resource.namespaced) {
            let place = Place {
                namespace: None,
                ..place.clone()
            };
            return Explanation::new(
                format!(
                    "{plural} are not in a namespace: their path is without namespaces/{namespace}."
                ),
                Some(self.under(&place, resource)),
            );
        }
        let names_one = !place.rest.is_empty() || self.creates;
        if resource.namespaced && place.namespace.is_none() && names_one {
            return Explanation::new(
                format!(
                    "{plural} are in namespaces: only their list over all namespaces is without \
                     one in its path."
                ),
                Some(self.under(place, resource)),
            );
        }
        let [_, sub, ..] = place.rest.as_slice() else {
            return None;
        };
        if resource.subresources.iter().any(|s| s.name == **sub) {
            return None;
        }
        let names: Vec<&str> = resource
            .subresources
            .iter()
            .map(|s| s.name.as_str())
            .collect();
        let has = match names.as_slice() {
            [] => "none".to_owned(),
            names => names.join(", "),
        };
        let instead = nearest(sub, names).first().map(|near| {
            let mut place = place.clone();
            place.rest[1] = near;
            self.under(&place, resource)
        });
        Explanation::new(
            format!("{plural} have no subresource {sub:?}; those that they have: {has}."),
            instead,
        )
    }

    /// `/apis/apps/deployments`: a resource where a version should be.
    pub(super) fn without_version(&self, group: &Group, parts: &[&str]) -> Option<Explanation> {
        let place = Place::of(parts)?;
        let mut versions = group.versions.iter().filter(|v| !v.stale);
        let resource = versions.find_map(|v| {
            let exact = v.resources.iter().find(|r| r.plural == place.resource);
            exact.or_else(|| alias(v, place.resource).map(|(resource, _)| resource))
        })?;
        Explanation::new(
            format!(
                "The version is missing: {} are in {}.",
                resource.plural,
                resource.group_version()
            ),
            Some(self.under(&place, resource)),
        )
    }

    /// `/apis/deployments`: a resource where a group should be.
    pub(super) fn resource_anywhere(&self, parts: &[&str]) -> Option<Explanation> {
        let place = Place::of(parts)?;
        self.found(place.resource, &place)
    }

    /// A word that means a resource of another group.
    fn found(&self, word: &str, place: &Place<'_>) -> Option<Explanation> {
        match self.discovery.find(word) {
            Found::Resource(versions) => {
                let resource = versions[0];
                let group_version = resource.group_version();
                Explanation::new(
                    format!("{} are in {group_version}.", resource.plural),
                    Some(self.under(place, resource)),
                )
            }
            Found::Ambiguous(several) => {
                let resources: Vec<&Resource> = several.iter().filter_map(|c| c.resource).collect();
                let (first, all) = (resources.first()?, resources.iter());
                let all: Vec<String> = all
                    .map(|r| format!("{} {}", r.group_version(), r.plural))
                    .collect();
                Explanation::new(
                    format!("{word} may be one of {}.", all.join(", ")),
                    Some(self.under(place, first)),
                )
            }
            _ => None,
        }
    }
}

/// The resource that has `word` as another name, and which.
fn alias<'a>(version: &'a Version, word: &str) -> Option<(&'a Resource, &'static str)> {
    version
        .resources
        .iter()
        .filter(|r| !r.kind.is_empty())
        .find_map(|resource| {
            let same = |name: &str| name.eq_ignore_ascii_case(word);
            let what = if resource.kind == word {
                "kind"
            } else if same(&resource.singular) || same(&resource.kind) {
                "singular"
            } else if resource.short_names.iter().any(|short| same(short)) {
                "short name"
            } else if same(&resource.plural) {
                "plural in other letters"
            } else {
                return None;
            };
            Some((resource, what))
        })
}

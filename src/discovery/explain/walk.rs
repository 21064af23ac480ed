//! A path followed part by part to the one that leads nowhere.

use std::cell::Cell;

use super::place::Place;
use super::{Asked, Explanation};
use crate::discovery::find::is_version;
use crate::discovery::lifecycle::Release;
use crate::discovery::model::{Discovery, Group, Resource, Version, group_version};
use crate::discovery::nearest::{did_you_mean, nearest};

/// What an API server serves beside its resources.
const OTHER_ROOTS: [&str; 9] = [
    "healthz",
    "livez",
    "readyz",
    "metrics",
    "openapi",
    "version",
    "logs",
    "debug",
    ".well-known",
];
/// A path has fewer parts than this that can be wrong.
const MENDED: u32 = 8;

/// What a walk knows.
pub(super) struct Walk<'a> {
    pub(super) discovery: &'a Discovery,
    pub(super) namespace: &'a str,
    pub(super) release: Release,
    /// Whether the path is that of a new object
    pub(super) creates: bool,
    steps: Cell<u32>,
}

impl<'a> Walk<'a> {
    pub(super) fn new(discovery: &'a Discovery, asked: &Asked<'a>) -> Self {
        Walk {
            discovery,
            namespace: asked.namespace,
            release: asked.release,
            creates: asked.method == "POST",
            steps: Cell::new(0),
        }
    }

    /// Where the path goes wrong; `None` when it is one that the server has.
    pub(super) fn path(&self, parts: &[&str]) -> Option<Explanation> {
        match parts {
            [] => None,
            ["api", rest @ ..] => self.below_api(rest),
            ["apis", rest @ ..] => self.below_apis(rest),
            [root, rest @ ..] => self.elsewhere(root, rest),
        }
    }

    /// An object that is not there, on a path that is right. The server may miss another than the
    /// path names, such as the node of a pod.
    pub(super) fn object(
        &self,
        parts: &[&str],
        (kind, missing): (&str, &str),
    ) -> Option<Explanation> {
        let (resource, place) = self.resource(parts)?;
        if kind == "namespaces" && place.namespace == Some(missing) {
            return Explanation::new(
                format!(
                    "There is no namespace {missing:?} yet; create it first, or see those that \
                     there are."
                ),
                Some("/api/v1/namespaces".into()),
            );
        }
        let name = place.rest.first().filter(|name| **name == missing)?;
        let mut list = place.clone();
        list.rest.clear();
        let at = place.namespace.filter(|_| resource.namespaced);
        let at = at.map(|namespace| format!(" in the namespace {namespace:?}"));
        let what = match resource.singular.as_str() {
            "" => &resource.plural,
            singular => singular,
        };
        Explanation::new(
            format!(
                "There is no {what} {name:?}{}; see what there is.",
                at.unwrap_or_default()
            ),
            Some(list.under(resource, self.namespace, false)),
        )
    }

    /// The resource of a path that is right.
    pub(super) fn resource<'p>(&self, parts: &[&'p str]) -> Option<(&'a Resource, Place<'p>)> {
        let (group, version, rest) = group_version_of(parts)?;
        let place = Place::of(rest)?;
        let version = self.discovery.version(group, version)?;
        let resource = version
            .resources
            .iter()
            .find(|r| r.plural == place.resource)?;
        Some((resource, place))
    }

    /// A group-version whose server is down.
    pub(super) fn unreachable(&self, parts: &[&str]) -> Option<Explanation> {
        let (group, version, _) = group_version_of(parts)?;
        let mut failures = self.discovery.failures.iter();
        let failure = failures.find(|f| f.group == group && f.version == version)?;
        Explanation::new(
            format!(
                "{} is served by a server of its own, which this one cannot reach: {}",
                group_version(group, version),
                failure.reason
            ),
            Some(format!(
                "/apis/apiregistration.k8s.io/v1/apiservices/{version}.{group}"
            )),
        )
    }

    fn below_api(&self, parts: &[&str]) -> Option<Explanation> {
        let [first, rest @ ..] = parts else {
            return None;
        };
        if self.discovery.version("", first).is_some() {
            return self.below_version("", first, rest);
        }
        if self
            .discovery
            .group(first)
            .is_some_and(|group| !group.name.is_empty())
        {
            return Explanation::new(
                format!(
                    "The group {first} is below /apis; below /api there is only the core group."
                ),
                Some(self.mended("apis", parts)),
            );
        }
        let core = self.discovery.group("")?;
        let version = &core.preferred()?.version;
        if is_version(first) {
            let mut with_version = vec![version.as_str()];
            with_version.extend(rest);
            return Explanation::new(
                format!("The core group is served as {version}, not as {first}."),
                Some(self.mended("api", &with_version)),
            );
        }
        self.without_version(core, parts)
            .or_else(|| self.resource_anywhere(parts))
            .or_else(|| {
                let why = format!("Below /api stands the version of the core group, {version}.");
                let groups = self.groups().collect::<Vec<_>>();
                match nearest(first, groups).first() {
                    Some(group) => Explanation::new(
                        format!("{why} Named groups are below /apis, such as {group}."),
                        Some(self.mended("apis", &replaced_first(parts, group))),
                    ),
                    None => Explanation::new(why, Some(format!("/api/{version}"))),
                }
            })
    }

    fn below_apis(&self, parts: &[&str]) -> Option<Explanation> {
        let [name, rest @ ..] = parts else {
            return None;
        };
        if let Some(group) = self
            .discovery
            .group(name)
            .filter(|group| group.name == *name)
        {
            let [version, rest @ ..] = rest else {
                return None;
            };
            if group.versions.iter().any(|v| v.version == *version) {
                return self.below_version(name, version, rest);
            }
            return self.no_version(group, version, rest);
        }
        if let [version, tail @ ..] = rest
            && let Some(explanation) = self.fate(name, version, tail)
        {
            return Some(explanation);
        }
        if *name == "core" || self.discovery.version("", name).is_some() {
            let parts = if *name == "core" { rest } else { parts };
            return Explanation::new(
                "The core group is below /api; /apis is for groups with a name.".into(),
                Some(self.mended("api", parts)),
            );
        }
        let fuller = self
            .groups()
            .filter(|group| group.split('.').next() == Some(name));
        let fuller: Vec<&str> = fuller.collect();
        if let [group] = fuller.as_slice() {
            return Explanation::new(
                format!("The group's whole name is {group}."),
                Some(self.mended("apis", &replaced_first(parts, group))),
            );
        }
        if let Some(explanation) = self.resource_anywhere(parts) {
            return Some(explanation);
        }
        if let Some(explanation) = self.fate_of_group(name) {
            return Some(explanation);
        }
        let near = match fuller.as_slice() {
            [] => nearest(name, self.groups()),
            several => several.to_vec(),
        };
        let why = format!("The server has no group {name:?}.");
        match near.first() {
            Some(group) => Explanation::new(
                format!("{why} {}", did_you_mean(&near).unwrap_or_default()),
                Some(self.mended("apis", &replaced_first(parts, group))),
            ),
            None => Explanation::new(
                format!(
                    "{why} If a CustomResourceDefinition or an aggregated server brings it, that is \
                     not installed. All groups: appop discover --versions"
                ),
                None,
            ),
        }
    }

    fn no_version(&self, group: &Group, version: &str, rest: &[&str]) -> Option<Explanation> {
        if let Some(explanation) = self.fate(&group.name, version, rest) {
            return Some(explanation);
        }
        let mut parts = vec![version];
        parts.extend(rest);
        if let Some(explanation) = self.without_version(group, &parts) {
            return Some(explanation);
        }
        let served: Vec<&str> = group.versions.iter().map(|v| v.version.as_str()).collect();
        let preferred = group.preferred().or(group.versions.first())?;
        // The version that has what the path goes on with.
        let holds = |v: &&Version| {
            Place::of(rest).is_none_or(|p| v.resources.iter().any(|r| r.plural == p.resource))
        };
        let best = group
            .versions
            .iter()
            .filter(|v| !v.stale)
            .find(holds)
            .unwrap_or(preferred);
        let mut parts = vec![group.name.as_str(), &best.version];
        parts.extend(rest);
        Explanation::new(
            format!(
                "The group {} is not served as {version:?}, but as {}.",
                group.name,
                served.join(", ")
            ),
            Some(self.mended("apis", &parts)),
        )
    }

    fn elsewhere(&self, root: &str, rest: &[&str]) -> Option<Explanation> {
        let mut parts = vec![root];
        parts.extend(rest);
        match (root, rest) {
            ("logs", _) => {
                return Explanation::new(
                    "The server gives its log files only when it is started with \
                     --enable-logs-handler."
                        .into(),
                    None,
                );
            }
            ("healthz" | "livez" | "readyz", [check, ..]) => {
                return Explanation::new(
                    format!("There is no check {check:?}. All checks with their state:"),
                    Some(format!("/{root}?verbose")),
                );
            }
            ("openapi", _) => {
                return Explanation::new(
                    "The OpenAPI documents of version 3 are listed in an index, that of version 2 \
                     is /openapi/v2."
                        .into(),
                    Some("/openapi/v3".into()),
                );
            }
            _ if OTHER_ROOTS.contains(&root) => return None,
            _ => {}
        }
        if self.discovery.version("", root).is_some() || root == "namespaces" {
            let version = &self.discovery.group("")?.preferred()?.version;
            if root == "namespaces" {
                parts.insert(0, version);
            }
            return Explanation::new(
                "Paths of resources begin with /api (the core group) or /apis (all others).".into(),
                Some(self.mended("api", &parts)),
            );
        }
        if self.discovery.group(root).is_some() {
            return Explanation::new(
                "Paths of resources begin with /api (the core group) or /apis (all others).".into(),
                Some(self.mended("apis", &parts)),
            );
        }
        if let Some(explanation) = self.resource_anywhere(&parts) {
            return Some(explanation);
        }
        let roots = ["api", "apis"].into_iter().chain(OTHER_ROOTS);
        let near = nearest(root, roots);
        let first = near.first()?;
        let instead = match *first {
            "api" | "apis" => self.mended(first, rest),
            other => format!("/{}", joined(&replaced_first(&parts, other))),
        };
        Explanation::new(
            format!(
                "The server has no path that begins with /{root}. {}",
                did_you_mean(&near.iter().map(|n| format!("/{n}")).collect::<Vec<_>>())
                    .unwrap_or_default()
            ),
            Some(instead),
        )
    }

    /// `/root/parts`, or what that would be explained to have to be.
    pub(super) fn mended(&self, root: &str, parts: &[&str]) -> String {
        let mut whole = vec![root];
        whole.extend(parts);
        // Each step mends one part of the path; what a server says of itself must not make it
        // go in circles all the same.
        let steps = self.steps.get();
        self.steps.set(steps + 1);
        if steps < MENDED
            && let Some(path) = self
                .path(&whole)
                .and_then(|explanation| explanation.instead)
            && path != format!("/{}", joined(&whole))
        {
            return path;
        }
        format!("/{}", joined(&whole))
    }

    pub(super) fn under(&self, place: &Place<'_>, resource: &Resource) -> String {
        place.under(resource, self.namespace, self.creates)
    }

    fn groups(&self) -> impl Iterator<Item = &str> {
        let names = self
            .discovery
            .groups
            .iter()
            .map(|group| group.name.as_str());
        names.filter(|name| !name.is_empty())
    }
}

/// Group, version and the rest of a path that has them.
fn group_version_of<'a, 'p>(parts: &'a [&'p str]) -> Option<(&'p str, &'p str, &'a [&'p str])> {
    match parts {
        ["api", version, rest @ ..] => Some(("", version, rest)),
        ["apis", group, version, rest @ ..] => Some((group, version, rest)),
        _ => None,
    }
}

fn replaced_first<'a>(parts: &[&'a str], first: &'a str) -> Vec<&'a str> {
    std::iter::once(first)
        .chain(parts.iter().skip(1).copied())
        .collect()
}

fn joined(parts: &[&str]) -> String {
    parts.join("/")
}

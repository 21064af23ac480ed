//! What a person means by a word: a group, a group-version, or a resource by plural, singular,
//! kind or short name.

use super::model::{Discovery, Group, Resource, Version};
use super::nearest::{did_you_mean, nearest};

/// What a word stands for.
#[derive(Clone, Debug, PartialEq)]
pub enum Found<'a> {
    /// A group
    Group(&'a Group),
    /// A version of a group
    GroupVersion(&'a Group, &'a Version),
    /// A resource in each version that has it, the preferred one first
    Resource(Vec<&'a Resource>),
    /// Several things; each can be named in the way given
    Ambiguous(Vec<Candidate<'a>>),
    /// Nothing; perhaps one of these was meant
    Unknown(Vec<String>),
}

/// One of several things that a word may stand for.
#[derive(Clone, Debug, PartialEq)]
pub struct Candidate<'a> {
    /// The word that means this and nothing else
    pub word: String,
    /// The resource, or a group where there is none
    pub resource: Option<&'a Resource>,
}

/// A resource that was asked for and is not there.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{0}")]
pub struct NotFound(pub String);

/// A word taken apart: `deployments`, `deployments.apps`, `deployments.v1.apps`,
/// `apps/v1/deployments`, `apps/v1, Kind=Deployment`.
struct Parts<'a> {
    name: &'a str,
    /// What may stand for group and version after the name; several readings are possible
    places: Vec<(Option<&'a str>, Option<&'a str>)>,
}

impl Parts<'_> {
    fn of(word: &str) -> Parts<'_> {
        if let Some((group_version, kind)) = word.split_once(", Kind=") {
            return Parts {
                name: kind,
                places: vec![split(group_version)],
            };
        }
        if let Some((group_version, name)) = word.rsplit_once('/') {
            return Parts {
                name,
                places: vec![split(group_version)],
            };
        }
        let Some((name, rest)) = word.split_once('.') else {
            return Parts {
                name: word,
                places: vec![(None, None)],
            };
        };
        // kubectl reads resource.version.group first, then resource.group.
        let mut places = Vec::new();
        match rest.split_once('.') {
            Some((version, group)) => places.push((Some(group), Some(version))),
            None if is_version(rest) => places.push((Some(""), Some(rest))),
            None => {}
        }
        places.push((Some(rest), None));
        Parts { name, places }
    }
}

fn split(group_version: &str) -> (Option<&str>, Option<&str>) {
    match group_version.split_once('/') {
        Some((group, version)) => (Some(group), Some(version)),
        None if is_version(group_version) => (Some(""), Some(group_version)),
        None => (Some(group_version), None),
    }
}

/// `v1`, `v2beta1`: what Kubernetes versions look like.
pub fn is_version(text: &str) -> bool {
    let Some(rest) = text.strip_prefix('v') else {
        return false;
    };
    let digits = rest.trim_start_matches(|c: char| c.is_ascii_digit());
    let stage = digits
        .strip_prefix("alpha")
        .or_else(|| digits.strip_prefix("beta"));
    digits.len() < rest.len()
        && (digits.is_empty()
            || stage.is_some_and(|n| !n.is_empty() && n.chars().all(|c| c.is_ascii_digit())))
}

impl Discovery {
    /// What `word` stands for. A trailing slash means a group and nothing else.
    pub fn find(&self, word: &str) -> Found<'_> {
        if let Some(name) = word.strip_suffix('/') {
            return match self.group(name) {
                Some(group) => Found::Group(group),
                None => Found::Unknown(self.near(name)),
            };
        }
        let (group, version) = split(word);
        if let (Some(group), Some(version)) = (group, version)
            && let Some(group) = self.group(group)
            && let Some(version) = group.versions.iter().find(|v| v.version == version)
        {
            return Found::GroupVersion(group, version);
        }
        let group = self.group(word).filter(|_| !word.is_empty());
        let mut kinds = self.matching(word);
        match (group, kinds.len()) {
            (Some(group), 0) => Found::Group(group),
            (None, 1) => Found::Resource(kinds.remove(0)),
            (None, 0) => Found::Unknown(self.near(word)),
            (group, _) => {
                let groups = group.map(|group| Candidate {
                    word: format!(
                        "{}/",
                        if group.name.is_empty() {
                            "core"
                        } else {
                            &group.name
                        }
                    ),
                    resource: None,
                });
                let resources = kinds.iter().map(|versions| Candidate {
                    word: match versions[0].group.as_str() {
                        "" => format!("v1/{}", versions[0].plural),
                        _ => versions[0].name(),
                    },
                    resource: Some(versions[0]),
                });
                Found::Ambiguous(groups.into_iter().chain(resources).collect())
            }
        }
    }

    /// The resource that kubectl would take for `word`: the first group that has it, in its
    /// preferred version, or in `api_version` (`apps/v1`) if one is given.
    ///
    /// Errors: a sentence that says what is near.
    pub fn find_resource(
        &self,
        word: &str,
        api_version: Option<&str>,
    ) -> Result<&Resource, NotFound> {
        let found = self.matching(word);
        if found.is_empty() {
            let near = did_you_mean(&self.near(word))
                .map(|s| format!(" {s}"))
                .unwrap_or_default();
            return Err(NotFound(format!(
                "the server has no resource {word:?}.{near}"
            )));
        }
        let Some(wanted) = api_version else {
            return Ok(found[0][0]);
        };
        let all = || found.iter().flatten();
        all()
            .find(|r| r.group_version() == wanted)
            .copied()
            .ok_or_else(|| {
                let versions: Vec<String> = all().map(|r| r.group_version()).collect();
                NotFound(format!(
                    "{word:?} is not served as {wanted}; it is served as {}.",
                    versions.join(", ")
                ))
            })
    }

    /// The resources that `word` may mean, one entry a group and plural, each in its versions.
    fn matching(&self, word: &str) -> Vec<Vec<&Resource>> {
        let parts = Parts::of(word);
        for (group, version) in &parts.places {
            for is_match in [exact as fn(&Resource, &str) -> bool, loose] {
                let mut found: Vec<Vec<&Resource>> = Vec::new();
                for resource in self.resources() {
                    let in_place = group.is_none_or(|g| in_group(resource, g))
                        && version.is_none_or(|v| resource.version == v);
                    if !in_place || !is_match(resource, parts.name) {
                        continue;
                    }
                    let same = |have: &&mut Vec<&Resource>| {
                        have[0].group == resource.group && have[0].plural == resource.plural
                    };
                    match found.iter_mut().find(same) {
                        Some(versions) => versions.push(resource),
                        None => found.push(vec![resource]),
                    }
                }
                // A group that is named in full is meant, and none that it is the beginning of.
                if let Some(group) = group
                    && found.iter().any(|versions| versions[0].group == *group)
                {
                    found.retain(|versions| versions[0].group == *group);
                }
                if !found.is_empty() {
                    for versions in &mut found {
                        versions.sort_by_key(|r| !self.is_preferred(r));
                    }
                    return found;
                }
            }
        }
        Vec::new()
    }

    fn near(&self, word: &str) -> Vec<String> {
        let parts = Parts::of(word);
        let mut words: Vec<String> = Vec::new();
        for resource in self.preferred() {
            for name in [&resource.plural, &resource.singular, &resource.kind] {
                if !nearest(parts.name, [name.as_str()]).is_empty() {
                    words.push(resource.name());
                }
            }
        }
        words.extend(
            self.groups
                .iter()
                .map(|g| g.name.clone())
                .filter(|g| !g.is_empty()),
        );
        if word.contains('/') {
            words.extend(self.groups.iter().flat_map(|g| {
                g.versions
                    .iter()
                    .map(|v| super::model::group_version(&g.name, &v.version))
            }));
        }
        let direct = nearest(word, words.iter().map(String::as_str));
        if !direct.is_empty() {
            return direct.into_iter().map(str::to_owned).collect();
        }
        // The name alone may be near where the group makes the whole word long.
        words
            .retain(|w| !nearest(parts.name, [w.split('.').next().unwrap_or_default()]).is_empty());
        words.dedup();
        words.truncate(3);
        words
    }
}

/// kubectl lets a group be cut short: `deployments.app` finds none, but `ingresses.networking` does.
fn in_group(resource: &Resource, group: &str) -> bool {
    if group.is_empty() || group == "core" {
        return resource.group.is_empty();
    }
    resource.group == group
        || resource
            .group
            .strip_prefix(group)
            .is_some_and(|rest| rest.starts_with('.'))
}

fn exact(resource: &Resource, name: &str) -> bool {
    resource.plural == name || resource.singular == name
}

fn loose(resource: &Resource, name: &str) -> bool {
    let alike = |have: &str| have.eq_ignore_ascii_case(name);
    alike(&resource.plural)
        || alike(&resource.singular)
        || alike(&resource.kind)
        || resource.short_names.iter().any(|short| alike(short))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::discovery::testing::{discovery, resource};

    fn sample() -> Discovery {
        discovery(vec![
            resource("", "v1", "pods", "Pod").short("po").done(),
            resource("", "v1", "events", "Event").short("ev").done(),
            resource("apps", "v1", "deployments", "Deployment")
                .short("deploy")
                .done(),
            resource("events.k8s.io", "v1", "events", "Event")
                .short("ev")
                .done(),
            resource(
                "autoscaling",
                "v2",
                "horizontalpodautoscalers",
                "HorizontalPodAutoscaler",
            )
            .short("hpa")
            .done(),
            resource(
                "autoscaling",
                "v1",
                "horizontalpodautoscalers",
                "HorizontalPodAutoscaler",
            )
            .short("hpa")
            .done(),
            resource("app.example.com", "v1", "apps", "App").done(),
            resource("foo.com", "v1", "foos", "Foo").done(),
            resource("foo.com.au", "v1", "foos", "Foo").done(),
        ])
    }

    fn name(found: Found<'_>) -> String {
        match found {
            Found::Group(group) => format!("group {}", group.name),
            Found::GroupVersion(group, version) => {
                format!("version {}/{}", group.name, version.version)
            }
            Found::Resource(versions) => versions
                .iter()
                .map(|r| format!("{}/{}", r.group_version(), r.plural))
                .collect::<Vec<_>>()
                .join(" "),
            Found::Ambiguous(all) => {
                format!(
                    "one of {}",
                    all.into_iter()
                        .map(|c| c.word)
                        .collect::<Vec<_>>()
                        .join(" ")
                )
            }
            Found::Unknown(near) => format!("near {}", near.join(" ")),
        }
    }

    #[test]
    fn words_are_read_as_kubectl_reads_them() {
        let d = sample();
        let is = |word: &str, wanted: &str| assert_eq!(name(d.find(word)), wanted, "{word}");
        for word in [
            "deploy",
            "deployment",
            "Deployment",
            "DEPLOYMENTS",
            "deployments.apps",
        ] {
            is(word, "apps/v1/deployments");
        }
        is("deployments.v1.apps", "apps/v1/deployments");
        is("apps/v1/deployments", "apps/v1/deployments");
        is("apps/v1, Kind=Deployment", "apps/v1/deployments");
        is("v1/pods", "v1/pods");
        is("pods.v1.", "v1/pods");
        is(
            "hpa",
            "autoscaling/v2/horizontalpodautoscalers autoscaling/v1/horizontalpodautoscalers",
        );
        is(
            "hpa.v1.autoscaling",
            "autoscaling/v1/horizontalpodautoscalers",
        );
        is("autoscaling", "group autoscaling");
        is("autoscaling/v1", "version autoscaling/v1");
        is("core", "group ");
        is("v1", "version /v1");
        is("apps", "one of apps/ apps.app.example.com");
        is("apps/", "group apps");
        is("events", "one of v1/events events.events.k8s.io");
        is("events.events", "events.k8s.io/v1/events");
        is("foos", "one of foos.foo.com foos.foo.com.au");
        is("foos.foo.com", "foo.com/v1/foos");
        is("foo.com/v1/foos", "foo.com/v1/foos");
        is("foos.foo.com.au", "foo.com.au/v1/foos");
        is("deploments", "near deployments.apps");
        is("Deploymnet", "near deployments.apps");
        is("autoscalin", "near autoscaling");
        is("zebra", "near ");
    }

    #[test]
    fn one_resource_is_kubectls_choice() {
        let d = sample();
        assert_eq!(d.find_resource("ev", None).unwrap().group_version(), "v1");
        assert_eq!(
            d.find_resource("hpa", Some("autoscaling/v1"))
                .unwrap()
                .version,
            "v1"
        );
        let text = d
            .find_resource("hpa", Some("autoscaling/v3"))
            .unwrap_err()
            .to_string();
        assert!(
            text.contains("served as autoscaling/v2, autoscaling/v1"),
            "{text}"
        );
        let text = d.find_resource("pdos", None).unwrap_err().to_string();
        assert!(text.contains("Did you mean pods?"), "{text}");
    }

    #[test]
    fn versions_are_told_from_groups() {
        for yes in ["v1", "v2beta1", "v1alpha12"] {
            assert!(is_version(yes), "{yes}");
        }
        for no in ["", "v", "v1beta", "vault", "v1gamma1", "apps"] {
            assert!(!is_version(no), "{no}");
        }
    }
}

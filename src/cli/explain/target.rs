//! `RESOURCE.FIELD...` taken apart: where the resource ends and its fields begin.

use anyhow::anyhow;

use crate::cli::discover::unknown;
use crate::cli::exit::Usage;
use crate::discovery::{Discovery, Found, Resource};
use crate::schema::escaped;

/// A group has at most 253 characters and so 127 names; a resource and a version go before it.
const MOST_NAMES: usize = 129;

/// A resource and a field of it.
#[derive(Debug)]
pub(super) struct Target<'a> {
    pub(super) resource: &'a Resource,
    /// How the person named the resource
    pub(super) word: String,
    /// The fields on the way; empty for the kind itself
    pub(super) path: Vec<String>,
    /// The words for other resources that go by the same name
    pub(super) others: Vec<String>,
}

impl Target<'_> {
    /// The resource and the field, as explain takes them.
    pub(super) fn full_path(&self) -> String {
        let mut names = vec![self.word.clone()];
        names.extend(self.path.iter().map(|name| escaped(name).into_owned()));
        names.join(".")
    }
}

/// The names in a path: dots part them; `[]`, `[*]` and `[0]` after a list are no names; a dot after
/// a backslash and all in `['...']` belong to the name.
///
/// Errors: a name is missing, or a bracket holds something else.
pub(super) fn names(what: &str) -> Result<Vec<String>, Usage> {
    let wrong = |why: String| {
        let form = "write RESOURCE.FIELD.FIELD, as in pods.spec.containers";
        Usage(format!("{what:?} is no path of fields: {why}; {form}"))
    };
    let mut names: Vec<String> = Vec::new();
    let mut name = String::new();
    // After a bracket the next name needs its dot, but there is none to end.
    let mut closed = false;
    let mut rest = what.trim_matches('.').chars();
    while let Some(c) = rest.next() {
        match c {
            '\\' => name.extend(rest.next()),
            '.' => {
                if name.is_empty() && !closed {
                    return Err(wrong("a name is missing between two dots".to_owned()));
                }
                if !name.is_empty() {
                    names.push(std::mem::take(&mut name));
                }
                closed = false;
            }
            '[' => {
                let inside: String = rest.by_ref().take_while(|c| *c != ']').collect();
                if !name.is_empty() {
                    names.push(std::mem::take(&mut name));
                }
                closed = true;
                let quote = inside.chars().next().filter(|c| matches!(c, '\'' | '"'));
                let index = inside.trim_start_matches('-');
                if let Some(quote) = quote {
                    names.push(inside.trim_matches(quote).to_owned());
                } else if !(inside == "*" || index.chars().all(|c| c.is_ascii_digit())) {
                    return Err(wrong(format!(
                        "[{inside}] is neither an item nor a quoted name"
                    )));
                }
            }
            c => name.push(c),
        }
    }
    if !name.is_empty() {
        names.push(name);
    }
    if names.is_empty() {
        return Err(wrong("it is empty".to_owned()));
    }
    Ok(names)
}

/// Finds the resource that the first names mean, as many of them as possible: group names have dots
/// too. Where several groups have one of that name, kubectl's choice is taken.
///
/// Errors: none is known by that name, or not in `api_version`; a sentence that says what is near.
pub(super) fn resolve<'a>(
    discovery: &'a Discovery,
    names: &[String],
    api_version: Option<&str>,
) -> anyhow::Result<Target<'a>> {
    let words = (1..=names.len().min(MOST_NAMES))
        .rev()
        .map(|end| (end, names[..end].join(".")));
    for (end, word) in words.clone() {
        let others = match discovery.find(&word) {
            Found::Resource(_) => Vec::new(),
            Found::Ambiguous(candidates) => candidates,
            _ => continue,
        };
        let resource = discovery.find_resource(&word, api_version)?;
        let is_other =
            |other: &Resource| (&other.group, &other.plural) != (&resource.group, &resource.plural);
        let others = others
            .into_iter()
            .filter(|c| c.resource.is_some_and(is_other));
        return Ok(Target {
            resource,
            others: match api_version {
                None => others.map(|c| c.word).collect(),
                Some(_) => Vec::new(),
            },
            word,
            path: names[end..].to_vec(),
        });
    }
    let is_dead = |word: &str| {
        let of = |group: &str| {
            word.strip_suffix(group)
                .is_some_and(|rest| rest.ends_with('.'))
        };
        discovery.failures.iter().any(|f| of(&f.group))
    };
    // A word that ends in the name of a group that cannot be reached is told so as a whole.
    let dead = words.map(|(_, word)| word).find(|word| is_dead(word));
    let word = dead.unwrap_or_else(|| names[0].clone());
    Err(match discovery.find(&word) {
        Found::Group(_) | Found::GroupVersion(..) => anyhow!(
            "{word:?} is a group of resources, not a resource. See what is in it with: appop \
             discover {word}"
        ),
        Found::Unknown(near) => unknown(&word, &near, discovery),
        _ => unknown(&word, &[], discovery),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::discovery::testing::{discovery, resource};

    fn sample() -> Discovery {
        discovery(vec![
            resource("", "v1", "pods", "Pod").short("po").done(),
            resource("", "v1", "events", "Event").done(),
            resource("apps", "v1", "deployments", "Deployment")
                .short("deploy")
                .done(),
            resource("apps", "v1beta1", "deployments", "Deployment")
                .short("deploy")
                .done(),
            resource("events.k8s.io", "v1", "events", "Event").done(),
        ])
    }

    fn target(what: &str, api_version: Option<&str>) -> (String, String) {
        let discovery = sample();
        let target = resolve(&discovery, &names(what).unwrap(), api_version).unwrap();
        let resource = format!(
            "{}/{}",
            target.resource.group_version(),
            target.resource.plural
        );
        (resource, target.path.join("."))
    }

    #[test]
    fn resources_end_where_fields_begin() {
        for (what, resource, path) in [
            ("pods", "v1/pods", ""),
            ("po.spec.containers", "v1/pods", "spec.containers"),
            ("Pod.spec.", "v1/pods", "spec"),
            ("deployments.apps.spec", "apps/v1/deployments", "spec"),
            (
                "deployments.v1beta1.apps.spec",
                "apps/v1beta1/deployments",
                "spec",
            ),
            ("apps/v1/deployments.spec", "apps/v1/deployments", "spec"),
            (
                "events.events.k8s.io.note",
                "events.k8s.io/v1/events",
                "note",
            ),
            ("events.reason", "v1/events", "reason"),
        ] {
            assert_eq!(
                target(what, None),
                (resource.to_owned(), path.to_owned()),
                "{what}"
            );
        }
        let (resource, _) = target("deploy.spec", Some("apps/v1beta1"));
        assert_eq!(resource, "apps/v1beta1/deployments");
        let discovery = sample();
        let refused = resolve(&discovery, &names("deploy").unwrap(), Some("apps/v2")).unwrap_err();
        assert!(refused.to_string().contains("apps/v1"), "{refused}");
        let unknown = resolve(&discovery, &names("pds.spec").unwrap(), None).unwrap_err();
        assert!(
            unknown.to_string().contains("Did you mean pods"),
            "{unknown}"
        );
        let group = resolve(&discovery, &names("apps.spec").unwrap(), None).unwrap_err();
        assert!(group.to_string().contains("is a group"), "{group}");
    }

    #[test]
    fn of_several_groups_the_others_are_told() {
        let discovery = sample();
        let target = resolve(&discovery, &names("events").unwrap(), None).unwrap();
        assert_eq!(target.resource.group, "");
        assert_eq!(target.others, ["events.events.k8s.io"]);
    }

    #[test]
    fn brackets_and_backslashes() {
        let is =
            |what: &str, expected: &[&str]| assert_eq!(names(what).unwrap(), expected, "{what}");
        is(
            "pods.spec.containers[].name",
            &["pods", "spec", "containers", "name"],
        );
        is(
            "pods.spec.containers[0].ports[*]",
            &["pods", "spec", "containers", "ports"],
        );
        is("x.spec['a.b'].c", &["x", "spec", "a.b", "c"]);
        is(r"x.a\.b.c", &["x", "a.b", "c"]);
        for wrong in ["", ".", "pods..spec", "pods.spec[?(@.x)]"] {
            assert!(names(wrong).is_err(), "{wrong}");
        }
    }
}

//! A CRD as a line of the list, and how much of that discovery tells.
//!
//! The plain list must not download schemas. The server's Table without objects has names and
//! ages; aggregated discovery has kinds, scopes, short names and served versions. Neither has the
//! storage version, deprecation or conditions. So the few CRDs for which these matter are read one
//! by one: those that discovery does not name (not established, or nothing served), those that are
//! going away, and those that serve several versions ([`to_ask`]). Of all others the one version
//! that is served is shown, without a mark; their unserved versions, if any, are in `-o wide`.

use std::collections::HashMap;

use crate::discovery::{Discovery, Resource};

use super::model::Crd;
use super::state::State;

/// Name and age, as the server's Table has them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named {
    /// `plural.group`
    pub name: String,
    /// RFC 3339
    pub created: Option<String>,
}

/// A CRD in a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// `plural.group`
    pub name: String,
    /// In objects; empty where it is not known
    pub kind: String,
    /// For one; empty where it is not known
    pub singular: String,
    /// Abbreviations
    pub short_names: Vec<String>,
    /// `Namespaced` or `Cluster`; empty where it is not known
    pub scope: String,
    /// Versions, preferred first
    pub versions: Vec<Mark>,
    /// Whether it is established, or why not
    pub state: State,
    /// RFC 3339
    pub created: Option<String>,
}

/// A version and what is known of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mark {
    /// Its name
    pub name: String,
    /// Objects are stored in it
    pub storage: bool,
    /// Requests for it get a warning
    pub deprecated: bool,
    /// The server does not answer for it
    pub unserved: bool,
}

impl Row {
    /// From the whole CRD.
    pub fn of(crd: &Crd) -> Self {
        let versions = crd.versions_by_priority().into_iter().map(|v| Mark {
            name: v.name.clone(),
            storage: v.storage,
            deprecated: v.deprecated,
            unserved: !v.served,
        });
        let names = &crd.spec.names;
        Row {
            name: crd.name().to_owned(),
            kind: names.kind.clone(),
            singular: names.singular.clone(),
            short_names: names.short_names.clone(),
            scope: crd.spec.scope.clone(),
            versions: versions.collect(),
            state: State::of(crd),
            created: crd.metadata.creation_timestamp.clone(),
        }
    }

    /// What discovery tells: the resource in each of its versions, preferred first.
    fn discovered(named: Named, served: &[&Resource]) -> Self {
        let first = served.first();
        Row {
            name: named.name,
            kind: first.map(|r| r.kind.clone()).unwrap_or_default(),
            singular: first.map(|r| r.singular.clone()).unwrap_or_default(),
            short_names: first.map(|r| r.short_names.clone()).unwrap_or_default(),
            scope: first.map(|r| scope(r).to_owned()).unwrap_or_default(),
            versions: served
                .iter()
                .map(|r| Mark {
                    name: r.version.clone(),
                    ..Mark::default()
                })
                .collect(),
            state: match first {
                Some(resource) if !is_terminating(resource) => State::Established,
                _ => State::Unknown,
            },
            created: named.created,
        }
    }

    /// The API group.
    pub fn group(&self) -> &str {
        group_of(&self.name)
    }

    /// The name in paths.
    pub fn plural(&self) -> &str {
        self.name.split('.').next().unwrap_or_default()
    }

    /// `v1(storage),v1beta1(deprecated)`; of a single version that is served it goes without
    /// saying that objects are stored in it.
    pub fn versions_text(&self) -> String {
        if let [only] = self.versions.as_slice()
            && only.storage
            && !only.deprecated
            && !only.unserved
        {
            return only.name.clone();
        }
        let all: Vec<String> = self.versions.iter().map(Mark::text).collect();
        all.join(",")
    }
}

impl Mark {
    fn text(&self) -> String {
        let marks = [
            (self.storage, "storage"),
            (self.deprecated, "deprecated"),
            (self.unserved, "unserved"),
        ];
        let marks: Vec<&str> = marks.iter().filter(|m| m.0).map(|m| m.1).collect();
        match marks.as_slice() {
            [] => self.name.clone(),
            marks => format!("{}({})", self.name, marks.join(",")),
        }
    }
}

/// The group in the name of a CRD, which is `plural.group`.
pub fn group_of(name: &str) -> &str {
    name.split_once('.').map_or("", |(_, group)| group)
}

fn scope(resource: &Resource) -> &'static str {
    if resource.namespaced {
        "Namespaced"
    } else {
        "Cluster"
    }
}

/// What a terminating CRD serves can no longer be created.
/// Source: k8s.io/apiextensions-apiserver/pkg/apiserver/customresource_discovery_controller.go.
fn is_terminating(resource: &Resource) -> bool {
    !resource.can("create")
}

/// Whether a resource is defined by a CRD, told from discovery alone: the server lists the verbs of
/// custom resources in an order of its own, and those of all others sorted.
/// Source: k8s.io/apiextensions-apiserver/pkg/apiserver/customresource_discovery_controller.go.
pub fn is_custom(resource: &Resource) -> bool {
    let begins = |verbs: &[&str]| resource.verbs.iter().zip(verbs).all(|(a, b)| a == b);
    resource.group.contains('.')
        && resource.verbs.len() > 4
        && begins(&["delete", "deletecollection", "get", "list"])
}

/// The rows of these CRDs as far as discovery tells.
pub fn join(names: Vec<Named>, discovery: &Discovery) -> Vec<Row> {
    let served = by_place(discovery.resources());
    let row = |named: Named| {
        let place = named.name.split_once('.').unwrap_or((&named.name, ""));
        let versions = served.get(&place).cloned().unwrap_or_default();
        Row::discovered(named, &versions)
    };
    names.into_iter().map(row).collect()
}

/// The custom resources that discovery names, for somebody who may not list CRDs. Without age,
/// and without those that are not served.
pub fn without_crds(discovery: &Discovery) -> Vec<Row> {
    let served = by_place(discovery.resources().filter(|r| is_custom(r)));
    let row = |versions: Vec<&Resource>| {
        let named = Named {
            name: versions[0].name(),
            created: None,
        };
        Row::discovered(named, &versions)
    };
    let mut rows: Vec<Row> = served.into_values().map(row).collect();
    rows.sort_by(|a, b| a.name.cmp(&b.name));
    rows
}

type Place<'a> = (&'a str, &'a str);

/// Each resource in its versions, by plural and group.
fn by_place<'a>(
    resources: impl Iterator<Item = &'a Resource>,
) -> HashMap<Place<'a>, Vec<&'a Resource>> {
    let mut places: HashMap<Place<'_>, Vec<&Resource>> = HashMap::new();
    for resource in resources {
        let place = (resource.plural.as_str(), resource.group.as_str());
        places.entry(place).or_default().push(resource);
    }
    places
}

/// The rows of which discovery does not tell enough, the most urgent first.
pub fn to_ask(rows: &[Row]) -> Vec<usize> {
    let unknown = |row: &Row| row.state == State::Unknown;
    let (mut first, mut then) = (Vec::new(), Vec::new());
    for (at, row) in rows.iter().enumerate() {
        if unknown(row) {
            first.push(at);
        } else if row.versions.len() > 1 {
            then.push(at);
        }
    }
    first.append(&mut then);
    first
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crds::testing::crd;
    use crate::discovery::testing::{discovery, resource};

    const CUSTOM: [&str; 8] = [
        "delete",
        "deletecollection",
        "get",
        "list",
        "patch",
        "create",
        "update",
        "watch",
    ];

    fn sample() -> Discovery {
        discovery(vec![
            resource("apps", "v1", "deployments", "Deployment").done(),
            resource("apps.openshift.io", "v1", "builds", "Build").done(),
            resource("a.com", "v1", "widgets", "Widget")
                .verbs(&CUSTOM)
                .short("wg")
                .done(),
            resource("a.com", "v1beta1", "widgets", "Widget")
                .verbs(&CUSTOM)
                .short("wg")
                .done(),
            resource("a.com", "v1", "gadgets", "Gadget")
                .verbs(&CUSTOM)
                .cluster_scoped()
                .done(),
            resource("a.com", "v1", "goings", "Going")
                .verbs(&["delete", "deletecollection", "get", "list", "watch"])
                .done(),
        ])
    }

    fn named(name: &str) -> Named {
        Named {
            name: name.into(),
            created: None,
        }
    }

    #[test]
    fn discovery_tells_most_and_the_rest_is_asked_for() {
        let names = [
            "gadgets.a.com",
            "ghosts.a.com",
            "goings.a.com",
            "widgets.a.com",
        ];
        let rows = join(names.map(named).to_vec(), &sample());
        assert_eq!(
            (rows[0].kind.as_str(), rows[0].scope.as_str()),
            ("Gadget", "Cluster")
        );
        assert_eq!(rows[0].state, State::Established);
        assert_eq!(rows[0].versions_text(), "v1");
        assert_eq!(rows[1].state, State::Unknown);
        assert_eq!(rows[3].versions_text(), "v1,v1beta1");
        assert_eq!(to_ask(&rows), [1, 2, 3]);
    }

    #[test]
    fn custom_resources_are_told_from_others() {
        let rows = without_crds(&sample());
        let names: Vec<&str> = rows.iter().map(|r| r.name.as_str()).collect();
        assert_eq!(names, ["gadgets.a.com", "goings.a.com", "widgets.a.com"]);
    }

    #[test]
    fn versions_carry_their_marks() {
        let of = |versions: &[&str]| {
            let crd = versions.iter().fold(crd("a.b"), |crd, v| crd.version(v));
            Row::of(&crd.done()).versions_text()
        };
        assert_eq!(of(&["v1 storage"]), "v1");
        assert_eq!(of(&["v1 storage unserved"]), "v1(storage,unserved)");
        assert_eq!(of(&["v1 storage deprecated"]), "v1(storage,deprecated)");
        assert_eq!(
            of(&[
                "v1alpha1 unserved",
                "v1beta1 deprecated",
                "v1 storage",
                "v2"
            ]),
            "v2,v1(storage),v1beta1(deprecated),v1alpha1(unserved)"
        );
    }
}

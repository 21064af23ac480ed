//! Which CRD a person means by a word.

use crate::discovery::nearest::nearest;
use crate::discovery::{Discovery, Found, Resource};

use super::row::Row;

/// What a word stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Meant {
    /// The CRD of that name
    Crd(String),
    /// Several CRDs
    Several(Vec<String>),
    /// A resource that no CRD defines, by its `plural.group`
    NotCustom(String),
    /// An API group
    Group(String),
    /// Nothing; perhaps one of these CRDs was meant
    Unknown(Vec<String>),
}

/// Finds the CRD that `word` means among `rows`: by its name, or by plural, singular, kind or short
/// name, each also with the group (or its beginning) and a version, as kubectl takes them.
pub fn resolve(word: &str, rows: &[Row], discovery: &Discovery) -> Meant {
    if let Some(row) = rows.iter().find(|row| row.name == word) {
        return Meant::Crd(row.name.clone());
    }
    let own = matching(word, rows);
    if !own.is_empty() {
        return one_of(own);
    }
    let served: Vec<&Resource> = match discovery.find(word) {
        Found::Resource(versions) => versions,
        Found::Ambiguous(candidates) => candidates.into_iter().filter_map(|c| c.resource).collect(),
        Found::Group(group) if !group.name.is_empty() => return Meant::Group(group.name.clone()),
        Found::GroupVersion(group, _) if !group.name.is_empty() => {
            return Meant::Group(group.name.clone());
        }
        Found::Group(_) | Found::GroupVersion(..) | Found::Unknown(_) => Vec::new(),
    };
    let mut names: Vec<String> = served.iter().map(|r| r.name()).collect();
    names.dedup();
    let custom: Vec<String> = names
        .iter()
        .filter(|name| rows.iter().any(|row| row.name == **name))
        .cloned()
        .collect();
    match (custom.is_empty(), names.into_iter().next()) {
        (false, _) => one_of(custom),
        (true, Some(other)) => Meant::NotCustom(other),
        (true, None) => Meant::Unknown(near(word, rows)),
    }
}

fn one_of(mut names: Vec<String>) -> Meant {
    if names.len() == 1 {
        Meant::Crd(names.remove(0))
    } else {
        Meant::Several(names)
    }
}

/// CRDs that discovery need not know: by plural or singular first, then by kind or short name.
fn matching(word: &str, rows: &[Row]) -> Vec<String> {
    let (name, place) = word.split_once('.').unwrap_or((word, ""));
    // `widgets.v1.example.com`
    let after_version = place.split_once('.').map(|(_, group)| group);
    for is_match in [exact as fn(&Row, &str) -> bool, loose] {
        for group in [Some(place), after_version].into_iter().flatten() {
            let found: Vec<String> = rows
                .iter()
                .filter(|row| in_group(row, group) && is_match(row, name))
                .map(|row| row.name.clone())
                .collect();
            if !found.is_empty() {
                return found;
            }
        }
    }
    Vec::new()
}

fn in_group(row: &Row, group: &str) -> bool {
    let after = row.group().strip_prefix(group);
    group.is_empty() || after.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

fn exact(row: &Row, name: &str) -> bool {
    row.plural() == name || row.singular == name
}

fn loose(row: &Row, name: &str) -> bool {
    let alike = |have: &str| have.eq_ignore_ascii_case(name);
    alike(row.plural())
        || alike(&row.singular)
        || alike(&row.kind)
        || row.short_names.iter().any(|short| alike(short))
}

/// The group makes whole names alike, so what stands before it is compared first.
fn near(word: &str, rows: &[Row]) -> Vec<String> {
    let (name, _) = word.split_once('.').unwrap_or((word, ""));
    let names = |row: &'_ Row| {
        let short = row.short_names.iter().cloned();
        let own = [
            row.plural().to_owned(),
            row.singular.clone(),
            row.kind.clone(),
        ];
        own.into_iter().chain(short).collect::<Vec<_>>()
    };
    let all: Vec<(String, &Row)> = rows
        .iter()
        .flat_map(|row| names(row).into_iter().map(move |name| (name, row)))
        .collect();
    let mut found: Vec<String> = Vec::new();
    for near in nearest(name, all.iter().map(|(name, _)| name.as_str())) {
        for (_, row) in all.iter().filter(|(name, _)| name == near) {
            if !found.contains(&row.name) {
                found.push(row.name.clone());
            }
        }
    }
    if found.is_empty() {
        let whole = nearest(word, rows.iter().map(|row| row.name.as_str()));
        found.extend(whole.into_iter().map(str::to_owned));
    }
    found.truncate(3);
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crds::testing::crd;
    use crate::discovery::testing::{discovery, resource};

    fn meant(word: &str) -> Meant {
        let rows: Vec<Row> = [
            crd("widgets.example.com").short("wg"),
            crd("widgets.other.io"),
            crd("gadgets.example.com").kind("Gadget").short("g"),
            crd("ghosts.example.com"),
        ]
        .map(|crd| Row::of(&crd.done()))
        .to_vec();
        let served = discovery(vec![
            resource("apps", "v1", "deployments", "Deployment").done(),
            resource("example.com", "v1", "widgets", "Widget").done(),
            resource("example.com", "v1", "gadgets", "Gadget").done(),
            resource("metrics.k8s.io", "v1", "nodes", "NodeMetrics").done(),
        ]);
        resolve(word, &rows, &served)
    }

    #[test]
    fn a_crd_goes_by_many_names() {
        for word in [
            "gadgets.example.com",
            "gadgets",
            "Gadget",
            "gadget",
            "G",
            "gadgets.example",
            "gadgets.v1.example.com",
            "example.com/v1/gadgets",
        ] {
            assert_eq!(
                meant(word),
                Meant::Crd("gadgets.example.com".into()),
                "{word}"
            );
        }
        assert_eq!(meant("wg"), Meant::Crd("widgets.example.com".into()));
        assert_eq!(meant("Ghost"), Meant::Crd("ghosts.example.com".into()));
        assert_eq!(meant("widget.other"), Meant::Crd("widgets.other.io".into()));
    }

    #[test]
    fn what_is_not_one_crd_is_said() {
        let both = ["widgets.example.com", "widgets.other.io"].map(String::from);
        assert_eq!(meant("widgets"), Meant::Several(both.to_vec()));
        assert_eq!(meant("deploy"), Meant::Unknown(Vec::new()));
        assert_eq!(
            meant("Deployment"),
            Meant::NotCustom("deployments.apps".into())
        );
        assert_eq!(meant("example.com"), Meant::Group("example.com".into()));
        assert_eq!(meant("example.com/v1"), Meant::Group("example.com".into()));
        assert_eq!(
            meant("gadgts"),
            Meant::Unknown(vec!["gadgets.example.com".into()])
        );
        assert_eq!(
            meant("gadgts.example.com"),
            Meant::Unknown(vec!["gadgets.example.com".into()])
        );
        assert_eq!(meant("zebra"), Meant::Unknown(Vec::new()));
    }
}

//! Who holds the names that a CRD asks for.

use super::model::{Crd, Names};

/// A name that a CRD asks for and another one of its group has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Taken {
    /// What it is: `kind`, `short name` …
    pub what: &'static str,
    /// The name
    pub name: String,
    /// The CRD that has it
    pub holder: String,
}

/// The names of `crd` that others of its group hold.
///
/// Kinds clash with kinds and list kinds; plurals, singulars and short names with each other.
/// Source: k8s.io/apiextensions-apiserver/pkg/controller/status/naming_controller.go.
pub fn taken<'a>(crd: &Crd, others: impl IntoIterator<Item = &'a Crd>) -> Vec<Taken> {
    let wanted = &crd.spec.names;
    let mut all = Vec::new();
    for other in others {
        if other.spec.group != crd.spec.group || other.name() == crd.name() {
            continue;
        }
        let held = &other.status.accepted_names;
        let mut add = |what, name: &str, in_use: &[&str]| {
            if !name.is_empty() && in_use.contains(&name) {
                all.push(Taken {
                    what,
                    name: name.to_owned(),
                    holder: other.name().to_owned(),
                });
            }
        };
        let kinds = [held.kind.as_str(), held.list_kind.as_str()];
        add("kind", &wanted.kind, &kinds);
        add("list kind", &wanted.list_kind, &kinds);
        let resources = resource_names(held);
        add("plural", &wanted.plural, &resources);
        add("singular", &wanted.singular, &resources);
        for short in &wanted.short_names {
            add("short name", short, &resources);
        }
    }
    all
}

fn resource_names(names: &Names) -> Vec<&str> {
    let short = names.short_names.iter().map(String::as_str);
    [names.plural.as_str(), names.singular.as_str()]
        .into_iter()
        .chain(short)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crds::testing::crd;

    #[test]
    fn the_holder_is_found_in_the_same_group_alone() {
        let holder = crd("widgets.a.com").short("wg").established().done();
        let elsewhere = crd("widgets.b.com").short("wg").established().done();
        let refused = crd("wgs.a.com").kind("Widget").done();
        let loser = crd("gadgets.a.com").kind("Widget").short("wg").done();
        let found = taken(&loser, [&holder, &elsewhere, &refused, &loser]);
        let text: Vec<String> = found
            .iter()
            .map(|t| format!("{} {} {}", t.what, t.name, t.holder))
            .collect();
        assert_eq!(
            text,
            [
                "kind Widget widgets.a.com",
                "list kind WidgetList widgets.a.com",
                "short name wg widgets.a.com"
            ]
        );
    }
}

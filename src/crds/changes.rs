//! What changed between two versions of a CRD: the schema, and what else a version has.

use std::collections::BTreeSet;

use serde::Serialize;

use crate::schema::{self, Field, What};

use super::model::Version;

/// A change from one version to another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Change {
    /// The field by its path; empty for the whole
    pub path: String,
    /// What changed, such as `added`, `default`, `subresource`
    pub what: String,
    /// How it was
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// How it is now
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// Whether what worked with the old version may not work with the new one
    pub breaking: bool,
    /// Whether only words for people changed
    #[serde(skip)]
    pub is_wording: bool,
}

impl From<schema::Change> for Change {
    fn from(change: schema::Change) -> Self {
        Change {
            path: change.path,
            what: change.what.word().to_owned(),
            from: change.from,
            to: change.to,
            breaking: change.breaking,
            is_wording: change.what == What::Description,
        }
    }
}

/// All that changed: subresources, printer columns and selectable fields first, then the schema.
pub fn changes(from: (&Version, &Field), to: (&Version, &Field)) -> Vec<Change> {
    let mut all = Vec::new();
    let subresources = |v: &Version| {
        v.subresource_names()
            .into_iter()
            .map(String::from)
            .collect()
    };
    let fields = |v: &Version| {
        v.selectable_fields
            .iter()
            .map(|f| f.json_path.clone())
            .collect()
    };
    let columns = |v: &Version| {
        let columns = v.additional_printer_columns.iter();
        columns
            .map(|c| format!("{} {}", c.name, c.json_path))
            .collect()
    };
    one_by_one(
        &mut all,
        "subresource",
        true,
        subresources(from.0),
        subresources(to.0),
    );
    one_by_one(
        &mut all,
        "selectable field",
        true,
        fields(from.0),
        fields(to.0),
    );
    one_by_one(
        &mut all,
        "printer column",
        false,
        columns(from.0),
        columns(to.0),
    );
    all.extend(schema::diff(from.1, to.1).into_iter().map(Change::from));
    all
}

fn one_by_one(
    all: &mut Vec<Change>,
    what: &str,
    is_relied_on: bool,
    from: BTreeSet<String>,
    to: BTreeSet<String>,
) {
    let change = |from: Option<&String>, to: Option<&String>| Change {
        path: String::new(),
        what: what.to_owned(),
        breaking: is_relied_on && to.is_none(),
        from: from.cloned(),
        to: to.cloned(),
        is_wording: false,
    };
    all.extend(from.difference(&to).map(|gone| change(Some(gone), None)));
    all.extend(to.difference(&from).map(|new| change(None, Some(new))));
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn more_than_the_schema_is_compared() {
        let version = |value| serde_json::from_value::<Version>(value).unwrap();
        let old = version(json!({"subresources": {"status": {}}, "selectableFields":
            [{"jsonPath": ".spec.a"}]}));
        let new = version(json!({"subresources": {"status": {}, "scale": {}},
            "additionalPrinterColumns": [{"name": "A", "jsonPath": ".spec.a"}]}));
        let field = |schema| Field::from_crd(&schema).unwrap();
        let before = field(json!({"type": "object", "properties": {"a": {"type": "string"}}}));
        let after = field(json!({"type": "object", "description": "x"}));
        let show = |c: &Change| {
            let from = c.from.as_deref().unwrap_or("-");
            let to = c.to.as_deref().unwrap_or("-");
            let mark = if c.breaking { "!" } else { "" };
            format!("{} {}{mark}: {from} -> {to}", c.path, c.what)
        };
        let found = changes((&old, &before), (&new, &after));
        assert_eq!(
            found.iter().map(show).collect::<Vec<_>>(),
            [
                " subresource: - -> scale",
                " selectable field!: .spec.a -> -",
                " printer column: - -> A .spec.a",
                " description: - -> x",
                "a removed!: string -> -",
            ]
        );
        assert!(found[3].is_wording);
    }
}

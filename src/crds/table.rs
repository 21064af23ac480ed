//! CRDs, their problems, and the differences of two versions as tables.

use jiff::Timestamp;

use super::backend::service_of;
use super::changes::Change;
use super::model::Crd;
use super::problems::{Kind, Problem};
use super::row::Row;
use super::state::State;
use crate::output::{Cell, Column, Paint, Table, time};

/// The list: a row each; with its CRD where that was read, for the wide columns.
pub fn list<'a>(
    rows: impl IntoIterator<Item = (&'a Row, Option<&'a Crd>)>,
    wide: bool,
    now: Timestamp,
) -> Table {
    let mut table = Table::new([
        Column::new("NAME"),
        Column::new("KIND").priority(3),
        Column::new("SCOPE").priority(4),
        Column::new("VERSIONS").flexible(12).priority(1),
        Column::new("ESTABLISHED").flexible(16),
        Column::new("AGE").priority(2),
        Column::new("SHORTNAMES").wide_only(),
        Column::new("CATEGORIES").flexible(10).wide_only(),
        Column::new("CONVERSION").flexible(12).wide_only(),
        Column::new("STORED").wide_only(),
        Column::new("MANAGERS").flexible(12).wide_only(),
    ])
    .wide(wide);
    for (row, crd) in rows {
        let mut cells = vec![
            Cell::from(row.name.as_str()).paint(Paint::Strong),
            cell(&row.kind),
            cell(&row.scope),
            cell(&row.versions_text()),
            state(&row.state),
            Cell::from(time::age(row.created.as_deref(), now)),
        ];
        if let Some(crd) = crd {
            cells.extend([
                cell(&row.short_names.join(",")),
                cell(&crd.spec.names.categories.join(",")),
                cell(&conversion(crd)),
                cell(&crd.status.stored_versions.join(",")),
                cell(&crd.managers().join(",")),
            ]);
        }
        table.row(cells);
    }
    table
}

/// Each problem in a row, by the name of its CRD.
pub fn problems<'a>(found: impl IntoIterator<Item = (&'a str, &'a Problem)>, wide: bool) -> Table {
    let mut table = Table::new([
        Column::new("NAME"),
        Column::new("PROBLEM").priority(1),
        Column::new("WHAT IS WRONG").flexible(30),
        Column::new("WHAT TO DO").wide_only(),
    ])
    .wide(wide);
    for (name, problem) in found {
        let paint = match problem.kind {
            Kind::StoredVersionBlocksUpgrade | Kind::DeprecatedVersionInUse => Paint::Warn,
            _ => Paint::Bad,
        };
        table.row([
            Cell::from(name).paint(Paint::Strong),
            Cell::from(problem.kind.text()).paint(paint),
            Cell::from(problem.message.as_str()),
            Cell::from(problem.advice.as_str()),
        ]);
    }
    table
}

/// What changed between two versions, a row each.
pub fn changes(changes: &[Change], wide: bool) -> Table {
    let mut table = Table::new([
        Column::new("FIELD"),
        Column::new("CHANGE"),
        Column::new("FROM").flexible(10),
        Column::new("TO").flexible(10),
        Column::new("BREAKING"),
    ])
    .wide(wide);
    for change in changes {
        let breaking = match change.breaking {
            true => Cell::from("yes").paint(Paint::Bad),
            false => Cell::from("no"),
        };
        table.row([
            cell(&change.path).paint(Paint::Key),
            Cell::from(change.what.as_str()),
            cell(change.from.as_deref().unwrap_or_default()),
            cell(change.to.as_deref().unwrap_or_default()),
            breaking,
        ]);
    }
    table
}

/// An empty cell would shift the columns for `awk`.
fn cell(text: &str) -> Cell {
    Cell::from(if text.is_empty() { "<none>" } else { text })
}

fn state(state: &State) -> Cell {
    let paint = match state {
        State::Established => Paint::Good,
        State::OldNames(_) | State::New | State::Unknown => Paint::Warn,
        State::NotEstablished(_) | State::Terminating(_) => Paint::Bad,
    };
    Cell::from(state.text()).paint(paint)
}

/// `None`, or `Webhook(namespace/name)`, `Webhook(url)`.
pub(super) fn conversion(crd: &Crd) -> String {
    let conversion = &crd.spec.conversion;
    let config = conversion.webhook.as_ref().map(|w| &w.client_config);
    let place = service_of(conversion)
        .map(|service| format!("{}/{}", service.namespace, service.name))
        .or_else(|| config.and_then(|c| c.url.clone()));
    match place {
        Some(place) => format!("{}({place})", conversion.strategy),
        None => conversion.strategy.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crds::testing::crd;
    use crate::output::table::View;

    const PIPE: View = View {
        width: None,
        color: false,
        headers: true,
    };

    #[test]
    fn the_list_has_a_row_for_each() {
        let good = crd("widgets.a.com")
            .version("v1 storage")
            .version("v1beta1 deprecated")
            .stored(&["v1"])
            .established()
            .short("wg")
            .manager("helm")
            .webhook("ns", "conv")
            .done();
        let new = crd("gadgets.a.com").version("v1 storage").done();
        let rows = [Row::of(&good), Row::of(&new)];
        let now = "2026-01-03T00:00:00Z".parse().unwrap();
        let table = list(
            [(&rows[0], Some(&good)), (&rows[1], Some(&new))],
            false,
            now,
        );
        let text = table.render(&PIPE).text;
        let words = |line: &str| {
            line.split("   ")
                .filter(|w| !w.is_empty())
                .map(|w| w.trim().to_owned())
                .collect::<Vec<_>>()
        };
        let lines: Vec<Vec<String>> = text.lines().map(words).collect();
        assert_eq!(
            lines[0],
            ["NAME", "KIND", "SCOPE", "VERSIONS", "ESTABLISHED", "AGE"]
        );
        assert_eq!(
            lines[1],
            [
                "widgets.a.com",
                "Widget",
                "Namespaced",
                "v1(storage),v1beta1(deprecated)",
                "True",
                "2d"
            ]
        );
        assert_eq!(
            lines[2],
            [
                "gadgets.a.com",
                "Gadget",
                "Namespaced",
                "v1",
                "False: the server has not looked at it yet",
                "2d"
            ]
        );
        let table = list([(&rows[0], Some(&good))], true, now);
        let text = table.render(&PIPE).text;
        assert!(
            text.ends_with("2d    wg           <none>       Webhook(ns/conv)   v1       helm\n"),
            "{text}"
        );
    }
}

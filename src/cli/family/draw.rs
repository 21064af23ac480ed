//! A family for people: the tree as a table, conditions, Events.

use jiff::Timestamp;
use serde_json::Value;

use super::{Family, Form};
use crate::output::table::View;
use crate::output::time::age;
use crate::output::{Cell, Column, Format, Paint, Printer, Table};
use crate::ownership::{Health, Link, Object};

/// The whole text.
pub(in crate::cli) fn text(
    family: &Family,
    printer: Printer,
    form: &Form,
    now: Timestamp,
) -> String {
    let view = View {
        width: printer.width(),
        color: printer.stdout_is_colored(),
        headers: form.headers,
    };
    let wide = form.output == Format::Wide;
    let mut text = tree(family, wide, now).render(&view).text;
    if family.tree.too_deep > 0 {
        let hidden = family.tree.too_deep;
        text.push_str(&format!("… {hidden} more objects are nested more deeply\n"));
    }
    // What is below the tree is prose: it wraps, and always has its headings.
    let view = View {
        headers: true,
        ..view
    };
    for table in [conditions(&family.root, now), events(family, now)] {
        if !table.is_empty() {
            text.push('\n');
            text.push_str(&table.render(&view).text);
        }
    }
    text
}

fn tree(family: &Family, wide: bool, now: Timestamp) -> Table {
    let home = &family.root["metadata"]["namespace"];
    let home = home.as_str().unwrap_or_default();
    let nodes = &family.tree.nodes;
    let elsewhere = |at: usize| family.objects[at].namespace != home;
    let has_elsewhere = nodes.iter().any(|node| elsewhere(node.object));
    let mut columns = vec![Column::new("name")];
    if has_elsewhere {
        columns.push(Column::new("namespace").priority(2));
    }
    columns.extend([
        Column::new("ready"),
        Column::new("status").flexible(16),
        Column::new("age").priority(3),
        Column::new("api version").wide_only(),
    ]);
    let mut table = Table::new(columns).wide(wide);
    let prefixes = family.tree.prefixes();
    for (node, prefix) in nodes.iter().zip(prefixes) {
        let object = &family.objects[node.object];
        let mut row = vec![Cell::from(format!("{prefix}{}", object.title()))];
        if has_elsewhere {
            row.push(Cell::from(object.namespace.as_str()));
        }
        row.extend(match node.link {
            Link::Root | Link::Owned => state(object),
            Link::Again => [Cell::from(""), dim("has another owner, and is shown there")],
            Link::Cycle => [
                Cell::from(""),
                Cell::from("is above: they own each other").paint(Paint::Bad),
            ],
            Link::Invalid => [
                Cell::from(object.state.ready.as_str()),
                Cell::from("its owner must not be in another namespace").paint(Paint::Bad),
            ],
        });
        row.push(Cell::from(age(object.created.as_deref(), now)));
        row.push(Cell::from(object.kind.api_version()));
        table.row(row);
    }
    table
}

/// READY and STATUS.
fn state(object: &Object) -> [Cell; 2] {
    let paint = paint(object.state.health);
    let state = &object.state;
    [&state.ready, &state.status].map(|text| Cell::from(text.as_str()).paint(paint))
}

/// The role of an object's words.
pub(in crate::cli) fn paint(health: Health) -> Paint {
    match health {
        Health::None => Paint::Plain,
        Health::Good => Paint::Good,
        Health::Progressing => Paint::Warn,
        Health::Bad => Paint::Bad,
    }
}

fn dim(text: &str) -> Cell {
    Cell::from(text).paint(Paint::Dim)
}

/// A line for each changed object, in the columns that all of them need: what a watch adds in a pipe.
pub(in crate::cli) fn rows<'a>(
    all: impl Iterator<Item = &'a Object>,
    changed: impl Iterator<Item = (&'a Object, bool)>,
) -> String {
    let mut table = Table::new(["name", "ready", "status"].map(Column::new));
    let mut above = 0;
    for object in all {
        let [ready, status] = state(object);
        table.row([Cell::from(object.title()), ready, status]);
        above += 1;
    }
    for (object, gone) in changed {
        let [ready, status] = state(object);
        let status = if gone { Cell::from("Deleted") } else { status };
        table.row([Cell::from(object.title()), ready, status]);
    }
    let view = View {
        width: None,
        color: false,
        headers: false,
    };
    let text = table.render(&view).text;
    text.split_inclusive('\n').skip(above).collect()
}

fn conditions(root: &Value, now: Timestamp) -> Table {
    let mut table = Table::new([
        Column::new("condition"),
        Column::new("status"),
        Column::new("reason").flexible(10),
        Column::new("since"),
        Column::new("message").flexible(20),
    ])
    .wide(true);
    let all = root["status"]["conditions"].as_array();
    let mut above = "";
    for condition in all.into_iter().flatten() {
        let word = |name: &str| condition[name].as_str().unwrap_or_default();
        let since = match condition["lastTransitionTime"].as_str() {
            Some(time) => age(Some(time), now),
            None => String::new(),
        };
        table.row([
            Cell::from(word("type")),
            Cell::from(word("status")),
            Cell::from(word("reason")),
            Cell::from(since),
            // A condition and its opposite often have the same long story.
            match word("message") {
                message if message == above && !message.is_empty() => dim("as above"),
                message => Cell::from(message),
            },
        ]);
        above = word("message");
    }
    table
}

fn events(family: &Family, now: Timestamp) -> Table {
    let mut table = Table::new([
        Column::new("age"),
        Column::new("type"),
        Column::new("reason"),
        Column::new("object").flexible(16),
        Column::new("message").flexible(20),
    ])
    .wide(true);
    for event in &family.events {
        let times = match event.count {
            1 => String::new(),
            many => format!(" (x{many})"),
        };
        let paint = match event.type_.as_str() {
            "Normal" | "" => Paint::Plain,
            _ => Paint::Warn,
        };
        table.row([
            Cell::from(age(Some(&event.last), now)),
            Cell::from(event.type_.as_str()).paint(paint),
            Cell::from(event.reason.as_str()),
            Cell::from(event.about.as_str()),
            Cell::from(format!("{}{times}", event.message.trim())),
        ]);
    }
    table
}

//! `--table`: the server's own table of what was asked for.

use std::process::ExitCode;

use bytes::Bytes;
use http::{Request, Response, StatusCode, Uri};
use kube::client::Body;
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use tokio::time::Instant;

use super::answer::{self, Answer};
use super::exchange::{Exchange, Sent};
use super::pages::{self, PageMetadata, Pages};
use super::request::with_default;
use crate::cluster::from_json;
use crate::output::{Cell, Column, Table, clean, width};

/// The largest table that is held in memory: far more rows than anybody reads.
const LIMIT: usize = 256 << 20;

/// As much as no object is near: etcd's limit is 1.5 MiB.
const EVENT_LIMIT: usize = 64 << 20;
/// The longest word in the first column of a watch.
const WIDEST_EVENT: &str = "MODIFIED";

/// `meta.k8s.io/v1` Table.
/// Source: k8s.io/apimachinery/pkg/apis/meta/v1/types.go.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Answered {
    kind: String,
    metadata: PageMetadata,
    // Go writes an empty list so where nobody made it: the columns of later events, no rows.
    #[serde(deserialize_with = "or_empty")]
    column_definitions: Vec<Definition>,
    #[serde(deserialize_with = "or_empty")]
    rows: Vec<Row>,
}

fn or_empty<'de, D, T>(deserializer: D) -> Result<Vec<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    Ok(Option::<Vec<T>>::deserialize(deserializer)?.unwrap_or_default())
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Definition {
    name: String,
    /// Above 0: for `-o wide`
    priority: i32,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Row {
    cells: Vec<Value>,
    object: Option<Object>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Object {
    metadata: Option<ObjectMetadata>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct ObjectMetadata {
    namespace: String,
}

/// An event of a watch.
#[derive(Debug, Deserialize)]
struct Event {
    r#type: String,
    object: Value,
}

/// What is asked for and how it is drawn.
#[derive(Clone, Copy, Debug)]
pub(super) struct View {
    pub(super) all: bool,
    pub(super) wide: bool,
}

/// Asks for a table and prints it.
///
/// Errors: a failure of the server, or an answer that is no table.
pub(super) async fn run(
    exchange: &Exchange<'_>,
    mut request: Request<Bytes>,
    view: View,
) -> anyhow::Result<ExitCode> {
    if !spans_namespaces(request.uri()) {
        // The rows' objects are only good for their namespaces.
        *request.uri_mut() = with_default(request.uri(), "includeObject", "None")?;
    }
    if answer::is_watch(request.uri()) {
        return watch(exchange, request, view).await;
    }
    let pages = if view.all {
        Some(Pages::new(request.uri())?)
    } else {
        None
    };
    let mut uri = pages.as_ref().map_or(request.uri(), Pages::first).clone();
    let mut drawing = Drawing::new(view.wide, spans_namespaces(request.uri()));
    let mut whole = false;
    let more = loop {
        let mut page = request.clone();
        *page.uri_mut() = uri.clone();
        let response = match (exchange.send(page).await?, &pages) {
            (Sent::Good(response), _) => response,
            (Sent::Bad(response), Some(pages))
                if response.status() == StatusCode::GONE && !drawing.rows.is_empty() && !whole =>
            {
                whole = true;
                drawing.rows.clear();
                uri = pages.whole()?;
                continue;
            }
            (Sent::Bad(response), _) => {
                return exchange.fail(request.method(), &uri, response).await;
            }
        };
        let table = read(exchange, &uri, response).await?;
        let next = table.metadata.next().map(str::to_owned);
        drawing.add(table, None);
        match (next, &pages) {
            (Some(token), Some(pages)) => {
                let after = pages.next(&token)?;
                if after == uri {
                    return Err(pages::goes_in_circles(&uri));
                }
                uri = after;
            }
            (next, _) => break next.is_some(),
        }
    };
    if drawing.rows.is_empty() {
        exchange.printer().say("There is nothing to list.");
        return Ok(ExitCode::SUCCESS);
    }
    drawing.print(exchange)?;
    if more {
        exchange
            .printer()
            .note("There is more than this page: --all follows the list to its end.");
    }
    Ok(ExitCode::SUCCESS)
}

async fn read(
    exchange: &Exchange<'_>,
    uri: &Uri,
    response: Response<Body>,
) -> anyhow::Result<Answered> {
    let path = uri.to_string();
    let body = exchange
        .server
        .read(&path, response.into_body(), LIMIT)
        .await?;
    let table: Answered = from_json(&path, &body)?;
    if table.kind == "Table" {
        Ok(table)
    } else {
        Err(no_table(&path, &table.kind))
    }
}

fn no_table(path: &str, kind: &str) -> anyhow::Error {
    let what = match kind {
        "" => String::new(),
        // What is longer is no kind, and might fill the screen.
        kind => format!(" (it answers with kind {kind:.63})"),
    };
    anyhow::anyhow!(
        "the server makes no table of {path}{what}; it does so of objects and lists. Leave out \
         --table."
    )
}

/// Prints the rows of a watch as they come.
async fn watch(
    exchange: &Exchange<'_>,
    request: Request<Bytes>,
    view: View,
) -> anyhow::Result<ExitCode> {
    let (method, uri) = (request.method().clone(), request.uri().clone());
    let began = Instant::now();
    let response = match exchange.send(request).await? {
        Sent::Good(response) => response,
        Sent::Bad(response) => return exchange.fail(&method, &uri, response).await,
    };
    let mut answer = Answer::new(exchange.server, &method, &uri, began, response);
    let mut drawing = Drawing::new(view.wide, spans_namespaces(&uri));
    drawing.events = true;
    let mut held = Vec::new();
    loop {
        let next = match answer.stream.ready() {
            Some(next) => next,
            None => {
                // All that came at once is drawn at once, so that its columns stand in line.
                drawing.print(exchange)?;
                answer.stream.next().await
            }
        };
        let bytes = match next {
            Ok(Some(bytes)) => bytes,
            Ok(None) => break,
            Err(problem) => {
                drawing.print(exchange)?;
                return Err(problem.into());
            }
        };
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            held.extend_from_slice(piece);
            anyhow::ensure!(
                held.len() <= EVENT_LIMIT,
                "the server sends an event without an end"
            );
            if piece.ends_with(b"\n") {
                event(&mut drawing, &uri, &held)?;
                held.clear();
            }
        }
    }
    drawing.print(exchange)?;
    Ok(ExitCode::SUCCESS)
}

fn event(drawing: &mut Drawing, uri: &Uri, line: &[u8]) -> anyhow::Result<()> {
    let path = uri.to_string();
    if line.trim_ascii().is_empty() {
        return Ok(());
    }
    let event: Event = from_json(&path, line)?;
    if event.r#type == "BOOKMARK" {
        return Ok(());
    }
    if event.r#type == "ERROR" {
        let message = event.object["message"].as_str().unwrap_or_default();
        anyhow::bail!("the server ended the watch of {path}: {message}");
    }
    let table: Answered = serde_json::from_value(event.object)?;
    if table.kind != "Table" {
        return Err(no_table(&path, &table.kind));
    }
    drawing.add(table, Some(event.r#type));
    Ok(())
}

/// Whether rows may come from several namespaces.
fn spans_namespaces(uri: &Uri) -> bool {
    let mut parts = uri.path().split('/').filter(|part| !part.is_empty());
    !parts.any(|part| part == "namespaces")
}

/// Rows to be drawn, and how wide the columns were so far.
struct Drawing {
    wide: bool,
    namespaces: bool,
    events: bool,
    definitions: Vec<Definition>,
    rows: Vec<Vec<String>>,
    widths: Vec<usize>,
    has_headings: bool,
}

impl Drawing {
    fn new(wide: bool, namespaces: bool) -> Self {
        Drawing {
            wide,
            namespaces,
            events: false,
            definitions: Vec::new(),
            rows: Vec::new(),
            widths: Vec::new(),
            has_headings: false,
        }
    }

    /// Takes the rows of a table. Later ones of a watch come without columns.
    fn add(&mut self, table: Answered, event: Option<String>) {
        if self.definitions.is_empty() {
            self.definitions = table.column_definitions;
            let of_objects = |row: &Row| !row.namespace().is_empty();
            self.namespaces &= table.rows.iter().any(of_objects);
        }
        for row in table.rows {
            let event = self.events.then(|| event.clone().unwrap_or_default());
            let namespace = self.namespaces.then(|| row.namespace().to_owned());
            let cells = self.definitions.iter().zip(&row.cells);
            let cells = cells.map(|(_, cell)| text(cell));
            self.rows
                .push(event.into_iter().chain(namespace).chain(cells).collect());
        }
    }

    fn columns(&self) -> Vec<Column> {
        let event = self.events.then(|| Column::new("event"));
        let namespace = self.namespaces.then(|| Column::new("namespace"));
        let own = self.definitions.iter().map(|definition| {
            let column = Column::new(&definition.name);
            if definition.priority > 0 {
                column.wide_only()
            } else {
                column
            }
        });
        event.into_iter().chain(namespace).chain(own).collect()
    }

    /// Prints the rows that were added since the last time.
    fn print(&mut self, exchange: &Exchange<'_>) -> std::io::Result<()> {
        if self.rows.is_empty() {
            return Ok(());
        }
        let rows = std::mem::take(&mut self.rows);
        if self.events {
            self.widths
                .resize(rows.iter().map(Vec::len).max().unwrap_or_default(), 0);
            self.widths[0] = self.widths[0].max(WIDEST_EVENT.len());
            for row in &rows {
                for (widest, cell) in self.widths.iter_mut().zip(row) {
                    *widest = width::of(&clean::line(cell)).max(*widest);
                }
            }
        }
        let mut table = Table::new(self.columns()).wide(self.wide);
        for row in rows {
            let last = row.len().saturating_sub(1);
            let cells = row.into_iter().enumerate().map(|(at, cell)| {
                // What was drawn before cannot move any more: what follows keeps to its columns.
                let least = self.widths.get(at).filter(|_| at < last).copied();
                let missing = least
                    .unwrap_or(0)
                    .saturating_sub(width::of(&clean::line(&cell)));
                Cell::from(cell + &" ".repeat(missing))
            });
            table.row(cells.collect::<Vec<_>>());
        }
        let headings = !std::mem::replace(&mut self.has_headings, self.events);
        table.print(exchange.printer(), headings)
    }
}

impl Row {
    fn namespace(&self) -> &str {
        let metadata = self
            .object
            .as_ref()
            .and_then(|object| object.metadata.as_ref());
        metadata.map_or("", |metadata| &metadata.namespace)
    }
}

/// A cell as kubectl prints it: cut at the end of its first line.
/// Source: k8s.io/cli-runtime/pkg/printers/tableprinter.go (`printRows`).
fn text(cell: &Value) -> String {
    match cell {
        Value::Null => String::new(),
        Value::String(text) => match text.find(['\n', '\r', '\u{c}']) {
            Some(end) => format!("{}...", &text[..end]),
            None => text.clone(),
        },
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn no_answer_fills_the_screen_with_its_kind() {
        let problem = no_table("/x", &"k".repeat(1 << 20)).to_string();
        assert!(problem.len() < 300, "{} bytes", problem.len());
    }

    #[test]
    fn cells_are_one_line_each() {
        assert_eq!(text(&json!(null)), "");
        assert_eq!(text(&json!("one\ntwo")), "one...");
        assert_eq!(text(&json!(3)), "3");
        assert_eq!(text(&json!(true)), "true");
    }

    #[test]
    fn a_namespace_column_is_there_where_rows_may_differ_in_it() {
        assert!(spans_namespaces(&Uri::from_static("/api/v1/pods")));
        assert!(!spans_namespaces(&Uri::from_static(
            "/api/v1/namespaces/x/pods"
        )));
        let row = |namespace: &str| json!({"cells": ["a"], "object": {"metadata": {"namespace": namespace}}});
        let table = |rows: Vec<Value>| {
            let definitions = json!([{"name": "Name"}]);
            serde_json::from_value(json!({"columnDefinitions": definitions, "rows": rows})).unwrap()
        };
        let mut drawing = Drawing::new(false, true);
        drawing.add(table(vec![row("x"), row("y")]), None);
        assert_eq!(drawing.rows, [["x", "a"], ["y", "a"]]);
        let mut drawing = Drawing::new(false, true);
        drawing.add(
            table(vec![json!({"cells": ["node"], "object": null})]),
            None,
        );
        assert_eq!(drawing.rows, [["node"]]);
    }
}

//! What a search has found, for people and for programs.

use std::collections::{BTreeMap, BTreeSet};
use std::process::ExitCode;

use regex::Regex;
use serde_json::{Value, json};

use super::Args;
use crate::cli::Context;
use crate::output::{Cell, Column, Format, Paint, Printer, Table, clean, value, width};

/// A field that matches.
pub(super) struct Hit {
    pub(super) group: String,
    pub(super) version: String,
    pub(super) kind: String,
    pub(super) resource: String,
    /// The whole path, as explain takes it
    pub(super) path: String,
    pub(super) type_: String,
    pub(super) description: String,
    /// Whether its objects can be made and read: of two places, the one in such a kind is shown
    pub(super) readable: bool,
    /// Type and field that this is a place of: the same field of the same type is found wherever
    /// the type is used
    pub(super) of: Option<(String, String)>,
}

/// Prints what was found, and says so when that is nothing.
pub(super) fn print(
    args: &Args,
    context: &Context,
    hits: Vec<Hit>,
    pattern: &Regex,
) -> anyhow::Result<ExitCode> {
    let printer = context.printer;
    match &args.output {
        Format::Json | Format::Yaml | Format::JsonPath(_) => {
            let matches: Vec<Value> = hits.iter().map(Hit::to_json).collect();
            value::print(printer, &args.output, &json!({"matches": matches}))?;
        }
        Format::Name => {
            let mut lines = String::new();
            for hit in &hits {
                lines.push_str(&clean::line(&hit.path));
                lines.push('\n');
            }
            printer.data(&lines)?;
        }
        _ if hits.is_empty() => {}
        format => {
            let groups = collapse(&hits);
            match printer.width() {
                Some(width) if *format != Format::Wide => {
                    printer.data(&list(printer, &groups, pattern, width))?;
                }
                _ => table(&groups, *format == Format::Wide).print(printer, true)?,
            }
            if groups.iter().any(|(_, more)| *more > 0) {
                printer.note(
                    "+ is the number of further places, where the same type is used; -o name has \
                     them all.",
                );
            }
        }
    }
    if hits.is_empty() {
        printer.say(&format!(
            "No field has {:?} in its name or description.",
            pattern.as_str()
        ));
        return Ok(ExitCode::FAILURE);
    }
    Ok(ExitCode::SUCCESS)
}

/// The same field of the same type once, at its shortest path, with the number of further places.
fn collapse(hits: &[Hit]) -> Vec<(&Hit, usize)> {
    let depth = |hit: &Hit| (!hit.readable, hit.path.matches('.').count());
    let mut best: BTreeMap<&(String, String), (&Hit, usize)> = BTreeMap::new();
    for hit in hits {
        let Some(of) = &hit.of else { continue };
        best.entry(of)
            .and_modify(|(have, more)| {
                *more += 1;
                if depth(hit) < depth(have) {
                    *have = hit;
                }
            })
            .or_insert((hit, 0));
    }
    let mut seen = BTreeSet::new();
    let mut out = Vec::new();
    for hit in hits {
        match &hit.of {
            None => out.push((hit, 0)),
            Some(of) => {
                let (first, more) = best[of];
                if std::ptr::eq(first, hit) && seen.insert(of) {
                    out.push((first, more));
                }
            }
        }
    }
    out
}

/// For a terminal: paths whole, since a cut one is of no use, and below each the words around what
/// was found.
fn list(printer: Printer, groups: &[(&Hit, usize)], pattern: &Regex, width: usize) -> String {
    let mut out = String::new();
    for (hit, more) in groups {
        let path = printer.paint(Paint::Strong, &clean::line(&hit.path));
        out.push_str(&format!("{path} <{}>", clean::line(&hit.type_)));
        if *more > 0 {
            out.push_str(&printer.paint(Paint::Dim, &format!(" +{more}")));
        }
        out.push('\n');
        let words: Vec<&str> = hit.description.split_whitespace().collect();
        let text = words.join(" ");
        let shown = excerpt(&text, pattern, width.saturating_sub(INDENT));
        if !shown.is_empty() {
            let (before, found, after) = split_at_match(&shown, pattern);
            out.push_str(&" ".repeat(INDENT));
            out.push_str(&clean::line(before));
            out.push_str(&printer.paint(Paint::Warn, &clean::line(found)));
            out.push_str(&clean::line(after));
            out.push('\n');
        }
    }
    out
}

const INDENT: usize = 4;
/// So much of what stands before a match is shown where not all fits.
const BEFORE: usize = 30;

/// The part of a text, at most `width` columns, that has the first match in it; its beginning where
/// there is none.
fn excerpt(text: &str, pattern: &Regex, width: usize) -> String {
    let fits = |end: usize| width::of(&text[..end]) < width;
    let start = match pattern.find(text) {
        Some(found) if !fits(found.end()) => {
            let near = text[..found.start()].char_indices().rev().nth(BEFORE);
            let near = near.map_or(0, |(at, _)| at);
            // At the beginning of a word.
            text[near..found.start()]
                .find(' ')
                .map_or(near, |space| near + space + 1)
        }
        _ => 0,
    };
    let lead = if start == 0 { "" } else { "…" };
    width::cut(&format!("{lead}{}", &text[start..]), width).into_owned()
}

fn split_at_match<'a>(text: &'a str, pattern: &Regex) -> (&'a str, &'a str, &'a str) {
    match pattern.find(text) {
        Some(m) => (&text[..m.start()], &text[m.range()], &text[m.end()..]),
        None => (text, "", ""),
    }
}

fn table(groups: &[(&Hit, usize)], wide: bool) -> Table {
    let mut table = Table::new([
        Column::new("FIELD"),
        Column::new("TYPE").priority(2),
        Column::new("MORE").priority(1).right(),
        Column::new("DESCRIPTION").flexible(20),
    ])
    .wide(wide);
    for (hit, more) in groups {
        let more = if *more == 0 {
            String::new()
        } else {
            format!("+{more}")
        };
        table.row([
            Cell::from(hit.path.as_str()).paint(Paint::Strong),
            Cell::from(hit.type_.as_str()),
            Cell::from(more),
            Cell::from(hit.description.lines().next().unwrap_or_default()),
        ]);
    }
    table
}

impl Hit {
    fn to_json(&self) -> Value {
        json!({
            "group": self.group,
            "version": self.version,
            "kind": self.kind,
            "resource": self.resource,
            "path": self.path,
            "type": self.type_,
            "description": self.description,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_excerpt_has_the_match_in_it() {
        let text = "one two three four five six seven eight nine ten eleven twelve thirteen";
        let found = |word: &str| excerpt(text, &Regex::new(word).unwrap(), 40);
        assert_eq!(found("two"), "one two three four five six seven eight…");
        assert_eq!(found("twelve"), "…seven eight nine ten eleven twelve thi…");
        assert_eq!(found("zebra"), "one two three four five six seven eight…");
        assert_eq!(excerpt("äöü ß", &Regex::new("ß").unwrap(), 3), "…ß");
    }

    fn hit(path: &str, of: Option<&str>, readable: bool) -> Hit {
        Hit {
            group: String::new(),
            version: "v1".into(),
            kind: String::new(),
            resource: String::new(),
            path: path.into(),
            type_: "string".into(),
            description: String::new(),
            readable,
            of: of.map(|of| (of.to_owned(), "name".to_owned())),
        }
    }

    #[test]
    fn the_same_field_of_a_type_is_shown_once_where_it_is_nearest() {
        let hits = [
            hit("bindings.metadata.name", Some("Meta"), false),
            hit("jobs.spec.template.metadata.name", Some("Meta"), true),
            hit("pods.metadata.name", Some("Meta"), true),
            hit("pods.spec.name", None, true),
            hit("jobs.spec.name", None, true),
        ];
        let shown: Vec<(&str, usize)> = collapse(&hits)
            .into_iter()
            .map(|(h, more)| (h.path.as_str(), more))
            .collect();
        assert_eq!(
            shown,
            [
                ("pods.metadata.name", 2),
                ("pods.spec.name", 0),
                ("jobs.spec.name", 0)
            ]
        );
    }
}

//! A sample as YAML with comments.

use super::make::UNMET;
use super::{Object, Tree};
use crate::output::clean;
use crate::schema::yaml::scalar;

/// A comment that would make a line longer than this goes above it.
const WIDTH: usize = 80;
/// No comment is wrapped to fewer columns than this, however deep it is.
const LEAST: usize = 40;

pub(super) fn yaml(root: &Tree) -> String {
    let mut out = String::new();
    match root {
        Tree::Object(object) => write_object(object, 0, &mut out),
        Tree::List(items) => write_list(items, 0, &mut out),
        Tree::Value(value) => out.push_str(&format!("{}\n", scalar(value))),
    }
    out
}

fn write_object(object: &Object, indent: usize, out: &mut String) {
    for rule in &object.rules {
        comment(&format!("rule: {rule}"), indent, out);
    }
    for rule in &object.unmet {
        comment(&format!("{UNMET}: {rule}"), indent, out);
    }
    for entry in &object.entries {
        let lead = " ".repeat(indent);
        let key = scalar(&entry.key.as_str().into());
        let head = match &entry.value {
            Tree::Value(value) => format!("{lead}{key}: {}", scalar(value)),
            Tree::Object(object) if object.entries.is_empty() => format!("{lead}{key}: {{}}"),
            _ => format!("{lead}{key}:"),
        };
        let together = head.chars().count() + 3 + entry.note.chars().count();
        let above = !entry.note.is_empty() && together > WIDTH;
        if above {
            comment(&entry.note, indent, out);
        }
        out.push_str(&head);
        if !above && !entry.note.is_empty() {
            out.push_str(&format!(" # {}", clean::line(&entry.note)));
        }
        out.push('\n');
        match &entry.value {
            Tree::Value(_) => {}
            Tree::Object(object) => write_object(object, indent + 2, out),
            // As kubectl writes them, lists stand under their key.
            Tree::List(items) => write_list(items, indent, out),
        }
    }
    if !object.optional.is_empty() {
        let names = object.optional.join(", ");
        comment(&format!("optional: {names}"), indent, out);
    }
}

fn write_list(items: &[Tree], indent: usize, out: &mut String) {
    let lead = " ".repeat(indent);
    for item in items {
        match item {
            Tree::Value(value) => out.push_str(&format!("{lead}- {}\n", scalar(value))),
            Tree::Object(object) if object.entries.is_empty() => {
                out.push_str(&format!("{lead}- {{}}\n"));
                write_object(object, indent + 2, out);
            }
            Tree::Object(_) | Tree::List(_) => {
                let mut inner = String::new();
                match item {
                    Tree::Object(object) => write_object(object, indent + 2, &mut inner),
                    Tree::List(items) => write_list(items, indent + 2, &mut inner),
                    Tree::Value(_) => {}
                }
                // Comments before the first key stay comments: the dash goes on the first line.
                match first_of_data(&inner) {
                    Some(at) => {
                        out.push_str(&inner[..at]);
                        out.push_str(&format!("{lead}- {}", &inner[at + indent + 2..]));
                    }
                    None => out.push_str(&inner),
                }
            }
        }
    }
}

/// Where the first line that is no comment begins.
fn first_of_data(text: &str) -> Option<usize> {
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        if !line.trim_start().starts_with('#') {
            return Some(at);
        }
        at += line.len();
    }
    None
}

fn comment(text: &str, indent: usize, out: &mut String) {
    let lead = format!("{}# ", " ".repeat(indent));
    let width = WIDTH.max(lead.len() + LEAST);
    // Hanging, so that it is seen where the next comment begins.
    let next = format!("{lead}  ");
    let options = textwrap::Options::new(width)
        .initial_indent(&lead)
        .subsequent_indent(&next)
        .break_words(false)
        .word_splitter(textwrap::WordSplitter::NoHyphenation);
    // A line end within a comment would end it.
    let line: String = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let line = clean::line(&line);
    for line in textwrap::wrap(&line, options) {
        out.push_str(&line);
        out.push('\n');
    }
}

//! Columns that text takes on a terminal, and text made to fit them.

use std::borrow::Cow;

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// A line this long that is followed by a plain one was broken by the width of somebody's editor;
/// a shorter one was ended on purpose.
const SOFT_BREAK: usize = 40;

/// How many columns `text` takes; wide characters take two, combining ones none.
pub fn of(text: &str) -> usize {
    if text.is_ascii() {
        text.len()
    } else {
        text.width()
    }
}

/// `text` cut to `width` columns, with `…` in the last of them when something is missing.
pub fn cut(text: &str, width: usize) -> Cow<'_, str> {
    if of(text) <= width {
        return Cow::Borrowed(text);
    }
    let mut used = 1;
    let end = text
        .char_indices()
        .find(|(_, c)| {
            used += c.width().unwrap_or(0);
            used > width
        })
        .map_or(text.len(), |(at, _)| at);
    match width {
        0 => Cow::Borrowed(""),
        _ => Cow::Owned(format!("{}…", text[..end].trim_end())),
    }
}

/// Wraps a description to `width` columns, each line after `indent` spaces, without a line end
/// after the last.
///
/// Blank lines part paragraphs and stay, runs of them as one. Lines within a paragraph are joined
/// where they were broken by an editor. List items (`- `, `* `, `1. `) keep their lines and hang
/// under their text; indented lines that are no list items (examples) stay as they are. A word
/// that is wider than the width is not broken.
pub fn wrap(text: &str, width: usize, indent: usize) -> String {
    let lead = " ".repeat(indent);
    let mut out: Vec<String> = Vec::new();
    let mut blank = false;
    for block in blocks(text) {
        let (first, hang, words) = match block {
            Block::Blank => {
                blank = !out.is_empty();
                continue;
            }
            Block::Verbatim(line) => {
                out.extend(std::mem::take(&mut blank).then(String::new));
                out.push(format!("{lead}{line}"));
                continue;
            }
            Block::Prose(text) => (lead.clone(), lead.clone(), text),
            Block::Item { marker, text } => {
                let hang = " ".repeat(indent + of(&marker));
                (format!("{lead}{marker}"), hang, text)
            }
        };
        out.extend(std::mem::take(&mut blank).then(String::new));
        // Narrower than this, a hanging indent would leave a word or less to a line.
        let width = width.max(indent + 20);
        let options = textwrap::Options::new(width)
            .initial_indent(&first)
            .subsequent_indent(&hang)
            .word_splitter(textwrap::WordSplitter::NoHyphenation)
            // A link that is broken is none any more.
            .break_words(false);
        out.extend(
            textwrap::wrap(&words, options)
                .into_iter()
                .map(Cow::into_owned),
        );
    }
    out.join("\n")
}

enum Block {
    Blank,
    Prose(String),
    Item { marker: String, text: String },
    Verbatim(String),
}

fn blocks(text: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    // Whether the line before was broken by an editor's width, so that this one goes on with it.
    let mut open = false;
    for line in text.lines() {
        let line = line.trim_end();
        let marker = marker_length(line);
        let indented = line.starts_with([' ', '\t']);
        let words = line.split_whitespace().collect::<Vec<_>>().join(" ");
        match blocks.last_mut() {
            _ if line.is_empty() => blocks.push(Block::Blank),
            _ if marker > 0 => blocks.push(Block::Item {
                marker: line[..marker].to_owned(),
                text: line[marker..]
                    .split_whitespace()
                    .collect::<Vec<_>>()
                    .join(" "),
            }),
            // What is indented under an item goes on with it.
            Some(Block::Item { text, .. }) if open || indented => {
                text.push(' ');
                text.push_str(&words);
            }
            _ if indented => blocks.push(Block::Verbatim(line.replace('\t', "    "))),
            Some(Block::Prose(text)) if open => {
                text.push(' ');
                text.push_str(&words);
            }
            _ => blocks.push(Block::Prose(words)),
        }
        open = of(line) >= SOFT_BREAK;
    }
    blocks
}

/// Bytes up to the text of a list item; 0 when the line is none.
fn marker_length(line: &str) -> usize {
    let item = line.trim_start();
    let before = line.len() - item.len();
    let digits = item.len() - item.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let rest = &item[digits..];
    let sign = match digits {
        0 => rest.starts_with("- ") || rest.starts_with("* ") || rest.starts_with("+ "),
        1..=2 => rest.starts_with(". ") || rest.starts_with(") "),
        _ => false,
    };
    if !sign || line.contains('\t') {
        return 0;
    }
    before + digits + 1 + (rest[1..].len() - rest[1..].trim_start_matches(' ').len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cutting_counts_columns() {
        assert_eq!(cut("short", 5), "short");
        assert_eq!(cut("longer", 5), "long…");
        assert_eq!(cut("大大大", 4), "大…");
        assert_eq!(cut("大大大", 5), "大大…");
        assert_eq!(cut("two words", 5), "two…");
        assert_eq!(cut("x", 0), "");
        assert_eq!(cut("xy", 1), "…");
    }

    #[test]
    fn paragraphs_are_joined_and_wrapped() {
        let text = "This line was broken by somebody's editor, as it is long\nand goes on here.\n\n\nNext.";
        assert_eq!(
            wrap(text, 40, 2),
            "  This line was broken by somebody's\n  editor, as it is long and goes on\n  here.\n\n  Next."
        );
    }

    #[test]
    fn lines_ended_on_purpose_stay() {
        assert_eq!(
            wrap("One of:\nAlways\nNever", 40, 0),
            "One of:\nAlways\nNever"
        );
    }

    #[test]
    fn list_items_hang() {
        let text = "Possible enum values:\n - `\"Always\"` means that it always pulls\n - `\"Never\"` does not\n1. one\n   and more";
        assert_eq!(
            wrap(text, 30, 2),
            "  Possible enum values:\n   - `\"Always\"` means that it\n     always pulls\n   - `\"Never\"` does not\n  1. one and more"
        );
    }

    #[test]
    fn examples_keep_their_shape() {
        let text = "For instance:\n\n    a:\n      b: 1\n\nDone.";
        assert_eq!(
            wrap(text, 40, 0),
            "For instance:\n\n    a:\n      b: 1\n\nDone."
        );
    }

    #[test]
    fn odd_input_is_survived() {
        assert_eq!(wrap("", 80, 4), "");
        assert_eq!(wrap("\n\n", 80, 4), "");
        assert_eq!(wrap("- ", 80, 0), "-");
        let link = "x".repeat(50);
        assert_eq!(
            wrap(&format!("see {link} there"), 30, 1),
            format!(" see\n {link}\n there")
        );
        assert_eq!(wrap("narrower than that", 1, 0), "narrower than that");
    }
}

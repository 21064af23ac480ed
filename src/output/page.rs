//! A page about one thing: labelled fields, headings, and lines below them.

use super::{Paint, Printer, clean, width};

/// Columns of the labels on the left; as wide as kubectl describe has them for short names.
const LABEL: usize = 13;

/// Spaces before what is below a heading.
const INDENT: usize = 2;

/// A page that is filled from top to bottom.
pub struct Page {
    printer: Printer,
    text: String,
}

impl Page {
    /// An empty page, to be shown by `printer`.
    pub fn new(printer: Printer) -> Self {
        Page {
            printer,
            text: String::new(),
        }
    }

    /// `Name: value`; nothing where the value is empty. On a terminal a long value wraps under
    /// itself. A field without a name continues the one before.
    pub fn field(&mut self, name: &str, value: &str) {
        if value.is_empty() {
            return;
        }
        let label = if name.is_empty() {
            String::new()
        } else {
            format!("{name}:")
        };
        let label = self.printer.paint(Paint::Key, &format!("{label:<LABEL$}"));
        let value = clean::line(value);
        let value = match self.printer.width() {
            Some(width) => width::wrap(&value, width, LABEL + 1),
            None => value.into_owned(),
        };
        self.text.push_str(&format!("{label} {}\n", value.trim()));
    }

    /// `Name:` on a line of its own; [`Page::line`]s follow.
    pub fn heading(&mut self, name: &str) {
        let name = self.printer.paint(Paint::Key, &format!("{name}:"));
        self.text.push_str(&format!("{name}\n"));
    }

    /// A line below a heading.
    pub fn line(&mut self, text: &str) {
        self.text.push_str(&format!("  {}\n", clean::line(text)));
    }

    /// Prose below a heading; on a terminal it wraps.
    pub fn paragraph(&mut self, text: &str) {
        let text = clean::line(text);
        let text = match self.printer.width() {
            Some(width) => width::wrap(&text, width, INDENT),
            None => format!("{:INDENT$}{text}", ""),
        };
        self.text.push_str(&format!("{text}\n"));
    }

    /// Lines below a heading that were drawn already (a table, a tree), and made harmless with that.
    pub fn drawn(&mut self, lines: &str) {
        for line in lines.lines() {
            self.text.push_str(&format!("{:INDENT$}{line}\n", ""));
        }
    }

    /// The whole page.
    pub fn finish(self) -> String {
        self.text
    }
}

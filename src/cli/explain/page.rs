//! A field as a page for people, in kubectl explain's layout with more in it.

use super::target::Target;
use crate::output::{Paint, Printer, clean, width};
use crate::schema::{Cut, Field, Flat};

/// Columns in a pipe, as kubectl has them; and no line of prose should be longer than the second.
const PIPE: usize = 80;
const READABLE: usize = 120;

pub(super) fn render(
    printer: Printer,
    target: &Target<'_>,
    field: &Field,
    recursive: bool,
) -> String {
    let mut page = Page {
        printer,
        width: printer.width().unwrap_or(PIPE).min(READABLE),
        text: String::new(),
    };
    page.head(target, field);
    page.description(field);
    page.fields(field, recursive);
    page.text
}

struct Page {
    printer: Printer,
    width: usize,
    text: String,
}

impl Page {
    fn head(&mut self, target: &Target<'_>, field: &Field) {
        let resource = target.resource;
        for (label, value) in [
            ("GROUP:", &resource.group),
            ("KIND:", &resource.kind),
            ("VERSION:", &resource.version),
        ] {
            if !value.is_empty() {
                let label = self.printer.paint(Paint::Strong, &format!("{label:<12}"));
                self.line(&format!("{label}{}", clean::line(value)));
            }
        }
        self.line("");
        if !target.path.is_empty() {
            let label = self.printer.paint(Paint::Strong, "FIELD:");
            let titled = self.titled(field, ' ');
            self.line(&format!("{label} {titled}"));
            self.line("");
        }
        let facts = field.facts();
        if !facts.is_empty() {
            self.heading("VALUE:");
            self.facts(field, 4);
            self.line("");
        }
    }

    fn description(&mut self, field: &Field) {
        self.heading("DESCRIPTION:");
        let descriptions = field.descriptions();
        if descriptions.is_empty() {
            self.line("    <empty>");
        }
        for text in descriptions {
            self.prose(text, 4);
        }
        self.line("");
        self.external_docs(field, 0);
    }

    fn external_docs(&mut self, field: &Field, indent: usize) {
        let Some(docs) = &field.external_docs else {
            return;
        };
        self.text.push_str(&" ".repeat(indent));
        self.heading("EXTERNAL DOCS:");
        if let Some(text) = &docs.description {
            self.prose(text, indent + 4);
        }
        if let Some(url) = &docs.url {
            self.line(&format!(
                "{}URL: {}",
                " ".repeat(indent + 4),
                clean::line(url)
            ));
        }
        self.line("");
    }

    fn fields(&mut self, field: &Field, recursive: bool) {
        if !field.has_children() {
            if let Some(why) = childless(field) {
                self.heading("FIELDS:");
                self.prose(why, 4);
                self.line("");
            }
            return;
        }
        self.heading("FIELDS:");
        if recursive {
            for flat in field.flatten() {
                self.short(&flat);
            }
            self.line("");
            return;
        }
        for child in field.children() {
            let titled = self.titled(child, '\t');
            self.line(&format!("  {titled}"));
            self.facts(child, 4);
            match child.description.is_empty() {
                true => self.line("    <no description>"),
                false => self.prose(&child.description, 4),
            }
            self.line("");
            self.external_docs(child, 4);
        }
    }

    /// `name <type> -required-`. In lists a tab parts name and type, as kubectl has it.
    fn titled(&self, field: &Field, gap: char) -> String {
        let name = self.printer.paint(Paint::Key, &clean::line(&field.name));
        let required = match field.required {
            true => self.printer.paint(Paint::Warn, " -required-"),
            false => String::new(),
        };
        format!("{name}{gap}<{}>{required}", clean::line(&field.type_))
    }

    fn short(&mut self, flat: &Flat<'_>) {
        let mut notes = flat.field.brief();
        match flat.cut {
            Some(Cut::Recursion) => notes.push("contains itself".to_owned()),
            Some(Cut::Size) => notes.push("more below".to_owned()),
            None => {}
        }
        let indent = " ".repeat(2 + 2 * flat.depth);
        let titled = self.titled(flat.field, '\t');
        let mut line = format!("{indent}{titled}");
        if !notes.is_empty() {
            let notes = notes.join("; ");
            let note = clean::line(&notes);
            line.push_str(&self.printer.paint(Paint::Dim, &format!(" ({note})")));
        }
        self.line(&line);
    }

    /// One fact a line, their texts below each other.
    fn facts(&mut self, field: &Field, indent: usize) {
        let facts = field.facts();
        let longest = facts.iter().map(|f| f.label.len() + 1).max().unwrap_or(0);
        for fact in facts {
            let label = format!("{:<longest$}", format!("{}:", fact.label));
            let label = self.printer.paint(Paint::Dim, &label);
            let hang = indent + longest + 1;
            let text = clean::line(&fact.text);
            let text = match fact.label.ends_with("pattern") {
                // A pattern that is broken cannot be copied.
                true => text.into_owned(),
                false => width::wrap(&text, self.width, hang).trim_start().to_owned(),
            };
            self.line(&format!("{}{label} {text}", " ".repeat(indent)));
        }
    }

    fn prose(&mut self, text: &str, indent: usize) {
        let text = width::wrap(&clean::block(text), self.width, indent);
        self.line(&text);
    }

    fn heading(&mut self, text: &str) {
        let text = self.printer.paint(Paint::Strong, text);
        self.line(&text);
    }

    fn line(&mut self, text: &str) {
        self.text.push_str(text);
        self.text.push('\n');
    }
}

/// Why an object has no fields to list; `None` for a plain value.
fn childless(field: &Field) -> Option<&'static str> {
    let innermost = field.element().unwrap_or(field);
    if innermost.preserve_unknown || innermost.takes_any_key() {
        return Some(
            "The schema names none: the server keeps whatever it is given here \
             (x-kubernetes-preserve-unknown-fields or additionalProperties: true).",
        );
    }
    let is_object = innermost.json_type() == "object" && innermost.element().is_none();
    is_object.then_some("The schema names none.")
}

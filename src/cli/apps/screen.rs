//! Where `--watch` shows what it sees: on a terminal, drawn anew where it stands; in a pipe, one
//! thing after the other, with words on stderr.

use crate::cli::Context;
use crate::cluster::Error;
use crate::output::{Paint, Printer, Redraw, clean, width};

pub(super) struct Screen<'a> {
    context: &'a Context,
    redraw: Redraw,
    /// Why nothing new comes
    failure: Option<String>,
    /// In a pipe things are said once, until they are no longer so
    said_operator: bool,
    said_failure: bool,
}

impl<'a> Screen<'a> {
    pub(super) fn new(context: &'a Context) -> Self {
        Screen {
            context,
            redraw: Redraw::new(),
            failure: None,
            said_operator: false,
            said_failure: false,
        }
    }

    pub(super) fn is_terminal(&self) -> bool {
        self.context.printer.stdout_is_terminal()
    }

    /// For the terminal as wide as it is now.
    pub(super) fn printer(&self) -> Printer {
        Printer::new(self.context.global.color)
    }

    /// The server answers.
    pub(super) fn works(&mut self) {
        self.failure = None;
        self.said_failure = false;
    }

    /// The server does not answer, but may again.
    pub(super) fn fails(&mut self, problem: &Error) {
        let words = format!("this may be out of date; trying again: {problem}");
        if !self.is_terminal() && !self.said_failure {
            self.context.printer.warn(&words);
            self.said_failure = true;
        }
        self.failure = Some(words);
    }

    /// Draws on a terminal, with these words below.
    pub(super) fn draw(&mut self, text: &str, words: Option<&str>) -> anyhow::Result<()> {
        let printer = self.printer();
        let mut text = text.to_owned();
        for words in words.into_iter().chain(self.failure.as_deref()) {
            let label = printer.paint(Paint::Warn, "Warning:");
            for line in words.lines() {
                let line = format!("Warning: {}", clean::line(line));
                let line = match printer.width() {
                    Some(width) => width::wrap(&line, width, 0),
                    None => line,
                };
                let rest = line.strip_prefix("Warning:").unwrap_or(&line);
                text.push_str(&format!("\n{label}{rest}\n"));
            }
        }
        Ok(self.redraw.draw(printer, &text)?)
    }

    /// Says on stderr what there is to say about operators, each time that it becomes so.
    pub(super) fn say(&mut self, words: Option<String>) {
        match words {
            Some(words) if !self.said_operator => {
                self.context.printer.warn(&words);
                self.said_operator = true;
            }
            Some(_) => {}
            None => self.said_operator = false,
        }
    }
}

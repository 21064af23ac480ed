//! JSON indented and coloured while it arrives, in constant memory.

use std::io::{self, Write};

use super::printer::RESET;
use super::{Paint, clean};

/// Levels that are indented; deeper ones stand below each other, or nested brackets would grow
/// the output by the square of their number.
const MAX_INDENT: usize = 40;
/// Go's decoder, which every Kubernetes server and client uses, refuses to go deeper; so what is
/// deeper is no answer that anybody wants laid out, and our memory stays bounded.
const MAX_DEPTH: usize = 10_000;
/// White space that is remembered between tokens.
const MAX_GAP: usize = 64;
/// Output is handed on in pieces of about this many bytes.
const PIECE: usize = 32 * 1024;

/// Lays out JSON for a person.
///
/// Values that follow each other (a watch) are each laid out and written as soon as they are
/// complete. From the first byte that cannot be JSON on, the rest is passed on as text. In both,
/// control characters and those that hide or reorder text are escaped and invalid UTF-8 becomes
/// U+FFFD; a valid document stays the same value.
#[derive(Debug)]
pub struct JsonStream {
    indent: usize,
    color: bool,
    state: State,
    /// For each open bracket: whether it is an object's.
    open: Vec<bool>,
    /// The first bytes of a character whose last ones have not arrived.
    partial: Vec<u8>,
    out: Vec<u8>,
    /// Whether something stands on the line that the output is at.
    mid_line: bool,
    /// The white space since the last token: shown when what follows turns out to be no JSON.
    gap: Vec<u8>,
    /// Text that is no JSON ended in a carriage return: dropped when a line feed follows.
    returned: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Before a value: at the start, after a comma in an array, after a colon.
    Value,
    /// After `[`.
    ValueOrEnd,
    /// After `{`.
    KeyOrEnd,
    /// After a comma in an object.
    Key,
    /// After a key.
    Colon,
    /// After a value inside of something.
    CommaOrEnd,
    /// In a string.
    Text { key: bool, escape: bool },
    /// In a number, `true`, `false` or `null`.
    Word,
    /// This is no JSON (any more).
    Raw,
}

impl JsonStream {
    /// Starts before the first value. `indent` is in spaces a level.
    pub fn new(indent: usize, color: bool) -> Self {
        JsonStream {
            indent,
            color,
            state: State::Value,
            open: Vec::new(),
            partial: Vec::new(),
            out: Vec::with_capacity(PIECE * 2),
            mid_line: false,
            gap: Vec::new(),
            returned: false,
        }
    }

    /// For an answer that is known to be text, even if it looks like JSON: a log, metrics.
    pub fn of_text() -> Self {
        let mut stream = JsonStream::new(0, false);
        stream.state = State::Raw;
        stream
    }

    /// Takes the next bytes, split anywhere, and writes what they complete. Flushes `to`, so that
    /// an event is seen when it has arrived.
    ///
    /// Errors: what writing says.
    pub fn push(&mut self, mut bytes: &[u8], to: &mut impl Write) -> io::Result<()> {
        while let Some(&next) = bytes.first() {
            let taken = match self.state {
                State::Text { key, escape } => self.text(bytes, key, escape),
                State::Word => self.word(bytes),
                State::Raw => self.raw(bytes),
                _ => self.structure(next),
            };
            bytes = &bytes[taken..];
            if self.out.len() >= PIECE {
                self.hand_on(to)?;
            }
        }
        self.hand_on(to)?;
        to.flush()
    }

    /// Ends the last line: to be called when the answer has ended, also when it was cut off.
    ///
    /// Errors: what writing says.
    pub fn finish(&mut self, to: &mut impl Write) -> io::Result<()> {
        if !self.partial.is_empty() {
            self.partial.clear();
            self.emit("\u{fffd}".as_bytes());
        }
        if matches!(self.state, State::Text { .. } | State::Word) {
            self.reset();
        }
        self.gap.clear();
        self.returned = false;
        if self.mid_line {
            self.line_end();
        }
        self.open.clear();
        self.state = State::Value;
        self.hand_on(to)?;
        to.flush()
    }

    fn hand_on(&mut self, to: &mut impl Write) -> io::Result<()> {
        to.write_all(&self.out)?;
        self.out.clear();
        Ok(())
    }

    /// One byte between strings and words; how many were taken: none when it starts a word or
    /// is no JSON.
    fn structure(&mut self, byte: u8) -> usize {
        let value = matches!(self.state, State::Value | State::ValueOrEnd);
        let key = matches!(self.state, State::Key | State::KeyOrEnd);
        let first = matches!(self.state, State::ValueOrEnd | State::KeyOrEnd);
        let in_object = self.open.last().copied();
        match byte {
            b' ' | b'\t' | b'\n' | b'\r' => {
                if self.gap.len() < MAX_GAP {
                    self.gap.push(byte);
                }
                return 1;
            }
            b'"' if value || key => {
                self.before_item(first || key);
                self.role(if key { Paint::Key } else { Paint::Value });
                self.emit(b"\"");
                self.state = State::Text { key, escape: false };
            }
            b'{' | b'[' if value && self.open.len() < MAX_DEPTH => {
                self.before_item(first);
                self.emit(&[byte]);
                self.open.push(byte == b'{');
                self.state = if byte == b'{' {
                    State::KeyOrEnd
                } else {
                    State::ValueOrEnd
                };
            }
            b'}' | b']'
                if in_object == Some(byte == b'}')
                    && (first || self.state == State::CommaOrEnd) =>
            {
                self.open.pop();
                if !first {
                    self.new_line();
                }
                self.emit(&[byte]);
                self.after_value();
            }
            b':' if self.state == State::Colon => {
                self.emit(b": ");
                self.state = State::Value;
            }
            b',' if self.state == State::CommaOrEnd => {
                self.emit(b",");
                let object = in_object == Some(true);
                if !object {
                    self.new_line();
                }
                self.state = if object { State::Key } else { State::Value };
            }
            b'-' | b'0'..=b'9' | b't' | b'f' | b'n' if value => {
                self.before_item(first);
                self.role(Paint::Literal);
                self.gap.clear();
                self.state = State::Word;
                return 0;
            }
            _ => {
                self.state = State::Raw;
                if self.mid_line {
                    let gap = std::mem::take(&mut self.gap);
                    self.characters(&gap, false);
                }
                return 0;
            }
        }
        self.gap.clear();
        1
    }

    fn text(&mut self, bytes: &[u8], key: bool, escape: bool) -> usize {
        if !self.partial.is_empty() {
            return self.complete(bytes, true);
        }
        if escape {
            self.state = State::Text { key, escape: false };
            // Anything else is invalid, and taken as if the backslash were not there.
            let printable = matches!(bytes[0], b' '..=b'~');
            self.emit(if printable { &bytes[..1] } else { b"\\" });
            return usize::from(printable);
        }
        let run = bytes
            .iter()
            .position(|b| matches!(b, b'"' | b'\\'))
            .unwrap_or(bytes.len());
        self.characters(&bytes[..run], true);
        match bytes.get(run) {
            Some(b'"') if self.partial.is_empty() => {
                self.emit(b"\"");
                self.reset();
                if key {
                    self.state = State::Colon;
                } else {
                    self.after_value();
                }
                run + 1
            }
            Some(b'\\') if self.partial.is_empty() => {
                self.emit(b"\\");
                self.state = State::Text { key, escape: true };
                run + 1
            }
            _ => run,
        }
    }

    fn word(&mut self, bytes: &[u8]) -> usize {
        let inside = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.');
        let run = bytes.iter().position(|b| !inside(b)).unwrap_or(bytes.len());
        self.emit(&bytes[..run]);
        if run < bytes.len() {
            self.reset();
            if self.open.is_empty() {
                // The line stays open: `404 page not found` begins with a word, too.
                self.state = State::Value;
            } else {
                self.after_value();
            }
        }
        run
    }

    fn raw(&mut self, bytes: &[u8]) -> usize {
        if !self.partial.is_empty() {
            return self.complete(bytes, false);
        }
        self.characters(bytes, false);
        bytes.len()
    }

    /// Writes bytes as harmless characters; the start of one that is not complete is kept.
    fn characters(&mut self, bytes: &[u8], in_string: bool) {
        let harmless = |b: &u8| matches!(b, b' '..=b'~') || (!in_string && *b == b'\n');
        if !self.returned && bytes.iter().all(harmless) {
            return self.emit(bytes);
        }
        let mut chunks = bytes.utf8_chunks().peekable();
        while let Some(chunk) = chunks.next() {
            for c in chunk.valid().chars() {
                self.character(c, in_string);
            }
            let broken = chunk.invalid();
            if chunks.peek().is_none() && may_go_on(broken) {
                self.partial.extend_from_slice(broken);
            } else if !broken.is_empty() {
                self.emit("\u{fffd}".as_bytes());
            }
        }
    }

    /// Adds bytes to a character that was split between pushes; how many were taken.
    fn complete(&mut self, bytes: &[u8], in_string: bool) -> usize {
        self.partial.push(bytes[0]);
        if may_go_on(&self.partial) {
            return 1;
        }
        let partial = std::mem::take(&mut self.partial);
        match std::str::from_utf8(&partial) {
            Ok(text) => {
                text.chars().for_each(|c| self.character(c, in_string));
                1
            }
            // The last byte belongs to what comes next.
            Err(_) => {
                self.emit("\u{fffd}".as_bytes());
                0
            }
        }
    }

    fn character(&mut self, c: char, in_string: bool) {
        if std::mem::take(&mut self.returned) && c != '\n' {
            self.emit(b"\\u000d");
        }
        if !in_string && c == '\r' {
            self.returned = true;
        } else if clean::is_hostile(c) && (in_string || !matches!(c, '\n' | '\t')) {
            // All of them are in the first plane: four digits are enough.
            self.emit(format!("\\u{:04x}", u32::from(c)).as_bytes());
        } else {
            self.emit(c.encode_utf8(&mut [0; 4]).as_bytes());
        }
    }

    fn before_item(&mut self, on_new_line: bool) {
        match self.open.is_empty() {
            true if self.mid_line => self.line_end(),
            false if on_new_line => self.new_line(),
            _ => {}
        }
    }

    fn after_value(&mut self) {
        if self.open.is_empty() {
            self.line_end();
            self.state = State::Value;
        } else {
            self.state = State::CommaOrEnd;
        }
    }

    fn new_line(&mut self) {
        self.line_end();
        let spaces = self.open.len().min(MAX_INDENT) * self.indent;
        self.out.resize(self.out.len() + spaces, b' ');
        self.mid_line = true;
    }

    fn line_end(&mut self) {
        self.out.push(b'\n');
        self.mid_line = false;
    }

    fn role(&mut self, role: Paint) {
        if self.color {
            self.out.extend_from_slice(role.escape().as_bytes());
        }
    }

    fn reset(&mut self) {
        if self.color {
            self.out.extend_from_slice(RESET.as_bytes());
        }
    }

    fn emit(&mut self, bytes: &[u8]) {
        self.out.extend_from_slice(bytes);
        if let Some(last) = bytes.last() {
            self.mid_line = *last != b'\n';
        }
    }
}

/// Whether bytes are the start of a character, or could be with more to come.
fn may_go_on(bytes: &[u8]) -> bool {
    !bytes.is_empty()
        && std::str::from_utf8(bytes)
            .is_err_and(|e| e.valid_up_to() == 0 && e.error_len().is_none())
}

#[cfg(test)]
mod tests;

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
        }
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
            b' ' | b'\t' | b'\n' | b'\r' => {}
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
                self.state = State::Word;
                return 0;
            }
            _ => {
                self.state = State::Raw;
                return 0;
            }
        }
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
            self.after_value();
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
        if bytes.iter().all(harmless) {
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
        if clean::is_hostile(c) && (in_string || !matches!(c, '\n' | '\t')) {
            // All of them are in the first plane: four digits are enough.
            self.emit(format!("\\u{:04x}", u32::from(c)).as_bytes());
        } else {
            self.emit(c.encode_utf8(&mut [0; 4]).as_bytes());
        }
    }

    fn before_item(&mut self, on_new_line: bool) {
        if on_new_line && !self.open.is_empty() {
            self.new_line();
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
mod tests {
    use super::*;

    fn laid_out(pieces: &[&[u8]], color: bool) -> String {
        let mut stream = JsonStream::new(2, color);
        let mut out = Vec::new();
        for piece in pieces {
            stream.push(piece, &mut out).unwrap();
        }
        stream.finish(&mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    fn whole(text: &str) -> String {
        laid_out(&[text.as_bytes()], false)
    }

    const SAMPLES: [&str; 6] = [
        r#"{"a":[],"b":{},"c":[1,-2.5e+3,[true,false],null],"d":{"e":"f","g":{"h":[{}]}}}"#,
        r#"  [ "quote \" slash \\ slash \/ unicode \u00e9\ud83d\ude00" , "Größe 大 🎉" ]  "#,
        r#""one""#,
        "12",
        "[[[[]]]]",
        r#"{"":{"":""}}"#,
    ];

    #[test]
    fn looks_as_everybody_indents_json() {
        for sample in SAMPLES {
            let value: serde_json::Value = serde_json::from_str(sample).unwrap();
            let text = whole(sample);
            assert_eq!(
                serde_json::from_str::<serde_json::Value>(&text).unwrap(),
                value
            );
            if !sample.contains('\\') && sample != SAMPLES[0] {
                assert_eq!(text, format!("{value:#}\n"));
            }
        }
        assert_eq!(
            whole(SAMPLES[0]),
            "{\n  \"a\": [],\n  \"b\": {},\n  \"c\": [\n    1,\n    -2.5e+3,\n    [\n      true,\n      \
             false\n    ],\n    null\n  ],\n  \"d\": {\n    \"e\": \"f\",\n    \"g\": {\n      \"h\": [\n        \
             {}\n      ]\n    }\n  }\n}\n"
        );
    }

    #[test]
    fn splits_do_not_show() {
        let broken: [&[u8]; 6] = [
            b"{\"a\": tru\n  no json \x1b[31m \xe2\x82",
            b"\"\xff\xe2\x82\" \"\xf0\x9f\x8e\" \"\xe2\x80\xae\x1b\xc2\x9b\" [1 2]",
            b"ok",
            b"{\"a\" 1}",
            b"\"\\\x1b\\\xe2\x80\xae\\u00\" ]",
            b"{\"cut\": \"of\xf0\x9f",
        ];
        let samples = SAMPLES.iter().map(|sample| sample.as_bytes()).chain(broken);
        for sample in samples {
            for color in [false, true] {
                let expected = laid_out(&[sample], color);
                for at in 0..=sample.len() {
                    let (a, b) = sample.split_at(at);
                    assert_eq!(laid_out(&[a, b], color), expected, "{at}");
                }
                let bytes: Vec<&[u8]> = sample.chunks(1).collect();
                assert_eq!(laid_out(&bytes, color), expected);
            }
        }
    }

    #[test]
    fn events_are_written_when_they_are_complete() {
        let mut stream = JsonStream::new(2, false);
        let mut out = Vec::new();
        stream.push(b"{\"type\":\"ADDED\"}", &mut out).unwrap();
        assert_eq!(out, b"{\n  \"type\": \"ADDED\"\n}\n");
        out.clear();
        stream.push(b"\n{\"type\":", &mut out).unwrap();
        stream.push(b"\"DELETED\"}\n", &mut out).unwrap();
        stream.finish(&mut out).unwrap();
        assert_eq!(out, b"{\n  \"type\": \"DELETED\"\n}\n");
    }

    #[test]
    fn what_is_no_json_is_passed_on() {
        assert_eq!(whole("ok"), "ok\n");
        assert_eq!(whole("404 page not found\n"), "404\npage not found\n");
        assert_eq!(
            whole("# HELP x\nx{a=\"b\"} 1\n"),
            "# HELP x\nx{a=\"b\"} 1\n"
        );
        assert_eq!(whole("[1 2]"), "[\n  12]\n");
        assert_eq!(whole("}"), "}\n");
        assert_eq!(whole(""), "");
    }

    #[test]
    fn nothing_steers_the_terminal() {
        let hostile = "\x1b[2J\u{7f}\u{9b}31m\u{202e}\u{200b}\u{feff}\r\x08";
        let quoted = serde_json::to_string(hostile).unwrap();
        for text in [
            quoted.clone(),
            hostile.to_owned(),
            format!("\"{hostile}\""),
            format!("{{{quoted}:1}}"),
        ] {
            let shown = whole(&text);
            assert!(
                !shown.chars().any(|c| clean::is_hostile(c) && c != '\n'),
                "{shown:?}"
            );
        }
        assert_eq!(
            serde_json::from_str::<String>(&whole(&quoted)).unwrap(),
            hostile
        );
        assert_eq!(whole("\"a\nb\""), "\"a\\u000ab\"\n");
    }

    #[test]
    fn depth_costs_neither_stack_nor_square() {
        let deep = vec![b'['; 4_000_000];
        let mut stream = JsonStream::new(2, false);
        let mut out = Vec::new();
        for piece in deep.chunks(64 * 1024) {
            stream.push(piece, &mut out).unwrap();
            assert!(stream.open.len() <= MAX_DEPTH);
            assert!(stream.out.capacity() < 1024 * 1024);
        }
        stream.finish(&mut out).unwrap();
        assert!(out.len() < deep.len() + MAX_DEPTH * (2 * MAX_INDENT + 1) + 1);
    }

    #[test]
    fn keys_and_values_are_painted() {
        assert_eq!(
            laid_out(&[b"{\"a\":\"b\",\"c\":1}"], true),
            "{\n  \x1b[36m\"a\"\x1b[0m: \x1b[32m\"b\"\x1b[0m,\n  \x1b[36m\"c\"\x1b[0m: \x1b[35m1\x1b[0m\n}\n"
        );
        assert_eq!(laid_out(&[b"\"cut"], true), "\x1b[32m\"cut\x1b[0m\n");
    }
}

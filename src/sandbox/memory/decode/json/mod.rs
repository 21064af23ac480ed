//! JSON as Go's `encoding/json` reads it: what it accepts, and its words for what it does not.
//!
//! Two things differ from serde_json: text that is not UTF-8 is repaired and not refused, and keys
//! that occur twice are told.

mod literal;
#[cfg(test)]
mod tests;

use serde_json::{Map, Number, Value};

use super::go;

pub(super) use literal::{Step, literal};

/// How deep values may be nested. Go allows 10,000; what deeper code does with an object recurses,
/// and no object of Kubernetes comes near this.
const MAX_DEPTH: usize = 256;

/// Duplicates that are told, as in the real server; the others are as if they were none.
pub(super) const MAX_TOLD: usize = 100;

/// How long the path of a duplicate may become; one that is longer is told without its beginning.
const MAX_PATH: usize = 10_000;

/// What is to be known of a text beside its value.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Notes {
    /// Paths of keys that are there twice, such as `spec.containers[0].name`
    pub(super) duplicates: Vec<String>,
    /// Whether a number has an exponent
    pub(super) has_exponent: bool,
}

/// Reads one value with nothing behind it; of equal keys, the last counts. The error is Go's
/// sentence.
pub(super) fn read(body: &[u8]) -> Result<(Value, Notes), String> {
    let mut notes = Notes::default();
    let mut reader = Reader::new(body, &mut notes);
    reader.skip_space();
    let value = reader.value()?;
    reader.skip_space();
    match reader.peek() {
        None => Ok((value, notes)),
        Some(_) => Err(reader.unexpected("after top-level value")),
    }
}

struct Reader<'a, 'n> {
    body: &'a [u8],
    at: usize,
    depth: usize,
    notes: &'n mut Notes,
}

impl<'a, 'n> Reader<'a, 'n> {
    fn new(body: &'a [u8], notes: &'n mut Notes) -> Self {
        Reader {
            body,
            at: 0,
            depth: 0,
            notes,
        }
    }
}

impl Reader<'_, '_> {
    fn peek(&self) -> Option<u8> {
        self.body.get(self.at).copied()
    }

    fn skip_space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\r' | b'\n')) {
            self.at += 1;
        }
    }

    /// What is wrong with the next byte; `context` says where it stands. Go pretends that a blank
    /// follows the end, so that only what a blank does not end is called unexpected.
    fn unexpected(&self, context: &str) -> String {
        match self.peek() {
            Some(byte) => format!("invalid character {} {context}", go::quoted_byte(byte)),
            None => "unexpected end of JSON input".to_owned(),
        }
    }

    /// The same in the midst of a word, a number or an escape, which a blank cannot go on.
    fn unexpected_within(&self, context: &str) -> String {
        let byte = self.peek().unwrap_or(b' ');
        format!("invalid character {} {context}", go::quoted_byte(byte))
    }

    fn value(&mut self) -> Result<Value, String> {
        match self.peek() {
            Some(b'{') => self.nested(Self::object),
            Some(b'[') => self.nested(Self::array),
            Some(b'"') => self.text().map(Value::String),
            Some(b'-' | b'0'..=b'9') => self.number(),
            Some(b't') => self.word("true", Value::Bool(true)),
            Some(b'f') => self.word("false", Value::Bool(false)),
            Some(b'n') => self.word("null", Value::Null),
            _ => Err(self.unexpected("looking for beginning of value")),
        }
    }

    fn nested(
        &mut self,
        read: impl Fn(&mut Self) -> Result<Value, String>,
    ) -> Result<Value, String> {
        self.at += 1;
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err("exceeded max depth".to_owned());
        }
        let value = read(self);
        self.depth -= 1;
        value
    }

    fn object(&mut self) -> Result<Value, String> {
        let mut map = Map::new();
        self.skip_space();
        if self.peek() == Some(b'}') {
            self.at += 1;
            return Ok(Value::Object(map));
        }
        loop {
            let key = self.key()?;
            let before = self.notes.duplicates.len();
            let value = self.value()?;
            self.put_in(before, Step::Key(&key));
            if map.contains_key(&key) && self.notes.duplicates.len() < MAX_TOLD {
                // Moved behind the others, so that it is told in the order of the text.
                map.shift_remove(&key);
                self.notes.duplicates.push(key.clone());
            }
            map.insert(key, value);
            self.skip_space();
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b'}') => {
                    self.at += 1;
                    return Ok(Value::Object(map));
                }
                _ => return Err(self.unexpected("after object key:value pair")),
            }
        }
    }

    /// A key and its colon.
    fn key(&mut self) -> Result<String, String> {
        self.skip_space();
        if self.peek() != Some(b'"') {
            return Err(self.unexpected("looking for beginning of object key string"));
        }
        let key = self.text()?;
        self.skip_space();
        if self.peek() != Some(b':') {
            return Err(self.unexpected("after object key"));
        }
        self.at += 1;
        self.skip_space();
        Ok(key)
    }

    fn array(&mut self) -> Result<Value, String> {
        let mut items = Vec::new();
        self.skip_space();
        if self.peek() == Some(b']') {
            self.at += 1;
            return Ok(Value::Array(items));
        }
        loop {
            self.skip_space();
            let before = self.notes.duplicates.len();
            let item = self.value()?;
            self.put_in(before, Step::Index(items.len()));
            items.push(item);
            self.skip_space();
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b']') => {
                    self.at += 1;
                    return Ok(Value::Array(items));
                }
                _ => return Err(self.unexpected("after array element")),
            }
        }
    }

    /// Puts a step before the paths of duplicates that were found in what it leads to.
    fn put_in(&mut self, before: usize, step: Step<'_>) {
        for path in &mut self.notes.duplicates[before..] {
            // A hundred paths of megabytes are for nobody.
            if path.len() > MAX_PATH {
                continue;
            }
            let dot = if path.starts_with('[') { "" } else { "." };
            *path = match step {
                Step::Key(key) => format!("{key}{dot}{path}"),
                Step::Index(index) => format!("[{index}]{dot}{path}"),
            };
        }
    }

    fn word(&mut self, word: &str, value: Value) -> Result<Value, String> {
        for expected in word.bytes() {
            if self.peek() != Some(expected) {
                let expected = char::from(expected);
                let context = format!("in literal {word} (expecting '{expected}')");
                return Err(self.unexpected_within(&context));
            }
            self.at += 1;
        }
        Ok(value)
    }

    fn number(&mut self) -> Result<Value, String> {
        let start = self.at;
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        match self.peek() {
            Some(b'0') => self.at += 1,
            Some(b'1'..=b'9') => self.digits(),
            _ => return Err(self.unexpected_within("in numeric literal")),
        }
        let mut is_whole = true;
        if self.peek() == Some(b'.') {
            is_whole = false;
            self.at += 1;
            self.some_digits("after decimal point in numeric literal")?;
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            is_whole = false;
            self.notes.has_exponent = true;
            self.at += 1;
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            self.some_digits("in exponent of numeric literal")?;
        }
        // Only ASCII was read.
        let text = std::str::from_utf8(&self.body[start..self.at]).unwrap_or_default();
        if is_whole && let Ok(number) = text.parse::<i64>() {
            return Ok(Value::from(number));
        }
        let number = text.parse::<f64>().ok().and_then(Number::from_f64);
        number.map(Value::Number).ok_or_else(|| {
            format!("json: cannot unmarshal number {text} into Go value of type float64")
        })
    }

    fn digits(&mut self) {
        while matches!(self.peek(), Some(b'0'..=b'9')) {
            self.at += 1;
        }
    }

    fn some_digits(&mut self, context: &str) -> Result<(), String> {
        if !matches!(self.peek(), Some(b'0'..=b'9')) {
            return Err(self.unexpected_within(context));
        }
        self.digits();
        Ok(())
    }

    fn text(&mut self) -> Result<String, String> {
        self.at += 1;
        let mut text = String::new();
        loop {
            let start = self.at;
            while !matches!(self.peek(), None | Some(b'"' | b'\\' | 0..=0x1f)) {
                self.at += 1;
            }
            text.push_str(&String::from_utf8_lossy(&self.body[start..self.at]));
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(text);
                }
                Some(b'\\') => {
                    self.at += 1;
                    text.push(self.escape()?);
                }
                _ => return Err(self.unexpected("in string literal")),
            }
        }
    }

    fn escape(&mut self) -> Result<char, String> {
        let escaped = match self.peek() {
            Some(byte @ (b'"' | b'\\' | b'/')) => char::from(byte),
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => {
                self.at += 1;
                return self.unicode();
            }
            _ => return Err(self.unexpected_within("in string escape code")),
        };
        self.at += 1;
        Ok(escaped)
    }

    /// What follows `\u`. A half of a pair without the other becomes U+FFFD.
    fn unicode(&mut self) -> Result<char, String> {
        let first = self.hex()?;
        if !(0xd800..0xdc00).contains(&first) || !self.body[self.at..].starts_with(b"\\u") {
            return Ok(char::from_u32(first).unwrap_or(char::REPLACEMENT_CHARACTER));
        }
        let after_first = self.at;
        self.at += 2;
        let second = self.hex()?;
        if (0xdc00..0xe000).contains(&second) {
            let code = 0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00);
            return Ok(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER));
        }
        self.at = after_first;
        Ok(char::REPLACEMENT_CHARACTER)
    }

    fn hex(&mut self) -> Result<u32, String> {
        let mut code = 0;
        for _ in 0..4 {
            let digit = self.peek().and_then(|byte| char::from(byte).to_digit(16));
            let Some(digit) = digit else {
                return Err(self.unexpected_within("in \\u hexadecimal character escape"));
            };
            code = code * 16 + digit;
            self.at += 1;
        }
        Ok(code)
    }
}

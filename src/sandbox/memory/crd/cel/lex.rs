//! Tokens of CEL. What is no token is left to the parser of the cel crate to explain.

/// A token with the number of characters before it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Token {
    pub(super) at: usize,
    pub(super) kind: Lexeme,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Lexeme {
    Ident(String),
    /// A name in backticks
    Escaped(String),
    Int(String),
    Uint(String),
    Double(String),
    Text(String),
    Bytes(Vec<u8>),
    Symbol(&'static str),
}

/// The longest come first.
const SYMBOLS: [&str; 26] = [
    "&&", "||", "==", "!=", "<=", ">=", "<", ">", "[", "]", "{", "}", "(", ")", ".", ",", "-", "!",
    "?", ":", "+", "*", "/", "%", "=", ";",
];

/// All tokens; `None` when something is none.
pub(super) fn tokens(source: &str) -> Option<Vec<Token>> {
    let chars: Vec<char> = source.chars().collect();
    let mut lexer = Lexer {
        chars: &chars,
        at: 0,
    };
    let mut tokens = Vec::new();
    while lexer.skip_blank() {
        let at = lexer.at;
        let kind = lexer.token()?;
        tokens.push(Token { at, kind });
    }
    Some(tokens)
}

struct Lexer<'a> {
    chars: &'a [char],
    at: usize,
}

impl Lexer<'_> {
    fn peek(&self, ahead: usize) -> char {
        self.chars.get(self.at + ahead).copied().unwrap_or('\0')
    }

    /// Skips blanks and comments; false at the end.
    fn skip_blank(&mut self) -> bool {
        loop {
            match self.chars.get(self.at) {
                None => return false,
                Some(' ' | '\t' | '\r' | '\n' | '\u{c}') => self.at += 1,
                Some('/') if self.peek(1) == '/' => {
                    while self.chars.get(self.at).is_some_and(|c| *c != '\n') {
                        self.at += 1;
                    }
                }
                Some(_) => return true,
            }
        }
    }

    fn token(&mut self) -> Option<Lexeme> {
        let first = self.peek(0);
        if let Some(prefix) = self.string_prefix() {
            return self.string(prefix);
        }
        if first == '_' || first.is_ascii_alphabetic() {
            let start = self.at;
            while self.peek(0) == '_' || self.peek(0).is_ascii_alphanumeric() {
                self.at += 1;
            }
            return Some(Lexeme::Ident(self.chars[start..self.at].iter().collect()));
        }
        if first.is_ascii_digit() || (first == '.' && self.peek(1).is_ascii_digit()) {
            return self.number();
        }
        if first == '`' {
            let start = self.at + 1;
            let length = self.chars[start..].iter().position(|c| *c == '`')?;
            self.at = start + length + 1;
            let name: String = self.chars[start..start + length].iter().collect();
            let is_fine = |c: char| c.is_ascii_alphanumeric() || "_./- ".contains(c);
            return (!name.is_empty() && name.chars().all(is_fine))
                .then_some(Lexeme::Escaped(name));
        }
        let symbol = SYMBOLS.into_iter().find(|symbol| {
            symbol
                .chars()
                .enumerate()
                .all(|(ahead, c)| self.peek(ahead) == c)
        })?;
        self.at += symbol.len();
        (!matches!(symbol, "=" | ";")).then_some(Lexeme::Symbol(symbol))
    }

    fn number(&mut self) -> Option<Lexeme> {
        let start = self.at;
        let text = |lexer: &Self| lexer.chars[start..lexer.at].iter().collect::<String>();
        if self.peek(0) == '0' && self.peek(1) == 'x' {
            self.at += 2;
            while self.peek(0).is_ascii_hexdigit() {
                self.at += 1;
            }
            return Some(self.unsigned(text(self)));
        }
        let mut is_float = false;
        self.digits();
        if self.peek(0) == '.' && self.peek(1).is_ascii_digit() {
            is_float = true;
            self.at += 1;
            self.digits();
        }
        let sign = usize::from(matches!(self.peek(1), '+' | '-'));
        if matches!(self.peek(0), 'e' | 'E') && self.peek(1 + sign).is_ascii_digit() {
            is_float = true;
            self.at += 1 + sign;
            self.digits();
        }
        if is_float {
            return Some(Lexeme::Double(text(self)));
        }
        Some(self.unsigned(text(self)))
    }

    fn digits(&mut self) {
        while self.peek(0).is_ascii_digit() {
            self.at += 1;
        }
    }

    fn unsigned(&mut self, text: String) -> Lexeme {
        if matches!(self.peek(0), 'u' | 'U') {
            self.at += 1;
            return Lexeme::Uint(text);
        }
        Lexeme::Int(text)
    }

    /// The letters before a quote: any of `r` and `b`.
    fn string_prefix(&self) -> Option<usize> {
        let length = (0..=2).find(|ahead| matches!(self.peek(*ahead), '"' | '\''))?;
        let letters: String = (0..length).map(|ahead| self.peek(ahead)).collect();
        let lower = letters.to_ascii_lowercase();
        matches!(lower.as_str(), "" | "r" | "b" | "br" | "rb").then_some(length)
    }

    fn string(&mut self, prefix: usize) -> Option<Lexeme> {
        let letters: Vec<char> = (0..prefix).map(|ahead| self.peek(ahead)).collect();
        let is_raw = letters.iter().any(|c| matches!(c, 'r' | 'R'));
        let is_bytes = letters.iter().any(|c| matches!(c, 'b' | 'B'));
        self.at += prefix;
        let quote = self.peek(0);
        let is_long = self.peek(1) == quote && self.peek(2) == quote;
        self.at += if is_long { 3 } else { 1 };
        let mut out = Output::new(is_bytes);
        loop {
            let c = *self.chars.get(self.at)?;
            if c == quote && (!is_long || (self.peek(1) == quote && self.peek(2) == quote)) {
                self.at += if is_long { 3 } else { 1 };
                return Some(out.finish());
            }
            if !is_long && matches!(c, '\n' | '\r') {
                return None;
            }
            self.at += 1;
            if c == '\\' && !is_raw {
                self.escape(&mut out)?;
            } else if c == '\r' {
                // Line ends are one character, whatever they were.
                if self.peek(0) == '\n' {
                    self.at += 1;
                }
                out.push('\n');
            } else {
                out.push(c);
            }
        }
    }

    fn escape(&mut self, out: &mut Output) -> Option<()> {
        let c = self.peek(0);
        self.at += 1;
        match c {
            'a' => out.push('\u{7}'),
            'b' => out.push('\u{8}'),
            'f' => out.push('\u{c}'),
            'n' => out.push('\n'),
            'r' => out.push('\r'),
            't' => out.push('\t'),
            'v' => out.push('\u{b}'),
            '"' | '\'' | '\\' | '?' | '`' => out.push(c),
            'x' | 'X' => out.byte(self.coded(2, 16)?)?,
            'u' => out.push(char::from_u32(self.coded(4, 16)?)?),
            'U' => out.push(char::from_u32(self.coded(8, 16)?)?),
            '0'..='3' => {
                self.at -= 1;
                out.byte(self.coded(3, 8)?)?;
            }
            _ => return None,
        }
        Some(())
    }

    fn coded(&mut self, length: usize, radix: u32) -> Option<u32> {
        let digits = self.chars.get(self.at..self.at + length)?;
        self.at += length;
        let digits: String = digits.iter().collect();
        u32::from_str_radix(&digits, radix).ok()
    }
}

/// What is written between quotes.
enum Output {
    Text(String),
    Bytes(Vec<u8>),
}

impl Output {
    fn new(is_bytes: bool) -> Self {
        if is_bytes {
            Output::Bytes(Vec::new())
        } else {
            Output::Text(String::new())
        }
    }

    fn push(&mut self, c: char) {
        match self {
            Output::Text(text) => text.push(c),
            Output::Bytes(bytes) => bytes.extend(c.encode_utf8(&mut [0; 4]).bytes()),
        }
    }

    /// A byte of bytes, and a character of text.
    fn byte(&mut self, value: u32) -> Option<()> {
        match self {
            Output::Text(text) => text.push(char::from_u32(value)?),
            Output::Bytes(bytes) => bytes.push(u8::try_from(value).ok()?),
        }
        Some(())
    }

    fn finish(self) -> Lexeme {
        match self {
            Output::Text(text) => Lexeme::Text(text),
            Output::Bytes(bytes) => Lexeme::Bytes(bytes),
        }
    }
}

//! Templates to trees: `parser.go` of `k8s.io/client-go/util/jsonpath`, whose every turn decides
//! which templates work.

use super::Problem;

/// A template is text and actions in turn.
#[derive(Debug)]
pub(super) enum Part {
    Text(String),
    Action(Vec<Node>),
}

/// One step of a path, applied to what the step before found.
#[derive(Debug)]
pub(super) enum Node {
    Text(String),
    Field(String),
    Slice(Slice),
    Filter(Filter),
    Int(i64),
    Float(f64),
    Bool(bool),
    Wildcard,
    Recursive,
    Union(Vec<Vec<Node>>),
    /// `range`, `end`, or a mistake.
    Word(String),
}

/// `[1]`, `[0:2]`, `[::2]`, `[*]`.
#[derive(Debug)]
pub(super) struct Slice {
    /// As it was written, for messages.
    pub(super) text: String,
    pub(super) start: Option<i64>,
    pub(super) end: Option<i64>,
    /// The end was not written: `[1]` is `[1:2]`, and `[-1]` ends where the list ends.
    pub(super) end_derived: bool,
    pub(super) step: Option<i64>,
}

/// `[?(@.name=="x")]`, or `[?(@.name)]` without a comparison.
#[derive(Debug)]
pub(super) struct Filter {
    pub(super) left: Vec<Node>,
    pub(super) compare: Option<(String, Vec<Node>)>,
}

/// Reads a whole template.
pub(super) fn parts(template: &str) -> Result<Vec<Part>, Problem> {
    let mut parts = Vec::new();
    let mut rest = template;
    while let Some(open) = rest.find('{') {
        if open > 0 {
            parts.push(Part::Text(rest[..open].to_owned()));
        }
        let mut parser = Parser {
            input: &rest[open + 1..],
            at: 0,
        };
        parts.push(Part::Action(parser.action()?));
        rest = &parser.input[parser.at..];
    }
    if !rest.is_empty() {
        parts.push(Part::Text(rest.to_owned()));
    }
    Ok(parts)
}

/// Reads a part of an action as if it had braces around it. What follows on a brace that closes it
/// early is dropped, as in kubectl.
fn nested(text: &str) -> Result<Vec<Node>, Problem> {
    let braced = format!("{{{text}}}");
    match parts(&braced)?.into_iter().next() {
        Some(Part::Action(nodes)) => Ok(nodes),
        Some(Part::Text(_)) | None => Ok(Vec::new()),
    }
}

struct Parser<'a> {
    input: &'a str,
    at: usize,
}

impl<'a> Parser<'a> {
    /// Reads up to the brace that closes the action.
    fn action(&mut self) -> Result<Vec<Node>, Problem> {
        let mut nodes = Vec::new();
        loop {
            let rest = &self.input[self.at..];
            if rest.starts_with("[?(") {
                nodes.push(self.filter()?);
                continue;
            }
            if rest.starts_with("..") {
                if matches!(nodes.last(), Some(Node::Recursive)) {
                    return Err(Problem::TwiceRecursive);
                }
                self.at += 2;
                nodes.push(Node::Recursive);
                if self.peek().is_some_and(is_word) {
                    nodes.push(self.field());
                }
                continue;
            }
            match self.peek() {
                None | Some('\n' | '\r') => return Err(Problem::UnclosedAction),
                Some('}') => {
                    self.at += 1;
                    return Ok(nodes);
                }
                // The current object: what the path begins with anyway.
                Some(' ' | '@' | '$') => self.at += 1,
                Some('[') => self.index(&mut nodes)?,
                Some(quote @ ('"' | '\'')) => nodes.push(self.quoted(quote)?),
                Some('.') => {
                    self.at += 1;
                    nodes.push(self.field());
                }
                Some(c) if c == '+' || c == '-' || c.is_ascii_digit() => nodes.push(self.number()?),
                Some(c) if is_word(c) => nodes.push(self.word()),
                Some(c) => return Err(Problem::Character(c)),
            }
        }
    }

    fn peek(&self) -> Option<char> {
        self.input[self.at..].chars().next()
    }

    fn next(&mut self) -> Option<char> {
        let c = self.peek()?;
        self.at += c.len_utf8();
        Some(c)
    }

    /// Takes characters for as long as they fit.
    fn take_while(&mut self, fits: impl Fn(char) -> bool) -> &'a str {
        let rest = &self.input[self.at..];
        let taken = &rest[..rest.find(|c| !fits(c)).unwrap_or(rest.len())];
        self.at += taken.len();
        taken
    }

    /// The name after a dot; a backslash keeps the character after it from ending the name.
    fn field(&mut self) -> Node {
        let start = self.at;
        while let Some(c) = self.peek().filter(|c| !is_terminator(*c)) {
            self.at += c.len_utf8();
            if c == '\\' {
                self.next();
            }
        }
        match &self.input[start..self.at] {
            "*" => Node::Wildcard,
            name => Node::Field(name.replace('\\', "")),
        }
    }

    fn word(&mut self) -> Node {
        match self.take_while(|c| !is_terminator(c)) {
            "true" => Node::Bool(true),
            "false" => Node::Bool(false),
            word => Node::Word(word.to_owned()),
        }
    }

    fn number(&mut self) -> Result<Node, Problem> {
        let start = self.at;
        if matches!(self.peek(), Some('+' | '-')) {
            self.at += 1;
        }
        self.take_while(|c| c == '.' || c.is_ascii_digit());
        let text = &self.input[start..self.at];
        if let Ok(int) = text.parse() {
            return Ok(Node::Int(int));
        }
        match text.parse::<f64>() {
            Ok(float) if float.is_finite() => Ok(Node::Float(float)),
            _ => Err(Problem::Number(text.to_owned())),
        }
    }

    fn quoted(&mut self, quote: char) -> Result<Node, Problem> {
        let rest = &self.input[self.at..];
        let mut before = quote;
        for (at, c) in rest.char_indices().skip(1) {
            if c == '\n' {
                break;
            }
            if c == quote && before != '\\' {
                let text = &rest[..=at];
                self.at += text.len();
                let inner = &text[1..at];
                return match unescape(inner, quote) {
                    Some(value) => Ok(Node::Text(value)),
                    None => Err(Problem::Escape(text.to_owned())),
                };
            }
            before = c;
        }
        Err(Problem::UnclosedQuote)
    }

    /// What stands in brackets: an index, a slice, a key, or several of them.
    fn index(&mut self, nodes: &mut Vec<Node>) -> Result<(), Problem> {
        let rest = &self.input[self.at..];
        let end = rest.find([']', '\n']).ok_or(Problem::UnclosedIndex)?;
        if !rest[end..].starts_with(']') {
            return Err(Problem::UnclosedIndex);
        }
        self.at += end + 1;
        let text = &rest[1..end];
        if text.contains(',') {
            let members = text
                .split(',')
                .map(|m| nested(&format!("[{}]", m.trim_matches(' '))));
            nodes.push(Node::Union(members.collect::<Result<_, _>>()?));
            return Ok(());
        }
        let key = text.strip_prefix('\'').and_then(|t| t.strip_suffix('\''));
        if let Some(key) = key.filter(|k| !k.contains('\'')) {
            // Dots in the key divide it too, unless a backslash stands before them.
            nodes.extend(nested(&format!(".{key}"))?);
            return Ok(());
        }
        nodes.push(Node::Slice(
            slice(text).ok_or_else(|| Problem::Index(text.to_owned()))?,
        ));
        Ok(())
    }

    fn filter(&mut self) -> Result<Node, Problem> {
        let rest = &self.input[self.at + "[?(".len()..];
        let close = filter_end(rest).ok_or(Problem::UnclosedFilter)?;
        if !rest[close + 1..].starts_with(']') {
            return Err(Problem::FilterEnd);
        }
        self.at += "[?(".len() + close + ")]".len();
        let text = &rest[..close];
        let Some((left, operator, right)) = comparison(text) else {
            return Ok(Node::Filter(Filter {
                left: nested(text)?,
                compare: None,
            }));
        };
        let compare = Some((operator.to_owned(), nested(right)?));
        Ok(Node::Filter(Filter {
            left: nested(left)?,
            compare,
        }))
    }
}

/// Where the `)` of a filter is: one that does not stand between a first quote and its partner.
fn filter_end(text: &str) -> Option<usize> {
    let mut quote = None;
    let mut closed = false;
    let mut before = '(';
    for (at, c) in text.char_indices() {
        match c {
            '\n' => return None,
            '"' | '\'' => match quote {
                None => quote = Some(c),
                Some(open) if open == c && before != '\\' => closed = true,
                Some(_) => {}
            },
            ')' if quote.is_some() == closed => return Some(at),
            _ => {}
        }
        before = c;
    }
    None
}

/// Splits at the first run of operator characters: `^([^!<>=]+)([!<>=]+)(.+?)$`.
fn comparison(text: &str) -> Option<(&str, &str, &str)> {
    let is_operator = |c| matches!(c, '!' | '<' | '>' | '=');
    let start = text.find(is_operator).filter(|start| *start > 0)?;
    let length = text[start..].find(|c| !is_operator(c));
    // With nothing after them, the last of several operator characters is the right side.
    let end = start + length.unwrap_or(text.len() - start - 1);
    (end > start).then(|| (&text[..start], &text[start..end], &text[end..]))
}

/// Reads `start:end:step`, each a number or nothing. The outer `None`: it is nothing of the kind.
fn slice(text: &str) -> Option<Slice> {
    let parts: Vec<&str> = if text == "*" {
        vec!["", ""]
    } else {
        text.split(':').collect()
    };
    let number = |at: usize| match parts.get(at).copied().unwrap_or("") {
        "" => Some(None),
        digits if digits.starts_with('+') => None,
        digits => digits.parse::<i64>().ok().map(Some),
    };
    if parts.len() > 3 {
        return None;
    }
    let (start, end, step) = (number(0)?, number(1)?, number(2)?);
    let end_derived = parts.len() == 1;
    let end = if end_derived {
        Some(start.unwrap_or(0).wrapping_add(1))
    } else {
        end
    };
    Some(Slice {
        text: text.to_owned(),
        start,
        end,
        end_derived,
        step,
    })
}

/// Go's `strconv.UnquoteChar` over the whole text; none for an escape that it does not know.
fn unescape(text: &str, quote: char) -> Option<String> {
    // Bytes, because \x and octal escapes stand for single bytes.
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    loop {
        let escape = rest.find('\\').unwrap_or(rest.len());
        if rest[..escape].contains(quote) {
            return None;
        }
        bytes.extend_from_slice(&rest.as_bytes()[..escape]);
        if escape == rest.len() {
            return Some(String::from_utf8_lossy(&bytes).into_owned());
        }
        rest = &rest[escape + 1..];
        let kind = rest.chars().next()?;
        let (digits, radix) = match kind {
            'x' => (1..3, 16),
            'u' => (1..5, 16),
            'U' => (1..9, 16),
            '0'..='7' => (0..3, 8),
            _ => {
                bytes.push(simple_escape(kind, quote)?);
                rest = &rest[1..];
                continue;
            }
        };
        let end = digits.end;
        let digits = rest
            .get(digits)
            .filter(|d| d.chars().all(|c| c.is_digit(radix)))?;
        let number = u32::from_str_radix(digits, radix).ok()?;
        if matches!(kind, 'u' | 'U') {
            bytes.extend_from_slice(char::from_u32(number)?.encode_utf8(&mut [0; 4]).as_bytes());
        } else {
            bytes.push(u8::try_from(number).ok()?);
        }
        rest = &rest[end..];
    }
}

fn simple_escape(c: char, quote: char) -> Option<u8> {
    Some(match c {
        'a' => 0x07,
        'b' => 0x08,
        'f' => 0x0c,
        'n' => b'\n',
        'r' => b'\r',
        't' => b'\t',
        'v' => 0x0b,
        '\\' => b'\\',
        '"' if quote == '"' => b'"',
        '\'' if quote == '\'' => b'\'',
        _ => return None,
    })
}

/// Whether a character ends a name.
fn is_terminator(c: char) -> bool {
    matches!(
        c,
        ' ' | '\t' | '\r' | '\n' | '.' | ',' | '[' | ']' | '$' | '@' | '{' | '}'
    )
}

fn is_word(c: char) -> bool {
    c == '_' || c.is_alphabetic() || c.is_ascii_digit()
}

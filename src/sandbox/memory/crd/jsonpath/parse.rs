//! Reading a path.

use serde_json::{Value, json};

use super::{Filter, Node, Slice};

/// Reads a template; gives the steps of its first action. What follows must make sense, too.
pub(super) fn parse(template: &str) -> Option<Vec<Node>> {
    let text: Vec<char> = template.chars().collect();
    let mut parser = Parser { text: &text, at: 0 };
    let mut first = None;
    loop {
        while parser.peek().is_some_and(|c| c != '{') {
            parser.at += 1;
        }
        if parser.next().is_none() {
            return first;
        }
        let nodes = parser.action()?;
        first.get_or_insert(nodes);
    }
}

struct Parser<'a> {
    text: &'a [char],
    at: usize,
}

impl Parser<'_> {
    fn peek(&self) -> Option<char> {
        self.text.get(self.at).copied()
    }

    fn next(&mut self) -> Option<char> {
        let c = self.peek()?;
        self.at += 1;
        Some(c)
    }

    fn goes_on_with(&self, prefix: &str) -> bool {
        let rest = self.text.get(self.at..).unwrap_or_default();
        prefix
            .chars()
            .enumerate()
            .all(|(at, c)| rest.get(at) == Some(&c))
    }

    fn since(&self, start: usize) -> String {
        self.text
            .get(start..self.at)
            .unwrap_or_default()
            .iter()
            .collect()
    }

    /// What is between braces, the first of which has been passed.
    fn action(&mut self) -> Option<Vec<Node>> {
        let mut nodes = Vec::new();
        loop {
            if self.goes_on_with("[?(") {
                nodes.push(self.filter()?);
                continue;
            }
            if self.goes_on_with("..") {
                if nodes.last() == Some(&Node::Recursive) {
                    return None;
                }
                self.at += 2;
                nodes.push(Node::Recursive);
                if self.peek().is_some_and(is_word) {
                    nodes.push(self.field());
                }
                continue;
            }
            match self.next()? {
                '}' => return Some(nodes),
                ' ' | '@' | '$' => {}
                '[' => self.array(&mut nodes)?,
                quote @ ('"' | '\'') => nodes.push(self.quoted(quote)?),
                '.' => nodes.push(self.field()),
                c if c == '+' || c == '-' || c.is_numeric() => {
                    self.at -= 1;
                    nodes.push(self.number()?);
                }
                c if is_word(c) => {
                    self.at -= 1;
                    nodes.push(self.word());
                }
                _ => return None,
            }
        }
    }

    fn field(&mut self) -> Node {
        let mut name = String::new();
        while let Some(c) = self.peek() {
            if c == '\\' {
                self.at += 1;
                name.extend(self.next());
            } else if is_end(c) {
                break;
            } else {
                name.push(c);
                self.at += 1;
            }
        }
        if name == "*" {
            Node::Wildcard
        } else {
            Node::Field(name)
        }
    }

    fn word(&mut self) -> Node {
        let start = self.at;
        while self.peek().is_some_and(|c| !is_end(c)) {
            self.at += 1;
        }
        match self.since(start).as_str() {
            "true" => Node::Literal(json!(true)),
            "false" => Node::Literal(json!(false)),
            _ => Node::Word,
        }
    }

    fn number(&mut self) -> Option<Node> {
        let start = self.at;
        self.at += 1;
        while self.peek().is_some_and(|c| c == '.' || c.is_numeric()) {
            self.at += 1;
        }
        let text = self.since(start);
        let integer = text.parse::<i64>().ok().map(Value::from);
        let float = || text.parse::<f64>().ok().map(Value::from);
        integer.or_else(float).map(Node::Literal)
    }

    /// A text whose first quote has been passed.
    fn quoted(&mut self, quote: char) -> Option<Node> {
        let start = self.at;
        loop {
            let c = self.next().filter(|c| *c != '\n')?;
            if c == quote && self.text.get(self.at - 2) != Some(&'\\') {
                break;
            }
        }
        let inner: Vec<char> = self.text.get(start..self.at - 1)?.to_vec();
        unquote(&inner).map(|text| Node::Literal(Value::String(text)))
    }

    /// What is in brackets, the first of which has been passed.
    fn array(&mut self, nodes: &mut Vec<Node>) -> Option<()> {
        let start = self.at;
        while self.next().filter(|c| *c != '\n')? != ']' {}
        let text: String = self.text.get(start..self.at - 1)?.iter().collect();
        if text.contains(',') {
            let parts = text.split(',').map(|part| {
                let part = part.trim_matches(' ');
                parse(&format!("{{[{part}]}}"))
            });
            nodes.push(Node::Union(parts.collect::<Option<_>>()?));
            return Some(());
        }
        let key = text
            .strip_prefix('\'')
            .and_then(|rest| rest.strip_suffix('\''));
        if let Some(key) = key.filter(|key| !key.contains('\'')) {
            nodes.extend(parse(&format!("{{.{key}}}"))?);
            return Some(());
        }
        nodes.push(Node::Slice(slice(&text)?));
        Some(())
    }

    fn filter(&mut self) -> Option<Node> {
        self.at += 3;
        let start = self.at;
        let mut opened = None;
        let mut is_closed = false;
        loop {
            match self.next().filter(|c| *c != '\n')? {
                c @ ('"' | '\'') => match opened {
                    None => opened = Some(c),
                    Some(quote) => {
                        is_closed |= quote == c && self.text.get(self.at - 2) != Some(&'\\');
                    }
                },
                ')' if opened.is_some() == is_closed => break,
                _ => {}
            }
        }
        let text: Vec<char> = self.text.get(start..self.at - 1)?.to_vec();
        if self.next() != Some(']') {
            return None;
        }
        let side = |side: &[char]| {
            let side: String = side.iter().collect();
            parse(&format!("{{{side}}}"))
        };
        let is_operator = |c: &char| "!<>=".contains(*c);
        let from = text.iter().position(is_operator).filter(|from| *from > 0);
        let run = |from: usize| {
            text.iter()
                .skip(from)
                .take_while(|c| is_operator(c))
                .count()
        };
        // Something is to stay on the right side, if need be the end of the operator.
        let to = from.map(|from| (from + run(from)).min(text.len() - 1));
        let (left, operator, right) = match (from, to) {
            (Some(from), Some(to)) if from < to => (
                side(&text[..from])?,
                text[from..to].iter().collect(),
                side(&text[to..])?,
            ),
            _ => (side(&text)?, String::new(), Vec::new()),
        };
        Some(Node::Filter(Filter {
            left,
            operator,
            right,
        }))
    }
}

fn slice(text: &str) -> Option<Slice> {
    let text = if text == "*" { ":" } else { text };
    let mut parts = text.split(':');
    let mut number = || match parts.next() {
        None => Some((false, None)),
        Some("") => Some((true, None)),
        Some(part) => {
            let digits = part.strip_prefix('-').unwrap_or(part);
            let is_number = digits.chars().all(|c| c.is_ascii_digit());
            let number = part.parse::<i64>().ok().filter(|_| is_number)?;
            Some((true, Some(number)))
        }
    };
    let ((_, from), (has_to, to), (_, step)) = (number()?, number()?, number()?);
    if parts.next().is_some() {
        return None;
    }
    Some(Slice {
        from,
        to: if has_to {
            to
        } else {
            Some(from.unwrap_or(0).checked_add(1)?)
        },
        step,
        is_single: !has_to,
    })
}

/// The text between quotes, with Go's escapes.
fn unquote(inner: &[char]) -> Option<String> {
    let mut out = String::new();
    let mut rest = inner.iter().copied();
    while let Some(c) = rest.next() {
        if c != '\\' {
            out.push(c);
            continue;
        }
        let hexadecimal = |rest: &mut dyn Iterator<Item = char>, length| {
            let digits: String = rest.take(length).collect();
            u32::from_str_radix(&digits, 16)
                .ok()
                .and_then(char::from_u32)
        };
        out.push(match rest.next()? {
            'a' => '\u{7}',
            'b' => '\u{8}',
            'f' => '\u{c}',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'v' => '\u{b}',
            'x' => hexadecimal(&mut rest, 2)?,
            'u' => hexadecimal(&mut rest, 4)?,
            'U' => hexadecimal(&mut rest, 8)?,
            c @ ('\\' | '\'' | '"') => c,
            _ => return None,
        });
    }
    Some(out)
}

fn is_end(c: char) -> bool {
    matches!(
        c,
        ' ' | '\t' | '\r' | '\n' | '.' | ',' | '[' | ']' | '$' | '@' | '{' | '}'
    )
}

fn is_word(c: char) -> bool {
    c == '_' || c.is_alphanumeric()
}

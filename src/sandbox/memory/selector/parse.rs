//! The text of a label selector, as it stands in a query.

use std::collections::BTreeSet;

use super::labels::{Operator, Requirement, key_error};
use crate::sandbox::memory::field::Path;

const BINARY_OPERATORS: &str = "in, notin, =, ==, !=, gt, lt";

/// A piece of a label selector's text.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Token {
    /// A key or a value; also `in` and `notin`, which can be either
    Word(String),
    /// An operator, a comma or a parenthesis
    Symbol(&'static str),
    /// Symbols that make no sense together
    Unknown(String),
    End,
}

impl Token {
    fn text(&self) -> &str {
        match self {
            Token::Word(text) | Token::Unknown(text) => text,
            Token::Symbol(text) => text,
            Token::End => "",
        }
    }

    fn is(&self, symbol: &str) -> bool {
        matches!(self, Token::Symbol(own) if *own == symbol)
    }

    fn is_end_or_comma(&self) -> bool {
        *self == Token::End || self.is(",")
    }
}

fn symbol(text: &str) -> Option<&'static str> {
    let all = [")", ",", "!", "==", "=", ">", "<", "!=", "("];
    all.into_iter().find(|known| *known == text)
}

/// The text in pieces, [`Token::End`] last. A NUL ends the text where a piece would begin, as in Go.
fn tokens(text: &str) -> Vec<Token> {
    let is_space = |c: char| matches!(c, ' ' | '\t' | '\r' | '\n');
    let is_symbol = |c: char| matches!(c, '=' | '!' | '(' | ')' | ',' | '>' | '<');
    let mut tokens = Vec::new();
    let mut rest = text;
    loop {
        rest = rest.trim_start_matches(is_space);
        let length = match rest.chars().next() {
            None | Some('\0') => {
                tokens.push(Token::End);
                return tokens;
            }
            Some(first) if is_symbol(first) => {
                // Two characters make one symbol where they can.
                let two = rest.get(..2).and_then(symbol);
                let run = rest.find(|c| !is_symbol(c)).unwrap_or(rest.len());
                match two.or_else(|| symbol(&rest[..1])) {
                    Some(symbol) => {
                        tokens.push(Token::Symbol(symbol));
                        symbol.len()
                    }
                    None => {
                        let found = &rest[..run];
                        let words = format!("error expected: keyword found '{found}'");
                        tokens.push(Token::Unknown(words));
                        run
                    }
                }
            }
            Some(_) => {
                let ends = |c: char| is_space(c) || is_symbol(c) || c == '\0';
                let length = rest.find(ends).unwrap_or(rest.len());
                tokens.push(Token::Word(rest[..length].to_owned()));
                // A NUL behind a word is swallowed with it.
                length + usize::from(rest[length..].starts_with('\0'))
            }
        };
        rest = &rest[length..];
    }
}

/// The conditions, in the order in which they were written.
pub(super) fn requirements(text: &str) -> Result<Vec<Requirement>, String> {
    let mut parser = Parser {
        tokens: tokens(text),
        at: 0,
    };
    parser.requirements()
}

struct Parser {
    tokens: Vec<Token>,
    at: usize,
}

impl Parser {
    fn peek(&self) -> Token {
        self.tokens.get(self.at).cloned().unwrap_or(Token::End)
    }

    fn next(&mut self) -> Token {
        let token = self.peek();
        self.at += 1;
        token
    }

    fn requirements(&mut self) -> Result<Vec<Requirement>, String> {
        let mut requirements = Vec::new();
        loop {
            match self.peek() {
                Token::End => return Ok(requirements),
                token if matches!(token, Token::Word(_)) || token.is("!") => {}
                other => {
                    let found = other.text();
                    return Err(format!(
                        "found '{found}', expected: !, identifier, or 'end of string'"
                    ));
                }
            }
            let requirement = self.requirement();
            requirements
                .push(requirement.map_err(|e| format!("unable to parse requirement: {e}"))?);
            let next = self.next();
            if next.is(",") {
                let after = self.peek();
                if !matches!(after, Token::Word(_)) && !after.is("!") {
                    let found = after.text();
                    return Err(format!("found '{found}', expected: identifier after ','"));
                }
            } else if next != Token::End {
                let found = next.text();
                return Err(format!("found '{found}', expected: ',' or 'end of string'"));
            } else {
                return Ok(requirements);
            }
        }
    }

    fn requirement(&mut self) -> Result<Requirement, String> {
        let mut token = self.next();
        let is_negated = token.is("!");
        if is_negated {
            token = self.next();
        }
        let Token::Word(key) = token else {
            return Err(format!("found '{}', expected: identifier", token.text()));
        };
        if let Some(error) = key_error(&Path::root(), &key) {
            return Err(error.to_string());
        }
        if is_negated {
            return Requirement::new(key, Operator::DoesNotExist, Vec::new());
        }
        if self.peek().is_end_or_comma() {
            return Requirement::new(key, Operator::Exists, Vec::new());
        }
        let operator = self.operator()?;
        let values = match operator {
            Operator::In | Operator::NotIn => self.values()?,
            _ => self.exact_value()?,
        };
        Requirement::new(key, operator, values)
    }

    fn operator(&mut self) -> Result<Operator, String> {
        let token = self.next();
        Ok(match token.text() {
            "in" => Operator::In,
            "notin" => Operator::NotIn,
            "=" => Operator::Equals,
            "==" => Operator::DoubleEquals,
            "!=" => Operator::NotEquals,
            ">" => Operator::GreaterThan,
            "<" => Operator::LessThan,
            found => return Err(format!("found '{found}', expected: {BINARY_OPERATORS}")),
        })
    }

    fn exact_value(&mut self) -> Result<Vec<String>, String> {
        if self.peek().is_end_or_comma() {
            return Ok(vec![String::new()]);
        }
        match self.next() {
            Token::Word(value) => Ok(vec![value]),
            other => Err(format!("found '{}', expected: identifier", other.text())),
        }
    }

    fn values(&mut self) -> Result<Vec<String>, String> {
        let open = self.next();
        if !open.is("(") {
            return Err(format!("found '{}' expected: '('", open.text()));
        }
        let first = self.peek();
        if first.is(")") {
            self.next();
            return Ok(vec![String::new()]);
        }
        if !matches!(first, Token::Word(_)) && !first.is(",") {
            return Err(format!(
                "found '{}', expected: ',', ')' or identifier",
                first.text()
            ));
        }
        let mut values = BTreeSet::new();
        loop {
            match self.next() {
                Token::Word(value) => {
                    values.insert(value);
                    let after = self.peek();
                    if after.is(")") {
                        break;
                    }
                    if !after.is(",") {
                        return Err(format!("found '{}', expected: ',' or ')'", after.text()));
                    }
                }
                comma if comma.is(",") => {
                    let after = self.peek();
                    if values.is_empty() || after.is(")") || after.is(",") {
                        values.insert(String::new());
                    }
                    if after.is(")") {
                        break;
                    }
                }
                other => {
                    return Err(format!(
                        "found '{}', expected: ',', or identifier",
                        other.text()
                    ));
                }
            }
        }
        self.next();
        Ok(values.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use crate::sandbox::memory::selector::LabelSelector;

    #[test]
    fn wrong_label_selectors_get_the_real_words() {
        let bad_key = "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";
        let bad_value = "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";
        let of_requirement = [
            ("a in", "found '' expected: '('".to_owned()),
            ("a in b", "found 'b' expected: '('".to_owned()),
            ("a in (b", "found '', expected: ',' or ')'".to_owned()),
            ("a in (b c)", "found 'c', expected: ',' or ')'".to_owned()),
            ("a in (=)", "found '=', expected: ',', ')' or identifier".to_owned()),
            ("a>x", "values[0]: Invalid value: \"x\": for 'Gt', 'Lt' operators, the value must be an integer".to_owned()),
            ("a!b", "found '!', expected: in, notin, =, ==, !=, gt, lt".to_owned()),
            ("a b", "found 'b', expected: in, notin, =, ==, !=, gt, lt".to_owned()),
            ("a,b)", "found ')', expected: in, notin, =, ==, !=, gt, lt".to_owned()),
            ("a\0b", "found 'b', expected: in, notin, =, ==, !=, gt, lt".to_owned()),
            ("a=!b", "found '!', expected: identifier".to_owned()),
            ("a=(b)", "found '(', expected: identifier".to_owned()),
            ("a===b", "found '=', expected: identifier".to_owned()),
            ("a=!=b", "found '!=', expected: identifier".to_owned()),
            ("!", "found '', expected: identifier".to_owned()),
            ("!!a", "found '!', expected: identifier".to_owned()),
            ("-a", format!("<nil>: Invalid value: \"-a\": {bad_key}")),
            ("é=1", format!("<nil>: Invalid value: \"é\": {bad_key}")),
            ("a=-", format!("values[0][a]: Invalid value: \"-\": {bad_value}")),
            ("a in (-,x)", format!("values[0][a]: Invalid value: \"-\": {bad_value}")),
        ];
        let of_requirement =
            of_requirement.map(|(t, e)| (t, format!("unable to parse requirement: {e}")));
        let whole = [
            ("a=b,", "found '', expected: identifier after ','"),
            ("a=b,,c", "found ',', expected: identifier after ','"),
            (
                ",a",
                "found ',', expected: !, identifier, or 'end of string'",
            ),
            (
                "=",
                "found '=', expected: !, identifier, or 'end of string'",
            ),
            ("a=b c", "found 'c', expected: ',' or 'end of string'"),
            ("!a=b", "found '=', expected: ',' or 'end of string'"),
        ];
        let whole = whole.map(|(t, e)| (t, e.to_owned()));
        for (text, message) in of_requirement.into_iter().chain(whole) {
            let status = LabelSelector::parse(text).expect_err(text);
            assert_eq!((status.code, status.message), (400, message), "{text:?}");
        }
    }
}

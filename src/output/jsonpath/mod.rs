//! kubectl's JSONPath templates: `-o jsonpath='{range .items[*]}{.metadata.name}{"\n"}{end}'`.
//!
//! Behaves as `k8s.io/client-go/util/jsonpath` with missing keys allowed, kubectl's default, oddities
//! included, because people bring templates that work; the recorded answers of the real kubectl in
//! `tests/it/jsonpath` hold it to that. It differs in two places: what a wildcard or `..` finds in
//! an object comes in the object's order, where kubectl's order is random; and in a range over
//! nothing or null an index or filter finds nothing, where kubectl panics or fails.

mod compare;
mod eval;
mod parse;
mod print;

use std::fmt;

use serde_json::Value;

use parse::Part;

/// A template that was read and can be rendered any number of times.
#[derive(Debug)]
pub struct JsonPath {
    parts: Vec<Part>,
}

impl JsonPath {
    /// Reads a template: text outside of braces stands for itself.
    ///
    /// Errors: what is wrong with the text. Some mistakes, such as an unknown word in an action, are
    /// found only when a value is there, as in kubectl.
    pub fn parse(template: &str) -> Result<Self, ParseError> {
        match parse::parts(template) {
            Ok(parts) => Ok(JsonPath { parts }),
            Err(problem) => Err(ParseError {
                template: template.to_owned(),
                problem,
            }),
        }
    }

    /// Reads a single path the way kubectl's `--sort-by` and custom columns do: `metadata.name`,
    /// `.metadata.name`, `{metadata.name}` and `{.metadata.name}` are the same
    /// (`RelaxedJSONPathExpression` in `k8s.io/kubectl/pkg/cmd/get`).
    pub fn parse_relaxed(path: &str) -> Result<Self, ParseError> {
        let bare = path
            .strip_prefix('{')
            .and_then(|p| p.strip_suffix('}'))
            .unwrap_or(path);
        let bare = bare
            .strip_prefix('.')
            .filter(|rest| !rest.is_empty())
            .unwrap_or(bare);
        if path.is_empty() {
            return Self::parse(path);
        }
        if bare.is_empty() || bare.contains(['{', '}']) {
            return Err(ParseError {
                template: path.to_owned(),
                problem: Problem::NotOnePath,
            });
        }
        Self::parse(&format!("{{.{bare}}}"))
    }

    /// The text for a value: strings bare, objects and lists as JSON, several results with a space
    /// between them. No line end is added.
    ///
    /// Errors: a path that cannot be followed, such as an index past the end of a list. A field
    /// that is not there is no error: it is left out.
    pub fn render(&self, value: &Value) -> Result<String, Error> {
        let mut text = String::new();
        for results in eval::results(&self.parts, value)? {
            print::results(&results, &mut text);
        }
        Ok(text)
    }
}

/// A template that cannot be read.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("the JSONPath template {template:?} cannot be read: {problem}")]
pub struct ParseError {
    template: String,
    problem: Problem,
}

/// What is wrong with a template.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
enum Problem {
    #[error("a {{ has no }} on its line")]
    UnclosedAction,
    #[error("{0:?} means nothing there; text inside of braces is quoted: {{\"text\"}}")]
    Character(char),
    #[error("a [ has no ]")]
    UnclosedIndex,
    #[error(
        "[{0}] is no index (0, -1), slice (0:2, ::2), wildcard (*) or key in single quotes ('name')"
    )]
    Index(String),
    #[error("{0} is not a number")]
    Number(String),
    #[error("a filter [?( has no )")]
    UnclosedFilter,
    #[error("a filter ends with )], but here ) is followed by something else")]
    FilterEnd,
    #[error("a quoted text has no closing quote")]
    UnclosedQuote,
    #[error("the quoted text {0} has an escape that does not exist")]
    Escape(String),
    #[error(".. follows on ..")]
    TwiceRecursive,
    #[error("it is not one path such as .metadata.name")]
    NotOnePath,
}

/// A template that cannot be followed in a value.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// A word that is neither `range` nor `end`.
    #[error(
        "the JSONPath template has the unknown word {0:?}; a field begins with a dot: {{.{0}}}"
    )]
    Word(String),
    /// `{end}` outside of a range.
    #[error("the JSONPath template has an {{end}} without its {{range}}")]
    EndWithoutRange,
    /// An index or slice of what is not a list.
    #[error("JSONPath: {found} is not a list and has no [{index}]")]
    NotAList {
        /// The type that was found.
        found: &'static str,
        /// The index or slice as it was written.
        index: String,
    },
    /// A filter on what is not a list.
    #[error("JSONPath: {0} is not a list and cannot be filtered")]
    NotFilterable(&'static str),
    /// An index past an end of the list.
    #[error("JSONPath: [{index}] is out of bounds, the list has a length of {length}")]
    OutOfBounds {
        /// The item that was wanted.
        index: i64,
        /// How many there are.
        length: usize,
    },
    /// A slice that ends before it starts.
    #[error("JSONPath: the slice starts at {start}, after its end {end}")]
    Backwards {
        /// Where it starts.
        start: i64,
        /// Where it ends.
        end: i64,
    },
    /// A slice with a step of 0 or less.
    #[error("JSONPath: the step of a slice must be 1 or more, not {0}")]
    Step(i64),
    /// A side of a comparison that finds several values.
    #[error("JSONPath: a filter compares one value with one, but a side of it finds several")]
    SeveralValues,
    /// A comparison of types that have none.
    #[error("JSONPath: a filter cannot compare {left} with {right} by {operator}")]
    Comparison {
        /// The type on the left.
        left: &'static str,
        /// The type on the right.
        right: &'static str,
        /// The operator.
        operator: String,
    },
    /// An operator that does not exist.
    #[error("JSONPath: {0} is no operator of a filter; there are == != < <= > >=")]
    Operator(String),
}

/// A value on its way through a template.
#[derive(Clone, Copy, Debug)]
enum Item<'a> {
    /// A part of the value that is rendered.
    Json(&'a Value),
    /// A literal of the template.
    Text(&'a str),
    /// A literal of the template.
    Int(i64),
    /// A literal of the template.
    Float(f64),
    /// A literal of the template.
    Bool(bool),
    /// Go's strings are made of bytes, and a wildcard finds them.
    Byte(u8),
    /// The current object of a range over nothing, or over null.
    Nothing,
}

impl Item<'_> {
    fn type_name(&self) -> &'static str {
        match self {
            Item::Json(Value::Null) | Item::Nothing => "null",
            Item::Json(Value::Bool(_)) | Item::Bool(_) => "a boolean",
            Item::Json(Value::Number(_)) | Item::Int(_) | Item::Float(_) | Item::Byte(_) => {
                "a number"
            }
            Item::Json(Value::String(_)) | Item::Text(_) => "a string",
            Item::Json(Value::Array(_)) => "a list",
            Item::Json(Value::Object(_)) => "an object",
        }
    }
}

/// A number as Go's clients hold it.
#[derive(Clone, Copy, Debug)]
enum Number {
    Int(i64),
    Float(f64),
}

impl From<&serde_json::Number> for Number {
    /// A float that is whole becomes an integer on its way through Go's JSON, unless it is so large
    /// that Go writes it with an exponent.
    fn from(number: &serde_json::Number) -> Self {
        if let Some(int) = number.as_i64() {
            return Number::Int(int);
        }
        let float = number.as_f64().unwrap_or(f64::NAN);
        const LIMIT: f64 = 9_223_372_036_854_775_808.0;
        #[expect(
            clippy::cast_possible_truncation,
            reason = "whole and within the bounds of i64"
        )]
        if float.fract() == 0.0 && float.abs() < LIMIT {
            Number::Int(float as i64)
        } else {
            Number::Float(float)
        }
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Number::Int(int) => int.fmt(f),
            Number::Float(float) => f.write_str(&print::go_float(*float)),
        }
    }
}

#[cfg(test)]
mod tests;

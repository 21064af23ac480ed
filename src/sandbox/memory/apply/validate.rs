//! Whether an applied object is what its type asks for, in structured-merge-diff's words.

use std::collections::BTreeSet;
use std::fmt;

use serde_json::Value;

use crate::sandbox::memory::types::{Scalar, TypeId, Types};

use super::element::Element;
use super::go;
use super::typed::{Fields, Items, View, view};

/// What is wrong with an object; at least one thing is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Problems(Vec<Problem>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Problem {
    path: String,
    words: String,
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.len() == 1 {
            return write!(f, "{}", self.0[0]);
        }
        f.write_str("errors:")?;
        self.0
            .iter()
            .try_for_each(|problem| write!(f, "\n  {problem}"))
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.path.is_empty() {
            return f.write_str(&self.words);
        }
        write!(f, "{}: {}", self.path, self.words)
    }
}

/// Checks an object. Items that cannot be told apart are allowed in what is stored, not in what is
/// applied.
pub(super) fn validate(
    types: &Types,
    type_: TypeId,
    value: &Value,
    allow_duplicates: bool,
) -> Result<(), Problems> {
    let mut walk = Walk {
        types,
        allow_duplicates,
        path: Vec::new(),
        problems: Vec::new(),
    };
    walk.place(type_, value);
    if walk.problems.is_empty() {
        Ok(())
    } else {
        Err(Problems(walk.problems))
    }
}

struct Walk<'a> {
    types: &'a Types,
    allow_duplicates: bool,
    path: Vec<Step<'a>>,
    problems: Vec<Problem>,
}

enum Step<'a> {
    Field(&'a str),
    Element(Element<'a>),
}

impl<'a> Walk<'a> {
    fn place(&mut self, id: TypeId, value: &'a Value) {
        match view(self.types, id, value) {
            View::Map(fields) | View::AtomicMap(fields) => self.map(fields, value),
            View::List(items) => match value {
                Value::Array(values) => self.items(items, values),
                _ => self.not_a("list", value),
            },
            View::AtomicList(item) => match value {
                Value::Array(values) => {
                    for (at, value) in values.iter().enumerate() {
                        let at = i64::try_from(at).unwrap_or(i64::MAX);
                        self.below(Step::Element(Element::Index(at)), item, value);
                    }
                }
                _ => self.not_a("list", value),
            },
            View::Scalar(scalar) => self.scalar(scalar, value),
        }
    }

    fn below(&mut self, step: Step<'a>, id: TypeId, value: &'a Value) {
        self.path.push(step);
        self.place(id, value);
        self.path.pop();
    }

    fn map(&mut self, fields: Fields<'a>, value: &'a Value) {
        let Value::Object(map) = value else {
            return self.not_a("map", value);
        };
        for (key, value) in map {
            let Some(type_) = fields.type_of(key) else {
                self.path.push(Step::Field(key));
                self.wrong("field not declared in schema".to_owned());
                self.path.pop();
                return;
            };
            self.below(Step::Field(key), type_, value);
        }
    }

    fn items(&mut self, items: Items<'a>, values: &'a [Value]) {
        let mut seen = BTreeSet::new();
        for (at, value) in values.iter().enumerate() {
            let element = match items.element(value) {
                Ok(element) => element,
                Err(words) => return self.wrong(format!("element {at}: {words}")),
            };
            if !seen.insert(element.clone()) && !self.allow_duplicates {
                self.wrong(format!("duplicate entries for key {element}"));
            }
            self.below(Step::Element(element), items.item, value);
        }
    }

    fn scalar(&mut self, scalar: Scalar, value: &Value) {
        let words = match (scalar, value) {
            (_, Value::Null) => return,
            (Scalar::Int32 | Scalar::Int64 | Scalar::Number, value) => {
                if value.is_number() {
                    return;
                }
                format!(
                    "expected numeric (int or float), got {}",
                    go::type_name(value)
                )
            }
            (Scalar::String | Scalar::Bytes, value) => {
                if value.is_string() {
                    return;
                }
                let value = go::syntax(value);
                format!("expected string, got &value.valueUnstructured{{Value:{value}}}")
            }
            (Scalar::Boolean, value) => {
                if value.is_boolean() {
                    return;
                }
                format!("expected boolean, got &{{{}}}", go::plain(value))
            }
            (_, Value::Array(_) | Value::Object(_)) => {
                format!("expected any scalar, got &{{{}}}", go::plain(value))
            }
            _ => return,
        };
        self.wrong(words);
    }

    fn not_a(&mut self, what: &str, value: &Value) {
        if !value.is_null() {
            self.wrong(format!("expected {what}, got &{{{}}}", go::plain(value)));
        }
    }

    fn wrong(&mut self, words: String) {
        let steps = self.path.iter().map(|step| match step {
            Step::Field(name) => format!(".{name}"),
            Step::Element(element) => element.to_string(),
        });
        let path = steps.collect();
        self.problems.push(Problem { path, words });
    }
}

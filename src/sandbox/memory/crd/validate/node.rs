//! A schema made ready to validate: expressions compiled, formats looked up.

use std::collections::BTreeMap;

use regex::Regex;
use serde_json::Value;

use super::super::format;
use super::super::go;
use super::super::regexp;
use super::super::schema::{self, Schema};

/// A type of JSON Schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Type {
    Object,
    Array,
    String,
    Integer,
    Number,
    Boolean,
    /// A word that is no type; only a default can meet it.
    Other,
}

impl Type {
    /// The type of a value that is not null, and the format that Go's type stands for.
    pub(super) fn of(value: &Value) -> (Type, &'static str) {
        match value {
            Value::Bool(_) => (Type::Boolean, ""),
            Value::String(_) => (Type::String, ""),
            Value::Number(number) if go::integer(number).is_some() => (Type::Integer, "int64"),
            Value::Number(_) => (Type::Number, "float64"),
            Value::Array(_) => (Type::Array, ""),
            Value::Object(_) | Value::Null => (Type::Object, ""),
        }
    }

    pub(super) fn word(self) -> &'static str {
        match self {
            Type::Object => "object",
            Type::Array => "array",
            Type::String => "string",
            Type::Integer => "integer",
            Type::Number => "number",
            Type::Boolean => "boolean",
            Type::Other => "",
        }
    }

    fn read(word: &str) -> Type {
        let all = [
            Type::Object,
            Type::Array,
            Type::String,
            Type::Integer,
            Type::Number,
            Type::Boolean,
        ];
        all.into_iter()
            .find(|type_| type_.word() == word)
            .unwrap_or(Type::Other)
    }
}

/// What other fields than the named ones may be.
#[derive(Debug)]
pub(super) enum Additional {
    Any,
    Forbidden,
    Of(Box<Node>),
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Node {
    pub(super) types: Vec<Type>,
    words: String,
    pub(super) nullable: bool,
    pub(super) format: String,
    pub(super) format_check: Option<fn(&str) -> bool>,
    pub(super) maximum: Option<f64>,
    pub(super) exclusive_maximum: bool,
    pub(super) minimum: Option<f64>,
    pub(super) exclusive_minimum: bool,
    pub(super) multiple_of: Option<f64>,
    pub(super) max_length: Option<i64>,
    pub(super) min_length: Option<i64>,
    pub(super) pattern: Option<(String, Result<Regex, String>)>,
    pub(super) max_items: Option<i64>,
    pub(super) min_items: Option<i64>,
    pub(super) max_properties: Option<i64>,
    pub(super) min_properties: Option<i64>,
    pub(super) enum_: Vec<Value>,
    pub(super) required: Vec<String>,
    pub(super) properties: BTreeMap<String, Node>,
    pub(super) additional: Additional,
    pub(super) item: Option<Box<Node>>,
    pub(super) all_of: Vec<Node>,
    pub(super) any_of: Vec<Node>,
    pub(super) one_of: Vec<Node>,
    pub(super) not: Option<Box<Node>>,
}

impl Node {
    /// Compiles a schema. What no CRD may write (`uniqueItems`, `patternProperties`, several
    /// `items`, dependencies) is not validated.
    pub(crate) fn new(schema: &Schema) -> Self {
        let (types, words) = if schema.int_or_string {
            (
                vec![Type::Integer, Type::String],
                "integer,string".to_owned(),
            )
        } else if schema.type_.is_empty() {
            (Vec::new(), String::new())
        } else {
            (vec![Type::read(&schema.type_)], schema.type_.clone())
        };
        // A format that the type does not know is as if it were not there.
        let for_format = match types.as_slice() {
            [_] => schema.type_.as_str(),
            _ => "",
        };
        let format = if format::is_recognized(for_format, &schema.format) {
            schema.format.clone()
        } else {
            String::new()
        };
        let pattern = &schema.pattern;
        let all = |schemas: &[Schema]| schemas.iter().map(Node::new).collect();
        Node {
            types,
            words,
            nullable: schema.nullable,
            format_check: format::check(&format),
            format,
            maximum: schema.maximum,
            exclusive_maximum: schema.exclusive_maximum,
            minimum: schema.minimum,
            exclusive_minimum: schema.exclusive_minimum,
            multiple_of: schema.multiple_of,
            max_length: schema.max_length,
            min_length: schema.min_length,
            pattern: (!pattern.is_empty()).then(|| (pattern.clone(), regexp::compile(pattern))),
            max_items: schema.max_items,
            min_items: schema.min_items,
            max_properties: schema.max_properties,
            min_properties: schema.min_properties,
            enum_: schema.enum_.clone(),
            required: schema.required.clone(),
            properties: schema
                .properties
                .iter()
                .map(|(name, schema)| (name.clone(), Node::new(schema)))
                .collect(),
            additional: match &schema.additional_properties {
                Some(schema::Additional::Allowed(false)) => Additional::Forbidden,
                Some(schema::Additional::Of(schema)) => Additional::Of(Box::new(Node::new(schema))),
                _ => Additional::Any,
            },
            item: schema.item().map(|item| Box::new(Node::new(item))),
            all_of: all(&schema.all_of),
            any_of: all(&schema.any_of),
            one_of: all(&schema.one_of),
            not: schema.not.as_deref().map(|not| Box::new(Node::new(not))),
        }
    }

    pub(super) fn has_type_check(&self) -> bool {
        !self.types.is_empty() || !self.format.is_empty()
    }

    /// The type or types as errors name them.
    pub(super) fn type_words(&self) -> &str {
        &self.words
    }

    /// The one type, where there is one.
    pub(super) fn single_type(&self) -> Option<Type> {
        match self.types.as_slice() {
            [type_] => Some(*type_),
            _ => None,
        }
    }
}

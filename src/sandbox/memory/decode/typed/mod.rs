//! An object as Go's decoder makes it from JSON.

mod place;
#[cfg(test)]
mod tests;
mod write;

use std::collections::HashSet;

use serde_json::Value;

use super::{Decoded, Parsed, Strict, go, json, scalar, time};
use crate::sandbox::memory::types::{List, Object, Scalar, Type, TypeId, Types};
use place::{Part, Place};
use write::{arrange, is_raw, zero};

/// How often a body is read again for a number as it was written.
const MAX_LOOKS: usize = 20;

const SCHEMA: &str = "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaProps";
/// The types of apiextensions that hold one of several things, and read themselves.
const SCHEMA_OR_ARRAY: &str =
    "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaPropsOrArray";
const SCHEMA_OR_BOOL: &str =
    "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaPropsOrBool";
const SCHEMA_OR_STRING_ARRAY: &str =
    "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaPropsOrStringArray";

/// See [`Parsed::decode`].
pub(super) fn decode(types: &Types, type_: TypeId, parsed: Parsed<'_>) -> Result<Decoded, String> {
    let mut value = parsed.value;
    let mut decoder = Decoder {
        body: parsed.body,
        duplicates: parsed.notes.duplicates.into_iter().collect(),
        has_exponent: parsed.notes.has_exponent,
        ..Decoder::new(types)
    };
    decoder.value(type_, &mut value)?;
    match decoder.wrong {
        Some(wrong) => Err(wrong),
        None => Ok(Decoded {
            value,
            strict: Strict {
                lines: parsed.lines,
                fields: decoder.fields,
            },
        }),
    }
}

/// See [`super::tidy`].
pub(super) fn tidy(types: &Types, type_: TypeId, value: &mut Value) {
    // What was decoded once decodes again, so that there is nothing to tell.
    let _ = Decoder::new(types).value(type_, value);
}

struct Decoder<'a> {
    types: &'a Types,
    /// The JSON text, where there is one, for numbers as they were written.
    body: Option<&'a [u8]>,
    /// Whether a number in it has an exponent.
    has_exponent: bool,
    /// Paths of keys that are there twice. Only those are told that the decoder comes by: what
    /// nobody knows, and what reads itself, it passes over.
    duplicates: HashSet<String>,
    place: Place<'a>,
    told: HashSet<String>,
    fields: Vec<String>,
    /// The first value of a wrong type. The decoder goes on: what reads itself may fail, and that
    /// is told in place of it.
    wrong: Option<String>,
    /// How long `place` was where a type began that reads itself.
    within_own: Option<usize>,
    /// How often the body was read again.
    looks: usize,
}

impl<'a> Decoder<'a> {
    fn new(types: &'a Types) -> Self {
        Decoder {
            types,
            body: None,
            duplicates: HashSet::new(),
            has_exponent: false,
            place: Place::default(),
            told: HashSet::new(),
            fields: Vec::new(),
            wrong: None,
            within_own: None,
            looks: 0,
        }
    }

    fn value(&mut self, type_: TypeId, value: &mut Value) -> Result<(), String> {
        match self.types.get(type_) {
            Type::Object(object) => self.object(object, type_, value),
            Type::Map(map) => self.map(map.value, type_, value),
            Type::List(list) => self.list(list, type_, value),
            Type::Scalar(scalar) => self.scalar(*scalar, type_, value),
            Type::Any => self.any(type_, value),
        }
    }

    fn object(
        &mut self,
        object: &'a Object,
        type_: TypeId,
        value: &mut Value,
    ) -> Result<(), String> {
        if is_raw(object) {
            return Ok(());
        }
        let map = match value {
            Value::Object(map) => map,
            Value::Null => {
                *value = zero(self.types, type_);
                return Ok(());
            }
            _ => return self.mismatch(value, type_),
        };
        for (key, value) in map.iter_mut() {
            let Some(at) = object.index.get(key.as_str()).copied() else {
                match object.others {
                    Some(other) => {
                        self.place.0.push(Part::Key(key.clone()));
                        self.value(other, value)?;
                        self.place.0.pop();
                    }
                    None => self.tell_unknown(key),
                }
                continue;
            };
            self.place.0.push(Part::Field(object, at));
            self.tell_if_duplicate();
            if !value.is_null() {
                self.value(object.fields[at].type_, value)?;
            }
            self.place.0.pop();
        }
        arrange(self.types, object, map);
        Ok(())
    }

    fn map(&mut self, of: TypeId, type_: TypeId, value: &mut Value) -> Result<(), String> {
        let map = match value {
            Value::Object(map) => map,
            Value::Null => return Ok(()),
            _ => return self.mismatch(value, type_),
        };
        let is_text = matches!(self.types.get(of), Type::Scalar(Scalar::String));
        for (key, value) in map.iter_mut() {
            // Labels and the like are as they are.
            if is_text && value.is_string() && self.duplicates.is_empty() {
                continue;
            }
            self.place.0.push(Part::Key(key.clone()));
            self.tell_if_duplicate();
            self.element(of, value)?;
            self.place.0.pop();
        }
        if !map.keys().is_sorted() {
            map.sort_keys();
        }
        Ok(())
    }

    fn list(&mut self, list: &List, type_: TypeId, value: &mut Value) -> Result<(), String> {
        let items = match value {
            Value::Array(items) => items,
            Value::Null => return Ok(()),
            _ => return self.mismatch(value, type_),
        };
        for (index, item) in items.iter_mut().enumerate() {
            self.place.0.push(Part::Index(index));
            self.element(list.item, item)?;
            self.place.0.pop();
        }
        Ok(())
    }

    /// What is in a list or map: null leaves Go's zero value there.
    fn element(&mut self, type_: TypeId, value: &mut Value) -> Result<(), String> {
        if value.is_null() {
            *value = zero(self.types, type_);
            return Ok(());
        }
        self.value(type_, value)
    }

    fn scalar(&mut self, scalar: Scalar, type_: TypeId, value: &mut Value) -> Result<(), String> {
        if value.is_null() {
            *value = zero(self.types, type_);
            return Ok(());
        }
        let decoded = match (scalar, &*value) {
            (Scalar::Untyped, _)
            | (Scalar::String | Scalar::Duration | Scalar::IntOrString, Value::String(_))
            | (Scalar::Boolean, Value::Bool(_))
            | (Scalar::Number, Value::Number(_)) => return Ok(()),
            (Scalar::Int64, Value::Number(number)) if number.is_i64() => return Ok(()),
            (Scalar::Int32 | Scalar::IntOrString, Value::Number(number))
                if number.as_i64().is_some_and(|n| i32::try_from(n).is_ok()) =>
            {
                return Ok(());
            }
            (Scalar::Bytes, Value::String(text)) => match scalar::bytes(text) {
                Ok(bytes) => Value::String(bytes),
                Err(wrong) => return self.tell_wrong(value, wrong),
            },
            (Scalar::Bytes, Value::Array(_)) => return self.bytes_one_by_one(value),
            (Scalar::Quantity, Value::String(text)) => scalar::quantity(text).map(Value::String)?,
            (Scalar::Quantity, Value::Number(_)) => {
                // Only an exponent makes one way of writing it another quantity.
                let text = match self.has_exponent {
                    true => self.number_as_written(value),
                    false => value.to_string(),
                };
                scalar::quantity(&text).map(Value::String)?
            }
            (Scalar::Quantity, _) => return Err(scalar::NO_QUANTITY.to_owned()),
            (Scalar::Time, Value::String(text)) => time::seconds(text).map(Value::from)?,
            (Scalar::MicroTime, Value::String(text)) => time::micros(text).map(Value::from)?,
            (Scalar::Time | Scalar::MicroTime, _) => return Err(self.mismatch_as(value, "string")),
            (Scalar::IntOrString, _) => return Err(self.mismatch_as(value, "int32")),
            _ => return self.mismatch(value, type_),
        };
        *value = decoded;
        Ok(())
    }

    /// A list of numbers is bytes to Go as well.
    fn bytes_one_by_one(&mut self, value: &mut Value) -> Result<(), String> {
        let mut bytes = Vec::new();
        for item in value.as_array().into_iter().flatten() {
            match item.as_u64().and_then(|number| u8::try_from(number).ok()) {
                Some(byte) => bytes.push(byte),
                None if item.is_null() => bytes.push(0),
                None => {
                    let wrong = self.mismatch_as(item, "uint8");
                    return self.tell_wrong(value, wrong);
                }
            }
        }
        *value = Value::String(scalar::base64(&bytes));
        Ok(())
    }

    /// Any value is kept, but for types that hold a schema or something else.
    fn any(&mut self, type_: TypeId, value: &mut Value) -> Result<(), String> {
        let is = |name: &str| self.types.named(name) == Some(type_);
        let is_array = is(SCHEMA_OR_ARRAY);
        let is_bool = is(SCHEMA_OR_BOOL);
        if !is_array && !is_bool && !is(SCHEMA_OR_STRING_ARRAY) {
            return Ok(());
        }
        let Some(schema) = self.types.named(SCHEMA) else {
            return Ok(());
        };
        match value {
            Value::Object(_) => self.own(schema, value),
            Value::Bool(_) if is_bool => Ok(()),
            _ if is_bool => Err("boolean or JSON schema expected".to_owned()),
            Value::Array(items) if !items.is_empty() => {
                for item in items {
                    match item {
                        _ if is_array => self.own(schema, item)?,
                        Value::String(_) => {}
                        Value::Null => *item = Value::from(""),
                        _ => return Err(self.mismatch_as(item, "string")),
                    }
                }
                Ok(())
            }
            _ => {
                *value = Value::Null;
                Ok(())
            }
        }
    }

    /// Decodes what a type reads by itself: nothing in it is unknown or there twice to others, and
    /// what is wrong is told with the place of the whole.
    fn own(&mut self, type_: TypeId, value: &mut Value) -> Result<(), String> {
        let outer = self.within_own;
        self.within_own = outer.or(Some(self.place.0.len()));
        let done = self.value(type_, value);
        self.within_own = outer;
        done
    }

    /// Notes a value of another type than Go's.
    fn mismatch(&mut self, value: &mut Value, type_: TypeId) -> Result<(), String> {
        if self.wrong.is_some() && self.within_own.is_none() {
            *value = Value::Null;
            return Ok(());
        }
        let words = self.place.go_type(self.types, type_);
        let wrong = self.mismatch_as(value, &words);
        self.tell_wrong(value, wrong)
    }

    fn tell_wrong(&mut self, value: &mut Value, wrong: String) -> Result<(), String> {
        if self.within_own.is_some() {
            return Err(wrong);
        }
        self.wrong.get_or_insert(wrong);
        *value = Value::Null;
        Ok(())
    }

    /// Go's sentence about a value of another type than this one.
    fn mismatch_as(&mut self, value: &Value, type_: &str) -> String {
        let is_integer = matches!(type_, "int32" | "int64" | "uint8");
        let described = match value {
            Value::Number(_) if is_integer => format!("number {}", self.number_as_written(value)),
            _ => go::described(value).to_owned(),
        };
        let visible = self.within_own.unwrap_or(self.place.0.len());
        match self.place.go_field(visible) {
            Some(field) => format!(
                "json: cannot unmarshal {described} into Go struct field {field} of type {type_}"
            ),
            None => format!("json: cannot unmarshal {described} into Go value of type {type_}"),
        }
    }

    /// The text of the number that is decoded now. To find it, the body is read again: that is done
    /// for a few, since a body may hold a hundred thousand.
    fn number_as_written(&mut self, value: &Value) -> String {
        // A whole number is written in one way.
        let body = self
            .body
            .filter(|_| value.is_f64() && self.looks < MAX_LOOKS);
        self.looks += usize::from(body.is_some());
        let literal = body.and_then(|body| json::literal(body, &self.place.steps()));
        literal.map_or_else(|| value.to_string(), str::to_owned)
    }

    fn tell_unknown(&mut self, key: &str) {
        if self.within_own.is_none() && self.fields.len() < json::MAX_TOLD {
            let mut path = self.place.path();
            if !path.is_empty() {
                path.push('.');
            }
            path.push_str(key);
            self.tell("unknown", &path);
        }
    }

    fn tell_if_duplicate(&mut self) {
        if !self.duplicates.is_empty() && self.within_own.is_none() {
            let path = self.place.path();
            if self.duplicates.contains(&path) {
                self.tell("duplicate", &path);
            }
        }
    }

    fn tell(&mut self, what: &str, path: &str) {
        let text = format!("{what} field {}", go::quoted(path));
        if self.fields.len() < json::MAX_TOLD && self.told.insert(text.clone()) {
            self.fields.push(text);
        }
    }
}

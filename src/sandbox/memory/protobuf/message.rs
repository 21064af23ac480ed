//! Messages of named types, and the lists and maps in them.

use serde_json::{Map, Value};

use super::numbers::{Form, Message, Numbers, Slot, numbers};
use super::wire::{BYTES, Reader, Tag};
use super::{scalar, schema};
use crate::sandbox::memory::decode;
use crate::sandbox::memory::types::{Field, Object, Omit, Scalar, Type, TypeId, Types};

/// As deep as JSON may be. Only schemas contain themselves.
const MAX_DEPTH: usize = 256;

/// Makes values of messages.
#[derive(Clone, Copy)]
pub(super) struct Decoder<'a> {
    types: &'a Types,
    numbers: &'static Numbers,
}

/// What a value is, and what has it.
#[derive(Clone, Copy)]
pub(super) struct Expected<'a> {
    pub(super) type_: TypeId,
    pub(super) form: Form,
    /// The JSON name of the field
    pub(super) field: &'a str,
    pub(super) depth: usize,
}

impl Expected<'_> {
    /// The field as Go's generated code calls it, which is its JSON name with a capital but for a few.
    pub(super) fn go_field(&self) -> String {
        if self.field == "metadata" {
            return "ObjectMeta".to_owned();
        }
        let mut letters = self.field.chars();
        let first = letters.next().map(|letter| letter.to_ascii_uppercase());
        first.into_iter().chain(letters).collect()
    }

    fn inner(self, type_: TypeId) -> Self {
        Expected {
            type_,
            depth: self.depth + 1,
            ..self
        }
    }
}

/// What is said of a type that is no message in Go.
pub(super) fn unknown(kind: &str) -> String {
    format!(
        "object *v1.{kind} does not implement the protobuf marshalling interface \
         and cannot be encoded to a protobuf message"
    )
}

impl<'a> Decoder<'a> {
    pub(super) fn new(types: &'a Types) -> Self {
        Decoder {
            types,
            numbers: numbers(),
        }
    }

    pub(super) fn types(&self) -> &'a Types {
        self.types
    }

    /// Adds the fields that a message has. Of a single value that is there twice the last counts;
    /// lists, maps and messages grow.
    pub(super) fn object(
        &self,
        object: &Object,
        body: &[u8],
        into: &mut Map<String, Value>,
        depth: usize,
    ) -> Result<(), String> {
        let message = self.numbers.message(&object.name);
        let message = message.ok_or_else(|| unknown(object.go_name()))?;
        self.fields(object, message, body, into, depth)
    }

    fn fields(
        &self,
        object: &Object,
        message: &Message,
        body: &[u8],
        into: &mut Map<String, Value>,
        depth: usize,
    ) -> Result<(), String> {
        if depth > MAX_DEPTH {
            return Err("exceeded max depth".to_owned());
        }
        let mut reader = Reader::new(body, object.go_name());
        while let Some(tag) = reader.tag()? {
            match message.slot(tag.number) {
                Some(Slot::Embedded(inner)) => {
                    let body = reader.bytes(tag, || object.go_name().to_owned())?;
                    self.fields(object, inner, body, into, depth)?;
                }
                Some(Slot::Field(at, form)) if *at < object.fields.len() => {
                    let field = &object.fields[*at];
                    let expected = Expected {
                        type_: field.type_,
                        form: *form,
                        field: &field.name,
                        depth: depth + 1,
                    };
                    let have = into.get_mut(&*field.name).map(Value::take);
                    let value = self.value(expected, &mut reader, tag, have)?;
                    set(into, field, value);
                }
                _ => reader.skip(tag)?,
            }
        }
        Ok(())
    }

    /// The value of a tag, with what is there of it already. Null is what Go would write as null.
    pub(super) fn value(
        &self,
        expected: Expected<'_>,
        reader: &mut Reader<'_>,
        tag: Tag,
        have: Option<Value>,
    ) -> Result<Value, String> {
        match self.types.get(expected.type_) {
            Type::List(list) => {
                let mut items = match have {
                    Some(Value::Array(items)) => items,
                    _ => Vec::new(),
                };
                self.items(expected, list.item, reader, tag, &mut items)?;
                Ok(Value::Array(items))
            }
            Type::Map(map) => {
                let mut entries = match have {
                    Some(Value::Object(entries)) => entries,
                    _ => Map::new(),
                };
                let body = reader.bytes(tag, || expected.go_field())?;
                self.entry(expected.inner(map.value), body, &mut entries)?;
                Ok(Value::Object(entries))
            }
            _ => self.single(expected, reader, tag, have),
        }
    }

    fn items(
        &self,
        expected: Expected<'_>,
        item: TypeId,
        reader: &mut Reader<'_>,
        tag: Tag,
        items: &mut Vec<Value>,
    ) -> Result<(), String> {
        let mut inner = expected.inner(item);
        if expected.form == Form::Wrapped {
            inner.form = Form::Plain;
            let body = reader.bytes(tag, || expected.go_field())?;
            let mut reader = Reader::new(body, expected.field);
            while let Some(tag) = reader.tag()? {
                if tag.number == 1 {
                    items.push(self.value(inner, &mut reader, tag, None)?);
                } else {
                    reader.skip(tag)?;
                }
            }
            return Ok(());
        }
        if let (BYTES, Type::Scalar(scalar)) = (tag.wire, self.types.get(item))
            && matches!(scalar, Scalar::Int32 | Scalar::Int64 | Scalar::Boolean)
        {
            let mut packed = Reader::new(reader.bytes(tag, || expected.go_field())?, "");
            while !packed.is_empty() {
                items.push(scalar::number(*scalar, packed.varint()?));
            }
            return Ok(());
        }
        items.push(self.value(inner, reader, tag, None)?);
        Ok(())
    }

    /// An entry of a map is a message of a key and a value, either of which may be absent when it is
    /// empty.
    fn entry(
        &self,
        expected: Expected<'_>,
        body: &[u8],
        entries: &mut Map<String, Value>,
    ) -> Result<(), String> {
        let mut reader = Reader::new(body, expected.field);
        let (mut key, mut value) = (String::new(), None);
        while let Some(tag) = reader.tag()? {
            match tag.number {
                1 => key = reader.text(tag, || expected.go_field())?,
                2 => value = Some(self.value(expected, &mut reader, tag, None)?),
                _ => reader.skip(tag)?,
            }
        }
        let value = match value {
            Some(value) => value,
            None => self.zero(expected)?,
        };
        entries.insert(key, value);
        Ok(())
    }

    /// What an empty value is, of types that maps have.
    fn zero(&self, expected: Expected<'_>) -> Result<Value, String> {
        Ok(match self.types.get(expected.type_) {
            Type::Object(_) if expected.form == Form::Plain => Value::Object(Map::new()),
            Type::Object(_) | Type::Any => self.marked(expected, &[])?,
            Type::Map(_) => Value::Object(Map::new()),
            Type::List(_) => Value::Array(Vec::new()),
            Type::Scalar(Scalar::Int32 | Scalar::Int64 | Scalar::Number) => Value::from(0),
            Type::Scalar(Scalar::Boolean) => Value::Bool(false),
            Type::Scalar(Scalar::String | Scalar::Bytes) => Value::from(""),
            Type::Scalar(scalar) => scalar::message(*scalar, &[])?,
        })
    }

    fn single(
        &self,
        expected: Expected<'_>,
        reader: &mut Reader<'_>,
        tag: Tag,
        have: Option<Value>,
    ) -> Result<Value, String> {
        let name = || expected.go_field();
        match self.types.get(expected.type_) {
            Type::Object(object) if expected.form == Form::Plain => {
                let mut fields = match have {
                    Some(Value::Object(fields)) => fields,
                    _ => Map::new(),
                };
                let body = reader.bytes(tag, name)?;
                self.object(object, body, &mut fields, expected.depth)?;
                Ok(Value::Object(fields))
            }
            Type::Scalar(scalar) => match scalar {
                Scalar::String => Ok(Value::from(reader.text(tag, name)?)),
                Scalar::Bytes => Ok(scalar::base64(reader.bytes(tag, name)?)),
                Scalar::Int32 | Scalar::Int64 | Scalar::Boolean => {
                    Ok(scalar::number(*scalar, reader.number(tag, name)?))
                }
                Scalar::Number => scalar::float(reader.float(tag, name)?),
                other => scalar::message(*other, reader.bytes(tag, name)?),
            },
            _ => self.marked(expected, reader.bytes(tag, name)?),
        }
    }

    /// What its form describes, and not its type.
    fn marked(&self, expected: Expected<'_>, body: &[u8]) -> Result<Value, String> {
        match expected.form {
            Form::OrBool => schema::or_bool(self, expected, body),
            Form::OrArray => schema::or_array(self, expected, body),
            Form::OrStringArray => schema::or_string_array(self, expected, body),
            Form::Raw => json(body),
            Form::Plain | Form::Wrapped => Err(format!(
                "no form in protobuf is known of field {}",
                expected.go_field()
            )),
        }
    }
}

/// JSON in a message.
fn json(body: &[u8]) -> Result<Value, String> {
    let mut reader = Reader::new(body, "RawExtension");
    let mut raw: &[u8] = &[];
    while let Some(tag) = reader.tag()? {
        if tag.number == 1 {
            raw = reader.bytes(tag, || "Raw".to_owned())?;
        } else {
            reader.skip(tag)?;
        }
    }
    if raw.is_empty() {
        return Ok(Value::Null);
    }
    Ok(decode::parse(raw)?.value)
}

/// Sets a field as a client of JSON would: not at all where Go leaves it out.
fn set(into: &mut Map<String, Value>, field: &Field, value: Value) {
    let is_left_out = match field.omit {
        Omit::Zero => is_zero(&value),
        Omit::ZeroStruct | Omit::Nil | Omit::Null | Omit::Never => value.is_null(),
    };
    if is_left_out {
        into.remove(&*field.name);
    } else if let Some(place) = into.get_mut(&*field.name) {
        *place = value;
    } else {
        into.insert((*field.name).to_owned(), value);
    }
}

fn is_zero(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Bool(value) => !value,
        Value::Number(number) => number.as_f64() == Some(0.0),
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.is_empty(),
    }
}

//! The parts of a JSON schema that are one of two things (`marshal.go` of apiextensions).

use serde_json::{Map, Value};

use super::message::{Decoder, Expected};
use super::wire::Reader;
use crate::sandbox::memory::types::Type;

const SCHEMA: &str = "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaProps";

/// A schema, or whether anything may be there.
pub(super) fn or_bool(
    decoder: &Decoder<'_>,
    expected: Expected<'_>,
    body: &[u8],
) -> Result<Value, String> {
    let mut reader = Reader::new(body, "JSONSchemaPropsOrBool");
    let (mut allows, mut schema) = (false, None);
    while let Some(tag) = reader.tag()? {
        match tag.number {
            1 => allows = reader.number(tag, || "Allows".to_owned())? != 0,
            2 => {
                let body = reader.bytes(tag, || "Schema".to_owned())?;
                schema = Some(one(decoder, expected, body, schema)?);
            }
            _ => reader.skip(tag)?,
        }
    }
    Ok(schema.unwrap_or(Value::Bool(allows)))
}

/// A schema, or a list of schemas.
pub(super) fn or_array(
    decoder: &Decoder<'_>,
    expected: Expected<'_>,
    body: &[u8],
) -> Result<Value, String> {
    let mut reader = Reader::new(body, "JSONSchemaPropsOrArray");
    let (mut schema, mut schemas) = (None, Vec::new());
    while let Some(tag) = reader.tag()? {
        match tag.number {
            1 => {
                let body = reader.bytes(tag, || "Schema".to_owned())?;
                schema = Some(one(decoder, expected, body, schema)?);
            }
            2 => {
                let body = reader.bytes(tag, || "JSONSchemas".to_owned())?;
                schemas.push(one(decoder, expected, body, None)?);
            }
            _ => reader.skip(tag)?,
        }
    }
    if schemas.is_empty() {
        Ok(schema.unwrap_or_default())
    } else {
        Ok(Value::Array(schemas))
    }
}

/// A schema, or names of properties.
pub(super) fn or_string_array(
    decoder: &Decoder<'_>,
    expected: Expected<'_>,
    body: &[u8],
) -> Result<Value, String> {
    let mut reader = Reader::new(body, "JSONSchemaPropsOrStringArray");
    let (mut schema, mut names) = (None, Vec::new());
    while let Some(tag) = reader.tag()? {
        match tag.number {
            1 => {
                let body = reader.bytes(tag, || "Schema".to_owned())?;
                schema = Some(one(decoder, expected, body, schema)?);
            }
            2 => names.push(Value::from(reader.text(tag, || "Property".to_owned())?)),
            _ => reader.skip(tag)?,
        }
    }
    if names.is_empty() {
        Ok(schema.unwrap_or_default())
    } else {
        Ok(Value::Array(names))
    }
}

fn one(
    decoder: &Decoder<'_>,
    expected: Expected<'_>,
    body: &[u8],
    have: Option<Value>,
) -> Result<Value, String> {
    let type_ = decoder.types().named(SCHEMA);
    let Some(Type::Object(object)) = type_.map(|type_| decoder.types().get(type_)) else {
        return Err(format!("{SCHEMA} is not known"));
    };
    let mut fields = match have {
        Some(Value::Object(fields)) => fields,
        _ => Map::new(),
    };
    decoder.object(object, body, &mut fields, expected.depth + 1)?;
    Ok(Value::Object(fields))
}

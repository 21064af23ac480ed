//! Single values, some of which are messages.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Number, Value};

use super::wire::Reader;
use crate::sandbox::memory::types::Scalar;

/// 0001-01-01T00:00:00Z, which Go takes for no time.
const NO_TIME: i64 = -62_135_596_800;

pub(super) fn base64(bytes: &[u8]) -> Value {
    Value::from(STANDARD.encode(bytes))
}

/// A number as it is sent, cut to what its type holds.
pub(super) fn number(scalar: Scalar, sent: u64) -> Value {
    match scalar {
        Scalar::Boolean => Value::Bool(sent != 0),
        Scalar::Int32 => Value::from(int32(sent)),
        _ => Value::from(sent.cast_signed()),
    }
}

#[expect(clippy::cast_possible_truncation)]
fn int32(sent: u64) -> i32 {
    sent as i32
}

/// A float as Go writes it, without a fraction when there is none.
pub(super) fn float(sent: f64) -> Result<Value, String> {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    if sent.fract() == 0.0 && sent.abs() <= EXACT {
        #[expect(clippy::cast_possible_truncation)]
        return Ok(Value::from(sent as i64));
    }
    let number = Number::from_f64(sent);
    number
        .map(Value::Number)
        .ok_or_else(|| format!("json: unsupported value: {sent}"))
}

/// A single value that is a message. Null is what Go writes as null.
pub(super) fn message(scalar: Scalar, body: &[u8]) -> Result<Value, String> {
    match scalar {
        Scalar::Time => time(body, "%Y-%m-%dT%H:%M:%SZ", false),
        Scalar::MicroTime => time(body, "%Y-%m-%dT%H:%M:%S.%6fZ", true),
        Scalar::Quantity => quantity(body),
        Scalar::IntOrString => int_or_string(body),
        // The generator fails on any other.
        _ => Err("no form in protobuf is known of this type".to_owned()),
    }
}

/// Time has whole seconds in JSON, so that protobuf's fractions do not count either.
fn time(body: &[u8], format: &str, has_fraction: bool) -> Result<Value, String> {
    let mut reader = Reader::new(body, "Timestamp");
    let (mut seconds, mut nanos) = (0_i64, 0_i32);
    while let Some(tag) = reader.tag()? {
        match tag.number {
            1 => seconds = reader.number(tag, || "Seconds".to_owned())?.cast_signed(),
            2 => nanos = int32(reader.number(tag, || "Nanos".to_owned())?),
            _ => reader.skip(tag)?,
        }
    }
    let micros = if has_fraction { nanos / 1_000 } else { 0 };
    if body.is_empty() || (seconds, micros) == (NO_TIME, 0) {
        return Ok(Value::Null);
    }
    let time = Timestamp::from_second(seconds)
        .and_then(|time| time.checked_add(SignedDuration::from_micros(micros.into())))
        .map_err(|_| format!("a time of {seconds} seconds is in no year of four digits"))?;
    Ok(Value::from(time.strftime(format).to_string()))
}

fn quantity(body: &[u8]) -> Result<Value, String> {
    let mut reader = Reader::new(body, "Quantity");
    let mut text = "0".to_owned();
    while let Some(tag) = reader.tag()? {
        match tag.number {
            1 => text = reader.text(tag, || "String_".to_owned())?,
            _ => reader.skip(tag)?,
        }
    }
    Ok(Value::from(text))
}

fn int_or_string(body: &[u8]) -> Result<Value, String> {
    let mut reader = Reader::new(body, "IntOrString");
    let (mut kind, mut number, mut text) = (0, 0, String::new());
    while let Some(tag) = reader.tag()? {
        match tag.number {
            1 => kind = reader.number(tag, || "Type".to_owned())?,
            2 => number = int32(reader.number(tag, || "IntVal".to_owned())?),
            3 => text = reader.text(tag, || "StrVal".to_owned())?,
            _ => reader.skip(tag)?,
        }
    }
    match kind {
        0 => Ok(Value::from(number)),
        1 => Ok(Value::from(text)),
        _ => Err("impossible IntOrString.Type".to_owned()),
    }
}

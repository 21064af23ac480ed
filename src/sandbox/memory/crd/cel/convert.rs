//! Conversions between types: `int("5")` and the like.

use std::rc::Rc;

use jiff::{SignedDuration, Timestamp};

use super::super::format;
use super::super::go;
use super::arithmetic::in_range;
use super::eval::{Evaluated, Failure};
use super::value::Val;

pub(super) fn call<'a>(name: &str, args: &[Val<'a>]) -> Option<Evaluated<'a>> {
    let [value] = args else {
        return None;
    };
    Some(match name {
        "int" => int(value)?,
        "uint" => uint(value)?,
        "double" => double(value)?,
        "string" => match string(value) {
            Some(text) => Ok(Val::text(text)),
            None if matches!(value, Val::Bytes(_)) => {
                Err("invalid UTF-8 in bytes, cannot convert to string".into())
            }
            None => return None,
        },
        "bool" => boolean(value)?,
        "bytes" => match value {
            Val::Text(text) => Ok(Val::Bytes(Rc::from(text.as_str().as_bytes()))),
            Val::Bytes(_) => Ok(value.clone()),
            _ => return None,
        },
        "timestamp" => timestamp(value)?,
        "duration" => duration(value)?,
        _ => return None,
    })
}

/// Text that is none of the type.
fn no_text_of<'a>(type_: &str) -> Evaluated<'a> {
    Err(format!("type conversion error from 'string' to '{type_}'").into())
}

fn int<'a>(value: &Val<'a>) -> Option<Evaluated<'a>> {
    let overflow = || Err(Failure::from("integer overflow"));
    Some(match value {
        Val::Int(_) => Ok(value.clone()),
        Val::Uint(number) => match i64::try_from(*number) {
            Ok(number) => Ok(Val::Int(number)),
            Err(_) => overflow(),
        },
        Val::Double(number) if number.is_finite() && number.abs() < 9_223_372_036_854_775_807.0 => {
            Ok(Val::Int(*number as i64))
        }
        Val::Double(_) => overflow(),
        Val::Text(text) => match text.as_str().parse() {
            Ok(number) => Ok(Val::Int(number)),
            Err(_) => no_text_of("int"),
        },
        Val::Timestamp(time) => Ok(Val::Int(time.as_second())),
        Val::Duration(duration) => Ok(Val::Int(
            i64::try_from(duration.as_nanos()).unwrap_or(i64::MAX),
        )),
        _ => return None,
    })
}

fn uint<'a>(value: &Val<'a>) -> Option<Evaluated<'a>> {
    let overflow = || Err(Failure::from("unsigned integer overflow"));
    Some(match value {
        Val::Uint(_) => Ok(value.clone()),
        Val::Int(number) => match u64::try_from(*number) {
            Ok(number) => Ok(Val::Uint(number)),
            Err(_) => overflow(),
        },
        Val::Double(number) if (0.0..18_446_744_073_709_551_615.0).contains(number) => {
            Ok(Val::Uint(*number as u64))
        }
        Val::Double(_) => overflow(),
        Val::Text(text) => match text.as_str().parse() {
            Ok(number) => Ok(Val::Uint(number)),
            Err(_) => no_text_of("uint"),
        },
        _ => return None,
    })
}

fn double<'a>(value: &Val<'a>) -> Option<Evaluated<'a>> {
    Some(match value {
        Val::Double(_) => Ok(value.clone()),
        Val::Int(number) => Ok(Val::Double(*number as f64)),
        Val::Uint(number) => Ok(Val::Double(*number as f64)),
        Val::Text(text) => match text.as_str().parse() {
            Ok(number) => Ok(Val::Double(number)),
            Err(_) => no_text_of("double"),
        },
        _ => return None,
    })
}

fn boolean<'a>(value: &Val<'a>) -> Option<Evaluated<'a>> {
    Some(match value {
        Val::Bool(_) => Ok(value.clone()),
        Val::Text(text) => match text.as_str() {
            "1" | "t" | "T" | "true" | "TRUE" | "True" => Ok(Val::Bool(true)),
            "0" | "f" | "F" | "false" | "FALSE" | "False" => Ok(Val::Bool(false)),
            _ => no_text_of("bool"),
        },
        _ => return None,
    })
}

/// A value as text, for values that have one.
pub(super) fn string(value: &Val<'_>) -> Option<String> {
    Some(match value {
        Val::Text(text) => text.as_str().to_owned(),
        Val::Bool(is) => is.to_string(),
        Val::Int(number) => number.to_string(),
        Val::Uint(number) => number.to_string(),
        Val::Double(number) => go::float_verb(*number),
        Val::Bytes(bytes) => String::from_utf8(bytes.to_vec()).ok()?,
        Val::Timestamp(time) => time.to_string(),
        Val::Duration(duration) => seconds(*duration),
        Val::Ip(ip) => ip.to_string(),
        Val::Cidr(ip, length) => format!("{ip}/{length}"),
        _ => return None,
    })
}

/// A duration in seconds, as protobuf writes it in JSON.
fn seconds(duration: SignedDuration) -> String {
    let nanoseconds = duration.as_nanos();
    let sign = if nanoseconds < 0 { "-" } else { "" };
    let (whole, part) = (
        nanoseconds.abs() / 1_000_000_000,
        nanoseconds.abs() % 1_000_000_000,
    );
    if part == 0 {
        return format!("{sign}{whole}s");
    }
    let part = format!("{part:09}");
    format!("{sign}{whole}.{}s", part.trim_end_matches('0'))
}

fn timestamp<'a>(value: &Val<'a>) -> Option<Evaluated<'a>> {
    let time = match value {
        Val::Timestamp(_) => return Some(Ok(value.clone())),
        Val::Int(seconds) => Timestamp::from_second(*seconds).ok(),
        Val::Text(text) => {
            // Lower case is no RFC 3339 for Go.
            let text = text.as_str();
            text.parse()
                .ok()
                .filter(|_| text.contains('T') && !text.contains(['[', ' ']))
        }
        _ => return None,
    };
    Some(match time.filter(|time| in_range(*time)) {
        Some(time) => Ok(Val::Timestamp(time)),
        None if matches!(value, Val::Text(_)) => no_text_of("google.protobuf.Timestamp"),
        None => Err("timestamp overflow".into()),
    })
}

fn duration<'a>(value: &Val<'a>) -> Option<Evaluated<'a>> {
    Some(match value {
        Val::Duration(_) => Ok(value.clone()),
        Val::Int(nanoseconds) => Ok(Val::Duration(SignedDuration::from_nanos(*nanoseconds))),
        Val::Text(text) => {
            let nanoseconds = format::parse_go_duration(text.as_str());
            let nanoseconds = nanoseconds.and_then(|n| i64::try_from(n).ok());
            match nanoseconds {
                Some(nanoseconds) => Ok(Val::Duration(SignedDuration::from_nanos(nanoseconds))),
                None => no_text_of("google.protobuf.Duration"),
            }
        }
        _ => return None,
    })
}

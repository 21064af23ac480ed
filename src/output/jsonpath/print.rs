//! Values as text, the way Go prints them.

use std::fmt::Write;

use serde_json::Value;

use super::{Item, Number};

/// Appends the results of one part of a template, with a space between them.
pub(super) fn results(items: &[Item<'_>], text: &mut String) {
    for (at, item) in items.iter().enumerate() {
        if at > 0 {
            text.push(' ');
        }
        match item {
            Item::Json(Value::String(string)) => text.push_str(string),
            Item::Json(Value::Number(number)) => push(text, Number::from(number)),
            Item::Json(value) => json(value, text),
            Item::Text(literal) => text.push_str(literal),
            Item::Int(int) => push(text, int),
            Item::Float(float) => text.push_str(&go_float(*float)),
            Item::Bool(bool) => push(text, bool),
            Item::Byte(byte) => push(text, byte),
            Item::Nothing => text.push_str("<no value>"),
        }
    }
}

/// `encoding/json.Marshal`: keys sorted, no spaces, and what HTML minds escaped.
fn json(value: &Value, text: &mut String) {
    match value {
        Value::Null => text.push_str("null"),
        Value::Bool(bool) => push(text, bool),
        Value::Number(number) => match Number::from(number) {
            Number::Int(int) => push(text, int),
            Number::Float(float) => text.push_str(&json_float(float)),
        },
        Value::String(string) => quoted(string, text),
        Value::Array(list) => {
            text.push('[');
            for (at, member) in list.iter().enumerate() {
                if at > 0 {
                    text.push(',');
                }
                json(member, text);
            }
            text.push(']');
        }
        Value::Object(fields) => {
            let mut fields: Vec<_> = fields.iter().collect();
            fields.sort_unstable_by_key(|(name, _)| *name);
            text.push('{');
            for (at, (name, value)) in fields.into_iter().enumerate() {
                if at > 0 {
                    text.push(',');
                }
                quoted(name, text);
                text.push(':');
                json(value, text);
            }
            text.push('}');
        }
    }
}

fn quoted(string: &str, text: &mut String) {
    text.push('"');
    for c in string.chars() {
        match c {
            '"' => text.push_str("\\\""),
            '\\' => text.push_str("\\\\"),
            '\n' => text.push_str("\\n"),
            '\r' => text.push_str("\\r"),
            '\t' => text.push_str("\\t"),
            '\u{8}' => text.push_str("\\b"),
            '\u{c}' => text.push_str("\\f"),
            '\0'..='\u{1f}' | '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => {
                push(text, format_args!("\\u{:04x}", u32::from(c)));
            }
            c => text.push(c),
        }
    }
    text.push('"');
}

/// `%v` of a float: the shortest digits, with an exponent below 1e-4 and from 1e6 on.
pub(super) fn go_float(float: f64) -> String {
    let size = float.abs();
    if size != 0.0 && !(1e-4..1e6).contains(&size) {
        exponent(float, 2)
    } else {
        float.to_string()
    }
}

/// A float in `encoding/json`: as `%v`, but with other limits and no leading zero in the exponent.
fn json_float(float: f64) -> String {
    let size = float.abs();
    if size != 0.0 && !(1e-6..1e21).contains(&size) {
        exponent(float, 1)
    } else {
        float.to_string()
    }
}

/// Rust writes `1.5e-7` where Go writes `1.5e-07`, and `1e21` where Go writes `1e+21`.
fn exponent(float: f64, digits: usize) -> String {
    let text = format!("{float:e}");
    let Some((mantissa, exponent)) = text.split_once('e') else {
        return text;
    };
    let (sign, exponent) = exponent
        .strip_prefix('-')
        .map_or(('+', exponent), |e| ('-', e));
    format!("{mantissa}e{sign}{exponent:0>digits$}")
}

fn push(text: &mut String, value: impl std::fmt::Display) {
    write!(text, "{value}").expect("a String takes everything that is written to it");
}

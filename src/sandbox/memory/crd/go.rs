//! Values as Go writes them: in error messages, and where its JSON differs from ours.

use std::fmt::Write as _;

use serde_json::{Number, Value};

use crate::sandbox::memory::field::{FieldError, Path, Wrong};

/// A value in an error message: `field.Error.ErrorBody` of apimachinery.
pub(super) fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => quote(text),
        Value::Number(number) => number_verb(number),
        Value::Bool(_) | Value::Null => value.to_string(),
        Value::Array(_) | Value::Object(_) => json(value),
    }
}

/// `Invalid value: VALUE: DETAIL`, with the value as Go writes it.
pub(super) fn invalid(path: &Path, value: &Value, detail: impl Into<String>) -> FieldError {
    error(Wrong::Invalid, path, shown(value), detail)
}

/// The same with a text as its value.
pub(super) fn invalid_text(path: &Path, text: &str, detail: impl Into<String>) -> FieldError {
    error(Wrong::Invalid, path, quote(text), detail)
}

/// An error whose value is already as it is to stand in the message; empty for none.
pub(super) fn error(
    wrong: Wrong,
    path: &Path,
    value: String,
    detail: impl Into<String>,
) -> FieldError {
    FieldError {
        wrong,
        path: path.clone(),
        value,
        detail: detail.into(),
    }
}

/// `%q`: a text with quotes around it.
pub(super) fn quote(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{7}' => out.push_str("\\a"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '\u{b}' => out.push_str("\\v"),
            c if (c as u32) < 0x20 || c == '\u{7f}' => {
                let _ = write!(out, "\\x{:02x}", c as u32);
            }
            c if is_printable(c) => out.push(c),
            c if (c as u32) < 0x1_0000 => {
                let _ = write!(out, "\\u{:04x}", c as u32);
            }
            c => {
                let _ = write!(out, "\\U{:08x}", c as u32);
            }
        }
    }
    out.push('"');
    out
}

/// `unicode.IsPrint`, nearly: letters, marks, numbers, punctuation, symbols, and the plain space.
pub(super) fn is_printable(c: char) -> bool {
    match c {
        ' '..='~' => true,
        _ if c.is_control() || c.is_whitespace() => false,
        '\u{ad}'
        | '\u{200b}'..='\u{200f}'
        | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}'
        | '\u{feff}'
        | '\u{fff9}'..='\u{fffb}'
        | '\u{e000}'..='\u{f8ff}'
        | '\u{e0000}'..='\u{e0fff}'
        | '\u{f0000}'.. => false,
        _ => true,
    }
}

/// `%v` of a number: integers plain, floats in the shortest form, with an exponent from 1e+06 or
/// below 1e-04 on.
pub(super) fn number_verb(number: &Number) -> String {
    match integer(number) {
        Some(integer) => integer.to_string(),
        None => float_verb(number.as_f64().unwrap_or_default()),
    }
}

/// See [`number_verb`]; `strconv.FormatFloat(f, 'g', -1, 64)`.
pub(super) fn float_verb(float: f64) -> String {
    if float == 0.0 {
        return if float.is_sign_negative() { "-0" } else { "0" }.to_owned();
    }
    let (digits, exponent) = scientific(float);
    if (-4..6).contains(&exponent) {
        return plain(float, &digits, exponent);
    }
    let mut out = String::new();
    if float < 0.0 {
        out.push('-');
    }
    out.push_str(&digits[..1]);
    if digits.len() > 1 {
        out.push('.');
        out.push_str(&digits[1..]);
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    let _ = write!(out, "e{sign}{:02}", exponent.abs());
    out
}

/// The significant digits of the shortest form, and the exponent of the first of them.
fn scientific(float: f64) -> (String, i32) {
    let text = format!("{:e}", float.abs());
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    (mantissa.replace('.', ""), exponent.parse().unwrap_or(0))
}

fn plain(float: f64, digits: &str, exponent: i32) -> String {
    let sign = if float < 0.0 { "-" } else { "" };
    if exponent < 0 {
        let zeros = "0".repeat(exponent.unsigned_abs() as usize - 1);
        return format!("{sign}0.{zeros}{digits}");
    }
    let whole = exponent as usize + 1;
    if digits.len() <= whole {
        return format!("{sign}{digits}{}", "0".repeat(whole - digits.len()));
    }
    format!("{sign}{}.{}", &digits[..whole], &digits[whole..])
}

/// `strconv.FormatFloat(f, 'f', -1, 64)`.
pub(super) fn float_plain(float: f64) -> String {
    if float == 0.0 {
        return "0".to_owned();
    }
    let (digits, exponent) = scientific(float);
    plain(float, &digits, exponent)
}

/// The number when Go decodes it to an `int64`.
pub(super) fn integer(number: &Number) -> Option<i64> {
    number.as_i64()
}

/// JSON as `encoding/json` writes it: keys in order, `<`, `>` and `&` escaped.
pub(super) fn json(value: &Value) -> String {
    let mut out = String::new();
    write_json(value, &mut out);
    out
}

fn write_json(value: &Value, out: &mut String) {
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(true) => out.push_str("true"),
        Value::Bool(false) => out.push_str("false"),
        Value::Number(number) => out.push_str(&json_number(number)),
        Value::String(text) => write_json_string(text, out),
        Value::Array(items) => {
            out.push('[');
            for (at, item) in items.iter().enumerate() {
                if at > 0 {
                    out.push(',');
                }
                write_json(item, out);
            }
            out.push(']');
        }
        Value::Object(map) => {
            let mut entries: Vec<_> = map.iter().collect();
            entries.sort_by_key(|(key, _)| *key);
            out.push('{');
            for (at, (key, value)) in entries.into_iter().enumerate() {
                if at > 0 {
                    out.push(',');
                }
                write_json_string(key, out);
                out.push(':');
                write_json(value, out);
            }
            out.push('}');
        }
    }
}

fn json_number(number: &Number) -> String {
    if let Some(integer) = integer(number) {
        return integer.to_string();
    }
    let float = number.as_f64().unwrap_or_default();
    let (_, exponent) = scientific(float);
    if float == 0.0 || (-6..21).contains(&exponent) {
        float_plain(float)
    } else {
        // Exponents have at least two digits in fmt, and as few as needed in JSON.
        float_verb(float).replace("e-0", "e-")
    }
}

/// A JSON string with Go's escapes.
pub(super) fn write_json_string(text: &str, out: &mut String) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => {
                let _ = write!(out, "\\u{:04x}", c as u32);
            }
            c if (c as u32) < 0x20 => {
                let _ = write!(out, "\\u{:04x}", c as u32);
            }
            c => out.push(c),
        }
    }
    out.push('"');
}

/// `fmt.Sprint` of a decoded JSON value: what a field selector compares and a text column shows.
pub(super) fn sprint(value: &Value) -> String {
    match value {
        Value::Null => "<nil>".to_owned(),
        Value::String(text) => text.clone(),
        Value::Bool(_) => value.to_string(),
        Value::Number(number) => number_verb(number),
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(sprint).collect();
            format!("[{}]", items.join(" "))
        }
        Value::Object(map) => {
            let mut entries: Vec<_> = map.iter().collect();
            entries.sort_by_key(|(key, _)| *key);
            let entries: Vec<String> = entries
                .into_iter()
                .map(|(key, value)| format!("{key}:{}", sprint(value)))
                .collect();
            format!("map[{}]", entries.join(" "))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn values_are_shown_as_in_go() {
        for (value, words) in [
            (json!("a\"b\n<é\u{1}"), r#""a\"b\n<é\x01""#),
            (json!(5), "5"),
            (json!(-1.5), "-1.5"),
            (json!(1e21), "1e+21"),
            (json!(1e6), "1e+06"),
            (json!(123456789.0), "1.23456789e+08"),
            (json!(100000.0), "100000"),
            (json!(0.00001), "1e-05"),
            (json!(0.0001), "0.0001"),
            (json!(true), "true"),
            (json!(null), "null"),
            (json!({"b": 1, "a": ["<"]}), r#"{"a":["\u003c"],"b":1}"#),
            (json!([1e-7, 1.0, 1e21]), "[1e-7,1,1e+21]"),
        ] {
            assert_eq!(shown(&value), words);
        }
    }

    #[test]
    fn sprint_is_fmt_sprint() {
        assert_eq!(
            sprint(&json!({"b": [1, "x"], "a": null})),
            "map[a:<nil> b:[1 x]]"
        );
    }
}

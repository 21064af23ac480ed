//! Values in the words of Go's `fmt`, which many of the API server's messages contain.

use std::fmt::Write as _;

use serde_json::{Map, Number, Value};

/// Text in quotes, as `%q` writes it.
pub(crate) fn quote(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\x07' => out.push_str("\\a"),
            '\x08' => out.push_str("\\b"),
            '\x0c' => out.push_str("\\f"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\x0b' => out.push_str("\\v"),
            c if is_print(c) => out.push(c),
            c => {
                let code = u32::from(c);
                // Writing to a string cannot fail.
                let _ = match code {
                    0..0x80 => write!(out, "\\x{code:02x}"),
                    0x80..0x1_0000 => write!(out, "\\u{code:04x}"),
                    _ => write!(out, "\\U{code:08x}"),
                };
            }
        }
    }
    out.push('"');
    out
}

/// Whether Go's `unicode.IsPrint` says so. Rust's own escaping knows the same classes, but for
/// combining marks, which Go prints.
pub(crate) fn is_print(c: char) -> bool {
    match c {
        ' ' => true,
        c if c.is_control() || c.is_whitespace() => false,
        '"' | '\'' | '\\' => true,
        c => !matches!(c.escape_debug().nth(1), Some('u')) || is_mark(c),
    }
}

/// Combining marks: `escape_debug` escapes them at the beginning of a text, and only there.
fn is_mark(c: char) -> bool {
    let pair: String = ['a', c].iter().collect();
    pair.escape_debug().count() == 2
}

/// A value as `%v` writes what `encoding/json` makes of it: `map[a:1 b:[x <nil>]]`, keys sorted.
pub(crate) fn plain(value: &Value) -> String {
    let mut out = String::new();
    write_plain(&mut out, value);
    out
}

/// An object as `%v` writes it.
pub(crate) fn plain_map(map: &Map<String, Value>) -> String {
    let mut out = String::new();
    write_map(&mut out, map);
    out
}

fn write_plain(out: &mut String, value: &Value) {
    match value {
        Value::Null => out.push_str("<nil>"),
        Value::Bool(b) => out.push_str(if *b { "true" } else { "false" }),
        Value::Number(n) => out.push_str(&number(n)),
        Value::String(s) => out.push_str(s),
        Value::Array(items) => {
            out.push('[');
            for (at, item) in items.iter().enumerate() {
                if at > 0 {
                    out.push(' ');
                }
                write_plain(out, item);
            }
            out.push(']');
        }
        Value::Object(map) => write_map(out, map),
    }
}

fn write_map(out: &mut String, map: &Map<String, Value>) {
    out.push_str("map[");
    for (at, (key, value)) in sorted(map).into_iter().enumerate() {
        if at > 0 {
            out.push(' ');
        }
        out.push_str(key);
        out.push(':');
        write_plain(out, value);
    }
    out.push(']');
}

/// A value as `%#v` writes it: `map[string]interface {}{"a":1}`, keys sorted.
pub(crate) fn syntax(value: &Value) -> String {
    match value {
        Value::Null => "interface {}(nil)".to_owned(),
        Value::Bool(b) => b.to_string(),
        Value::Number(n) => number(n),
        Value::String(s) => quote(s),
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(syntax).collect();
            format!("[]interface {{}}{{{}}}", items.join(", "))
        }
        Value::Object(map) => {
            let pairs = sorted(map).into_iter();
            let pairs: Vec<String> = pairs
                .map(|(k, v)| format!("{}:{}", quote(k), syntax(v)))
                .collect();
            format!("map[string]interface {{}}{{{}}}", pairs.join(", "))
        }
    }
}

/// A value as `encoding/json` writes it: without spaces, keys sorted, safe for HTML.
pub(crate) fn json(value: &Value) -> String {
    let mut out = String::new();
    write_json(&mut out, value, true);
    out
}

/// The same with keys in the order in which they are.
pub(crate) fn json_in_order(value: &Value) -> String {
    let mut out = String::new();
    write_json(&mut out, value, false);
    out
}

fn write_json(out: &mut String, value: &Value, sort: bool) {
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(b) => out.push_str(if *b { "true" } else { "false" }),
        Value::Number(n) => match (n.as_i64(), n.as_f64()) {
            (None, Some(float)) if sort => out.push_str(&float_json(float)),
            _ => out.push_str(&n.to_string()),
        },
        Value::String(text) => write_json_text(out, text),
        Value::Array(items) => {
            out.push('[');
            for (at, item) in items.iter().enumerate() {
                if at > 0 {
                    out.push(',');
                }
                write_json(out, item, sort);
            }
            out.push(']');
        }
        Value::Object(map) => {
            let pairs = if sort {
                sorted(map)
            } else {
                map.iter().collect()
            };
            out.push('{');
            for (at, (key, value)) in pairs.into_iter().enumerate() {
                if at > 0 {
                    out.push(',');
                }
                write_json_text(out, key);
                out.push(':');
                write_json(out, value, sort);
            }
            out.push('}');
        }
    }
}

/// Text as Go writes it in JSON, which escapes what HTML could take for markup.
pub(crate) fn write_json_text(out: &mut String, text: &str) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\x08' => out.push_str("\\b"),
            '\x0c' => out.push_str("\\f"),
            '\0'..='\x1f' | '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => {
                // Writing to a string cannot fail.
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
}

/// The type of a decoded value as `%T` writes it.
pub(crate) fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "<nil>",
        Value::Bool(_) => "bool",
        Value::Number(n) if n.is_i64() => "int64",
        Value::Number(_) => "float64",
        Value::String(_) => "string",
        Value::Array(_) => "[]interface {}",
        Value::Object(_) => "map[string]interface {}",
    }
}

/// A number as `%v` writes an `int64` or, where it does not fit, a `float64`.
pub(crate) fn number(number: &Number) -> String {
    match (number.as_i64(), number.as_f64()) {
        (Some(int), _) => int.to_string(),
        (None, Some(float)) => float_v(float),
        (None, None) => number.to_string(),
    }
}

/// A `float64` as `%v` writes it: the shortest digits, with an exponent from 1e6 on and below 1e-4.
pub(crate) fn float_v(float: f64) -> String {
    let exponent = exponent(float);
    if float != 0.0 && !(-4..6).contains(&exponent) {
        return exponential(float, 2);
    }
    format!("{float}")
}

/// A `float64` as `encoding/json` writes it: with an exponent from 1e21 on and below 1e-6.
pub(crate) fn float_json(float: f64) -> String {
    if float != 0.0 && (float.abs() < 1e-6 || float.abs() >= 1e21) {
        return exponential(float, 1);
    }
    format!("{float}")
}

fn exponent(float: f64) -> i32 {
    let text = format!("{float:e}");
    text.rsplit('e')
        .next()
        .and_then(|e| e.parse().ok())
        .unwrap_or(0)
}

/// With a sign, and that many digits at least where the exponent is negative; Go always writes two
/// digits, of which `encoding/json` takes back a leading 0 of a negative exponent.
fn exponential(float: f64, digits: usize) -> String {
    let text = format!("{float:e}");
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    match exponent.strip_prefix('-') {
        Some(exponent) => format!("{mantissa}e-{exponent:0>digits$}"),
        None => format!("{mantissa}e+{exponent:0>2}"),
    }
}

fn sorted(map: &Map<String, Value>) -> Vec<(&String, &Value)> {
    let mut pairs: Vec<_> = map.iter().collect();
    pairs.sort_unstable_by_key(|(key, _)| *key);
    pairs
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{float_json, float_v, plain, quote, syntax};

    #[test]
    fn writes_what_go_writes() {
        let value = json!({"b": [1, "a", null, 1.5, true], "a": {"x": {}}});
        assert_eq!(plain(&value), "map[a:map[x:map[]] b:[1 a <nil> 1.5 true]]");
        assert_eq!(
            syntax(&json!({"a": 1, "0": ["x"]})),
            r#"map[string]interface {}{"0":[]interface {}{"x"}, "a":1}"#
        );
        for (text, quoted) in [
            ("a\"b\\", r#""a\"b\\""#),
            ("\u{7}\t\u{1}\u{7f}", r#""\a\t\x01\x7f""#),
            ("é\u{200b}\u{a0}\u{301}'", "\"é\\u200b\\u00a0\u{301}'\""),
            ("😀\u{e0001}", "\"😀\\U000e0001\""),
        ] {
            assert_eq!(quote(text), quoted);
        }
    }

    #[test]
    fn writes_floats() {
        for (float, v, json) in [
            (1e21, "1e+21", "1e+21"),
            (1e20, "1e+20", "100000000000000000000"),
            (1234567.0, "1.234567e+06", "1234567"),
            (123456.5, "123456.5", "123456.5"),
            (1e-5, "1e-05", "0.00001"),
            (1.5e-7, "1.5e-07", "1.5e-7"),
            (0.0001, "0.0001", "0.0001"),
            (3.0, "3", "3"),
            (1e100, "1e+100", "1e+100"),
        ] {
            assert_eq!(
                (float_v(float).as_str(), float_json(float).as_str()),
                (v, json)
            );
        }
    }
}

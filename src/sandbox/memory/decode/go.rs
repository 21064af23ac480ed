//! How Go writes text into its messages.

use std::fmt::Write;

use serde_json::Value;

/// A byte as `encoding/json` quotes it: as the character of that number.
pub(super) fn quoted_byte(byte: u8) -> String {
    match byte {
        b'\'' => r"'\''".to_owned(),
        b'"' => "'\"'".to_owned(),
        _ => {
            let text = quoted(&char::from(byte).to_string());
            format!("'{}'", &text[1..text.len() - 1])
        }
    }
}

/// `strconv.Quote`, but for rare characters that Rust takes for printable and Go does not.
pub(super) fn quoted(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for c in text.chars() {
        // Writing into a String does not fail.
        let _ = match c {
            '"' | '\\' => write!(quoted, "\\{c}"),
            '\u{7}' => write!(quoted, "\\a"),
            '\u{8}' => write!(quoted, "\\b"),
            '\u{b}' => write!(quoted, "\\v"),
            '\u{c}' => write!(quoted, "\\f"),
            '\n' => write!(quoted, "\\n"),
            '\r' => write!(quoted, "\\r"),
            '\t' => write!(quoted, "\\t"),
            '\0'..='\u{1f}' | '\u{7f}' => write!(quoted, "\\x{:02x}", u32::from(c)),
            _ if is_printable(c) => write!(quoted, "{c}"),
            _ if u32::from(c) < 0x10000 => write!(quoted, "\\u{:04x}", u32::from(c)),
            _ => write!(quoted, "\\U{:08x}", u32::from(c)),
        };
    }
    quoted.push('"');
    quoted
}

fn is_printable(c: char) -> bool {
    // Rust escapes what is not printable, and marks that combine with the quote before them.
    c == ' ' || (!c.is_whitespace() && c.escape_debug().len() == 1) || c == '\''
}

/// What `encoding/json` calls a value in an error.
pub(super) fn described(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "bool",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

#[cfg(test)]
mod tests {
    use super::{quoted, quoted_byte};

    #[test]
    fn text_is_quoted_as_go_does() {
        for (text, expected) in [
            ("a b", r#""a b""#),
            ("a\"b\\", r#""a\"b\\""#),
            ("it's", r#""it's""#),
            ("\n\t\r\u{7}\u{1}\u{7f}", r#""\n\t\r\a\x01\x7f""#),
            ("é😀", r#""é😀""#),
            ("\u{a0}\u{2028}\u{feff}", r#""\u00a0\u2028\ufeff""#),
        ] {
            assert_eq!(quoted(text), expected);
        }
    }

    #[test]
    fn bytes_are_quoted_as_characters() {
        for (byte, expected) in [
            (b'x', "'x'"),
            (b'\'', r"'\''"),
            (b'"', "'\"'"),
            (b'\\', r"'\\'"),
            (1, r"'\x01'"),
            (0xef, "'ï'"),
            (0x85, r"'\u0085'"),
        ] {
            assert_eq!(quoted_byte(byte), expected);
        }
    }
}

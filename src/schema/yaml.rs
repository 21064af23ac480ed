//! YAML scalars and comments, for samples that a person edits.

use serde_json::Value;

/// Whether a string can stand in YAML without quotes and be read back as that string, by YAML 1.1
/// parsers (Go's) too.
pub(super) fn is_plain(text: &str) -> bool {
    let mut chars = text.chars();
    let starts_well = chars
        .next()
        .is_some_and(|c| c.is_ascii_alphabetic() || c == '/');
    let goes_well = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '/' | '-' | '+');
    let is_word = ["true", "false", "null", "yes", "no", "on", "off", "y", "n"]
        .iter()
        .any(|word| text.eq_ignore_ascii_case(word));
    starts_well && chars.all(goes_well) && !is_word
}

/// A scalar, or an empty list or map, or any other value in flow style.
pub(super) fn scalar(value: &Value) -> String {
    match value {
        Value::String(text) if is_plain(text) => text.clone(),
        // JSON's strings, numbers and flow collections are YAML's too.
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_that_yaml_reads_otherwise_are_quoted() {
        for plain in ["abc", "apps/v1", "a.b-c_d", "/usr/bin"] {
            assert!(is_plain(plain), "{plain}");
        }
        for quoted in [
            "", "1", "true", "No", "~", "- a", "a: b", "a #b", "1e3", "-", "a b", "é",
        ] {
            assert!(!is_plain(quoted), "{quoted}");
        }
        assert_eq!(scalar(&serde_json::json!("a\nb")), r#""a\nb""#);
    }
}

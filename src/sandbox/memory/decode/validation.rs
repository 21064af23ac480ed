//! What becomes of fields that nobody knows and of keys that are there twice.

use std::collections::HashSet;

/// The query parameter `fieldValidation`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FieldValidation {
    /// They are dropped
    Ignore,
    /// They are dropped, and told in `Warning` headers
    #[default]
    Warn,
    /// They are refused
    Strict,
}

/// What was sent beyond what can be kept.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Strict {
    /// Of YAML: `line 2: key "a" already set in map`
    pub(super) lines: Vec<String>,
    /// Such as `unknown field "spec.x"`; no more than 100
    pub(super) fields: Vec<String>,
}

/// Characters of all warnings of an answer, before they are cut.
const MAX_WARNINGS: usize = 4 * 1024;
/// Characters of one warning that is cut.
const MAX_CUT_WARNING: usize = 256;

impl FieldValidation {
    /// The value of the parameter; `None` for one that there is not.
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "" | "Warn" => Some(FieldValidation::Warn),
            "Ignore" => Some(FieldValidation::Ignore),
            "Strict" => Some(FieldValidation::Strict),
            _ => None,
        }
    }
}

impl Strict {
    /// Whether there is nothing to tell.
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty() && self.fields.is_empty()
    }

    /// The sentence in which all of it is refused.
    pub fn message(&self) -> String {
        let mut all = Vec::new();
        if !self.lines.is_empty() {
            all.push(format!(
                "yaml: unmarshal errors:\n  {}",
                self.lines.join("\n  ")
            ));
        }
        all.extend(self.fields.iter().cloned());
        format!("strict decoding error: {}", all.join(", "))
    }

    /// The texts of warnings.
    pub fn warnings(&self) -> Vec<String> {
        self.lines.iter().chain(&self.fields).cloned().collect()
    }

    /// The same with what was found elsewhere, such as in the patch that led to the object.
    #[must_use]
    pub fn and(mut self, more: Strict) -> Self {
        self.lines.extend(more.lines);
        self.fields.extend(more.fields);
        self
    }
}

/// The values of `Warning` headers: each text once, all of them cut when they are long, as the real
/// server cuts them. Texts that no header can hold are left out.
pub fn warning_headers<T: AsRef<str>>(texts: impl IntoIterator<Item = T>) -> Vec<String> {
    let mut seen = HashSet::new();
    let texts: Vec<T> = texts
        .into_iter()
        .filter(|text| {
            let text = text.as_ref();
            !text.is_empty() && !text.chars().any(char::is_control) && seen.insert(text.to_owned())
        })
        .collect();
    let length = |text: &T| text.as_ref().chars().count();
    let is_cut = texts.iter().map(length).sum::<usize>() > MAX_WARNINGS;
    let most = if is_cut {
        MAX_CUT_WARNING
    } else {
        MAX_WARNINGS
    };
    let mut headers = Vec::new();
    let mut written = 0;
    for text in &texts {
        if is_cut && written >= MAX_WARNINGS {
            break;
        }
        written += length(text).min(most);
        let cut = text.as_ref().chars().take(most);
        let mut header = "299 - \"".to_owned();
        for c in cut {
            if matches!(c, '"' | '\\') {
                header.push('\\');
            }
            header.push(c);
        }
        header.push('"');
        headers.push(header);
    }
    headers
}

#[cfg(test)]
mod tests {
    use super::{FieldValidation, Strict, warning_headers};

    #[test]
    fn parameters_are_read() {
        assert_eq!(FieldValidation::parse(""), Some(FieldValidation::Warn));
        assert_eq!(
            FieldValidation::parse("Strict"),
            Some(FieldValidation::Strict)
        );
        assert_eq!(FieldValidation::parse("strict"), None);
    }

    /// The sentence is the real server's.
    #[test]
    fn all_is_told_in_one_sentence() {
        let strict = Strict {
            lines: vec![
                "line 2: key \"a\" already set in map".to_owned(),
                "line 7: x".to_owned(),
            ],
            fields: vec![
                "unknown field \"a\"".to_owned(),
                "unknown field \"b\"".to_owned(),
            ],
        };
        assert_eq!(
            strict.message(),
            "strict decoding error: yaml: unmarshal errors:\n  line 2: key \"a\" already set in \
             map\n  line 7: x, unknown field \"a\", unknown field \"b\""
        );
        assert_eq!(strict.warnings().len(), 4);
        assert!(!strict.is_empty() && Strict::default().is_empty());
    }

    #[test]
    fn headers_are_quoted_and_told_once() {
        assert_eq!(
            warning_headers(["a \"b\\", "", "x\ny", "a \"b\\", "é"]),
            [r#"299 - "a \"b\\""#, "299 - \"é\""]
        );
    }

    #[test]
    fn long_headers_are_cut() {
        let fits = "x".repeat(4096);
        assert_eq!(warning_headers([&fits])[0].len(), 4096 + 8);
        let texts: Vec<String> = (0..100)
            .map(|n| format!("{n}{}", "x".repeat(300)))
            .collect();
        let headers = warning_headers(&texts);
        assert_eq!(headers.len(), 16);
        assert!(headers.iter().all(|header| header.len() == 256 + 8));
    }
}

//! Selectors of fields, as `pkg/fields` of apimachinery has them.

use std::fmt;

use crate::sandbox::memory::status::Status;

/// Which fields an object must have, as in `metadata.name=x,spec.nodeName!=y`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FieldSelector {
    /// All of them hold; in the order of their texts.
    pub terms: Vec<Term>,
}

/// One condition on one field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Term {
    /// The field's label, such as `metadata.name`
    pub field: String,
    /// `=`; otherwise `!=`
    pub is_equal: bool,
    /// The value, without escapes
    pub value: String,
}

impl FieldSelector {
    /// From a query; 400 with the real server's words otherwise. Whether the kind knows the fields
    /// is for the caller to check.
    pub fn parse(text: &str) -> Result<Self, Status> {
        let mut parts = split_terms(text);
        parts.sort_unstable();
        let mut terms = Vec::new();
        for part in parts.into_iter().filter(|part| !part.is_empty()) {
            let Some((field, is_equal, value)) = split_term(part) else {
                return Err(Status::bad_request(format!(
                    "invalid selector: '{text}'; can't understand '{part}'"
                )));
            };
            let value = unescape(value).map_err(Status::bad_request)?;
            terms.push(Term {
                field: field.to_owned(),
                is_equal,
                value,
            });
        }
        Ok(FieldSelector { terms })
    }

    /// Whether an object is selected whose fields have the values that `get` tells; a field that is
    /// not there is empty.
    pub fn matches<'a>(&self, mut get: impl FnMut(&str) -> Option<&'a str>) -> bool {
        let mut terms = self.terms.iter();
        terms.all(|term| (get(&term.field).unwrap_or_default() == term.value) == term.is_equal)
    }

    /// The value that this field must have, where there is only one.
    pub fn exact(&self, field: &str) -> Option<&str> {
        let term = self
            .terms
            .iter()
            .find(|term| term.is_equal && term.field == field)?;
        Some(&term.value)
    }

    /// Whether all are selected.
    pub fn is_everything(&self) -> bool {
        self.terms.is_empty()
    }
}

/// As it stands in a query.
impl fmt::Display for FieldSelector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, term) in self.terms.iter().enumerate() {
            let comma = if at == 0 { "" } else { "," };
            let operator = if term.is_equal { "=" } else { "!=" };
            write!(f, "{comma}{}{operator}", term.field)?;
            for c in term.value.chars() {
                let escape = if matches!(c, '\\' | ',' | '=') {
                    "\\"
                } else {
                    ""
                };
                write!(f, "{escape}{c}")?;
            }
        }
        Ok(())
    }
}

fn split_terms(text: &str) -> Vec<&str> {
    let mut is_escaped = false;
    text.split(|c: char| {
        let is_comma = c == ',' && !is_escaped;
        is_escaped = c == '\\' && !is_escaped;
        is_comma
    })
    .collect()
}

fn split_term(term: &str) -> Option<(&str, bool, &str)> {
    let at = term.find(['!', '=']);
    let mut from = at?;
    // A `!` without `=` behind it belongs to the field.
    while !term[from..].starts_with("!=") && !term[from..].starts_with('=') {
        from += 1 + term[from + 1..].find(['!', '='])?;
    }
    let (field, rest) = term.split_at(from);
    let operators = [("!=", false), ("==", true), ("=", true)];
    let found = operators
        .into_iter()
        .find_map(|(o, is_equal)| Some((rest.strip_prefix(o)?, is_equal)));
    found.map(|(value, is_equal)| (field, is_equal, value))
}

fn unescape(value: &str) -> Result<String, String> {
    let mut plain = String::with_capacity(value.len());
    let mut chars = value.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => match chars.next() {
                Some(escaped @ ('\\' | ',' | '=')) => plain.push(escaped),
                other => {
                    let other = other.map(String::from).unwrap_or_default();
                    return Err(format!(
                        "invalid field selector: invalid escape sequence: \\{other}"
                    ));
                }
            },
            ',' | '=' => {
                let code = u32::from(c);
                return Err(format!(
                    "invalid field selector: unescaped character in value: {code}"
                ));
            }
            _ => plain.push(c),
        }
    }
    Ok(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn field_selectors() {
        let selector = FieldSelector::parse(",metadata.name==x,a!=b\\,c,").expect("a selector");
        assert_eq!(selector.to_string(), "a!=b\\,c,metadata.name=x");
        assert_eq!(selector.exact("metadata.name"), Some("x"));
        assert_eq!(selector.exact("a"), None);
        assert!(selector.matches(|field| (field == "metadata.name").then_some("x")));
        assert!(!selector.matches(|field| Some(if field == "a" { "b,c" } else { "x" })));
        assert!(!selector.matches(|_| None));
        let odd = FieldSelector::parse("a!b!=c").expect("a selector");
        assert_eq!(odd.terms[0].field, "a!b");
        let wrong = [
            (
                "metadata.name",
                "invalid selector: 'metadata.name'; can't understand 'metadata.name'",
            ),
            ("a=b,c", "invalid selector: 'a=b,c'; can't understand 'c'"),
            ("a!b", "invalid selector: 'a!b'; can't understand 'a!b'"),
            (
                "a=b=c",
                "invalid field selector: unescaped character in value: 61",
            ),
            (
                "a=b\\x",
                "invalid field selector: invalid escape sequence: \\x",
            ),
            (
                "a=\\",
                "invalid field selector: invalid escape sequence: \\",
            ),
        ];
        for (text, message) in wrong {
            let status = FieldSelector::parse(text).expect_err(text);
            assert_eq!((status.code, status.message.as_str()), (400, message));
        }
    }
}

//! Paths into a schema: where a rule's error is to be, and by which fields can be selected
//! (`ValidFieldPath` of `pkg/apiserver/schema/cel/validation.go`).

use super::super::schema::{Additional, Schema};
use crate::sandbox::memory::field::Path;

/// A path and what is there.
pub(crate) struct Found<'a> {
    /// `None` for the empty path, which is the value itself
    pub(crate) path: Option<Path>,
    /// The name of its first field
    pub(crate) first: String,
    pub(crate) schema: Option<&'a Schema>,
}

/// Follows a path such as `.spec.replicas` or `['a.b'].c`, or says what is wrong with it.
pub(crate) fn find<'a>(
    path: &str,
    schema: &'a Schema,
    allows_brackets: bool,
) -> Result<Found<'a>, String> {
    let mut tokens = tokens(path).into_iter();
    let mut found = Found {
        path: None,
        first: String::new(),
        schema: Some(schema),
    };
    let end = || "unexpected end of JSON path".to_owned();
    while let Some(token) = tokens.next() {
        let name = match token {
            "." => tokens.next().ok_or_else(end)?.to_owned(),
            "[" if !allows_brackets => return Err("array notation is not allowed".to_owned()),
            "[" => {
                let quoted = tokens.next().ok_or_else(end)?;
                let inner = quoted
                    .strip_prefix('\'')
                    .and_then(|rest| rest.strip_suffix('\''))
                    .ok_or_else(|| format!("expected single quoted string but got {quoted}"))?;
                unescape(inner)?
            }
            token => return Err(format!("expected [ or . but got: {token}")),
        };
        found.step(&name)?;
        if token == "[" {
            match tokens.next() {
                Some("]") => {}
                Some(token) => return Err(format!("expected ] but got {token}")),
                None => return Err(end()),
            }
        }
    }
    Ok(found)
}

impl Found<'_> {
    fn step(&mut self, name: &str) -> Result<(), String> {
        let unknown = || "does not refer to a valid field".to_owned();
        let schema = self.schema.ok_or_else(unknown)?;
        let base = self.path.take();
        if !schema.properties.is_empty() {
            self.path = Some(base.map_or_else(|| Path::new(name), |base| base.child(name)));
            self.schema = Some(schema.properties.get(name).ok_or_else(unknown)?);
        } else {
            self.path = Some(base.unwrap_or_default().key(name));
            self.schema = match &schema.additional_properties {
                Some(Additional::Of(schema)) => Some(schema),
                Some(Additional::Allowed(_)) => None,
                None => return Err(unknown()),
            };
        }
        if self.first.is_empty() {
            name.clone_into(&mut self.first);
        }
        Ok(())
    }
}

/// Dots, brackets, quoted strings, and what is between them.
fn tokens(path: &str) -> Vec<&str> {
    let mut tokens = Vec::new();
    let mut rest = path;
    while let Some(first) = rest.chars().next() {
        let length = match first {
            '.' | '[' | ']' => 1,
            '\'' => match closing_quote(rest) {
                Some(length) => length,
                None => rest.len(),
            },
            _ => rest.find(['.', '[', ']']).unwrap_or(rest.len()),
        };
        let (token, tail) = rest.split_at(length);
        tokens.push(token);
        rest = tail;
    }
    tokens
}

fn closing_quote(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let is_end = |at: &usize| bytes[*at] == b'\'' && bytes[at - 1] != b'\\';
    (1..bytes.len()).find(is_end).map(|at| at + 1)
}

fn unescape(text: &str) -> Result<String, String> {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        if c != '\\' {
            out.push(c);
            continue;
        }
        match chars.next() {
            Some('a') => out.push('\u{7}'),
            Some('b') => out.push('\u{8}'),
            Some('f') => out.push('\u{c}'),
            Some('n') => out.push('\n'),
            Some('r') => out.push('\r'),
            Some('t') => out.push('\t'),
            Some('v') => out.push('\u{b}'),
            Some('\'') => out.push('\''),
            Some('\\') | None => out.push('\\'),
            Some(c) => {
                return Err(format!("invalid string literal: invalid escape char \\{c}"));
            }
        }
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sandbox::memory::crd::schema::read;
    use serde_json::json;

    #[test]
    fn paths_are_followed() {
        let schema = read(&json!({"properties": {
            "a": {"properties": {"b.c": {"type": "string"}}},
            "m": {"additionalProperties": {"properties": {"x": {"type": "integer"}}}},
            "s": {"type": "string"},
        }}));
        let schema = schema.unwrap();
        for (path, expected) in [
            (".a", Ok("a")),
            (".a['b.c']", Ok("a.b.c")),
            (".m.k.x", Ok("m[k].x")),
            (".m['it\\'s'].x", Ok("m[it's].x")),
            (".x", Err("does not refer to a valid field")),
            (".s.x", Err("does not refer to a valid field")),
            ("a", Err("expected [ or . but got: a")),
            (".", Err("unexpected end of JSON path")),
            (".a[0]", Err("expected single quoted string but got 0")),
            (".a['b.c'", Err("unexpected end of JSON path")),
            (
                ".a['\\q']",
                Err("invalid string literal: invalid escape char \\q"),
            ),
        ] {
            let found = find(path, &schema, true).map(|found| found.path.unwrap().to_string());
            assert_eq!(
                found,
                expected.map(str::to_owned).map_err(str::to_owned),
                "{path}"
            );
        }
        assert_eq!(
            find(".a['b']", &schema, false).err().as_deref(),
            Some("array notation is not allowed")
        );
    }
}

//! Paths into JSON: `.a.b[0]`, `["a.b/c"]`, `[?metadata.name=web]` for the first element with that
//! field, `[*]` for all.

use std::str::FromStr;

use serde_json::Value;

/// A path as written in a scenario.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct JsonPath {
    /// As it was written.
    pub(super) text: String,
    segments: Vec<Segment>,
}

#[derive(Clone, Debug, PartialEq)]
enum Segment {
    Key(String),
    Index(usize),
    First { field: String, is: String },
    All,
}

impl FromStr for JsonPath {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("{text:?} is no path");
        let mut segments = Vec::new();
        let mut rest = text.trim();
        while !rest.is_empty() {
            if let Some(after) = rest.strip_prefix('.') {
                let end = after.find(['.', '[']).unwrap_or(after.len());
                if end > 0 {
                    segments.push(Segment::Key(after[..end].to_owned()));
                } else if !after.is_empty() {
                    return Err(wrong());
                }
                rest = &after[end..];
            } else if let Some(after) = rest.strip_prefix("[\"") {
                let (key, after) = after.split_once("\"]").ok_or_else(wrong)?;
                segments.push(Segment::Key(key.to_owned()));
                rest = after;
            } else {
                let after = rest.strip_prefix('[').ok_or_else(wrong)?;
                let (inside, after) = after.split_once(']').ok_or_else(wrong)?;
                segments.push(match (inside, inside.strip_prefix('?')) {
                    ("*", _) => Segment::All,
                    (_, Some(test)) => {
                        let (field, is) = test.split_once('=').ok_or_else(wrong)?;
                        Segment::First {
                            field: field.to_owned(),
                            is: is.to_owned(),
                        }
                    }
                    _ => Segment::Index(inside.parse().map_err(|_| wrong())?),
                });
                rest = after;
            }
        }
        if !text.trim().starts_with(['.', '[']) {
            return Err(wrong());
        }
        Ok(JsonPath {
            text: text.trim().to_owned(),
            segments,
        })
    }
}

impl JsonPath {
    /// The same with a namespace's name for `{ns}`.
    pub(super) fn within(&self, namespace: &str) -> JsonPath {
        let fill = |word: &String| word.replace("{ns}", namespace);
        let segments = self.segments.iter().map(|segment| match segment {
            Segment::Key(key) => Segment::Key(fill(key)),
            Segment::First { field, is } => Segment::First {
                field: field.clone(),
                is: fill(is),
            },
            other => other.clone(),
        });
        JsonPath {
            text: self.text.clone(),
            segments: segments.collect(),
        }
    }

    /// What is there, once for each way that leads somewhere.
    pub(super) fn find<'v>(&self, value: &'v Value) -> Vec<&'v Value> {
        let mut found = vec![value];
        for segment in &self.segments {
            found = found
                .into_iter()
                .flat_map(|value| match segment {
                    Segment::Key(key) => value.get(key).into_iter().collect::<Vec<_>>(),
                    Segment::Index(index) => value.get(index).into_iter().collect(),
                    Segment::All => children(value),
                    Segment::First { field, is } => children(value)
                        .into_iter()
                        .find(|child| has(child, field, is))
                        .into_iter()
                        .collect(),
                })
                .collect();
        }
        found
    }

    /// What is there, when the path leads to one place.
    pub(super) fn one<'v>(&self, value: &'v Value) -> Option<&'v Value> {
        self.find(value).into_iter().next()
    }

    /// Whether it can lead to several places.
    pub(super) fn is_many(&self) -> bool {
        self.segments.contains(&Segment::All)
    }

    /// Puts a word in the place of all that is there.
    pub(super) fn hide(&self, value: &mut Value) {
        hide(value, &self.segments);
    }
}

/// Whether a field, `metadata.name` or `containers.0.image` say, is this text.
fn has(value: &Value, field: &str, is: &str) -> bool {
    field
        .split('.')
        .fold(value, |value, name| match name.parse() {
            Ok(index) if value.is_array() => value.get::<usize>(index).unwrap_or(&Value::Null),
            _ => &value[name],
        })
        == is
}

fn children(value: &Value) -> Vec<&Value> {
    match value {
        Value::Array(items) => items.iter().collect(),
        Value::Object(fields) => fields.values().collect(),
        _ => Vec::new(),
    }
}

fn hide(value: &mut Value, segments: &[Segment]) {
    let Some((first, rest)) = segments.split_first() else {
        *value = Value::from("<hidden>");
        return;
    };
    match (first, value) {
        (Segment::Key(key), value) => {
            if let Some(child) = value.get_mut(key) {
                hide(child, rest);
            }
        }
        (Segment::Index(index), value) => {
            if let Some(child) = value.get_mut(index) {
                hide(child, rest);
            }
        }
        (Segment::All, Value::Array(items)) => items.iter_mut().for_each(|item| hide(item, rest)),
        (Segment::All, Value::Object(fields)) => {
            fields.values_mut().for_each(|field| hide(field, rest));
        }
        (Segment::First { field, is }, Value::Array(items)) => {
            if let Some(item) = items.iter_mut().find(|item| has(item, field, is)) {
                hide(item, rest);
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::JsonPath;

    #[test]
    fn paths_lead_somewhere() {
        let value = json!({"a": {"b.c/d": [1, {"type": "Ready", "v": 2}]}, "l": [{"n": 1}, {"n": 2}], "m": [{"a": {"b": "c"}, "s": ["w", "x"], "n": 3}]});
        for (path, found) in [
            (".", vec![value.clone()]),
            (".a[\"b.c/d\"][0]", vec![json!(1)]),
            (".a[\"b.c/d\"][?type=Ready].v", vec![json!(2)]),
            (".l[*].n", vec![json!(1), json!(2)]),
            (".m[?a.b=c].n", vec![json!(3)]),
            (".m[?s.1=x].n", vec![json!(3)]),
            (".l[7]", vec![]),
            (".a.b.c", vec![]),
        ] {
            let path: JsonPath = path.parse().unwrap();
            let there: Vec<Value> = path.find(&value).into_iter().cloned().collect();
            assert_eq!(there, found, "{}", path.text);
        }
    }

    #[test]
    fn a_namespace_can_be_in_a_path() {
        let path: JsonPath = ".a[\"{ns}.example.com\"][?n={ns}]".parse().unwrap();
        let value = json!({"a": {"f1.example.com": [{"n": "f1"}]}});
        assert_eq!(path.within("f1").one(&value), Some(&json!({"n": "f1"})));
        assert_eq!(path.one(&value), None);
    }

    #[test]
    fn what_is_no_path_is_refused() {
        for path in ["", "a", ".a..b", ".a[x]", ".a[\"b]", "[?a]"] {
            assert!(path.parse::<JsonPath>().is_err(), "{path}");
        }
    }

    #[test]
    fn what_is_hidden_is_named_so() {
        let mut value = json!({"l": [{"n": 1, "t": "a"}, {"n": 2}], "k": 3});
        for path in [".l[*].n", ".l[?t=a].t", ".k", ".none"] {
            path.parse::<JsonPath>().unwrap().hide(&mut value);
        }
        let hidden = "<hidden>";
        assert_eq!(
            value,
            json!({"l": [{"n": hidden, "t": hidden}, {"n": hidden}], "k": hidden})
        );
    }
}

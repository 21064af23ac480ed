//! A step of a field's path, as structured-merge-diff names fields: `f:spec`, `k:{"name":"a"}`,
//! `v:"x"`, `i:0`.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::fmt;

use serde_json::Value;

use super::go;

/// One step. It borrows from the objects that are compared; the order is that of `managedFields`.
#[derive(Clone, Debug)]
pub enum Element<'a> {
    /// A field of an object, or a key of a map.
    Field(Cow<'a, str>),
    /// The item of a list that has these values in the list's keys, sorted by key.
    Key(Box<[(Cow<'a, str>, Atom<'a>)]>),
    /// That item of a set.
    Value(Atom<'a>),
    /// The item at that place. Only old or foreign managedFields name fields so.
    Index(i64),
    /// An item that cannot be told from others: while fields are taken out of an object, items may be
    /// left without their keys. Never part of managedFields.
    Nowhere,
}

/// A value within an [`Element`].
#[derive(Clone, Debug)]
pub enum Atom<'a> {
    /// `null`
    Null,
    /// true or false
    Bool(bool),
    /// A number without a fraction
    Int(i64),
    /// Any other number
    Float(f64),
    /// Text
    Text(Cow<'a, str>),
    /// A list or an object, which no schema allows here, but somebody's managedFields may name.
    Other(Cow<'a, Value>),
}

impl<'a> Atom<'a> {
    /// Of a value in an object.
    pub fn of(value: &'a Value) -> Self {
        match value {
            Value::Null => Atom::Null,
            Value::Bool(b) => Atom::Bool(*b),
            Value::Number(n) => match n.as_i64() {
                Some(int) => Atom::Int(int),
                None => Atom::Float(n.as_f64().unwrap_or_default()),
            },
            Value::String(s) => Atom::Text(Cow::Borrowed(s)),
            Value::Array(_) | Value::Object(_) => Atom::Other(Cow::Borrowed(value)),
        }
    }

    /// Of a value that was parsed out of a path.
    fn parsed(value: Value) -> Self {
        match value {
            Value::Null => Atom::Null,
            Value::Bool(b) => Atom::Bool(b),
            Value::Number(n) => match n.as_i64() {
                Some(int) => Atom::Int(int),
                None => Atom::Float(n.as_f64().unwrap_or_default()),
            },
            Value::String(s) => Atom::Text(Cow::Owned(s)),
            other => Atom::Other(Cow::Owned(other)),
        }
    }

    fn rank(&self) -> u8 {
        match self {
            Atom::Int(_) | Atom::Float(_) => 0,
            Atom::Text(_) => 1,
            Atom::Bool(_) => 2,
            Atom::Other(_) => 3,
            Atom::Null => 4,
        }
    }

    fn write_json(&self, out: &mut String) {
        match self {
            Atom::Null => out.push_str("null"),
            Atom::Bool(b) => out.push_str(if *b { "true" } else { "false" }),
            Atom::Int(int) => out.push_str(&int.to_string()),
            Atom::Float(float) => out.push_str(&go::float_json(*float)),
            Atom::Text(text) => go::write_json_text(out, text),
            Atom::Other(value) => out.push_str(&value.to_string()),
        }
    }
}

impl Ord for Atom<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Atom::Int(a), Atom::Int(b)) => a.cmp(b),
            (Atom::Text(a), Atom::Text(b)) => a.cmp(b),
            (Atom::Bool(a), Atom::Bool(b)) => a.cmp(b),
            (Atom::Other(a), Atom::Other(b)) => a.to_string().cmp(&b.to_string()),
            (a, b) => match (a.float(), b.float()) {
                (Some(a), Some(b)) => a.total_cmp(&b),
                _ => a.rank().cmp(&b.rank()),
            },
        }
    }
}

impl Atom<'_> {
    fn float(&self) -> Option<f64> {
        match self {
            // Numbers of both kinds are compared as floats, as Kubernetes does.
            #[expect(clippy::cast_precision_loss)]
            Atom::Int(int) => Some(*int as f64),
            Atom::Float(float) => Some(*float),
            _ => None,
        }
    }
}

impl PartialOrd for Atom<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Atom<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Atom<'_> {}

impl Ord for Element<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Element::Field(a), Element::Field(b)) => a.cmp(b),
            (Element::Key(a), Element::Key(b)) => a.cmp(b),
            (Element::Value(a), Element::Value(b)) => a.cmp(b),
            (Element::Index(a), Element::Index(b)) => a.cmp(b),
            (a, b) => a.rank().cmp(&b.rank()),
        }
    }
}

impl PartialOrd for Element<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Element<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Element<'_> {}

impl<'a> Element<'a> {
    /// A field of that name.
    pub fn field(name: &'a str) -> Self {
        Element::Field(Cow::Borrowed(name))
    }

    fn rank(&self) -> u8 {
        match self {
            Element::Field(_) => 0,
            Element::Key(_) => 1,
            Element::Value(_) => 2,
            Element::Index(_) => 3,
            Element::Nowhere => 4,
        }
    }

    /// Reads a key of FieldsV1. `Ok(None)` is a kind of step that is not known, and skipped.
    pub fn parse(text: &'a str) -> Result<Option<Self>, String> {
        if text.len() < 2 {
            return Err("key must be 2 characters long:".to_owned());
        }
        if text.as_bytes()[1] != b':' {
            return Err(format!("missing colon: {text}"));
        }
        let rest = &text[2..];
        Ok(Some(match text.as_bytes()[0] {
            b'f' => Element::field(rest),
            b'v' => Element::Value(Atom::parsed(parse_json(rest)?)),
            b'k' => match parse_json(rest)? {
                Value::Object(map) => {
                    let fields = map.into_iter();
                    let mut fields: Vec<(Cow<'a, str>, Atom<'a>)> = fields
                        .map(|(k, v)| (Cow::Owned(k), Atom::parsed(v)))
                        .collect();
                    fields.sort_by(|(a, _), (b, _)| a.cmp(b));
                    Element::Key(fields.into())
                }
                _ => return Err(format!("expect {{ or n, but found {rest}")),
            },
            b'i' => Element::Index(rest.parse().map_err(|_| {
                format!("strconv.Atoi: parsing {}: invalid syntax", go::quote(rest))
            })?),
            _ => return Ok(None),
        }))
    }

    /// The key of FieldsV1.
    pub fn to_key(&self) -> String {
        let mut out = String::new();
        match self {
            Element::Field(name) => {
                out.reserve(name.len() + 2);
                out.push_str("f:");
                out.push_str(name);
            }
            Element::Key(fields) => {
                out.push_str("k:{");
                for (at, (name, atom)) in fields.iter().enumerate() {
                    if at > 0 {
                        out.push(',');
                    }
                    go::write_json_text(&mut out, name);
                    out.push(':');
                    atom.write_json(&mut out);
                }
                out.push('}');
            }
            Element::Value(atom) => {
                out.push_str("v:");
                atom.write_json(&mut out);
            }
            Element::Index(at) => {
                out.push_str("i:");
                out.push_str(&at.to_string());
            }
            Element::Nowhere => {}
        }
        out
    }
}

fn parse_json(text: &str) -> Result<Value, String> {
    serde_json::from_str(text).map_err(|error| error.to_string())
}

/// As messages show it: `.spec`, `[name="a"]`, `[="x"]`, `[0]`.
impl fmt::Display for Element<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Element::Field(name) => write!(f, ".{name}"),
            Element::Key(fields) => {
                f.write_str("[")?;
                for (at, (name, atom)) in fields.iter().enumerate() {
                    let comma = if at > 0 { "," } else { "" };
                    write!(f, "{comma}{name}={atom}")?;
                }
                f.write_str("]")
            }
            Element::Value(atom) => write!(f, "[={atom}]"),
            Element::Index(at) => write!(f, "[{at}]"),
            Element::Nowhere => f.write_str("{{invalid path element}}"),
        }
    }
}

impl fmt::Display for Atom<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Atom::Null => f.write_str("null"),
            Atom::Bool(b) => write!(f, "{b}"),
            Atom::Int(int) => write!(f, "{int}"),
            Atom::Float(float) => f.write_str(&go::float_v(*float)),
            Atom::Text(text) => f.write_str(&go::quote(text)),
            Atom::Other(value) => f.write_str(&go::plain(value)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Element;

    #[test]
    fn keys_come_back_in_canonical_form() {
        for (text, canonical, shown) in [
            ("f:a.b/c", "f:a.b/c", ".a.b/c"),
            (
                r#"k:{"b":"x", "a":1}"#,
                r#"k:{"a":1,"b":"x"}"#,
                r#"[a=1,b="x"]"#,
            ),
            (
                r#"k:{"a":null,"b":true}"#,
                r#"k:{"a":null,"b":true}"#,
                "[a=null,b=true]",
            ),
            ("v:1.0", "v:1", "[=1]"),
            (
                r#"v:"a<\u0001\n""#,
                r#"v:"a\u003c\u0001\n""#,
                r#"[="a<\x01\n"]"#,
            ),
            ("i:3", "i:3", "[3]"),
        ] {
            let element = Element::parse(text).unwrap().unwrap();
            assert_eq!(
                (element.to_key().as_str(), element.to_string().as_str()),
                (canonical, shown)
            );
        }
    }

    #[test]
    fn wrong_keys_are_errors_and_unknown_ones_are_skipped() {
        for text in ["", "f", "ff", "é", "v:", "v:{", "k:1", "k:[]", "i:x"] {
            assert!(Element::parse(text).is_err(), "{text}");
        }
        assert_eq!(Element::parse("x:y"), Ok(None));
    }

    #[test]
    fn the_order_is_fields_keys_values_places() {
        let keys = [
            "f:",
            "f:a",
            "f:b",
            r#"k:{"a":1}"#,
            r#"k:{"a":2}"#,
            r#"k:{"a":2,"b":1}"#,
            r#"k:{"a":"1"}"#,
            r#"k:{"b":1}"#,
            "v:1",
            "v:1.5",
            "v:2",
            r#"v:"1""#,
            "v:false",
            "v:true",
            "v:[]",
            "v:null",
            "i:0",
            "i:10",
        ];
        let elements: Vec<Element<'_>> = keys
            .iter()
            .map(|k| Element::parse(k).unwrap().unwrap())
            .collect();
        assert!(elements.is_sorted_by(|a, b| a < b));
    }
}

//! Bodies of requests: from bytes to a value, and from a value to an object of a built-in kind, as
//! Go's decoder does it.
//!
//! [`object`] does all of it for a body that is to be an object of one kind. Patches, and custom
//! resources, take the steps by themselves: [`parse`], then [`Parsed::decode`] or
//! [`Parsed::unstructured`].

mod body;
mod go;
mod json;
mod scalar;
mod time;
mod typed;
mod validation;
mod yaml;

use serde_json::{Number, Value};

use crate::sandbox::memory::types::{TypeId, Types};

pub use body::{Expected, Format, Read, object};
pub use validation::{FieldValidation, Strict, warning_headers};

/// A value that was read from a body.
#[derive(Debug)]
pub struct Parsed<'a> {
    /// The value; of keys that are there twice, the last
    pub value: Value,
    /// The JSON text that it was read from
    body: Option<&'a [u8]>,
    /// What else is known of JSON
    notes: json::Notes,
    /// Of YAML: `line 2: key "a" already set in map`
    lines: Vec<String>,
}

/// An object of a built-in kind.
#[derive(Debug, PartialEq)]
pub struct Decoded {
    /// As Go would write it: fields in Go's order, none that Go does not know, empty ones left out
    /// or written as Go does
    pub value: Value,
    /// What was sent beyond that
    pub strict: Strict,
}

/// Reads JSON. The error is Go's sentence.
pub fn parse(body: &[u8]) -> Result<Parsed<'_>, String> {
    let (value, notes) = json::read(body)?;
    Ok(Parsed {
        value,
        body: Some(body),
        notes,
        lines: Vec::new(),
    })
}

/// Reads the first document of YAML. JSON is YAML as well. The error is a sentence that begins with
/// `yaml: `, as that of the real server, whose parser is another.
pub fn parse_yaml(body: &[u8]) -> Result<Parsed<'_>, String> {
    // Most YAML that programs send is JSON. Keys that are there twice are told in other words.
    if body.first() == Some(&b'{')
        && let Ok(parsed) = parse(body)
        && parsed.notes.duplicates.is_empty()
    {
        return Ok(parsed);
    }
    yaml::read(body)
}

/// Puts an object that was decoded before, and changed since, into the form in which it is written:
/// as decoding it once more would. What fits no type, which decoding has refused, becomes `null`.
pub fn tidy(types: &Types, type_: TypeId, object: &mut Value) {
    typed::tidy(types, type_, object);
}

impl<'a> Parsed<'a> {
    /// A value that was not read from a body, such as a patched object.
    pub fn of(value: Value) -> Self {
        Parsed {
            value,
            body: None,
            notes: json::Notes::default(),
            lines: Vec::new(),
        }
    }

    /// The object that Go makes of the value. The error is Go's sentence about the first thing that
    /// is of another type, such as `json: cannot unmarshal string into Go struct field
    /// DeploymentSpec.spec.replicas of type int32`; the sentence around it is the caller's.
    pub fn decode(self, types: &Types, type_: TypeId) -> Result<Decoded, String> {
        typed::decode(types, type_, self)
    }

    /// The value as Go keeps it where no Go type is known, such as a custom resource: numbers
    /// without a fraction are integers. Only keys that are there twice can be told.
    pub fn unstructured(mut self) -> Decoded {
        make_whole(&mut self.value);
        let duplicates = self.notes.duplicates.iter();
        let fields = duplicates.map(|path| format!("duplicate field {}", go::quoted(path)));
        Decoded {
            value: self.value,
            strict: Strict {
                lines: self.lines,
                fields: fields.collect(),
            },
        }
    }
}

/// Go writes a float without a fraction as it writes an integer.
fn make_whole(value: &mut Value) {
    match value {
        Value::Number(number) if number.is_f64() => {
            // Beyond 2^53 a float is no exact integer any more, and is left as it is.
            const EXACT: f64 = 9_007_199_254_740_992.0;
            let float = number.as_f64().unwrap_or_default();
            if float.fract() == 0.0 && float.abs() <= EXACT {
                #[expect(clippy::cast_possible_truncation)]
                let whole = float as i64;
                *number = Number::from(whole);
            }
        }
        Value::Array(items) => items.iter_mut().for_each(make_whole),
        Value::Object(map) => map.values_mut().for_each(make_whole),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{parse, parse_yaml};

    #[test]
    fn values_without_a_type_are_kept() {
        let body = br#"{"b":1.0,"a":{"x":1e2,"x":1.5},"big":1e300}"#;
        let decoded = parse(body).unwrap().unstructured();
        assert_eq!(
            decoded.value,
            json!({"b": 1, "a": {"x": 1.5}, "big": 1e300})
        );
        assert_eq!(decoded.strict.warnings(), [r#"duplicate field "a.x""#]);
    }

    #[test]
    fn json_is_yaml() {
        let parsed = parse_yaml(br#"{"a": "\u00e9"}"#).unwrap();
        assert_eq!(parsed.value, json!({"a": "é"}));
        let twice = parse_yaml(b"{\"a\": 1,\n \"a\": 2}")
            .unwrap()
            .unstructured();
        assert_eq!(twice.value, json!({"a": 2}));
        assert_eq!(
            twice.strict.warnings(),
            [r#"line 2: key "a" already set in map"#]
        );
    }
}

//! YAML, by serde-saphyr, into JSON values.

use std::fmt;
use std::thread;

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};
use serde_saphyr::options::DuplicateKeyPolicy;
use serde_saphyr::{Spanned, with_deserializer_from_str_with_options};

use super::{Parsed, go, json};

/// How deep values may be nested.
const MAX_DEPTH: usize = 100;

/// The parser takes up to 25 KB of the stack for a level, ten times what JSON takes: threads of the
/// server have less than that.
const STACK: usize = 8 << 20;

/// Reads the first document.
pub(super) fn read(body: &[u8]) -> Result<Parsed<'_>, String> {
    let text = std::str::from_utf8(body).map_err(|_| "yaml: invalid UTF-8".to_owned())?;
    let text = first_document(text);
    thread::scope(|scope| {
        let reader = thread::Builder::new().stack_size(STACK);
        let reader = reader.spawn_scoped(scope, || read_document(text));
        let read = reader.map_err(|e| format!("yaml: {e}"))?.join();
        read.unwrap_or_else(|_| Err("yaml: the parser failed".to_owned()))
    })
}

fn read_document<'a>(text: &str) -> Result<Parsed<'a>, String> {
    let options = serde_saphyr::options! {
        budget: serde_saphyr::budget! { max_depth: MAX_DEPTH, flow_nesting_limit: MAX_DEPTH },
        // Enough for any manifest; more of it is an attack that takes seconds.
        alias_limits: serde_saphyr::alias_limits! { max_total_replayed_events: 50_000 },
        duplicate_keys: DuplicateKeyPolicy::PassThrough,
        // As YAML 1.1 has it, which the real server reads.
        legacy_octal_numbers: true,
        with_snippet: false,
    };
    let mut lines = Vec::new();
    let value = with_deserializer_from_str_with_options(text, options, |deserializer| {
        Reader { lines: &mut lines }.deserialize(deserializer)
    });
    match value {
        Ok(value) => Ok(Parsed {
            value,
            body: None,
            notes: json::Notes::default(),
            lines,
        }),
        Err(problem) => Err(format!("yaml: {problem}")),
    }
}

/// The text up to where a second document begins: those behind the first are not looked at.
fn first_document(text: &str) -> &str {
    let mut has_begun = false;
    let mut end = 0;
    for line in text.split_inclusive('\n') {
        let bare = line.trim_end();
        let is_marker = bare == "---" || line.starts_with("--- ");
        if bare == "..." || (is_marker && has_begun) {
            return &text[..end];
        }
        has_begun |= is_marker || !(bare.is_empty() || bare.starts_with(['#', '%']));
        end += line.len();
    }
    text
}

/// Makes a value, and notes keys that are there twice.
struct Reader<'l> {
    lines: &'l mut Vec<String>,
}

impl<'de> DeserializeSeed<'de> for Reader<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Reader<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value of JSON")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Value, E> {
        let number = Number::from_f64(value).map(Value::Number);
        number.ok_or_else(|| E::custom(format!("unsupported value: {value}")))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_none<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        self.deserialize(deserializer)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut made = Vec::new();
        while let Some(item) = items.next_element_seed(Reader { lines: self.lines })? {
            made.push(item);
        }
        Ok(Value::Array(made))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut made = Map::new();
        while let Some(key) = entries.next_key::<Spanned<String>>()? {
            let line = key.referenced.line();
            let key = key.value;
            if made.contains_key(&key) && self.lines.len() < json::MAX_TOLD {
                let quoted = go::quoted(&key);
                self.lines
                    .push(format!("line {line}: key {quoted} already set in map"));
            }
            let value = entries.next_value_seed(Reader { lines: self.lines })?;
            made.insert(key, value);
        }
        Ok(Value::Object(made))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{first_document, read};

    fn value(text: &str) -> Value {
        read(text.as_bytes())
            .unwrap_or_else(|e| panic!("{text}: {e}"))
            .value
    }

    #[test]
    fn values_are_those_of_json() {
        assert_eq!(
            value("a: [1, -2.5, true, null, ~, \"x\", 'y', z]\nb:\n  c: |\n    text\n"),
            json!({"a": [1, -2.5, true, null, null, "x", "y", "z"], "b": {"c": "text\n"}})
        );
        assert_eq!(
            value("a: &x {b: 1}\nc: *x\nd: {<<: *x, e: 2}"),
            json!({"a": {"b": 1}, "c": {"b": 1}, "d": {"b": 1, "e": 2}})
        );
        assert_eq!(value("1: a\ntrue: b"), json!({"1": "a", "true": "b"}));
        assert_eq!(
            value("[0x10, 010, 1_0, yes, off]"),
            json!([16, 8, 10, true, false])
        );
        assert_eq!(value(""), Value::Null);
        assert!(read(b"a: .inf").is_err());
        assert!(read(b"a: \xff").is_err());
    }

    #[test]
    fn depth_is_limited() {
        for (open, close) in [("[", "]"), ("- ", ""), ("{a: ", "}"), ("? ", "")] {
            let nested = |depth: usize| format!("{}x{}", open.repeat(depth), close.repeat(depth));
            assert!(
                read(nested(50).as_bytes()).is_ok() || open == "? ",
                "{open}"
            );
            assert!(read(nested(101).as_bytes()).is_err(), "{open}");
            assert!(read(nested(100_000).as_bytes()).is_err(), "{open}");
        }
    }

    #[test]
    fn only_the_first_document_counts() {
        for (text, expected) in [
            ("a: 1\n---\nb: 2\n", "a: 1\n"),
            ("# x\n---\na: 1\n--- b\n", "# x\n---\na: 1\n"),
            ("---\n---\na: 1\n", "---\n"),
            ("a: 1\n...\nb", "a: 1\n"),
            ("a: |\n  ---\n", "a: |\n  ---\n"),
            ("a: 1", "a: 1"),
        ] {
            assert_eq!(first_document(text), expected, "{text:?}");
        }
    }
}

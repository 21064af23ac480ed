//! A value as JSON or YAML.

use std::fmt::Write;
use std::io;

use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};
use serde_json::Value;
use serde_saphyr::DoubleQuoted;

use super::json_stream::JsonStream;
use super::jsonpath::JsonPath;
use super::{Format, Printer, clean, yaml_color};

/// kubectl indents JSON by four spaces.
const JSON_INDENT: usize = 4;

/// How a value is written for its reader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// For a program: as it is
    Plain,
    /// For a terminal: characters that could steer it, or hide or reorder text on it, are escaped
    /// as JSON and YAML allow in strings, so that it still is the same value
    Safe,
    /// As [`Style::Safe`], and keys and values are painted
    Painted,
}

impl Style {
    /// What suits whoever reads stdout.
    pub fn of(printer: Printer) -> Self {
        match (printer.stdout_is_colored(), printer.stdout_is_terminal()) {
            (true, _) => Style::Painted,
            (false, true) => Style::Safe,
            (false, false) => Style::Plain,
        }
    }
}

/// JSON as kubectl has it: indented by four spaces, ending in a line end.
pub fn json(value: &Value, style: Style) -> String {
    let mut out = Vec::new();
    if style == Style::Plain {
        let indent = [b' '; JSON_INDENT];
        let pretty = serde_json::ser::PrettyFormatter::with_indent(&indent);
        let mut serializer = serde_json::Serializer::with_formatter(&mut out, pretty);
        value
            .serialize(&mut serializer)
            .expect("a value is serialized to memory");
        out.push(b'\n');
    } else {
        let mut stream = JsonStream::new(JSON_INDENT, style == Style::Painted);
        let pushed = stream.push(value.to_string().as_bytes(), &mut out);
        pushed
            .and_then(|()| stream.finish(&mut out))
            .expect("memory takes all that is written");
    }
    String::from_utf8(out).expect("JSON is written as UTF-8")
}

/// YAML as kubectl has it: indented by two spaces, lists not indented, text of several lines in
/// blocks, everything quoted that some YAML reader could take for another type.
///
/// Errors: none is known; the serializer could refuse a value.
pub fn yaml(value: &Value, style: Style) -> anyhow::Result<String> {
    // Long lines are not folded: kubectl does not, and `grep` finds what it looks for.
    let options = serde_saphyr::ser_options! { folded_wrap_chars: usize::MAX };
    let safe = style != Style::Plain;
    let text = serde_saphyr::to_string_with_options(&Quoting { value, safe }, options)?;
    if !safe {
        return Ok(text);
    }
    // All that is hostile now stands between double quotes, where YAML takes it escaped.
    let mut safe = String::with_capacity(text.len());
    let mut rest = text.as_str();
    while let Some(at) = rest.find(is_hidden) {
        let opens = rest[..at].ends_with('"') && !rest[..at].ends_with("\\\"");
        safe.push_str(&rest[..at]);
        rest = &rest[at..];
        if let Some(text) = rest.strip_prefix(MARK).filter(|_| opens) {
            rest = text;
        } else if let Some(c) = rest.chars().next() {
            let _ = write!(safe, "\\u{:04X}", u32::from(c));
            rest = &rest[c.len_utf8()..];
        }
    }
    safe.push_str(rest);
    Ok(if style == Style::Painted {
        yaml_color::paint(&safe)
    } else {
        safe
    })
}

/// Writes JSON to stdout.
///
/// Errors: what writing to stdout says.
pub fn print_json(printer: Printer, value: &Value) -> io::Result<()> {
    printer.data(&json(value, Style::of(printer)))
}

/// Writes YAML to stdout.
///
/// Errors: what writing to stdout says; a value that cannot be YAML.
pub fn print_yaml(printer: Printer, value: &Value) -> anyhow::Result<()> {
    Ok(printer.data(&yaml(value, Style::of(printer))?)?)
}

/// Writes `value` in the machine format that was asked for; JSON where it is none.
///
/// Errors: what writing to stdout says; a value that cannot be YAML, or not what a template wants.
pub fn print(printer: Printer, format: &Format, value: &Value) -> anyhow::Result<()> {
    match format {
        Format::Yaml => print_yaml(printer, value),
        Format::JsonPath(template) => {
            let text = JsonPath::parse(template)?.render(value)?;
            let safe = match printer.stdout_is_terminal() {
                true => clean::block(&text),
                false => text.into(),
            };
            Ok(printer.data(&safe)?)
        }
        _ => Ok(print_json(printer, value)?),
    }
}

fn is_hidden(c: char) -> bool {
    clean::is_hostile(c) && c != '\n' && c != '\t'
}

/// A value with double quotes around strings that the serializer would write without, though some
/// readers cannot take them so: those that would begin a block with a tab, and, for a terminal,
/// those that are to be escaped.
struct Quoting<'a> {
    value: &'a Value,
    safe: bool,
}

impl Serialize for Quoting<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let safe = self.safe;
        match self.value {
            Value::String(text) => QuotingText { text, safe }.serialize(serializer),
            Value::Array(items) => {
                serializer.collect_seq(items.iter().map(|value| Quoting { value, safe }))
            }
            Value::Object(fields) => {
                let mut map = serializer.serialize_map(Some(fields.len()))?;
                for (text, value) in fields {
                    map.serialize_entry(&QuotingText { text, safe }, &Quoting { value, safe })?;
                }
                map.end()
            }
            other => other.serialize(serializer),
        }
    }
}

/// Put before every hostile string, and taken away again after its opening quote. Its colon makes
/// the serializer quote keys, for which it knows no wrapper; its first character, which the
/// serializer leaves as it is, cannot stand anywhere else.
const MARK: &str = "\u{202e}: ";

struct QuotingText<'a> {
    text: &'a str,
    safe: bool,
}

impl Serialize for QuotingText<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let text = self.text;
        if self.safe && text.contains(is_hidden) {
            DoubleQuoted(format!("{MARK}{text}")).serialize(serializer)
        } else if text.contains('\n') && text.trim_start_matches([' ', '\n']).starts_with('\t') {
            // libyaml and Go's readers refuse a tab where a block's indentation is found out.
            DoubleQuoted(text).serialize(serializer)
        } else {
            serializer.serialize_str(text)
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// Strings that YAML readers like to take for something else.
    const NASTY: [&str; 60] = [
        "",
        " ",
        "yes",
        "no",
        "y",
        "n",
        "on",
        "off",
        "true",
        "TRUE",
        "null",
        "Null",
        "~",
        "1e3",
        "0x1",
        "0o7",
        "007",
        "1_000",
        ".5",
        "-",
        "-1",
        "+1",
        ".inf",
        ".nan",
        "1:20",
        "2020-01-01",
        "2020-01-01T00:00:00Z",
        "=",
        "<<",
        "---",
        "...",
        "--- a",
        "  lead",
        "trail  ",
        "a: b",
        "a:b",
        "a:",
        ":a",
        "a #b",
        "#a",
        "- a",
        "? a",
        "?",
        "'q'",
        "\"q\"",
        "{a}",
        "[a",
        "a, b",
        "*a",
        "&a",
        "!a",
        "|",
        "> a",
        "%a",
        "@a",
        "`a",
        "a\\b",
        "Größe 大 🎉",
        "a\tb",
        "\ta",
    ];
    const LINES: [&str; 18] = [
        "\n",
        "\n\n\n",
        "a\n",
        "a\nb",
        "a\nb\n",
        "a\n\nb\n\n\n",
        "  a\nb\n",
        "\n a\n",
        "a  \nb\n",
        "# a\nb",
        "{\"a\":\n 1}\n",
        "a\r\nb\r\n",
        "a\n\tb\n",
        "\ta\nb",
        "a\n---\nb",
        "a: |\n  b\n",
        "\n\na",
        " \n a\n",
    ];
    const HOSTILE: [&str; 12] = [
        "\u{202e}: a",
        "\"\u{202e}: a\\",
        "\\\"\u{202e}: a\"",
        "a\x1b[31m",
        "a\x7fb",
        "a\u{9b}b",
        "a\u{85}b",
        "a\u{202e}b",
        "\u{feff}a",
        "a\u{2028}b",
        "a\u{200b}\nb\n",
        "\0",
    ];

    fn nasty() -> Value {
        let texts: Vec<&str> = [&NASTY[..], &LINES[..], &HOSTILE[..]].concat();
        let numbers = json!([0, -1, 1.5, 1.0, 1e21, 1e-7, u64::MAX, i64::MIN, true, null]);
        let map: serde_json::Map<String, Value> = texts
            .iter()
            .map(|text| ((*text).to_owned(), json!(text)))
            .collect();
        json!({
            "list": texts, "map": map, "numbers": numbers, "empty": {}, "none": [], "s": "",
            "deep": [[["a"], []], [{"a": [{"b": "c", "d": "e\nf\n"}]}], {}, []],
        })
    }

    fn unpainted(text: &str) -> String {
        let paint = regex::Regex::new("\x1b\\[[0-9]+m").unwrap();
        paint.replace_all(text, "").into_owned()
    }

    #[test]
    fn yaml_reads_back_as_the_same_value() {
        let value = nasty();
        for style in [Style::Plain, Style::Safe] {
            let text = yaml(&value, style).unwrap();
            let read: Value = serde_saphyr::from_str(&text).unwrap();
            assert_eq!(read, value, "{text}");
        }
        let painted = yaml(&value, Style::Painted).unwrap();
        assert_eq!(unpainted(&painted), yaml(&value, Style::Safe).unwrap());
    }

    #[test]
    fn yaml_reads_back_whatever_is_written() {
        // Every string of up to three of the pieces that mean something to YAML.
        let pieces = [
            "", " ", "\n", "\t", "a", "0", ".", ":", "-", "#", "'", "\"", "\\", "|", "{", "]", ",",
            "~", "?", "é", "\u{202e}", "\r",
        ];
        let mut texts = std::collections::BTreeSet::new();
        for a in pieces {
            for b in pieces {
                texts.extend(pieces.map(|c| format!("{a}{b}{c}")));
            }
        }
        let fields = texts
            .iter()
            .map(|text| (text.clone(), json!([text, {"k": text}, [[text]]])));
        let value = Value::Object(fields.collect());
        let safe = yaml(&value, Style::Safe).unwrap();
        assert!(!safe.contains(is_hidden));
        assert_eq!(unpainted(&yaml(&value, Style::Painted).unwrap()), safe);
        for text in [yaml(&value, Style::Plain).unwrap(), safe] {
            let read: Value = serde_saphyr::from_str(&text).unwrap();
            let (read, value) = (read.as_object().unwrap(), value.as_object().unwrap());
            assert_eq!(read.len(), value.len());
            for (key, field) in value {
                assert_eq!(read.get(key), Some(field), "{key:?}");
            }
        }
    }

    #[test]
    fn no_block_begins_with_a_tab() {
        let value = json!({"a": "\tb\nc", "d": " \n\te", "f": "g\n\th"});
        let expected = "a: \"\\tb\\nc\"\nd: \" \\n\\te\"\nf: |-\n  g\n  \th\n";
        assert_eq!(yaml(&value, Style::Plain).unwrap(), expected);
    }

    #[test]
    fn json_reads_back_as_the_same_value() {
        let value = nasty();
        for style in [Style::Plain, Style::Safe] {
            let text = json(&value, style);
            assert_eq!(
                serde_json::from_str::<Value>(&text).unwrap(),
                value,
                "{text}"
            );
        }
        assert_eq!(
            unpainted(&json(&value, Style::Painted)),
            json(&value, Style::Safe)
        );
        let tame = json!({"a": [1, {}, []], "b": {"c": "d"}});
        assert_eq!(json(&tame, Style::Plain), json(&tame, Style::Safe));
        assert!(json(&tame, Style::Plain).starts_with("{\n    \"a\": [\n        1,\n"));
    }

    #[test]
    fn nothing_steers_the_terminal() {
        let hostile = |text: &str| text.chars().any(is_hidden);
        assert!(!hostile(&yaml(&nasty(), Style::Safe).unwrap()));
        assert!(!hostile(&unpainted(
            &yaml(&nasty(), Style::Painted).unwrap()
        )));
        assert!(!hostile(&json(&nasty(), Style::Safe)));
    }

    #[test]
    fn yaml_looks_as_that_of_kubectl() {
        let value = json!({
            "kind": "Deployment",
            "spec": {
                "replicas": 2,
                "containers": [
                    {"name": "web", "args": ["-v", "yes"], "env": []},
                    {"name": "side", "script": "a\nb\n"},
                ],
            },
        });
        let expected = "\
kind: Deployment
spec:
  replicas: 2
  containers:
  - name: web
    args:
    - -v
    - \"yes\"
    env: []
  - name: side
    script: |
      a
      b
";
        assert_eq!(yaml(&value, Style::Plain).unwrap(), expected);
    }

    #[test]
    fn keys_and_scalars_are_painted() {
        let value = json!({"a": "b", "c": [{"d: e": 1}, "f: g"], "s": "x\ny\n", "t": true});
        let painted = yaml(&value, Style::Painted).unwrap();
        let marks = painted
            .replace("\x1b[36m", "<k>")
            .replace("\x1b[32m", "<v>");
        let marks = marks.replace("\x1b[35m", "<l>").replace("\x1b[0m", "</>");
        let expected = "\
<k>a</>: <v>b</>
<k>c</>:
- <k>\"d: e\"</>: <l>1</>
- <v>\"f: g\"</>
<k>s</>: |
  <v>x</>
  <v>y</>
<k>t</>: <l>true</>
";
        assert_eq!(marks, expected);
    }
}

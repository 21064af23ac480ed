//! `-d`: the bytes to send and their content type.

use std::io::{IsTerminal, Read};
use std::path::PathBuf;

use anyhow::Context as _;
use bytes::Bytes;
use serde::de::IgnoredAny;
use serde_json::Value;

use crate::output::Printer;

/// Where a body comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Source {
    Inline(String),
    File(PathBuf),
    Stdin,
}

impl Source {
    /// Reads curl's notation: `@file`, `-` and `@-` for stdin, or the body itself.
    pub(super) fn of(data: &str) -> Self {
        match (data, data.strip_prefix('@')) {
            ("-" | "@-", _) => Source::Stdin,
            (_, Some(file)) => Source::File(file.into()),
            _ => Source::Inline(data.to_owned()),
        }
    }

    /// Reads it whole: no server takes more than a few MiB.
    ///
    /// Errors: the file cannot be read.
    pub(super) fn read(&self, printer: Printer) -> anyhow::Result<Bytes> {
        match self {
            Source::Inline(text) => Ok(text.clone().into()),
            Source::File(file) => {
                let read = std::fs::read(file);
                let read = read.with_context(|| {
                    format!("cannot read the body from {} (-d @{0})", file.display())
                })?;
                Ok(read.into())
            }
            Source::Stdin => {
                if std::io::stdin().is_terminal() {
                    printer.say("Reading the body from the keyboard; end it with Ctrl-D.");
                }
                let mut whole = Vec::new();
                std::io::stdin()
                    .read_to_end(&mut whole)
                    .context("cannot read the body from stdin")?;
                Ok(whole.into())
            }
        }
    }

    /// What was probably forgotten when an inline body is the name of a file.
    pub(super) fn forgotten_at(&self) -> Option<String> {
        match self {
            Source::Inline(text) if std::path::Path::new(text).is_file() => {
                Some(format!("To send what is in the file: -d @{text}"))
            }
            _ => None,
        }
    }

    fn name(&self) -> String {
        match self {
            Source::Inline(_) => "the body".to_owned(),
            Source::File(file) => format!("the body in {}", file.display()),
            Source::Stdin => "the body from stdin".to_owned(),
        }
    }
}

/// How a PATCH is meant: `--patch`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Patch {
    /// A list of operations, RFC 6902
    Json,
    /// The fields to change, null to remove one, RFC 7386
    Merge,
    /// As merge, but lists are merged by Kubernetes' rules; built-in kinds only
    Strategic,
    /// Server-side apply: the fields that you want to own
    Apply,
}

impl Patch {
    fn content_type(self) -> &'static str {
        match self {
            Patch::Json => "application/json-patch+json",
            Patch::Merge => "application/merge-patch+json",
            Patch::Strategic => "application/strategic-merge-patch+json",
            Patch::Apply => "application/apply-patch+yaml",
        }
    }
}

/// A body as it is sent.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Prepared {
    pub(super) bytes: Bytes,
    /// `None`: there is nothing to name a type of
    pub(super) content_type: Option<&'static str>,
    /// Whether the bytes are the source's own
    pub(super) unchanged: bool,
}

/// Checks a body and finds its content type. JSON and YAML objects are sent as they are; a patch
/// that the server takes as JSON alone is converted from YAML.
///
/// Errors: a sentence that says what is wrong with the body, and where.
pub(super) fn prepare(
    bytes: Bytes,
    source: &Source,
    patch: Option<Patch>,
) -> Result<Prepared, String> {
    let name = source.name();
    let text = std::str::from_utf8(&bytes).map_err(|problem| {
        format!(
            "{name} is not text (byte {}). To send other bytes, say what they are with -H \
             'Content-Type: …'.",
            problem.valid_up_to() + 1
        )
    })?;
    if text.trim().is_empty() {
        if patch.is_none() && matches!(source, Source::Inline(_)) {
            return Ok(Prepared {
                bytes,
                content_type: None,
                unchanged: true,
            });
        }
        return Err(format!("{name} is empty."));
    }
    let document = parse(text).map_err(|problem| format!("{name} {problem}"))?;
    check_shape(&document, patch).map_err(|problem| format!("{name} {problem}"))?;
    let as_it_is = |content_type| {
        Ok(Prepared {
            bytes: bytes.clone(),
            content_type: Some(content_type),
            unchanged: true,
        })
    };
    match (patch, document) {
        (Some(Patch::Apply), _) => as_it_is(Patch::Apply.content_type()),
        (Some(patch), Document::Json(_)) => as_it_is(patch.content_type()),
        (Some(patch), Document::Yaml(value)) => Ok(Prepared {
            bytes: value.to_string().into(),
            content_type: Some(patch.content_type()),
            unchanged: false,
        }),
        (None, Document::Json(_)) => as_it_is("application/json"),
        (None, Document::Yaml(_)) => as_it_is("application/yaml"),
    }
}

enum Document {
    /// Its first character
    Json(char),
    Yaml(Value),
}

fn parse(text: &str) -> Result<Document, String> {
    let first = text.trim_start().chars().next().unwrap_or_default();
    // Everything that is JSON is YAML too, but the server reads JSON faster, and its errors are
    // better.
    let json = serde_json::from_str::<IgnoredAny>(text);
    let Err(problem) = json else {
        return Ok(Document::Json(first));
    };
    match yaml(text) {
        Ok(value) => Ok(Document::Yaml(value)),
        // What begins as JSON does was meant to be JSON.
        Err(_) if matches!(first, '{' | '[') => Err(format!("is not valid JSON: {problem}.")),
        Err(problem) => Err(problem),
    }
}

fn yaml(text: &str) -> Result<Value, String> {
    let options = serde_saphyr::options! {
        // As the server's own parser has it (go.yaml.in/yaml/v2): YAML 1.1, and the last of two
        // equal keys wins; the server warns of those by itself.
        duplicate_keys: serde_saphyr::DuplicateKeyPolicy::LastWins,
        legacy_octal_numbers: true,
        strict_booleans: false,
        with_snippet: false,
        // Deeper than any object, and shallow enough for the stack.
        budget: serde_saphyr::budget! {
            max_depth: 500,
            max_nodes: 5_000_000,
            max_events: 10_000_000,
        },
    };
    let mut documents: Vec<Value> = serde_saphyr::from_multiple_with_options(text, options)
        .map_err(|problem| {
            let text = problem.without_snippet().to_string();
            format!("is not valid YAML: {}.", text.trim_end_matches('.'))
        })?;
    documents.retain(|value| !value.is_null());
    match documents.len() {
        0 => Err("holds nothing but comments.".to_owned()),
        1 => Ok(documents.remove(0)),
        several => Err(format!(
            "has {several} YAML documents, and one request takes one object. Send them one by one."
        )),
    }
}

/// Objects are what servers take, apart from lists of patch operations.
fn check_shape(document: &Document, patch: Option<Patch>) -> Result<(), String> {
    let (is_object, is_list) = match document {
        Document::Json(first) => (*first == '{', *first == '['),
        Document::Yaml(value) => (value.is_object(), value.is_array()),
    };
    match patch {
        Some(Patch::Json) if is_list => Ok(()),
        Some(Patch::Json) if is_object => Err(
            "is an object, but a JSON patch is a list of operations, such as [{\"op\": \"replace\", \
             \"path\": \"/spec/replicas\", \"value\": 2}]. To give the fields to change use --patch \
             merge."
                .to_owned(),
        ),
        _ if is_object => Ok(()),
        _ if is_list => Err(match patch {
            Some(_) => "is a list; --patch json takes lists of operations.".to_owned(),
            None => "is a list, and one request takes one object.".to_owned(),
        }),
        _ => Err("is neither an object nor a list in JSON or YAML.".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn inline(text: &str, patch: Option<Patch>) -> Result<(String, Option<&'static str>), String> {
        let source = Source::of(text);
        let prepared = prepare(Bytes::copy_from_slice(text.as_bytes()), &source, patch)?;
        let text = String::from_utf8(prepared.bytes.to_vec()).unwrap();
        Ok((text, prepared.content_type))
    }

    #[test]
    fn sources_are_told_apart_as_curl_does() {
        assert_eq!(Source::of("-"), Source::Stdin);
        assert_eq!(Source::of("@-"), Source::Stdin);
        assert_eq!(Source::of("@a b"), Source::File("a b".into()));
        assert_eq!(Source::of("{}"), Source::Inline("{}".into()));
    }

    #[test]
    fn objects_go_as_they_are_under_their_type() {
        for (text, content_type) in [
            (r#" {"a": 1}"#, "application/json"),
            ("a: 0644 # yes\n", "application/yaml"),
            ("{a: 1}", "application/yaml"),
            ("# one\n---\na: 1\n---\n", "application/yaml"),
        ] {
            let sent = inline(text, None).unwrap();
            assert_eq!(sent, (text.to_owned(), Some(content_type)));
        }
        assert_eq!(inline("", None).unwrap(), (String::new(), None));
    }

    #[test]
    fn patches_in_yaml_become_json_as_the_server_reads_yaml() {
        let text =
            "mode: 0644\nbig: 9007199254740993\nday: 2020-01-01\nt: 12:30\nb: yes\nn: ~\ns: '1'";
        let (sent, content_type) = inline(text, Some(Patch::Merge)).unwrap();
        assert_eq!(content_type, Some("application/merge-patch+json"));
        assert_eq!(
            sent,
            r#"{"mode":420,"big":9007199254740993,"day":"2020-01-01","t":"12:30","b":true,"n":null,"s":"1"}"#
        );
        let (sent, content_type) = inline("- {op: remove, path: /a}", Some(Patch::Json)).unwrap();
        assert_eq!(content_type, Some("application/json-patch+json"));
        assert_eq!(sent, r#"[{"op":"remove","path":"/a"}]"#);
        let (sent, content_type) = inline("a: 1", Some(Patch::Apply)).unwrap();
        assert_eq!(content_type, Some("application/apply-patch+yaml"));
        assert_eq!(sent, "a: 1");
        let json = r#"{"a": 1}"#;
        let (sent, content_type) = inline(json, Some(Patch::Strategic)).unwrap();
        assert_eq!(content_type, Some("application/strategic-merge-patch+json"));
        assert_eq!(sent, json);
    }

    #[test]
    fn what_cannot_be_meant_is_refused_with_its_place() {
        for (text, patch, wanted) in [
            (
                "{\"a\": 1,\n \"b\" 2}",
                None,
                "expected `:` at line 2 column 6",
            ),
            ("a:\n\t- b", None, "line 2, column 2"),
            ("a: 1\n---\nb: 2", None, "2 YAML documents"),
            ("# only\n", None, "nothing but comments"),
            ("[1]", None, "one request takes one object"),
            ("pod.yaml", None, "neither an object nor a list"),
            ("{}", Some(Patch::Json), "use --patch merge"),
            ("[]", Some(Patch::Merge), "--patch json takes lists"),
            ("", Some(Patch::Merge), "is empty"),
            ("a: .inf", Some(Patch::Merge), "line 1, column 4"),
        ] {
            let problem = inline(text, patch).unwrap_err();
            assert!(problem.contains(wanted), "{text:?}: {problem}");
        }
        let problem = prepare(Bytes::from_static(b"ab\xff"), &Source::Stdin, None).unwrap_err();
        assert!(
            problem.contains("from stdin is not text (byte 3)"),
            "{problem}"
        );
    }
}

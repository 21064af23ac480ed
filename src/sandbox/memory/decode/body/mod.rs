//! A body that is to be an object of one kind.

#[cfg(test)]
mod tests;

use serde_json::{Map, Value};

use super::{FieldValidation, go, parse, parse_yaml};
use crate::sandbox::memory::catalog::catalog;
use crate::sandbox::memory::resource::Resource;
use crate::sandbox::memory::status::Status;
use crate::sandbox::memory::types::{TypeId, Types};

/// In what form a body is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// `application/json`
    Json,
    /// `application/yaml`
    Yaml,
}

/// The kind that a body is to be of.
#[derive(Clone, Copy, Debug)]
pub struct Expected<'a> {
    /// Empty for the core group
    pub group: &'a str,
    /// Such as `v1`
    pub version: &'a str,
    /// Such as `Deployment`
    pub kind: &'a str,
    /// Where `type_` is
    pub types: &'a Types,
    /// What it is
    pub type_: TypeId,
}

/// An object that was sent.
#[derive(Debug, PartialEq)]
pub struct Read {
    /// With `kind` and `apiVersion` first, whether they were sent or not
    pub object: Value,
    /// Texts of `Warning` headers
    pub warnings: Vec<String>,
}

/// The words in which Kubernetes names its table of kinds; they are of how the pinned server is
/// built.
const SCHEME: &str = "pkg/runtime/scheme.go:111";

/// What the first look at a body, for its kind alone, wants it to be.
const FIRST_LOOK: &str = "struct { APIVersion string \"json:\\\"apiVersion,omitempty\\\"\"; \
     Kind string \"json:\\\"kind,omitempty\\\"\" }";

impl<'a> Expected<'a> {
    /// Objects of a resource itself.
    pub fn of(resource: &'a Resource) -> Self {
        Expected {
            group: &resource.group,
            version: &resource.version,
            kind: &resource.kind,
            types: &resource.types,
            type_: resource.type_,
        }
    }
}

/// Reads an object of a built-in kind: 400 for what is no JSON (or YAML), of another kind or version,
/// of wrong types, and under [`FieldValidation::Strict`] for fields that nobody knows. Sentences are
/// those of `pkg/endpoints/handlers/rest.go` and of what it calls.
pub fn object(
    expected: Expected<'_>,
    body: &[u8],
    format: Format,
    validation: FieldValidation,
) -> Result<Read, Status> {
    let unrecognized = |problem: String| {
        let (kind, summary) = (expected.kind, summary(body));
        Status::bad_request(format!(
            "the object provided is unrecognized (must be of type {kind}): {problem} ({summary})"
        ))
    };
    let no_json = |problem| {
        unrecognized(format!(
            "couldn't get version/kind; json parse error: {problem}"
        ))
    };
    let parsed = match format {
        Format::Json => parse(body).map_err(no_json)?,
        Format::Yaml => parse_yaml(body).map_err(unrecognized)?,
    };
    let sent = Names::of(&parsed.value).map_err(no_json)?;
    let (group, version) = group_version(&sent.api_version).map_err(unrecognized)?;
    let actual = Names::with_defaults(group, version, &sent.kind, expected);
    let cannot = |problem: &str| {
        let Actual { version, kind, .. } = actual;
        Status::bad_request(format!(
            "{kind} in version {} cannot be handled as a {}: {problem}",
            go::quoted(version),
            expected.kind
        ))
    };
    if actual.version.is_empty() {
        let body = String::from_utf8_lossy(body);
        return Err(cannot(&format!(
            "Object 'apiVersion' is missing in '{body}'"
        )));
    }
    if (actual.group, actual.version, actual.kind)
        != (expected.group, expected.version, expected.kind)
    {
        return Err(another_kind(actual, expected, cannot));
    }
    let decoded = parsed
        .decode(expected.types, expected.type_)
        .map_err(|e| cannot(&e))?;
    let warnings = match validation {
        FieldValidation::Strict if !decoded.strict.is_empty() => {
            return Err(cannot(&decoded.strict.message()));
        }
        FieldValidation::Warn => decoded.strict.warnings(),
        _ => Vec::new(),
    };
    Ok(Read {
        object: with_names(decoded.value, expected),
        warnings,
    })
}

/// A kind that Kubernetes knows cannot be made into ours; one in another version of ours could, but
/// is not accepted; others are not known at all.
fn another_kind(
    actual: Actual<'_>,
    expected: Expected<'_>,
    cannot: impl Fn(&str) -> Status,
) -> Status {
    let Actual {
        group,
        version,
        kind,
    } = actual;
    let sent = api_version(group, version);
    if !catalog().knows(group, version, kind) {
        let (kind, sent) = (go::quoted(kind), go::quoted(&sent));
        return cannot(&format!(
            "no kind {kind} is registered for version {sent} in scheme \"{SCHEME}\""
        ));
    }
    if (group, kind) == (expected.group, expected.kind) {
        let wanted = api_version(expected.group, expected.version);
        return Status::bad_request(format!(
            "the API version in the data ({sent}) does not match the expected API version ({wanted})"
        ));
    }
    let package = match expected.group.split('.').next() {
        None | Some("") => "core",
        Some(name) => name,
    };
    let wanted = expected.kind;
    cannot(&format!(
        "converting ({version}.{kind}) to ({package}.{wanted}): unknown conversion"
    ))
}

fn api_version(group: &str, version: &str) -> String {
    if group.is_empty() {
        version.to_owned()
    } else {
        format!("{group}/{version}")
    }
}

/// What a body says that it is.
#[derive(Default)]
struct Names {
    api_version: String,
    kind: String,
}

#[derive(Clone, Copy)]
struct Actual<'a> {
    group: &'a str,
    version: &'a str,
    kind: &'a str,
}

impl Names {
    /// Here alone the case of keys does not matter.
    fn of(value: &Value) -> Result<Self, String> {
        let map = match value {
            Value::Object(map) => map,
            Value::Null => return Ok(Names::default()),
            other => {
                let what = go::described(other);
                return Err(format!(
                    "json: cannot unmarshal {what} into Go value of type {FIRST_LOOK}"
                ));
            }
        };
        let mut names = Names::default();
        let mut wrong = None;
        for (key, value) in map {
            let (name, place) = if key.eq_ignore_ascii_case("kind") {
                ("kind", &mut names.kind)
            } else if key.eq_ignore_ascii_case("apiVersion") {
                ("apiVersion", &mut names.api_version)
            } else {
                continue;
            };
            match value {
                Value::String(text) => text.clone_into(place),
                Value::Null => {}
                other => {
                    let what = go::described(other);
                    wrong.get_or_insert_with(|| {
                        format!("json: cannot unmarshal {what} into Go struct field .{name} of type string")
                    });
                }
            }
        }
        wrong.map_or(Ok(names), Err)
    }

    fn with_defaults<'a>(
        group: &'a str,
        version: &'a str,
        kind: &'a str,
        expected: Expected<'a>,
    ) -> Actual<'a> {
        let is_none = version.is_empty() && (group.is_empty() || group == expected.group);
        Actual {
            group: if is_none { expected.group } else { group },
            version: if is_none { expected.version } else { version },
            kind: if kind.is_empty() { expected.kind } else { kind },
        }
    }
}

fn group_version(text: &str) -> Result<(&str, &str), String> {
    match text.split_once('/') {
        Some(("", "")) => Ok(("", "")),
        Some((_, version)) if version.contains('/') => {
            Err(format!("unexpected GroupVersion string: {text}"))
        }
        Some(parts) => Ok(parts),
        None => Ok(("", text)),
    }
}

/// The beginning of a body, in hexadecimal where it does not look like JSON.
fn summary(body: &[u8]) -> String {
    let start = &body[..body.len().min(30)];
    let text = match body.first() {
        None => return "<empty>".to_owned(),
        Some(b'{') => String::from_utf8_lossy(start).into_owned(),
        Some(_) => start.iter().map(|byte| format!("{byte:02x}")).collect(),
    };
    let more = if body.len() > start.len() { " ..." } else { "" };
    text + more
}

fn with_names(object: Value, expected: Expected<'_>) -> Value {
    let Value::Object(fields) = object else {
        return object;
    };
    let mut named = Map::with_capacity(fields.len() + 2);
    named.insert("kind".to_owned(), Value::from(expected.kind));
    let api_version = api_version(expected.group, expected.version);
    named.insert("apiVersion".to_owned(), Value::from(api_version));
    for (key, value) in fields {
        named.entry(key).or_insert(value);
    }
    Value::Object(named)
}

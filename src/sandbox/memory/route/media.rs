//! In which form a client wants its answer, and in which form it sends (apiserver's
//! `pkg/endpoints/handlers/negotiation`).

use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE, USER_AGENT};
use serde_json::{Map, Value};

use super::request::Request;
use crate::sandbox::memory::status::{Details, Status};

/// What the API can read, and what the real server can also send. Here answers are JSON or YAML, which
/// every client accepts.
const SUPPORTED: &str = "application/json, application/yaml, application/vnd.kubernetes.protobuf";

/// How an answer is written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Form {
    /// YAML, not JSON
    pub is_yaml: bool,
    /// For reading: indented
    pub is_pretty: bool,
    /// What of objects is answered
    pub shape: Shape,
}

/// What of an object is answered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Shape {
    /// All of it
    #[default]
    Whole,
    /// Rows with the columns of `kubectl get`, in this version of meta.k8s.io
    Table {
        /// `v1` or `v1beta1`
        version: &'static str,
    },
    /// Its metadata, in this version of meta.k8s.io
    Metadata {
        /// `v1` or `v1beta1`
        version: &'static str,
        /// Whether a list was named, as a list needs
        is_list: bool,
    },
}

/// What sort of answers an endpoint has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Endpoint {
    /// Single objects
    Object,
    /// Lists and watches
    List,
    /// Objects that no table shows, such as answers to questions
    Untabled,
    /// What has no other shape
    Plain,
}

impl Form {
    /// Chooses the first that the client accepts and the endpoint has.
    ///
    /// Errors: 406.
    pub fn negotiate(request: &Request, endpoint: Endpoint) -> Result<Self, Status> {
        let accept = request.header(&ACCEPT);
        let pretty = wants_pretty(request);
        if accept.is_empty() {
            return Ok(Form {
                is_pretty: pretty,
                ..Form::default()
            });
        }
        for clause in accepted(accept) {
            if let Some(mut form) = clause.form(endpoint) {
                form.is_pretty = (form.is_pretty || pretty) && !form.is_yaml;
                return Ok(form);
            }
        }
        Err(Status::new(
            406,
            "NotAcceptable",
            format!("only the following media types are accepted: {SUPPORTED}"),
        ))
    }

    /// For failures that come before anything could be negotiated: what the client takes, or JSON.
    pub fn of_failure(request: &Request) -> Self {
        let mut form = Form::negotiate(request, Endpoint::List).unwrap_or_default();
        form.shape = Shape::Whole;
        form
    }

    /// The answer's Content-Type.
    pub fn content_type(&self) -> &'static str {
        if self.is_yaml {
            "application/yaml"
        } else {
            "application/json"
        }
    }

    /// Whether JSON can be sent as it is stored.
    pub fn is_plain_json(&self) -> bool {
        !self.is_yaml && !self.is_pretty
    }

    /// A value as text.
    pub fn encode(&self, value: &Value) -> Bytes {
        if self.is_yaml {
            return to_yaml(value).into();
        }
        let json = if self.is_pretty {
            serde_json::to_vec_pretty(value)
        } else {
            serde_json::to_vec(value)
        };
        // Keys are text, so that a value can always be written.
        json.unwrap_or_default().into()
    }
}

/// YAML with sorted keys, as the real server's library writes it.
fn to_yaml(value: &Value) -> String {
    serde_saphyr::to_string(&sorted(value)).unwrap_or_default()
}

fn sorted(value: &Value) -> Value {
    match value {
        Value::Object(fields) => {
            let mut names: Vec<&String> = fields.keys().collect();
            names.sort();
            let fields = names.into_iter().map(|n| (n.clone(), sorted(&fields[n])));
            Value::Object(fields.collect::<Map<_, _>>())
        }
        Value::Array(items) => items.iter().map(sorted).collect(),
        other => other.clone(),
    }
}

/// What a body is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Written {
    /// JSON
    Json,
    /// YAML
    Yaml,
    /// Protobuf, in the envelope of Kubernetes
    Protobuf,
}

/// Reads the Content-Type of a body; JSON when there is none.
///
/// Errors: 415.
pub fn written(request: &Request) -> Result<Written, Status> {
    let kind = request.header(&CONTENT_TYPE);
    let kind = kind.split(';').next().unwrap_or_default().trim();
    match kind.to_ascii_lowercase().as_str() {
        "" | "application/json" => Ok(Written::Json),
        "application/yaml" => Ok(Written::Yaml),
        "application/vnd.kubernetes.protobuf" => Ok(Written::Protobuf),
        _ => Err(unsupported(SUPPORTED)),
    }
}

/// 415, with what would be read.
pub fn unsupported(accepted: &str) -> Status {
    Status::new(
        415,
        "UnsupportedMediaType",
        format!(
            "the body of the request was in an unknown format - accepted media types include: {accepted}"
        ),
    )
}

/// 406 of what is built in, in the words of the library that the real server routes with.
pub fn not_acceptable(streams: bool) -> Status {
    let more = match streams {
        true => ", application/json;stream=watch, application/vnd.kubernetes.protobuf;stream=watch",
        false => "",
    };
    Status::new(
        406,
        "NotAcceptable",
        format!("406: Not Acceptable\n\nAvailable representations: {SUPPORTED}{more}"),
    )
    .with(Details::default())
}

/// 406 of a watch in a form that has no events.
pub fn no_such_stream() -> Status {
    Status::new(
        406,
        "NotAcceptable",
        "only the following media types are accepted: application/json;stream=watch, application/vnd.kubernetes.protobuf;stream=watch",
    )
}

/// 415 of a patch of what is built in.
pub fn unsupported_patch() -> Status {
    Status::new(415, "UnsupportedMediaType", "415: Unsupported Media Type").with(Details::default())
}

/// Whether the client is one that people read: by parameter, otherwise by its name.
pub fn wants_pretty(request: &Request) -> bool {
    if let Some(text) = request
        .query
        .first("pretty")
        .filter(|text| !text.is_empty())
    {
        return matches!(text, "1" | "t" | "T" | "true" | "TRUE" | "True");
    }
    let agent = request.header(&USER_AGENT);
    ["curl", "Wget", "Mozilla/5.0"]
        .iter()
        .any(|people| agent.starts_with(people))
}

/// One part of an Accept header.
#[derive(Debug)]
pub struct Clause {
    /// The media type, lower case
    pub media: String,
    /// Its parameters but `q`
    pub parameters: Vec<(String, String)>,
    quality: f32,
}

/// Whether the client takes any type that is answered, whatever is to be made of objects.
pub fn accepts_some(request: &Request) -> bool {
    let clauses = accepted(request.header(&ACCEPT));
    clauses.iter().any(|clause| clause.is_yaml().is_some())
}

/// The parts of an Accept header, the most wanted first.
pub fn accepted(header: &str) -> Vec<Clause> {
    let mut clauses: Vec<Clause> = header.split(',').filter_map(Clause::parse).collect();
    // Stable: equally wanted ones keep their order. What names a type comes before wildcards.
    clauses.sort_by(|a, b| {
        let by_quality = b.quality.total_cmp(&a.quality);
        by_quality.then(a.wildcards().cmp(&b.wildcards()))
    });
    clauses
}

impl Clause {
    fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split(';').map(str::trim);
        let media = parts.next()?.to_ascii_lowercase();
        media.contains('/').then_some(())?;
        let mut clause = Clause {
            media,
            parameters: Vec::new(),
            quality: 1.0,
        };
        for part in parts {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            if name == "q" {
                clause.quality = value.parse().unwrap_or(0.0);
            } else {
                let value = value.trim_matches('"');
                clause.parameters.push((name.to_owned(), value.to_owned()));
            }
        }
        Some(clause)
    }

    fn wildcards(&self) -> usize {
        self.media.matches('*').count()
    }

    /// The parameter of that name, `""` without one.
    pub fn parameter(&self, name: &str) -> &str {
        let found = self.parameters.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str()).unwrap_or_default()
    }

    /// Whether that is YAML; `None` for what nothing is answered in.
    fn is_yaml(&self) -> Option<bool> {
        match self.media.as_str() {
            "application/json" | "application/*" | "*/*" => Some(false),
            "application/yaml" => Some(true),
            _ => None,
        }
    }

    fn form(&self, endpoint: Endpoint) -> Option<Form> {
        let is_yaml = self.is_yaml()?;
        let stream = self.parameter("stream");
        if !stream.is_empty() && stream != "watch" {
            return None;
        }
        Some(Form {
            is_yaml,
            is_pretty: self.parameter("pretty") == "1",
            shape: self.shape(endpoint)?,
        })
    }

    fn shape(&self, endpoint: Endpoint) -> Option<Shape> {
        let has = |name| self.parameters.iter().any(|(known, _)| known == name);
        if !["as", "g", "v"].into_iter().any(has) {
            return Some(Shape::Whole);
        }
        if endpoint == Endpoint::Plain || self.parameter("g") != "meta.k8s.io" {
            return None;
        }
        let version = match self.parameter("v") {
            "v1" => "v1",
            "v1beta1" => "v1beta1",
            _ => return None,
        };
        match self.parameter("as") {
            "Table" if endpoint == Endpoint::Untabled => None,
            "Table" => Some(Shape::Table { version }),
            "PartialObjectMetadata" => Some(Shape::Metadata {
                version,
                is_list: false,
            }),
            "PartialObjectMetadataList" => Some(Shape::Metadata {
                version,
                is_list: true,
            }),
            _ => None,
        }
    }
}

//! What the API answers when it does not do what was asked: a `Status` of meta/v1.
//!
//! Reasons, codes and messages are apimachinery's (`pkg/api/errors/errors.go`).

use std::fmt;

use serde_json::{Map, Value, json};

use super::field::{FieldError, aggregate};

/// A failure that a client can read: the body and the code of the answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Status {
    /// The HTTP code.
    pub code: u16,
    /// The word for programs, such as `NotFound`; empty where Kubernetes gives none.
    pub reason: &'static str,
    /// The sentence for people.
    pub message: String,
    /// What it is about.
    pub details: Option<Details>,
    /// Where a list whose state was forgotten can go on.
    pub continue_token: Option<String>,
}

/// The `details` of a [`Status`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Details {
    /// The object's name.
    pub name: String,
    /// Its group.
    pub group: String,
    /// Its kind; in most answers the resource's plural, as in Kubernetes.
    pub kind: String,
    /// Its uid.
    pub uid: String,
    /// What is wrong, item by item.
    pub causes: Vec<Cause>,
    /// When to ask again, in seconds.
    pub retry_after: Option<u32>,
}

/// One of the causes of a [`Status`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Cause {
    /// The word for programs, such as `FieldValueInvalid`.
    pub reason: &'static str,
    /// The sentence.
    pub message: String,
    /// The field's path, such as `spec.replicas`.
    pub field: String,
}

impl Status {
    /// A failure without details.
    pub fn new(code: u16, reason: &'static str, message: impl Into<String>) -> Self {
        Status {
            code,
            reason,
            message: message.into(),
            details: None,
            continue_token: None,
        }
    }

    /// 400: the request cannot be understood.
    pub fn bad_request(message: impl Into<String>) -> Self {
        Status::new(400, "BadRequest", message)
    }

    /// 404 for an object: `pods "web" not found`.
    pub fn not_found(group: &str, resource: &str, name: &str) -> Self {
        let message = format!("{} {name:?} not found", qualified(group, resource));
        Status::new(404, "NotFound", message).about(group, resource, name)
    }

    /// 404 for a path that nothing answers.
    pub fn no_such_path() -> Self {
        Status::new(
            404,
            "NotFound",
            "the server could not find the requested resource",
        )
        .with(Details::default())
    }

    /// 409: `pods "web" already exists`.
    pub fn already_exists(group: &str, resource: &str, name: &str) -> Self {
        let message = format!("{} {name:?} already exists", qualified(group, resource));
        Status::new(409, "AlreadyExists", message).about(group, resource, name)
    }

    /// 409: the write relies on what is no longer so.
    pub fn conflict(group: &str, resource: &str, name: &str, why: &str) -> Self {
        let resource_name = qualified(group, resource);
        let message = format!("Operation cannot be fulfilled on {resource_name} {name:?}: {why}");
        Status::new(409, "Conflict", message).about(group, resource, name)
    }

    /// 403: understood and refused.
    pub fn forbidden(group: &str, resource: &str, name: &str, why: &str) -> Self {
        let resource_name = qualified(group, resource);
        let message = match (resource.is_empty(), name.is_empty()) {
            (true, _) => format!("forbidden: {why}"),
            (_, true) => format!("{resource_name} is forbidden: {why}"),
            _ => format!("{resource_name} {name:?} is forbidden: {why}"),
        };
        Status::new(403, "Forbidden", message).about(group, resource, name)
    }

    /// 405: the path exists, the verb does not.
    pub fn method_not_allowed(message: impl Into<String>) -> Self {
        Status::new(405, "MethodNotAllowed", message).with(Details::default())
    }

    /// 422: what was sent is understood and wrong; one cause for each error. `group` and `kind`
    /// name the kind, not the resource, as in Kubernetes.
    pub fn invalid(group: &str, kind: &str, name: &str, errors: &[FieldError]) -> Self {
        let kind_name = qualified(group, kind);
        let message = format!("{kind_name} {name:?} is invalid: {}", aggregate(errors));
        let mut status = Status::new(422, "Invalid", message).about(group, kind, name);
        if let Some(details) = &mut status.details {
            details.causes = errors.iter().map(FieldError::cause).collect();
        }
        status
    }

    /// 410: the version asked for is gone.
    pub fn expired(message: impl Into<String>) -> Self {
        Status::new(410, "Expired", message)
    }

    /// 500.
    pub fn internal(problem: impl fmt::Display) -> Self {
        Status::new(
            500,
            "InternalError",
            format!("Internal error occurred: {problem}"),
        )
        .with(Details {
            causes: vec![Cause {
                reason: "",
                message: problem.to_string(),
                field: String::new(),
            }],
            ..Details::default()
        })
    }

    /// 501: what this server knows of and does not do. Never answered by a real server for what it
    /// serves, so that nobody takes it for one of its answers.
    pub fn not_built(what: impl fmt::Display) -> Self {
        Status::new(
            501,
            "NotImplemented",
            format!(
                "appop sandbox does not do this: {what}; `appop sandbox --real` runs the real servers"
            ),
        )
    }

    /// The same with that resource and name in its details.
    #[must_use]
    pub fn about(self, group: &str, kind: &str, name: &str) -> Self {
        self.with(Details {
            name: name.to_owned(),
            group: group.to_owned(),
            kind: kind.to_owned(),
            ..Details::default()
        })
    }

    /// The same with these details.
    #[must_use]
    pub fn with(mut self, details: Details) -> Self {
        self.details = Some(details);
        self
    }

    /// The body of the answer.
    pub fn to_json(&self) -> Value {
        let mut status = json!({
            "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
            "message": self.message,
        });
        if let Some(token) = &self.continue_token {
            status["metadata"]["continue"] = json!(token);
        }
        if !self.reason.is_empty() {
            status["reason"] = json!(self.reason);
        }
        if let Some(details) = &self.details {
            status["details"] = details.to_json();
        }
        status["code"] = json!(self.code);
        status
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Status {}

impl Details {
    fn to_json(&self) -> Value {
        let mut map = Map::new();
        let mut put = |key: &str, text: &str| {
            if !text.is_empty() {
                map.insert(key.to_owned(), json!(text));
            }
        };
        put("name", &self.name);
        put("group", &self.group);
        put("kind", &self.kind);
        put("uid", &self.uid);
        if !self.causes.is_empty() {
            let causes: Vec<Value> = self.causes.iter().map(Cause::to_json).collect();
            map.insert("causes".to_owned(), json!(causes));
        }
        if let Some(seconds) = self.retry_after {
            map.insert("retryAfterSeconds".to_owned(), json!(seconds));
        }
        Value::Object(map)
    }
}

impl Cause {
    fn to_json(&self) -> Value {
        let mut map = Map::new();
        for (key, text) in [
            ("reason", self.reason),
            ("message", self.message.as_str()),
            ("field", self.field.as_str()),
        ] {
            if !text.is_empty() {
                map.insert(key.to_owned(), json!(text));
            }
        }
        Value::Object(map)
    }
}

/// `deployments.apps`, or `pods` for the core group.
pub fn qualified(group: &str, resource: &str) -> String {
    if group.is_empty() {
        resource.to_owned()
    } else {
        format!("{resource}.{group}")
    }
}

//! A failed answer of the server, and what it means.

use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use serde::Deserialize;

use super::credentials::Credential;

/// The parts of a `metav1.Status` that matter here.
/// Source: k8s.io/apimachinery/pkg/apis/meta/v1/types.go.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Status {
    /// `Status`
    pub kind: String,
    /// What happened, for people
    pub message: String,
    /// What happened, in one word
    pub reason: String,
    /// What it happened to
    pub details: Option<Details>,
}

/// `metav1.StatusDetails`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Details {
    /// The object's name
    pub name: String,
    /// Its group
    pub group: String,
    /// The resource or kind
    pub kind: String,
    /// Every single problem
    pub causes: Vec<Cause>,
    /// Seconds to wait before trying again
    pub retry_after_seconds: u64,
}

/// `metav1.StatusCause`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Cause {
    /// The class of problem
    pub reason: String,
    /// What is wrong
    pub message: String,
    /// The field's path
    pub field: String,
}

/// An answer whose code is not 2xx.
#[derive(Clone, Debug)]
pub struct Failure {
    /// The request's method
    pub method: String,
    /// The request's path and query
    pub path: String,
    /// The answer's code
    pub code: StatusCode,
    /// The answer's headers
    pub headers: HeaderMap,
    /// The answer's body, up to 1 MiB of it
    pub body: Bytes,
    /// The body as a Status, if it is one
    pub status: Option<Status>,
    /// A sentence about the credential, for 401
    pub rejection: Option<String>,
}

/// How much of an error's body is read: the API server's own stay far below.
pub(super) const BODY_LIMIT: usize = 1 << 20;
/// How much of a body that is no Status is shown.
const SHOWN: usize = 300;

impl Failure {
    /// From an answer and the start of its body.
    pub(super) fn new(
        method: &str,
        path: &str,
        code: StatusCode,
        headers: HeaderMap,
        body: Bytes,
        credential: &Credential,
    ) -> Self {
        let status = serde_json::from_slice::<Status>(&body)
            .ok()
            .filter(|s| s.kind == "Status");
        let rejection = (code == StatusCode::UNAUTHORIZED)
            .then(|| credential.describe_rejection(jiff::Timestamp::now()));
        Failure {
            method: method.into(),
            path: path.into(),
            code,
            headers,
            body,
            status,
            rejection,
        }
    }

    /// What the server said, in its own words: the Status' message, or the start of the body.
    pub fn message(&self) -> String {
        if let Some(status) = &self.status {
            return status.message.clone();
        }
        let text = String::from_utf8_lossy(&self.body);
        let mut text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        if let Some((cut, _)) = text.char_indices().nth(SHOWN) {
            text.truncate(cut);
            text.push('…');
        }
        text
    }

    /// The Status' reason (`Forbidden`), or empty.
    pub fn reason(&self) -> &str {
        self.status
            .as_ref()
            .map(|s| s.reason.as_str())
            .unwrap_or_default()
    }

    /// What was asked and what the server said, in one line.
    pub fn headline(&self) -> String {
        let mut line = format!("{} {}: {}", self.method, self.path, self.code.as_u16());
        let reason = self.code.canonical_reason();
        if let Some(reason) = reason {
            line.push(' ');
            line.push_str(reason);
        }
        let message = self.message();
        if !message.is_empty() && Some(message.as_str()) != reason {
            line.push_str(": ");
            line.push_str(&message);
        }
        line
    }

    /// What the code means and what to do about it, as far as the answer alone tells.
    pub fn advice(&self) -> Option<String> {
        let causes = self
            .status
            .as_ref()
            .and_then(|s| s.details.as_ref())
            .map(|d| &d.causes);
        Some(match self.code.as_u16() {
            400 if self.message().contains("Upgrade request required") => {
                "exec, attach and port-forward are conversations, and one request is none. Use \
                 kubectl exec, attach or port-forward."
                    .into()
            }
            400 if self.message().contains(" cannot be handled as a ") => {
                "The body does not fit the path: look at its apiVersion, its kind, and the field \
                 that the server names. What fields a kind has says: appop explain KIND"
                    .into()
            }
            // Its message names the kind that the object does not say it is.
            400 if self.message().starts_with("invalid object type: ") => {
                "What is applied must say what it is: give it apiVersion, kind and metadata.name."
                    .into()
            }
            400 => "The server could not understand the request: look at its body and its query \
                    parameters."
                .into(),
            401 => self.rejection.clone()?,
            403 => return forbidden(&self.message()),
            404 if self.status.is_none() => {
                "The path is not one that the server knows. See what it serves with: appop discover"
                    .into()
            }
            404 => return None,
            405 => "This path does not take this method. See the verbs of the resource with: appop \
                    discover RESOURCE"
                .into(),
            406 => "The server cannot give any of the content types in Accept. End the list with \
                    application/json."
                .into(),
            408 => "The server gave up waiting for the request. Try again.".into(),
            409 => match self.reason() {
                "AlreadyExists" => "An object of that name exists already. Change it with PUT or \
                                    PATCH, or choose another name."
                    .into(),
                _ if causes.is_some_and(|c| c.iter().any(|c| c.reason == "FieldManagerConflict")) => {
                    "Another field manager owns these fields. Leave them out, or take them over with \
                     the query parameter force=true."
                        .into()
                }
                _ => "Somebody else changed the object in the meantime. Read it again, repeat the \
                      change on what you read, and send that."
                    .into(),
            },
            410 => "The resourceVersion or the continue token is too old: the server has forgotten \
                    that state. List again from the start."
                .into(),
            413 => "The body is larger than the server takes (3 MiB; etcd allows 1.5 MiB an object). \
                    Split it, or keep large data elsewhere."
                .into(),
            415 => "The server does not take this content type here. Objects are sent as \
                    application/json or application/yaml; a PATCH needs a patch type, and custom \
                    resources know no strategic merge patch."
                .into(),
            // The server keeps to itself what was wrong.
            422 if self.method == "PATCH" && causes.is_none_or(Vec::is_empty) => {
                "The patch does not fit the object: a test in it failed, or a path in it leads \
                 nowhere. Read the object, and mend the patch."
                    .into()
            }
            422 => "The object was understood but is not valid: mend the fields that the server names."
                .into(),
            429 => format!(
                "The server is busy, or a budget allows no eviction now. Try again{}.",
                self.wait().map(|s| format!(" in {s} s")).unwrap_or_default()
            ),
            500 => "Something failed inside the server, or in a webhook that it called. Its log, or \
                    the webhook's, says more."
                .into(),
            502 => "Something before the API server, or an aggregated server behind it, gave no \
                    answer."
                .into(),
            503 => "The API, or the aggregated server behind it, is not available now. See which \
                    are with: appop discover, and: appop raw '/readyz?verbose'"
                .into(),
            504 => "The server gave up waiting, often for etcd or a webhook. Whether a change was \
                    made is not known: read the object before you try again."
                .into(),
            300..=399 => "The server points elsewhere, and appop does not follow it there.".into(),
            _ => return None,
        })
    }

    /// Seconds to wait before trying again, if the server says so.
    pub fn wait(&self) -> Option<u64> {
        let header = self.headers.get(http::header::RETRY_AFTER);
        header
            .and_then(|v| v.to_str().ok()?.trim().parse().ok())
            .or_else(|| {
                let seconds = self.status.as_ref()?.details.as_ref()?.retry_after_seconds;
                (seconds > 0).then_some(seconds)
            })
    }
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.headline())?;
        if let Some(advice) = self.advice() {
            write!(f, "\n{advice}")?;
        }
        Ok(())
    }
}

/// Reads who lacks what out of the server's sentence, which has it in words only.
/// Source: k8s.io/apiserver/pkg/endpoints/handlers/responsewriters/errors.go (`forbiddenMessage`).
fn forbidden(message: &str) -> Option<String> {
    let quoted = |after: &str| {
        let rest = &message[message.find(after)? + after.len()..];
        Some(&rest[..rest.find('"')?])
    };
    let user = quoted("User \"")?;
    let verb = message.split(" cannot ").nth(1)?.split(' ').next()?;
    if verb == "impersonate" {
        let kind = quoted("resource \"").unwrap_or("users");
        return Some(format!(
            "User {user:?} may not act as somebody else: a role with the verb impersonate on {kind} \
             is missing."
        ));
    }
    let missing = if let Some(resource) = quoted("resource \"") {
        let group = quoted("API group \"").unwrap_or_default();
        let resource = match group {
            "" => resource.to_owned(),
            group => match resource.split_once('/') {
                Some((plural, sub)) => format!("{plural}.{group}/{sub}"),
                None => format!("{resource}.{group}"),
            },
        };
        match quoted("in the namespace \"") {
            Some(namespace) => format!("the verb {verb} on {resource} in namespace {namespace}"),
            None => format!("the verb {verb} on {resource} in the whole cluster"),
        }
    } else {
        format!(
            "the verb {verb} on the non-resource URL {}",
            quoted("path \"")?
        )
    };
    Some(format!(
        "The roles of user {user:?} lack {missing}. Ask for a role that has it; what this user may \
         do is shown by: kubectl auth can-i --list"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forbidden_names_verb_resource_and_place() {
        let of = |text: &str| forbidden(text).unwrap();
        let text = of(
            r#"deployments.apps is forbidden: User "anna" cannot list resource "deployments" in API group "apps" in the namespace "work""#,
        );
        assert!(
            text.contains("lack the verb list on deployments.apps in namespace work"),
            "{text}"
        );
        let text = of(
            r#"nodes is forbidden: User "anna" cannot watch resource "nodes" in API group "" at the cluster scope"#,
        );
        assert!(
            text.contains("the verb watch on nodes in the whole cluster"),
            "{text}"
        );
        let text = of(
            r#"pods "x" is forbidden: User "anna" cannot get resource "pods/log" in API group "" in the namespace "work""#,
        );
        assert!(text.contains("get on pods/log in namespace work"), "{text}");
        let text = of(r#"forbidden: User "anna" cannot get path "/metrics""#);
        assert!(text.contains("the non-resource URL /metrics"), "{text}");
        let text = of(
            r#"users "bert" is forbidden: User "anna" cannot impersonate resource "users" in API group "" at the cluster scope"#,
        );
        assert!(text.contains("verb impersonate on users"), "{text}");
    }

    #[test]
    fn messages_without_that_form_give_no_advice() {
        for text in [
            "",
            "forbidden",
            "User \"a",
            "violates PodSecurity \"restricted\"",
        ] {
            assert_eq!(forbidden(text), None, "{text}");
        }
    }
}

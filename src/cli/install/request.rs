//! The requests of `install` and `uninstall`.

use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, StatusCode, header};
use serde_json::{Value, json};
use tokio::time::timeout;

use super::object::{Id, Object};
use crate::cluster::{Error, Server, from_json, parse_path};

/// The field manager of all that is installed.
pub(super) const MANAGER: &str = "appop-install";
/// A server gives a write up after this time by itself.
const PATIENCE: Duration = Duration::from_secs(60);
/// Far more than any object that is written here.
const ANSWER_LIMIT: usize = 16 << 20;

/// Whether a write is only tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::cli) enum Write {
    /// For good
    Really,
    /// The server checks everything and keeps nothing
    Trial,
}

/// The object as it is on the server; `None` if there is none.
pub(in crate::cli) async fn get(server: &Server, id: &Id) -> Result<Option<Value>, Error> {
    match server.get_json(&id.path(), "application/json").await {
        Ok(object) => Ok(Some(object)),
        Err(problem) if code(&problem) == Some(404) => Ok(None),
        Err(problem) => Err(problem),
    }
}

/// Applies an object. Gives it as the server has it now, and whether it is new.
///
/// Errors: what the server says, 409 among it where somebody else has set a field otherwise and
/// `force` is not set.
pub(super) async fn apply(
    server: &Server,
    object: &Object,
    write: Write,
    force: bool,
) -> anyhow::Result<(bool, Value)> {
    let mut path = format!(
        "{}?fieldManager={MANAGER}&fieldValidation=Strict",
        object.id.path()
    );
    if force {
        path.push_str("&force=true");
    }
    if write == Write::Trial {
        path.push_str("&dryRun=All");
    }
    let kind = "application/apply-patch+yaml";
    let (code, answer) = send(server, Method::PATCH, &path, kind, &object.value).await?;
    Ok((code == StatusCode::CREATED, answer))
}

/// Deletes the object with this uid, and none that has taken its place since. Absence is fine.
pub(in crate::cli) async fn delete(
    server: &Server,
    id: &Id,
    uid: &str,
    policy: &str,
    write: Write,
) -> anyhow::Result<()> {
    let mut options = json!({
        "apiVersion": "v1",
        "kind": "DeleteOptions",
        "preconditions": { "uid": uid },
        "propagationPolicy": policy,
    });
    if write == Write::Trial {
        options["dryRun"] = json!(["All"]);
    }
    let kind = "application/json";
    match send(server, Method::DELETE, &id.path(), kind, &options).await {
        Ok(_) => Ok(()),
        Err(problem) if code_of(&problem) == Some(404) => Ok(()),
        Err(problem) => Err(problem),
    }
}

/// Deletes all objects of a path, each after what it owns.
pub(in crate::cli) async fn delete_all(
    server: &Server,
    path: &str,
    write: Write,
) -> anyhow::Result<()> {
    let mut options = json!({
        "apiVersion": "v1",
        "kind": "DeleteOptions",
        "propagationPolicy": "Foreground",
    });
    if write == Write::Trial {
        options["dryRun"] = json!(["All"]);
    }
    send(server, Method::DELETE, path, "application/json", &options).await?;
    Ok(())
}

async fn send(
    server: &Server,
    method: Method,
    path: &str,
    content_type: &'static str,
    body: &Value,
) -> anyhow::Result<(StatusCode, Value)> {
    let request = Request::builder()
        .method(method.clone())
        .uri(parse_path(path)?)
        .header(header::ACCEPT, "application/json")
        .header(header::CONTENT_TYPE, content_type)
        .body(Bytes::from(body.to_string()))?;
    let whole = async {
        let answer = server.send(request).await?;
        let code = answer.status();
        if !code.is_success() {
            let failure = server.failure(&method, path, answer).await?;
            return Err(Error::Http(Box::new(failure)));
        }
        let body = server.read(path, answer.into_body(), ANSWER_LIMIT).await?;
        Ok((code, from_json(path, &body)?))
    };
    match timeout(PATIENCE, whole).await {
        Ok(answer) => Ok(answer?),
        Err(_) => anyhow::bail!(
            "{method} {}{path} failed: no answer within {PATIENCE:?}. Whether it was done is not \
             known; the same command again goes on from what is there.",
            server.url()
        ),
    }
}

/// The code of the server's answer, if there was one.
pub(in crate::cli) fn code(problem: &Error) -> Option<u16> {
    problem.failure().map(|failure| failure.code.as_u16())
}

/// As [`code`], of an error on its way out.
pub(in crate::cli) fn code_of(problem: &anyhow::Error) -> Option<u16> {
    problem.downcast_ref::<Error>().and_then(code)
}

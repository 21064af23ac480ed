//! Which part of the server answers a path.

pub mod answer;
pub mod media;
pub mod options;
pub mod path;
pub mod request;

use std::sync::Arc;

use http::Method;
use serde_json::{Value, json};

use super::api::Api;
use super::authz::Attributes;
use super::catalog::catalog;
use super::discovery::{self, Page};
use super::selector::FieldSelector;
use super::status::Status;
use super::{health, names, openapi, verbs};
use answer::Answer;
use media::{Endpoint, Form};
use path::Target;
use request::Request;

/// Answers a request of somebody who is known.
pub fn answer(api: &Arc<Api>, request: &Request) -> Answer {
    let answered = respond(api, request);
    let answer = answered.unwrap_or_else(|status| failure(&status, request));
    api.metrics.count(request, &answer);
    answer
}

/// A failure in the form that the client takes.
pub fn failure(status: &Status, request: &Request) -> Answer {
    Answer::failure(status, &Form::of_failure(request))
}

fn respond(api: &Arc<Api>, request: &Request) -> Result<Answer, Status> {
    let target = Target::parse(&request.path);
    let selected = target.as_ref().and_then(|target| selected(request, target));
    let selected = selected.as_deref().unwrap_or_default();
    let attributes = attributes(request, target.as_ref(), selected);
    api.authorizer.authorize(&api.store, &attributes)?;
    if let Some(target) = target {
        return verbs::answer(api, request, &target);
    }
    let path = request.path.as_str();
    if let Some(page) = Page::of(path) {
        return discovery::answer(&api.registry, &page, request, &api.settings.address);
    }
    if let Some(answer) = health::answer(request) {
        return Ok(answer);
    }
    if let Some(answer) = openapi::answer(api, request) {
        return Ok(answer);
    }
    match path {
        "/" => Ok(Answer::value(
            200,
            &paths(api),
            &Form::negotiate(request, Endpoint::Plain)?,
        )),
        "/openapi/v2" => openapi::version_2(request),
        "/version" | "/version/" if request.method != Method::GET => {
            let message = "the server does not allow this method on the requested resource";
            Err(Status::method_not_allowed(message))
        }
        "/version" | "/version/" => {
            let form = Form {
                is_pretty: true,
                ..Form::default()
            };
            Ok(Answer::value(200, &version(), &form))
        }
        "/metrics" => Ok(api.metrics.answer(api)),
        "/.well-known/openid-configuration" | "/openid/v1/jwks" => {
            Ok(api.tokens.answer(path, &api.settings.address))
        }
        _ => Ok(Answer::page_not_found()),
    }
}

/// The name of the only object that a list or a watch may show, by its selector: who may see that
/// one may list it (`NewRequestInfo` in apiserver's pkg/endpoints/request).
fn selected(request: &Request, target: &Target) -> Option<String> {
    if !target.name.is_empty() || !matches!(verbs::verb(request, target), "list" | "watch") {
        return None;
    }
    let selector = FieldSelector::parse(request.query.first("fieldSelector")?).ok()?;
    let name = selector.exact("metadata.name")?;
    names::path_segment(name)
        .is_empty()
        .then(|| name.to_owned())
}

/// `selected` is the name where the path has none.
fn attributes<'a>(
    request: &'a Request,
    target: Option<&'a Target>,
    selected: &'a str,
) -> Attributes<'a> {
    let Some(target) = target else {
        return Attributes {
            user: &request.user,
            verb: match request.method {
                Method::GET => "get",
                Method::HEAD => "head",
                Method::POST => "post",
                Method::PUT => "put",
                Method::PATCH => "patch",
                Method::DELETE => "delete",
                _ => "options",
            },
            path: &request.path,
            ..Attributes::of(&request.user)
        };
    };
    Attributes {
        verb: verbs::verb(request, target),
        group: &target.group,
        version: &target.version,
        resource: &target.plural,
        subresource: &target.subresource,
        namespace: &target.namespace,
        name: match target.name.as_str() {
            "" => selected,
            name => name,
        },
        ..Attributes::of(&request.user)
    }
}

/// What `/version` says: the Kubernetes that this behaves as, and who built it.
fn version() -> Value {
    let mut version = catalog().version().clone();
    version["goVersion"] = json!("appop");
    version["platform"] = json!(format!(
        "{}/{}",
        std::env::consts::OS,
        std::env::consts::ARCH
    ));
    version
}

/// The paths that `/` lists: those of the real server that are answered here.
fn paths(api: &Api) -> Value {
    let mut paths: Vec<String> = catalog()
        .paths()
        .iter()
        .filter(|path| {
            !["/flagz", "/statusz", "/metrics/slis", "/openapi/v2"].contains(&path.as_str())
        })
        .cloned()
        .collect();
    for group in api.registry.groups().iter().filter(|group| group.is_custom) {
        paths.push(format!("/apis/{}", group.name));
        for version in &group.versions {
            paths.push(format!("/apis/{}/{}", group.name, version.name));
        }
    }
    paths.sort();
    json!({ "paths": paths })
}

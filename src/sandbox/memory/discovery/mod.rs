//! What is served, as `/api` and `/apis` tell it: in the aggregated form and in the legacy one.

mod aggregated;
mod legacy;

use http::Method;
use http::header::{ACCEPT, IF_NONE_MATCH};
use serde_json::Value;
use sha2::{Digest, Sha512};

use super::registry::{Group, Registry};
use super::resource::Resource;
use super::route::answer::Answer;
use super::route::media::{self, Endpoint, Form};
use super::route::request::Request;
use super::status::Status;

/// The media type of the aggregated form, with its parameters in the real server's order.
const AGGREGATED: &str = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";

/// A path of discovery.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Page<'a> {
    /// `/api`
    Core,
    /// `/apis`
    Groups,
    /// `/apis/GROUP`
    Group(&'a str),
    /// `/api/v1` or `/apis/GROUP/VERSION`
    Version(&'a str, &'a str),
}

impl<'a> Page<'a> {
    /// Reads a path; `None` where it is none of discovery's.
    pub fn of(path: &'a str) -> Option<Self> {
        let parts: Vec<&str> = path
            .strip_prefix('/')?
            .trim_end_matches('/')
            .split('/')
            .collect();
        match parts[..] {
            ["api"] => Some(Page::Core),
            ["apis"] => Some(Page::Groups),
            ["api", version] => Some(Page::Version("", version)),
            ["apis", group] => Some(Page::Group(group)),
            ["apis", group, version] => Some(Page::Version(group, version)),
            _ => None,
        }
    }
}

/// Answers a GET of a page. `address` is where the server says it is, such as `127.0.0.1:6443`.
///
/// Errors: 404, 406.
pub fn answer(
    registry: &Registry,
    page: &Page<'_>,
    request: &Request,
    address: &str,
) -> Result<Answer, Status> {
    let groups = registry.groups();
    let is_root = matches!(page, Page::Core | Page::Groups);
    if is_root && request.method == Method::GET && wants_aggregated(request) {
        let is_core = *page == Page::Core;
        return Ok(aggregated(&groups, is_core, request));
    }
    if request.method != Method::GET {
        let message = "the server does not allow this method on the requested resource";
        return Err(Status::method_not_allowed(message));
    }
    let form = Form::negotiate(request, Endpoint::Plain);
    let accept = request.header(&ACCEPT);
    let form = match page {
        Page::Core if accept == "application/*" => Err(media::not_acceptable(false)),
        Page::Core => form.map_err(|_| media::not_acceptable(false)),
        _ => form,
    }?;
    let body = match page {
        Page::Core => legacy::versions(address),
        Page::Groups => legacy::groups(&groups),
        Page::Group(name) => match groups.iter().find(|g| g.name == *name && !name.is_empty()) {
            Some(group) => legacy::group(group),
            None => return Ok(Answer::page_not_found()),
        },
        Page::Version(group, version) => match registry.version(group, version) {
            Some(resources) => legacy::resources(group, version, &resources),
            // Paths below a group that is served are answered by the API, others by nobody.
            None if registry.is_built_in(group) => return Err(Status::no_such_path()),
            None => return Ok(Answer::page_not_found()),
        },
    };
    Ok(Answer::value(200, &body, &form))
}

fn wants_aggregated(request: &Request) -> bool {
    for clause in media::accepted(request.header(&ACCEPT)) {
        let is_json = ["application/json", "application/*", "*/*"].contains(&clause.media.as_str());
        if !is_json {
            continue;
        }
        if clause.parameter("as").is_empty() {
            return false;
        }
        let asks = ["g", "v", "as"].map(|name| clause.parameter(name));
        if asks == ["apidiscovery.k8s.io", "v2", "APIGroupDiscoveryList"] {
            return true;
        }
    }
    false
}

fn aggregated(groups: &[Group], is_core: bool, request: &Request) -> Answer {
    let document = aggregated::document(groups, is_core);
    let plain = serde_json::to_vec(&document).unwrap_or_default();
    let tag = format!("\"{}\"", etag(&plain));
    let known = request.header(&IF_NONE_MATCH);
    // Just the one tag counts, as on the real server.
    let mut answer = if known == tag {
        let mut answer = Answer::new(304, AGGREGATED, "");
        answer
            .headers
            .retain(|(name, _)| *name != http::header::CONTENT_TYPE);
        answer
    } else {
        let form = Form::negotiate(request, Endpoint::Plain).unwrap_or_else(|_| Form {
            is_pretty: media::wants_pretty(request),
            ..Form::default()
        });
        Answer::new(200, AGGREGATED, form.encode(&document))
    };
    answer = answer.header("vary", "Accept");
    answer
        .header("etag", &tag)
        .header("cache-control", "public")
}

/// A hash as the real server writes it into ETags and URLs: SHA-512, upper-case hex.
pub fn etag(bytes: &[u8]) -> String {
    let digest = Sha512::digest(bytes);
    let hex = digest.iter().map(|byte| format!("{byte:02X}"));
    hex.collect()
}

/// What both forms say of a resource's names.
fn words(resource: &Resource) -> impl Iterator<Item = (&'static str, Value)> {
    let lists = [
        ("shortNames", &resource.short_names),
        ("categories", &resource.categories),
    ];
    let lists = lists.into_iter().filter(|(_, words)| !words.is_empty());
    lists.map(|(name, words)| (name, words.iter().map(String::as_str).collect()))
}

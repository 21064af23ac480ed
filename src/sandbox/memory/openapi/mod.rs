//! `/openapi/v3`: an index, and a document for each group-version at an address that changes with its
//! content (kube-openapi's `pkg/handler3`).

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use http::header::{ACCEPT, IF_NONE_MATCH};
use serde_json::{Map, json};

use super::api::Api;
use super::catalog::catalog;
use super::crd;
use super::discovery::etag;
use super::registry::Behaviour;
use super::route::answer::Answer;
use super::route::media;
use super::route::request::Request;
use super::status::Status;

/// The documents that were asked for, kept while what they describe stays.
#[derive(Default)]
pub struct Documents {
    custom: Mutex<(u64, BTreeMap<String, Document>)>,
    built_in: Mutex<BTreeMap<String, Document>>,
}

#[derive(Clone)]
struct Document {
    json: Bytes,
    hash: Arc<str>,
}

/// Answers a path below `/openapi/v3`; `None` for any other.
pub fn answer(api: &Api, request: &Request) -> Option<Answer> {
    let path = request.path.strip_prefix("/openapi/v3")?;
    let path = path.strip_prefix('/').unwrap_or(path);
    if path.is_empty() {
        return Some(index(api));
    }
    let Some(document) = api.documents.get(api, path) else {
        let mut answer = Answer::new(404, "text/plain", "");
        answer
            .headers
            .retain(|(name, _)| *name != http::header::CONTENT_TYPE);
        return Some(answer);
    };
    if !wants_json(request) {
        return Some(Answer::new(406, "text/plain", ""));
    }
    let tag = format!("\"{}\"", document.hash);
    let tagged = |answer: Answer| answer.header("etag", &tag).header("vary", "Accept");
    match request.query.first("hash") {
        Some(hash) if hash != &*document.hash => {
            let place = format!("/openapi/v3/{path}?hash={}", document.hash);
            let answer = Answer::new(301, "application/json", "");
            return Some(tagged(answer).header("location", &place));
        }
        _ => {}
    }
    let known = request.header(&IF_NONE_MATCH);
    if known.split(',').any(|part| part.trim() == tag) {
        let mut answer = tagged(Answer::new(304, "application/json", ""));
        answer
            .headers
            .retain(|(name, _)| *name != http::header::CONTENT_TYPE);
        return Some(answer);
    }
    let answer = tagged(Answer::new(200, "application/json", document.json));
    let answer = answer.header("last-modified", &api.started);
    Some(match request.query.first("hash") {
        // What is at the address of its content never changes.
        Some(_) => answer.header("cache-control", "public, immutable"),
        None => answer,
    })
}

/// OpenAPI v2, which has all that v3 has in one old form, is not built. kubectl insists on it for what
/// v3 does not describe, such as a `List`, and goes on when there is nothing about that: so it is told
/// that nothing is described, in the protobuf that it asks for.
///
/// # Errors
/// 501 for anybody else.
pub fn version_2(request: &Request) -> Result<Answer, Status> {
    const PROTOBUF: &str = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf";
    if !request.header(&ACCEPT).contains("proto-openapi.spec.v2") {
        return Err(Status::not_built("OpenAPI v2; /openapi/v3 has all of it"));
    }
    let text = |field: u8, text: &[u8]| {
        // Both are far shorter than 128 bytes.
        let length = u8::try_from(text.len()).unwrap_or_default();
        [&[field << 3 | 2, length], text].concat()
    };
    let version = format!("v{}", catalog().kubernetes());
    let info = [text(1, b"Kubernetes"), text(2, version.as_bytes())].concat();
    let document = [text(1, b"2.0"), text(2, &info), text(8, b"")].concat();
    Ok(Answer::new(200, PROTOBUF, document))
}

fn wants_json(request: &Request) -> bool {
    let accept = request.header(&ACCEPT);
    accept.is_empty()
        || media::accepted(accept).iter().any(|clause| {
            ["application/json", "application/*", "*/*"].contains(&clause.media.as_str())
        })
}

fn index(api: &Api) -> Answer {
    let mut names: Vec<String> = catalog().openapi_names();
    for group in api.registry.groups().iter().filter(|group| group.is_custom) {
        for version in &group.versions {
            names.push(format!("apis/{}/{}", group.name, version.name));
        }
    }
    names.sort();
    let mut paths = Map::new();
    for name in names {
        let Some(hash) = api.documents.hash(api, &name) else {
            continue;
        };
        let url = format!("/openapi/v3/{name}?hash={hash}");
        paths.insert(name, json!({ "serverRelativeURL": url }));
    }
    let index = json!({ "paths": paths }).to_string();
    let answer = Answer::new(200, "text/plain; charset=utf-8", index);
    answer.header("last-modified", &api.started)
}

impl Documents {
    fn hash(&self, api: &Api, name: &str) -> Option<Arc<str>> {
        if let Some(hash) = catalog().openapi_hash(name) {
            return Some(hash.into());
        }
        self.get(api, name).map(|document| document.hash)
    }

    fn get(&self, api: &Api, name: &str) -> Option<Document> {
        let mut built_in = self.built_in.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(document) = built_in.get(name) {
            return Some(document.clone());
        }
        if let Some(json) = catalog().openapi(name) {
            let document = Document::new(json, catalog().openapi_hash(name));
            built_in.insert(name.to_owned(), document.clone());
            return Some(document);
        }
        drop(built_in);
        let generation = api.registry.generation();
        let mut custom = self.custom.lock().unwrap_or_else(PoisonError::into_inner);
        if custom.0 != generation {
            *custom = (generation, BTreeMap::new());
        }
        if let Some(document) = custom.1.get(name) {
            return Some(document.clone());
        }
        let document = Document::new(custom_document(api, name)?, None);
        custom.1.insert(name.to_owned(), document.clone());
        Some(document)
    }
}

impl Document {
    fn new(json: Vec<u8>, hash: Option<String>) -> Self {
        let hash = hash.unwrap_or_else(|| etag(&json));
        Document {
            hash: hash.into(),
            json: json.into(),
        }
    }
}

fn custom_document(api: &Api, name: &str) -> Option<Vec<u8>> {
    let (group, version) = name.strip_prefix("apis/")?.split_once('/')?;
    let served = api.registry.custom_of(group, version);
    if served.is_empty() {
        return None;
    }
    let versions: Vec<_> = served
        .iter()
        .filter_map(|served| match &served.behaviour {
            Behaviour::Custom(version) => Some(Arc::clone(version)),
            Behaviour::BuiltIn(_) => None,
        })
        .collect();
    let document = crd::openapi(&versions);
    serde_json::to_vec(&document).ok()
}

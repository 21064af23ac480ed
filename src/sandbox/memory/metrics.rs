//! `/metrics`: what requests there were, in the names of the real server's metrics.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::{Mutex, PoisonError};

use super::api::Api;
use super::route::answer::Answer;
use super::route::path::Target;
use super::route::request::Request;
use super::verbs;

type Labels = (String, String, String, String, &'static str, u16);

/// Counts of requests, by group, version, resource, subresource, verb and code.
#[derive(Debug, Default)]
pub struct Metrics(Mutex<BTreeMap<Labels, u64>>);

impl Metrics {
    /// Counts a request that was answered.
    pub fn count(&self, request: &Request, answer: &Answer) {
        let target = Target::parse(&request.path).unwrap_or_default();
        let verb = match verbs::verb(request, &target) {
            "get" if target.plural.is_empty() => "GET",
            "get" => "GET",
            "list" => "LIST",
            "watch" => "WATCH",
            "create" => "POST",
            "update" => "PUT",
            "patch" if is_apply(request) => "APPLY",
            "patch" => "PATCH",
            "delete" => "DELETE",
            "deletecollection" => "DELETECOLLECTION",
            _ => "OTHER",
        };
        let labels = (
            target.group,
            target.version,
            target.plural,
            target.subresource,
            verb,
            answer.code,
        );
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // Paths that nobody serves are the clients' invention, without end.
        if counts.len() < MOST || counts.contains_key(&labels) {
            *counts.entry(labels).or_default() += 1;
        }
    }

    /// All of it as text that Prometheus reads.
    pub fn answer(&self, api: &Api) -> Answer {
        let mut text = String::new();
        text.push_str(
            "# HELP apiserver_request_total [STABLE] Counter of apiserver requests by group, version, resource, subresource, verb and code.\n# TYPE apiserver_request_total counter\n",
        );
        let counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for ((group, version, resource, subresource, verb, code), count) in counts.iter() {
            // Writing to a String cannot fail.
            let _ = writeln!(
                text,
                "apiserver_request_total{{code=\"{code}\",group={group:?},resource={resource:?},subresource={subresource:?},verb=\"{verb}\",version={version:?}}} {count}"
            );
        }
        text.push_str(
            "# HELP apiserver_storage_objects [STABLE] Number of stored objects at the time of last check split by kind.\n# TYPE apiserver_storage_objects gauge\n",
        );
        for served in api.registry.each() {
            let resource = &served.resource;
            let name = super::status::qualified(&resource.group, &resource.plural);
            let count = api.store.count(served.shelf);
            let _ = writeln!(
                text,
                "apiserver_storage_objects{{resource={name:?}}} {count}"
            );
        }
        Answer::new(
            200,
            "text/plain; version=0.0.4; charset=utf-8; escaping=underscores",
            text,
        )
    }
}

/// More series than any client of what is served can make.
const MOST: usize = 10_000;

fn is_apply(request: &Request) -> bool {
    let kind = request.header(&http::header::CONTENT_TYPE);
    kind.starts_with("application/apply-patch")
}

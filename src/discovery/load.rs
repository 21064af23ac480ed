//! Asking a server what it serves: two requests where it knows aggregated discovery, more where
//! it does not, none where the cache is trusted.

use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde::Deserialize;

use crate::cluster::{Error, Server, from_json};

use super::aggregated::GroupList;
use super::cache::{Cache, Entry};
use super::legacy::{self, ApiGroupList, ApiVersions, Names};
use super::model::{Discovery, Form, Group, GroupVersionFailure};

/// The order of media types that client-go sends, newest first.
const ACCEPT: &str = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,\
                      application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList,\
                      application/json";
/// The file of a discovery that was pieced together from legacy documents.
const LEGACY: &str = "legacy.json";

/// What the cache is good for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CacheMode {
    /// Ask the server whether what is kept is still right: two requests without bodies
    #[default]
    Revalidate,
    /// Believe what is kept, whatever its age; ask only where nothing is kept
    Trust,
    /// Ask for everything anew
    Refetch,
}

/// Loads what `server` serves.
///
/// Group-versions that the server itself cannot reach are in [`Discovery::failures`]; what can be
/// had is there all the same.
///
/// Errors: the server cannot be reached, or refuses both `/api` and `/apis`.
pub async fn load(
    server: &Server,
    cache: Option<&Cache>,
    mode: CacheMode,
) -> Result<Discovery, Error> {
    if mode == CacheMode::Trust
        && let Some(kept) = cache.and_then(cached)
    {
        return Ok(kept);
    }
    let (core, named) = futures::join!(
        document(server, cache, mode, "/api"),
        document(server, cache, mode, "/apis")
    );
    let mut failures = Vec::new();
    let (mut groups, mut wanted) = (Vec::new(), Names::new());
    let mut form = Form::Aggregated;
    let (mut refused, mut missing) = (Vec::new(), 0);
    for (path, document) in [("/api", core), ("/apis", named)] {
        match document {
            Ok(Document::Groups(some)) => groups.extend(some),
            Ok(Document::Names(some)) => {
                form = Form::Legacy;
                wanted.extend(some);
            }
            Ok(Document::Missing) => missing += 1,
            Err(problem @ Error::Transport { .. }) => return Err(problem),
            Err(problem) => {
                let (group, version) = if path == "/api" {
                    ("", "v1")
                } else {
                    (GroupVersionFailure::EVERY, GroupVersionFailure::EVERY)
                };
                failures.push(GroupVersionFailure {
                    group: group.into(),
                    version: version.into(),
                    reason: legacy::reason(&problem),
                });
                refused.push(problem);
            }
        }
    }
    if refused.len() == 2 {
        return Err(refused.remove(0));
    }
    if missing == 2 {
        return Err(Error::Answer {
            path: "/api".into(),
            problem: "it is 404 Not Found, and so is that to /apis; is this a Kubernetes API \
                      server, and is the path in its address right?"
                .into(),
        });
    }
    if !wanted.is_empty() {
        let (fetched, failed) = legacy::fetch(server, wanted).await?;
        groups.extend(fetched);
        failures.extend(failed);
    }
    let mut discovery = Discovery {
        groups,
        failures,
        form,
    };
    explain_stale(server, &mut discovery).await;
    if form == Form::Legacy && discovery.failures.is_empty() && !discovery.groups.is_empty() {
        keep_legacy(cache, &discovery);
    }
    Ok(discovery)
}

/// What the cache holds, without asking anybody. For completion and `--cached`.
pub fn cached(cache: &Cache) -> Option<Discovery> {
    let aggregated = || {
        let mut groups = Vec::new();
        for path in ["/api", "/apis"] {
            let entry = cache.read(file_of(path))?;
            groups.extend(
                serde_json::from_slice::<GroupList>(&entry.body)
                    .ok()?
                    .into_groups(),
            );
        }
        let failures = stale(&groups)
            .map(|(group, version)| GroupVersionFailure {
                group: group.into(),
                version: version.into(),
                reason: "the server could not reach it when it was asked last".into(),
            })
            .collect();
        Some(Discovery {
            groups,
            failures,
            form: Form::Aggregated,
        })
    };
    aggregated().or_else(|| serde_json::from_slice(&cache.read(LEGACY)?.body).ok())
}

enum Document {
    Groups(Vec<Group>),
    Names(Names),
    /// 404: the server has no such thing, which is fine for one of the two
    Missing,
}

fn file_of(path: &str) -> &str {
    path.trim_start_matches('/')
}

async fn document(
    server: &Server,
    cache: Option<&Cache>,
    mode: CacheMode,
    path: &str,
) -> Result<Document, Error> {
    let kept = cache
        .filter(|_| mode != CacheMode::Refetch)
        .and_then(|c| c.read(file_of(path)));
    let mut headers = HeaderMap::new();
    if let Some(etag) = kept
        .as_ref()
        .and_then(|e| HeaderValue::from_str(&e.etag).ok())
        && !etag.is_empty()
    {
        headers.insert(header::IF_NONE_MATCH, etag);
    }
    let answer = match server.get_with(path, ACCEPT, headers).await {
        Ok(answer) => answer,
        Err(problem)
            if problem
                .failure()
                .is_some_and(|f| f.code == StatusCode::NOT_FOUND) =>
        {
            return Ok(Document::Missing);
        }
        Err(problem) => return Err(problem),
    };
    if answer.code == StatusCode::NOT_MODIFIED
        && let Some(kept) = kept
    {
        return parse(path, &kept.content_type, &kept.body);
    }
    let content_type = answer.header(header::CONTENT_TYPE).to_owned();
    let document = parse(path, &content_type, &answer.body)?;
    if let (Document::Groups(groups), Some(cache)) = (&document, cache)
        && !groups.is_empty()
    {
        let etag = answer.header(header::ETAG).to_owned();
        let entry = Entry {
            etag,
            content_type,
            body: answer.body.to_vec(),
        };
        if let Err(problem) = cache.write(file_of(path), &entry) {
            tracing::debug!(%problem, "the discovery cache cannot be written");
        }
    }
    Ok(document)
}

fn parse(path: &str, content_type: &str, body: &[u8]) -> Result<Document, Error> {
    if is_aggregated(content_type) {
        return Ok(Document::Groups(
            from_json::<GroupList>(path, body)?.into_groups(),
        ));
    }
    #[derive(Deserialize)]
    struct Kind {
        #[serde(default)]
        kind: String,
    }
    match from_json::<Kind>(path, body)?.kind.as_str() {
        "APIVersions" => {
            let versions = from_json::<ApiVersions>(path, body)?.versions;
            Ok(Document::Names(vec![(String::new(), versions)]))
        }
        "APIGroupList" => Ok(Document::Names(
            from_json::<ApiGroupList>(path, body)?.into_names(),
        )),
        // Some proxies strip the parameters of a Content-Type.
        "APIGroupDiscoveryList" => Ok(Document::Groups(
            from_json::<GroupList>(path, body)?.into_groups(),
        )),
        other => Err(Error::Answer {
            path: path.to_owned(),
            problem: format!("its kind is {other:?}; is this a Kubernetes API server?"),
        }),
    }
}

/// Whether a Content-Type is aggregated discovery, whatever the order of its parameters.
fn is_aggregated(content_type: &str) -> bool {
    let mut parts = content_type.split(';').map(str::trim);
    let is_json = parts.next() == Some("application/json");
    let parameters: Vec<&str> = parts.collect();
    let has = |wanted| parameters.contains(&wanted);
    is_json
        && has("g=apidiscovery.k8s.io")
        && has("as=APIGroupDiscoveryList")
        && (has("v=v2") || has("v=v2beta1"))
}

fn stale(groups: &[Group]) -> impl Iterator<Item = (&str, &str)> {
    groups.iter().flat_map(|group| {
        let stale = group.versions.iter().filter(|v| v.stale);
        stale.map(|version| (group.name.as_str(), version.version.as_str()))
    })
}

/// Aggregated discovery says that a group-version is stale, not why. Its APIService does, or else
/// its own document fails with the reason.
async fn explain_stale(server: &Server, discovery: &mut Discovery) {
    let known = |group: &str, version: &str, failures: &[GroupVersionFailure]| {
        failures
            .iter()
            .any(|f| f.group == group && f.version == version)
    };
    let wanted: Vec<(String, String)> = stale(&discovery.groups)
        .filter(|(group, version)| !known(group, version, &discovery.failures))
        .map(|(group, version)| (group.to_owned(), version.to_owned()))
        .collect();
    let reasons = wanted.into_iter().map(|(group, version)| async move {
        let reason = stale_reason(server, &group, &version).await;
        GroupVersionFailure {
            group,
            version,
            reason,
        }
    });
    let found = futures::future::join_all(reasons).await;
    discovery.failures.extend(found);
}

async fn stale_reason(server: &Server, group: &str, version: &str) -> String {
    #[derive(Deserialize)]
    struct ApiService {
        #[serde(default)]
        status: Status,
    }
    #[derive(Default, Deserialize)]
    struct Status {
        #[serde(default)]
        conditions: Vec<Condition>,
    }
    #[derive(Deserialize)]
    struct Condition {
        r#type: String,
        status: String,
        #[serde(default)]
        reason: String,
        #[serde(default)]
        message: String,
    }
    let path = format!("/apis/apiregistration.k8s.io/v1/apiservices/{version}.{group}");
    if let Ok(service) = server
        .get_json::<ApiService>(&path, "application/json")
        .await
        && let Some(bad) = service
            .status
            .conditions
            .into_iter()
            .find(|c| c.r#type == "Available" && c.status != "True")
    {
        return format!("{}: {}", bad.reason, bad.message);
    }
    let path = super::model::group_version_path(group, version);
    match server.get(&path, "application/json").await {
        Ok(_) => "the server could not refresh it, but answers for it again now".to_owned(),
        Err(problem) => legacy::reason(&problem),
    }
}

fn keep_legacy(cache: Option<&Cache>, discovery: &Discovery) {
    let (Some(cache), Ok(body)) = (cache, serde_json::to_vec(discovery)) else {
        return;
    };
    let entry = Entry {
        etag: String::new(),
        content_type: String::new(),
        body,
    };
    if let Err(problem) = cache.write(LEGACY, &entry) {
        tracing::debug!(%problem, "the discovery cache cannot be written");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_of_parameters_does_not_matter() {
        assert!(is_aggregated(
            "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
        ));
        assert!(is_aggregated(
            "application/json; as=APIGroupDiscoveryList; v=v2beta1; g=apidiscovery.k8s.io"
        ));
        assert!(!is_aggregated("application/json"));
        assert!(!is_aggregated(
            "application/json;g=apidiscovery.k8s.io;v=v3;as=APIGroupDiscoveryList"
        ));
    }

    #[test]
    fn something_else_on_that_port_is_named_as_such() {
        for body in ["{\"kind\": \"Pizza\"}", "{}", "<html>", "[1]", ""] {
            assert!(
                parse("/api", "application/json", body.as_bytes()).is_err(),
                "{body}"
            );
        }
    }
}

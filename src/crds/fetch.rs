//! Asking the server for CRDs, and for what one needs to know around them. What it costs to ask in
//! which way was measured on 1,000 CRDs of 10 KB: names by Table 11 ms and 0.13 MB, metadata
//! 40 ms and 2.4 MB, everything 250 to 700 ms and 20 MB.

use std::collections::HashMap;
use std::time::Duration;

use bytes::Bytes;
use futures::StreamExt;
use http::{HeaderValue, Method, Request, StatusCode, header};
use k8s_openapi::api::core::v1::Service;
use k8s_openapi::api::discovery::v1::EndpointSlice;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::time::{Instant, timeout};

use crate::cluster::{Error, ListReader, NotAList, Part, Server, Transport, from_json, parse_path};

use super::PATH;
use super::backend::{Backend, Looked, judge};
use super::model::{Crd, ServiceReference, or_default};
use super::row::{Named, Row};
use super::state::State;
use super::usage::{ListMetadata, MetadataPage};

const JSON: &str = "application/json";
const TABLE: &str = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json";
const METADATA: &str =
    "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io,application/json";
/// kubectl's page size; the server holds a page in memory while it writes it.
const PAGE: usize = 500;
/// So many requests at a time: what a connection takes well, and far below what the server's
/// priority levels queue.
const AT_A_TIME: usize = 8;
/// Silence after which a list is given up, as for other answers.
const IDLE: Duration = Duration::from_secs(32);

/// What a list without schemas gave.
pub enum Names {
    /// Names and ages
    Table(Vec<Named>),
    /// Whole CRDs: the server knows no Tables
    Whole(Vec<Crd>),
}

/// Names and ages of all CRDs that `selector` matches, sorted by name.
///
/// Errors: as [`Server::get`].
pub async fn names(server: &Server, selector: Option<&str>) -> Result<Names, Error> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Answer {
        kind: String,
        #[serde(default)]
        column_definitions: Vec<ColumnDefinition>,
        #[serde(default, deserialize_with = "or_default")]
        rows: Vec<TableRow>,
        #[serde(default, deserialize_with = "or_default")]
        items: Vec<Crd>,
    }
    #[derive(Deserialize)]
    struct ColumnDefinition {
        name: String,
    }
    #[derive(Deserialize)]
    struct TableRow {
        cells: Vec<Value>,
    }
    let path = list_path(selector, &["includeObject=None".to_owned()]);
    let answer: Answer = server.get_json(&path, TABLE).await?;
    if answer.kind != "Table" {
        return Ok(Names::Whole(answer.items));
    }
    let column = |name: &str| {
        let mut columns = answer.column_definitions.iter();
        columns.position(|c| c.name.eq_ignore_ascii_case(name))
    };
    let (name, created) = (column("Name").unwrap_or(0), column("Created At"));
    let cell = |row: &TableRow, at: usize| row.cells.get(at)?.as_str().map(str::to_owned);
    let rows = answer.rows.iter().filter_map(|row| {
        Some(Named {
            name: cell(row, name)?,
            created: created.and_then(|at| cell(row, at)),
        })
    });
    Ok(Names::Table(rows.collect()))
}

/// All CRDs that `selector` matches, read page by page; schemas are dropped as they arrive.
///
/// Errors: as [`Server::get`].
pub async fn all(server: &Server, selector: Option<&str>) -> Result<Vec<Crd>, Error> {
    let limit = format!("limit={PAGE}");
    let mut found = Vec::new();
    let mut token = String::new();
    loop {
        let mut query = vec![limit.clone()];
        if !token.is_empty() {
            query.push(format!("continue={}", encode(&token)));
        }
        match page(server, &list_path(selector, &query), &mut found).await {
            Ok(next) if next.is_empty() => return Ok(found),
            Ok(next) => token = next,
            // The server has forgotten the state that the pages were of: one list is of one state.
            Err(Error::Http(failure)) if failure.code == StatusCode::GONE && !token.is_empty() => {
                found.clear();
                page(server, &list_path(selector, &[]), &mut found).await?;
                return Ok(found);
            }
            Err(problem) => return Err(problem),
        }
    }
}

#[derive(Debug, thiserror::Error)]
enum Broken {
    #[error(transparent)]
    List(#[from] NotAList),
    #[error(transparent)]
    Item(#[from] serde_json::Error),
}

/// Adds the CRDs of one page, and gives the token of the next.
async fn page(server: &Server, path: &str, found: &mut Vec<Crd>) -> Result<String, Error> {
    let mut request = Request::new(Bytes::new());
    *request.uri_mut() = parse_path(path)?;
    request
        .headers_mut()
        .insert(header::ACCEPT, HeaderValue::from_static(JSON));
    let began = Instant::now();
    let answer = patiently(server, path, server.send(request)).await?;
    if !answer.status().is_success() {
        let failure = server.failure(&Method::GET, path, answer).await?;
        return Err(Error::Http(Box::new(failure)));
    }
    let mut stream = server.stream(&Method::GET, path, began, answer.into_body());
    let mut reader = ListReader::new();
    let broken = |problem: Broken| Error::Answer {
        path: path.to_owned(),
        problem: problem.to_string(),
    };
    while let Some(bytes) = patiently(server, path, stream.next()).await? {
        let read = reader.push(&bytes, |_, part| {
            if let Part::Item(item) = part {
                found.push(serde_json::from_slice(item)?);
            }
            Ok::<(), Broken>(())
        });
        read.map_err(broken)?;
    }
    reader.finish().map_err(|problem| broken(problem.into()))?;
    let metadata = reader.members().iter().find(|(key, _)| key == "metadata");
    let metadata: ListMetadata = match metadata {
        Some((_, json)) => serde_json::from_slice(json).map_err(|p| broken(p.into()))?,
        None => ListMetadata::default(),
    };
    Ok(metadata.continue_)
}

/// Waits, but not for a server that has fallen silent.
async fn patiently<T>(
    server: &Server,
    path: &str,
    what: impl Future<Output = Result<T, Error>>,
) -> Result<T, Error> {
    let limit = server.settings().timeout.unwrap_or(IDLE);
    timeout(limit, what).await.unwrap_or_else(|_| {
        Err(Error::Transport {
            method: "GET".into(),
            url: format!("{}{path}", server.url()),
            why: Box::new(Transport::TimedOut(
                format!("{limit:?}"),
                "See whether the server is overloaded, or allow more with --request-timeout.",
            )),
        })
    })
}

/// A CRD, and the schemas of its versions.
pub struct Definition {
    /// The CRD without its schemas
    pub crd: Crd,
    /// `openAPIV3Schema` of each version that has one
    pub schemas: Vec<(String, Value)>,
}

/// The CRD of that name; `None` where there is none.
///
/// Errors: as [`Server::get`], but for 404.
pub async fn definition(server: &Server, name: &str) -> Result<Option<Definition>, Error> {
    #[derive(Deserialize)]
    struct Schemas {
        spec: SchemasSpec,
    }
    #[derive(Deserialize)]
    struct SchemasSpec {
        versions: Vec<SchemaVersion>,
    }
    #[derive(Deserialize)]
    struct SchemaVersion {
        name: String,
        schema: Option<Schema>,
    }
    #[derive(Deserialize)]
    struct Schema {
        #[serde(rename = "openAPIV3Schema")]
        open_api: Option<Value>,
    }
    let path = crd_path(name);
    let Some(answer) = found(server.get(&path, JSON).await)? else {
        return Ok(None);
    };
    let crd = from_json(&path, &answer.body)?;
    let schemas: Schemas = from_json(&path, &answer.body)?;
    let schemas = schemas.spec.versions.into_iter();
    Ok(Some(Definition {
        crd,
        schemas: schemas
            .filter_map(|v| Some((v.name, v.schema?.open_api?)))
            .collect(),
    }))
}

/// The CRDs of these names, in no order. What is gone by now is left out.
///
/// Errors: the first failure, beside everything that could be read.
pub async fn some(
    server: &Server,
    names: impl IntoIterator<Item = &str>,
) -> (Vec<Crd>, Option<Error>) {
    read(server, names.into_iter().map(crd_path).collect()).await
}

/// Reads the CRDs of the rows at these places. Rows whose CRD is gone by now, or cannot be read,
/// stay as they were.
///
/// Errors: the first failure, after everything else was read.
pub async fn complete(server: &Server, rows: &mut [Row], places: &[usize]) -> Result<(), Error> {
    let path = |row: &Row| {
        let path = crd_path(&row.name);
        match row.state {
            // It may be so new that the server's cache does not have it yet.
            State::Unknown => path,
            // From the cache this costs less than half. Discovery, which told of it, is no fresher.
            _ => format!("{path}?resourceVersion=0"),
        }
    };
    let paths = places.iter().map(|at| path(&rows[*at])).collect();
    let (crds, problem) = read(server, paths).await;
    let read: HashMap<&str, &Crd> = crds.iter().map(|crd| (crd.name(), crd)).collect();
    for at in places {
        if let Some(crd) = read.get(rows[*at].name.as_str()) {
            rows[*at] = Row::of(crd);
        }
    }
    problem.map_or(Ok(()), Err)
}

async fn read(server: &Server, paths: Vec<String>) -> (Vec<Crd>, Option<Error>) {
    let mut answers = futures::stream::iter(paths)
        .map(|path| async move { server.get_json::<Crd>(&path, JSON).await })
        .buffer_unordered(AT_A_TIME);
    let (mut crds, mut problem) = (Vec::new(), None);
    while let Some(answer) = answers.next().await {
        match found(answer) {
            Ok(crd) => crds.extend(crd),
            Err(failed) => problem = problem.or(Some(failed)),
        }
    }
    (crds, problem)
}

/// A page of an object list as metadata: the first `limit` objects.
///
/// Errors: as [`Server::get`].
pub async fn objects(server: &Server, path: &str, limit: usize) -> Result<MetadataPage, Error> {
    let path = format!("{path}?limit={limit}");
    server.get_json(&path, METADATA).await
}

/// Whether there is anybody behind each of these Services.
pub async fn backends(
    server: &Server,
    services: Vec<ServiceReference>,
) -> Vec<(ServiceReference, Backend)> {
    futures::stream::iter(services)
        .map(|reference| async move {
            let backend = backend(server, &reference).await;
            (reference, backend)
        })
        .buffer_unordered(AT_A_TIME)
        .collect()
        .await
}

async fn backend(server: &Server, reference: &ServiceReference) -> Backend {
    #[derive(Deserialize)]
    struct Slices {
        #[serde(deserialize_with = "or_default")]
        items: Vec<EndpointSlice>,
    }
    let (namespace, name) = (encode(&reference.namespace), encode(&reference.name));
    let service = format!("/api/v1/namespaces/{namespace}/services/{name}");
    let slices = format!(
        "/apis/discovery.k8s.io/v1/namespaces/{namespace}/endpointslices\
         ?labelSelector=kubernetes.io%2Fservice-name%3D{name}"
    );
    let (service, slices) = futures::join!(
        looked::<Service>(server, &service),
        looked::<Slices>(server, &slices)
    );
    let slices = match slices {
        Looked::Found(slices) => Looked::Found(slices.items),
        Looked::Missing => Looked::Missing,
        Looked::Refused(why) => Looked::Refused(why),
    };
    judge(reference, &service, &slices)
}

async fn looked<T: DeserializeOwned>(server: &Server, path: &str) -> Looked<T> {
    match found(server.get_json(path, JSON).await) {
        Ok(Some(object)) => Looked::Found(object),
        Ok(None) => Looked::Missing,
        Err(problem) => Looked::Refused(reason(&problem)),
    }
}

/// Why something could not be had, in the server's words where there are any.
pub fn reason(problem: &Error) -> String {
    match problem.failure() {
        Some(failure) => failure.message(),
        None => problem.to_string(),
    }
}

/// Whether the server refuses to show something to this user.
pub fn is_forbidden(problem: &Error) -> bool {
    problem
        .failure()
        .is_some_and(|f| f.code == StatusCode::FORBIDDEN)
}

fn found<T>(answer: Result<T, Error>) -> Result<Option<T>, Error> {
    match answer {
        Ok(answer) => Ok(Some(answer)),
        Err(Error::Http(failure)) if failure.code == StatusCode::NOT_FOUND => Ok(None),
        Err(problem) => Err(problem),
    }
}

fn crd_path(name: &str) -> String {
    format!("{PATH}/{}", encode(name))
}

fn list_path(selector: Option<&str>, more: &[String]) -> String {
    let selector = selector.map(|s| format!("labelSelector={}", encode(s)));
    let query: Vec<String> = selector.into_iter().chain(more.iter().cloned()).collect();
    if query.is_empty() {
        PATH.to_owned()
    } else {
        format!("{PATH}?{}", query.join("&"))
    }
}

/// As part of a path or a query; the characters of names stay readable.
fn encode(text: &str) -> String {
    const PART: &percent_encoding::AsciiSet = &NON_ALPHANUMERIC
        .remove(b'-')
        .remove(b'.')
        .remove(b'_')
        .remove(b'~');
    utf8_percent_encode(text, PART).to_string()
}

//! Lists of objects, page by page, and many kinds at a time.

use std::sync::Arc;

use futures::StreamExt;
use http::StatusCode;
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::kind::part;
use super::table::{Cells, Column, ListMetadata, Page, or_default};
use super::{Kind, Object, state};
use crate::cluster::{Error, Server, from_json};

const JSON: &str = "application/json";
const TABLE: &str = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json";
/// kubectl's page size; of rows it is 1 MiB or so.
const ROWS: usize = 500;
/// Whole objects may be 1 MiB each, and a page is held in memory.
const WHOLE: usize = 100;
/// So many requests at a time: what a connection takes well, and far below what the server's
/// priority levels queue.
const AT_A_TIME: usize = 8;

/// What reads the server's answers: a list's pages, and the objects in a watch's events.
pub trait Reader: Send {
    /// What it makes of them
    type Item: Send;

    /// The content types to ask for.
    fn accept(&self) -> &'static str;

    /// What belongs into the query, such as `includeObject=Metadata`.
    fn query(&self) -> Vec<String>;

    /// How many objects to ask for at a time.
    fn limit(&self) -> usize;

    /// Reads a page.
    ///
    /// Errors: it is no list.
    fn page(&mut self, json: &[u8]) -> serde_json::Result<Read<Self::Item>>;

    /// Reads what an event of a watch is about.
    ///
    /// Errors: it is no such object.
    fn event(&mut self, json: &[u8]) -> serde_json::Result<Vec<Self::Item>>;
}

/// A page as read.
#[derive(Debug)]
pub struct Read<T> {
    /// What was on it
    pub items: Vec<T>,
    /// Where the next begins; empty on the last
    pub next: String,
    /// The state of the server's store that it shows
    pub resource_version: String,
}

/// Reads JSON items with a function; `None` leaves one out.
pub struct Items<F> {
    each: F,
}

impl<F> Items<F> {
    /// A reader that makes what `each` makes of an item's JSON.
    pub fn new<T>(each: F) -> Self
    where
        F: FnMut(&RawValue) -> serde_json::Result<Option<T>> + Send,
    {
        Items { each }
    }
}

#[derive(Deserialize)]
struct ItemPage<'a> {
    #[serde(default)]
    metadata: ListMetadata,
    #[serde(borrow, default, deserialize_with = "or_default")]
    items: Vec<&'a RawValue>,
}

impl<T: Send, F> Reader for Items<F>
where
    F: FnMut(&RawValue) -> serde_json::Result<Option<T>> + Send,
{
    type Item = T;

    fn accept(&self) -> &'static str {
        JSON
    }

    fn query(&self) -> Vec<String> {
        Vec::new()
    }

    fn limit(&self) -> usize {
        WHOLE
    }

    fn page(&mut self, json: &[u8]) -> serde_json::Result<Read<T>> {
        let page: ItemPage<'_> = serde_json::from_slice(json)?;
        let items = page.items.into_iter().map(&mut self.each);
        let items: serde_json::Result<Vec<Option<T>>> = items.collect();
        Ok(Read {
            items: items?.into_iter().flatten().collect(),
            next: page.metadata.next,
            resource_version: page.metadata.resource_version,
        })
    }

    fn event(&mut self, json: &[u8]) -> serde_json::Result<Vec<T>> {
        let item = (self.each)(serde_json::from_slice(json)?)?;
        Ok(item.into_iter().collect())
    }
}

/// Reads objects of one kind: from the rows of Tables, or whole where the rows do not tell how an
/// object is.
pub struct Objects {
    kind: Arc<Kind>,
    whole: bool,
    // A watch says them once.
    columns: Vec<Column>,
}

impl Objects {
    /// A reader of that kind.
    pub fn new(kind: &Arc<Kind>) -> Self {
        // The server's columns show endpoints, but not whether they are ready.
        let whole = kind.group == "discovery.k8s.io" && kind.plural == "endpointslices";
        Objects::with(kind, whole)
    }

    fn with(kind: &Arc<Kind>, whole: bool) -> Self {
        Objects {
            kind: Arc::clone(kind),
            whole,
            columns: Vec::new(),
        }
    }

    fn objects(&mut self, page: Page) -> Vec<Object> {
        if !page.column_definitions.is_empty() {
            self.columns = page.column_definitions;
        }
        let kind = &self.kind;
        let rows = page.rows.into_iter().map(|row| {
            let metadata = row.object.metadata;
            let cells = Cells::new(&self.columns, &row.cells);
            let state = state::of_row(kind, &cells, metadata.is_deleting());
            metadata.object(kind, state)
        });
        let items = page.items.iter().map(|item| Object::of(kind, item));
        rows.chain(items).collect()
    }
}

impl Reader for Objects {
    type Item = Object;

    fn accept(&self) -> &'static str {
        if self.whole { JSON } else { TABLE }
    }

    fn query(&self) -> Vec<String> {
        match self.whole {
            true => Vec::new(),
            false => vec!["includeObject=Metadata".to_owned()],
        }
    }

    fn limit(&self) -> usize {
        if self.whole { WHOLE } else { ROWS }
    }

    fn page(&mut self, json: &[u8]) -> serde_json::Result<Read<Object>> {
        let mut page: Page = serde_json::from_slice(json)?;
        let metadata = std::mem::take(&mut page.metadata);
        Ok(Read {
            items: self.objects(page),
            next: metadata.next,
            resource_version: metadata.resource_version,
        })
    }

    fn event(&mut self, json: &[u8]) -> serde_json::Result<Vec<Object>> {
        #[derive(Deserialize)]
        struct Form {
            kind: String,
        }
        let form: Form = serde_json::from_slice(json)?;
        if form.kind == "Table" {
            return Ok(self.objects(serde_json::from_slice(json)?));
        }
        let value: Value = serde_json::from_slice(json)?;
        Ok(vec![Object::of(&self.kind, &value)])
    }
}

/// Reads a list to its end and gives what `keep` wants of it, and the state that it is of. Holds a
/// page at a time.
///
/// Errors: as [`Server::get`], and an answer that is no list.
pub async fn list<R: Reader>(
    server: &Server,
    path: &str,
    more: &[String],
    reader: &mut R,
    mut keep: impl FnMut(&R::Item) -> bool,
) -> Result<(Vec<R::Item>, String), Error> {
    let fixed: Vec<String> = more.iter().cloned().chain(reader.query()).collect();
    let limit = format!("limit={}", reader.limit());
    let mut found = Vec::new();
    let mut token = String::new();
    let mut whole = false;
    loop {
        let mut query = fixed.clone();
        if !whole {
            query.push(limit.clone());
        }
        if !token.is_empty() {
            query.push(format!("continue={}", part(&token)));
        }
        let path = match query.is_empty() {
            true => path.to_owned(),
            false => format!("{path}?{}", query.join("&")),
        };
        let answer = match server.get(&path, reader.accept()).await {
            Ok(answer) => answer,
            // The server has forgotten the state that the pages were of: one list is of one state.
            Err(Error::Http(failure)) if failure.code == StatusCode::GONE && !token.is_empty() => {
                found.clear();
                token.clear();
                whole = true;
                continue;
            }
            Err(problem) => return Err(problem),
        };
        let page = reader.page(&answer.body);
        let page = match page {
            Ok(page) => page,
            // Says where it begins to be something else.
            Err(problem) => {
                from_json::<ListMetadata>(&path, &answer.body)?;
                let problem = problem.to_string();
                return Err(Error::Answer { path, problem });
            }
        };
        found.extend(page.items.into_iter().filter(|item| keep(item)));
        if page.next.is_empty() {
            return Ok((found, page.resource_version));
        }
        if page.next == token {
            let problem = "its pages go in a circle".to_owned();
            return Err(Error::Answer { path, problem });
        }
        token = page.next;
    }
}

/// The objects of a kind that `keep` wants, in `namespace` or, without one, everywhere.
///
/// Errors: as [`list`].
pub async fn objects(
    server: &Server,
    kind: &Arc<Kind>,
    namespace: Option<&str>,
    keep: impl Fn(&Object) -> bool,
) -> Result<Vec<Object>, Error> {
    let path = kind.path(namespace);
    let (found, _) = list(server, &path, &[], &mut Objects::new(kind), &keep).await?;
    let untold = |object: &Object| !object.state.told;
    if kind.is_custom() && found.iter().any(untold) {
        let mut whole = Objects::with(kind, true);
        return Ok(list(server, &path, &[], &mut whole, keep).await?.0);
    }
    Ok(found)
}

/// A kind that could not be looked through.
#[derive(Debug)]
pub struct Skipped {
    /// The kind
    pub kind: Arc<Kind>,
    /// Why
    pub problem: Error,
}

/// The objects of all these kinds that `keep` wants, in no order, and the kinds that could not be
/// listed, in theirs. A kind that is not served has no objects.
pub async fn survey(
    server: &Server,
    kinds: &[Arc<Kind>],
    namespace: Option<&str>,
    keep: impl Fn(&Object) -> bool,
) -> (Vec<Object>, Vec<Skipped>) {
    let keep = &keep;
    let mut answers = futures::stream::iter(kinds.iter().map(Arc::clone))
        .map(|kind| async move {
            let objects = objects(server, &kind, namespace, keep).await;
            (kind, objects)
        })
        .buffered(AT_A_TIME);
    let (mut found, mut skipped) = (Vec::new(), Vec::new());
    while let Some((kind, objects)) = answers.next().await {
        match objects {
            Ok(objects) => found.extend(objects),
            // It has gone since it was discovered, and its objects with it.
            Err(Error::Http(failure)) if failure.code == StatusCode::NOT_FOUND => {}
            Err(problem) => skipped.push(Skipped { kind, problem }),
        }
    }
    (found, skipped)
}

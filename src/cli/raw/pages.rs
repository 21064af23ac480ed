//! `--all`: a list followed from page to page, written as one.

use std::collections::HashSet;
use std::process::ExitCode;

use bytes::Bytes;
use http::{Request, StatusCode, Uri};
use serde::Deserialize;
use sha2::{Digest, Sha256};
use tokio::time::Instant;

use super::answer::Answer;
use super::exchange::{Exchange, Sent};
use super::request::{with, with_default};
use super::sink::{Kind, Sink};
use crate::cluster::{ListReader, NotAList, Part};
use crate::output::progress::Progress;

/// What kubectl and client-go ask for at a time.
const PAGE: &str = "500";
/// What the members of a List's metadata say about a page alone.
const OF_PAGE: [&str; 2] = ["continue", "remainingItemCount"];

/// Where the pages of a list are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Pages {
    first: Uri,
}

impl Pages {
    /// The pages of the list at `uri`; a limit that it has stays.
    pub(super) fn new(uri: &Uri) -> anyhow::Result<Self> {
        let first = with_default(uri, "limit", PAGE)?;
        Ok(Pages { first })
    }

    /// The first page.
    pub(super) fn first(&self) -> &Uri {
        &self.first
    }

    /// The page that a token leads to. It carries the version of the list, which must not be given
    /// beside it.
    pub(super) fn next(&self, token: &str) -> anyhow::Result<Uri> {
        let token = format!("continue={token}");
        let version = ["resourceVersion", "resourceVersionMatch"];
        Ok(with(&self.first, &[&token], &version)?)
    }

    /// All of the list in one answer: what client-go's pager falls back to when a token has
    /// expired.
    /// Source: k8s.io/client-go/tools/pager/pager.go (`ListPager.list`).
    pub(super) fn whole(&self) -> anyhow::Result<Uri> {
        Ok(with(&self.first, &[], &["limit", "continue"])?)
    }
}

/// The part of a List's metadata that paging needs.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct PageMetadata {
    #[serde(rename = "continue")]
    pub(super) token: Option<String>,
}

impl PageMetadata {
    /// The token of the next page, if there is one.
    pub(super) fn next(&self) -> Option<&str> {
        self.token.as_deref().filter(|token| !token.is_empty())
    }
}

/// Follows the list that `request` asks for and writes it as one List.
///
/// Errors: a page fails, or is no List; what had come by then is written.
pub(super) async fn follow(
    exchange: &Exchange<'_>,
    request: Request<Bytes>,
) -> anyhow::Result<ExitCode> {
    let printer = exchange.printer();
    let pages = Pages::new(request.uri())?;
    let mut list = Joined::new(Sink::new(printer, Kind::Json));
    // Beside an answer on the same terminal it would only be in the way.
    let mut progress = (!printer.stdout_is_terminal())
        .then(|| Progress::start(printer, "Reading the first page of the list"));
    let mut uri = pages.first().clone();
    loop {
        let mut page = request.clone();
        *page.uri_mut() = uri.clone();
        let began = Instant::now();
        let response = match exchange.send(page).await? {
            Sent::Good(response) => response,
            Sent::Bad(response) if !list.begun => {
                return exchange.fail(request.method(), &uri, response).await;
            }
            Sent::Bad(response) => {
                // Words and the line of progress must not share a line.
                drop(progress.take());
                if response.status() == StatusCode::GONE && list.starts_over() {
                    printer.warn(&format!(
                        "the server has forgotten the state that the list began with (410, after \
                         {} items). The rest comes from one full list, so the items before may have \
                         changed since.",
                        list.items
                    ));
                    uri = pages.whole()?;
                    continue;
                }
                list.sink.finish()?;
                let problem = exchange.error(request.method(), &uri, response).await;
                return Err(problem.context(list.incomplete()));
            }
        };
        let answer = Answer::new(exchange.server, request.method(), &uri, began, response);
        let next = match list.page(answer).await {
            Ok(next) => next,
            Err(problem) if list.begun => {
                list.sink.finish()?;
                return Err(problem.context(list.incomplete()));
            }
            Err(problem) => return Err(problem),
        };
        if list.sink.is_full() {
            printer.note(
                "… the rest of the list is not shown: too much for a screen. All of it goes into a \
                 pipe (| less) or a file (> file).",
            );
            return Ok(ExitCode::SUCCESS);
        }
        let Some(token) = next else { break };
        let after = pages.next(&token)?;
        if after == uri {
            list.sink.finish()?;
            return Err(goes_in_circles(&uri).context(list.incomplete()));
        }
        uri = after;
        if let Some(progress) = &progress {
            progress.set(format!("Reading the list: {} items so far", list.items));
        }
    }
    list.end()?;
    Ok(ExitCode::SUCCESS)
}

/// A server that leads from a page to that page would be asked for ever.
pub(super) fn goes_in_circles(uri: &Uri) -> anyhow::Error {
    anyhow::anyhow!("the answer to GET {uri} names itself as the next page")
}

/// The pages put together: the envelope of the first around the items of all.
struct Joined {
    sink: Sink,
    /// Whether the beginning of the List is written
    begun: bool,
    items: u64,
    /// Which items were written; for when the list has to be started over
    written: HashSet<[u8; 16]>,
    /// Whether items that were written already are passed over
    over_again: bool,
    /// What stands after the items on the first page
    tail: Vec<(String, Vec<u8>)>,
    /// How many members stand before the items on the first page
    before: usize,
}

impl Joined {
    fn new(sink: Sink) -> Self {
        Joined {
            sink,
            begun: false,
            items: 0,
            written: HashSet::new(),
            over_again: false,
            tail: Vec::new(),
            before: 0,
        }
    }

    /// Passes over what was written from now on; false where that was done before: the full list
    /// has no state to forget.
    fn starts_over(&mut self) -> bool {
        !std::mem::replace(&mut self.over_again, true)
    }

    fn incomplete(&self) -> String {
        format!(
            "the list is incomplete: it broke off after {} items",
            self.items
        )
    }

    /// Writes the items of a page; gives the token of the next.
    async fn page(&mut self, mut answer: Answer) -> anyhow::Result<Option<String>> {
        let is_first = !self.begun;
        let mut reader = ListReader::new();
        let path = answer.uri.clone();
        let not_a_list = |problem: NotAList| {
            anyhow::anyhow!("--all follows lists, and the answer to GET {path} is none: {problem}.")
        };
        loop {
            let next = match answer.stream.ready() {
                Some(next) => next,
                None => {
                    self.sink.flush()?;
                    answer.stream.next().await
                }
            };
            let Some(bytes) = next? else { break };
            let pushed = reader.push::<Stop>(&bytes, |reader, part| match part {
                Part::ItemsBegin if self.begun => Ok(()),
                Part::ItemsBegin => self.begin(reader.members()),
                Part::Item(item) => self.item(item),
            });
            match pushed {
                Ok(()) => {}
                Err(Stop::Output(problem)) => return Err(problem.into()),
                Err(Stop::NotAList(problem)) => return Err(not_a_list(problem)),
            }
            if self.sink.is_full() {
                return Ok(None);
            }
        }
        reader.finish().map_err(not_a_list)?;
        if is_first {
            self.tail = reader.members()[self.before..].to_vec();
        }
        let metadata = reader.members().iter().find(|(key, _)| key == "metadata");
        let metadata: PageMetadata = metadata
            .and_then(|(_, json)| serde_json::from_slice(json).ok())
            .unwrap_or_default();
        Ok(metadata.next().map(str::to_owned))
    }

    fn begin(&mut self, members: &[(String, Vec<u8>)]) -> Result<(), Stop> {
        self.begun = true;
        self.before = members.len();
        let mut head = b"{".to_vec();
        for member in members {
            write_member(&mut head, member);
            head.push(b',');
        }
        head.extend_from_slice(b"\"items\":[");
        Ok(self.sink.push(&head)?)
    }

    fn item(&mut self, item: &[u8]) -> Result<(), Stop> {
        if let Some(identity) = identity(item)
            && !self.written.insert(identity)
            && self.over_again
        {
            return Ok(());
        }
        if self.items > 0 {
            self.sink.push(b",")?;
        }
        self.items += 1;
        Ok(self.sink.push(item)?)
    }

    fn end(&mut self) -> std::io::Result<()> {
        let mut tail = b"]".to_vec();
        for member in &self.tail {
            tail.push(b',');
            write_member(&mut tail, member);
        }
        tail.extend_from_slice(b"}\n");
        self.sink.push(&tail)?;
        self.sink.finish()
    }
}

/// Why a page is not read to its end.
#[derive(Debug, thiserror::Error)]
enum Stop {
    #[error(transparent)]
    Output(#[from] std::io::Error),
    #[error(transparent)]
    NotAList(#[from] NotAList),
}

fn write_member(out: &mut Vec<u8>, (key, value): &(String, Vec<u8>)) {
    out.extend_from_slice(serde_json::Value::from(key.as_str()).to_string().as_bytes());
    out.push(b':');
    match key.as_str() {
        "metadata" => out.extend_from_slice(&metadata_of_all(value)),
        _ => out.extend_from_slice(value),
    }
}

/// The first page's metadata without what is said of that page alone, as client-go's pager has it.
fn metadata_of_all(json: &[u8]) -> Vec<u8> {
    let Ok(mut metadata) = serde_json::from_slice::<serde_json::Map<_, _>>(json) else {
        return json.to_vec();
    };
    if !OF_PAGE.iter().any(|key| metadata.contains_key(*key)) {
        return json.to_vec();
    }
    metadata.retain(|key, _| !OF_PAGE.contains(&key.as_str()));
    serde_json::Value::Object(metadata).to_string().into_bytes()
}

/// What tells an object from others of its list: a hash of namespace and name, small enough to be
/// kept for every item.
fn identity(item: &[u8]) -> Option<[u8; 16]> {
    #[derive(Deserialize)]
    struct Item {
        metadata: Metadata,
    }
    #[derive(Deserialize)]
    struct Metadata {
        #[serde(default)]
        namespace: String,
        name: String,
    }
    let Metadata { namespace, name } = serde_json::from_slice::<Item>(item).ok()?.metadata;
    let hash = Sha256::digest(format!("{namespace}/{name}").as_bytes());
    let mut short = [0; 16];
    short.copy_from_slice(&hash[..16]);
    Some(short)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_keep_what_was_asked_for() {
        let uri: Uri =
            "/api/v1/pods?labelSelector=a%3Db&resourceVersion=7&resourceVersionMatch=Exact"
                .parse()
                .unwrap();
        let pages = Pages::new(&uri).unwrap();
        assert_eq!(*pages.first(), *format!("{uri}&limit=500"));
        assert_eq!(
            pages.next("a+b/=").unwrap(),
            "/api/v1/pods?labelSelector=a%3Db&limit=500&continue=a%2Bb/%3D"
        );
        assert_eq!(pages.whole().unwrap(), uri);
        let own = Pages::new(&Uri::from_static("/api/v1/pods?limit=3")).unwrap();
        assert_eq!(*own.first(), "/api/v1/pods?limit=3");
    }

    #[test]
    fn metadata_loses_only_what_is_of_a_page() {
        let of = |json: &str| String::from_utf8(metadata_of_all(json.as_bytes())).unwrap();
        assert_eq!(
            of(r#"{"selfLink":"","resourceVersion":"5","continue":"x","remainingItemCount":3}"#),
            r#"{"selfLink":"","resourceVersion":"5"}"#
        );
        assert_eq!(
            of(r#"{ "resourceVersion" : "5" }"#),
            r#"{ "resourceVersion" : "5" }"#
        );
        assert_eq!(of("7"), "7");
    }

    #[test]
    fn objects_are_told_apart_by_namespace_and_name() {
        let of = |json: &str| identity(json.as_bytes());
        let pod =
            of(r#"{"kind":"Pod","metadata":{"name":"a","namespace":"x","uid":"1"},"spec":{}}"#);
        assert!(pod.is_some());
        assert_eq!(
            pod,
            of(r#"{"metadata":{"namespace":"x","name":"a","uid":"2"}}"#)
        );
        assert_ne!(pod, of(r#"{"metadata":{"namespace":"y","name":"a"}}"#));
        assert_eq!(of("7"), None);
    }
}

//! Keeping up with a list: read it, watch it, read it anew when the watch ends.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderValue, Method, Request, header};
use serde::Deserialize;
use serde_json::value::RawValue;
use tokio::sync::mpsc::Sender;
use tokio::time::{Instant, sleep, timeout};

use super::list::{Reader, list};
use crate::cluster::{Error, Server, Stream, Transport, parse_path};

/// After this much silence a watch is dead.
const SILENCE: Duration = Duration::from_secs(150);
/// How many seconds the server is to keep a watch: less than that. Bookmarks come about once a
/// minute, but where nothing changes there may be none.
const LASTS: u64 = 120;
/// How long to wait after a failure; doubled up to [`LONGEST`] while it fails.
const SHORTEST: Duration = Duration::from_millis(500);
const LONGEST: Duration = Duration::from_secs(10);
/// As much as no object is near: etcd's limit is 1.5 MiB.
const EVENT_LIMIT: usize = 64 << 20;

/// What has changed in a list.
#[derive(Debug)]
pub enum Change<T> {
    /// This is all there is
    All(Vec<T>),
    /// It is new, or has changed
    Put(T),
    /// It is gone
    Gone(T),
    /// It cannot be read at present; it is tried again unless it is a 403 or 404
    Failed(Error),
}

/// Sends what is in a list, and then what changes, until nobody listens or the server refuses
/// (403, 404).
pub async fn follow<R: Reader, M>(
    server: &Server,
    path: &str,
    more: &[String],
    mut reader: R,
    listener: Listener<R::Item, M>,
) {
    let mut wait = SHORTEST;
    loop {
        let turn = turn(server, path, more, &mut reader, &listener, &mut wait).await;
        if listener.messages.is_closed() {
            return;
        }
        if let Err(problem) = turn {
            let refused = problem
                .failure()
                .is_some_and(|failure| matches!(failure.code.as_u16(), 403 | 404));
            if !listener.tell(Change::Failed(problem)).await || refused {
                return;
            }
            sleep(wait).await;
            wait = (wait * 2).min(LONGEST);
        }
    }
}

/// Who is told of changes: a channel, and what makes its messages of them.
pub struct Listener<T, M> {
    messages: Sender<M>,
    wrap: Box<dyn Fn(Change<T>) -> M + Send + Sync>,
}

impl<T, M> Listener<T, M> {
    /// A listener behind that channel.
    pub fn new(
        messages: &Sender<M>,
        wrap: impl Fn(Change<T>) -> M + Send + Sync + 'static,
    ) -> Self {
        Listener {
            messages: messages.clone(),
            wrap: Box::new(wrap),
        }
    }

    /// Whether somebody still listens.
    async fn tell(&self, change: Change<T>) -> bool {
        self.messages.send((self.wrap)(change)).await.is_ok()
    }
}

/// One list and its watch, to the end of that.
async fn turn<R: Reader, M>(
    server: &Server,
    path: &str,
    more: &[String],
    reader: &mut R,
    listener: &Listener<R::Item, M>,
    wait: &mut Duration,
) -> Result<(), Error> {
    let (all, version) = list(server, path, more, reader, |_| true).await?;
    if !listener.tell(Change::All(all)).await {
        return Ok(());
    }
    let mut query: Vec<String> = more.iter().cloned().chain(reader.query()).collect();
    query.push(watch(&version));
    let path = format!("{path}?{}", query.join("&"));
    let mut stream = open(server, &path, reader.accept()).await?;
    let mut lines = Lines::default();
    while let Some(bytes) = silent(server, &path, stream.next()).await? {
        lines.held.extend_from_slice(&bytes);
        if lines.held.len() > EVENT_LIMIT {
            let problem = "an event without an end".to_owned();
            return Err(Error::Answer { path, problem });
        }
        while let Some(line) = lines.next() {
            let broken = |problem: serde_json::Error| Error::Answer {
                path: path.clone(),
                problem: problem.to_string(),
            };
            let Some(kind) = told(&line).map_err(broken)? else {
                continue;
            };
            // 410, most likely: what it has forgotten is read anew.
            let Told::Items(gone, json) = kind else {
                return Ok(());
            };
            *wait = SHORTEST;
            for item in reader.event(json.get().as_bytes()).map_err(broken)? {
                let change = if gone {
                    Change::Gone(item)
                } else {
                    Change::Put(item)
                };
                if !listener.tell(change).await {
                    return Ok(());
                }
            }
        }
    }
    Ok(())
}

/// What makes a watch from there of a list's query.
fn watch(version: &str) -> String {
    format!("watch=true&allowWatchBookmarks=true&timeoutSeconds={LASTS}&resourceVersion={version}")
}

enum Told<'a> {
    /// Whether they are gone, and what they are
    Items(bool, &'a RawValue),
    Expired,
}

fn told(line: &[u8]) -> serde_json::Result<Option<Told<'_>>> {
    #[derive(Deserialize)]
    struct Event<'a> {
        r#type: &'a str,
        #[serde(borrow)]
        object: &'a RawValue,
    }
    if line.iter().all(u8::is_ascii_whitespace) {
        return Ok(None);
    }
    let event: Event<'_> = serde_json::from_slice(line)?;
    Ok(match event.r#type {
        "ADDED" | "MODIFIED" => Some(Told::Items(false, event.object)),
        "DELETED" => Some(Told::Items(true, event.object)),
        "BOOKMARK" => None,
        _ => Some(Told::Expired),
    })
}

/// Bytes, cut into lines.
#[derive(Default)]
struct Lines {
    held: Vec<u8>,
    /// So far there is no line end
    looked: usize,
}

impl Lines {
    fn next(&mut self) -> Option<Vec<u8>> {
        let end = self.held[self.looked..].iter().position(|b| *b == b'\n');
        let Some(end) = end else {
            self.looked = self.held.len();
            return None;
        };
        let rest = self.held.split_off(self.looked + end + 1);
        self.looked = 0;
        Some(std::mem::replace(&mut self.held, rest))
    }
}

async fn open(server: &Server, path: &str, accept: &'static str) -> Result<Stream, Error> {
    let mut request = Request::new(Bytes::new());
    *request.uri_mut() = parse_path(path)?;
    request
        .headers_mut()
        .insert(header::ACCEPT, HeaderValue::from_static(accept));
    let began = Instant::now();
    let answer = silent(server, path, server.send(request)).await?;
    if !answer.status().is_success() {
        let failure = server.failure(&Method::GET, path, answer).await?;
        return Err(Error::Http(Box::new(failure)));
    }
    Ok(server.stream(&Method::GET, path, began, answer.into_body()))
}

async fn silent<T>(
    server: &Server,
    path: &str,
    what: impl Future<Output = Result<T, Error>>,
) -> Result<T, Error> {
    timeout(SILENCE, what).await.unwrap_or_else(|_| {
        Err(Error::Transport {
            method: "GET".into(),
            url: format!("{}{path}", server.url()),
            why: Box::new(Transport::TimedOut(
                format!("{SILENCE:?}"),
                "The server, or the network on the way to it, has fallen silent.",
            )),
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_server_ends_a_watch_before_its_silence_counts_as_death() {
        let query = watch("7");
        let limit = query
            .split('&')
            .find_map(|part| part.strip_prefix("timeoutSeconds="));
        assert!(Duration::from_secs(limit.unwrap().parse().unwrap()) < SILENCE);
    }

    #[test]
    fn lines_come_out_however_they_came_in() {
        let mut lines = Lines::default();
        let mut found = Vec::new();
        for piece in ["a", "b\nc", "\n\nd\ne"] {
            lines.held.extend_from_slice(piece.as_bytes());
            found.extend(std::iter::from_fn(|| lines.next()));
        }
        let found: Vec<&str> = found
            .iter()
            .map(|l| std::str::from_utf8(l).unwrap())
            .collect();
        assert_eq!(found, ["ab\n", "c\n", "\n", "d\n"]);
    }
}

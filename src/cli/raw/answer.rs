//! An answer on its way to stdout.

use std::process::ExitCode;
use std::time::Duration;

use http::{HeaderMap, Method, Response, Uri, header};
use kube::client::Body;
use tokio::time::{Instant, timeout, timeout_at};

use super::sink::{Kind, Sink, size};
use crate::cluster::{Server, Stream, parameter};
use crate::output::Printer;

/// So long a pause in an endless answer means that a person has seen what came before.
const PAUSE: Duration = Duration::from_millis(300);
/// So long the rest of an answer that is not shown is read, to say how large it is.
const COUNTING: Duration = Duration::from_secs(2);
/// Media types whose bytes mean nothing to a person.
const BINARY: [&str; 6] = [
    "application/octet-stream",
    "application/vnd.kubernetes.protobuf",
    "application/cbor",
    "application/cbor-seq",
    "application/gzip",
    "application/zip",
];

/// An answer whose code does not matter any more.
pub(super) struct Answer {
    pub(super) headers: HeaderMap,
    pub(super) stream: Stream,
    pub(super) uri: Uri,
}

impl Answer {
    /// The answer to a request that was sent at `began`.
    pub(super) fn new(
        server: &Server,
        method: &Method,
        uri: &Uri,
        began: Instant,
        response: Response<Body>,
    ) -> Self {
        let (parts, body) = response.into_parts();
        Answer {
            headers: parts.headers,
            stream: server.stream(method, &uri.to_string(), began, body),
            uri: uri.clone(),
        }
    }

    /// Writes the body to stdout.
    ///
    /// Errors: the connection broke (what had come by then is written), stdout cannot be written,
    /// or stdout is a terminal and the body is nothing for one.
    pub(super) async fn show(mut self, printer: Printer) -> anyhow::Result<ExitCode> {
        let kind = match kind(&self.headers, &self.uri) {
            Some(kind) => kind,
            None if printer.stdout_is_terminal() => {
                return Err(self.not_for_a_terminal("binary"));
            }
            // In a pipe it makes no difference.
            None => Kind::Text,
        };
        let mut sink = Sink::new(printer, kind);
        let mut is_first = true;
        let copied = loop {
            let next = self.next(&mut sink, kind).await?;
            let bytes = match next {
                Ok(Some(bytes)) => bytes,
                Ok(None) => break Ok(()),
                Err(problem) => break Err(problem),
            };
            if std::mem::take(&mut is_first)
                && printer.stdout_is_terminal()
                && bytes.iter().take(1024).any(|b| *b == 0)
            {
                return Err(self.not_for_a_terminal("binary, whatever it says"));
            }
            sink.push(&bytes)?;
            if sink.is_full() {
                break Ok(());
            }
        };
        sink.finish()?;
        if sink.is_full() {
            let known = self.content_length();
            tell_rest(printer, &mut self.stream, sink.left_out(), known).await;
        }
        copied?;
        Ok(ExitCode::SUCCESS)
    }

    /// The next bytes; what was written before is flushed first if they let wait.
    async fn next(
        &mut self,
        sink: &mut Sink,
        kind: Kind,
    ) -> anyhow::Result<Result<Option<bytes::Bytes>, crate::cluster::Error>> {
        if let Some(next) = self.stream.ready() {
            return Ok(next);
        }
        sink.flush()?;
        if kind.is_endless() {
            match timeout(PAUSE, self.stream.next()).await {
                Ok(next) => return Ok(next),
                Err(_) => sink.rest()?,
            }
        }
        Ok(self.stream.next().await)
    }

    fn content_length(&self) -> Option<u64> {
        let length = self.headers.get(header::CONTENT_LENGTH)?;
        length.to_str().ok()?.parse().ok()
    }

    fn not_for_a_terminal(&self, what: &str) -> anyhow::Error {
        let length = self
            .content_length()
            .map(|length| format!(", {}", size(length)))
            .unwrap_or_default();
        let media = match media_type(&self.headers) {
            "" => String::new(),
            media => format!(" ({media}{length})"),
        };
        anyhow::anyhow!(
            "the answer is {what}{media} and nothing for a terminal. Write it to a file (> file) or \
             a pipe."
        )
    }
}

/// Says how much of an answer is not shown, as far as that can be found out soon.
pub(super) async fn tell_rest(
    printer: Printer,
    stream: &mut Stream,
    pushed: u64,
    length: Option<u64>,
) {
    let until = Instant::now() + COUNTING;
    let mut more = pushed;
    let mut least = true;
    loop {
        match timeout_at(until, stream.next()).await {
            Ok(Ok(Some(bytes))) => more += bytes.len() as u64,
            Ok(Ok(None)) => {
                least = false;
                break;
            }
            Ok(Err(_)) | Err(_) => break,
        }
    }
    let more = match (least, length) {
        (false, _) => size(more),
        (true, Some(length)) => format!("the rest of {}", size(length)),
        (true, None) => format!("more than {}", size(more)),
    };
    printer.note(&format!(
        "… {more} not shown: too much for a screen. All of it goes into a pipe (| less) or a file \
         (> file)."
    ));
}

/// How an answer is to be shown; `None` for what is no text.
pub(super) fn kind(headers: &HeaderMap, uri: &Uri) -> Option<Kind> {
    let encoding = text(headers, header::CONTENT_ENCODING);
    let media = media_type(headers).to_ascii_lowercase();
    let is_binary = BINARY.contains(&media.as_str())
        || ["image/", "audio/", "video/", "font/"]
            .iter()
            .any(|m| media.starts_with(m));
    if is_binary || !matches!(encoding, "" | "identity") {
        return None;
    }
    let is_json = media == "application/json" || media.ends_with("+json");
    Some(match (is_json, is_endless(headers, uri)) {
        (true, false) => Kind::Json,
        (true, true) => Kind::JsonLines,
        (false, false) => Kind::Text,
        (false, true) => Kind::TextLines,
    })
}

/// Whether the server goes on for as long as it likes: a watch, or a log that is followed.
fn is_endless(headers: &HeaderMap, uri: &Uri) -> bool {
    let stream = text(headers, header::CONTENT_TYPE).contains("stream=watch");
    stream || is_watch(uri) || is_set(uri, "follow")
}

/// Whether a request is for a watch.
pub(super) fn is_watch(uri: &Uri) -> bool {
    let deprecated = |path: &str| {
        let mut parts = path.trim_start_matches('/').split('/');
        match parts.next() {
            Some("api") => parts.nth(1) == Some("watch"),
            Some("apis") => parts.nth(2) == Some("watch"),
            _ => false,
        }
    };
    is_set(uri, "watch") || deprecated(uri.path())
}

/// As the server reads a flag in a query.
/// Source: k8s.io/apimachinery/pkg/runtime/conversion.go (`Convert_Slice_string_To_bool`).
fn is_set(uri: &Uri, name: &str) -> bool {
    parameter(uri, name).is_some_and(|value| !value.eq_ignore_ascii_case("false") && value != "0")
}

fn media_type(headers: &HeaderMap) -> &str {
    let content_type = text(headers, header::CONTENT_TYPE);
    content_type.split(';').next().unwrap_or_default().trim()
}

fn text(headers: &HeaderMap, name: header::HeaderName) -> &str {
    let value = headers.get(name).and_then(|value| value.to_str().ok());
    value.unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    fn of(content_type: &'static str, uri: &str) -> Option<Kind> {
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
        kind(&headers, &uri.parse().unwrap())
    }

    #[test]
    fn answers_are_shown_by_their_type() {
        let json = "application/json; charset=utf-8";
        assert_eq!(of(json, "/version"), Some(Kind::Json));
        assert_eq!(of("application/problem+json", "/"), Some(Kind::Json));
        assert_eq!(
            of("text/plain; version=0.0.4", "/metrics"),
            Some(Kind::Text)
        );
        assert_eq!(of("application/yaml", "/x"), Some(Kind::Text));
        assert_eq!(of("application/vnd.kubernetes.protobuf", "/x"), None);
        assert_eq!(of("image/png", "/x"), None);
        let mut zipped = HeaderMap::new();
        zipped.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        assert_eq!(kind(&zipped, &Uri::from_static("/x")), None);
        assert_eq!(
            kind(&HeaderMap::new(), &Uri::from_static("/x")),
            Some(Kind::Text)
        );
    }

    #[test]
    fn watches_and_followed_logs_have_no_end() {
        let json = "application/json";
        for uri in [
            "/x?watch=true",
            "/x?watch",
            "/x?a=b&watch=1",
            "/api/v1/watch/pods",
        ] {
            assert_eq!(of(json, uri), Some(Kind::JsonLines), "{uri}");
        }
        assert_eq!(
            of("application/json;stream=watch", "/x"),
            Some(Kind::JsonLines)
        );
        for uri in [
            "/x?watch=false",
            "/x?watch=0",
            "/api/v1/namespaces/watch",
            "/x",
        ] {
            assert_eq!(of(json, uri), Some(Kind::Json), "{uri}");
        }
        assert_eq!(of("text/plain", "/log?follow=true"), Some(Kind::TextLines));
    }
}

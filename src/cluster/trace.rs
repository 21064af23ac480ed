//! What `-v` shows of each request, and the server's warnings. A layer around the client, so that
//! nothing that is sent escapes it.

use std::collections::HashSet;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Instant;

use bytes::Bytes;
use futures::future::BoxFuture;
use http::{HeaderMap, Request, Response};
use http_body::{Body as HttpBody, Frame, SizeHint};
use kube::client::Body;
use tower::{BoxError, Layer, Service};

use crate::output::Printer;

use super::curl;
use super::settings::Settings;

/// The body of a request, for a layer that sees it only as a stream.
#[derive(Clone)]
pub(super) struct SentBody(pub(super) Bytes);

/// On a request whose answer's warnings are not to be shown.
#[derive(Clone, Copy)]
pub(super) struct Unwarned;

/// How much of a body `-vvv` shows, and of a request's the curl line.
const BODY_SHOWN: usize = 64 * 1024;

/// Makes the layer's services; one per client.
#[derive(Clone)]
pub(super) struct TraceLayer {
    shared: Arc<Shared>,
}

struct Shared {
    printer: Printer,
    verbose: u8,
    settings: Settings,
    warned: Mutex<HashSet<String>>,
}

impl TraceLayer {
    pub(super) fn new(printer: Printer, verbose: u8, settings: Settings) -> Self {
        let warned = Mutex::default();
        TraceLayer {
            shared: Arc::new(Shared {
                printer,
                verbose,
                settings,
                warned,
            }),
        }
    }
}

impl<S> Layer<S> for TraceLayer {
    type Service = Trace<S>;

    fn layer(&self, inner: S) -> Trace<S> {
        Trace {
            inner,
            shared: Arc::clone(&self.shared),
        }
    }
}

pub(super) struct Trace<S> {
    inner: S,
    shared: Arc<Shared>,
}

impl<S, B> Service<Request<Body>> for Trace<S>
where
    S: Service<Request<Body>, Response = Response<B>, Error = BoxError>,
    S::Future: Send + 'static,
    B: HttpBody<Data = Bytes, Error = BoxError> + Send + Unpin + 'static,
{
    type Response = Response<Traced<B>>;
    type Error = BoxError;
    type Future = BoxFuture<'static, Result<Self::Response, BoxError>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let shared = Arc::clone(&self.shared);
        let url = shared.url(request.uri());
        let method = request.method().clone();
        shared.show_request(&request, &url);
        let warns = request.extensions().get::<Unwarned>().is_none();
        let began = Instant::now();
        let answer = self.inner.call(request);
        Box::pin(async move {
            let answer = match answer.await {
                Ok(answer) => answer,
                Err(problem) => {
                    if shared.verbose > 0 {
                        let ms = began.elapsed().as_millis();
                        shared
                            .printer
                            .say(&format!("{method} {url} failed in {ms} ms"));
                    }
                    return Err(problem);
                }
            };
            if warns {
                shared.warn(answer.headers());
            }
            shared.show_headers('<', answer.headers());
            let line = (shared.verbose > 0).then(|| Line {
                start: format!("{method} {url} {}", answer.status().as_u16()),
                began,
                bytes: 0,
                kept: Vec::new(),
                shared: Arc::clone(&shared),
            });
            Ok(answer.map(|body| Traced { body, line }))
        })
    }
}

impl Shared {
    /// The whole URL: requests are made with a path only, the client adds the rest.
    fn url(&self, uri: &http::Uri) -> String {
        let base = self.settings.config.cluster_url.to_string();
        format!("{}{}", base.trim_end_matches('/'), uri)
    }

    fn show_request(&self, request: &Request<Body>, url: &str) {
        if self.verbose < 2 {
            return;
        }
        let uri = url.parse().unwrap_or_else(|_| request.uri().clone());
        let body = request
            .extensions()
            .get::<SentBody>()
            .map(|sent| &sent.0[..]);
        let data = match body.map(std::str::from_utf8) {
            None | Some(Ok("")) => curl::Data::None,
            Some(Ok(text)) if text.len() <= BODY_SHOWN => curl::Data::Text(text),
            Some(_) => curl::Data::Stdin,
        };
        let line = curl::line(
            &self.settings,
            request.method(),
            &uri,
            request.headers(),
            data,
        );
        self.printer.say(&line);
        self.show_headers('>', request.headers());
        if self.settings.config.auth_info.token.is_some()
            || self.settings.config.auth_info.token_file.is_some()
        {
            self.printer.say("> authorization: Bearer <masked>");
        }
    }

    fn show_headers(&self, direction: char, headers: &HeaderMap) {
        if self.verbose < 2 {
            return;
        }
        for (name, value) in headers {
            let value =
                match *name == http::header::AUTHORIZATION || *name == http::header::SET_COOKIE {
                    true => "<masked>".into(),
                    false => String::from_utf8_lossy(value.as_bytes()),
                };
            self.printer.say(&format!("{direction} {name}: {value}"));
        }
    }

    /// `Warning: 299 - "text"`, each text once, as kubectl shows them.
    fn warn(&self, headers: &HeaderMap) {
        for header in headers.get_all(http::header::WARNING) {
            for text in warnings(&String::from_utf8_lossy(header.as_bytes())) {
                let mut warned = self.warned.lock().unwrap_or_else(PoisonError::into_inner);
                if warned.insert(text.clone()) {
                    self.printer.warn(&text);
                }
            }
        }
    }
}

/// The texts of one `Warning` header: code 299 only, quotes and backslashes undone.
/// Source: k8s.io/apimachinery/pkg/util/net/http.go (`ParseWarningHeaders`).
fn warnings(header: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut rest = header.trim();
    while let Some(start) = rest.find('"') {
        let code = rest[..start]
            .trim_start_matches([',', ' '])
            .split(' ')
            .next();
        let is_299 = code == Some("299");
        let mut text = String::new();
        let mut chars = rest[start + 1..].char_indices();
        let mut end = None;
        while let Some((at, c)) = chars.next() {
            match c {
                '\\' => text.extend(chars.next().map(|(_, c)| c)),
                '"' => {
                    end = Some(start + 1 + at + 1);
                    break;
                }
                c => text.push(c),
            }
        }
        let Some(end) = end else { break };
        if is_299 && !text.is_empty() {
            found.push(text);
        }
        rest = &rest[end..];
        // An optional quoted date may follow; it belongs to no new warning.
        if let Some(comma) = rest.find(',') {
            rest = &rest[comma..];
        } else {
            break;
        }
    }
    found
}

/// The line of `-v`, said when the body has ended.
struct Line {
    start: String,
    began: Instant,
    bytes: usize,
    kept: Vec<u8>,
    shared: Arc<Shared>,
}

impl Drop for Line {
    fn drop(&mut self) {
        let printer = self.shared.printer;
        if self.shared.verbose > 2 && !self.kept.is_empty() {
            printer.say(&String::from_utf8_lossy(&self.kept));
            if self.bytes > self.kept.len() {
                printer.say(&format!("… {} more bytes", self.bytes - self.kept.len()));
            }
        }
        let ms = self.began.elapsed().as_millis();
        printer.say(&format!("{} {ms} ms {} bytes", self.start, self.bytes));
    }
}

/// A body that is counted as it passes.
pub(super) struct Traced<B> {
    body: B,
    line: Option<Line>,
}

impl<B> HttpBody for Traced<B>
where
    B: HttpBody<Data = Bytes, Error = BoxError> + Unpin,
{
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let frame = Pin::new(&mut self.body).poll_frame(cx);
        if let (Poll::Ready(Some(Ok(frame))), Some(line)) = (&frame, &mut self.line)
            && let Some(data) = frame.data_ref()
        {
            line.bytes += data.len();
            if line.shared.verbose > 2 {
                let room = BODY_SHOWN.saturating_sub(line.kept.len());
                line.kept.extend_from_slice(&data[..data.len().min(room)]);
            }
        }
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use super::warnings;

    #[test]
    fn warning_headers_are_read_as_client_go_does() {
        assert_eq!(
            warnings(r#"299 - "v1 Endpoints is deprecated in v1.33+""#).len(),
            1
        );
        assert_eq!(
            warnings(r#"299 - "say \"hi\" \\ there""#),
            [r#"say "hi" \ there"#]
        );
        assert_eq!(warnings(r#"299 - "one", 299 - "two""#), ["one", "two"]);
        assert_eq!(
            warnings(r#"199 - "misc", 299 - "two" "Mon, 01 Jan""#),
            ["two"]
        );
        for broken in ["", "299", "299 - \"open", "\"", "299 - \"\\"] {
            assert!(warnings(broken).is_empty(), "{broken}");
        }
    }
}

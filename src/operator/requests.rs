//! What stands around every request of the operator: the gate before a write leaves, the counters,
//! the log, the server's warnings. A layer around the client, so that nothing escapes it.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use futures::future::{self, BoxFuture};
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, header};
use kube::client::Body;
use tokio::time::timeout;
use tower::{BoxError, Layer, Service};

use super::gate::Gate;
use super::metrics::Metrics;

/// No answer to a request, a watch's first line included, takes longer unless something is broken.
/// The API server itself gives up after 60 s; a worker shall not wait for so long.
const PATIENCE: Duration = Duration::from_secs(20);
/// How many different warnings are remembered; each is logged once.
const WARNINGS: usize = 256;

/// Makes the layer's services.
#[derive(Clone)]
pub(super) struct Requests {
    shared: Arc<Shared>,
}

struct Shared {
    gate: Gate,
    metrics: Arc<Metrics>,
    host: String,
    limit: Duration,
    warned: Mutex<HashSet<String>>,
}

impl Requests {
    /// `host` is the server's, for the counters; `limit` how long an answer may take, if a person
    /// said so.
    pub(super) fn new(
        gate: Gate,
        metrics: Arc<Metrics>,
        host: &str,
        limit: Option<Duration>,
    ) -> Self {
        Requests {
            shared: Arc::new(Shared {
                gate,
                metrics,
                host: host.to_owned(),
                limit: limit.unwrap_or(PATIENCE),
                warned: Mutex::default(),
            }),
        }
    }
}

impl<S> Layer<S> for Requests {
    type Service = Guarded<S>;

    fn layer(&self, inner: S) -> Guarded<S> {
        Guarded {
            inner,
            shared: Arc::clone(&self.shared),
        }
    }
}

pub(super) struct Guarded<S> {
    inner: S,
    shared: Arc<Shared>,
}

impl<S, B> Service<Request<Body>> for Guarded<S>
where
    S: Service<Request<Body>, Response = Response<B>, Error = BoxError>,
    S::Future: Send + 'static,
    B: Send + 'static,
{
    type Response = Response<B>;
    type Error = BoxError;
    type Future = BoxFuture<'static, Result<Response<B>, BoxError>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<Body>) -> Self::Future {
        let agent = HeaderValue::from_static(concat!("appop/", env!("CARGO_PKG_VERSION")));
        request
            .headers_mut()
            .entry(header::USER_AGENT)
            .or_insert(agent);
        let shared = Arc::clone(&self.shared);
        let method = request.method().clone();
        let what = Target::of(&method, request.uri(), request.headers());
        let path = request.uri().path().to_owned();
        let gate = what.is_write.then(|| shared.gate.clone());
        if let Some(Err(closed)) = gate.as_ref().map(Gate::check) {
            return Box::pin(future::ready(Err(closed.into())));
        }
        let began = Instant::now();
        let mut answer = Box::pin(self.inner.call(request));
        // Asked again whenever the request makes a step, and before it: a process that was frozen
        // in between must not send what it held back. What was sent is answered all the same.
        let guarded = future::poll_fn(move |cx| match gate.as_ref().map(Gate::check) {
            Some(Err(closed)) => Poll::Ready(Err(BoxError::from(closed))),
            _ => answer.as_mut().poll(cx),
        });
        Box::pin(async move {
            let answer = match timeout(shared.limit, guarded).await {
                Ok(answer) => answer,
                Err(_) => Err(BoxError::from(Silence(shared.limit))),
            };
            let code = answer.as_ref().ok().map(Response::status);
            shared.note(&method, &path, &what, code, began);
            if let Ok(answer) = &answer {
                shared.warn(answer.headers());
            }
            answer
        })
    }
}

/// There was no answer in time.
#[derive(Debug, thiserror::Error)]
#[error("no answer within {} s", .0.as_secs())]
struct Silence(Duration);

impl Shared {
    fn note(
        &self,
        method: &Method,
        path: &str,
        what: &Target,
        code: Option<StatusCode>,
        began: Instant,
    ) {
        self.metrics
            .request(method, &self.host, what.verb, &what.resource, code);
        let ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
        let code = code.map(|code| code.as_u16());
        tracing::debug!(%method, path, verb = what.verb, code, ms, "request");
    }

    fn warn(&self, headers: &HeaderMap) {
        for warning in headers.get_all(header::WARNING) {
            let text = String::from_utf8_lossy(warning.as_bytes()).into_owned();
            let mut warned = self.warned.lock().unwrap_or_else(PoisonError::into_inner);
            if warned.len() < WARNINGS && warned.insert(text.clone()) {
                tracing::warn!(warning = text, "the server warns");
            }
        }
    }
}

/// What a request is for, in Kubernetes' words.
#[derive(Debug, PartialEq, Eq)]
struct Target {
    verb: &'static str,
    /// The plural and, after a slash, the subresource; or the path's first part
    resource: String,
    is_write: bool,
}

impl Target {
    /// Source of the rules: k8s.io/apiserver/pkg/endpoints/request/requestinfo.go.
    fn of(method: &Method, uri: &http::Uri, headers: &HeaderMap) -> Self {
        let parts: Vec<&str> = uri
            .path()
            .split('/')
            .filter(|part| !part.is_empty())
            .collect();
        let rest = match parts.as_slice() {
            ["api", _, rest @ ..] | ["apis", _, _, rest @ ..] => rest,
            _ => &[],
        };
        let rest = match rest {
            ["namespaces", _, inner @ ..] if !inner.is_empty() => inner,
            rest => rest,
        };
        let resource = match rest {
            [] => parts.first().copied().unwrap_or_default().to_owned(),
            [plural, _, sub] => format!("{plural}/{sub}"),
            [plural, ..] => (*plural).to_owned(),
        };
        let is_apply = headers
            .get(header::CONTENT_TYPE)
            .is_some_and(|kind| kind.as_bytes().starts_with(b"application/apply-patch"));
        let is_watch = uri
            .query()
            .is_some_and(|query| query.split('&').any(|p| p == "watch=true"));
        let verb = match *method {
            Method::GET if is_watch => "watch",
            Method::GET if rest.len() == 1 => "list",
            Method::GET => "get",
            Method::POST => "create",
            Method::PUT => "update",
            Method::PATCH if is_apply => "apply",
            Method::PATCH => "patch",
            Method::DELETE => "delete",
            _ => "other",
        };
        let is_write = !matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS);
        Target {
            verb,
            resource,
            is_write,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(method: Method, uri: &str) -> (&'static str, String, bool) {
        let target = Target::of(&method, &uri.parse().unwrap(), &HeaderMap::new());
        (target.verb, target.resource, target.is_write)
    }

    #[test]
    fn requests_are_named_by_verb_and_resource() {
        let apps = "/apis/app.example.com/v1/namespaces/a/apps";
        for (method, uri, wanted) in [
            (
                Method::GET,
                "/apis/app.example.com/v1/apps?limit=500".to_owned(),
                ("list", "apps", false),
            ),
            (
                Method::GET,
                "/apis/apps/v1/deployments?&watch=true&x=y".to_owned(),
                ("watch", "deployments", false),
            ),
            (
                Method::GET,
                format!("{apps}?watch=true"),
                ("watch", "apps", false),
            ),
            (Method::GET, format!("{apps}/x"), ("get", "apps", false)),
            (
                Method::PATCH,
                format!("{apps}/x/status"),
                ("patch", "apps/status", true),
            ),
            (
                Method::DELETE,
                "/api/v1/namespaces/a/services/x".to_owned(),
                ("delete", "services", true),
            ),
            (
                Method::POST,
                "/apis/events.k8s.io/v1/namespaces/a/events".to_owned(),
                ("create", "events", true),
            ),
            (
                Method::GET,
                "/api/v1/namespaces".to_owned(),
                ("list", "namespaces", false),
            ),
            (
                Method::GET,
                "/api/v1/namespaces/a".to_owned(),
                ("get", "namespaces", false),
            ),
            (
                Method::GET,
                "/version".to_owned(),
                ("get", "version", false),
            ),
        ] {
            let (verb, resource, is_write) = target(method, &uri);
            assert_eq!((verb, resource.as_str(), is_write), wanted, "{uri}");
        }
        let mut headers = HeaderMap::new();
        let kind = HeaderValue::from_static("application/apply-patch+yaml");
        headers.insert(header::CONTENT_TYPE, kind);
        let uri = "/api/v1/namespaces/a/services/x?fieldManager=appop"
            .parse()
            .unwrap();
        assert_eq!(Target::of(&Method::PATCH, &uri, &headers).verb, "apply");
    }
}

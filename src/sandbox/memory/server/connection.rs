//! One connection, and one request of it.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::header::{AUTHORIZATION, HeaderValue};
use http::{HeaderMap, HeaderName, Request, Response};
use http_body::Body;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;

use super::body::{self, AnswerBody};
use crate::sandbox::memory::api::Api;
use crate::sandbox::memory::authn::{self, User};
use crate::sandbox::memory::authz::impersonation;
use crate::sandbox::memory::object;
use crate::sandbox::memory::route;
use crate::sandbox::memory::route::answer::Answer;
use crate::sandbox::memory::route::request;
use crate::sandbox::memory::status::Status;

/// A client that takes longer for its handshake or its headers is none.
const PATIENCE: Duration = Duration::from_secs(10);
/// How many requests a connection may have under way; as Go's server.
const STREAMS: u32 = 250;

pub(super) async fn serve(
    api: Arc<Api>,
    stream: TcpStream,
    tls: TlsAcceptor,
    mut stop: watch::Receiver<bool>,
) {
    let Ok(Ok(stream)) = timeout(PATIENCE, tls.accept(stream)).await else {
        return;
    };
    let service = service_fn(move |request: Request<hyper::body::Incoming>| {
        let api = Arc::clone(&api);
        async move { Ok::<_, Infallible>(respond(&api, request).await) }
    });
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(PATIENCE);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(STREAMS);
    let serving = builder.serve_connection(TokioIo::new(stream), service);
    tokio::select! {
        // A client may break off at any time; there is nobody to tell.
        _ = serving => {}
        _ = stop.wait_for(|stop| *stop) => {}
    }
}

/// Answers one request.
pub async fn respond<B>(api: &Arc<Api>, request: Request<B>) -> Response<AnswerBody>
where
    B: Body<Data = Bytes> + Unpin,
{
    let (parts, body) = request.into_parts();
    let read = body::read(body).await;
    let (bytes, problem) = match read {
        Ok(bytes) => (bytes, None),
        Err(status) => (Bytes::new(), Some(status)),
    };
    let known = who(api, &parts.headers);
    let (user, problem) = match (known, problem) {
        (Ok(user), problem) => (user, problem),
        (Err(status), _) => (User::anonymous(), Some(status)),
    };
    let request = request::Request::new(parts.method, &parts.uri, parts.headers, bytes, user);
    let answer = match problem {
        Some(status) => route::failure(&status, &request),
        None => route::answer(api, &request),
    };
    let is_head = request.method == http::Method::HEAD;
    response(answer, is_head)
}

/// Who asks.
///
/// Errors: 401 for a token that is not known, 403 for an impersonation that is not allowed.
fn who(api: &Arc<Api>, headers: &HeaderMap) -> Result<User, Status> {
    let user = match headers.get(AUTHORIZATION) {
        None => User::anonymous(),
        Some(value) => {
            let text = value.to_str().unwrap_or_default();
            let token = text
                .split_once(' ')
                .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
                .map(|(_, token)| token.trim());
            match token {
                Some(token) => api
                    .tokens
                    .user(&api.store, token)
                    .ok_or_else(authn::unauthorized)?,
                // Basic and the like: as if nothing had been said.
                None => User::anonymous(),
            }
        }
    };
    let Some(other) = User::impersonated(headers)? else {
        return Ok(user);
    };
    impersonation::check(&api.authorizer, &api.store, &user, &other)?;
    Ok(other)
}

fn response(answer: Answer, is_head: bool) -> Response<AnswerBody> {
    let mut response = Response::new(AnswerBody::from(answer.body));
    // Codes are ours, and valid.
    *response.status_mut() = http::StatusCode::from_u16(answer.code).unwrap_or_default();
    let headers = response.headers_mut();
    for (name, value) in answer.headers {
        headers.append(name, value);
    }
    if let Ok(id) = HeaderValue::from_str(&object::new_uid()) {
        headers.insert(HeaderName::from_static("audit-id"), id);
    }
    if is_head {
        *response.body_mut() = AnswerBody::Whole(Default::default());
    }
    response
}

/// The server without sockets, for clients within this process: what it answers is what it answers
/// to anybody, as the user that is given.
#[derive(Clone)]
pub struct Inside {
    api: Arc<Api>,
    user: User,
}

impl Inside {
    /// Requests come from that user, whatever their headers say.
    pub fn new(api: Arc<Api>, user: User) -> Self {
        Inside { api, user }
    }
}

impl<B> tower::Service<Request<B>> for Inside
where
    B: Body<Data = Bytes> + Unpin + Send + 'static,
{
    type Response = Response<AnswerBody>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let Inside { api, user } = self.clone();
        Box::pin(async move {
            let (parts, body) = request.into_parts();
            let (bytes, problem) = match body::read(body).await {
                Ok(bytes) => (bytes, None),
                Err(status) => (Bytes::new(), Some(status)),
            };
            let request =
                request::Request::new(parts.method, &parts.uri, parts.headers, bytes, user);
            let answer = match problem {
                Some(status) => route::failure(&status, &request),
                None => route::answer(&api, &request),
            };
            Ok(response(answer, false))
        })
    }
}

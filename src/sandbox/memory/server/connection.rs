//! One connection, and one request of it.

use std::convert::Infallible;
use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::header::{AUTHORIZATION, HeaderValue};
use http::{HeaderMap, HeaderName, Request, Response};
use http_body::Body;
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::{interval, timeout};
use tokio_rustls::TlsAcceptor;

use super::activity::Activity;
use super::body::{self, AnswerBody};
use super::patience::Patience;
use super::refuse;
use super::socket::Socket;
use crate::sandbox::memory::api::Api;
use crate::sandbox::memory::authn::{self, User};
use crate::sandbox::memory::authz::impersonation;
use crate::sandbox::memory::route;
use crate::sandbox::memory::route::answer::Answer;
use crate::sandbox::memory::route::request;
use crate::sandbox::memory::status::Status;
use crate::sandbox::uuid;

/// How long it takes to say that a connection ends.
const FAREWELL: Duration = Duration::from_secs(1);
/// How many requests a connection may have under way; as Go's server.
const STREAMS: u32 = 250;
/// How large all headers together may be over HTTP/2 (Go's DefaultMaxHeaderBytes).
const HEADERS: u32 = 1 << 20;
/// How many headers a request may have over HTTP/1.1, where Go counts bytes only: the extra fields
/// of an impersonated user are a header each.
const MOST_HEADERS: usize = 1000;
/// A connection over HTTP/2 of which nothing is heard is asked for a sign of life.
const SIGN: Duration = Duration::from_secs(30);

pub(super) async fn serve(
    api: Arc<Api>,
    stream: TcpStream,
    tls: TlsAcceptor,
    patience: Patience,
    mut stop: watch::Receiver<bool>,
) {
    let shaken = async {
        let socket = Socket::take(stream, patience.stalled).await?;
        tls.accept(socket).await
    };
    let Ok(Ok(stream)) = timeout(patience.handshake, shaken).await else {
        return;
    };
    let activity = Activity::new();
    let begins = activity.clone();
    let service = service_fn(move |request: Request<hyper::body::Incoming>| {
        let (api, exchange) = (Arc::clone(&api), begins.begin());
        async move {
            let response = match refuse::malformed(&request) {
                Some(refused) => refused,
                None => respond(&api, request).await,
            };
            Ok::<_, Infallible>(response.map(|body| body.of(exchange)))
        }
    });
    // Which of the two was agreed upon in the handshake.
    let is_2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
    let stream = TokioIo::new(stream);
    let serving = async {
        // A client may break off at any time; there is nobody to tell.
        if is_2 {
            let mut builder = http2::Builder::new(TokioExecutor::new());
            builder
                .timer(TokioTimer::new())
                .max_concurrent_streams(STREAMS)
                .max_header_list_size(HEADERS)
                .keep_alive_interval(SIGN);
            let mut connection = pin!(builder.serve_connection(stream, service));
            tokio::select! {
                _ = connection.as_mut() => {}
                () = over(&activity, &patience) => {
                    connection.as_mut().graceful_shutdown();
                    let _ = timeout(FAREWELL, connection).await;
                }
            }
        } else {
            let mut builder = http1::Builder::new();
            builder.timer(TokioTimer::new()).max_headers(MOST_HEADERS);
            // Which would end connections that wait for their next request, too.
            builder.header_read_timeout(None);
            let connection = builder.serve_connection(stream, service);
            tokio::select! {
                _ = connection => {}
                () = over(&activity, &patience) => {}
            }
        }
    };
    tokio::select! {
        () = serving => {}
        _ = stop.wait_for(|stop| *stop) => {}
    }
}

/// Waits until the connection is of no use any more.
async fn over(activity: &Activity, patience: &Patience) {
    let mut looks = interval(patience.looks);
    while !activity.is_over(Instant::now(), patience) {
        looks.tick().await;
    }
}

/// Answers one request.
pub async fn respond<B>(api: &Arc<Api>, request: Request<B>) -> Response<AnswerBody>
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: Into<body::BoxError>,
{
    let (parts, body) = request.into_parts();
    let read = body::read(body, body::PATIENCE).await;
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
    if let Ok(id) = HeaderValue::from_str(&uuid::random()) {
        headers.insert(HeaderName::from_static("audit-id"), id);
    }
    if is_head {
        *response.body_mut() = AnswerBody::empty();
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
    B::Error: Into<body::BoxError>,
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
            let (bytes, problem) = match body::read(body, body::PATIENCE).await {
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

//! One server, and requests to it.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, Uri, header};
use http_body_util::BodyExt;
use kube::client::{Body, ClientBuilder};
use serde::de::DeserializeOwned;
use tokio::time::{Instant, timeout, timeout_at};

use crate::output::Printer;

use super::error::{Endpoint, Error, Transport, classify};
use super::failure::{BODY_LIMIT, Failure};
use super::flags::ConnectFlags;
use super::kubeconfig::Places;
use super::proxy;
use super::settings::{Settings, url_of};
use super::trace::{SentBody, TraceLayer, Unwarned};

/// What appop calls itself, where the user gives no other name.
pub(super) const AGENT: &str = concat!("appop/", env!("CARGO_PKG_VERSION"));
/// Silence after which a buffered GET is given up; client-go's discovery client waits as long.
const IDLE: Duration = Duration::from_secs(32);
/// client-go repeats a request up to this often where the server asks to come back later.
const RETRIES: u32 = 10;
/// In sum no longer than this, so that a person is not kept waiting for minutes.
const RETRY_BUDGET: Duration = Duration::from_secs(30);
/// Go's HTTP client follows so many.
const REDIRECTS: usize = 10;
/// The largest answer that is held in memory; the OpenAPI of a server is far smaller.
const ANSWER_LIMIT: usize = 512 << 20;

/// A server that can be asked. Cheap to clone.
#[derive(Clone)]
pub struct Server {
    client: kube::Client,
    settings: Settings,
    printer: Printer,
    warns: bool,
}

/// A whole answer with a good code (or 304).
#[derive(Clone, Debug)]
pub struct Answer {
    /// 2xx, or 304 where the request was conditional
    pub code: StatusCode,
    /// The headers
    pub headers: HeaderMap,
    /// The body
    pub body: Bytes,
}

impl Answer {
    /// A header as text; empty when it is missing.
    pub fn header(&self, name: header::HeaderName) -> &str {
        self.headers
            .get(name)
            .and_then(|v| v.to_str().ok())
            .unwrap_or_default()
    }
}

impl Server {
    /// Resolves flags and kubeconfig and prepares a client. Sends nothing.
    ///
    /// Errors: whatever is wrong with the configuration, see [`Settings::resolve`].
    pub fn connect(flags: &ConnectFlags, verbose: u8, printer: Printer) -> Result<Self, Error> {
        let settings = Settings::resolve(flags, &Places::from_env())?;
        let builder = ClientBuilder::try_from(settings.config.clone()).map_err(|problem| {
            Error::Settings(format!(
                "the connection settings cannot be used: {}",
                super::error::chain(&problem)
            ))
        })?;
        let layer = TraceLayer::new(printer, verbose, settings.clone());
        let client = builder.with_layer(&layer).build();
        Ok(Server {
            client,
            settings,
            printer,
            warns: true,
        })
    }

    /// The same server, whose warnings are not shown: for requests that nobody asked for by name,
    /// such as a look through all kinds, where a deprecated one among them is nobody's mistake.
    pub fn without_warnings(&self) -> Self {
        Server {
            warns: false,
            ..self.clone()
        }
    }

    /// The settings in use.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The namespace to work in.
    pub fn namespace(&self) -> &str {
        &self.settings.namespace
    }

    /// The server's address, without a slash at its end.
    pub fn url(&self) -> String {
        url_of(&self.settings.config.cluster_url)
    }

    /// The client, for typed calls.
    pub fn client(&self) -> kube::Client {
        self.client.clone()
    }

    /// A GET of `path` (from its `/` on, query included), read whole.
    ///
    /// Errors: no answer, an answer other than 2xx, or silence for 32 s.
    pub async fn get(&self, path: &str, accept: &str) -> Result<Answer, Error> {
        self.get_with(path, accept, HeaderMap::new()).await
    }

    /// As [`Server::get`] with more headers; with `If-None-Match` among them, 304 is an answer.
    pub async fn get_with(
        &self,
        path: &str,
        accept: &str,
        headers: HeaderMap,
    ) -> Result<Answer, Error> {
        let mut request = Request::new(Bytes::new());
        *request.uri_mut() = parse_path(path)?;
        *request.headers_mut() = headers;
        let accept = HeaderValue::from_str(accept)
            .map_err(|_| Error::Settings(format!("{accept:?} cannot stand in a header")))?;
        request.headers_mut().insert(header::ACCEPT, accept);
        let began = Instant::now();
        let limit = self.settings.timeout.unwrap_or(IDLE);
        let answer = timeout(limit, self.send(request))
            .await
            .map_err(|_| self.timed_out(&Method::GET, path))??;
        let code = answer.status();
        if code.is_success() || code == StatusCode::NOT_MODIFIED {
            let headers = answer.headers().clone();
            let body = self.read(path, answer.into_body(), ANSWER_LIMIT);
            let body = match self.settings.timeout {
                Some(limit) => timeout_at(began + limit, body)
                    .await
                    .map_err(|_| self.timed_out(&Method::GET, path))??,
                None => body.await?,
            };
            return Ok(Answer {
                code,
                headers,
                body,
            });
        }
        Err(Error::Http(Box::new(
            self.failure(&Method::GET, path, answer).await?,
        )))
    }

    /// A GET of `path`, read as JSON.
    ///
    /// Errors: as [`Server::get`], and an answer that is not the JSON expected.
    pub async fn get_json<T: DeserializeOwned>(
        &self,
        path: &str,
        accept: &str,
    ) -> Result<T, Error> {
        let answer = self.get(path, accept).await?;
        from_json(path, &answer.body)
    }

    /// Sends one request; returns when the answer's headers are there, whatever its code.
    ///
    /// What the user asked for with `--request-timeout` ends it. A GET follows redirects that stay
    /// on the server. Where the server asks to come back later (Retry-After with 429, or with 5xx
    /// to a GET), it does, says so, and gives up after 30 s.
    pub async fn send(&self, mut request: Request<Bytes>) -> Result<Response<Body>, Error> {
        let agent = HeaderValue::from_static(AGENT);
        request
            .headers_mut()
            .entry(header::USER_AGENT)
            .or_insert(agent);
        let is_read = matches!(*request.method(), Method::GET | Method::HEAD);
        let began = Instant::now();
        let (mut tries, mut hops) = (0, 0);
        loop {
            let answer = self.send_once(&request).await?;
            let code = answer.status();
            if is_read && is_redirect(code) {
                hops += 1;
                let next = self.redirected(&request, &answer, hops)?;
                *request.uri_mut() = next;
                continue;
            }
            let may_repeat =
                code == StatusCode::TOO_MANY_REQUESTS || (is_read && code.is_server_error());
            let wait = may_repeat.then(|| retry_after(answer.headers())).flatten();
            match wait {
                Some(wait)
                    if tries < RETRIES && began.elapsed().saturating_add(wait) <= RETRY_BUDGET =>
                {
                    tries += 1;
                    self.printer.say(&format!(
                        "The server answered {} and asks to wait {} s; trying again ({tries} of {RETRIES}).",
                        code.as_u16(),
                        wait.as_secs()
                    ));
                    tokio::time::sleep(wait).await;
                }
                _ => return Ok(answer),
            }
        }
    }

    async fn send_once(&self, request: &Request<Bytes>) -> Result<Response<Body>, Error> {
        let path = request.uri().to_string();
        let mut sent = request.clone();
        sent.extensions_mut()
            .insert(SentBody(request.body().clone()));
        if !self.warns {
            sent.extensions_mut().insert(Unwarned);
        }
        let sent = self.client.send(sent.map(Body::from));
        let sent = match self.settings.timeout {
            Some(limit) => timeout(limit, sent)
                .await
                .map_err(|_| self.timed_out(request.method(), &path))?,
            None => sent.await,
        };
        sent.map_err(|problem| {
            if let kube::Error::Auth(auth) = &problem {
                return Error::Settings(format!("cannot use the credentials: {auth}"));
            }
            self.transport(request.method(), &path, &problem)
        })
    }

    /// Reads a body to its end. `--request-timeout` limits the whole, otherwise silence does.
    ///
    /// Errors: the connection breaks or falls silent, or the body is larger than `limit` bytes.
    pub async fn read(&self, path: &str, mut body: Body, limit: usize) -> Result<Bytes, Error> {
        let deadline = self.settings.timeout.map(|limit| Instant::now() + limit);
        let mut whole = BytesMut::new();
        loop {
            let next = match deadline {
                Some(deadline) => timeout_at(deadline, body.frame()).await,
                None => timeout(IDLE, body.frame()).await,
            };
            let Some(frame) = next.map_err(|_| self.timed_out(&Method::GET, path))? else {
                break;
            };
            let frame = frame.map_err(|problem| self.transport(&Method::GET, path, &problem))?;
            if let Ok(data) = frame.into_data() {
                if whole.len() + data.len() > limit {
                    return Err(Error::Answer {
                        path: path.to_owned(),
                        problem: format!("it is larger than {} MiB", limit >> 20),
                    });
                }
                whole.extend_from_slice(&data);
            }
        }
        Ok(whole.freeze())
    }

    /// Makes a [`Failure`] of an answer whose code is not 2xx. A body that breaks off is no matter.
    pub async fn failure(
        &self,
        method: &Method,
        path: &str,
        answer: Response<Body>,
    ) -> Result<Failure, Error> {
        let code = answer.status();
        let headers = answer.headers().clone();
        let mut body = answer.into_body();
        let mut whole = BytesMut::new();
        let deadline = Instant::now() + self.settings.timeout.unwrap_or(IDLE);
        while let Ok(Some(Ok(frame))) = timeout_at(deadline, body.frame()).await {
            if let Ok(data) = frame.into_data() {
                let room = BODY_LIMIT - whole.len();
                whole.extend_from_slice(&data[..data.len().min(room)]);
                if whole.len() == BODY_LIMIT {
                    break;
                }
            }
        }
        let credential = &self.settings.credential;
        Ok(Failure::new(
            method.as_str(),
            path,
            code,
            headers,
            whole.freeze(),
            credential,
        ))
    }

    /// A failure of the connection, explained.
    pub fn transport(
        &self,
        method: &Method,
        path: &str,
        problem: &(dyn std::error::Error + 'static),
    ) -> Error {
        let config = &self.settings.config;
        let host = config.cluster_url.host().unwrap_or_default();
        let port = config
            .cluster_url
            .port_u16()
            .unwrap_or(match config.cluster_url.scheme_str() {
                Some("https") => 443,
                _ => 80,
            });
        let proxy = config
            .proxy_url
            .as_ref()
            .map(|p| proxy::without_secret(&p.to_string()));
        let endpoint = Endpoint {
            address: &format!("{host}:{port}"),
            host,
            proxy: proxy.as_deref(),
            has_authority: config.root_cert.is_some(),
        };
        let why = Box::new(classify(problem, &endpoint));
        Error::Transport {
            method: method.to_string(),
            url: format!("{}{path}", self.url()),
            why,
        }
    }

    pub(super) fn timed_out(&self, method: &Method, path: &str) -> Error {
        let (limit, advice) = match self.settings.timeout {
            Some(limit) => (
                limit,
                "Allow more with --request-timeout, or see why the server is slow.",
            ),
            None => (
                IDLE,
                "See whether the server is overloaded, or allow more with --request-timeout.",
            ),
        };
        let why = Box::new(Transport::TimedOut(format!("{limit:?}"), advice));
        Error::Transport {
            method: method.to_string(),
            url: format!("{}{path}", self.url()),
            why,
        }
    }

    fn redirected(
        &self,
        request: &Request<Bytes>,
        answer: &Response<Body>,
        hops: usize,
    ) -> Result<Uri, Error> {
        let path = request.uri().to_string();
        let refuse = |why: String| Error::Transport {
            method: request.method().to_string(),
            url: format!("{}{path}", self.url()),
            why: Box::new(Transport::Redirect(why)),
        };
        if hops > REDIRECTS {
            return Err(refuse(format!(
                "the server redirected more than {REDIRECTS} times."
            )));
        }
        let location = answer
            .headers()
            .get(header::LOCATION)
            .and_then(|v| v.to_str().ok());
        let Some(location) = location else {
            return Err(refuse(
                "the server redirects, but does not say where to.".into(),
            ));
        };
        let target: Uri = location.parse().map_err(|_| {
            refuse(format!(
                "the server redirects to {location:?}, which is no URL."
            ))
        })?;
        let base = &self.settings.config.cluster_url;
        let elsewhere = target.authority().is_some()
            && (target.authority() != base.authority() || target.scheme() != base.scheme());
        if elsewhere {
            return Err(refuse(format!(
                "the server redirects to {location:?}. appop does not follow it: your credentials \
                 are for this server. Is the server's address right?"
            )));
        }
        let path = target.path_and_query().map(|p| p.as_str()).unwrap_or("/");
        // The client puts the server's own path before every request.
        let prefix = base.path().trim_end_matches('/');
        let path = path
            .strip_prefix(prefix)
            .filter(|p| p.starts_with('/'))
            .unwrap_or(path);
        parse_path(path)
    }
}

/// A path with its query, as the client wants it.
///
/// Errors: it does not begin with `/` or has characters that no URL may have.
pub fn parse_path(path: &str) -> Result<Uri, Error> {
    let wrong = |why: &str| Error::Settings(format!("{path:?} is not a path: {why}"));
    if !path.starts_with('/') {
        return Err(wrong(
            "it must begin with /, as in /apis/apps/v1/deployments",
        ));
    }
    Uri::builder()
        .path_and_query(path)
        .build()
        .map_err(|_| wrong("it has characters that must be percent-encoded, such as a space (%20)"))
}

/// Reads an answer's body as JSON.
///
/// Errors: [`Error::Answer`] with the place of the problem.
pub fn from_json<T: DeserializeOwned>(path: &str, body: &[u8]) -> Result<T, Error> {
    serde_json::from_slice(body).map_err(|problem| {
        let start: String = String::from_utf8_lossy(&body[..body.len().min(80)]).into_owned();
        Error::Answer {
            path: path.to_owned(),
            problem: format!("{problem}; it begins with {start:?}"),
        }
    })
}

fn is_redirect(code: StatusCode) -> bool {
    matches!(code.as_u16(), 301 | 302 | 303 | 307 | 308)
}

fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds = headers
        .get(header::RETRY_AFTER)?
        .to_str()
        .ok()?
        .trim()
        .parse()
        .ok()?;
    Some(Duration::from_secs(seconds))
}

//! Requests that Go's HTTP server refuses before anybody else sees them (`net/http/server.go`), and
//! that hyper lets through.

use bytes::Bytes;
use http::header::{CONNECTION, CONTENT_TYPE, HOST, HeaderValue};
use http::{Method, Request, Response, StatusCode, Uri, Version};

use super::body::AnswerBody;
use crate::sandbox::memory::route::answer::Body;
use crate::sandbox::memory::route::request::is_escaped;

/// The answer to a request that is none.
pub(super) fn malformed<B>(request: &Request<B>) -> Option<Response<AnswerBody>> {
    let is_1 = request.version() < Version::HTTP_2;
    let hosts = request.headers().get_all(HOST).iter().count();
    let text = match hosts {
        0 if request.version() == Version::HTTP_11 => {
            "400 Bad Request: missing required Host header"
        }
        2.. if is_1 => "400 Bad Request",
        _ if !is_path(request.method(), request.uri()) => "400 Bad Request",
        _ => return None,
    };
    let body = Body::Whole(vec![Bytes::from_static(text.as_bytes())]);
    let mut response = Response::new(AnswerBody::from(body));
    *response.status_mut() = StatusCode::BAD_REQUEST;
    let headers = response.headers_mut();
    let plain = HeaderValue::from_static("text/plain; charset=utf-8");
    headers.insert(CONTENT_TYPE, plain);
    if is_1 {
        headers.insert(CONNECTION, HeaderValue::from_static("close"));
    }
    Some(response)
}

/// Whether Go would read it as the address of something.
fn is_path(method: &Method, uri: &Uri) -> bool {
    let path = uri.path();
    match path {
        "*" => method == Method::OPTIONS,
        _ if method == Method::CONNECT => true,
        _ => path.starts_with('/') && is_escaped(path),
    }
}

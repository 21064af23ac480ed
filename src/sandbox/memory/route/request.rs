//! A request as the API sees it, whatever brought it.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, Method, Uri};
use percent_encoding::percent_decode_str;

use crate::sandbox::memory::authn::User;

/// A request whose body has arrived whole.
#[derive(Clone, Debug)]
pub struct Request {
    /// Its method
    pub method: Method,
    /// The path, with its percent-encoding
    pub path: String,
    /// The parameters
    pub query: Query,
    /// The headers
    pub headers: HeaderMap,
    /// The body; empty where there is none
    pub body: Bytes,
    /// Who asks
    pub user: User,
}

/// The parameters of a URL, in their order.
#[derive(Clone, Debug, Default)]
pub struct Query(Vec<(String, String)>);

impl Request {
    /// Takes over what came with HTTP.
    pub fn new(method: Method, uri: &Uri, headers: HeaderMap, body: Bytes, user: User) -> Self {
        Request {
            method,
            path: uri.path().to_owned(),
            query: Query::parse(uri.query().unwrap_or_default()),
            headers,
            body,
            user,
        }
    }

    /// A header's text; `""` when it is missing or no text.
    pub fn header(&self, name: &HeaderName) -> &str {
        let value = self.headers.get(name);
        value.and_then(|v| v.to_str().ok()).unwrap_or_default()
    }
}

impl Query {
    /// Reads what stands behind the `?`.
    pub fn parse(text: &str) -> Self {
        let decode = |part: &str| {
            let spaced = part.replace('+', " ");
            percent_decode_str(&spaced).decode_utf8_lossy().into_owned()
        };
        let pairs = text.split('&').filter(|pair| !pair.is_empty());
        let pairs = pairs.map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decode(name), decode(value))
        });
        Query(pairs.collect())
    }

    /// The first parameter of that name.
    pub fn first(&self, name: &str) -> Option<&str> {
        let found = self.0.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    }

    /// All parameters of that name.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        let named = self.0.iter().filter(move |(known, _)| known == name);
        named.map(|(_, value)| value.as_str())
    }
}

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

/// Whether each percent sign begins an escape, without which Go takes no path.
pub fn is_escaped(text: &str) -> bool {
    let mut parts = text.split('%').skip(1).map(str::as_bytes);
    parts.all(|part| part.len() > 1 && part[..2].iter().all(u8::is_ascii_hexdigit))
}

impl Query {
    /// Reads what stands behind the `?`. As in Go, a parameter that is wrongly escaped, or has a
    /// semicolon in it, is not there.
    pub fn parse(text: &str) -> Self {
        let decode = |part: &str| {
            let spaced = part.replace('+', " ");
            percent_decode_str(&spaced).decode_utf8_lossy().into_owned()
        };
        let is_one = |pair: &&str| !pair.is_empty() && is_escaped(pair) && !pair.contains(';');
        let pairs = text.split('&').filter(is_one);
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrongly_escaped_is_not_there() {
        let query = Query::parse("a=%zz&b=1;c=2&d=%41+b&e=%4&f");
        assert_eq!(query.first("a"), None);
        assert_eq!(query.first("b"), None);
        assert_eq!(query.first("d"), Some("A b"));
        assert_eq!(query.first("e"), None);
        assert_eq!(query.first("f"), Some(""));
        assert!(is_escaped("/a%2fb%20"));
        assert!(!is_escaped("/a%2"));
        assert!(!is_escaped("%é0"));
    }
}

//! From the command line to one request.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Uri, header};

use super::body::{self, Patch, Prepared, Source};
use crate::cli::exit::Usage;
use crate::cluster;

/// What kubectl sends with `get --raw`; the server's plain texts are not JSON.
const ACCEPT: &str = "application/json, */*";
/// Kubernetes' own order: tables in both versions that were, then whatever else there is.
const ACCEPT_TABLE: &str = "application/json;as=Table;v=v1;g=meta.k8s.io,\
                            application/json;as=Table;v=v1beta1;g=meta.k8s.io,\
                            application/json";
/// Who owns the fields that are applied, where the user names nobody.
const FIELD_MANAGER: &str = "appop";
/// The HTTP client makes these itself, from the connection and the body.
const OWN_HEADERS: [HeaderName; 6] = [
    header::HOST,
    header::CONTENT_LENGTH,
    header::TRANSFER_ENCODING,
    header::CONNECTION,
    header::UPGRADE,
    header::EXPECT,
];

/// What was asked for, checked as far as it can be without a server.
#[derive(Debug)]
pub(super) struct Wanted<'a> {
    pub(super) path: &'a str,
    pub(super) query: &'a [String],
    pub(super) method: Method,
    pub(super) headers: HeaderMap,
    /// Headers that the user does not want to be sent: `-H 'Accept:'`
    pub(super) dropped: Vec<HeaderName>,
    pub(super) patch: Option<Patch>,
    pub(super) data: Option<Source>,
    pub(super) table: bool,
}

/// The method: what was named, else what `--patch` or `-d` imply.
///
/// Errors: flags that contradict each other.
pub(super) fn method(
    named: Option<&str>,
    has_data: bool,
    patch: Option<Patch>,
) -> Result<Method, Usage> {
    let named = named
        .map(|name| {
            // Methods are case-sensitive, and all that servers know are in capitals.
            Method::from_bytes(name.to_ascii_uppercase().as_bytes())
                .map_err(|_| Usage(format!("{name:?} is not an HTTP method (-X).")))
        })
        .transpose()?;
    if patch.is_some() {
        if !has_data {
            return Err(Usage(
                "--patch says how a patch is meant; the patch itself is missing: add -d.".into(),
            ));
        }
        if let Some(other) = named.as_ref().filter(|m| **m != Method::PATCH) {
            return Err(Usage(format!("--patch goes with PATCH, not with {other}.")));
        }
        return Ok(Method::PATCH);
    }
    Ok(match named {
        Some(method) => method,
        None if has_data => Method::POST,
        None => Method::GET,
    })
}

/// Reads `-H 'Name: value'`; a name with nothing behind its colon goes to the second list.
///
/// Errors: what no header is, and headers that are not the user's to make.
pub(super) fn headers(given: &[String]) -> Result<(HeaderMap, Vec<HeaderName>), Usage> {
    let mut headers = HeaderMap::new();
    let mut dropped = Vec::new();
    for line in given {
        let bad = |why: &str| Usage(format!("-H {line:?}: {why}"));
        let (name, value) = line
            .split_once(':')
            .ok_or_else(|| bad("a header is written as 'Name: value'."))?;
        let name = HeaderName::from_bytes(name.trim().as_bytes())
            .map_err(|_| bad("that is not the name of a header."))?;
        if name == header::AUTHORIZATION {
            return Err(Usage(
                "-H Authorization: credentials come from the kubeconfig; use --token for another \
                 token."
                    .into(),
            ));
        }
        if OWN_HEADERS.contains(&name) {
            return Err(bad("the HTTP client makes this header itself."));
        }
        let value = value.trim();
        if value.is_empty() {
            dropped.push(name);
            continue;
        }
        let value = HeaderValue::from_bytes(value.as_bytes())
            .map_err(|_| bad("the value has characters that no header may have."))?;
        headers.append(name, value);
    }
    Ok((headers, dropped))
}

impl Wanted<'_> {
    /// Whether the content type of the body is the user's own matter.
    fn has_content_type(&self) -> bool {
        self.headers.contains_key(header::CONTENT_TYPE)
            || self.dropped.contains(&header::CONTENT_TYPE)
    }

    /// Refuses what could only be answered with an error.
    pub(super) fn check(&self) -> Result<(), Usage> {
        if self.patch.is_some() && self.has_content_type() {
            return Err(Usage(
                "--patch and -H Content-Type both say how the patch is meant: give one of them."
                    .into(),
            ));
        }
        if self.method == Method::PATCH && self.patch.is_none() && !self.has_content_type() {
            return Err(Usage(
                "a PATCH must say how it is meant: --patch json, merge, strategic or apply.".into(),
            ));
        }
        if self.table && self.headers.contains_key(header::ACCEPT) {
            return Err(Usage(
                "--table chooses Accept itself: leave out -H Accept.".into(),
            ));
        }
        Ok(())
    }

    /// The body as it is to be sent.
    ///
    /// Errors: a sentence about a body that is neither JSON nor YAML.
    pub(super) fn body(&self, bytes: Bytes) -> Result<Prepared, String> {
        let Some(source) = self.data.as_ref().filter(|_| !self.has_content_type()) else {
            return Ok(Prepared {
                bytes,
                content_type: None,
                unchanged: true,
            });
        };
        body::prepare(bytes, source, self.patch).map_err(|problem| match source.forgotten_at() {
            Some(hint) => format!("{problem} {hint}"),
            None => problem,
        })
    }

    /// The request to the server at `base`.
    ///
    /// Errors: PATH is none, or is one of another server.
    pub(super) fn request(
        &self,
        base: &Uri,
        body: &Prepared,
    ) -> Result<Request<Bytes>, cluster::BadTarget> {
        let mut uri = cluster::target(base, self.path, self.query)?;
        if self.patch == Some(Patch::Apply) {
            uri = with_default(&uri, "fieldManager", FIELD_MANAGER)?;
        }
        let accept = if self.table { ACCEPT_TABLE } else { ACCEPT };
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCEPT, HeaderValue::from_static(accept));
        if let Some(content_type) = body.content_type {
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
        }
        for name in self.headers.keys().chain(&self.dropped) {
            headers.remove(name);
        }
        for (name, value) in &self.headers {
            headers.append(name, value.clone());
        }
        let mut request = Request::new(body.bytes.clone());
        *request.method_mut() = self.method.clone();
        *request.uri_mut() = uri;
        *request.headers_mut() = headers;
        Ok(request)
    }
}

/// `uri` with a query parameter that it does not have yet.
pub(super) fn with_default(uri: &Uri, name: &str, value: &str) -> Result<Uri, cluster::BadTarget> {
    if cluster::has_parameter(uri, name) {
        return Ok(uri.clone());
    }
    with(uri, &[&format!("{name}={value}")], &[])
}

/// `uri` with query parameters set and others removed.
pub(super) fn with(uri: &Uri, set: &[&str], removed: &[&str]) -> Result<Uri, cluster::BadTarget> {
    let set: Vec<String> = set.iter().map(|pair| (*pair).to_owned()).collect();
    let kept: Vec<&str> = uri
        .query()
        .unwrap_or_default()
        .split('&')
        .filter(|pair| {
            let name = pair.split('=').next().unwrap_or_default();
            !removed.contains(&name)
        })
        .collect();
    let path = format!("{}?{}", uri.path(), kept.join("&"));
    cluster::target(&Uri::default(), &path, &set)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(path: &str) -> Wanted<'_> {
        Wanted {
            path,
            query: &[],
            method: Method::GET,
            headers: HeaderMap::new(),
            dropped: Vec::new(),
            patch: None,
            data: None,
            table: false,
        }
    }

    fn base() -> Uri {
        "https://h:6443".parse().unwrap()
    }

    #[test]
    fn the_method_follows_from_the_other_flags() {
        let of = |named, data, patch| method(named, data, patch).map(|m| m.to_string());
        assert_eq!(of(None, false, None).unwrap(), "GET");
        assert_eq!(of(None, true, None).unwrap(), "POST");
        assert_eq!(of(None, true, Some(Patch::Merge)).unwrap(), "PATCH");
        assert_eq!(of(Some("delete"), true, None).unwrap(), "DELETE");
        assert_eq!(of(Some("BREW"), false, None).unwrap(), "BREW");
        for (named, data, patch) in [
            (None, false, Some(Patch::Merge)),
            (Some("PUT"), true, Some(Patch::Merge)),
            (Some("GET /"), false, None),
            (Some(""), false, None),
        ] {
            assert!(of(named, data, patch).is_err(), "{named:?}");
        }
    }

    #[test]
    fn headers_are_the_users_apart_from_those_of_the_connection() {
        let (headers, dropped) = headers(&[
            "Accept: text/plain".into(),
            "x-a:1".into(),
            "X-A: 2:3 ".into(),
            "User-Agent:".into(),
        ])
        .unwrap();
        assert_eq!(headers["accept"], "text/plain");
        let all: Vec<_> = headers.get_all("x-a").iter().collect();
        assert_eq!(all, ["1", "2:3"]);
        assert_eq!(dropped, [header::USER_AGENT]);
        for bad in [
            "Accept",
            "a b: c",
            ": x",
            "x: a\u{7}",
            "authorization: Bearer x",
            "Host: h",
            "content-length: 3",
        ] {
            assert!(super::headers(&[bad.into()]).is_err(), "{bad}");
        }
    }

    #[test]
    fn apply_has_a_field_manager() {
        let body = Prepared {
            bytes: Bytes::new(),
            content_type: Some("application/apply-patch+yaml"),
            unchanged: true,
        };
        let mut apply = wanted("/api?force=true");
        apply.patch = Some(Patch::Apply);
        apply.method = Method::PATCH;
        let request = apply.request(&base(), &body).unwrap();
        assert_eq!(request.uri(), "/api?force=true&fieldManager=appop");
        apply.path = "/api?fieldManager=me";
        assert_eq!(
            apply.request(&base(), &body).unwrap().uri(),
            "/api?fieldManager=me"
        );
    }

    #[test]
    fn the_users_headers_win() {
        let body = Prepared {
            bytes: Bytes::new(),
            content_type: None,
            unchanged: true,
        };
        let mut wanted = wanted("/api");
        let accept = |wanted: &Wanted<'_>| {
            let request = wanted.request(&base(), &body).unwrap();
            request.headers().get("accept").cloned()
        };
        assert_eq!(accept(&wanted).unwrap(), "application/json, */*");
        wanted
            .headers
            .insert(header::ACCEPT, HeaderValue::from_static("application/yaml"));
        assert_eq!(accept(&wanted).unwrap(), "application/yaml");
        wanted.headers.clear();
        wanted.dropped.push(header::ACCEPT);
        assert_eq!(accept(&wanted), None);
    }

    #[test]
    fn a_patch_says_once_how_it_is_meant() {
        let mut wanted = wanted("/api");
        wanted.method = Method::PATCH;
        assert!(wanted.check().is_err());
        wanted.patch = Some(Patch::Merge);
        assert!(wanted.check().is_ok());
        wanted
            .headers
            .insert(header::CONTENT_TYPE, HeaderValue::from_static("x/y"));
        assert!(wanted.check().is_err());
        wanted.patch = None;
        assert!(wanted.check().is_ok());
    }
}

//! What a person gave as path, URL and query parameters, made one path of a server.

use http::Uri;
use percent_encoding::{
    AsciiSet, CONTROLS, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode,
};

use super::{Error, parse_path};

/// What no path or query may hold as it is; `%` stays, for what is already encoded.
const LENIENT: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'<')
    .add(b'>')
    .add(b'\\')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}');
/// All that could mean something in a query; the rest stays readable. `+` is a space to the server.
const VALUE: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b',')
    .remove(b'/')
    .remove(b':');

/// A target that cannot be one of this server.
#[derive(Debug, thiserror::Error)]
pub enum BadTarget {
    /// Neither a path nor a URL
    #[error(
        "{0:?} is not a path: it must begin with /, as in /api/v1/pods or /apis/apps/v1/deployments"
    )]
    NotAPath(String),
    /// A URL of somebody else, who must not get this server's credentials
    #[error(
        "{given} is not on the server that is configured, {ours}. Credentials are sent to no other; \
         name the server with --server or --context"
    )]
    OtherServer {
        /// The URL that was given
        given: String,
        /// The server's address
        ours: String,
    },
    /// Characters that cannot be mended
    #[error("{0}")]
    Malformed(Error),
}

/// The path and query to ask for.
///
/// `what` is a path, or a URL of the server at `base`. Characters that no URL may have are
/// percent-encoded. Each of `query` (`key=value`, or a key alone) is encoded and put at the end,
/// and takes the place of what `what` says of the same key; given twice, it is sent twice.
///
/// Errors: a URL of another server, or neither a path nor a URL.
pub fn target(base: &Uri, what: &str, query: &[String]) -> Result<Uri, BadTarget> {
    let prefix = base.path().trim_end_matches('/');
    let path = match what.split_once("://") {
        Some((scheme, _)) if is_scheme(scheme) => of_url(base, what)?,
        _ if what.starts_with('/') => what,
        _ => return Err(BadTarget::NotAPath(what.to_owned())),
    };
    // A server may be below a path itself; the client puts that in front of all requests.
    let path = match path.strip_prefix(prefix) {
        Some(rest) if rest.starts_with('/') => rest,
        _ => path,
    };
    let text = utf8_percent_encode(path, LENIENT).to_string();
    let (path, own) = text.split_once('?').unwrap_or((&text, ""));
    let set: Vec<&str> = query.iter().map(|pair| key(pair)).collect();
    let kept = own
        .split('&')
        .filter(|pair| !pair.is_empty() && !set.iter().any(|k| decoded(key(pair)) == *k))
        .map(str::to_owned);
    let pairs: Vec<String> = kept.chain(query.iter().map(|pair| encoded(pair))).collect();
    let whole = if pairs.is_empty() {
        path.to_owned()
    } else {
        format!("{path}?{}", pairs.join("&"))
    };
    parse_path(&whole).map_err(BadTarget::Malformed)
}

/// Whether the query of `uri` has a parameter of that name.
pub fn has_parameter(uri: &Uri, name: &str) -> bool {
    parameter(uri, name).is_some()
}

/// The first value of a parameter, decoded; empty where it has none.
pub fn parameter(uri: &Uri, name: &str) -> Option<String> {
    let mut pairs = uri.query()?.split('&');
    let pair = pairs.find(|pair| decoded(key(pair)) == name)?;
    Some(decoded(pair.split_once('=').map_or("", |(_, value)| value)))
}

fn is_scheme(text: &str) -> bool {
    !text.is_empty()
        && text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c))
}

fn of_url<'a>(base: &Uri, what: &'a str) -> Result<&'a str, BadTarget> {
    let other = || BadTarget::OtherServer {
        given: what.to_owned(),
        ours: base.to_string(),
    };
    let (scheme, rest) = what.split_once("://").ok_or_else(other)?;
    let (authority, path) = match rest.find(['/', '?', '#']) {
        Some(at) => rest.split_at(at),
        None => (rest, "/"),
    };
    // A user before the host is not ours to send, nor is the URL then the server's own.
    let given: Uri = format!("{scheme}://{authority}/")
        .parse()
        .map_err(|_| other())?;
    let same = place(&given).is_some() && place(&given) == place(base) && !authority.contains('@');
    let below = path.starts_with('/')
        && path
            .strip_prefix(base.path().trim_end_matches('/'))
            .is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '?']));
    if same && below {
        Ok(path)
    } else {
        Err(other())
    }
}

/// Scheme, host and port, as far as they decide where a request goes.
fn place(uri: &Uri) -> Option<(String, String, u16)> {
    let scheme = uri.scheme_str()?.to_ascii_lowercase();
    let port = match (uri.port_u16(), scheme.as_str()) {
        (Some(port), _) => port,
        (None, "https") => 443,
        (None, "http") => 80,
        (None, _) => return None,
    };
    Some((scheme, uri.host()?.to_ascii_lowercase(), port))
}

fn key(pair: &str) -> &str {
    pair.split_once('=').map_or(pair, |(key, _)| key)
}

fn decoded(text: &str) -> String {
    let text = text.replace('+', " ");
    percent_decode_str(&text).decode_utf8_lossy().into_owned()
}

fn encoded(pair: &str) -> String {
    let encode = |text| utf8_percent_encode(text, VALUE).to_string();
    match pair.split_once('=') {
        Some((key, value)) => format!("{}={}", encode(key), encode(value)),
        None => encode(pair),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(base: &str, what: &str, query: &[&str]) -> Result<String, String> {
        let query: Vec<String> = query.iter().map(|q| (*q).to_owned()).collect();
        target(&base.parse().unwrap(), what, &query)
            .map(|uri| uri.to_string())
            .map_err(|problem| problem.to_string())
    }

    #[test]
    fn query_parameters_are_encoded_and_replace_those_of_the_path() {
        let is = |what: &str, query: &[&str], wanted: &str| {
            assert_eq!(of("https://h:6443", what, query).unwrap(), wanted);
        };
        is("/api", &[], "/api");
        is("/api?", &[], "/api");
        is(
            "/api/v1/pods?limit=5",
            &["watch"],
            "/api/v1/pods?limit=5&watch",
        );
        is("/api?limit=5&a=b", &["limit=1"], "/api?a=b&limit=1");
        is("/api?la%62el=1", &["label=2"], "/api?label=2");
        is(
            "/exec",
            &["command=ls", "command=-l"],
            "/exec?command=ls&command=-l",
        );
        is(
            "/api",
            &["labelSelector=a in (b,c),d!=e+f&g"],
            "/api?labelSelector=a%20in%20%28b,c%29,d%21%3De%2Bf%26g",
        );
        is(
            "/api?labelSelector=a in (b)",
            &[],
            "/api?labelSelector=a%20in%20(b)",
        );
        is("/a b/%20/ü", &[], "/a%20b/%20/%C3%BC");
    }

    #[test]
    fn urls_of_this_server_are_taken_and_others_are_not() {
        let base = "https://Host:6443/k8s/c-1";
        for (given, wanted) in [
            ("https://host:6443/k8s/c-1/api/v1?x=1", "/api/v1?x=1"),
            ("https://host:6443/k8s/c-1/", "/"),
            ("HTTPS://host:6443/k8s/c-1/version", "/version"),
            ("/k8s/c-1/version", "/version"),
            ("/version", "/version"),
            ("/k8s/c-11/version", "/k8s/c-11/version"),
        ] {
            assert_eq!(of(base, given, &[]).as_deref(), Ok(wanted), "{given}");
        }
        for given in [
            "https://host:6444/k8s/c-1/api",
            "http://host:6443/k8s/c-1/api",
            "https://host/k8s/c-1/api",
            "https://host:6443/api",
            "https://host:6443/k8s/c-11/api",
            "https://host:6443@evil/k8s/c-1/api",
            "https://evil@host:6443/k8s/c-1/api",
            "https://evil\\@host:6443/k8s/c-1/api",
            "ftp://host/k8s/c-1/",
        ] {
            let problem = of(base, given, &[]).unwrap_err();
            assert!(
                problem.contains("is not on the server"),
                "{given}: {problem}"
            );
        }
        assert_eq!(
            of("https://h", "https://h:443/api", &[]).as_deref(),
            Ok("/api")
        );
    }

    #[test]
    fn words_are_no_paths() {
        for given in ["", "pods", "api/v1", "?x", "c:/api"] {
            assert!(of("https://h", given, &[]).is_err(), "{given}");
        }
    }

    #[test]
    fn parameters_are_found_by_their_decoded_names() {
        let uri: Uri = "/a?wat%63h=true&x".parse().unwrap();
        assert_eq!(parameter(&uri, "watch").as_deref(), Some("true"));
        assert_eq!(parameter(&uri, "x").as_deref(), Some(""));
        assert!(!has_parameter(&uri, "y"));
    }
}

//! Which proxy stands between us and the server.
//!
//! Source: k8s.io/client-go (`proxy-url` wins) and golang.org/x/net/http/httpproxy (the
//! environment, which never applies to this machine itself). The kube crate asks `NO_PROXY` about
//! the proxy's host in place of the server's, so the choice is made here.

use http::Uri;
use hyper_util::client::proxy::matcher::Matcher;

use super::error::Error;
use super::userinfo;

/// The proxy to use for `server`, from the kubeconfig or from the environment.
///
/// Errors: an address that is no URL, or a kind of proxy that is not known.
pub(super) fn choose(configured: Option<&str>, server: &Uri) -> Result<Option<Uri>, Error> {
    if let Some(configured) = configured.filter(|url| !url.is_empty()) {
        return parse(configured, "the kubeconfig's proxy-url").map(Some);
    }
    if is_this_machine(server) {
        return Ok(None);
    }
    let first = |names: [&str; 2]| {
        names
            .iter()
            .filter_map(|n| std::env::var(n).ok())
            .find(|v| !v.is_empty())
            .unwrap_or_default()
    };
    let (names, from) = match server.scheme_str() {
        Some("https") => (["HTTPS_PROXY", "https_proxy"], "HTTPS_PROXY"),
        _ => (["HTTP_PROXY", "http_proxy"], "HTTP_PROXY"),
    };
    let wanted = first(names);
    if wanted.is_empty() {
        return Ok(None);
    }
    let excepted = Matcher::builder()
        .all("http://proxy")
        .no(first(["NO_PROXY", "no_proxy"]))
        .build();
    if excepted.intercept(server).is_none() {
        return Ok(None);
    }
    let wanted = if wanted.contains("://") {
        wanted
    } else {
        format!("http://{wanted}")
    };
    parse(&wanted, from).map(Some)
}

fn parse(url: &str, whence: &str) -> Result<Uri, Error> {
    let uri: Uri = url.parse().map_err(|_| {
        Error::Settings(format!("{whence} is not a URL: {:?}", without_secret(url)))
    })?;
    match uri.scheme_str() {
        Some("http" | "https" | "socks5") if uri.host().is_some() => Ok(uri),
        _ => Err(Error::Settings(format!(
            "{whence} {:?} is not a proxy that appop can use; it must begin with http://, https:// \
             or socks5://",
            without_secret(url)
        ))),
    }
}

/// A proxy's address without its user name and password, for messages.
pub(super) fn without_secret(url: &str) -> String {
    userinfo::split(url).0
}

fn is_this_machine(server: &Uri) -> bool {
    let host = server
        .host()
        .unwrap_or_default()
        .trim_start_matches('[')
        .trim_end_matches(']');
    host == "localhost"
        || host
            .parse::<std::net::IpAddr>()
            .is_ok_and(|ip| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kubeconfig_wins_even_for_this_machine() {
        let server = Uri::from_static("https://127.0.0.1:6443");
        let proxy = choose(Some("socks5://127.0.0.1:1080"), &server).unwrap();
        assert_eq!(proxy.unwrap().to_string(), "socks5://127.0.0.1:1080/");
        assert_eq!(choose(None, &server).unwrap(), None);
    }

    #[test]
    fn unknown_kinds_are_refused_without_showing_the_password() {
        let server = Uri::from_static("https://h");
        for (wrong, shown) in [
            ("ftp://me:secret@h", "ftp://h"),
            ("me:secret@h:1", "\"h:1\""),
        ] {
            let text = choose(Some(wrong), &server).unwrap_err().to_string();
            assert!(text.contains(shown) && !text.contains("secret"), "{text}");
        }
    }
}

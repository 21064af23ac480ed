//! URLs (`pkg/cel/library/urls.go` of apiserver).

use std::collections::BTreeMap;
use std::rc::Rc;

use percent_encoding::percent_decode_str;

use super::super::format;
use super::super::go;
use super::eval::Evaluated;
use super::library::{as_text, owned_map, text_list};
use super::value::{Key, Val};

/// The parts of a URL.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Url {
    scheme: String,
    host: String,
    path: String,
    query: String,
}

pub(super) fn call<'a>(name: &str, args: &[Val<'a>]) -> Option<Evaluated<'a>> {
    let text = |text: &str| Ok(Val::text(text));
    Some(match (name, args) {
        ("url", [given]) => {
            let given = as_text(given)?;
            match Url::parse(given) {
                Some(url) => Ok(Val::Url(Rc::new(url))),
                None => Err(format!(
                    "URL parse error during conversion from string: parse {}: invalid URI for \
                     request",
                    go::quote(given)
                )
                .into()),
            }
        }
        ("isURL", [given]) => Ok(Val::Bool(Url::parse(as_text(given)?).is_some())),
        ("getScheme", [Val::Url(url)]) => text(&url.scheme),
        ("getHost", [Val::Url(url)]) => text(&url.host),
        ("getHostname", [Val::Url(url)]) => text(url.host_and_port().0),
        ("getPort", [Val::Url(url)]) => text(url.host_and_port().1),
        ("getEscapedPath", [Val::Url(url)]) => text(&url.path),
        ("getQuery", [Val::Url(url)]) => Ok(url.parameters()),
        _ => return None,
    })
}

impl Url {
    fn parse(text: &str) -> Option<Self> {
        let is_uri = format::check("uri")?;
        if !is_uri(text) {
            return None;
        }
        let text = text.split('#').next().unwrap_or_default();
        let (rest, query) = text.split_once('?').unwrap_or((text, ""));
        let (scheme, rest) = match rest.split_once(':') {
            Some((scheme, after)) if !scheme.contains('/') => (scheme.to_lowercase(), after),
            _ => (String::new(), rest),
        };
        let (host, path) = match rest.strip_prefix("//") {
            Some(after) => {
                let end = after.find('/').unwrap_or(after.len());
                let authority = &after[..end];
                let host = authority
                    .rsplit_once('@')
                    .map_or(authority, |(_, host)| host);
                (host, &after[end..])
            }
            // What does not begin with a slash is opaque, and no path.
            None if rest.starts_with('/') || rest == "*" => ("", rest),
            None => ("", ""),
        };
        Some(Url {
            scheme,
            host: percent_decode_str(host).decode_utf8_lossy().into_owned(),
            path: escaped(path),
            query: query.to_owned(),
        })
    }

    fn host_and_port(&self) -> (&str, &str) {
        let host = self.host.as_str();
        if let Some(rest) = host.strip_prefix('[') {
            let (address, port) = rest.split_once(']').unwrap_or((rest, ""));
            return (address, port.strip_prefix(':').unwrap_or_default());
        }
        host.rsplit_once(':').unwrap_or((host, ""))
    }

    fn parameters<'a>(&self) -> Val<'a> {
        let mut parameters: BTreeMap<String, Vec<String>> = BTreeMap::new();
        let decoded = |text: &str| {
            percent_decode_str(&text.replace('+', " "))
                .decode_utf8_lossy()
                .into_owned()
        };
        let pairs = self
            .query
            .split('&')
            .filter(|p| !p.is_empty() && !p.contains(';'));
        for pair in pairs {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            parameters
                .entry(decoded(key))
                .or_default()
                .push(decoded(value));
        }
        owned_map(
            parameters
                .into_iter()
                .map(|(key, values)| (Key::Text(Rc::from(key)), text_list(values))),
        )
    }
}

/// A path as it is sent: what is escaped stays so, and what must be becomes so.
fn escaped(path: &str) -> String {
    let mut out = String::with_capacity(path.len());
    for byte in path.bytes() {
        let is_fine = byte.is_ascii_alphanumeric() || b"-_.~$&+,/:;=@%!'()*[]".contains(&byte);
        if is_fine {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

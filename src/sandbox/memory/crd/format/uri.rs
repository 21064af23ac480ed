//! URIs, as Go's `url.ParseRequestURI` takes them.

/// An absolute path or an absolute URI.
pub(super) fn is_request_uri(text: &str) -> bool {
    if text.is_empty() || text.bytes().any(|b| b < b' ' || b == 0x7f) {
        return false;
    }
    if text == "*" {
        return true;
    }
    let Some((scheme, rest)) = split_scheme(text) else {
        return false;
    };
    let rest = rest.split('?').next().unwrap_or_default();
    if !rest.starts_with('/') {
        // Behind a scheme, anything is opaque.
        return !scheme.is_empty();
    }
    match rest.strip_prefix("//") {
        // Without a scheme, two slashes begin a path.
        Some(after) if !scheme.is_empty() => {
            let end = after.find('/').unwrap_or(after.len());
            let (authority, path) = after.split_at(end);
            is_authority(authority) && has_valid_escapes(path)
        }
        _ => has_valid_escapes(rest),
    }
}

/// The scheme, possibly empty, and what follows; `None` when the colon comes first.
fn split_scheme(text: &str) -> Option<(&str, &str)> {
    for (at, c) in text.char_indices() {
        match c {
            'a'..='z' | 'A'..='Z' => {}
            '0'..='9' | '+' | '-' | '.' if at > 0 => {}
            ':' if at > 0 => return Some((&text[..at], &text[at + 1..])),
            ':' => return None,
            _ => return Some(("", text)),
        }
    }
    Some(("", text))
}

fn is_authority(text: &str) -> bool {
    let host = match text.rsplit_once('@') {
        Some((user, host)) => {
            let is_user = |c: char| c.is_ascii_alphanumeric() || "-._:~!$&'()*+,;=%@".contains(c);
            if !user.chars().all(is_user) || !has_valid_escapes(user) {
                return false;
            }
            host
        }
        None => text,
    };
    if let Some(rest) = host.strip_prefix('[') {
        let Some((address, port)) = rest.rsplit_once(']') else {
            return false;
        };
        return is_port(port) && !address.contains(' ');
    }
    if let Some(colon) = host.rfind(':')
        && !is_port(&host[colon..])
    {
        return false;
    }
    let is_host = |c: char| {
        !c.is_ascii() || c.is_ascii_alphanumeric() || "-._~!$&'()*+,;=:[]<>\"%".contains(c)
    };
    host.chars().all(is_host) && host_escapes(host)
}

/// Within a host, only what is no ASCII may be escaped.
fn host_escapes(host: &str) -> bool {
    let bytes = host.as_bytes();
    has_valid_escapes(host)
        && bytes
            .iter()
            .enumerate()
            .filter(|(_, b)| **b == b'%')
            .all(|(at, _)| {
                bytes.get(at + 1).is_some_and(|high| *high >= b'8')
                    || &bytes[at + 1..at + 3] == b"25"
            })
}

fn is_port(text: &str) -> bool {
    match text.strip_prefix(':') {
        Some(digits) => digits.bytes().all(|b| b.is_ascii_digit()),
        None => text.is_empty(),
    }
}

fn has_valid_escapes(text: &str) -> bool {
    let bytes = text.as_bytes();
    let escapes = bytes.iter().enumerate().filter(|(_, b)| **b == b'%');
    escapes.into_iter().all(|(at, _)| {
        let digits = bytes.get(at + 1..at + 3);
        digits.is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_go_takes() {
        for (text, is) in [
            ("http://example.com", true),
            ("http://example.com:8080/a?b=c d", true),
            ("/a/b", true),
            ("mailto:a@b", true),
            ("http://user:pw@host/", true),
            ("http://[::1]:80/", true),
            ("*", true),
            ("http:", true),
            ("//a b", true),
            ("http://a%20b", false),
            ("http://a%c3", true),
            ("example.com", false),
            ("a b", false),
            ("", false),
            (":a", false),
            ("http://a b/", false),
            ("http://a:b/", false),
            ("http://a/%zz", false),
            ("/a b", true),
            ("/\n", false),
            ("http://[::1", false),
        ] {
            assert_eq!(is_request_uri(text), is, "{text}");
        }
    }
}

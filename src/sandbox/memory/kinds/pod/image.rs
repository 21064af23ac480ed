//! Names of images, as far as their tag decides the pull policy
//! (`ParseNormalizedNamed` of distribution's `reference`).

/// The tag: `latest` where neither a tag nor a digest is given, `None` for no tag and for what is no
/// name of an image.
pub(super) fn tag(image: &str) -> Option<&str> {
    let is_hex = |text: &str| {
        text.bytes()
            .all(|b| b.is_ascii_hexdigit() && !b.is_ascii_uppercase())
    };
    if image.len() == 64 && is_hex(image) {
        return None;
    }
    let (rest, digest) = match image.split_once('@') {
        Some((rest, digest)) => (rest, Some(digest)),
        None => (image, None),
    };
    let (domain, path) = match rest.split_once('/') {
        Some((first, path)) if is_domain_like(first) => (Some(first), path),
        _ => (None, rest),
    };
    let (path, tag) = match path.split_once(':') {
        Some((path, tag)) => (path, Some(tag)),
        None => (path, None),
    };
    // Without a domain the name gets "docker.io/", and "library/" where it has one part.
    let length = domain.map_or("docker.io".len(), str::len) + 1 + path.len();
    let is_named = length <= 255
        && domain.is_none_or(is_domain)
        && path.split('/').all(is_path_component)
        && tag.is_none_or(is_tag)
        && digest.is_none_or(is_digest);
    match (tag, digest) {
        _ if !is_named => None,
        (None, None) => Some("latest"),
        (tag, _) => tag,
    }
}

fn is_domain_like(first: &str) -> bool {
    first.contains(['.', ':'])
        || first == "localhost"
        || first.bytes().any(|b| b.is_ascii_uppercase())
}

fn is_domain(domain: &str) -> bool {
    let (host, port) = match domain.strip_prefix('[') {
        Some(rest) => match rest.split_once(']') {
            Some((address, "")) => (address, None),
            Some((address, port)) => (address, Some(port.strip_prefix(':').unwrap_or(""))),
            None => return false,
        },
        None => match domain.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (domain, None),
        },
    };
    let is_port = |port: &str| !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit());
    let is_host = if domain.starts_with('[') {
        !host.is_empty() && host.bytes().all(|b| b.is_ascii_hexdigit() || b == b':')
    } else {
        host.split('.').all(|label| {
            label
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'-')
                && !label.is_empty()
                && !label.starts_with('-')
                && !label.ends_with('-')
        })
    };
    is_host && port.is_none_or(is_port)
}

/// Lower case letters and digits, with `.`, `_`, `__` or any number of `-` between them.
fn is_path_component(component: &str) -> bool {
    let is_alphanumeric = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let mut separators = component.split(is_alphanumeric);
    let is_separator = |s: &str| matches!(s, "" | "." | "_" | "__") || s.bytes().all(|b| b == b'-');
    component.starts_with(is_alphanumeric)
        && component.ends_with(is_alphanumeric)
        && separators.all(is_separator)
}

fn is_tag(tag: &str) -> bool {
    let is_word = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
    let mut bytes = tag.bytes();
    tag.len() <= 128
        && bytes.next().is_some_and(is_word)
        && bytes.all(|b| is_word(b) || b == b'.' || b == b'-')
}

fn is_digest(digest: &str) -> bool {
    let Some((algorithm, hex)) = digest.split_once(':') else {
        return false;
    };
    let is_part = |part: &str| {
        part.starts_with(|c: char| c.is_ascii_alphabetic())
            && part.bytes().all(|b| b.is_ascii_alphanumeric())
    };
    algorithm.split(['-', '_', '+', '.']).all(is_part)
        && hex.len() >= 32
        && hex.bytes().all(|b| b.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::tag;

    #[test]
    fn tags() {
        let digest = format!("a@sha256:{}", "0".repeat(64));
        let hex = "0".repeat(64);
        let cases = [
            ("nginx", Some("latest")),
            ("nginx:latest", Some("latest")),
            ("nginx:1.2", Some("1.2")),
            ("localhost:5000/a", Some("latest")),
            ("localhost:5000/a/b:x", Some("x")),
            ("[::1]:5000/a", Some("latest")),
            ("Registry/a", Some("latest")),
            ("a__b/c--d", Some("latest")),
            (digest.as_str(), None),
            (hex.as_str(), None),
            ("", None),
            ("Nginx", None),
            ("a///b", None),
            ("a:", None),
            ("a b", None),
            ("a..b", None),
        ];
        for (image, expected) in cases {
            assert_eq!(tag(image), expected, "{image:?}");
        }
    }
}

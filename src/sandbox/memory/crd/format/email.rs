//! Mail addresses, as Go's `mail.ParseAddress` takes them: `a@b.c`, or `Name <a@b.c>`.

/// Whether there is one address and nothing else.
pub(super) fn is_email(text: &str) -> bool {
    let text = text.trim_matches([' ', '\t']);
    if let Some(rest) = text.strip_suffix('>') {
        let Some((name, address)) = rest.rsplit_once('<') else {
            return false;
        };
        return is_phrase(name.trim_matches([' ', '\t'])) && is_address(address);
    }
    is_address(text)
}

fn is_address(text: &str) -> bool {
    let Some((local, domain)) = split(text) else {
        return false;
    };
    let is_local = is_quoted(local) || is_dot_atom(local);
    is_local && (is_dot_atom(domain) || is_literal(domain))
}

/// At the `@` that is not within quotes.
fn split(text: &str) -> Option<(&str, &str)> {
    if text.starts_with('"') {
        let end = text.rfind("\"@")?;
        return Some((&text[..=end], &text[end + 2..]));
    }
    text.split_once('@')
}

fn is_atom_char(c: char) -> bool {
    !c.is_ascii() || c.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~".contains(c)
}

fn is_dot_atom(text: &str) -> bool {
    text.split('.')
        .all(|part| !part.is_empty() && part.chars().all(is_atom_char))
}

fn is_quoted(text: &str) -> bool {
    let inner = text
        .strip_prefix('"')
        .and_then(|text| text.strip_suffix('"'));
    let Some(inner) = inner.filter(|inner| !inner.is_empty()) else {
        return false;
    };
    let mut is_escaped = false;
    for c in inner.chars() {
        match c {
            _ if is_escaped => is_escaped = false,
            '\\' => is_escaped = true,
            '"' => return false,
            ' ' | '\t' => {}
            c if c.is_control() => return false,
            _ => {}
        }
    }
    !is_escaped
}

/// An address in brackets.
fn is_literal(text: &str) -> bool {
    let inner = text
        .strip_prefix('[')
        .and_then(|text| text.strip_suffix(']'));
    inner.is_some_and(|inner| {
        let address = inner.strip_prefix("IPv6:").unwrap_or(inner);
        address.parse::<std::net::IpAddr>().is_ok()
    })
}

/// Words and quoted strings before an address, or nothing.
fn is_phrase(text: &str) -> bool {
    is_quoted(text)
        || text
            .split([' ', '\t'])
            .filter(|word| !word.is_empty())
            .all(|word| word.chars().all(|c| is_atom_char(c) || c == '.') || is_quoted(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_go_takes() {
        for (text, is) in [
            ("a@b", true),
            ("a.b+c@example.com", true),
            ("\"a b\"@example.com", true),
            ("A B <a@b.c>", true),
            ("\"A, B\" <a@b.c>", true),
            ("<a@b>", true),
            ("é@b", true),
            ("a@[1.2.3.4]", true),
            ("a", false),
            ("@b", false),
            ("a@", false),
            ("a..b@c", false),
            ("a@b, c@d", false),
            ("a b@c", false),
            ("", false),
        ] {
            assert_eq!(is_email(text), is, "{text}");
        }
    }
}

//! Single values as Go's types read and write them.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::sandbox::memory::quantity::Quantity;

/// A quantity in canonical form. The error is apimachinery's sentence.
pub(super) fn quantity(text: &str) -> Result<String, String> {
    match Quantity::parse(text) {
        Some(quantity) => Ok(quantity.canonical()),
        None if has_form_of_quantity(text.trim()) => {
            Err("unable to parse quantity's suffix".to_owned())
        }
        None => Err(NO_QUANTITY.to_owned()),
    }
}

/// What is said of what is no quantity.
pub(super) const NO_QUANTITY: &str = "quantities must match the regular expression \
     '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";

/// As apimachinery cuts it: a number, a suffix of known letters, and digits that may have a sign.
/// What is cut so and has a wrong number of points is refused for its form as well.
fn has_form_of_quantity(text: &str) -> bool {
    let text = text.strip_prefix(['+', '-']).unwrap_or(text);
    let rest = text.trim_start_matches(|c: char| c.is_ascii_digit());
    let rest = rest.strip_prefix('.').unwrap_or(rest);
    let rest = rest.trim_start_matches(|c: char| c.is_ascii_digit());
    let rest = rest.trim_start_matches(|c| "eEinumkKMGTP".contains(c));
    let rest = rest.strip_prefix(['+', '-']).unwrap_or(rest);
    !text.is_empty() && rest.chars().all(|c| c.is_ascii_digit())
}

/// Base64, rewritten. The error is Go's sentence.
pub(super) fn bytes(text: &str) -> Result<String, String> {
    if STANDARD.decode(text).is_ok() {
        // The decoder takes canonical text alone.
        return Ok(text.to_owned());
    }
    // Go skips line ends, and does not mind bits behind the last byte.
    let bytes = decode_as_go(text.as_bytes());
    bytes
        .map(|bytes| base64(&bytes))
        .map_err(|at| format!("illegal base64 data at input byte {at}"))
}

/// Bytes as base64.
pub(super) fn base64(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// The bytes, or where Go finds the first fault.
fn decode_as_go(text: &[u8]) -> Result<Vec<u8>, usize> {
    let mut bytes = Vec::new();
    let mut at = 0;
    let is_line_end = |at: usize| matches!(text.get(at), Some(b'\n' | b'\r'));
    loop {
        let mut group = [0_u8; 4];
        let mut found = 0;
        while found < 4 {
            let Some(byte) = text.get(at) else {
                return if found == 0 {
                    Ok(bytes)
                } else {
                    Err(at - found)
                };
            };
            at += 1;
            match byte {
                b'\n' | b'\r' => {}
                b'=' => return padded(text, at, group, found, bytes),
                _ => {
                    group[found] = digit(*byte).ok_or(at - 1)?;
                    found += 1;
                }
            }
        }
        push(&mut bytes, group, 3);
        while is_line_end(at) {
            at += 1;
        }
    }
}

/// The end, after the first `=`.
fn padded(
    text: &[u8],
    mut at: usize,
    group: [u8; 4],
    found: usize,
    mut bytes: Vec<u8>,
) -> Result<Vec<u8>, usize> {
    let skip = |mut at: usize| {
        while matches!(text.get(at), Some(b'\n' | b'\r')) {
            at += 1;
        }
        at
    };
    if found < 2 {
        return Err(at - 1);
    }
    if found == 2 {
        at = skip(at);
        match text.get(at) {
            None => return Err(text.len()),
            Some(b'=') => at += 1,
            Some(_) => return Err(at - 1),
        }
    }
    at = skip(at);
    if at < text.len() {
        return Err(at);
    }
    push(&mut bytes, group, found - 1);
    Ok(bytes)
}

fn push(bytes: &mut Vec<u8>, group: [u8; 4], count: usize) {
    let [a, b, c, d] = group.map(u32::from);
    let all = (a << 18 | b << 12 | c << 6 | d).to_be_bytes();
    bytes.extend_from_slice(&all[1..=count]);
}

fn digit(byte: u8) -> Option<u8> {
    match byte {
        b'A'..=b'Z' => Some(byte - b'A'),
        b'a'..=b'z' => Some(byte - b'a' + 26),
        b'0'..=b'9' => Some(byte - b'0' + 52),
        b'+' => Some(62),
        b'/' => Some(63),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::{NO_QUANTITY, bytes, quantity};

    /// The places are the real server's.
    #[test]
    fn base64_is_read_as_go_does() {
        for (text, at) in [
            ("a", 0),
            ("aa", 0),
            ("aaa", 0),
            ("aaaa=", 4),
            ("aaaaa", 4),
            ("aaaaaa=", 7),
            ("aa==a", 4),
            ("aa=", 3),
            ("a=", 1),
            ("=", 0),
            ("a*", 1),
            ("aaaa*", 4),
            ("aaaa aaaa", 4),
            ("aaaaaaaaaaa*aaaaaaaaaaaa", 11),
            ("aa=*", 2),
            ("aaa==", 4),
            ("aaa=\nx", 5),
        ] {
            let expected = format!("illegal base64 data at input byte {at}");
            assert_eq!(bytes(text), Err(expected), "{text:?}");
        }
        for (text, expected) in [
            ("", ""),
            ("aGk=", "aGk="),
            ("aGl=", "aGk="),
            ("aG\nk=", "aGk="),
            ("aa\n=\n=\n", "aQ=="),
        ] {
            assert_eq!(bytes(text), Ok(expected.to_owned()), "{text:?}");
        }
    }

    /// The sentences are the real server's.
    #[test]
    fn quantities_are_canonical_or_refused() {
        for (text, expected) in [
            ("1000m", "1"),
            ("1024Ki", "1Mi"),
            ("0.5", "500m"),
            (" 1", "1"),
            ("1.Ki", "1.Ki"),
            (".5", "500m"),
            ("1e3", "1e3"),
            (".", "0"),
        ] {
            assert_eq!(quantity(text), Ok(expected.to_owned()), "{text}");
        }
        for text in ["x", "", "1.2.3", "1X", "1e1.5", "0x1", "é"] {
            assert_eq!(quantity(text), Err(NO_QUANTITY.to_owned()), "{text}");
        }
        for text in ["1kk", "1e", "--1", "1Ee"] {
            let expected = "unable to parse quantity's suffix";
            assert_eq!(quantity(text), Err(expected.to_owned()), "{text}");
        }
    }
}

//! The formats of strings that are checked (kube-openapi's `pkg/validation/strfmt`), by their names
//! without dashes.

mod email;
mod time;
mod uri;

use std::net::Ipv6Addr;
use std::sync::LazyLock;

use regex::Regex;

use crate::sandbox::memory::names;

pub(super) use time::{go_duration as parse_go_duration, is_date, parse_duration};

type Check = fn(&str) -> bool;

/// The check of a format, when it has one.
pub(super) fn check(format: &str) -> Option<Check> {
    Some(match format.replace('-', "").as_str() {
        "bsonobjectid" => |text| is_hex(text, 24),
        "uri" => uri::is_request_uri,
        "email" => email::is_email,
        "hostname" => is_hostname,
        "ipv4" => |text| text.contains('.') && names::parse_ip(text).is_some(),
        "ipv6" => |text| text.parse::<Ipv6Addr>().is_ok(),
        "cidr" => |text| names::parse_cidr(text).is_some(),
        "mac" => is_mac,
        "uuid" => |text| is_uuid(text, ""),
        "uuid3" => |text| is_uuid(text, "3"),
        "uuid4" => |text| is_uuid(text, "4"),
        "uuid5" => |text| is_uuid(text, "5"),
        "isbn" => |text| is_isbn10(text) || is_isbn13(text),
        "isbn10" => is_isbn10,
        "isbn13" => is_isbn13,
        "creditcard" => is_credit_card,
        "ssn" => is_ssn,
        "hexcolor" => is_hex_color,
        "rgbcolor" => is_rgb_color,
        "byte" => is_base64,
        "password" => |_| true,
        "date" => is_date,
        "duration" => |text| parse_duration(text).is_some(),
        "datetime" => time::is_date_time,
        "k8sshortname" => is_short_name,
        "k8slongname" => is_long_name,
        _ => return None,
    })
}

/// Whether a format means something for values of that type.
pub(super) fn is_recognized(type_: &str, format: &str) -> bool {
    match type_ {
        "" | "string" => check(format).is_some(),
        "integer" => format == "int32" || format == "int64",
        "number" => format == "float" || format == "double",
        _ => false,
    }
}

fn expression(pattern: &'static str) -> Regex {
    Regex::new(pattern).expect("a constant expression, which a test compiles")
}

fn is_hex(text: &str, length: usize) -> bool {
    text.len() == length && text.bytes().all(|b| b.is_ascii_hexdigit())
}

fn is_hostname(text: &str) -> bool {
    static HOSTNAME: LazyLock<Regex> = LazyLock::new(|| {
        expression(
            r"^([a-zA-Z0-9\p{S}\p{L}]((-?[a-zA-Z0-9\p{S}\p{L}]{0,62})?)|([a-zA-Z0-9\p{S}\p{L}](([a-zA-Z0-9-\p{S}\p{L}]{0,61}[a-zA-Z0-9\p{S}\p{L}])?)(\.)){1,}([a-zA-Z\p{L}]){2,63})$",
        )
    });
    text.len() <= 255 && HOSTNAME.is_match(text) && text.split('.').all(|part| part.len() <= 63)
}

/// Go's `net.ParseMAC`: 6, 8 or 20 bytes in one of three notations.
fn is_mac(text: &str) -> bool {
    let all = |separator: char, digits: usize, counts: [usize; 3]| {
        let parts: Vec<&str> = text.split(separator).collect();
        counts.contains(&parts.len()) && parts.iter().all(|part| is_hex(part, digits))
    };
    all(':', 2, [6, 8, 20]) || all('-', 2, [6, 8, 20]) || all('.', 4, [3, 4, 10])
}

/// 32 hexadecimal digits with dashes where they belong, each of which may be missing.
fn is_uuid(text: &str, version: &str) -> bool {
    let mut digits = String::with_capacity(32);
    for c in text.chars() {
        match c {
            '-' if matches!(digits.len(), 8 | 12 | 16 | 20) && !digits.ends_with('-') => {}
            c if c.is_ascii_hexdigit() => digits.push(c.to_ascii_lowercase()),
            _ => return false,
        }
    }
    let has_double_dash = text.contains("--");
    let variant = matches!(digits.as_bytes().get(16), Some(b'8' | b'9' | b'a' | b'b'));
    digits.len() == 32
        && !has_double_dash
        && digits[12..].starts_with(version)
        && (variant || !matches!(version, "4" | "5"))
}

fn without_separators(text: &str) -> Vec<u8> {
    let is_separator = |c: char| c == '-' || matches!(c, ' ' | '\t' | '\n' | '\r' | '\u{c}');
    text.chars()
        .filter(|c| !is_separator(*c))
        .collect::<String>()
        .into_bytes()
}

fn is_isbn10(text: &str) -> bool {
    let text = without_separators(text);
    let [first @ .., last] = text.as_slice() else {
        return false;
    };
    if first.len() != 9 || !first.iter().all(u8::is_ascii_digit) {
        return false;
    }
    let last = match last {
        b'X' => 10,
        digit if digit.is_ascii_digit() => u32::from(digit - b'0'),
        _ => return false,
    };
    let weighted = (1..)
        .zip(first)
        .map(|(weight, digit)| weight * u32::from(digit - b'0'));
    (weighted.sum::<u32>() + 10 * last).is_multiple_of(11)
}

fn is_isbn13(text: &str) -> bool {
    let text = without_separators(text);
    if text.len() != 13 || !text.iter().all(u8::is_ascii_digit) {
        return false;
    }
    let weighted = text.iter().zip([1, 3].into_iter().cycle());
    let sum: u32 = weighted
        .map(|(digit, weight)| weight * u32::from(digit - b'0'))
        .sum();
    sum.is_multiple_of(10)
}

fn is_credit_card(text: &str) -> bool {
    static CARD: LazyLock<Regex> = LazyLock::new(|| {
        expression(
            r"^(?:4[0-9]{12}(?:[0-9]{3})?|5[1-5][0-9]{14}|6(?:011|5[0-9][0-9])[0-9]{12}|3[47][0-9]{13}|3(?:0[0-5]|[68][0-9])[0-9]{11}|(?:2131|1800|35[0-9]{3})[0-9]{11})$",
        )
    });
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    if !CARD.is_match(&digits) {
        return false;
    }
    let doubled = digits.bytes().rev().zip([1, 2].into_iter().cycle());
    let sum: u32 = doubled
        .map(|(digit, factor)| {
            let product = factor * u32::from(digit - b'0');
            product / 10 + product % 10
        })
        .sum();
    sum.is_multiple_of(10)
}

fn is_ssn(text: &str) -> bool {
    let bytes = text.as_bytes();
    let separated = |at: usize| matches!(bytes.get(at), Some(b'-' | b' '));
    let digits = bytes.iter().filter(|b| b.is_ascii_digit()).count();
    // The length of 11 leaves no separator out.
    bytes.len() == 11 && separated(3) && separated(6) && digits == 9
}

fn is_hex_color(text: &str) -> bool {
    let digits = text.strip_prefix('#').unwrap_or(text);
    is_hex(digits, 3) || is_hex(digits, 6)
}

fn is_rgb_color(text: &str) -> bool {
    static COLOR: LazyLock<Regex> = LazyLock::new(|| {
        expression(
            r"^rgb\([\t\n\x0c\r ]*(0|[1-9][0-9]?|1[0-9][0-9]?|2[0-4][0-9]|25[0-5])[\t\n\x0c\r ]*,[\t\n\x0c\r ]*(0|[1-9][0-9]?|1[0-9][0-9]?|2[0-4][0-9]|25[0-5])[\t\n\x0c\r ]*,[\t\n\x0c\r ]*(0|[1-9][0-9]?|1[0-9][0-9]?|2[0-4][0-9]|25[0-5])[\t\n\x0c\r ]*\)$",
        )
    });
    COLOR.is_match(text)
}

fn is_base64(text: &str) -> bool {
    let bytes = text.as_bytes();
    let padding = bytes
        .iter()
        .rev()
        .take(2)
        .take_while(|b| **b == b'=')
        .count();
    let is_digit = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/');
    !bytes.is_empty()
        && bytes.len().is_multiple_of(4)
        && bytes[..bytes.len() - padding].iter().all(is_digit)
}

fn is_short_name(text: &str) -> bool {
    text.len() <= names::LABEL_MAX && names::dns1123_label(text).is_empty()
}

fn is_long_name(text: &str) -> bool {
    text.len() <= names::SUBDOMAIN_MAX && names::dns1123_subdomain(text).is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Expectations are those of the strfmt package, which a program asked.
    #[test]
    fn formats_take_what_go_takes() {
        for (format, yes, no) in [
            (
                "bsonobjectid",
                &["507f1f77bcf86cd799439011"][..],
                &["507f1f77bcf86cd79943901g", ""][..],
            ),
            (
                "hostname",
                &["a", "example.com", "a-b.example.com", "1.example.com"],
                &["-a", "a..b", "a_b", ""],
            ),
            (
                "ipv4",
                &["1.2.3.4", "01.2.3.4", "::ffff:1.2.3.4"],
                &["1.2.3", "::1", ""],
            ),
            (
                "ipv6",
                &["::1", "2001:db8::1", "::ffff:1.2.3.4"],
                &["1.2.3.4", "::g", "fe80::1%eth0"],
            ),
            (
                "cidr",
                &["10.0.0.0/8", "10.0.0.1/8", "::/0"],
                &["10.0.0.0", "10.0.0.0/33"],
            ),
            (
                "mac",
                &["00:00:5e:00:53:01", "0000.5e00.5301", "00-00-5e-00-53-01"],
                &["00:00:5e", "00:00:5e:00:53:0"],
            ),
            (
                "uuid",
                &[
                    "123e4567-e89b-12d3-a456-426614174000",
                    "123E4567e89b12d3a456426614174000",
                ],
                &[
                    "123e4567-e89b-12d3-a456-42661417400",
                    "123e4567--e89b12d3a456426614174000",
                    "123e-4567e89b12d3a456426614174000",
                ],
            ),
            (
                "uuid4",
                &["123e4567-e89b-42d3-a456-426614174000"],
                &[
                    "123e4567-e89b-12d3-a456-426614174000",
                    "123e4567-e89b-42d3-c456-426614174000",
                ],
            ),
            (
                "uuid3",
                &["123e4567-e89b-32d3-c456-426614174000"],
                &["123e4567-e89b-42d3-a456-426614174000"],
            ),
            (
                "isbn",
                &["0321751043", "978-0321751041"],
                &["0321751044", "978-0321751042", ""],
            ),
            (
                "creditcard",
                &["4111-1111-1111-1111"],
                &["4111-1111-1111-1112"],
            ),
            (
                "ssn",
                &["111-11-1111", "111 11 1111"],
                &["111111111", "111-111111"],
            ),
            ("hexcolor", &["#FFF", "ffffff"], &["#FFFF", "#ggg"]),
            (
                "rgbcolor",
                &["rgb(255,0, 1)"],
                &["rgb(256,0,1)", "rgb(01,0,1)"],
            ),
            (
                "byte",
                &["YQ==", "YWI=", "YWJj"],
                &["", "YQ=", "Y===", "a b="],
            ),
            ("password", &[""], &[]),
            ("k8s-short-name", &["a-b"], &["a.b", "A", ""]),
            ("k8s-long-name", &["a.b"], &["a..b", ""]),
        ] {
            let check = check(format).expect(format);
            for text in yes {
                assert!(check(text), "{format} {text:?}");
            }
            for text in no {
                assert!(!check(text), "{format} {text:?}");
            }
        }
        assert!(check("uri-reference").is_none());
    }

    #[test]
    fn which_formats_are_recognized() {
        assert!(
            is_recognized("string", "date-time")
                && is_recognized("", "date_time".trim_end_matches("_time"))
        );
        assert!(is_recognized("integer", "int32") && !is_recognized("integer", "int8"));
        assert!(is_recognized("number", "double") && !is_recognized("number", "int32"));
        assert!(!is_recognized("object", "byte") && !is_recognized("string", "int32"));
    }
}

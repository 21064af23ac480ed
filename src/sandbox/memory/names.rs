//! What names, labels, ports and addresses must look like, with the messages of apimachinery's
//! `pkg/util/validation` and `pkg/api/validate/content`. Every function gives what is wrong, in the
//! real server's order; nothing when all is well.
//!
//! The messages quote regular expressions; the checks themselves are loops over bytes, because every
//! write passes through them.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The longest DNS label, label value, and name part of a label's key.
pub const LABEL_MAX: usize = 63;
/// The longest DNS subdomain.
pub const SUBDOMAIN_MAX: usize = 253;

const LABEL_1123: &str = "[a-z0-9]([-a-z0-9]*[a-z0-9])?";
const LABEL_1123_WORDS: &str = "a lowercase RFC 1123 label must consist of lower case alphanumeric \
    characters or '-', and must start and end with an alphanumeric character";
const SUBDOMAIN_1123: &str = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*";
const SUBDOMAIN_1123_WORDS: &str = "a lowercase RFC 1123 subdomain must consist of lower case \
    alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character";
const LABEL_1035: &str = "[a-z]([-a-z0-9]*[a-z0-9])?";
const LABEL_1035_WORDS: &str = "a DNS-1035 label must consist of lower case alphanumeric characters \
    or '-', start with an alphabetic character, and end with an alphanumeric character";
const WILDCARD_1123: &str = r"\*\.[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*";
const WILDCARD_1123_WORDS: &str = "a wildcard DNS-1123 subdomain must start with '*.', followed by \
    a valid DNS subdomain, which must consist of lower case alphanumeric characters, '-' or '.' and \
    end with an alphanumeric character";
const LABEL_KEY: &str = "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]";
const LABEL_KEY_WORDS: &str = "must consist of alphanumeric characters, '-', '_' or '.', and must \
    start and end with an alphanumeric character";
const LABEL_VALUE: &str = "(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?";
const LABEL_VALUE_WORDS: &str = "a valid label must be an empty string or consist of alphanumeric \
    characters, '-', '_' or '.', and must start and end with an alphanumeric character";

/// `WORDS (e.g. 'A',  or 'B', regex used for validation is 'RE')`.
pub fn regex_error(words: &str, regex: &str, examples: &[&str]) -> String {
    if examples.is_empty() {
        return format!("{words} (regex used for validation is '{regex}')");
    }
    let quoted: Vec<String> = examples.iter().map(|e| format!("'{e}', ")).collect();
    format!(
        "{words} (e.g. {}regex used for validation is '{regex}')",
        quoted.join(" or ")
    )
}

/// `must be between LOW and HIGH, inclusive`
pub fn range_error(low: i64, high: i64) -> String {
    format!("must be between {low} and {high}, inclusive")
}

/// `must be no more than MAX characters`
pub fn max_len_error(max: usize) -> String {
    format!("must be no more than {max} characters")
}

fn is_lower(byte: u8) -> bool {
    byte.is_ascii_lowercase() || byte.is_ascii_digit()
}

/// Whether first and last byte are `edge` and the others `edge` or one of `inner`.
fn is_framed(value: &str, edge: fn(u8) -> bool, inner: &[u8]) -> bool {
    let bytes = value.as_bytes();
    let (Some(first), Some(last)) = (bytes.first(), bytes.last()) else {
        return false;
    };
    edge(*first) && edge(*last) && bytes.iter().all(|b| edge(*b) || inner.contains(b))
}

fn matches_label(value: &str) -> bool {
    is_framed(value, is_lower, b"-")
}

fn matches_subdomain(value: &str) -> bool {
    value.split('.').all(matches_label)
}

fn matches_label_key(value: &str) -> bool {
    is_framed(value, |b| b.is_ascii_alphanumeric(), b"-_.")
}

/// `IsDNS1123Label`: names of namespaces, containers, volumes.
pub fn dns1123_label(value: &str) -> Vec<String> {
    let mut wrong = too_long(value, LABEL_MAX);
    if !matches_label(value) {
        wrong.push(if matches_subdomain(value) {
            "must not contain dots".to_owned()
        } else {
            regex_error(LABEL_1123_WORDS, LABEL_1123, &["my-name", "123-abc"])
        });
    }
    wrong
}

/// `IsDNS1123Subdomain`: names of most objects.
pub fn dns1123_subdomain(value: &str) -> Vec<String> {
    let mut wrong = too_long(value, SUBDOMAIN_MAX);
    if !matches_subdomain(value) {
        wrong.push(regex_error(
            SUBDOMAIN_1123_WORDS,
            SUBDOMAIN_1123,
            &["example.com"],
        ));
    }
    wrong
}

/// `IsWildcardDNS1123Subdomain`: hosts of an Ingress that begin with `*`.
pub fn wildcard_dns1123_subdomain(value: &str) -> Vec<String> {
    let mut wrong = too_long(value, SUBDOMAIN_MAX);
    if !value.strip_prefix("*.").is_some_and(matches_subdomain) {
        wrong.push(regex_error(
            WILDCARD_1123_WORDS,
            WILDCARD_1123,
            &["*.example.com"],
        ));
    }
    wrong
}

/// `IsDNS1123SubdomainWithUnderscore`: search domains of a pod.
pub fn dns1123_subdomain_with_underscore(value: &str) -> Vec<String> {
    let is_part = |part: &str| {
        let part = part.strip_prefix('_').unwrap_or(part);
        is_framed(part, is_lower, b"-_")
    };
    let mut wrong = too_long(value, SUBDOMAIN_MAX);
    if !value.split('.').all(is_part) {
        wrong.push(regex_error(
            "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, \
             '_', '-' or '.', and must start and end with an alphanumeric character",
            r"_?[a-z0-9]([-_a-z0-9]*[a-z0-9])?(\._?[a-z0-9]([-_a-z0-9]*[a-z0-9])?)*",
            &["example.com"],
        ));
    }
    wrong
}

/// `IsDNS1035Label`: names of Services.
pub fn dns1035_label(value: &str) -> Vec<String> {
    let mut wrong = too_long(value, LABEL_MAX);
    if !(matches_label(value) && value.starts_with(|c: char| c.is_ascii_lowercase())) {
        wrong.push(regex_error(
            LABEL_1035_WORDS,
            LABEL_1035,
            &["my-name", "abc-123"],
        ));
    }
    wrong
}

/// `IsQualifiedName`, which is `IsLabelKey`: keys of labels and annotations, names of resources.
pub fn qualified_name(value: &str) -> Vec<String> {
    let key_error = || {
        regex_error(
            LABEL_KEY_WORDS,
            LABEL_KEY,
            &["MyName", "my.name", "123-abc"],
        )
    };
    let mut wrong = Vec::new();
    let name = match value.split_once('/') {
        None => value,
        Some((_, name)) if name.contains('/') => {
            return vec![format!(
                "a valid label key {} with an optional DNS subdomain prefix and '/' \
                 (e.g. 'example.com/MyName')",
                key_error()
            )];
        }
        Some(("", name)) => {
            wrong.push("prefix part must be non-empty".to_owned());
            name
        }
        Some((prefix, name)) => {
            // The length is counted in bytes here, and in characters elsewhere.
            if prefix.len() > SUBDOMAIN_MAX {
                wrong.push(format!(
                    "prefix part must be no more than {SUBDOMAIN_MAX} bytes"
                ));
            }
            if !matches_subdomain(prefix) {
                let words = regex_error(SUBDOMAIN_1123_WORDS, SUBDOMAIN_1123, &["example.com"]);
                wrong.push(format!("prefix part {words}"));
            }
            name
        }
    };
    if name.is_empty() {
        wrong.push("name part must be non-empty".to_owned());
    } else if name.len() > LABEL_MAX {
        wrong.push(format!("name part must be no more than {LABEL_MAX} bytes"));
    }
    if !matches_label_key(name) {
        wrong.push(format!("name part {}", key_error()));
    }
    wrong
}

/// `IsLabelValue`.
pub fn label_value(value: &str) -> Vec<String> {
    let mut wrong = Vec::new();
    if value.len() > LABEL_MAX {
        wrong.push(format!("must be no more than {LABEL_MAX} bytes"));
    }
    if !value.is_empty() && !matches_label_key(value) {
        wrong.push(regex_error(
            LABEL_VALUE_WORDS,
            LABEL_VALUE,
            &["MyValue", "my_value", "12345"],
        ));
    }
    wrong
}

/// `IsPathSegmentName`: names of roles and of whatever else may hold nearly anything.
pub fn path_segment(value: &str) -> Vec<String> {
    match value {
        "." | ".." => vec![format!("may not be '{value}'")],
        _ => path_segment_prefix(value),
    }
}

/// `IsPathSegmentPrefix`: a `generateName` for [`path_segment`].
pub fn path_segment_prefix(value: &str) -> Vec<String> {
    let bad = ['/', '%'].into_iter().filter(|c| value.contains(*c));
    bad.map(|c| format!("may not contain '{c}'")).collect()
}

/// `IsValidPortNum`.
pub fn valid_port_num(port: i64) -> Vec<String> {
    in_range(port, 1, 65535)
}

/// `IsInRange`.
pub fn in_range(value: i64, low: i64, high: i64) -> Vec<String> {
    if (low..=high).contains(&value) {
        return Vec::new();
    }
    vec![range_error(low, high)]
}

/// `IsValidUserID` and `IsValidGroupID`.
pub fn valid_user_id(id: i64) -> Vec<String> {
    in_range(id, 0, i64::from(i32::MAX))
}

/// `IsValidPortName`.
pub fn valid_port_name(value: &str) -> Vec<String> {
    let mut wrong = too_long(value, 15);
    if value.is_empty() || !value.bytes().all(|b| is_lower(b) || b == b'-') {
        wrong.push(
            "must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)".to_owned(),
        );
    }
    if !value.bytes().any(|b| b.is_ascii_lowercase()) {
        wrong.push("must contain at least one letter (a-z)".to_owned());
    }
    if value.contains("--") {
        wrong.push("must not contain consecutive hyphens".to_owned());
    }
    if value.starts_with('-') || value.ends_with('-') {
        wrong.push("must not begin or end with a hyphen".to_owned());
    }
    wrong
}

/// `IsValidPercent`.
pub fn percent(value: &str) -> Vec<String> {
    let number = value.strip_suffix('%').unwrap_or_default();
    if !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit()) {
        return Vec::new();
    }
    vec![regex_error(
        "a valid percent string must be a numeric string followed by an ending '%'",
        "[0-9]+%",
        &["1%", "93%"],
    )]
}

/// `IsHTTPHeaderName`.
pub fn http_header_name(value: &str) -> Vec<String> {
    if !value.is_empty()
        && value
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'-')
    {
        return Vec::new();
    }
    vec![regex_error(
        "a valid HTTP header must consist of alphanumeric characters or '-'",
        "[-A-Za-z0-9]+",
        &["X-Header-Name"],
    )]
}

/// `IsRelaxedEnvVarName`, which is asked since 1.34 (RelaxedEnvironmentVariableValidation).
pub fn env_var_name(value: &str) -> Vec<String> {
    if value.is_empty() {
        return vec!["environment variable name must be non-empty".to_owned()];
    }
    if value
        .bytes()
        .all(|b| (b' '..=b'~').contains(&b) && b != b'=')
    {
        return Vec::new();
    }
    vec![
        "a valid environment variable name must consist only of printable ASCII characters other \
         than '='"
            .to_owned(),
    ]
}

/// `IsConfigMapKey`: keys of ConfigMaps and Secrets.
pub fn config_map_key(value: &str) -> Vec<String> {
    let mut wrong = too_long(value, SUBDOMAIN_MAX);
    let is_fine = |b: u8| b.is_ascii_alphanumeric() || b"-_.".contains(&b);
    if value.is_empty() || !value.bytes().all(is_fine) {
        wrong.push(regex_error(
            "a valid config key must consist of alphanumeric characters, '-', '_' or '.'",
            r"[-._a-zA-Z0-9]+",
            &["key.name", "KEY_NAME", "key-name"],
        ));
    }
    match value {
        "." | ".." => wrong.push(format!("must not be '{value}'")),
        _ if value.starts_with("..") => wrong.push("must not start with '..'".to_owned()),
        _ => {}
    }
    wrong
}

/// `IsCIdentifier`.
pub fn c_identifier(value: &str) -> Vec<String> {
    let is_start = |c: char| c.is_ascii_alphabetic() || c == '_';
    if value.starts_with(is_start)
        && value
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'_')
    {
        return Vec::new();
    }
    vec![regex_error(
        "a valid C identifier must start with alphabetic character or '_', followed by a string of \
         alphanumeric characters or '_'",
        "[A-Za-z_][A-Za-z0-9_]*",
        &["my_name", "MY_NAME", "MyName"],
    )]
}

/// `IsValidIP`: canonical.
pub fn ip(value: &str) -> Vec<String> {
    let wrong = legacy_ip(value);
    match parse_ip(value) {
        Some(ip) if wrong.is_empty() && ip.to_string() != value => {
            vec![format!("must be in canonical form (\"{ip}\")")]
        }
        _ => wrong,
    }
}

/// `IsValidIPForLegacyField`, strict: IPv6 need not be canonical.
pub fn legacy_ip(value: &str) -> Vec<String> {
    match parse_ip(value) {
        None => {
            vec!["must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)".to_owned()]
        }
        Some(_) if value.parse::<IpAddr>().is_err() => {
            vec!["must not have leading 0s".to_owned()]
        }
        Some(IpAddr::V6(ip)) if ip.to_ipv4_mapped().is_some() => {
            vec!["must not be an IPv4-mapped IPv6 address".to_owned()]
        }
        Some(_) => Vec::new(),
    }
}

/// `GetWarningsForIP`: an address that is well and not in its usual form.
pub fn ip_warning(path: &impl std::fmt::Display, value: &str) -> Option<String> {
    let ip = parse_ip(value)?;
    match value.parse::<IpAddr>() {
        Ok(IpAddr::V6(own)) if own.to_ipv4_mapped().is_none() => {
            (own.to_string() != value).then(|| {
                format!(
                    "{path}: IPv6 address {value:?} should be in RFC 5952 canonical format \
                     (\"{own}\")"
                )
            })
        }
        Ok(IpAddr::V4(_)) => None,
        _ => {
            let ip = ip.to_canonical();
            Some(format!(
                "{path}: non-standard IP address {value:?} is invalid: use \"{ip}\""
            ))
        }
    }
}

/// `IsValidCIDR`: canonical, without bits beyond the prefix.
pub fn cidr(value: &str) -> Vec<String> {
    let wrong = legacy_cidr(value);
    match parse_cidr(value) {
        Some((ip, bits)) if wrong.is_empty() && format!("{ip}/{bits}") != value => {
            vec![format!("must be in canonical form (\"{ip}/{bits}\")")]
        }
        _ => wrong,
    }
}

/// `IsValidCIDRForLegacyField`, strict.
pub fn legacy_cidr(value: &str) -> Vec<String> {
    let Some((ip, bits)) = parse_cidr(value) else {
        return vec!["must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)".to_owned()];
    };
    let (address, length) = value.split_once('/').unwrap_or_default();
    let has_zero = length.len() > 1 && length.starts_with('0');
    let wrong = if has_zero || address.parse::<IpAddr>().is_err() {
        "must not have leading 0s in IP or prefix length"
    } else if matches!(ip, IpAddr::V6(ip) if ip.to_ipv4_mapped().is_some()) {
        "must not have an IPv4-mapped IPv6 address"
    } else if has_bits_beyond(ip, bits) {
        "must not have bits set beyond the prefix length"
    } else {
        return Vec::new();
    };
    vec![wrong.to_owned()]
}

/// Go's `ParseIPSloppy`: leading zeros in IPv4 octets are skipped.
pub fn parse_ip(value: &str) -> Option<IpAddr> {
    if let Ok(ip) = value.parse() {
        return Some(ip);
    }
    let (head, dotted) = match value.rfind(':') {
        Some(at) => value.split_at(at + 1),
        None => ("", value),
    };
    if !dotted.contains('.') {
        return None;
    }
    let octets: Vec<&str> = dotted.split('.').collect();
    let bare = octets
        .iter()
        .map(|octet| match octet.trim_start_matches('0') {
            "" if !octet.is_empty() => "0",
            bare => bare,
        });
    let bare = format!("{head}{}", bare.collect::<Vec<_>>().join("."));
    if head.is_empty() {
        return bare.parse::<Ipv4Addr>().ok().map(IpAddr::V4);
    }
    bare.parse::<Ipv6Addr>().ok().map(IpAddr::V6)
}

/// An address and the length of its prefix, leading zeros skipped.
pub fn parse_cidr(value: &str) -> Option<(IpAddr, u8)> {
    let (address, length) = value.split_once('/')?;
    let ip = parse_ip(address)?;
    if length.is_empty() || !length.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let bits: u8 = match length.trim_start_matches('0') {
        "" => 0,
        digits => digits.parse().ok()?,
    };
    (bits <= if ip.is_ipv4() { 32 } else { 128 }).then_some((ip, bits))
}

fn has_bits_beyond(ip: IpAddr, bits: u8) -> bool {
    let rest = match ip {
        IpAddr::V4(ip) => u128::from(u32::from(ip).checked_shl(bits.into()).unwrap_or(0)),
        IpAddr::V6(ip) => u128::from(ip).checked_shl(bits.into()).unwrap_or(0),
    };
    rest != 0
}

fn too_long(value: &str, max: usize) -> Vec<String> {
    if value.len() > max {
        vec![max_len_error(max)]
    } else {
        Vec::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Check = fn(&str) -> Vec<String>;

    #[test]
    fn what_is_fine() {
        let cases: &[(Check, &[&str])] = &[
            (dns1123_label, &["a", "0", "a-b", "9a9"]),
            (dns1123_subdomain, &["a", "a.b", "a-1.b-2"]),
            (wildcard_dns1123_subdomain, &["*.a", "*.a.b"]),
            (dns1123_subdomain_with_underscore, &["_a.b", "a_b.c"]),
            (dns1035_label, &["a", "a-1"]),
            (qualified_name, &["a", "A_b.c-d", "x.y/A", "0"]),
            (label_value, &["", "A", "a_b.c-d"]),
            (path_segment, &["a:b", "", "A B"]),
            (valid_port_name, &["a", "http-1"]),
            (env_var_name, &["A", "1a", "a b", "a.b"]),
            (config_map_key, &["a", ".a", "A_-.", "a..b"]),
            (http_header_name, &["X-A"]),
            (percent, &["1%", "100%"]),
            (ip, &["1.2.3.4", "::", "2001:db8::1"]),
            (cidr, &["10.0.0.0/8", "0.0.0.0/0", "::/0", "2001:db8::/64"]),
        ];
        for (check, values) in cases {
            for value in *values {
                assert_eq!(check(value), Vec::<String>::new(), "{value:?}");
            }
        }
    }

    #[test]
    fn what_is_wrong_reads_as_in_kubernetes() {
        let long = "a".repeat(64);
        let cases: &[(Check, &str, &[&str])] = &[
            (dns1123_label, "a.b", &["must not contain dots"]),
            (
                dns1123_label,
                &long,
                &["must be no more than 63 characters"],
            ),
            (
                dns1123_label,
                "A",
                &[
                    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')",
                ],
            ),
            (
                dns1123_subdomain,
                "a..b",
                &[
                    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')",
                ],
            ),
            (
                dns1035_label,
                "1a",
                &[
                    "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')",
                ],
            ),
            (
                qualified_name,
                "",
                &[
                    "name part must be non-empty",
                    "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')",
                ],
            ),
            (
                qualified_name,
                "a/b/c",
                &[
                    "a valid label key must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]') with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')",
                ],
            ),
            (qualified_name, "/b", &["prefix part must be non-empty"]),
            (
                qualified_name,
                &long,
                &["name part must be no more than 63 bytes"],
            ),
            (label_value, &long, &["must be no more than 63 bytes"]),
            (
                label_value,
                "-",
                &[
                    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')",
                ],
            ),
            (path_segment, "..", &["may not be '..'"]),
            (
                path_segment,
                "%/",
                &["may not contain '/'", "may not contain '%'"],
            ),
            (
                valid_port_name,
                "-1--",
                &[
                    "must contain at least one letter (a-z)",
                    "must not contain consecutive hyphens",
                    "must not begin or end with a hyphen",
                ],
            ),
            (
                valid_port_name,
                "",
                &[
                    "must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)",
                    "must contain at least one letter (a-z)",
                ],
            ),
            (config_map_key, "..a", &["must not start with '..'"]),
            (
                config_map_key,
                "",
                &[
                    "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')",
                ],
            ),
            (
                env_var_name,
                "é",
                &[
                    "a valid environment variable name must consist only of printable ASCII characters other than '='",
                ],
            ),
            (
                ip,
                "1.2.3",
                &["must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"],
            ),
            (ip, "01.2.3.4", &["must not have leading 0s"]),
            (
                ip,
                "::ffff:1.2.3.4",
                &["must not be an IPv4-mapped IPv6 address"],
            ),
            (ip, "0:0::1", &["must be in canonical form (\"::1\")"]),
            (
                cidr,
                "10.0.0.1/8",
                &["must not have bits set beyond the prefix length"],
            ),
            (
                cidr,
                "10.0.0.0/33",
                &["must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)"],
            ),
            (
                cidr,
                "10.0.0.0/08",
                &["must not have leading 0s in IP or prefix length"],
            ),
        ];
        for (check, value, wrong) in cases {
            assert_eq!(check(value), *wrong, "{value:?}");
        }
        assert_eq!(
            valid_port_num(0),
            ["must be between 1 and 65535, inclusive"]
        );
    }
}

//! IP addresses and networks (`pkg/cel/library/ip.go` and `cidr.go` of apiserver).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::super::go;
use super::eval::Evaluated;
use super::library::{as_text, no_such_overload};
use super::value::Val;

const NO_NETWORK: &str = "network address parse error during conversion from string";

pub(super) fn call<'a>(name: &str, args: &[Val<'a>]) -> Option<Evaluated<'a>> {
    Some(match (name, args) {
        ("ip", [Val::Cidr(ip, _)]) => Ok(Val::Ip(*ip)),
        ("ip", [text]) => address(as_text(text)?).map(Val::Ip).map_err(Into::into),
        ("isIP", [text]) => Ok(Val::Bool(address(as_text(text)?).is_ok())),
        ("ip.isCanonical", [text]) => {
            let text = as_text(text)?;
            address(text)
                .map(|ip| Val::Bool(ip.to_string() == text))
                .map_err(Into::into)
        }
        ("family", [Val::Ip(ip)]) => Ok(Val::Int(if ip.is_ipv4() { 4 } else { 6 })),
        ("isUnspecified", [Val::Ip(ip)]) => Ok(Val::Bool(ip.is_unspecified())),
        ("isLoopback", [Val::Ip(ip)]) => Ok(Val::Bool(ip.is_loopback())),
        ("isLinkLocalMulticast", [Val::Ip(ip)]) => Ok(Val::Bool(is_local_multicast(*ip))),
        ("isLinkLocalUnicast", [Val::Ip(ip)]) => Ok(Val::Bool(is_local_unicast(*ip))),
        ("isGlobalUnicast", [Val::Ip(ip)]) => Ok(Val::Bool(is_global_unicast(*ip))),
        ("cidr", [text]) => {
            let found = network(as_text(text)?);
            let error = |why| format!("{NO_NETWORK}: {why}").into();
            found
                .map(|(ip, length)| Val::Cidr(ip, length))
                .map_err(error)
        }
        ("isCIDR", [text]) => Ok(Val::Bool(network(as_text(text)?).is_ok())),
        ("containsIP", [Val::Cidr(ip, length), other]) => {
            let other = match other {
                Val::Ip(other) => Ok(*other),
                text => address(as_text(text)?),
            };
            match other {
                Ok(other) => Ok(Val::Bool(contains(*ip, *length, other))),
                Err(_) => no_such_overload(),
            }
        }
        ("containsCIDR", [Val::Cidr(ip, length), other]) => {
            let other = match other {
                Val::Cidr(other, bits) => Ok((*other, *bits)),
                text => network(as_text(text)?),
            };
            let is_within =
                |(other, bits)| Val::Bool(*length <= bits && contains(*ip, *length, other));
            other.map(is_within).or_else(|_| no_such_overload())
        }
        ("prefixLength", [Val::Cidr(_, length)]) => Ok(Val::Int(i64::from(*length))),
        ("masked", [Val::Cidr(ip, length)]) => Ok(Val::Cidr(masked(*ip, *length), *length)),
        _ => return None,
    })
}

fn address(text: &str) -> Result<IpAddr, String> {
    let quoted = go::quote(text);
    if text.contains('%') {
        return Err(format!(
            "IP address {quoted} with zone value is not allowed"
        ));
    }
    let ip: IpAddr = text.parse().map_err(|_| {
        let why = why_no_address(text);
        format!("IP Address {quoted} parse error during conversion from string: {why}")
    })?;
    let is_mapped = matches!(ip, IpAddr::V6(ip) if ip.to_ipv4_mapped().is_some());
    if is_mapped {
        return Err(format!("IPv4-mapped IPv6 address {quoted} is not allowed"));
    }
    Ok(ip)
}

/// What Go's `netip.ParseAddr` says of a text; of IPv6 addresses less than it does.
fn why_no_address(text: &str) -> String {
    let quoted = go::quote(text);
    let is_ipv4 = text
        .find(['.', ':', '%'])
        .is_some_and(|at| text[at..].starts_with('.'));
    let why = if is_ipv4 {
        why_no_ipv4(text)
    } else {
        "unable to parse IP".to_owned()
    };
    format!("ParseAddr({quoted}): {why}")
}

fn why_no_ipv4(text: &str) -> String {
    let (mut value, mut digits, mut dots) = (0, 0, 0);
    for (at, c) in text.char_indices() {
        let here = || go::quote(&text[at..]);
        match c {
            '0'..='9' if digits == 1 && value == 0 => {
                return "IPv4 field has octet with leading zero".to_owned();
            }
            '0'..='9' => {
                value = value * 10 + (u32::from(c) - u32::from('0'));
                digits += 1;
                if value > 255 {
                    return "IPv4 field has value >255".to_owned();
                }
            }
            '.' if digits == 0 || at + 1 == text.len() => {
                return format!("IPv4 field must have at least one digit (at {})", here());
            }
            '.' if dots == 3 => return "IPv4 address too long".to_owned(),
            '.' => (value, digits, dots) = (0, 0, dots + 1),
            _ => return format!("unexpected character (at {})", here()),
        }
    }
    "IPv4 address too short".to_owned()
}

fn network(text: &str) -> Result<(IpAddr, u8), String> {
    let quoted = go::quote(text);
    let error = |why: &str| format!("{NO_NETWORK}: {why}");
    let parse_error = || error(&format!("netip.ParsePrefix({quoted}): no '/'"));
    let (ip, length) = text.split_once('/').ok_or_else(parse_error)?;
    let wrong = |what: &str| error(&format!("netip.ParsePrefix({quoted}): {what}"));
    let ip: IpAddr = ip.parse().map_err(|_| wrong(&why_no_address(ip)))?;
    let is_number = !length.is_empty() && length.bytes().all(|b| b.is_ascii_digit());
    let has_zero = length.len() > 1 && length.starts_with('0');
    let most = if ip.is_ipv4() { 32 } else { 128 };
    let bits: u8 = match length.parse() {
        Ok(bits) if is_number && !has_zero && bits <= most => bits,
        Ok(bits) if is_number && !has_zero && bits > most => {
            return Err(wrong("prefix length out of range"));
        }
        _ => {
            return Err(wrong(&format!(
                "bad bits after slash: {}",
                go::quote(length)
            )));
        }
    };
    if matches!(ip, IpAddr::V6(ip) if ip.to_ipv4_mapped().is_some()) {
        return Err(error(&format!(
            "IPv4-mapped IPv6 address {quoted} is not allowed"
        )));
    }
    Ok((ip, bits))
}

fn masked(ip: IpAddr, length: u8) -> IpAddr {
    match ip {
        IpAddr::V4(ip) => {
            let mask = u32::MAX.checked_shl(32 - u32::from(length)).unwrap_or(0);
            IpAddr::V4(Ipv4Addr::from(u32::from(ip) & mask))
        }
        IpAddr::V6(ip) => {
            let mask = u128::MAX.checked_shl(128 - u32::from(length)).unwrap_or(0);
            IpAddr::V6(Ipv6Addr::from(u128::from(ip) & mask))
        }
    }
}

fn contains(ip: IpAddr, length: u8, other: IpAddr) -> bool {
    ip.is_ipv4() == other.is_ipv4() && masked(ip, length) == masked(other, length)
}

fn is_local_multicast(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => ip.octets()[..3] == [224, 0, 0],
        IpAddr::V6(ip) => ip.octets()[0] == 0xff && ip.octets()[1] & 0x0f == 0x02,
    }
}

fn is_local_unicast(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => ip.is_link_local(),
        IpAddr::V6(ip) => ip.segments()[0] & 0xffc0 == 0xfe80,
    }
}

fn is_global_unicast(ip: IpAddr) -> bool {
    let is_broadcast = matches!(ip, IpAddr::V4(ip) if ip.is_broadcast());
    !(ip.is_unspecified()
        || ip.is_loopback()
        || ip.is_multicast()
        || is_broadcast
        || is_local_unicast(ip))
}

//! Addresses in old fields, where more is let through than is well: their warnings
//! (`GetWarningsForIP`, `GetWarningsForCIDR`).

use std::net::IpAddr;

use crate::sandbox::memory::field::{FieldError, Path};
use crate::sandbox::memory::names;

/// The warning about an address that is not written as it should be.
pub(super) fn ip_warning(value: &str, path: &Path) -> Option<String> {
    let ip = names::parse_ip(value)?;
    if is_odd(value, ip) {
        let plain = plain(ip);
        return Some(format!(
            "{path}: non-standard IP address {value:?} is invalid: use \"{plain}\""
        ));
    }
    (ip.is_ipv6() && ip.to_string() != value).then(|| {
        format!("{path}: IPv6 address {value:?} should be in RFC 5952 canonical format (\"{ip}\")")
    })
}

/// The warnings about a network that is not written as it should be.
pub(super) fn cidr_warnings(value: &str, path: &Path) -> Vec<String> {
    let Some((ip, bits)) = names::parse_cidr(value) else {
        return Vec::new();
    };
    let network = masked(ip, bits);
    let mut warnings = Vec::new();
    if network != ip {
        let all = if ip.is_ipv4() { 32 } else { 128 };
        warnings.push(format!(
            "{path}: CIDR value {value:?} is ambiguous in this context (should be \
             \"{network}/{bits}\" or \"{ip}/{all}\"?)"
        ));
    }
    let (address, length) = value.split_once('/').unwrap_or_default();
    if is_odd(address, ip) || (length.len() > 1 && length.starts_with('0')) {
        warnings.push(format!(
            "{path}: non-standard CIDR value {value:?} is invalid: use \"{}/{bits}\"",
            plain(network)
        ));
    }
    if warnings.is_empty() && ip.is_ipv6() && format!("{ip}/{bits}") != value {
        warnings.push(format!(
            "{path}: IPv6 CIDR value {value:?} should be in RFC 5952 canonical format \
             (\"{ip}/{bits}\")"
        ));
    }
    warnings
}

/// The address of the network that an address is in.
pub(super) fn masked(ip: IpAddr, bits: u8) -> IpAddr {
    match ip {
        IpAddr::V4(ip) => {
            let mask = u32::MAX.checked_shl(32 - u32::from(bits)).unwrap_or(0);
            IpAddr::V4((u32::from(ip) & mask).into())
        }
        IpAddr::V6(ip) => {
            let mask = u128::MAX.checked_shl(128 - u32::from(bits)).unwrap_or(0);
            IpAddr::V6((u128::from(ip) & mask).into())
        }
    }
}

/// `ValidateEndpointIP`: addresses that traffic cannot be sent to.
pub(super) fn unreachable(value: &str, path: &Path) -> Vec<FieldError> {
    let Some(ip) = names::parse_ip(value) else {
        return Vec::new();
    };
    let (link_local, multicast) = match ip {
        IpAddr::V4(ip) => (ip.is_link_local(), ip.octets()[..3] == [224, 0, 0]),
        IpAddr::V6(ip) => {
            let head = ip.segments()[0];
            (head & 0xffc0 == 0xfe80, head & 0xff0f == 0xff02)
        }
    };
    let wrong = [
        (
            ip.is_unspecified(),
            format!("may not be unspecified ({value})"),
        ),
        (
            ip.is_loopback(),
            "may not be in the loopback range (127.0.0.0/8, ::1/128)".to_owned(),
        ),
        (
            link_local,
            "may not be in the link-local range (169.254.0.0/16, fe80::/10)".to_owned(),
        ),
        (
            multicast,
            "may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)".to_owned(),
        ),
    ];
    let wrong = wrong.into_iter().filter(|(is_wrong, _)| *is_wrong);
    wrong
        .map(|(_, words)| FieldError::invalid(path, value, words))
        .collect()
}

/// Whether an address has leading zeros or is an IPv4 address in the form of IPv6.
fn is_odd(value: &str, ip: IpAddr) -> bool {
    value.parse::<IpAddr>().is_err()
        || matches!(ip, IpAddr::V6(ip) if ip.to_ipv4_mapped().is_some())
}

/// An address as Go writes it: without the form of IPv6 around IPv4.
fn plain(ip: IpAddr) -> IpAddr {
    match ip {
        IpAddr::V6(v6) => v6.to_ipv4_mapped().map_or(ip, IpAddr::V4),
        IpAddr::V4(_) => ip,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn warnings_say_what_to_write() {
        let path = Path::new("a");
        let ip = |value| ip_warning(value, &path).unwrap_or_default();
        assert_eq!(ip("10.0.0.1"), "");
        assert_eq!(
            ip("010.0.0.1"),
            "a: non-standard IP address \"010.0.0.1\" is invalid: use \"10.0.0.1\""
        );
        assert_eq!(
            ip("2001:DB8::1"),
            "a: IPv6 address \"2001:DB8::1\" should be in RFC 5952 canonical format \
             (\"2001:db8::1\")"
        );
        assert_eq!(cidr_warnings("10.0.0.0/8", &path), Vec::<String>::new());
        assert_eq!(
            cidr_warnings("10.0.0.1/8", &path),
            [
                "a: CIDR value \"10.0.0.1/8\" is ambiguous in this context (should be \
              \"10.0.0.0/8\" or \"10.0.0.1/32\"?)"
            ]
        );
        assert_eq!(masked([1, 2, 3, 4].into(), 0), IpAddr::from([0, 0, 0, 0]));
    }
}

//! What an App's children and their ports are called.

use std::collections::BTreeSet;

use k8s_openapi::api::core::v1::ServicePort;

use super::types::App;

/// The longest name that an App may have: its children's label values, its container and its
/// Service bear it.
pub const LONGEST: usize = 63;

/// The name of an App; its Deployment, its Service and its container bear it too. Empty only for
/// an object that no server has named.
pub fn name(app: &App) -> &str {
    app.metadata.name.as_deref().unwrap_or_default()
}

/// The uid of an App; empty for one that is not stored.
pub fn uid(app: &App) -> &str {
    app.metadata.uid.as_deref().unwrap_or_default()
}

/// The protocol of a port; TCP where none is said.
pub fn protocol(port: &ServicePort) -> &str {
    port.protocol.as_deref().unwrap_or("TCP")
}

/// The names of an App's Service ports, in their order.
///
/// A Service with several ports needs them all named, and a port that is named from the start keeps
/// its name when a second one comes. A port without a name is called `port-8080`, or
/// `port-53-udp` where the protocol is not TCP.
pub fn port_names(ports: &[ServicePort]) -> Vec<String> {
    let mut taken: BTreeSet<String> = ports
        .iter()
        .filter_map(|port| given_name(port).map(str::to_owned))
        .collect();
    ports
        .iter()
        .map(|port| {
            if let Some(name) = given_name(port) {
                return name.to_owned();
            }
            let mut name = format!("port-{}", port.port);
            if protocol(port) != "TCP" {
                name = format!("{name}-{}", protocol(port).to_lowercase());
            }
            let mut free = name.clone();
            let mut number = 2;
            while !taken.insert(free.clone()) {
                free = format!("{name}-{number}");
                number += 1;
            }
            free
        })
        .collect()
}

/// The name that the App gives a port.
pub(super) fn given_name(port: &ServicePort) -> Option<&str> {
    port.name.as_deref().filter(|name| !name.is_empty())
}

/// Whether a container port may be called so: an IANA service name, by the rules of
/// `IsValidPortName` in k8s.io/apimachinery/pkg/util/validation.
pub(super) fn is_container_port_name(name: &str) -> bool {
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    (1..=15).contains(&name.len())
        && name.chars().all(allowed)
        && name.contains(|c: char| c.is_ascii_lowercase())
        && !name.contains("--")
        && !name.starts_with('-')
        && !name.ends_with('-')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn port(number: i32, name: &str, protocol: &str) -> ServicePort {
        let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        ServicePort {
            port: number,
            name: some(name),
            protocol: some(protocol),
            ..ServicePort::default()
        }
    }

    #[test]
    fn ports_without_a_name_get_one_that_stays() {
        let one = [port(8080, "", "")];
        let two = [port(8080, "", "TCP"), port(8080, "", "UDP")];
        assert_eq!(port_names(&one), ["port-8080"]);
        assert_eq!(port_names(&two), ["port-8080", "port-8080-udp"]);
    }

    #[test]
    fn a_generated_name_gives_way_to_a_given_one() {
        let ports = [port(80, "", ""), port(81, "port-80", "")];
        assert_eq!(port_names(&ports), ["port-80-2", "port-80"]);
    }

    #[test]
    fn container_port_names_are_service_names() {
        for good in ["http", "a", "web-1", "8080tcp", "abcdefghijklmno"] {
            assert!(is_container_port_name(good), "{good}");
        }
        for bad in [
            "",
            "8080",
            "-a",
            "a-",
            "a--b",
            "A",
            "abcdefghijklmnop",
            "a_b",
        ] {
            assert!(!is_container_port_name(bad), "{bad}");
        }
    }
}

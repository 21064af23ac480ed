//! Endpoints: `pkg/registry/core/endpoint`.

use std::net::IpAddr;

use serde_json::Value;

use super::super::workloads::check;
use super::super::workloads::read::{
    at, entry, fill_text, given, int, items, items_mut, same, text,
};
use crate::sandbox::memory::field::{FieldError, Path};
use crate::sandbox::memory::kinds::{Kind, Write, meta};
use crate::sandbox::memory::names;

const LISTS: [&str; 2] = ["addresses", "notReadyAddresses"];

/// See the module.
pub(super) struct Endpoints;

impl Kind for Endpoints {
    fn default(&self, object: &mut Value) {
        for subset in items_mut(object, "subsets") {
            for port in items_mut(subset, "ports") {
                fill_text(port, "protocol", "TCP");
            }
        }
    }

    fn validate_create(&self, object: &Value) -> Vec<FieldError> {
        let mut errors = meta::validate_create(object, true, meta::dns_subdomain);
        errors.extend(validate_subsets(object));
        errors
    }

    fn validate_update(&self, _write: Write<'_>, object: &Value, old: &Value) -> Vec<FieldError> {
        let mut errors = meta::validate_update(object, old);
        errors.extend(meta::validate_create(object, true, meta::dns_subdomain));
        // What was wrong before may stay.
        if !same(at(object, "subsets"), at(old, "subsets")) {
            errors.extend(validate_subsets(object));
        }
        errors
    }

    fn warnings(&self, object: &Value, _old: Option<&Value>) -> Vec<String> {
        let by = entry(
            object,
            "metadata.labels",
            "endpoints.kubernetes.io/managed-by",
        );
        if by == Some("endpoint-controller") {
            return Vec::new();
        }
        let mut all = Vec::new();
        for (index, subset) in items(object, "subsets").iter().enumerate() {
            for list in LISTS {
                let path = Path::new("subsets").index(index).child(list);
                for (index, address) in items(subset, list).iter().enumerate() {
                    let path = path.index(index).child("ip");
                    all.extend(names::ip_warning(&path, text(address, "ip")));
                }
            }
        }
        all
    }

    fn creates_on_update(&self) -> bool {
        true
    }
}

fn validate_subsets(object: &Value) -> Vec<FieldError> {
    let mut errors = Vec::new();
    for (index, subset) in items(object, "subsets").iter().enumerate() {
        let path = Path::new("subsets").index(index);
        if LISTS.iter().all(|list| items(subset, list).is_empty()) {
            let why = "must specify `addresses` or `notReadyAddresses`";
            errors.push(FieldError::required(&path, why));
        }
        for list in LISTS {
            for (index, address) in items(subset, list).iter().enumerate() {
                validate_address(&mut errors, address, &path.child(list).index(index));
            }
        }
        let ports = items(subset, "ports");
        for (index, port) in ports.iter().enumerate() {
            let path = path.child("ports").index(index);
            validate_port(&mut errors, port, ports.len() > 1, &path);
        }
    }
    errors
}

fn validate_address(errors: &mut Vec<FieldError>, address: &Value, path: &Path) {
    let ip = text(address, "ip");
    let ip_path = path.child("ip");
    errors.extend(check::invalid_each(&ip_path, ip, names::legacy_ip(ip)));
    let host = text(address, "hostname");
    if !host.is_empty() {
        let wrong = names::dns1123_label(host);
        errors.extend(check::invalid_each(&path.child("hostname"), host, wrong));
    }
    if given(address, "nodeName").is_some() {
        let node = text(address, "nodeName");
        let wrong = names::dns1123_subdomain(node);
        errors.extend(check::invalid_each(&path.child("nodeName"), node, wrong));
    }
    errors.extend(check::invalid_each(&ip_path, ip, reachable(ip)));
}

/// `ValidateEndpointIP`: addresses that make no sense outside of one machine or network.
pub(super) fn reachable(value: &str) -> Vec<String> {
    let Some(ip) = names::parse_ip(value) else {
        return vec!["must be a valid IP address".to_owned()];
    };
    let (is_link_local, is_link_local_multicast) = match ip.to_canonical() {
        IpAddr::V4(ip) => (ip.is_link_local(), matches!(ip.octets(), [224, 0, 0, _])),
        IpAddr::V6(ip) => {
            let first = ip.segments()[0];
            (first & 0xffc0 == 0xfe80, first & 0xff0f == 0xff02)
        }
    };
    let ip = ip.to_canonical();
    let mut wrong = Vec::new();
    if ip.is_unspecified() {
        wrong.push(format!("may not be unspecified ({value})"));
    }
    if ip.is_loopback() {
        wrong.push("may not be in the loopback range (127.0.0.0/8, ::1/128)".to_owned());
    }
    if is_link_local {
        let why = "may not be in the link-local range (169.254.0.0/16, fe80::/10)";
        wrong.push(why.to_owned());
    }
    if is_link_local_multicast {
        let why = "may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)";
        wrong.push(why.to_owned());
    }
    wrong
}

fn validate_port(errors: &mut Vec<FieldError>, port: &Value, needs_name: bool, path: &Path) {
    let name = text(port, "name");
    let name_path = path.child("name");
    if !name.is_empty() {
        errors.extend(check::invalid_each(
            &name_path,
            name,
            names::dns1123_label(name),
        ));
    } else if needs_name {
        errors.push(FieldError::required(&name_path, ""));
    }
    let number = int(port, "port");
    let wrong = names::valid_port_num(number).into_iter();
    errors.extend(wrong.map(|why| FieldError::invalid(&path.child("port"), number, why)));
    errors.extend(protocol(text(port, "protocol"), &path.child("protocol")));
    if given(port, "appProtocol").is_some() {
        let name = text(port, "appProtocol");
        let wrong = names::qualified_name(name);
        errors.extend(check::invalid_each(&path.child("appProtocol"), name, wrong));
    }
}

/// A port's protocol.
pub(super) fn protocol(protocol: &str, path: &Path) -> Option<FieldError> {
    let supported = ["SCTP", "TCP", "UDP"];
    if protocol.is_empty() {
        return Some(FieldError::required(path, ""));
    }
    (!supported.contains(&protocol)).then(|| FieldError::not_supported(path, protocol, &supported))
}

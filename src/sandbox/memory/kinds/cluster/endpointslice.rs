//! EndpointSlice: `pkg/apis/discovery` and `pkg/registry/discovery/endpointslice`.

use std::collections::HashSet;

use serde_json::Value;

use super::super::workloads::check;
use super::super::workloads::read::{
    at, entry, fill, given, int, items, items_mut, put, remove, same, text, texts,
};
use super::addresses;
use crate::sandbox::memory::field::{FieldError, Path};
use crate::sandbox::memory::kinds::{Kind, Write, meta};
use crate::sandbox::memory::names;

const MANAGED_BY: &str = "endpointslice.kubernetes.io/managed-by";
const MANAGERS: [&str; 2] = [
    "endpointslice-controller.k8s.io",
    "endpointslicemirroring-controller.k8s.io",
];

/// What is wrong with a text.
type Rule = fn(&str) -> Vec<String>;

/// What a generation is of.
const CONTENT: [&str; 4] = ["metadata.labels", "addressType", "endpoints", "ports"];

/// See the module.
pub(crate) struct EndpointSlice;

impl Kind for EndpointSlice {
    fn default(&self, object: &mut Value) {
        for port in items_mut(object, "ports") {
            fill(port, "name", "");
            fill(port, "protocol", "TCP");
        }
    }

    fn prepare_create(&self, object: &mut Value) {
        drop_topology(object);
    }

    fn prepare_update(&self, _write: Write<'_>, object: &mut Value, old: &Value) {
        // Labels count as well, and so does what is dropped thereafter.
        let is_changed = CONTENT
            .iter()
            .any(|field| !same(at(object, field), at(old, field)));
        if is_changed {
            put(
                object,
                "metadata.generation",
                int(old, "metadata.generation").saturating_add(1),
            );
        }
        if at(object, "endpoints") != at(old, "endpoints") {
            drop_topology(object);
        }
    }

    fn validate_create(&self, object: &Value) -> Vec<FieldError> {
        let mut errors = validate(object);
        errors.extend(validate_endpoints(object));
        errors
    }

    fn validate_update(&self, _write: Write<'_>, object: &Value, old: &Value) -> Vec<FieldError> {
        // The object is looked at as if it were new, its metadata included.
        let mut errors = meta::common_update(object, old);
        errors.extend(validate(object));
        if !same(at(object, "endpoints"), at(old, "endpoints")) {
            errors.extend(validate_endpoints(object));
        }
        let field = "addressType";
        let type_ = text(object, field);
        if type_ != text(old, field) {
            errors.push(FieldError::invalid(
                &Path::new(field),
                type_,
                "field is immutable",
            ));
        }
        errors
    }

    fn warnings(&self, object: &Value, old: Option<&Value>) -> Vec<String> {
        let mut warnings = Vec::new();
        if old.is_none() && text(object, "addressType") == "FQDN" {
            warnings.push("spec.addressType: FQDN endpoints are deprecated".to_owned());
        }
        let manager = entry(object, "metadata.labels", MANAGED_BY).unwrap_or_default();
        if !MANAGERS.contains(&manager) {
            for (index, endpoint) in items(object, "endpoints").iter().enumerate() {
                let path = Path::new("endpoints").index(index).child("addresses");
                let addresses = texts(endpoint, "addresses").into_iter().enumerate();
                warnings.extend(addresses.filter_map(|(index, address)| {
                    addresses::ip_warning(address, &path.index(index))
                }));
            }
        }
        warnings
    }

    fn has_generation(&self) -> bool {
        true
    }
}

/// A field of earlier versions, which v1 can read and not write.
fn drop_topology(object: &mut Value) {
    for endpoint in items_mut(object, "endpoints") {
        remove(endpoint, "deprecatedTopology");
    }
}

/// All but the endpoints.
fn validate(object: &Value) -> Vec<FieldError> {
    let mut errors = meta::validate_create(object, true, meta::dns_subdomain);
    let path = Path::new("addressType");
    let types = ["FQDN", "IPv4", "IPv6"];
    match text(object, "addressType") {
        "" => errors.push(FieldError::required(&path, "")),
        type_ if types.contains(&type_) => {}
        type_ => errors.push(FieldError::not_supported(&path, type_, &types)),
    }
    errors.extend(validate_ports(items(object, "ports"), &Path::new("ports")));
    errors
}

fn validate_ports(ports: &[Value], path: &Path) -> Vec<FieldError> {
    if ports.len() > 20_000 {
        return vec![FieldError::too_many(path, ports.len(), 20_000)];
    }
    let mut errors = Vec::new();
    let mut seen = HashSet::new();
    for (index, port) in ports.iter().enumerate() {
        let path = path.index(index);
        let name = text(port, "name");
        let name_path = path.child("name");
        if !name.is_empty() {
            errors.extend(check::invalid_each(
                &name_path,
                name,
                names::dns1123_label(name),
            ));
        }
        if !seen.insert(name) {
            errors.push(FieldError::duplicate(&name_path, name));
        }
        let protocols = ["SCTP", "TCP", "UDP"];
        let protocol_path = path.child("protocol");
        match at(port, "protocol").as_str() {
            None => errors.push(FieldError::required(&protocol_path, "")),
            Some(protocol) if protocols.contains(&protocol) => {}
            Some(protocol) => {
                errors.push(FieldError::not_supported(
                    &protocol_path,
                    protocol,
                    &protocols,
                ));
            }
        }
        if let Some(name) = at(port, "appProtocol").as_str() {
            let path = path.child("appProtocol");
            errors.extend(check::invalid_each(
                &path,
                name,
                names::qualified_name(name),
            ));
        }
    }
    errors
}

fn validate_endpoints(object: &Value) -> Vec<FieldError> {
    let path = Path::new("endpoints");
    let endpoints = items(object, "endpoints");
    if endpoints.len() > 1000 {
        return vec![FieldError::too_many(&path, endpoints.len(), 1000)];
    }
    let type_ = text(object, "addressType");
    let endpoints = endpoints.iter().enumerate();
    endpoints
        .flat_map(|(index, endpoint)| validate_endpoint(endpoint, type_, &path.index(index)))
        .collect()
}

fn validate_endpoint(endpoint: &Value, type_: &str, path: &Path) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let addresses_path = path.child("addresses");
    let addresses = texts(endpoint, "addresses");
    match addresses.len() {
        0 => {
            let words = "must contain at least 1 address";
            errors.push(FieldError::required(&addresses_path, words));
        }
        count if count > 100 => {
            errors.push(FieldError::too_many(&addresses_path, count, 100));
        }
        _ => {}
    }
    for (index, address) in addresses.into_iter().enumerate() {
        let path = addresses_path.index(index);
        match type_ {
            "IPv4" | "IPv6" => errors.extend(validate_ip(address, type_, &addresses_path, &path)),
            "FQDN" => errors.extend(validate_domain(address, &path)),
            _ => {}
        }
    }
    if let Some(node) = at(endpoint, "nodeName").as_str() {
        let path = path.child("nodeName");
        errors.extend(check::invalid_each(
            &path,
            node,
            names::dns1123_subdomain(node),
        ));
    }
    if let Some(hostname) = at(endpoint, "hostname").as_str() {
        let path = path.child("hostname");
        errors.extend(check::invalid_each(
            &path,
            hostname,
            names::dns1123_label(hostname),
        ));
    }
    if let Some(hints) = given(endpoint, "hints") {
        errors.extend(validate_hints(hints, &path.child("hints")));
    }
    errors
}

fn validate_ip(address: &str, type_: &str, list: &Path, path: &Path) -> Vec<FieldError> {
    let is_v4 = type_ == "IPv4";
    let wrong = if is_v4 {
        names::legacy_ip(address)
    } else {
        names::ip(address)
    };
    let mut errors = check::invalid_each(path, address, wrong);
    if errors.is_empty() {
        if names::parse_ip(address).is_some_and(|ip| ip.is_ipv4()) != is_v4 {
            // The place that is named is the list, not the address in it.
            let words = format!("must be an {type_} address");
            errors.push(FieldError::invalid(list, address, words));
        }
        errors.extend(addresses::unreachable(address, path));
    }
    errors
}

/// `IsFullyQualifiedDomainName`
fn validate_domain(name: &str, path: &Path) -> Vec<FieldError> {
    if name.is_empty() {
        return vec![FieldError::required(path, "")];
    }
    let name = name.strip_suffix('.').unwrap_or(name);
    let wrong = names::dns1123_subdomain(name);
    if !wrong.is_empty() {
        return vec![FieldError::invalid(path, name, wrong.join(","))];
    }
    if !name.contains('.') {
        let words = "should be a domain with at least two segments separated by dots";
        return vec![FieldError::invalid(path, name, words)];
    }
    let labels = name
        .split('.')
        .map(|label| (label, names::dns1123_label(label)));
    let wrong = labels.into_iter().find(|(_, wrong)| !wrong.is_empty());
    wrong
        .map(|(label, wrong)| FieldError::invalid(path, label, wrong.join(",")))
        .into_iter()
        .collect()
}

fn validate_hints(hints: &Value, path: &Path) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let lists: [(&str, Rule); 2] = [
        ("forZones", names::label_value),
        ("forNodes", names::dns1123_subdomain),
    ];
    for (list, rule) in lists {
        let path = path.child(list);
        let hints = items(hints, list);
        if hints.len() > 8 {
            errors.push(FieldError::too_many(&path, hints.len(), 8));
            return errors;
        }
        let mut seen = HashSet::new();
        for (index, hint) in hints.iter().enumerate() {
            let path = path.index(index).child("name");
            let name = text(hint, "name");
            if !seen.insert(name) {
                errors.push(FieldError::duplicate(&path, name));
            }
            errors.extend(check::invalid_each(&path, name, rule(name)));
        }
    }
    errors
}

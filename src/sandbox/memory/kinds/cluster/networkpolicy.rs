//! NetworkPolicy: `pkg/apis/networking` and `pkg/registry/networking/networkpolicy`.

use serde_json::{Value, json};

use super::super::workloads::check;
use super::super::workloads::read::{at, fill, given, items, items_mut, number, put, text, texts};
use super::addresses;
use crate::sandbox::memory::field::{FieldError, Path};
use crate::sandbox::memory::kinds::{Kind, Write, meta};
use crate::sandbox::memory::names;

/// The two directions, with where their traffic comes from or goes to.
const DIRECTIONS: [(&str, &str); 2] = [("ingress", "from"), ("egress", "to")];

/// See the module.
pub(crate) struct NetworkPolicy;

impl Kind for NetworkPolicy {
    fn default(&self, object: &mut Value) {
        for (direction, _) in DIRECTIONS {
            for rule in items_mut(object, &format!("spec.{direction}")) {
                for port in items_mut(rule, "ports") {
                    fill(port, "protocol", "TCP");
                }
            }
        }
        if items(object, "spec.policyTypes").is_empty() {
            let has_egress = !items(object, "spec.egress").is_empty();
            let types = if has_egress {
                json!(["Ingress", "Egress"])
            } else {
                json!(["Ingress"])
            };
            put(object, "spec.policyTypes", types);
        }
    }

    fn validate_create(&self, object: &Value) -> Vec<FieldError> {
        let mut errors = meta::validate_create(object, true, meta::dns_subdomain);
        errors.extend(validate_spec(at(object, "spec"), &[]));
        errors
    }

    fn validate_update(&self, _write: Write<'_>, object: &Value, old: &Value) -> Vec<FieldError> {
        let mut errors = meta::validate_update(object, old);
        let known: Vec<&str> = blocks(old).into_iter().map(|(_, cidr)| cidr).collect();
        errors.extend(validate_spec(at(object, "spec"), &known));
        errors
    }

    fn warnings(&self, object: &Value, _old: Option<&Value>) -> Vec<String> {
        let blocks = blocks(object).into_iter();
        blocks
            .flat_map(|(path, cidr)| addresses::cidr_warnings(cidr, &path))
            .collect()
    }

    fn has_generation(&self) -> bool {
        true
    }
}

/// All networks of a policy, with their places.
fn blocks(object: &Value) -> Vec<(Path, &str)> {
    let mut blocks = Vec::new();
    for (direction, peers) in DIRECTIONS {
        let path = Path::new("spec").child(direction);
        for (index, rule) in items(at(object, "spec"), direction).iter().enumerate() {
            let path = path.index(index).child(peers);
            for (index, peer) in items(rule, peers).iter().enumerate() {
                let Some(block) = given(peer, "ipBlock") else {
                    continue;
                };
                let path = path.index(index).child("ipBlock");
                blocks.push((path.child("cidr"), text(block, "cidr")));
                for (index, except) in texts(block, "except").into_iter().enumerate() {
                    blocks.push((path.child("except").index(index), except));
                }
            }
        }
    }
    blocks
}

/// Networks in `known` are let through as they are.
fn validate_spec(spec: &Value, known: &[&str]) -> Vec<FieldError> {
    let path = Path::new("spec");
    let mut errors = check::selector(at(spec, "podSelector"), &path.child("podSelector"));
    for (direction, peers) in DIRECTIONS {
        for (index, rule) in items(spec, direction).iter().enumerate() {
            let path = path.child(direction).index(index);
            for (index, port) in items(rule, "ports").iter().enumerate() {
                errors.extend(validate_port(port, &path.child("ports").index(index)));
            }
            for (index, peer) in items(rule, peers).iter().enumerate() {
                errors.extend(validate_peer(peer, known, &path.child(peers).index(index)));
            }
        }
    }
    let types = texts(spec, "policyTypes");
    let path = path.child("policyTypes");
    if types.len() > 2 {
        let words = "may not specify more than two policyTypes";
        errors.push(FieldError::invalid(
            &path,
            at(spec, "policyTypes").clone(),
            words,
        ));
        return errors;
    }
    let supported = ["Ingress", "Egress"];
    for (index, type_) in types.into_iter().enumerate() {
        if !supported.contains(&type_) {
            errors.push(FieldError::not_supported(
                &path.index(index),
                type_,
                &supported,
            ));
        }
    }
    errors
}

fn validate_port(port: &Value, path: &Path) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let protocols = ["TCP", "UDP", "SCTP"];
    let protocol = at(port, "protocol").as_str();
    if let Some(protocol) = protocol.filter(|protocol| !protocols.contains(protocol)) {
        errors.push(FieldError::not_supported(
            &path.child("protocol"),
            protocol,
            &protocols,
        ));
    }
    let (start_path, end_path) = (path.child("port"), path.child("endPort"));
    let end = number(port, "endPort");
    match at(port, "port") {
        Value::String(name) => {
            if let Some(end) = end {
                let words = "may not be specified when `port` is non-numeric";
                errors.push(FieldError::invalid(&end_path, end, words));
            }
            errors.extend(check::invalid_each(
                &start_path,
                name,
                names::valid_port_name(name),
            ));
        }
        Value::Null => {
            if let Some(end) = end {
                let words = "may not be specified when `port` is not specified";
                errors.push(FieldError::invalid(&end_path, end, words));
            }
        }
        start => {
            let start = start.as_i64().unwrap_or_default();
            errors.extend(wrong_port(start, &start_path));
            if let Some(end) = end {
                if end < start {
                    // What is shown is the start, not the end.
                    let words = "must be greater than or equal to `port`";
                    errors.push(FieldError::invalid(&end_path, start, words));
                }
                errors.extend(wrong_port(end, &end_path));
            }
        }
    }
    errors
}

fn wrong_port(port: i64, path: &Path) -> Option<FieldError> {
    let wrong = names::valid_port_num(port).into_iter().next()?;
    Some(FieldError::invalid(path, port, wrong))
}

fn validate_peer(peer: &Value, known: &[&str], path: &Path) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let mut count = 0;
    for field in ["podSelector", "namespaceSelector"] {
        if let Some(selector) = given(peer, field) {
            count += 1;
            errors.extend(check::selector(selector, &path.child(field)));
        }
    }
    let block = given(peer, "ipBlock");
    if let Some(block) = block {
        errors.extend(validate_block(block, known, &path.child("ipBlock")));
    }
    if count == 0 && block.is_none() {
        errors.push(FieldError::required(path, "must specify a peer"));
    } else if count > 0 && block.is_some() {
        let words = "may not specify both ipBlock and another peer";
        errors.push(FieldError::forbidden(path, words));
    }
    errors
}

fn validate_block(block: &Value, known: &[&str], path: &Path) -> Vec<FieldError> {
    let cidr = text(block, "cidr");
    let cidr_path = path.child("cidr");
    if cidr.is_empty() {
        return vec![FieldError::required(&cidr_path, "")];
    }
    let wrong = |value: &str, path: &Path| {
        let wrong = if known.contains(&value) {
            Vec::new()
        } else {
            names::legacy_cidr(value)
        };
        check::invalid_each(path, value, wrong)
    };
    let mut errors = wrong(cidr, &cidr_path);
    let Some((network, bits)) = names::parse_cidr(cidr) else {
        return errors;
    };
    let network = addresses::masked(network, bits);
    for (index, except) in texts(block, "except").into_iter().enumerate() {
        let path = path.child("except").index(index);
        errors.extend(wrong(except, &path));
        let Some((ip, length)) = names::parse_cidr(except) else {
            continue;
        };
        let is_within = ip.is_ipv4() == network.is_ipv4() && addresses::masked(ip, bits) == network;
        if !is_within || bits >= length {
            errors.push(FieldError::invalid(
                &path,
                except,
                "must be a strict subset of `cidr`",
            ));
        }
    }
    errors
}

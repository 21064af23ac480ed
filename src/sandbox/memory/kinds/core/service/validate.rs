//! What is wrong with a Service (`validateService`).

use std::collections::HashSet;

use k8s_openapi::api::core::v1::{ServicePort, ServiceSpec};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use serde_json::json;

use super::super::super::pod::check::{
    Errors, invalid_each, invalid_number, labels, one_of, port, required_one_of, text,
};
use super::super::endpoints::{protocol, reachable};
use super::{Read, addresses, is_headless, needs_health_check, type_of};
use crate::sandbox::memory::field::{FieldError, Path};
use crate::sandbox::memory::names;

const HINTS: &str = "service.kubernetes.io/topology-aware-hints";
const MODE: &str = "service.kubernetes.io/topology-mode";
const RANGES: &str = "service.beta.kubernetes.io/load-balancer-source-ranges";
const BALANCER_ONLY: &str = "may only be used when `type` is 'LoadBalancer'";

pub(super) fn validate(errors: &mut Errors, service: &Read, old: Option<&Read>) {
    let spec = &service.spec;
    let path = Path::new("spec");
    if let (Some(mode), Some(hints)) = (
        service.annotations.get(MODE),
        service.annotations.get(HINTS),
    ) && mode != hints
    {
        let why = format!("must match annotations[{HINTS}] when both are specified");
        let path = Path::new("metadata.annotations").key(MODE);
        errors.push(FieldError::invalid(&path, mode.as_str(), why));
    }
    let ports = spec.ports.as_deref().unwrap_or_default();
    if ports.is_empty() && !is_headless(spec) && type_of(spec) != "ExternalName" {
        errors.push(FieldError::required(&path.child("ports"), ""));
    }
    validate_type(errors, spec, &path);
    let mut seen = HashSet::new();
    for (index, port) in ports.iter().enumerate() {
        let path = path.child("ports").index(index);
        validate_port(errors, port, ports.len() > 1, &mut seen, &path);
    }
    labels(errors, &spec.selector, &path.child("selector"));
    validate_affinity(errors, spec, &path);
    addresses::validate(errors, spec, old.map(|old| &old.spec));
    let known = old
        .and_then(|old| old.spec.external_ips.clone())
        .unwrap_or_default();
    for (index, ip) in spec.external_ips.iter().flatten().enumerate() {
        let wrong = if known.contains(ip) {
            Vec::new()
        } else {
            names::legacy_ip(ip)
        };
        let wrong = if wrong.is_empty() {
            reachable(ip)
        } else {
            wrong
        };
        invalid_each(errors, &path.child("externalIPs").index(index), ip, wrong);
    }
    let types = ["ClusterIP", "ExternalName", "LoadBalancer", "NodePort"];
    required_one_of(errors, type_of(spec), &types, &path.child("type"));
    validate_port_numbers(errors, spec, ports, &path.child("ports"));
    validate_balancer(errors, service, old, &path);
    validate_traffic(errors, spec, &path);
}

fn validate_type(errors: &mut Errors, spec: &ServiceSpec, path: &Path) {
    match type_of(spec) {
        type_ @ ("LoadBalancer" | "NodePort") if is_headless(spec) => {
            let why = format!("may not be set to 'None' for {type_} services");
            errors.push(FieldError::invalid(
                &path.child("clusterIPs").index(0),
                "None",
                why,
            ));
        }
        "ExternalName" => {
            let fields = [
                (
                    "clusterIPs",
                    spec.cluster_ips.as_ref().is_some_and(|ips| !ips.is_empty()),
                ),
                (
                    "ipFamilies",
                    spec.ip_families.as_ref().is_some_and(|all| !all.is_empty()),
                ),
                ("ipFamilyPolicy", spec.ip_family_policy.is_some()),
            ];
            for (field, _) in fields.iter().filter(|(_, is_set)| *is_set) {
                let why = "may not be set for ExternalName services";
                errors.push(FieldError::forbidden(&path.child(field), why));
            }
            let name = text(&spec.external_name);
            let name = name.strip_suffix('.').unwrap_or(name);
            let path = path.child("externalName");
            if name.is_empty() {
                errors.push(FieldError::required(&path, ""));
            } else {
                invalid_each(errors, &path, name, names::dns1123_subdomain(name));
            }
        }
        _ => {}
    }
}

fn validate_port<'a>(
    errors: &mut Errors,
    own: &'a ServicePort,
    needs_name: bool,
    seen: &mut HashSet<&'a str>,
    path: &Path,
) {
    let name = text(&own.name);
    let name_path = path.child("name");
    if !name.is_empty() {
        invalid_each(errors, &name_path, name, names::dns1123_label(name));
        if !seen.insert(name) {
            errors.push(FieldError::duplicate(&name_path, name));
        }
    } else if needs_name {
        errors.push(FieldError::required(&name_path, ""));
    }
    let number = i64::from(own.port);
    invalid_number(
        errors,
        &path.child("port"),
        number,
        names::valid_port_num(number),
    );
    errors.extend(protocol(text(&own.protocol), &path.child("protocol")));
    let target = own.target_port.clone().unwrap_or(IntOrString::Int(0));
    port(errors, &target, &path.child("targetPort"));
    if let Some(protocol) = &own.app_protocol {
        let path = path.child("appProtocol");
        invalid_each(errors, &path, protocol, names::qualified_name(protocol));
    }
}

fn validate_affinity(errors: &mut Errors, spec: &ServiceSpec, path: &Path) {
    let affinity = text(&spec.session_affinity);
    required_one_of(
        errors,
        affinity,
        &["ClientIP", "None"],
        &path.child("sessionAffinity"),
    );
    let path = path.child("sessionAffinityConfig");
    match (affinity, &spec.session_affinity_config) {
        ("ClientIP", config) => {
            let client = config.as_ref().map(|config| config.client_ip.as_ref());
            let (missing, seconds) = match client {
                None => (Some(path.clone()), None),
                Some(None) => (Some(path.child("clientIP")), None),
                Some(Some(client)) => (None, client.timeout_seconds),
            };
            let seconds_path = path.child("clientIP").child("timeoutSeconds");
            match (missing, seconds) {
                (None, Some(seconds)) => {
                    if !(1..=86_400).contains(&seconds) {
                        let why = "must be greater than 0 and less than 86400";
                        errors.push(FieldError::invalid(&seconds_path, seconds, why));
                    }
                }
                (missing, _) => errors.push(FieldError::required(
                    &missing.unwrap_or(seconds_path),
                    "when session affinity type is ClientIP",
                )),
            }
        }
        ("None", Some(_)) => {
            let why = "must not be set when session affinity is None";
            errors.push(FieldError::forbidden(&path, why));
        }
        _ => {}
    }
}

fn validate_port_numbers(
    errors: &mut Errors,
    spec: &ServiceSpec,
    ports: &[ServicePort],
    path: &Path,
) {
    let node_port = |port: &ServicePort| port.node_port.unwrap_or_default();
    if type_of(spec) == "ClusterIP" {
        for (index, _) in ports
            .iter()
            .enumerate()
            .filter(|(_, port)| node_port(port) != 0)
        {
            let path = path.index(index).child("nodePort");
            let why = "may not be used when `type` is 'ClusterIP'";
            errors.push(FieldError::forbidden(&path, why));
        }
    }
    let mut seen = HashSet::new();
    for (index, port) in ports
        .iter()
        .enumerate()
        .filter(|(_, port)| node_port(port) != 0)
    {
        if !seen.insert((text(&port.protocol), node_port(port))) {
            let path = path.index(index).child("nodePort");
            errors.push(FieldError::duplicate(&path, node_port(port)));
        }
    }
    let mut seen = HashSet::new();
    for (index, port) in ports.iter().enumerate() {
        if !seen.insert((text(&port.protocol), port.port)) {
            // The key by which ports are told apart is a port of which the rest is not set.
            let shown = json!({
                "Name": "", "Protocol": port.protocol, "AppProtocol": null, "Port": port.port,
                "TargetPort": 0, "NodePort": 0,
            });
            errors.push(FieldError::duplicate(&path.index(index), shown));
        }
    }
}

fn validate_balancer(errors: &mut Errors, service: &Read, old: Option<&Read>, path: &Path) {
    let spec = &service.spec;
    let is_balancer = type_of(spec) == "LoadBalancer";
    let ranges = spec
        .load_balancer_source_ranges
        .as_deref()
        .unwrap_or_default();
    if !ranges.is_empty() {
        let path = path.child("LoadBalancerSourceRanges");
        if !is_balancer {
            errors.push(FieldError::forbidden(&path, BALANCER_ONLY));
        }
        let known = old.and_then(|old| old.spec.load_balancer_source_ranges.clone());
        let known = known.unwrap_or_default();
        for (index, range) in ranges.iter().enumerate() {
            let range = range.trim();
            if !known.iter().any(|known| known.trim() == range) {
                invalid_each(errors, &path.index(index), range, names::legacy_cidr(range));
            }
        }
    } else if let Some(all) = service.annotations.get(RANGES) {
        let path = Path::new("metadata.annotations").key(RANGES);
        if !is_balancer {
            errors.push(FieldError::forbidden(&path, BALANCER_ONLY));
        }
        let is_known = old.is_some_and(|old| old.annotations.get(RANGES) == Some(all));
        if !is_known && !all.trim().is_empty() {
            for range in all.trim().split(',').map(str::trim) {
                invalid_each(errors, &path, range, names::legacy_cidr(range));
            }
        }
    }
    let allocates = spec.allocate_load_balancer_node_ports;
    if allocates.is_some() && !is_balancer {
        let path = path.child("allocateLoadBalancerNodePorts");
        errors.push(FieldError::forbidden(&path, BALANCER_ONLY));
    }
    if allocates.is_none() && is_balancer {
        errors.push(FieldError::required(
            &Path::new("allocateLoadBalancerNodePorts"),
            "",
        ));
    }
    validate_class(errors, spec, None);
}

/// `validateLoadBalancerClassField`.
pub(super) fn validate_class(errors: &mut Errors, spec: &ServiceSpec, old: Option<&ServiceSpec>) {
    let path = Path::new("spec.loadBalancerClass");
    let is_balancer = type_of(spec) == "LoadBalancer";
    let class = spec.load_balancer_class.as_ref();
    if let Some(old) = old.filter(|old| is_balancer && type_of(old) == "LoadBalancer")
        && old.load_balancer_class.as_ref() != class
    {
        errors.push(FieldError::invalid(
            &path,
            json!(class),
            "may not change once set",
        ));
    }
    match class {
        Some(class) if is_balancer => {
            invalid_each(errors, &path, class, names::qualified_name(class));
        }
        Some(_) => errors.push(FieldError::forbidden(&path, BALANCER_ONLY)),
        None => {}
    }
}

fn validate_traffic(errors: &mut Errors, spec: &ServiceSpec, path: &Path) {
    let type_ = type_of(spec);
    let has_external = spec
        .external_ips
        .as_ref()
        .is_some_and(|ips| !ips.is_empty());
    let is_external =
        type_ == "LoadBalancer" || type_ == "NodePort" || (type_ == "ClusterIP" && has_external);
    let policy = text(&spec.external_traffic_policy);
    let policy_path = path.child("externalTrafficPolicy");
    if is_external {
        required_one_of(errors, policy, &["Cluster", "Local"], &policy_path);
    } else if !policy.is_empty() {
        let why = "may only be set for externally-accessible services";
        errors.push(FieldError::invalid(&policy_path, policy, why));
    }
    let check = spec.health_check_node_port.unwrap_or_default();
    let check_path = path.child("healthCheckNodePort");
    if !needs_health_check(spec) {
        if check != 0 {
            let why = "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` \
                       is 'Local'";
            errors.push(FieldError::invalid(&check_path, check, why));
        }
    } else if check == 0 {
        errors.push(FieldError::required(&check_path, ""));
    } else {
        invalid_number(
            errors,
            &check_path,
            check.into(),
            names::valid_port_num(check.into()),
        );
    }
    let internal_path = path.child("internalTrafficPolicy");
    match &spec.internal_traffic_policy {
        Some(policy) => one_of(errors, policy, &["Cluster", "Local"], &internal_path),
        None if ["NodePort", "LoadBalancer", "ClusterIP"].contains(&type_) => {
            errors.push(FieldError::required(&internal_path, ""));
        }
        None => {}
    }
    if let Some(distribution) = &spec.traffic_distribution {
        let supported = ["PreferClose", "PreferSameZone", "PreferSameNode"];
        one_of(
            errors,
            distribution,
            &supported,
            &path.child("trafficDistribution"),
        );
    }
}

/// `ValidateLoadBalancerStatus`.
pub(super) fn validate_status(errors: &mut Errors, service: &Read, old: &Read) {
    let ingress = |read: &Read| {
        let balancer = read.status.load_balancer.as_ref();
        balancer
            .and_then(|balancer| balancer.ingress.clone())
            .unwrap_or_default()
    };
    let path = Path::new("status.loadBalancer.ingress");
    let all = ingress(service);
    if type_of(&service.spec) != "LoadBalancer" && !all.is_empty() {
        let why = "may only be used when `spec.type` is 'LoadBalancer'";
        errors.push(FieldError::forbidden(&path, why));
        return;
    }
    let known: Vec<String> = ingress(old)
        .into_iter()
        .filter_map(|ingress| ingress.ip)
        .collect();
    for (index, own) in all.iter().enumerate() {
        let path = path.index(index);
        let ip = text(&own.ip);
        if !ip.is_empty() && !known.iter().any(|known| known == ip) {
            invalid_each(errors, &path.child("ip"), ip, names::legacy_ip(ip));
        }
        let mode_path = path.child("ipMode");
        match &own.ip_mode {
            None if !ip.is_empty() => {
                let why = "must be specified when `ip` is set";
                errors.push(FieldError::required(&mode_path, why));
            }
            Some(_) if ip.is_empty() => {
                let why = "may not be specified when `ip` is not set";
                errors.push(FieldError::forbidden(&mode_path, why));
            }
            Some(mode) => one_of(errors, mode, &["Proxy", "VIP"], &mode_path),
            None => {}
        }
        let host = text(&own.hostname);
        if !host.is_empty() {
            let path = path.child("hostname");
            invalid_each(errors, &path, host, names::dns1123_subdomain(host));
            if names::parse_ip(host).is_some() {
                let why = "must be a DNS name, not an IP address";
                errors.push(FieldError::invalid(&path, host, why));
            }
        }
    }
}

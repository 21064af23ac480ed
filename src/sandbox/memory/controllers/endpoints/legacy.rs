//! The Endpoints of a Service.

use std::collections::BTreeMap;
use std::net::IpAddr;

use k8s_openapi::api::core::v1::{
    EndpointAddress, EndpointPort, EndpointSubset, Endpoints, Pod, Service, ServicePort,
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use super::super::{meta, pods};
use super::endpoint::{hostname, ips, is_candidate, port_number, target};
use super::{HEADLESS, LEGACY_COMPONENT, TRIGGER_TIME};

const MANAGED_BY: &str = "endpoints.kubernetes.io/managed-by";
const OVER_CAPACITY: &str = "endpoints.kubernetes.io/over-capacity";
/// Addresses at most.
const CAPACITY: usize = 1000;

/// An address by its IP and the pod's uid, in the order in which they are written.
type AddressKey = (String, String);

/// The object as it should be; `None` when it is.
pub(super) fn wanted(
    service: &Service,
    pods: &[Pod],
    current: Option<Endpoints>,
    trigger: Option<String>,
) -> Option<Endpoints> {
    let (subsets, truncated) = truncate(subsets(service, pods));
    let labels = labels(service);
    let mut endpoints = current.clone().unwrap_or_else(|| Endpoints {
        metadata: ObjectMeta {
            name: service.metadata.name.clone(),
            namespace: service.metadata.namespace.clone(),
            ..ObjectMeta::default()
        },
        subsets: None,
    });
    endpoints.metadata.labels = Some(labels);
    endpoints.subsets = (!subsets.is_empty()).then_some(subsets);
    let annotations = endpoints.metadata.annotations.get_or_insert_default();
    if truncated {
        annotations.insert(OVER_CAPACITY.to_owned(), "truncated".to_owned());
    } else {
        annotations.remove(OVER_CAPACITY);
    }
    if current.is_some_and(|current| meta::same(&current, &endpoints)) {
        return None;
    }
    let annotations = endpoints.metadata.annotations.get_or_insert_default();
    match trigger {
        Some(at) => annotations.insert(TRIGGER_TIME.to_owned(), at),
        None => annotations.remove(TRIGGER_TIME),
    };
    Some(endpoints)
}

fn labels(service: &Service) -> BTreeMap<String, String> {
    let mut labels = service.metadata.labels.clone().unwrap_or_default();
    let ip = service
        .spec
        .as_ref()
        .and_then(|spec| spec.cluster_ip.as_deref());
    if matches!(ip, None | Some("" | "None")) {
        labels.insert(HEADLESS.to_owned(), String::new());
    } else {
        labels.remove(HEADLESS);
    }
    labels.insert(MANAGED_BY.to_owned(), LEGACY_COMPONENT.to_owned());
    labels
}

/// Ports with the same addresses share a subset.
fn subsets(service: &Service, pods: &[Pod]) -> Vec<EndpointSubset> {
    let Some(spec) = &service.spec else {
        return Vec::new();
    };
    let publish = spec.publish_not_ready_addresses.unwrap_or_default();
    let mut addresses: BTreeMap<AddressKey, EndpointAddress> = BTreeMap::new();
    // The ports in order, each with its addresses and whether they are ready.
    let mut by_port: Vec<(Option<EndpointPort>, BTreeMap<AddressKey, bool>)> = Vec::new();
    let portless = spec.ports.as_ref().is_none_or(Vec::is_empty);
    for pod in pods.iter().filter(|pod| is_candidate(pod, publish)) {
        let Some(address) = address(service, pod) else {
            continue;
        };
        let ready = publish || pods::is_ready(pod);
        let key = (address.ip.clone(), meta::uid(pod).to_owned());
        addresses.insert(key.clone(), address);
        let mut ports: Vec<Option<EndpointPort>> = Vec::new();
        if portless && spec.cluster_ip.as_deref() == Some("None") {
            ports.push(None);
        }
        ports.extend(
            spec.ports
                .iter()
                .flatten()
                .filter_map(|port| Some(Some(port_of(port, pod)?))),
        );
        for port in ports {
            let known = by_port.iter_mut().find(|(known, _)| *known == port);
            match known {
                Some((_, all)) => {
                    all.entry(key.clone())
                        .and_modify(|known| *known &= ready)
                        .or_insert(ready);
                }
                None => by_port.push((port, BTreeMap::from([(key.clone(), ready)]))),
            }
        }
    }
    let mut subsets: Vec<(BTreeMap<AddressKey, bool>, Vec<EndpointPort>)> = Vec::new();
    for (port, all) in by_port {
        match subsets.iter_mut().find(|(known, _)| *known == all) {
            Some((_, ports)) => ports.extend(port),
            None => subsets.push((all, port.into_iter().collect())),
        }
    }
    let subset = |(all, ports): (BTreeMap<AddressKey, bool>, Vec<EndpointPort>)| {
        let of = |wanted: bool| {
            let keys = all.iter().filter(|(_, ready)| **ready == wanted);
            let all: Vec<_> = keys
                .filter_map(|(key, _)| addresses.get(key).cloned())
                .collect();
            (!all.is_empty()).then_some(all)
        };
        EndpointSubset {
            addresses: of(true),
            not_ready_addresses: of(false),
            ports: (!ports.is_empty()).then_some(ports),
        }
    };
    subsets.into_iter().map(subset).collect()
}

fn address(service: &Service, pod: &Pod) -> Option<EndpointAddress> {
    let spec = service.spec.as_ref()?;
    let family = spec.ip_families.iter().flatten().next().map(String::as_str);
    let ips = ips(pod);
    let ipv6 = match (family, spec.cluster_ip.as_deref()) {
        (Some(family), _) => family == "IPv6",
        (None, None | Some("" | "None")) => ips.first().is_some_and(IpAddr::is_ipv6),
        (None, Some(ip)) => ip.contains(':'),
    };
    let ip = ips.into_iter().find(|ip| ip.is_ipv6() == ipv6)?;
    Some(EndpointAddress {
        ip: ip.to_string(),
        node_name: Some(pods::node(pod).to_owned()),
        target_ref: Some(target(pod)),
        hostname: hostname(pod, service),
    })
}

fn port_of(port: &ServicePort, pod: &Pod) -> Option<EndpointPort> {
    Some(EndpointPort {
        name: port.name.clone().filter(|name| !name.is_empty()),
        port: port_number(port, pod)?,
        protocol: Some(port.protocol.clone().unwrap_or_else(|| "TCP".to_owned())),
        app_protocol: port.app_protocol.clone(),
    })
}

/// Leaves addresses out where there are too many, first those that are not ready.
fn truncate(mut subsets: Vec<EndpointSubset>) -> (Vec<EndpointSubset>, bool) {
    let count = |all: &Option<Vec<EndpointAddress>>| all.as_ref().map_or(0, Vec::len);
    let total: usize = subsets
        .iter()
        .map(|s| count(&s.addresses) + count(&s.not_ready_addresses))
        .sum();
    if total <= CAPACITY {
        return (subsets, false);
    }
    let mut room = CAPACITY;
    let cut = |all: &mut Option<Vec<EndpointAddress>>, room: &mut usize| {
        if let Some(list) = all {
            list.truncate(*room);
            *room -= list.len();
            if list.is_empty() {
                *all = None;
            }
        }
    };
    subsets
        .iter_mut()
        .for_each(|subset| cut(&mut subset.addresses, &mut room));
    subsets
        .iter_mut()
        .for_each(|subset| cut(&mut subset.not_ready_addresses, &mut room));
    (subsets, true)
}

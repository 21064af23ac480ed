//! One pod as an endpoint.

use std::net::IpAddr;

use k8s_openapi::api::core::v1::{Node, ObjectReference, Pod, PodSpec, Service, ServicePort};
use k8s_openapi::api::discovery::v1::{
    Endpoint, EndpointConditions, EndpointHints, EndpointPort, ForNode, ForZone,
};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

use super::super::{meta, pods};

const ZONE: &str = "topology.kubernetes.io/zone";

/// Whether a pod may be an endpoint.
pub(super) fn is_candidate(pod: &Pod, with_deleted: bool) -> bool {
    !pods::is_terminal(pod) && !ips(pod).is_empty() && (with_deleted || !pods::is_deleted(pod))
}

/// Its addresses.
pub(super) fn ips(pod: &Pod) -> Vec<IpAddr> {
    let Some(status) = &pod.status else {
        return Vec::new();
    };
    let all = status.pod_ips.iter().flatten().map(|ip| ip.ip.as_str());
    let mut ips: Vec<IpAddr> = all.filter_map(|ip| ip.parse().ok()).collect();
    if ips.is_empty() {
        ips.extend(
            status
                .pod_ip
                .as_ref()
                .and_then(|ip| ip.parse::<IpAddr>().ok()),
        );
    }
    ips
}

/// The name by which a headless Service knows it.
pub(super) fn hostname(pod: &Pod, service: &Service) -> Option<String> {
    let spec = pod.spec.as_ref()?;
    let hostname = spec
        .hostname
        .clone()
        .filter(|hostname| !hostname.is_empty())?;
    let here = spec.subdomain.as_deref() == Some(meta::name(service))
        && meta::namespace(pod) == meta::namespace(service);
    here.then_some(hostname)
}

/// The pod as an endpoint with addresses of one family.
pub(super) fn endpoint(pod: &Pod, node: Option<&Node>, service: &Service, ipv6: bool) -> Endpoint {
    let spec = service.spec.as_ref();
    let publish = spec
        .and_then(|spec| spec.publish_not_ready_addresses)
        .unwrap_or_default();
    let serving = pods::is_ready(pod);
    let terminating = pods::is_deleted(pod);
    let addresses = ips(pod).into_iter().filter(|ip| ip.is_ipv6() == ipv6);
    let node_name = pods::node(pod);
    let zone = node.and_then(|node| node.metadata.labels.as_ref()?.get(ZONE).cloned());
    let mut endpoint = Endpoint {
        addresses: addresses.map(|ip| ip.to_string()).collect(),
        conditions: Some(EndpointConditions {
            ready: Some(publish || (serving && !terminating)),
            serving: Some(serving),
            terminating: Some(terminating),
        }),
        target_ref: Some(target(pod)),
        node_name: (!node_name.is_empty()).then(|| node_name.to_owned()),
        zone: zone.filter(|zone| !zone.is_empty()),
        hostname: hostname(pod, service),
        ..Endpoint::default()
    };
    endpoint.hints = hints(
        &endpoint,
        spec.and_then(|spec| spec.traffic_distribution.as_deref()),
    );
    endpoint
}

/// What an endpoint's traffic prefers, as the Service asks for it.
fn hints(endpoint: &Endpoint, distribution: Option<&str>) -> Option<EndpointHints> {
    let by_node = match distribution? {
        "PreferClose" | "PreferSameZone" => false,
        "PreferSameNode" => true,
        _ => return None,
    };
    endpoint
        .conditions
        .as_ref()
        .filter(|conditions| conditions.ready == Some(true))?;
    let zone = endpoint.zone.clone().map(|name| vec![ForZone { name }]);
    let node = endpoint
        .node_name
        .clone()
        .filter(|_| by_node)
        .map(|name| vec![ForNode { name }]);
    (zone.is_some() || node.is_some()).then_some(EndpointHints {
        for_zones: zone,
        for_nodes: node,
    })
}

/// A reference to the pod.
pub(super) fn target(pod: &Pod) -> ObjectReference {
    ObjectReference {
        kind: Some("Pod".to_owned()),
        namespace: pod.metadata.namespace.clone(),
        name: pod.metadata.name.clone(),
        uid: pod.metadata.uid.clone(),
        ..ObjectReference::default()
    }
}

/// The Service's ports as the pod has them. A name that it does not have is left out.
pub(super) fn ports(service: &Service, pod: &Pod) -> Vec<EndpointPort> {
    let all = service
        .spec
        .iter()
        .flat_map(|spec| spec.ports.iter().flatten());
    let port = |port: &ServicePort| {
        Some(EndpointPort {
            name: Some(port.name.clone().unwrap_or_default()),
            port: Some(port_number(port, pod)?),
            protocol: Some(protocol(port.protocol.as_deref()).to_owned()),
            app_protocol: port.app_protocol.clone(),
        })
    };
    all.filter_map(port).collect()
}

/// The number of a Service's port in the pod.
pub(super) fn port_number(port: &ServicePort, pod: &Pod) -> Option<i32> {
    match port.target_port.as_ref() {
        None => Some(port.port),
        Some(IntOrString::Int(0)) => Some(port.port),
        Some(IntOrString::Int(number)) => Some(*number),
        Some(IntOrString::String(name)) => {
            named_port(pod.spec.as_ref()?, name, protocol(port.protocol.as_deref()))
        }
    }
}

fn named_port(spec: &PodSpec, name: &str, wanted: &str) -> Option<i32> {
    let sidecars = spec.init_containers.iter().flatten();
    let sidecars = sidecars.filter(|c| c.restart_policy.as_deref() == Some("Always"));
    let mut ports = spec
        .containers
        .iter()
        .chain(sidecars)
        .flat_map(|c| c.ports.iter().flatten());
    let port = ports.find(|port| {
        port.name.as_deref() == Some(name) && protocol(port.protocol.as_deref()) == wanted
    });
    port.map(|port| port.container_port)
}

fn protocol(protocol: Option<&str>) -> &str {
    protocol.unwrap_or("TCP")
}

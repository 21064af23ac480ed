//! What a Service uses of a quota.

use k8s_openapi::api::core::v1::Service;

use super::{Usage, add, number};

/// What Services use beside being there.
pub(super) const NAMES: [&str; 2] = ["services.nodeports", "services.loadbalancers"];

/// Adds what a Service uses.
pub(super) fn add_usage(usage: &mut Usage, service: &Service) {
    let [node_ports, balancers] = NAMES;
    let Some(spec) = &service.spec else {
        return;
    };
    let ports = spec.ports.as_deref().unwrap_or_default();
    let of_balancer = match spec.allocate_load_balancer_node_ports {
        Some(false) => ports
            .iter()
            .filter(|port| port.node_port.is_some_and(|number| number != 0))
            .count(),
        _ => ports.len(),
    };
    let (ports, is_balancer) = match spec.type_.as_deref() {
        Some("NodePort") => (ports.len(), 0),
        Some("LoadBalancer") => (of_balancer, 1),
        _ => (0, 0),
    };
    add(usage, node_ports, &number(ports));
    add(usage, balancers, &number(is_balancer));
}

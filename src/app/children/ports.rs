//! The container's ports: what the Service's ports point at.

use std::collections::BTreeSet;

use k8s_openapi::api::core::v1::ServicePort;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use serde_json::{Map, Value, json};

use crate::app::names;

/// The ports of the App's container: the targetPorts of its ports, each number and protocol once.
///
/// A targetPort that is a name says no number; the container port of that name has the number of
/// the Service's port, unless some container of the overrides declares a port of that name itself.
/// A container port is named after the targetPort, else after the Service's port where that is a
/// name that a container port may have: probes can then use it.
pub(super) fn container_ports(
    ports: &[ServicePort],
    overrides: Option<&Map<String, Value>>,
) -> Vec<Value> {
    let declared = declared_names(overrides);
    let mut found: Vec<Found> = Vec::new();
    for port in ports {
        let (number, name, needed) = match &port.target_port {
            Some(IntOrString::String(name)) => {
                if declared.contains(name.as_str()) {
                    continue;
                }
                (port.port, Some(name.as_str()), true)
            }
            Some(IntOrString::Int(number)) => (*number, nice_name(port), false),
            None => (port.port, nice_name(port), false),
        };
        let protocol = names::protocol(port);
        match found
            .iter_mut()
            .find(|other| other.number == number && other.protocol == protocol)
        {
            // A Service finds a named targetPort by that name alone, so such a name wins.
            Some(other) if needed && !other.needed => (other.name, other.needed) = (name, true),
            Some(_) => {}
            None => found.push(Found {
                number,
                protocol,
                name,
                needed,
            }),
        }
    }
    // A name may stand once in a container: the needed ones are given out first.
    let mut taken = declared;
    for wanted in [true, false] {
        for port in found.iter_mut().filter(|port| port.needed == wanted) {
            port.name = port.name.filter(|name| taken.insert(name));
        }
    }
    found.into_iter().map(Found::into_value).collect()
}

struct Found<'a> {
    number: i32,
    protocol: &'a str,
    name: Option<&'a str>,
    /// Whether a Service's port points at the name.
    needed: bool,
}

impl Found<'_> {
    fn into_value(self) -> Value {
        let mut port = Map::new();
        if let Some(name) = self.name {
            port.insert("name".to_owned(), json!(name));
        }
        port.insert("containerPort".to_owned(), json!(self.number));
        port.insert("protocol".to_owned(), json!(self.protocol));
        Value::Object(port)
    }
}

/// The name that the App gives a Service's port, where a container port may have it too.
fn nice_name(port: &ServicePort) -> Option<&str> {
    names::given_name(port).filter(|name| names::is_container_port_name(name))
}

/// The names of the ports that the overrides declare, in whichever container.
fn declared_names(overrides: Option<&Map<String, Value>>) -> BTreeSet<&str> {
    let spec = overrides.and_then(|overrides| overrides.get("spec"));
    ["containers", "initContainers"]
        .iter()
        .filter_map(|list| spec?[list].as_array())
        .flatten()
        .filter_map(|container| container["ports"].as_array())
        .flatten()
        .filter_map(|port| port["name"].as_str())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ports(of: Value, overrides: Option<Value>) -> Value {
        let ports: Vec<ServicePort> = serde_json::from_value(of).unwrap();
        let overrides = overrides.as_ref().and_then(Value::as_object);
        Value::Array(container_ports(&ports, overrides))
    }

    #[test]
    fn numbers_are_taken_over() {
        assert_eq!(
            ports(
                json!([{"port": 8080, "targetPort": 80}, {"port": 9090}]),
                None
            ),
            json!([
                {"containerPort": 80, "protocol": "TCP"},
                {"containerPort": 9090, "protocol": "TCP"},
            ])
        );
    }

    #[test]
    fn one_target_of_two_ports_is_declared_once() {
        assert_eq!(
            ports(
                json!([
                    {"name": "http", "port": 80, "targetPort": 8080},
                    {"name": "alt", "port": 8080, "targetPort": 8080},
                    {"port": 8080, "protocol": "UDP"},
                ]),
                None
            ),
            json!([
                {"name": "http", "containerPort": 8080, "protocol": "TCP"},
                {"containerPort": 8080, "protocol": "UDP"},
            ])
        );
    }

    #[test]
    fn a_named_target_has_the_number_of_the_port() {
        assert_eq!(
            ports(json!([{"port": 80, "targetPort": "web"}]), None),
            json!([{"name": "web", "containerPort": 80, "protocol": "TCP"}])
        );
    }

    #[test]
    fn a_name_that_a_service_needs_wins_over_a_nice_one() {
        assert_eq!(
            ports(
                json!([
                    {"name": "http", "port": 80, "targetPort": 8080},
                    {"port": 8080, "targetPort": "admin"},
                ]),
                None
            ),
            json!([{"name": "admin", "containerPort": 8080, "protocol": "TCP"}])
        );
    }

    #[test]
    fn a_name_stands_once() {
        assert_eq!(
            ports(
                json!([
                    {"name": "dns", "port": 54},
                    {"port": 53, "targetPort": "dns"},
                    {"port": 53, "protocol": "UDP", "targetPort": "dns"},
                ]),
                None
            ),
            json!([
                {"containerPort": 54, "protocol": "TCP"},
                {"name": "dns", "containerPort": 53, "protocol": "TCP"},
                {"containerPort": 53, "protocol": "UDP"},
            ])
        );
    }

    #[test]
    fn a_name_that_is_none_for_a_container_port_is_left_out() {
        assert_eq!(
            ports(json!([{"name": "a-rather-long-name", "port": 80}]), None),
            json!([{"containerPort": 80, "protocol": "TCP"}])
        );
    }

    #[test]
    fn a_name_that_the_overrides_declare_is_theirs() {
        let proxy = json!({"spec": {"containers": [
            {"name": "proxy", "ports": [{"name": "http", "containerPort": 15001}]},
        ]}});
        assert_eq!(
            ports(
                json!([
                    {"port": 80, "targetPort": "http"},
                    {"name": "http", "port": 81},
                ]),
                Some(proxy)
            ),
            json!([{"containerPort": 81, "protocol": "TCP"}])
        );
    }
}

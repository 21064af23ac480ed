//! The Service of an App that has ports.

use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use serde_json::{Map, Value, json};

use super::{Child, head};
use crate::app::types::App;
use crate::app::{labels, names};

/// The Service of an App, as sent by server-side apply; `None` for an App without ports.
///
/// Every port is sent with name, protocol and targetPort, for ports merge by number and protocol
/// and a value that is not sent could be an old one. A type is sent only when a port asks for a
/// nodePort; otherwise it is the server's default, or what somebody else makes of it.
pub fn service(app: &App) -> Option<Value> {
    let ports = &app.spec.ports;
    if ports.is_empty() {
        return None;
    }
    let mut spec = json!({
        "selector": {labels::LABEL: names::name(app)},
    });
    if ports.iter().any(|port| port.node_port.is_some()) {
        spec["type"] = json!("NodePort");
    }
    let sent: Vec<Value> = ports
        .iter()
        .zip(names::port_names(ports))
        .map(|(port, name)| {
            let target = port.target_port.clone();
            let mut sent = Map::new();
            sent.insert("name".to_owned(), json!(name));
            sent.insert("port".to_owned(), json!(port.port));
            sent.insert("protocol".to_owned(), json!(names::protocol(port)));
            let target = target.unwrap_or(IntOrString::Int(port.port));
            sent.insert("targetPort".to_owned(), json!(target));
            if let Some(protocol) = &port.app_protocol {
                sent.insert("appProtocol".to_owned(), json!(protocol));
            }
            if let Some(number) = port.node_port {
                sent.insert("nodePort".to_owned(), json!(number));
            }
            Value::Object(sent)
        })
        .collect();
    spec["ports"] = Value::Array(sent);
    let mut service = head(app, Child::Service);
    service["spec"] = spec;
    Some(service)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_ports_no_service() {
        assert_eq!(service(&App::test("web")), None);
    }

    #[test]
    fn a_service_is_sent_whole() {
        let app = App::test("web").ports(json!([{"port": 8080, "targetPort": 80}]));
        assert_eq!(
            service(&app).unwrap(),
            json!({
                "apiVersion": "v1",
                "kind": "Service",
                "metadata": {
                    "name": "web",
                    "namespace": "default",
                    "labels": {
                        "app.example.com/v1": "web",
                        "app.kubernetes.io/name": "web",
                        "app.kubernetes.io/instance": "web",
                        "app.kubernetes.io/managed-by": "appop",
                    },
                    "ownerReferences": [{
                        "apiVersion": "app.example.com/v1",
                        "kind": "App",
                        "name": "web",
                        "uid": "uid-web",
                        "controller": true,
                        "blockOwnerDeletion": true,
                    }],
                },
                "spec": {
                    "selector": {"app.example.com/v1": "web"},
                    "ports": [
                        {"name": "port-8080", "port": 8080, "protocol": "TCP", "targetPort": 80},
                    ],
                },
            })
        );
    }

    #[test]
    fn names_protocols_and_targets_are_kept() {
        let app = App::test("dns").ports(json!([
            {"name": "dns", "port": 53, "protocol": "UDP", "targetPort": "dns"},
            {"port": 53, "appProtocol": "dns"},
        ]));
        assert_eq!(
            service(&app).unwrap()["spec"]["ports"],
            json!([
                {"name": "dns", "port": 53, "protocol": "UDP", "targetPort": "dns"},
                {"name": "port-53", "port": 53, "protocol": "TCP", "targetPort": 53,
                    "appProtocol": "dns"},
            ])
        );
    }

    #[test]
    fn a_node_port_makes_it_a_node_port_service() {
        let app = App::test("web").ports(json!([{"port": 80, "nodePort": 30080}]));
        let service = service(&app).unwrap();
        assert_eq!(service["spec"]["type"], "NodePort");
        assert_eq!(service["spec"]["ports"][0]["nodePort"], 30080);
    }
}

//! Whether anybody is there to answer a conversion webhook.

use k8s_openapi::api::core::v1::Service;
use k8s_openapi::api::discovery::v1::EndpointSlice;

use super::model::{Conversion, ServiceReference};

/// What became of looking something up.
#[derive(Clone, Debug, PartialEq)]
pub enum Looked<T> {
    /// It is there
    Found(T),
    /// It is not there
    Missing,
    /// It cannot be told, and why
    Refused(String),
}

/// Whether a webhook's backend is ready.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Backend {
    /// So many endpoints are ready
    Ready(usize),
    /// Nobody can answer, and why
    NotReady(String),
    /// It cannot be told from here, and why
    Unknown(String),
}

/// The Service that converts, if a Service does.
pub fn service_of(conversion: &Conversion) -> Option<&ServiceReference> {
    let webhook = conversion.webhook.as_ref()?;
    webhook
        .client_config
        .service
        .as_ref()
        .filter(|_| conversion.strategy == "Webhook")
}

/// The port of the Service that is asked.
/// Source: k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1/defaults.go.
pub fn port_of(reference: &ServiceReference) -> u16 {
    reference.port.unwrap_or(443)
}

/// Judges a Service and its EndpointSlices.
pub fn judge(
    reference: &ServiceReference,
    service: &Looked<Service>,
    slices: &Looked<Vec<EndpointSlice>>,
) -> Backend {
    let name = format!("{}/{}", reference.namespace, reference.name);
    let service = match service {
        Looked::Found(service) => service.spec.clone().unwrap_or_default(),
        Looked::Missing => {
            return Backend::NotReady(format!("the Service {name} does not exist"));
        }
        Looked::Refused(why) => return Backend::Unknown(why.clone()),
    };
    let wanted = port_of(reference);
    let ports: Vec<i32> = service.ports.iter().flatten().map(|p| p.port).collect();
    if !ports.contains(&i32::from(wanted)) {
        let ports: Vec<String> = ports.iter().map(ToString::to_string).collect();
        let has = if ports.is_empty() {
            "none".to_owned()
        } else {
            ports.join(", ")
        };
        return Backend::NotReady(format!(
            "the Service {name} has no port {wanted} (it has {has})"
        ));
    }
    if service.type_.as_deref() == Some("ExternalName") {
        let host = service.external_name.unwrap_or_default();
        return Backend::Unknown(format!("the Service {name} points outside, to {host}"));
    }
    let slices = match slices {
        Looked::Found(slices) => slices.as_slice(),
        Looked::Missing => &[],
        Looked::Refused(why) => return Backend::Unknown(why.clone()),
    };
    let endpoints = || {
        slices
            .iter()
            .flat_map(|slice| slice.endpoints.iter().flatten())
    };
    // Not said means ready, by the API's definition.
    let is_ready = |ready: Option<bool>| ready != Some(false);
    let ready = endpoints()
        .filter(|e| is_ready(e.conditions.as_ref().and_then(|c| c.ready)))
        .count();
    match (ready, endpoints().count()) {
        (0, 0) => Backend::NotReady(format!("the Service {name} has no endpoints")),
        (0, some) => Backend::NotReady(format!(
            "none of the {some} endpoints of the Service {name} is ready"
        )),
        (ready, _) => Backend::Ready(ready),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn service(spec: serde_json::Value) -> Looked<Service> {
        Looked::Found(serde_json::from_value(json!({"metadata": {}, "spec": spec})).unwrap())
    }

    fn slices(ready: &[Option<bool>]) -> Looked<Vec<EndpointSlice>> {
        let endpoints: Vec<_> = ready
            .iter()
            .map(|r| json!({"addresses": ["10.0.0.1"], "conditions": {"ready": r}}))
            .collect();
        let slice = json!({"metadata": {}, "addressType": "IPv4", "endpoints": endpoints});
        Looked::Found(vec![serde_json::from_value(slice).unwrap()])
    }

    fn judged(service: &Looked<Service>, slices: &Looked<Vec<EndpointSlice>>) -> String {
        let reference = ServiceReference {
            namespace: "ns".into(),
            name: "conv".into(),
            ..ServiceReference::default()
        };
        match judge(&reference, service, slices) {
            Backend::Ready(count) => format!("ready {count}"),
            Backend::NotReady(why) => why,
            Backend::Unknown(why) => format!("unknown: {why}"),
        }
    }

    #[test]
    fn every_way_to_have_no_backend_is_named() {
        let good = || service(json!({"ports": [{"port": 443}]}));
        assert_eq!(judged(&good(), &slices(&[Some(false), None])), "ready 1");
        assert_eq!(
            judged(&good(), &slices(&[Some(false)])),
            "none of the 1 endpoints of the Service ns/conv is ready"
        );
        assert_eq!(
            judged(&good(), &Looked::Missing),
            "the Service ns/conv has no endpoints"
        );
        assert_eq!(
            judged(&Looked::Missing, &Looked::Missing),
            "the Service ns/conv does not exist"
        );
        assert_eq!(
            judged(
                &service(json!({"ports": [{"port": 8443}]})),
                &slices(&[None])
            ),
            "the Service ns/conv has no port 443 (it has 8443)"
        );
    }

    #[test]
    fn what_cannot_be_seen_is_no_verdict() {
        let outside =
            json!({"type": "ExternalName", "externalName": "x.com", "ports": [{"port": 443}]});
        assert_eq!(
            judged(&service(outside), &slices(&[])),
            "unknown: the Service ns/conv points outside, to x.com"
        );
        assert_eq!(
            judged(&Looked::Refused("forbidden".into()), &slices(&[])),
            "unknown: forbidden"
        );
    }
}

//! Service: `pkg/registry/core/service`.
//!
//! The real server gives addresses and ports ([`allocate`]) after defaults and before it prepares and
//! validates.

mod addresses;
mod allocate;
mod pools;
mod update;
mod validate;

use k8s_openapi::api::core::v1 as api;
use serde_json::{Value, json};

use super::super::workloads::read::{
    at, entry, fill, fill_text, given, int, items, items_mut, keep, put, remove, text, texts,
};
use super::typed;
use crate::sandbox::memory::field::{FieldError, Path};
use crate::sandbox::memory::kinds::{Kind, Write, meta};
use crate::sandbox::memory::names;

pub use allocate::{Failure, allocate};
pub use pools::Pools;

/// See the module.
pub(super) struct Service;

impl Kind for Service {
    fn default(&self, object: &mut Value) {
        fill_text(object, "spec.sessionAffinity", "None");
        match text(object, "spec.sessionAffinity") {
            "None" => remove(object, "spec.sessionAffinityConfig"),
            "ClientIP" => {
                fill(
                    object,
                    "spec.sessionAffinityConfig.clientIP.timeoutSeconds",
                    10_800,
                );
            }
            _ => {}
        }
        fill_text(object, "spec.type", "ClusterIP");
        for port in items_mut(object, "spec.ports") {
            fill_text(port, "protocol", "TCP");
            if matches!(at(port, "targetPort"), Value::Null) || is_zero(at(port, "targetPort")) {
                let number = int(port, "port");
                put(port, "targetPort", number);
            }
        }
        if is_external(object) {
            fill_text(object, "spec.externalTrafficPolicy", "Cluster");
        }
        let type_ = text(object, "spec.type").to_owned();
        if ["ClusterIP", "NodePort", "LoadBalancer"].contains(&type_.as_str()) {
            fill(object, "spec.internalTrafficPolicy", "Cluster");
        }
        if type_ == "LoadBalancer" {
            fill(object, "spec.allocateLoadBalancerNodePorts", true);
            for ingress in items_mut(object, "status.loadBalancer.ingress") {
                if !text(ingress, "ip").is_empty() {
                    fill(ingress, "ipMode", "VIP");
                }
            }
        }
    }

    fn prepare_create(&self, object: &mut Value) {
        put(object, "status", json!({"loadBalancer": {}}));
        drop_from_names(object);
    }

    fn prepare_update(&self, write: Write<'_>, object: &mut Value, old: &Value) {
        if write.subresource == "status" {
            keep(object, old, "spec");
            return;
        }
        keep(object, old, "status");
        update::drop_what_the_type_excludes(object, old);
        drop_from_names(object);
    }

    fn validate_create(&self, object: &Value) -> Vec<FieldError> {
        let mut errors = meta::validate_create(object, true, meta::dns_label);
        match read(object) {
            Ok(service) => validate::validate(&mut errors, &service, None),
            Err(wrong) => errors.extend(wrong),
        }
        errors
    }

    fn validate_update(&self, write: Write<'_>, object: &Value, old: &Value) -> Vec<FieldError> {
        let mut errors = meta::validate_update(object, old);
        match (read(object), read(old)) {
            (Ok(service), Ok(old)) if write.subresource == "status" => {
                validate::validate_status(&mut errors, &service, &old);
            }
            (Ok(service), Ok(old)) => {
                update::validate(&mut errors, &service, &old);
                validate::validate(&mut errors, &service, Some(&old));
            }
            (Err(wrong), _) | (_, Err(wrong)) => errors.extend(wrong),
        }
        errors
    }

    fn warnings(&self, object: &Value, _old: Option<&Value>) -> Vec<String> {
        let mut all = Vec::new();
        let hints = "service.kubernetes.io/topology-aware-hints";
        if entry(object, "metadata.annotations", hints).is_some() {
            all.push(format!(
                "annotation {hints} is deprecated, please use \
                 service.kubernetes.io/topology-mode instead"
            ));
        }
        let addresses = texts(object, "spec.clusterIPs");
        let is_headless = addresses == ["None"];
        let path = Path::new("spec");
        if !is_headless {
            for (index, ip) in addresses.iter().enumerate() {
                all.extend(names::ip_warning(
                    &path.child("clusterIPs").index(index),
                    ip,
                ));
            }
        }
        let externals = texts(object, "spec.externalIPs");
        let balancer = text(object, "spec.loadBalancerIP");
        if is_headless {
            let ignored = [
                (!balancer.is_empty(), "spec.loadBalancerIP"),
                (!externals.is_empty(), "spec.externalIPs"),
                (
                    text(object, "spec.sessionAffinity") != "None",
                    "spec.SessionAffinity",
                ),
            ];
            for (_, field) in ignored.iter().filter(|(is_set, _)| *is_set) {
                all.push(format!("{field} is ignored for headless services"));
            }
        }
        for (index, ip) in externals.iter().enumerate() {
            all.extend(names::ip_warning(
                &path.child("externalIPs").index(index),
                ip,
            ));
        }
        let is_name = text(object, "spec.type") == "ExternalName";
        if !externals.is_empty() && !is_headless && !is_name {
            let why = "is deprecated and may no longer be implemented in some clusters";
            all.push(format!("spec.externalIPs {why}"));
        }
        if !balancer.is_empty() {
            all.extend(names::ip_warning(&path.child("loadBalancerIP"), balancer));
        }
        if is_name && !externals.is_empty() {
            let why = "is ignored when spec.type is \"ExternalName\"";
            all.push(format!("spec.externalIPs {why}"));
        }
        if !is_name && !text(object, "spec.externalName").is_empty() {
            let why = "is ignored when spec.type is not \"ExternalName\"";
            all.push(format!("spec.externalName {why}"));
        }
        if text(object, "spec.trafficDistribution") == "PreferClose" {
            let why = "\"PreferClose\" is deprecated; use \"PreferSameZone\"";
            all.push(format!("spec.trafficDistribution: {why}"));
        }
        all
    }

    fn creates_on_update(&self) -> bool {
        true
    }

    fn fields(&self, object: &Value) -> Vec<(&'static str, String)> {
        let labels = self.field_labels().iter();
        labels
            .map(|label| (*label, text(object, label).to_owned()))
            .collect()
    }

    fn field_labels(&self) -> &'static [&'static str] {
        &["spec.clusterIP", "spec.type"]
    }
}

/// The real server stores it with mere names, too, and answers without it.
fn drop_from_names(object: &mut Value) {
    if text(object, "spec.type") == "ExternalName" {
        remove(object, "spec.internalTrafficPolicy");
    }
}

fn is_zero(port: &Value) -> bool {
    port.as_i64() == Some(0) || port.as_str() == Some("")
}

/// Whether it can be reached from outside of the cluster.
fn is_external(object: &Value) -> bool {
    match text(object, "spec.type") {
        "LoadBalancer" | "NodePort" => true,
        "ClusterIP" => !items(object, "spec.externalIPs").is_empty(),
        _ => false,
    }
}

/// Whether a load balancer must be told which nodes have pods.
fn needs_health_check(spec: &api::ServiceSpec) -> bool {
    type_of(spec) == "LoadBalancer" && spec.external_traffic_policy.as_deref() == Some("Local")
}

fn type_of(spec: &api::ServiceSpec) -> &str {
    spec.type_.as_deref().unwrap_or_default()
}

fn cluster_ips(spec: &api::ServiceSpec) -> &[String] {
    spec.cluster_ips.as_deref().unwrap_or_default()
}

fn families(spec: &api::ServiceSpec) -> &[String] {
    spec.ip_families.as_deref().unwrap_or_default()
}

/// Whether it has names of pods in place of an address of its own.
fn is_headless(spec: &api::ServiceSpec) -> bool {
    cluster_ips(spec) == ["None"]
}

/// A Service of which only what is checked here matters.
struct Read {
    spec: api::ServiceSpec,
    status: api::ServiceStatus,
    annotations: std::collections::BTreeMap<String, String>,
}

fn read(object: &Value) -> Result<Read, Vec<FieldError>> {
    let annotations = given(object, "metadata.annotations").unwrap_or(&Value::Null);
    Ok(Read {
        spec: typed::read(at(object, "spec"), &Path::new("spec"))?,
        status: typed::read(at(object, "status"), &Path::new("status"))?,
        annotations: typed::read(annotations, &Path::new("metadata.annotations"))?,
    })
}

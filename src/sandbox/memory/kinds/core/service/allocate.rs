//! Gives a Service its addresses and ports (`pkg/registry/core/service/storage`), in a cluster of one
//! family, IPv4.

use k8s_openapi::api::core::v1::{ServicePort, ServiceSpec};
use serde_json::{Value, json};

use super::super::super::pod::check::{Errors, text};
use super::super::super::workloads::read::at;
use super::super::typed;
use super::pools::{Pools, Refusal};
use super::{addresses, cluster_ips, families, needs_health_check, type_of};
use crate::sandbox::memory::field::{FieldError, Path};

/// Why a Service does not get what it needs.
#[derive(Clone, Debug, PartialEq)]
pub enum Failure {
    /// 422 with these errors
    Invalid(Vec<FieldError>),
    /// 500 with these words
    Internal(String),
}

/// Completes a new Service, or a changed one beside what it was. Nothing is taken from the pools: what
/// is stored is told them afterwards. Call it after the defaults are set and before the Service is
/// prepared and validated, and let no other Service be written between.
pub fn allocate(
    pools: &Pools,
    service: &mut Value,
    old: Option<&Value>,
    is_dry: bool,
) -> Result<(), Failure> {
    let path = Path::new("spec");
    let read = |object: &Value| typed::read::<ServiceSpec>(at(object, "spec"), &path);
    let mut spec = read(service).map_err(Failure::Invalid)?;
    let old = old.map(read).transpose().map_err(Failure::Invalid)?;
    if let Some(old) = &old {
        keep_what_was_given(&mut spec, old);
    }
    normalize_addresses(&mut spec, old.as_ref());
    if !is_prefer_dual_unchanged(&spec, old.as_ref()) {
        choose_families(&mut spec, old.as_ref())?;
        give_addresses(pools, &mut spec, old.as_ref(), is_dry)?;
    }
    give_ports(pools, &mut spec, old.as_ref(), is_dry)?;
    let spec = serde_json::to_value(spec).map_err(|error| Failure::Internal(error.to_string()))?;
    service["spec"] = spec;
    Ok(())
}

fn is_name(spec: &ServiceSpec) -> bool {
    type_of(spec) == "ExternalName"
}

fn is_none(spec: &ServiceSpec) -> bool {
    text(&spec.cluster_ip) == "None"
}

fn allocates_ports(spec: &ServiceSpec) -> bool {
    match type_of(spec) {
        "NodePort" => true,
        "LoadBalancer" => spec.allocate_load_balancer_node_ports != Some(false),
        _ => false,
    }
}

fn has_ports(spec: &ServiceSpec) -> bool {
    ["NodePort", "LoadBalancer"].contains(&type_of(spec))
}

fn node_port(port: &ServicePort) -> i32 {
    port.node_port.unwrap_or_default()
}

fn ports(spec: &ServiceSpec) -> &[ServicePort] {
    spec.ports.as_deref().unwrap_or_default()
}

/// `patchAllocatedValues`: a change that does not speak of addresses and ports keeps them.
fn keep_what_was_given(spec: &mut ServiceSpec, old: &ServiceSpec) {
    if !is_name(spec) && !is_name(old) {
        if text(&spec.cluster_ip).is_empty() {
            spec.cluster_ip.clone_from(&old.cluster_ip);
        }
        if cluster_ips(spec).is_empty() {
            spec.cluster_ips.clone_from(&old.cluster_ips);
        }
    }
    if allocates_ports(spec) && allocates_ports(old) {
        let used: Vec<i32> = ports(spec).iter().map(node_port).collect();
        for port in spec
            .ports
            .iter_mut()
            .flatten()
            .filter(|port| node_port(port) == 0)
        {
            let known = ports(old)
                .iter()
                .rfind(|old| old.name == port.name)
                .map(node_port);
            port.node_port = known.filter(|known| *known != 0 && !used.contains(known));
        }
    }
    if needs_health_check(spec)
        && needs_health_check(old)
        && spec.health_check_node_port.unwrap_or_default() == 0
    {
        spec.health_check_node_port = old.health_check_node_port;
    }
}

/// `normalizeClusterIPs`: `clusterIP` is the first of `clusterIPs`, whichever a client knows.
fn normalize_addresses(spec: &mut ServiceSpec, old: Option<&ServiceSpec>) {
    let own = text(&spec.cluster_ip).to_owned();
    let Some(old) = old else {
        if !own.is_empty() && cluster_ips(spec).is_empty() {
            spec.cluster_ips = Some(vec![own]);
        }
        return;
    };
    let known = text(&old.cluster_ip);
    if cluster_ips(spec).is_empty() && known == own {
        spec.cluster_ips.clone_from(&old.cluster_ips);
    }
    if known != own && cluster_ips(spec) == cluster_ips(old) {
        spec.cluster_ips = if own.is_empty() {
            None
        } else {
            Some(vec![own])
        };
    }
}

fn is_prefer_dual_unchanged(spec: &ServiceSpec, old: Option<&ServiceSpec>) -> bool {
    let Some(old) = old else { return false };
    let prefers = |spec: &ServiceSpec| spec.ip_family_policy.as_deref() == Some("PreferDualStack");
    !is_name(spec)
        && type_of(spec) == type_of(old)
        && prefers(spec)
        && (prefers(old) || old.ip_family_policy.is_none())
        && cluster_ips(spec) == cluster_ips(old)
        && families(spec) == families(old)
}

/// `initIPFamilyFields`.
fn choose_families(spec: &mut ServiceSpec, old: Option<&ServiceSpec>) -> Result<(), Failure> {
    if is_name(spec) {
        return Ok(());
    }
    let has_no_selector = spec
        .selector
        .as_ref()
        .is_none_or(|selector| selector.is_empty());
    let is_open = is_none(spec) && has_no_selector;
    if spec.ip_family_policy.is_none() {
        let known = old.and_then(|old| old.ip_family_policy.clone());
        let default = if is_open {
            "RequireDualStack"
        } else {
            "SingleStack"
        };
        spec.ip_family_policy = Some(known.unwrap_or_else(|| default.to_owned()));
    }
    let mut errors = Errors::new();
    addresses::validate(&mut errors, spec, old);
    if !errors.is_empty() {
        return Err(Failure::Invalid(errors));
    }
    let policy = text(&spec.ip_family_policy).to_owned();
    let is_single = policy == "SingleStack";
    let policy_path = Path::new("spec.ipFamilyPolicy");
    let mut wrong = |why: &str| {
        errors.push(FieldError::invalid(&policy_path, policy.as_str(), why));
    };
    if let Some(old) = old {
        let fewer = |new: &[String], old: &[String]| !new.is_empty() && new.len() < old.len();
        if is_single {
            if cluster_ips(spec) == cluster_ips(old) {
                spec.cluster_ips.iter_mut().for_each(|ips| ips.truncate(1));
            }
            if families(spec) == families(old) {
                spec.ip_families
                    .iter_mut()
                    .for_each(|families| families.truncate(1));
            }
        } else {
            if fewer(cluster_ips(spec), cluster_ips(old)) {
                wrong("must be 'SingleStack' to release the secondary cluster IP");
            }
            if fewer(families(spec), families(old)) {
                wrong("must be 'SingleStack' to release the secondary IP family");
            }
        }
    }
    if is_single {
        let several = [
            ("cluster IPs", cluster_ips(spec)),
            ("IP families", families(spec)),
        ];
        for (what, _) in several.iter().filter(|(_, all)| all.len() == 2) {
            wrong(&format!(
                "must be 'RequireDualStack' or 'PreferDualStack' when multiple {what} are specified"
            ));
        }
    }
    let known = families(spec).len();
    let new: Vec<(usize, String)> = cluster_ips(spec)
        .iter()
        .cloned()
        .enumerate()
        .skip(known)
        .collect();
    for (index, ip) in new.into_iter().take_while(|(_, ip)| ip != "None") {
        if ip.contains(':') {
            let path = Path::new("spec.clusterIPs").index(index);
            let shown = cluster_ips(spec).to_vec();
            let why = "IPv6 is not configured on this cluster";
            errors.push(FieldError::invalid(&path, shown, why));
        } else {
            spec.ip_families
                .get_or_insert_with(Vec::new)
                .push("IPv4".to_owned());
        }
    }
    if !errors.is_empty() {
        return Err(Failure::Invalid(errors));
    }
    if is_open {
        // Who tells where such a Service leads may do so in any family.
        let families = spec.ip_families.get_or_insert_with(Vec::new);
        if families.is_empty() {
            families.push("IPv4".to_owned());
        }
        if families.len() < 2 && !is_single {
            let other = if families[0] == "IPv4" {
                "IPv6"
            } else {
                "IPv4"
            };
            families.push(other.to_owned());
        }
        return Ok(());
    }
    configured(spec, &policy)
}

/// Only IPv4 can be had.
fn configured(spec: &mut ServiceSpec, policy: &str) -> Result<(), Failure> {
    let mut errors = Errors::new();
    if policy == "RequireDualStack" {
        let why = "this cluster is not configured for dual-stack services";
        errors.push(FieldError::invalid(
            &Path::new("spec.ipFamilyPolicy"),
            policy,
            why,
        ));
    }
    for (index, family) in families(spec)
        .iter()
        .enumerate()
        .filter(|(_, f)| *f != "IPv4")
    {
        let path = Path::new("spec.ipFamilies").index(index);
        errors.push(FieldError::invalid(
            &path,
            family.as_str(),
            "not configured on this cluster",
        ));
    }
    if !errors.is_empty() {
        return Err(Failure::Invalid(errors));
    }
    if families(spec).is_empty() {
        spec.ip_families = Some(vec!["IPv4".to_owned()]);
    }
    Ok(())
}

/// A new Service, and one that was a mere name, gets the address that it asks for, or any.
fn give_addresses(
    pools: &Pools,
    spec: &mut ServiceSpec,
    old: Option<&ServiceSpec>,
    is_dry: bool,
) -> Result<(), Failure> {
    if is_name(spec) || is_none(spec) || old.is_some_and(|old| !is_name(old)) {
        return Ok(());
    }
    let asked = cluster_ips(spec).first().cloned().unwrap_or_default();
    let ip =
        if asked.is_empty() {
            // The real server answers dry runs with the network's own address.
            let free = if is_dry {
                Some("127.96.0.0".to_owned())
            } else {
                pools.next_ip()
            };
            free.ok_or_else(|| {
                Failure::Internal("failed to allocate a serviceIP: range is full".into())
            })?
        } else {
            pools.check_ip(&asked, is_dry).map_err(|refusal| {
            let why = match refusal {
                Refusal::Taken => "provided IP is already allocated".to_owned(),
                Refusal::OutOfRange => format!(
                    "the provided IP ({asked}) is not in the valid range. The range of valid IPs \
                     is {}",
                    pools.network()
                ),
            };
            let why = format!("failed to allocate IP {asked}: {why}");
            let path = Path::new("spec.clusterIPs");
            Failure::Invalid(vec![FieldError::invalid(&path, json!(spec.cluster_ips), why)])
        })?;
            asked
        };
    spec.cluster_ip = Some(ip.clone());
    spec.cluster_ips = Some(vec![ip]);
    Ok(())
}

fn port_words(refusal: Refusal) -> &'static str {
    match refusal {
        Refusal::Taken => "provided port is already allocated",
        Refusal::OutOfRange => {
            "provided port is not in the valid range. The range of valid ports is 30000-32767"
        }
    }
}

/// `txnAllocNodePorts` and `txnUpdateNodePorts`.
fn give_ports(
    pools: &Pools,
    spec: &mut ServiceSpec,
    old: Option<&ServiceSpec>,
    is_dry: bool,
) -> Result<(), Failure> {
    let mut given: Vec<u16> = Vec::new();
    let full = || Failure::Internal("failed to allocate a nodePort: range is full".to_owned());
    if has_ports(spec) {
        let allocates = allocates_ports(spec);
        let known: Vec<i32> = old
            .map(ports)
            .unwrap_or_default()
            .iter()
            .map(node_port)
            .collect();
        let asked: Vec<(i32, i32)> = ports(spec).iter().map(|p| (p.port, node_port(p))).collect();
        for (index, port) in spec.ports.iter_mut().flatten().enumerate() {
            let mut number = node_port(port);
            if number == 0 && !allocates {
                continue;
            }
            if number == 0 && old.is_none() {
                // Protocols of one port share a node port.
                let twin = asked
                    .iter()
                    .find(|(own, node)| *own == port.port && *node != 0);
                let twin = twin.map(|(_, node)| *node);
                number = twin.unwrap_or_default();
            }
            if number == 0 {
                let free = pools.next_port(&given).ok_or_else(full)?;
                given.push(free);
                port.node_port = Some(free.into());
                continue;
            }
            let is_given = u16::try_from(number).is_ok_and(|number| given.contains(&number));
            if !known.contains(&number) && !is_given {
                pools
                    .check_port(number.into(), &given, is_dry)
                    .map_err(|refusal| {
                        let path = Path::new("spec.ports").index(index).child("nodePort");
                        let error = FieldError::invalid(&path, number, port_words(refusal));
                        Failure::Invalid(vec![error])
                    })?;
                given.extend(u16::try_from(number).ok());
            }
            port.node_port = Some(number);
        }
    }
    if needs_health_check(spec) && !old.is_some_and(needs_health_check) {
        match spec.health_check_node_port.unwrap_or_default() {
            0 => {
                let free = pools.next_port(&given).ok_or_else(full)?;
                spec.health_check_node_port = Some(free.into());
            }
            number => {
                pools
                    .check_port(number.into(), &given, is_dry)
                    .map_err(|refusal| {
                        Failure::Internal(format!(
                            "failed to allocate requested HealthCheck NodePort {number}: {}",
                            port_words(refusal)
                        ))
                    })?;
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::super::of;
    use super::*;

    fn service(spec: Value) -> Value {
        let mut service = json!({"metadata": {"name": "s", "namespace": "n"}, "spec": spec});
        of("", "services").expect("a kind").default(&mut service);
        service
    }

    fn given(pools: &Pools, spec: Value, old: Option<&Value>) -> Result<Value, String> {
        let mut service = service(spec);
        match allocate(pools, &mut service, old, false) {
            Ok(()) => Ok(service),
            Err(Failure::Invalid(errors)) => Err(errors
                .iter()
                .map(ToString::to_string)
                .collect::<Vec<_>>()
                .join("; ")),
            Err(Failure::Internal(words)) => Err(format!("500 {words}")),
        }
    }

    fn taken() -> Pools {
        let mut pools = Pools::new();
        let spec = json!({"type": "NodePort", "clusterIPs": ["127.96.9.9"], "ports": [{"port": 80, "nodePort": 30999}]});
        pools.replace(None, Some(&json!({"spec": spec})));
        pools
    }

    #[test]
    fn new_services_get_what_they_need() {
        let ports = json!([{"port": 80}]);
        let cases = [
            (
                json!({"ports": ports}),
                "127.96.9.10",
                json!(["IPv4"]),
                json!("SingleStack"),
                json!(null),
            ),
            (
                json!({"ports": ports, "clusterIP": "127.96.0.7"}),
                "127.96.0.7",
                json!(["IPv4"]),
                json!("SingleStack"),
                json!(null),
            ),
            (
                json!({"ports": ports, "clusterIP": "None"}),
                "None",
                json!(["IPv4", "IPv6"]),
                json!("RequireDualStack"),
                json!(null),
            ),
            (
                json!({"ports": ports, "clusterIP": "None", "selector": {"a": "b"}}),
                "None",
                json!(["IPv4"]),
                json!("SingleStack"),
                json!(null),
            ),
            (
                json!({"ports": ports, "ipFamilyPolicy": "PreferDualStack"}),
                "127.96.9.10",
                json!(["IPv4"]),
                json!("PreferDualStack"),
                json!(null),
            ),
            (
                json!({"ports": ports, "type": "NodePort"}),
                "127.96.9.10",
                json!(["IPv4"]),
                json!("SingleStack"),
                json!(31000),
            ),
            (
                json!({"ports": ports, "type": "LoadBalancer", "allocateLoadBalancerNodePorts": false}),
                "127.96.9.10",
                json!(["IPv4"]),
                json!("SingleStack"),
                json!(null),
            ),
        ];
        for (spec, ip, families, policy, node_port) in cases {
            let made = given(&taken(), spec.clone(), None).expect("an address");
            let made = &made["spec"];
            assert_eq!(made["clusterIP"], json!(ip), "{spec}");
            assert_eq!(made["clusterIPs"], json!([ip]));
            assert_eq!(made["ipFamilies"], families);
            assert_eq!(made["ipFamilyPolicy"], policy);
            assert_eq!(
                made["ports"][0]
                    .get("nodePort")
                    .cloned()
                    .unwrap_or_default(),
                node_port
            );
        }
        let name = given(
            &taken(),
            json!({"type": "ExternalName", "externalName": "a.b"}),
            None,
        );
        assert!(
            name.expect("nothing to give")["spec"]
                .get("clusterIP")
                .is_none()
        );
        let spec = json!({"type": "NodePort", "ports": [
            {"name": "a", "port": 80, "nodePort": 30001}, {"name": "b", "port": 80, "protocol": "UDP"}]});
        let made = given(&taken(), spec, None).expect("ports");
        assert_eq!(made["spec"]["ports"][1]["nodePort"], json!(30001));
        let spec = json!({"type": "LoadBalancer", "externalTrafficPolicy": "Local", "ports": [{"port": 80}]});
        let made = given(&taken(), spec, None).expect("ports");
        assert_eq!(made["spec"]["healthCheckNodePort"], json!(31001));
    }

    #[test]
    fn what_cannot_be_had() {
        let ports = json!([{"port": 80}]);
        let range = "is not in the valid range. The range of valid IPs is 127.96.0.0/16";
        let cases = [
            (json!({"clusterIP": "10.0.0.1"}), format!("spec.clusterIPs: Invalid value: [\"10.0.0.1\"]: failed to allocate IP 10.0.0.1: the provided IP (10.0.0.1) {range}")),
            (json!({"clusterIP": "127.96.9.9"}), "spec.clusterIPs: Invalid value: [\"127.96.9.9\"]: failed to allocate IP 127.96.9.9: provided IP is already allocated".to_owned()),
            (json!({"clusterIP": "x"}), "spec.clusterIPs[0]: Invalid value: \"x\": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)".to_owned()),
            (json!({"clusterIP": "::1"}), "spec.clusterIPs[0]: Invalid value: [\"::1\"]: IPv6 is not configured on this cluster".to_owned()),
            (json!({"clusterIPs": ["127.96.5.5"]}), "spec.clusterIPs: Invalid value: [\"127.96.5.5\"]: must be empty when `clusterIP` is not specified".to_owned()),
            (json!({"ipFamilies": ["IPv6"]}), "spec.ipFamilies[0]: Invalid value: \"IPv6\": not configured on this cluster".to_owned()),
            (json!({"ipFamilies": ["IPv4", "IPv6"]}), "spec.ipFamilyPolicy: Invalid value: \"SingleStack\": must be 'RequireDualStack' or 'PreferDualStack' when multiple IP families are specified".to_owned()),
            (json!({"ipFamilyPolicy": "RequireDualStack"}), "spec.ipFamilyPolicy: Invalid value: \"RequireDualStack\": this cluster is not configured for dual-stack services".to_owned()),
            (json!({"type": "NodePort", "ports": [{"port": 80, "nodePort": 30999}]}), "spec.ports[0].nodePort: Invalid value: 30999: provided port is already allocated".to_owned()),
            (json!({"type": "NodePort", "ports": [{"port": 80, "nodePort": 80}]}), "spec.ports[0].nodePort: Invalid value: 80: provided port is not in the valid range. The range of valid ports is 30000-32767".to_owned()),
            (json!({"type": "LoadBalancer", "externalTrafficPolicy": "Local", "healthCheckNodePort": 30999}), "500 failed to allocate requested HealthCheck NodePort 30999: provided port is already allocated".to_owned()),
        ];
        for (mut spec, words) in cases {
            if spec.get("ports").is_none() {
                spec["ports"] = ports.clone();
            }
            assert_eq!(given(&taken(), spec.clone(), None), Err(words), "{spec}");
        }
    }

    #[test]
    fn changes_keep_what_was_given() {
        let spec = json!({"type": "NodePort", "ports": [{"port": 80}]});
        let old = given(&taken(), spec.clone(), None).expect("a service");
        let same = given(&taken(), spec, Some(&old)).expect("a change");
        assert_eq!(same["spec"], old["spec"]);
        let other = json!({"type": "ClusterIP", "ports": [{"port": 81}]});
        let other = given(&taken(), other, Some(&old)).expect("a change");
        assert_eq!(other["spec"]["clusterIP"], old["spec"]["clusterIP"]);
    }

    #[test]
    fn what_is_released_can_be_had_again() {
        let mut pools = taken();
        let old = json!({"spec": {"clusterIPs": ["127.96.9.9"], "ports": [{"nodePort": 30999}]}});
        pools.replace(Some(&old), None);
        let spec = json!({"clusterIP": "127.96.9.9", "type": "NodePort", "ports": [{"port": 1, "nodePort": 30999}]});
        assert!(given(&pools, spec, None).is_ok());
    }
}

//! What may change in a Service, and what goes when its type changes.

use k8s_openapi::api::core::v1::ServiceSpec;
use serde_json::{Value, json};

use super::super::super::pod::check::Errors;
use super::super::super::workloads::read::{
    at, flag, given, int, items, items_mut, remove, same, text,
};
use super::{
    Read, cluster_ips, families, is_external, is_headless, needs_health_check, type_of, validate,
};
use crate::sandbox::memory::field::{FieldError, Path};

const ONCE: &str = "may not change once set";

/// `dropTypeDependentFields`: what a client sends back unchanged, and the new type has no use for.
pub(super) fn drop_what_the_type_excludes(object: &mut Value, old: &Value) {
    let is = |object: &Value, types: &[&str]| types.contains(&text(object, "spec.type"));
    let same_fields = |object: &Value, fields: &[&str]| {
        fields
            .iter()
            .all(|field| same(at(object, field), at(old, field)))
    };
    let name = ["ExternalName"];
    if !is(old, &name) && is(object, &name) {
        let groups: [&[&str]; 3] = [
            &["spec.clusterIP", "spec.clusterIPs"],
            &["spec.ipFamilies"],
            &["spec.ipFamilyPolicy"],
        ];
        for group in groups {
            if same_fields(object, group) {
                group.iter().for_each(|field| remove(object, field));
            }
        }
    }
    let ports = ["NodePort", "LoadBalancer"];
    let numbers = |object: &Value| -> Vec<i64> {
        let all = items(object, "spec.ports")
            .iter()
            .map(|port| int(port, "nodePort"));
        all.filter(|number| *number != 0).collect()
    };
    let known = numbers(old);
    if is(old, &ports)
        && !is(object, &ports)
        && numbers(object).iter().all(|number| known.contains(number))
    {
        items_mut(object, "spec.ports")
            .iter_mut()
            .for_each(|port| remove(port, "nodePort"));
    }
    let checked = |object: &Value| {
        is(object, &["LoadBalancer"]) && text(object, "spec.externalTrafficPolicy") == "Local"
    };
    let check = "spec.healthCheckNodePort";
    if checked(old) && !checked(object) && int(object, check) == int(old, check) {
        remove(object, check);
    }
    let balancer = ["LoadBalancer"];
    if is(old, &balancer) && !is(object, &balancer) {
        let allocates = "spec.allocateLoadBalancerNodePorts";
        if given(object, allocates).is_some() && flag(object, allocates) == flag(old, allocates) {
            remove(object, allocates);
        }
        if same_fields(object, &["spec.loadBalancerClass"]) {
            remove(object, "spec.loadBalancerClass");
        }
    }
    let policy = "spec.externalTrafficPolicy";
    if is_external(old) && !is_external(object) && text(object, policy) == text(old, policy) {
        remove(object, policy);
    }
    if !is(object, &balancer) {
        super::put(object, "status.loadBalancer", json!({}));
    }
}

/// `ValidateServiceUpdate` beyond what new Services are held to.
pub(super) fn validate(errors: &mut Errors, service: &Read, old: &Read) {
    let (spec, old) = (&service.spec, &old.spec);
    if type_of(spec) != "ExternalName" && type_of(old) != "ExternalName" {
        unchanged_addresses(errors, spec, old);
        unchanged_families(errors, spec, old);
    }
    validate::validate_class(errors, spec, Some(old));
    let check = |spec: &ServiceSpec| spec.health_check_node_port.unwrap_or_default();
    if needs_health_check(old) && needs_health_check(spec) && check(old) != check(spec) {
        let path = Path::new("spec.healthCheckNodePort");
        errors.push(FieldError::forbidden(&path, "field is immutable"));
    }
}

fn invalid(errors: &mut Errors, field: &str, shown: &[String], why: &str) {
    let shown = if shown.is_empty() {
        Value::Null
    } else {
        json!(shown)
    };
    errors.push(FieldError::invalid(
        &Path::new("spec").child(field),
        shown,
        why,
    ));
}

fn released(errors: &mut Errors, spec: &ServiceSpec, what: &str) {
    let policy = &spec.ip_family_policy;
    if policy.as_deref() != Some("SingleStack") {
        let path = Path::new("spec.ipFamilyPolicy");
        let why = format!("must be set to 'SingleStack' when releasing the secondary {what}");
        errors.push(FieldError::invalid(&path, json!(policy), why));
    }
}

fn unchanged_addresses(errors: &mut Errors, spec: &ServiceSpec, old: &ServiceSpec) {
    if is_headless(old) && is_headless(spec) {
        return;
    }
    let (new, known) = (cluster_ips(spec), cluster_ips(old));
    if new.len() == known.len() {
        for (index, _) in known
            .iter()
            .zip(new)
            .enumerate()
            .filter(|(_, (old, new))| old != new)
        {
            invalid(errors, &format!("clusterIPs[{index}]"), new, ONCE);
        }
        return;
    }
    let is_fewer = new.len() < known.len();
    if is_fewer && new.is_empty() {
        invalid(
            errors,
            "clusterIPs[0]",
            new,
            "primary clusterIP can not be unset",
        );
    }
    if let (Some(first), Some(known)) = (new.first(), known.first())
        && first != known
    {
        invalid(errors, "clusterIPs[0]", new, ONCE);
    }
    if is_fewer && new.len() == 1 {
        released(errors, spec, "clusterIP");
    }
}

fn unchanged_families(errors: &mut Errors, spec: &ServiceSpec, old: &ServiceSpec) {
    if is_headless(old) || is_headless(spec) {
        return;
    }
    let (new, known) = (families(spec), families(old));
    if new.len() == known.len() {
        for _ in known.iter().zip(new).filter(|(old, new)| old != new) {
            invalid(errors, "ipFamilies[0]", new, ONCE);
        }
        return;
    }
    let is_fewer = new.len() < known.len();
    if is_fewer && cluster_ips(spec).is_empty() {
        invalid(
            errors,
            "ipFamilies[0]",
            new,
            "primary ipFamily can not be unset",
        );
    }
    if let (Some(first), Some(known)) = (new.first(), known.first())
        && first != known
    {
        invalid(errors, "ipFamilies[0]", cluster_ips(spec), ONCE);
    }
    if is_fewer && new.len() == 1 {
        released(errors, spec, "ipFamily");
    }
}

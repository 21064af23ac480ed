//! What objects use of ResourceQuotas, and which of them a quota limits (`pkg/quota/v1/evaluator`).
//! Claims of devices are not counted.

mod claim;
mod pod;
mod service;

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use k8s_openapi::api::core::v1::{
    PersistentVolumeClaim, Pod, PodSpec, ResourceQuotaSpec, ScopedResourceSelectorRequirement,
    Service,
};
use serde_json::Value;

use crate::sandbox::memory::quantity::{Format, Quantity};

/// Amounts by the names that quotas know.
pub type Usage = BTreeMap<String, Quantity>;

/// Resources whose objects are counted by their plain names, too.
const COUNTED: [&str; 5] = [
    "configmaps",
    "secrets",
    "replicationcontrollers",
    "resourcequotas",
    "services",
];

/// A number of objects.
pub fn number(count: usize) -> Quantity {
    Quantity::from_i64(i64::try_from(count).unwrap_or(i64::MAX), Format::DecimalSi)
}

/// Adds an amount.
pub fn add(usage: &mut Usage, name: &str, amount: &Quantity) {
    match usage.get_mut(name) {
        Some(sum) => *sum = sum.add(amount),
        None => {
            usage.insert(name.to_owned(), amount.clone());
        }
    }
}

/// The resource whose objects such a name counts: group and plural.
pub fn counted(name: &str) -> Option<(&str, &str)> {
    if let Some(rest) = name.strip_prefix("count/") {
        let (plural, group) = rest.split_once('.').unwrap_or((rest, ""));
        return Some((group, plural));
    }
    COUNTED.contains(&name).then_some(("", name))
}

/// Whether objects of a resource use what has that name.
pub fn is_limited(group: &str, plural: &str, name: &str) -> bool {
    if counted(name) == Some((group, plural)) {
        return true;
    }
    match (group, plural) {
        ("", "pods") => pod::is_limited(name),
        ("", "services") => service::NAMES.contains(&name),
        ("", "persistentvolumeclaims") => claim::is_limited(name),
        _ => false,
    }
}

/// What an object uses. One that cannot be read uses only that it is there.
pub fn usage(group: &str, plural: &str, object: &Value, now: Timestamp) -> Usage {
    let mut usage = Usage::new();
    let name = match group {
        "" => format!("count/{plural}"),
        group => format!("count/{plural}.{group}"),
    };
    usage.insert(name, number(1));
    if group.is_empty() && COUNTED.contains(&plural) {
        usage.insert(plural.to_owned(), number(1));
    }
    match (group, plural) {
        ("", "pods") => {
            if let Ok(pod) = serde_json::from_value::<Pod>(object.clone()) {
                pod::add_usage(&mut usage, &pod, now);
            }
        }
        ("", "services") => {
            if let Ok(service) = serde_json::from_value::<Service>(object.clone()) {
                service::add_usage(&mut usage, &service);
            }
        }
        ("", "persistentvolumeclaims") => {
            if let Ok(claim) = serde_json::from_value::<PersistentVolumeClaim>(object.clone()) {
                claim::add_usage(&mut usage, &claim);
            }
        }
        _ => {}
    }
    usage
}

/// All scopes of a quota, the short ones in the form of the others.
pub fn scopes(spec: &ResourceQuotaSpec) -> Vec<ScopedResourceSelectorRequirement> {
    let short = spec
        .scopes
        .iter()
        .flatten()
        .map(|name| ScopedResourceSelectorRequirement {
            scope_name: name.clone(),
            operator: "Exists".to_owned(),
            values: None,
        });
    let long = spec
        .scope_selector
        .iter()
        .flat_map(|s| s.match_expressions.iter().flatten());
    short.chain(long.cloned()).collect()
}

/// Whether an object is within all of these scopes, in which nothing but pods is.
pub fn is_in_scopes(
    group: &str,
    plural: &str,
    object: &Value,
    scopes: &[ScopedResourceSelectorRequirement],
) -> bool {
    if scopes.is_empty() {
        return true;
    }
    if (group, plural) != ("", "pods") {
        return false;
    }
    let pod = serde_json::from_value::<Pod>(object.clone());
    pod.is_ok_and(|pod| scopes.iter().all(|scope| pod::is_in_scope(&pod, scope)))
}

/// What a pod's containers must say where that is limited, and do not: a sentence.
pub fn unspecified(object: &Value, limited: &BTreeSet<&str>) -> Option<String> {
    let pod = serde_json::from_value::<Pod>(object.clone()).ok()?;
    pod::unspecified(&pod, limited)
}

/// What a pod requests, and its limits.
pub fn of_pod(spec: &PodSpec) -> (Usage, Usage) {
    (pod::requests(spec), pod::limits(spec))
}

/// Whether a pod is one that ends after a time, which is a scope that may change.
pub fn is_terminating(object: &Value) -> bool {
    object["spec"]["activeDeadlineSeconds"]
        .as_i64()
        .is_some_and(|seconds| seconds >= 0)
}

//! What a namespace uses of what a quota limits.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{
    PersistentVolumeClaim, Pod, ResourceQuotaSpec, ScopedResourceSelectorRequirement, Service,
};

use crate::sandbox::memory::quantity::{Format, Quantity};

use super::super::cluster::Gvr;
use super::super::context::Context;
use super::pod;

/// Amounts by the names that quotas know.
pub(super) type Usage = BTreeMap<String, Quantity>;

const CLASS: &str = "volume.beta.kubernetes.io/storage-class";
const OF_CLASS: &str = ".storageclass.storage.k8s.io/";
const COUNTED: [(&str, &str); 5] = [
    ("configmaps", ""),
    ("secrets", ""),
    ("replicationcontrollers", ""),
    ("resourcequotas", ""),
    ("services", ""),
];

/// A number of objects.
pub(super) fn number(count: usize) -> Quantity {
    Quantity::from_i64(i64::try_from(count).unwrap_or(i64::MAX), Format::DecimalSi)
}

/// Adds an amount.
pub(super) fn add(usage: &mut Usage, name: &str, amount: &Quantity) {
    match usage.get_mut(name) {
        Some(sum) => *sum = sum.add(amount),
        None => {
            usage.insert(name.to_owned(), amount.clone());
        }
    }
}

/// Counts what the quota limits, and only that.
pub(super) fn usage(cx: &Context<'_>, namespace: &str, spec: &ResourceQuotaSpec) -> Usage {
    let limited: Vec<&String> = spec.hard.iter().flatten().map(|(name, _)| name).collect();
    let mut usage = Usage::new();
    let scopes = scopes(spec);
    if limited.iter().any(|name| pod::is_limited(name)) {
        for name in limited.iter().filter(|name| pod::is_limited(name)) {
            usage.insert((*name).clone(), number(0));
        }
        for pod in cx.cluster.all::<Pod>(Some(namespace)) {
            if scopes.iter().all(|scope| pod::is_in_scope(&pod, scope)) {
                pod::add_usage(&mut usage, &pod, cx.now);
            }
        }
    }
    if scopes.is_empty() {
        for name in &limited {
            if !usage.contains_key(*name)
                && let Some(count) = objects(cx, namespace, name)
            {
                usage.insert((*name).clone(), count);
            }
        }
        add_services(cx, namespace, &limited, &mut usage);
        add_claims(cx, namespace, &limited, &mut usage);
    } else {
        // Nothing but pods is in a scope.
        for name in &limited {
            usage.entry((*name).clone()).or_insert_with(|| number(0));
        }
    }
    usage
}

/// All scopes of a quota, the short ones in the form of the others.
fn scopes(spec: &ResourceQuotaSpec) -> Vec<ScopedResourceSelectorRequirement> {
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

/// The number of objects that such a name limits.
fn objects(cx: &Context<'_>, namespace: &str, name: &str) -> Option<Quantity> {
    let (plural, group) = match name.strip_prefix("count/") {
        Some(rest) => rest.split_once('.').unwrap_or((rest, "")),
        None => *COUNTED.iter().find(|(plural, _)| *plural == name)?,
    };
    let resources = cx.cluster.resources();
    let is_it = |resource: &&Gvr| resource.plural == plural && resource.group == group;
    let count = resources
        .iter()
        .find(is_it)
        .map(|resource| cx.cluster.list(resource, Some(namespace)).len());
    Some(number(count.unwrap_or_default()))
}

fn add_services(cx: &Context<'_>, namespace: &str, limited: &[&String], usage: &mut Usage) {
    let names = ["services.nodeports", "services.loadbalancers"];
    if !limited.iter().any(|name| names.contains(&name.as_str())) {
        return;
    }
    let (mut node_ports, mut balancers) = (0, 0);
    for service in cx.cluster.all::<Service>(Some(namespace)) {
        let Some(spec) = service.spec else {
            continue;
        };
        let ports = spec.ports.as_deref().unwrap_or_default();
        match spec.type_.as_deref() {
            Some("NodePort") => node_ports += ports.len(),
            Some("LoadBalancer") => {
                balancers += 1;
                node_ports += match spec.allocate_load_balancer_node_ports {
                    Some(false) => ports
                        .iter()
                        .filter(|p| p.node_port.is_some_and(|n| n != 0))
                        .count(),
                    _ => ports.len(),
                };
            }
            _ => {}
        }
    }
    usage.insert(names[0].to_owned(), number(node_ports));
    usage.insert(names[1].to_owned(), number(balancers));
}

fn add_claims(cx: &Context<'_>, namespace: &str, limited: &[&String], usage: &mut Usage) {
    let is_limited = |name: &&&String| {
        matches!(name.as_str(), "persistentvolumeclaims" | "requests.storage")
            || name.contains(OF_CLASS)
    };
    let limited: Vec<&&String> = limited.iter().filter(is_limited).collect();
    if limited.is_empty() {
        return;
    }
    for name in limited {
        usage.insert((*name).clone(), number(0));
    }
    for claim in cx.cluster.all::<PersistentVolumeClaim>(Some(namespace)) {
        let annotations = claim.metadata.annotations.as_ref();
        let class = annotations.and_then(|all| all.get(CLASS).cloned());
        let spec = claim.spec.unwrap_or_default();
        let class = class
            .or(spec.storage_class_name)
            .filter(|class| !class.is_empty());
        let requests = spec.resources.and_then(|resources| resources.requests);
        let storage = requests.and_then(|requests| Quantity::parse(&requests.get("storage")?.0));
        let prefixes = class.map(|class| format!("{class}{OF_CLASS}"));
        for prefix in [Some(String::new()), prefixes].into_iter().flatten() {
            add(
                usage,
                &format!("{prefix}persistentvolumeclaims"),
                &number(1),
            );
            if let Some(storage) = &storage {
                add(usage, &format!("{prefix}requests.storage"), storage);
            }
        }
    }
}

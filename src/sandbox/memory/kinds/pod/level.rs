//! Resources of a pod as a whole, beside those of its containers (`PodLevelResources`).

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{Container, PodSpec, ResourceRequirements};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity as Text;

use crate::sandbox::memory::quantity::Quantity;

type Texts = BTreeMap<String, Text>;
type Amounts = BTreeMap<String, Quantity>;

/// Which of the two maps is meant.
type Pick = fn(&ResourceRequirements) -> Option<&Texts>;

fn requests(resources: &ResourceRequirements) -> Option<&Texts> {
    resources.requests.as_ref()
}

fn limits(resources: &ResourceRequirements) -> Option<&Texts> {
    resources.limits.as_ref()
}

/// Whether a pod as a whole may ask for it.
pub(super) fn is_supported(name: &str) -> bool {
    name == "cpu" || name == "memory" || name.starts_with("hugepages-")
}

/// `defaultHugePagePodLimits` and `defaultPodRequests`: what a pod that says something about itself
/// leaves open comes from its containers.
pub(super) fn default_resources(spec: &mut PodSpec) {
    let is_empty = |map: Option<&Texts>| map.is_none_or(BTreeMap::is_empty);
    let Some(own) = &spec.resources else { return };
    if is_empty(limits(own)) && is_empty(requests(own)) {
        return;
    }
    let from_limits = aggregate(spec, limits);
    let from_requests = aggregate(spec, requests);
    let Some(own) = &mut spec.resources else {
        return;
    };
    for (name, limit) in from_limits {
        let is_requested = requests(own).is_some_and(|requests| requests.contains_key(&name));
        if name.starts_with("hugepages-") && !is_requested {
            set(&mut own.limits, name, Text(limit.canonical()));
        }
    }
    if is_empty(limits(own)) {
        return;
    }
    for (name, request) in from_requests {
        if name == "cpu" || name == "memory" {
            set(&mut own.requests, name, Text(request.canonical()));
        }
    }
    for (name, limit) in own.limits.clone().into_iter().flatten() {
        if is_supported(&name) {
            set(&mut own.requests, name, limit);
        }
    }
}

fn set(map: &mut Option<Texts>, name: String, amount: Text) {
    map.get_or_insert_with(BTreeMap::new)
        .entry(name)
        .or_insert(amount);
}

/// Requests of all containers as the scheduler counts them: sidecars and containers together, or one
/// container of initialisation with the sidecars before it, whichever is more.
pub(super) fn container_requests(spec: &PodSpec) -> Amounts {
    aggregate(spec, requests)
}

/// As [`container_requests`], for limits.
pub(super) fn container_limits(spec: &PodSpec) -> Amounts {
    aggregate(spec, limits)
}

fn aggregate(spec: &PodSpec, pick: Pick) -> Amounts {
    let mut sum = Amounts::new();
    for container in &spec.containers {
        add(&mut sum, &amounts(container, pick));
    }
    let mut sidecars = Amounts::new();
    let mut most = Amounts::new();
    for container in spec.init_containers.iter().flatten() {
        let own = amounts(container, pick);
        if is_sidecar(container) {
            add(&mut sum, &own);
            add(&mut sidecars, &own);
            raise(&mut most, &sidecars);
        } else {
            let mut own = own;
            add(&mut own, &sidecars);
            raise(&mut most, &own);
        }
    }
    raise(&mut sum, &most);
    sum
}

/// Whether a container of initialisation runs on (`restartPolicy: Always`).
pub(super) fn is_sidecar(container: &Container) -> bool {
    container.restart_policy.as_deref() == Some("Always")
}

fn amounts(container: &Container, pick: Pick) -> Amounts {
    let texts = container
        .resources
        .as_ref()
        .and_then(pick)
        .into_iter()
        .flatten();
    texts
        .filter_map(|(name, text)| Some((name.clone(), Quantity::parse(&text.0)?)))
        .collect()
}

fn add(sum: &mut Amounts, more: &Amounts) {
    for (name, amount) in more {
        let total = sum
            .get(name)
            .map_or_else(|| amount.clone(), |sum| sum.add(amount));
        sum.insert(name.clone(), total);
    }
}

fn raise(most: &mut Amounts, others: &Amounts) {
    for (name, amount) in others {
        if most.get(name).is_none_or(|known| known < amount) {
            most.insert(name.clone(), amount.clone());
        }
    }
}

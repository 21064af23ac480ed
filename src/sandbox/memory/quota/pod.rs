//! What a pod uses of a quota.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::core::v1::{
    Container, Pod, PodAffinityTerm, PodSpec, ResourceRequirements,
    ScopedResourceSelectorRequirement, WeightedPodAffinityTerm,
};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity as Text;

use crate::sandbox::memory::quantity::Quantity;

use super::{Usage, add, number};

const AMOUNTS: [&str; 3] = ["cpu", "memory", "ephemeral-storage"];
const HUGE_PAGES: &str = "hugepages-";
/// What every container must speak of where it is limited.
const MUST_BE_SAID: [&str; 6] = [
    "cpu",
    "memory",
    "requests.cpu",
    "requests.memory",
    "limits.cpu",
    "limits.memory",
];

type Amounts = BTreeMap<String, Quantity>;

/// Whether pods use what has that name.
pub(super) fn is_limited(name: &str) -> bool {
    let requests = name.strip_prefix("requests.");
    let own = requests
        .or_else(|| name.strip_prefix("limits."))
        .unwrap_or(name);
    name == "pods"
        || AMOUNTS.contains(&own)
        || own.starts_with(HUGE_PAGES)
        || requests.is_some_and(|name| name.contains('/') && !name.contains("kubernetes.io/"))
}

/// Adds what a pod uses beside being there; nothing where it has ended, or should have.
pub(super) fn add_usage(usage: &mut Usage, pod: &Pod, now: Timestamp) {
    let phase = pod
        .status
        .as_ref()
        .and_then(|status| status.phase.as_deref());
    if matches!(phase, Some("Succeeded" | "Failed")) || is_overdue(pod, now) {
        return;
    }
    add(usage, "pods", &number(1));
    let Some(spec) = &pod.spec else {
        return;
    };
    for (name, amount) in requests(spec) {
        if AMOUNTS.contains(&name.as_str()) || name.starts_with(HUGE_PAGES) {
            add(usage, &name, &amount);
        }
        add(usage, &format!("requests.{name}"), &amount);
    }
    for (name, amount) in limits(spec) {
        if AMOUNTS.contains(&name.as_str()) {
            add(usage, &format!("limits.{name}"), &amount);
        }
    }
}

fn is_overdue(pod: &Pod, now: Timestamp) -> bool {
    let Some(deleted) = pod.metadata.deletion_timestamp.as_ref() else {
        return false;
    };
    let grace = pod
        .metadata
        .deletion_grace_period_seconds
        .map(SignedDuration::from_secs);
    grace.is_some_and(|grace| deleted.0.checked_add(grace).is_ok_and(|until| until < now))
}

/// What a pod requests (`PodRequests` in component-helpers).
pub(super) fn requests(spec: &PodSpec) -> Amounts {
    let mut sum = together(spec, |resources| resources.requests.as_ref());
    plus(&mut sum, &parsed(spec.overhead.as_ref()));
    sum
}

/// What a pod is limited to (`PodLimits`): where nothing is limited, the overhead does not become a
/// limit.
pub(super) fn limits(spec: &PodSpec) -> Amounts {
    let mut sum = together(spec, |resources| resources.limits.as_ref());
    for (name, amount) in parsed(spec.overhead.as_ref()) {
        if let Some(total) = sum.get_mut(&name).filter(|total| !total.is_zero()) {
            *total = total.add(&amount);
        }
    }
    sum
}

/// What is said of a pod's containers together, or of an init container where that is more. What is
/// said of the pod as a whole comes before that.
fn together(
    spec: &PodSpec,
    which: impl Fn(&ResourceRequirements) -> Option<&BTreeMap<String, Text>>,
) -> Amounts {
    let of = |container: &Container| parsed(container.resources.as_ref().and_then(&which));
    let mut sum = Amounts::new();
    spec.containers
        .iter()
        .for_each(|container| plus(&mut sum, &of(container)));
    let (mut sidecars, mut peak) = (Amounts::new(), Amounts::new());
    for container in spec.init_containers.iter().flatten() {
        let own = of(container);
        let mut at_a_time = sidecars.clone();
        plus(&mut at_a_time, &own);
        if container.restart_policy.as_deref() == Some("Always") {
            plus(&mut sum, &own);
            plus(&mut sidecars, &own);
        }
        most(&mut peak, &at_a_time);
    }
    most(&mut sum, &peak);
    for (name, amount) in parsed(spec.resources.as_ref().and_then(&which)) {
        sum.insert(name, amount);
    }
    sum
}

fn parsed(amounts: Option<&BTreeMap<String, Text>>) -> Amounts {
    let amounts = amounts.into_iter().flatten();
    amounts
        .filter_map(|(name, text)| Some((name.clone(), Quantity::parse(&text.0)?)))
        .collect()
}

fn plus(sum: &mut Amounts, more: &Amounts) {
    more.iter()
        .for_each(|(name, amount)| add(sum, name, amount));
}

fn most(sum: &mut Amounts, other: &Amounts) {
    for (name, amount) in other {
        if sum.get(name).is_none_or(|known| known < amount) {
            sum.insert(name.clone(), amount.clone());
        }
    }
}

/// Of what is limited, what some containers do not speak of.
pub(super) fn unspecified(pod: &Pod, limited: &BTreeSet<&str>) -> Option<String> {
    let spec = pod.spec.as_ref()?;
    let says = |amounts: Option<&BTreeMap<String, Text>>, name: &str| {
        amounts.is_some_and(|amounts| amounts.contains_key(name))
    };
    if spec.resources.as_ref().is_some_and(|own| {
        let has = |amounts: &Option<BTreeMap<String, Text>>| {
            amounts.as_ref().is_some_and(|amounts| !amounts.is_empty())
        };
        has(&own.requests) || has(&own.limits)
    }) {
        return None;
    }
    let containers: Vec<&Container> = spec
        .containers
        .iter()
        .chain(spec.init_containers.iter().flatten())
        .collect();
    let mut words = Vec::new();
    for name in limited.iter().filter(|name| MUST_BE_SAID.contains(name)) {
        let lacks = |container: &&&Container| {
            let own = container.resources.as_ref();
            !match name.strip_prefix("limits.") {
                Some(amount) => says(own.and_then(|own| own.limits.as_ref()), amount),
                None => {
                    let amount = name.strip_prefix("requests.").unwrap_or(name);
                    says(own.and_then(|own| own.requests.as_ref()), amount)
                }
            }
        };
        let names: BTreeSet<&str> = containers
            .iter()
            .filter(lacks)
            .map(|container| container.name.as_str())
            .collect();
        if !names.is_empty() {
            let names: Vec<&str> = names.into_iter().collect();
            words.push(format!("{name} for: {}", names.join(",")));
        }
    }
    (!words.is_empty()).then(|| format!("must specify {}", words.join("; ")))
}

/// Whether a pod is within a scope.
pub(super) fn is_in_scope(pod: &Pod, scope: &ScopedResourceSelectorRequirement) -> bool {
    let Some(spec) = &pod.spec else {
        return false;
    };
    let terminating = spec
        .active_deadline_seconds
        .is_some_and(|seconds| seconds >= 0);
    match scope.scope_name.as_str() {
        "Terminating" => terminating,
        "NotTerminating" => !terminating,
        "BestEffort" => is_best_effort(pod, spec),
        "NotBestEffort" => !is_best_effort(pod, spec),
        "PriorityClass" => is_of_class(spec, scope),
        "CrossNamespacePodAffinity" => crosses_namespaces(spec),
        _ => false,
    }
}

fn is_best_effort(pod: &Pod, spec: &PodSpec) -> bool {
    if let Some(class) = pod
        .status
        .as_ref()
        .and_then(|status| status.qos_class.as_deref())
    {
        return class == "BestEffort";
    }
    let containers = spec
        .containers
        .iter()
        .chain(spec.init_containers.iter().flatten());
    let mut resources = containers
        .filter_map(|c| c.resources.as_ref())
        .chain(&spec.resources);
    let empty =
        |amounts: &Option<BTreeMap<String, Text>>| amounts.as_ref().is_none_or(BTreeMap::is_empty);
    resources.all(|resources| empty(&resources.requests) && empty(&resources.limits))
}

fn is_of_class(spec: &PodSpec, scope: &ScopedResourceSelectorRequirement) -> bool {
    let class = spec
        .priority_class_name
        .as_ref()
        .filter(|class| !class.is_empty());
    let listed = class.is_some_and(|class| scope.values.iter().flatten().any(|v| v == class));
    match scope.operator.as_str() {
        "In" => listed,
        "NotIn" => !listed,
        "Exists" => class.is_some(),
        "DoesNotExist" => class.is_none(),
        _ => false,
    }
}

fn crosses_namespaces(spec: &PodSpec) -> bool {
    let crosses = |term: &PodAffinityTerm| {
        term.namespaces
            .as_ref()
            .is_some_and(|names| !names.is_empty())
            || term.namespace_selector.is_some()
    };
    let Some(affinity) = &spec.affinity else {
        return false;
    };
    let together = affinity.pod_affinity.iter().flat_map(|affinity| {
        terms(
            &affinity.required_during_scheduling_ignored_during_execution,
            &affinity.preferred_during_scheduling_ignored_during_execution,
        )
    });
    let apart = affinity.pod_anti_affinity.iter().flat_map(|affinity| {
        terms(
            &affinity.required_during_scheduling_ignored_during_execution,
            &affinity.preferred_during_scheduling_ignored_during_execution,
        )
    });
    together.chain(apart).any(crosses)
}

fn terms<'a>(
    required: &'a Option<Vec<PodAffinityTerm>>,
    preferred: &'a Option<Vec<WeightedPodAffinityTerm>>,
) -> impl Iterator<Item = &'a PodAffinityTerm> {
    let preferred = preferred.iter().flatten();
    required
        .iter()
        .flatten()
        .chain(preferred.map(|term| &term.pod_affinity_term))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn overhead_is_requested_by_all_and_limits_only_who_is_limited() {
        let spec = |resources| -> PodSpec {
            let container = json!({"name": "c", "resources": resources});
            serde_json::from_value(json!({"containers": [container], "overhead": {"cpu": "250m"}}))
                .unwrap()
        };
        let cpu = |amounts: Amounts| amounts.get("cpu").map(Quantity::canonical);
        let (plain, limited) = (spec(json!({})), spec(json!({"limits": {"cpu": "1"}})));
        assert_eq!(cpu(requests(&plain)).as_deref(), Some("250m"));
        assert_eq!(cpu(limits(&plain)), None);
        assert_eq!(cpu(limits(&limited)).as_deref(), Some("1250m"));
    }
}

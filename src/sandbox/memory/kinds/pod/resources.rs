//! Requests and limits of containers and of pods as a whole.

use std::collections::{BTreeMap, BTreeSet};

use k8s_openapi::api::core::v1::{PodSpec, ResourceRequirements};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity as Text;

use super::check::{Errors, invalid_each};
use super::level;
use crate::sandbox::memory::field::{FieldError, Path};
use crate::sandbox::memory::names;
use crate::sandbox::memory::quantity::Quantity;

/// Resources that are counted, whoever has them.
const COUNTED: [&str; 9] = [
    "pods",
    "resourcequotas",
    "services",
    "replicationcontrollers",
    "secrets",
    "configmaps",
    "persistentvolumeclaims",
    "services.nodeports",
    "services.loadbalancers",
];
const STANDARD: [&str; 11] = [
    "cpu",
    "memory",
    "ephemeral-storage",
    "storage",
    "requests.cpu",
    "requests.memory",
    "requests.ephemeral-storage",
    "requests.storage",
    "limits.cpu",
    "limits.memory",
    "limits.ephemeral-storage",
];

/// What names of resources are asked for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Whose {
    /// A container's
    Container,
    /// A pod's as a whole
    Pod,
}

/// `validateResourceRequirements`.
pub(crate) fn validate(
    errors: &mut Errors,
    resources: &ResourceRequirements,
    whose: Whose,
    claims: &BTreeSet<&str>,
    path: &Path,
) {
    let empty = BTreeMap::new();
    let limits = resources.limits.as_ref().unwrap_or(&empty);
    let requests = resources.requests.as_ref().unwrap_or(&empty);
    let limits_path = path.child("limits");
    let requests_path = path.child("requests");
    for (name, limit) in limits {
        amount(errors, name, limit, whose, &limits_path.key(name));
    }
    for (name, request) in requests {
        let (Some(own), limit) = (
            amount(errors, name, request, whose, &requests_path.key(name)),
            limits.get(name).and_then(|limit| Quantity::parse(&limit.0)),
        ) else {
            continue;
        };
        let mut wrong = |relation: &str, limit: &Quantity| {
            let why = format!("must be {relation} {name} limit of {limit}");
            errors.push(FieldError::invalid(&requests_path, own.canonical(), why));
        };
        match limit {
            Some(limit) if own != limit && !may_overcommit(name) => wrong("equal to", &limit),
            Some(limit) if own > limit => wrong("less than or equal to", &limit),
            None if !may_overcommit(name) => errors.push(FieldError::required(
                &limits_path,
                "Limit must be set for non overcommitable resources",
            )),
            _ => {}
        }
    }
    let has = |is: fn(&str) -> bool| limits.keys().chain(requests.keys()).any(|name| is(name));
    if has(is_hugepages) && !has(|name| name == "cpu" || name == "memory") {
        errors.push(FieldError::forbidden(
            path,
            "HugePages require cpu or memory",
        ));
    }
    claim_names(errors, resources, claims, &path.child("claims"));
}

/// A resource's name and amount; the amount, if it is one.
fn amount(
    errors: &mut Errors,
    name: &str,
    text: &Text,
    whose: Whose,
    path: &Path,
) -> Option<Quantity> {
    match whose {
        Whose::Container => container_name(errors, name, path),
        Whose::Pod => pod_name(errors, name, path),
    }
    let quantity = Quantity::parse(&text.0)?;
    value(errors, name, &quantity, path);
    if is_hugepages(name) && !is_whole_pages(name, &quantity) {
        let why = format!("{quantity} is not positive integer multiple of {name}");
        errors.push(FieldError::invalid(path, quantity.canonical(), why));
    }
    Some(quantity)
}

/// `ValidateResourceQuantityValue`.
pub(crate) fn value(errors: &mut Errors, name: &str, quantity: &Quantity, path: &Path) {
    if quantity.sign() < 0 {
        let why = "must be greater than or equal to 0";
        errors.push(FieldError::invalid(path, quantity.canonical(), why));
    }
    if is_counted(name) && !quantity.is_integer() {
        errors.push(FieldError::invalid(
            path,
            quantity.canonical(),
            "must be an integer",
        ));
    }
}

fn is_whole_pages(name: &str, quantity: &Quantity) -> bool {
    let Some(size) = name.strip_prefix("hugepages-").and_then(Quantity::parse) else {
        return false;
    };
    size.sign() > 0 && size.is_integer() && quantity.value() % size.value() == 0
}

/// `validateResourceName`; whether it is well.
pub(crate) fn resource_name(errors: &mut Errors, name: &str, path: &Path) -> bool {
    let before = errors.len();
    invalid_each(errors, path, name, names::qualified_name(name));
    if errors.len() == before && !name.contains('/') && !is_standard(name) {
        let why = "must be a standard resource type or fully qualified";
        errors.push(FieldError::invalid(path, name, why));
    }
    errors.len() == before
}

pub(crate) fn container_name(errors: &mut Errors, name: &str, path: &Path) {
    resource_name(errors, name, path);
    if !name.contains('/') {
        if !["cpu", "memory", "ephemeral-storage"].contains(&name) && !is_hugepages(name) {
            let why = "must be a standard resource for containers";
            errors.push(FieldError::invalid(path, name, why));
        }
    } else if !is_native(name) && !is_extended(name) {
        let why = "doesn't follow extended resource name standard";
        errors.push(FieldError::invalid(path, name, why));
    }
}

fn pod_name(errors: &mut Errors, name: &str, path: &Path) {
    if resource_name(errors, name, path) && !level::is_supported(name) {
        errors.push(FieldError::not_supported(
            path,
            name,
            &["cpu", "hugepages-", "memory"],
        ));
    }
}

fn is_hugepages(name: &str) -> bool {
    name.starts_with("hugepages-")
}

fn is_standard(name: &str) -> bool {
    STANDARD.contains(&name)
        || COUNTED.contains(&name)
        || is_hugepages(name)
        || name.starts_with("requests.hugepages-")
}

/// In the namespace of kubernetes.io, which names without a domain are, too.
pub(crate) fn is_native(name: &str) -> bool {
    !name.contains('/') || name.contains("kubernetes.io/")
}

pub(crate) fn may_overcommit(name: &str) -> bool {
    is_native(name) && !is_hugepages(name)
}

/// Somebody else's resource.
pub(crate) fn is_extended(name: &str) -> bool {
    !is_native(name)
        && !name.starts_with("requests.")
        && names::qualified_name(&format!("requests.{name}")).is_empty()
}

/// Measured in integers.
pub(crate) fn is_counted(name: &str) -> bool {
    COUNTED.contains(&name) || is_extended(name)
}

fn claim_names(
    errors: &mut Errors,
    resources: &ResourceRequirements,
    known: &BTreeSet<&str>,
    path: &Path,
) {
    let mut seen: BTreeSet<String> = BTreeSet::new();
    for (at, claim) in resources.claims.iter().flatten().enumerate() {
        let path = path.index(at);
        let name = claim.name.as_str();
        if name.is_empty() {
            errors.push(FieldError::required(&path, ""));
            continue;
        }
        if seen.contains(name) {
            errors.push(FieldError::duplicate(&path, name));
        } else {
            let mut key = name.to_owned();
            if let Some(request) = claim.request.as_deref().filter(|r| !r.is_empty()) {
                let wrong = names::dns1123_label(request);
                invalid_each(errors, &path.child("request"), request, wrong);
                key = format!("{name}/{request}");
            } else if seen
                .iter()
                .any(|k| k.split_once('/').is_some_and(|(n, _)| n == name))
            {
                errors.push(FieldError::duplicate(&path, name));
            }
            if !seen.insert(key.clone()) {
                errors.push(FieldError::duplicate(&path, key));
            }
        }
        if !known.contains(name) {
            let all: Vec<&str> = known.iter().copied().collect();
            let those = if all.is_empty() {
                " which is empty".to_owned()
            } else {
                format!(": {}", all.join(", "))
            };
            let mut error = FieldError::not_found(&path, name);
            error.detail = format!("must be one of the names in pod.spec.resourceClaims{those}");
            errors.push(error);
        }
    }
}

/// `validatePodResources`: what the pod as a whole asks for.
pub(super) fn validate_pod(
    errors: &mut Errors,
    spec: &PodSpec,
    claims: &BTreeSet<&str>,
    path: &Path,
) {
    let Some(own) = &spec.resources else { return };
    let path = path.child("resources");
    if spec.os.as_ref().is_some_and(|os| os.name == "windows") {
        errors.push(FieldError::forbidden(
            &path,
            "may not be set for a windows pod",
        ));
        return;
    }
    if own.claims.is_some() {
        let why = "claims may not be set for Resources at pod-level";
        errors.push(FieldError::forbidden(&path.child("claims"), why));
    }
    validate(errors, own, Whose::Pod, claims, &path);
    let at = |map: &Option<BTreeMap<String, Text>>, name: &str| {
        map.as_ref()
            .and_then(|map| Quantity::parse(&map.get(name)?.0))
    };
    for (name, sum) in level::container_requests(spec) {
        if let Some(request) = at(&own.requests, &name).filter(|request| sum > *request) {
            let why =
                format!("must be greater than or equal to aggregate container requests of {sum}");
            let path = path.child("requests").key(&name);
            errors.push(FieldError::invalid(&path, request.canonical(), why));
        }
    }
    for (name, sum) in level::container_limits(spec) {
        if !is_hugepages(&name) {
            continue;
        }
        if let Some(limit) = at(&own.limits, &name).filter(|limit| sum > *limit) {
            let why =
                format!("must be greater than or equal to aggregate container limits of {sum}");
            let path = path.child("limits").key(&name);
            errors.push(FieldError::invalid(&path, limit.canonical(), why));
        }
    }
    for (index, container) in spec.containers.iter().enumerate() {
        let limits = container
            .resources
            .iter()
            .flat_map(|resources| resources.limits.iter());
        for (name, limit) in limits.flatten() {
            let (Some(limit), Some(most)) = (Quantity::parse(&limit.0), at(&own.limits, name))
            else {
                continue;
            };
            if limit > most {
                let path = path
                    .child("containers")
                    .index(index)
                    .key(name)
                    .child("limits");
                let why = format!("must be less than or equal to pod limits of {most}");
                errors.push(FieldError::invalid(&path, limit.canonical(), why));
            }
        }
    }
}

//! How endpoints are spread over EndpointSlices: as few slices as needed, and as few changes to those
//! that exist.

use std::collections::{BTreeMap, HashMap};

use k8s_openapi::api::core::v1::{Node, Pod, Service};
use k8s_openapi::api::discovery::v1::{Endpoint, EndpointPort, EndpointSlice};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use super::super::ownership::Owner;
use super::super::selector::Labels;
use super::super::{meta, pods};
use super::endpoint::{endpoint, is_candidate, ports};
use super::{HEADLESS, MANAGED_BY, MANAGER, SERVICE_NAME};

/// Endpoints in a slice at most, as kube-controller-manager is started by default.
const MOST: usize = 100;

/// What is to be written.
#[derive(Debug, Default)]
pub(super) struct Changes {
    pub(super) create: Vec<EndpointSlice>,
    pub(super) update: Vec<EndpointSlice>,
    pub(super) delete: Vec<EndpointSlice>,
    /// A pod that could not be an endpoint, since its node is not there
    pub(super) without_node: Option<String>,
}

/// Endpoints with the same ports, by what tells them apart, in the order of their pods.
#[derive(Debug, Default)]
struct Group {
    ports: Vec<EndpointPort>,
    endpoints: BTreeMap<String, Endpoint>,
}

/// Compares the Service's pods with its slices.
pub(super) fn changes(
    service: &Service,
    pods: &[Pod],
    nodes: &HashMap<String, Node>,
    existing: Vec<EndpointSlice>,
) -> Changes {
    let mut changes = Changes::default();
    let families = families(service);
    let mut by_family: HashMap<&str, Vec<EndpointSlice>> = HashMap::new();
    for slice in existing {
        match families
            .iter()
            .find(|family| **family == slice.address_type)
        {
            Some(family) => by_family.entry(family).or_default().push(slice),
            None => changes.delete.push(slice),
        }
    }
    for family in families {
        let existing = by_family.remove(family).unwrap_or_default();
        family_changes(service, pods, nodes, family, existing, &mut changes);
    }
    changes
}

fn families(service: &Service) -> Vec<&'static str> {
    let Some(spec) = &service.spec else {
        return Vec::new();
    };
    let named = spec
        .ip_families
        .iter()
        .flatten()
        .filter_map(|family| match family.as_str() {
            "IPv4" => Some("IPv4"),
            "IPv6" => Some("IPv6"),
            _ => None,
        });
    let named: Vec<&str> = named.collect();
    match (named.is_empty(), spec.cluster_ip.as_deref()) {
        (false, _) => named,
        (_, None | Some("" | "None")) => vec!["IPv4", "IPv6"],
        (_, Some(ip)) if ip.contains(':') => vec!["IPv6"],
        _ => vec!["IPv4"],
    }
}

fn family_changes(
    service: &Service,
    pods: &[Pod],
    nodes: &HashMap<String, Node>,
    family: &str,
    existing: Vec<EndpointSlice>,
    changes: &mut Changes,
) {
    let mut groups: BTreeMap<String, Group> = BTreeMap::new();
    let publish = service
        .spec
        .as_ref()
        .and_then(|spec| spec.publish_not_ready_addresses);
    for pod in pods.iter().filter(|pod| is_candidate(pod, true)) {
        let node = nodes.get(pods::node(pod));
        if node.is_none() && publish != Some(true) {
            changes.without_node = Some(format!(
                "skipping Pod {} for Service {}/{}: Node {} Not Found",
                meta::name(pod),
                meta::namespace(service),
                meta::name(service),
                pods::node(pod)
            ));
            continue;
        }
        let ports = ports(service, pod);
        let group = groups.entry(ports_key(&ports)).or_default();
        group.ports = ports;
        let endpoint = endpoint(pod, node, service, family == "IPv6");
        if !endpoint.addresses.is_empty() {
            group.endpoints.insert(identity(&endpoint), endpoint);
        }
    }
    let before = existing.len();
    let mut by_ports: BTreeMap<String, Vec<EndpointSlice>> = BTreeMap::new();
    for slice in existing {
        let key = ports_key(slice.ports.as_deref().unwrap_or_default());
        by_ports.entry(key).or_default().push(slice);
    }
    let mut own = Changes::default();
    for (key, group) in groups {
        fill(
            service,
            family,
            group,
            by_ports.remove(&key).unwrap_or_default(),
            &mut own,
        );
    }
    own.delete.extend(by_ports.into_values().flatten());
    if own.delete.len() == before && own.create.is_empty() {
        // One is always there, so that clients can tell a Service without pods from none.
        let placeholder = new_slice(service, family, Vec::new());
        if !matches!(own.delete.as_slice(), [only] if is_placeholder(only, &placeholder)) {
            own.create.push(placeholder);
        } else {
            own.delete.clear();
        }
    }
    reuse(&mut own);
    changes.create.append(&mut own.create);
    changes.update.append(&mut own.update);
    changes.delete.append(&mut own.delete);
}

/// Spreads endpoints with the same ports.
fn fill(
    service: &Service,
    family: &str,
    mut group: Group,
    existing: Vec<EndpointSlice>,
    changes: &mut Changes,
) {
    let labels = labels(service);
    let mut changed: Vec<EndpointSlice> = Vec::new();
    let mut unchanged: Vec<EndpointSlice> = Vec::new();
    for mut slice in existing {
        let before = slice.endpoints.take().unwrap_or_default();
        let kept: Vec<Endpoint> = before
            .iter()
            .filter_map(|endpoint| group.endpoints.remove(&identity(endpoint)))
            .collect();
        let same = kept == before;
        let relabelled = without_own(slice.metadata.labels.as_ref()) != without_own(Some(&labels));
        if !before.is_empty() && kept.is_empty() {
            slice.endpoints = Some(before);
            changes.delete.push(slice);
            continue;
        }
        slice.endpoints = (!kept.is_empty()).then_some(kept);
        if same && !relabelled {
            unchanged.push(slice);
        } else {
            slice.metadata.labels = Some(labels.clone());
            changed.push(slice);
        }
    }
    let length = |slice: &EndpointSlice| slice.endpoints.as_ref().map_or(0, Vec::len);
    let mut left = group.endpoints.into_values();
    changed.sort_by_key(|slice| std::cmp::Reverse(length(slice)));
    for slice in &mut changed {
        let room = MOST.saturating_sub(length(slice));
        add(slice, left.by_ref().take(room));
    }
    while left.len() > 0 {
        // The fullest that has room for all of them, so that no other has to change.
        let fits = |slice: &EndpointSlice| length(slice) + left.len() <= MOST;
        let fitting = unchanged
            .iter()
            .enumerate()
            .filter(|(_, slice)| fits(slice));
        let fullest = fitting
            .max_by_key(|(_, slice)| length(slice))
            .map(|(at, _)| at);
        match fullest.filter(|_| left.len() < MOST) {
            Some(at) => {
                let mut slice = unchanged.swap_remove(at);
                add(&mut slice, left.by_ref());
                changed.push(slice);
            }
            None => {
                let mut slice = new_slice(service, family, group.ports.clone());
                add(&mut slice, left.by_ref().take(MOST));
                changes.create.push(slice);
            }
        }
    }
    changes.update.append(&mut changed);
}

fn add(slice: &mut EndpointSlice, endpoints: impl Iterator<Item = Endpoint>) {
    let mut more = endpoints.peekable();
    if more.peek().is_some() {
        slice.endpoints.get_or_insert_default().extend(more);
    }
}

/// Gives what would be created the place of what would be deleted.
fn reuse(changes: &mut Changes) {
    let count = changes.create.len().min(changes.delete.len());
    for _ in 0..count {
        if let (Some(old), Some(mut new)) = (changes.delete.pop(), changes.create.pop()) {
            new.metadata.name = old.metadata.name;
            new.metadata.generate_name = old.metadata.generate_name;
            new.metadata.resource_version = old.metadata.resource_version;
            changes.update.push(new);
        }
    }
}

fn new_slice(service: &Service, family: &str, ports: Vec<EndpointPort>) -> EndpointSlice {
    EndpointSlice {
        metadata: ObjectMeta {
            generate_name: Some(format!("{}-", meta::name(service))),
            namespace: service.metadata.namespace.clone(),
            labels: Some(labels(service)),
            owner_references: Some(vec![Owner::of(service).reference]),
            ..ObjectMeta::default()
        },
        address_type: family.to_owned(),
        endpoints: None,
        ports: (!ports.is_empty()).then_some(ports),
    }
}

fn is_placeholder(slice: &EndpointSlice, placeholder: &EndpointSlice) -> bool {
    slice.endpoints.as_ref().is_none_or(Vec::is_empty)
        && slice.ports.as_ref().is_none_or(Vec::is_empty)
        && slice.metadata.labels == placeholder.metadata.labels
}

/// Those of the Service, and those by which slices are found.
fn labels(service: &Service) -> Labels {
    let mut labels = without_own(service.metadata.labels.as_ref());
    let ip = service
        .spec
        .as_ref()
        .and_then(|spec| spec.cluster_ip.as_deref());
    if matches!(ip, None | Some("" | "None")) {
        labels.insert(HEADLESS.to_owned(), String::new());
    }
    labels.insert(SERVICE_NAME.to_owned(), meta::name(service).to_owned());
    labels.insert(MANAGED_BY.to_owned(), MANAGER.to_owned());
    labels
}

fn without_own(labels: Option<&Labels>) -> Labels {
    let mut labels = labels.cloned().unwrap_or_default();
    labels.retain(|key, _| ![HEADLESS, SERVICE_NAME, MANAGED_BY].contains(&key.as_str()));
    labels
}

fn ports_key(ports: &[EndpointPort]) -> String {
    let mut all: Vec<String> = ports.iter().map(|port| format!("{port:?}")).collect();
    all.sort();
    all.join("\n")
}

/// What tells endpoints apart.
fn identity(endpoint: &Endpoint) -> String {
    let target = endpoint.target_ref.as_ref();
    let part = |part: Option<&String>| part.cloned().unwrap_or_default();
    let mut addresses = endpoint.addresses.clone();
    addresses.sort();
    [
        part(target.and_then(|target| target.namespace.as_ref())),
        part(target.and_then(|target| target.name.as_ref())),
        part(endpoint.hostname.as_ref()),
        addresses.join(","),
    ]
    .join("\0")
}

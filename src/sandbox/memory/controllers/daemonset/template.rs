//! The pods of a DaemonSet: what they tolerate, and how they are bound to one node.

use k8s_openapi::api::apps::v1::{DaemonSet, DaemonSetSpec};
use k8s_openapi::api::core::v1::{
    NodeSelectorRequirement, NodeSelectorTerm, Pod, PodSpec, PodTemplateSpec, Toleration,
};

const GENERATION: &str = "deprecated.daemonset.template.generation";
const GENERATION_LABEL: &str = "pod-template-generation";
/// The label that tells the pods of one template from those of another.
pub(super) const HASH_LABEL: &str = "controller-revision-hash";
const NAME_FIELD: &str = "metadata.name";

const TOLERATED: [(&str, &str); 6] = [
    ("node.kubernetes.io/not-ready", "NoExecute"),
    ("node.kubernetes.io/unreachable", "NoExecute"),
    ("node.kubernetes.io/disk-pressure", "NoSchedule"),
    ("node.kubernetes.io/memory-pressure", "NoSchedule"),
    ("node.kubernetes.io/pid-pressure", "NoSchedule"),
    ("node.kubernetes.io/unschedulable", "NoSchedule"),
];
const TOLERATED_ON_HOST_NETWORK: (&str, &str) =
    ("node.kubernetes.io/network-unavailable", "NoSchedule");

/// The number of the template, as old clients know it.
pub(super) fn generation(set: &DaemonSet) -> Option<i64> {
    set.metadata
        .annotations
        .as_ref()?
        .get(GENERATION)?
        .parse()
        .ok()
}

/// Adds what every daemon pod tolerates.
pub(super) fn tolerate(spec: &mut PodSpec) {
    let on_host = spec.host_network == Some(true);
    let extra = on_host.then_some(TOLERATED_ON_HOST_NETWORK);
    let tolerations = spec.tolerations.get_or_insert_default();
    for (key, effect) in TOLERATED.into_iter().chain(extra) {
        let toleration = Toleration {
            key: Some(key.to_owned()),
            operator: Some("Exists".to_owned()),
            effect: Some(effect.to_owned()),
            ..Toleration::default()
        };
        // One that only lasts for some time is replaced.
        let same = |known: &Toleration| {
            Toleration {
                toleration_seconds: None,
                ..known.clone()
            } == toleration
        };
        match tolerations.iter_mut().find(|known| same(known)) {
            Some(known) => *known = toleration,
            None => tolerations.push(toleration),
        }
    }
}

/// The template with the labels and tolerations that its pods get.
pub(super) fn for_pods(
    spec: &DaemonSetSpec,
    generation: Option<i64>,
    hash: &str,
) -> PodTemplateSpec {
    let mut template = spec.template.clone();
    tolerate(template.spec.get_or_insert_default());
    let labels = template
        .metadata
        .get_or_insert_default()
        .labels
        .get_or_insert_default();
    if let Some(generation) = generation {
        labels.insert(GENERATION_LABEL.to_owned(), generation.to_string());
    }
    labels.insert(HASH_LABEL.to_owned(), hash.to_owned());
    template
}

/// Whether a pod is of the current template.
pub(super) fn is_updated(pod: &Pod, hash: &str, generation: Option<i64>) -> bool {
    let label = |key| {
        pod.metadata
            .labels
            .as_ref()
            .and_then(|labels| labels.get(key))
    };
    label(HASH_LABEL).is_some_and(|own| own == hash)
        || generation.is_some_and(|generation| {
            label(GENERATION_LABEL).is_some_and(|own| *own == generation.to_string())
        })
}

/// Binds a pod to one node, by affinity.
pub(super) fn pin(spec: &mut PodSpec, node: &str) {
    let affinity = spec
        .affinity
        .get_or_insert_default()
        .node_affinity
        .get_or_insert_default();
    let required = affinity
        .required_during_scheduling_ignored_during_execution
        .get_or_insert_default();
    required.node_selector_terms = vec![NodeSelectorTerm {
        match_fields: Some(vec![NodeSelectorRequirement {
            key: NAME_FIELD.to_owned(),
            operator: "In".to_owned(),
            values: Some(vec![node.to_owned()]),
        }]),
        match_expressions: None,
    }];
}

/// The node that a pod is on, or for.
pub(super) fn target_node(pod: &Pod) -> Option<String> {
    let spec = pod.spec.as_ref()?;
    if let Some(node) = spec.node_name.as_ref().filter(|node| !node.is_empty()) {
        return Some(node.clone());
    }
    let affinity = spec.affinity.as_ref()?.node_affinity.as_ref()?;
    let required = affinity
        .required_during_scheduling_ignored_during_execution
        .as_ref()?;
    let mut fields = required
        .node_selector_terms
        .iter()
        .flat_map(|t| t.match_fields.iter().flatten());
    let field = fields.find(|field| field.key == NAME_FIELD && field.operator == "In")?;
    match field.values.as_deref() {
        Some([node]) => Some(node.clone()),
        _ => None,
    }
}

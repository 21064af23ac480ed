//! What admission does to pods in every cluster, without knowing other objects: the plugins
//! DefaultTolerationSeconds and Priority, and label keys that become terms of selectors.

use k8s_openapi::api::core::v1::{PodAffinityTerm, PodSpec, Toleration};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{LabelSelector, LabelSelectorRequirement};
use serde_json::Value;

/// Seconds that a pod stays on a node that is not ready or cannot be reached.
const SECONDS: i64 = 300;
const TAINTS: [&str; 2] = [
    "node.kubernetes.io/not-ready",
    "node.kubernetes.io/unreachable",
];

/// For new pods. The priority of a class that a PriorityClass object describes is not known here.
pub(super) fn admit_create(spec: &mut PodSpec) {
    add_tolerations(spec);
    let priority = match spec.priority_class_name.as_deref().unwrap_or_default() {
        "" => 0,
        "system-cluster-critical" => 2_000_000_000,
        "system-node-critical" => 2_000_001_000,
        _ => return,
    };
    spec.priority.get_or_insert(priority);
    spec.preemption_policy
        .get_or_insert_with(|| "PreemptLowerPriority".to_owned());
}

/// For pods that are changed.
pub(super) fn admit_update(spec: &mut PodSpec, old: &PodSpec) {
    add_tolerations(spec);
    if spec.priority.is_none() {
        spec.priority = old.priority;
    }
    if spec.preemption_policy.is_none() {
        spec.preemption_policy.clone_from(&old.preemption_policy);
    }
}

fn add_tolerations(spec: &mut PodSpec) {
    for taint in TAINTS {
        let all = spec.tolerations.get_or_insert_with(Vec::new);
        let is_tolerated = all.iter().any(|toleration| {
            let key = toleration.key.as_deref().unwrap_or_default();
            let effect = toleration.effect.as_deref().unwrap_or_default();
            (key.is_empty() || key == taint) && (effect.is_empty() || effect == "NoExecute")
        });
        if !is_tolerated {
            all.push(Toleration {
                key: Some(taint.to_owned()),
                operator: Some("Exists".to_owned()),
                effect: Some("NoExecute".to_owned()),
                toleration_seconds: Some(SECONDS),
                ..Toleration::default()
            });
        }
    }
}

/// `mutatePodAffinity` and `mutateTopologySpreadConstraints`: keys of labels become terms of the
/// selector beside them, with the values that this pod has.
pub(super) fn merge_label_keys(spec: &mut PodSpec, labels: &Value) {
    let merge =
        |selector: &mut Option<LabelSelector>, keys: Option<&Vec<String>>, operator: &str| {
            let Some(selector) = selector else { return };
            for key in keys.into_iter().flatten() {
                let Some(value) = labels.get(key).and_then(Value::as_str) else {
                    continue;
                };
                selector
                    .match_expressions
                    .get_or_insert_with(Vec::new)
                    .push(LabelSelectorRequirement {
                        key: key.clone(),
                        operator: operator.to_owned(),
                        values: Some(vec![value.to_owned()]),
                    });
            }
        };
    let merge_term = |term: &mut PodAffinityTerm| {
        merge(
            &mut term.label_selector,
            term.match_label_keys.as_ref(),
            "In",
        );
        merge(
            &mut term.label_selector,
            term.mismatch_label_keys.as_ref(),
            "NotIn",
        );
    };
    if let Some(affinity) = &mut spec.affinity {
        if let Some(pods) = &mut affinity.pod_affinity {
            let required = &mut pods.required_during_scheduling_ignored_during_execution;
            required.iter_mut().flatten().for_each(merge_term);
            let preferred = &mut pods.preferred_during_scheduling_ignored_during_execution;
            preferred
                .iter_mut()
                .flatten()
                .for_each(|term| merge_term(&mut term.pod_affinity_term));
        }
        if let Some(pods) = &mut affinity.pod_anti_affinity {
            let required = &mut pods.required_during_scheduling_ignored_during_execution;
            required.iter_mut().flatten().for_each(merge_term);
            let preferred = &mut pods.preferred_during_scheduling_ignored_during_execution;
            preferred
                .iter_mut()
                .flatten()
                .for_each(|term| merge_term(&mut term.pod_affinity_term));
        }
    }
    for constraint in spec.topology_spread_constraints.iter_mut().flatten() {
        merge(
            &mut constraint.label_selector,
            constraint.match_label_keys.as_ref(),
            "In",
        );
    }
}

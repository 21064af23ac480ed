//! What admission does to pods in every cluster, without knowing other objects: the plugins
//! DefaultTolerationSeconds and Priority, and label keys that become terms of selectors.

use k8s_openapi::api::core::v1::{PodAffinityTerm, PodSpec, Toleration};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{LabelSelector, LabelSelectorRequirement};
use serde_json::Value;

use super::super::super::workloads::read::{given, number, put, text};

/// Seconds that a pod stays on a node that is not ready or cannot be reached.
const SECONDS: i64 = 300;
const TAINTS: [&str; 2] = [
    "node.kubernetes.io/not-ready",
    "node.kubernetes.io/unreachable",
];

/// What a PriorityClass says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PriorityClass {
    /// Its name
    pub name: String,
    /// The priority
    pub value: i32,
    /// Empty where nothing is said
    pub preemption_policy: String,
}

/// The plugin Priority, for new pods: `class` finds a PriorityClass, and the default one by an empty
/// name. Fails with the words of a 403.
pub fn admit_priority(
    pod: &mut Value,
    class: impl Fn(&str) -> Option<PriorityClass>,
) -> Result<(), String> {
    let name = text(pod, "spec.priorityClassName").to_owned();
    let found = class(&name).or_else(|| built_in(&name));
    let Some(class) = found else {
        return Err(format!("no PriorityClass with name {name} was found"));
    };
    let words = "must not be provided in pod spec; priority admission controller computed";
    let from = "from the given PriorityClass name";
    let value = class.value;
    if let Some(own) = number(pod, "spec.priority").filter(|own| *own != i64::from(value)) {
        return Err(format!(
            "the integer value of priority ({own}) {words} {value} {from}"
        ));
    }
    put(pod, "spec.priority", value);
    if !class.name.is_empty() {
        put(pod, "spec.priorityClassName", class.name);
    }
    let policy = class.preemption_policy;
    if policy.is_empty() {
        return Ok(());
    }
    let own = text(pod, "spec.preemptionPolicy");
    if given(pod, "spec.preemptionPolicy").is_some() && own != policy {
        return Err(format!(
            "the string value of PreemptionPolicy ({own}) {words} {policy} {from}"
        ));
    }
    put(pod, "spec.preemptionPolicy", policy);
    Ok(())
}

/// The classes that every cluster has, and what counts without one.
fn built_in(name: &str) -> Option<PriorityClass> {
    let value = match name {
        "" => 0,
        "system-cluster-critical" => 2_000_000_000,
        "system-node-critical" => 2_000_001_000,
        _ => return None,
    };
    let preemption_policy = "PreemptLowerPriority".to_owned();
    Some(PriorityClass {
        name: name.to_owned(),
        value,
        preemption_policy,
    })
}

/// For new pods, beside [`admit_priority`]: what is not given comes from the classes that every
/// cluster has.
pub(super) fn admit_create(spec: &mut PodSpec) {
    add_tolerations(spec);
    let name = spec.priority_class_name.as_deref().unwrap_or_default();
    if let Some(class) = built_in(name) {
        spec.priority.get_or_insert(class.value);
        spec.preemption_policy
            .get_or_insert(class.preemption_policy);
    }
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
    tolerate(spec.tolerations.get_or_insert_default());
}

/// The plugin DefaultTolerationSeconds: adds what every pod tolerates to what one does.
pub fn tolerate(all: &mut Vec<Toleration>) {
    for taint in TAINTS {
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn priorities() {
        let known = |name: &str| {
            let class = |name: &str, value, policy: &str| {
                let (name, preemption_policy) = (name.to_owned(), policy.to_owned());
                Some(PriorityClass {
                    name,
                    value,
                    preemption_policy,
                })
            };
            match name {
                "high" => class("high", 7, "Never"),
                _ => None,
            }
        };
        let refused = "must not be provided in pod spec; priority admission controller computed";
        let cases = [
            (json!({}), Ok((0, "PreemptLowerPriority"))),
            (json!({"priorityClassName": "high"}), Ok((7, "Never"))),
            (
                json!({"priorityClassName": "system-node-critical"}),
                Ok((2_000_001_000, "PreemptLowerPriority")),
            ),
            (
                json!({"priorityClassName": "zz"}),
                Err("no PriorityClass with name zz was found".to_owned()),
            ),
            (
                json!({"priority": 5}),
                Err(format!(
                    "the integer value of priority (5) {refused} 0 from the given PriorityClass name"
                )),
            ),
            (
                json!({"preemptionPolicy": "x"}),
                Err(format!(
                    "the string value of PreemptionPolicy (x) {refused} PreemptLowerPriority from the given PriorityClass name"
                )),
            ),
        ];
        for (spec, expected) in cases {
            let mut pod = json!({"spec": spec});
            let admitted = admit_priority(&mut pod, known);
            let spec = &pod["spec"];
            let got =
                admitted.map(|()| (spec["priority"].as_i64(), spec["preemptionPolicy"].as_str()));
            assert_eq!(
                got,
                expected.map(|(value, policy)| (Some(value), Some(policy)))
            );
        }
    }

    #[test]
    fn every_pod_stays_a_while_on_a_lost_node() {
        let mut spec = PodSpec::default();
        admit_create(&mut spec);
        assert_eq!(spec.tolerations.as_ref().map(Vec::len), Some(2));
        admit_create(&mut spec);
        assert_eq!(spec.tolerations.as_ref().map(Vec::len), Some(2));
        let all = Toleration {
            operator: Some("Exists".to_owned()),
            ..Toleration::default()
        };
        let mut spec = PodSpec {
            tolerations: Some(vec![all]),
            ..PodSpec::default()
        };
        admit_create(&mut spec);
        assert_eq!(spec.tolerations.as_ref().map(Vec::len), Some(1));
    }
}

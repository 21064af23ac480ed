//! Whether a node should have a pod: its name, labels and taints.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use k8s_openapi::api::apps::v1::DaemonSetSpec;
use k8s_openapi::api::core::v1::{
    Node, NodeSelectorRequirement, NodeSelectorTerm, PodSpec, Taint, Toleration,
};

use super::super::meta;
use super::template::tolerate;

/// See [`fit`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Fit {
    /// A pod should be there
    pub(super) should_run: bool,
    /// One that is there may stay
    pub(super) may_stay: bool,
}

/// Whether a pod should be on a node.
pub(super) fn fit(spec: &DaemonSetSpec, node: &Node) -> Fit {
    let mut pod = spec.template.spec.clone().unwrap_or_default();
    tolerate(&mut pod);
    let name = meta::name(node);
    let named = pod
        .node_name
        .as_deref()
        .is_none_or(|own| own.is_empty() || own == name);
    if !named || !is_selected(&pod, node) {
        return Fit::default();
    }
    let taints = node
        .spec
        .as_ref()
        .and_then(|spec| spec.taints.as_deref())
        .unwrap_or_default();
    let tolerations = pod.tolerations.as_deref().unwrap_or_default();
    let untolerated = |effects: &[&str]| {
        taints.iter().any(|taint| {
            effects.contains(&taint.effect.as_str())
                && !tolerations
                    .iter()
                    .any(|toleration| tolerates(toleration, taint))
        })
    };
    Fit {
        should_run: !untolerated(&["NoSchedule", "NoExecute"]),
        may_stay: !untolerated(&["NoExecute"]),
    }
}

fn tolerates(toleration: &Toleration, taint: &Taint) -> bool {
    let any = |own: &Option<String>| own.as_deref().is_none_or(str::is_empty);
    let effect = any(&toleration.effect) || toleration.effect.as_ref() == Some(&taint.effect);
    let key = any(&toleration.key) || toleration.key.as_ref() == Some(&taint.key);
    let value = match toleration.operator.as_deref() {
        Some("Exists") => true,
        None | Some("" | "Equal") => {
            toleration.value.as_deref().unwrap_or_default()
                == taint.value.as_deref().unwrap_or_default()
        }
        Some(_) => false,
    };
    effect && key && value
}

fn is_selected(pod: &PodSpec, node: &Node) -> bool {
    let labels = node.metadata.labels.clone().unwrap_or_default();
    let mut wanted = pod.node_selector.iter().flatten();
    if !wanted.all(|(key, value)| labels.get(key) == Some(value)) {
        return false;
    }
    let affinity = pod
        .affinity
        .as_ref()
        .and_then(|affinity| affinity.node_affinity.as_ref());
    let required = affinity.and_then(|a| {
        a.required_during_scheduling_ignored_during_execution
            .as_ref()
    });
    required.is_none_or(|required| {
        required
            .node_selector_terms
            .iter()
            .any(|term| holds(term, meta::name(node), &labels))
    })
}

/// A term without requirements holds nowhere.
fn holds(term: &NodeSelectorTerm, name: &str, labels: &BTreeMap<String, String>) -> bool {
    let expressions = term.match_expressions.as_deref().unwrap_or_default();
    let fields = term.match_fields.as_deref().unwrap_or_default();
    if expressions.is_empty() && fields.is_empty() {
        return false;
    }
    let field = |r: &NodeSelectorRequirement| (r.key == "metadata.name").then_some(name);
    expressions
        .iter()
        .all(|r| matches(r, labels.get(&r.key).map(String::as_str)))
        && fields.iter().all(|r| matches(r, field(r)))
}

fn matches(requirement: &NodeSelectorRequirement, value: Option<&str>) -> bool {
    let values = requirement.values.as_deref().unwrap_or_default();
    let listed = value.is_some_and(|value| values.iter().any(|listed| listed == value));
    let compared = || {
        let number = |text: &str| text.parse::<i64>().ok();
        Some(number(value?)?.cmp(&number(values.first()?)?))
    };
    match requirement.operator.as_str() {
        "In" => listed,
        "NotIn" => !listed,
        "Exists" => value.is_some(),
        "DoesNotExist" => value.is_none(),
        "Gt" => compared() == Some(Ordering::Greater),
        "Lt" => compared() == Some(Ordering::Less),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn fits(template: Value, node: Value) -> (bool, bool) {
        let mut template = template;
        template["containers"] = json!([]);
        let spec = json!({"selector": {}, "template": {"spec": template}});
        let spec: DaemonSetSpec = serde_json::from_value(spec).unwrap();
        let node: Node = serde_json::from_value(node).unwrap();
        let fit = fit(&spec, &node);
        (fit.should_run, fit.may_stay)
    }

    fn node(taint: Option<(&str, &str)>) -> Value {
        let taints: Vec<Value> = taint
            .iter()
            .map(|(key, effect)| json!({"key": key, "effect": effect}))
            .collect();
        json!({"metadata": {"name": "n", "labels": {"disk": "ssd", "cores": "8"}}, "spec": {"taints": taints}})
    }

    #[test]
    fn taints_names_and_labels_count() {
        let affinity = |requirement: Value| {
            json!({"affinity": {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution":
                {"nodeSelectorTerms": [{"matchExpressions": [requirement]}]}}}})
        };
        for (template, taint, wanted) in [
            (json!({}), None, (true, true)),
            (json!({}), Some(("dedicated", "NoSchedule")), (false, true)),
            (json!({}), Some(("dedicated", "NoExecute")), (false, false)),
            (
                json!({}),
                Some(("dedicated", "PreferNoSchedule")),
                (true, true),
            ),
            (
                json!({}),
                Some(("node.kubernetes.io/not-ready", "NoExecute")),
                (true, true),
            ),
            (
                json!({}),
                Some(("node.kubernetes.io/unschedulable", "NoSchedule")),
                (true, true),
            ),
            (
                json!({"tolerations": [{"operator": "Exists"}]}),
                Some(("d", "NoExecute")),
                (true, true),
            ),
            (json!({"nodeSelector": {"disk": "ssd"}}), None, (true, true)),
            (
                json!({"nodeSelector": {"disk": "hdd"}}),
                None,
                (false, false),
            ),
            (json!({"nodeName": "other"}), None, (false, false)),
            (
                affinity(json!({"key": "cores", "operator": "Gt", "values": ["4"]})),
                None,
                (true, true),
            ),
            (
                affinity(json!({"key": "cores", "operator": "Lt", "values": ["4"]})),
                None,
                (false, false),
            ),
            (
                affinity(json!({"key": "gpu", "operator": "Exists"})),
                None,
                (false, false),
            ),
        ] {
            assert_eq!(
                fits(template.clone(), node(taint)),
                wanted,
                "{template} {taint:?}"
            );
        }
    }
}

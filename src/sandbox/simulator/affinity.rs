//! Which nodes a pod may be on: selector, required node affinity, taints.

use k8s_openapi::api::core::v1::{
    Node, NodeSelectorRequirement, NodeSelectorTerm, PodSpec, Taint, Toleration,
};

/// The taint that stands for a cordoned node.
const UNSCHEDULABLE: &str = "node.kubernetes.io/unschedulable";
/// Taints with these effects keep pods away; PreferNoSchedule does not.
const REPELLING: [&str; 2] = ["NoSchedule", "NoExecute"];

/// Whether `nodeSelector` and the required node affinity are met.
pub(super) fn selects(spec: &PodSpec, node: &Node) -> bool {
    let selector = spec.node_selector.iter().flatten();
    let labels = node.metadata.labels.as_ref();
    let label = |key: &str| {
        labels
            .and_then(|labels| labels.get(key))
            .map(String::as_str)
    };
    if !selector
        .into_iter()
        .all(|(key, value)| label(key) == Some(value))
    {
        return false;
    }
    let required = spec
        .affinity
        .as_ref()
        .and_then(|affinity| affinity.node_affinity.as_ref())
        .and_then(|node| {
            node.required_during_scheduling_ignored_during_execution
                .as_ref()
        });
    match required {
        None => true,
        Some(required) => required
            .node_selector_terms
            .iter()
            .any(|term| matches(term, node)),
    }
}

/// A term is met when all its requirements are; an empty one never is.
fn matches(term: &NodeSelectorTerm, node: &Node) -> bool {
    let labels = node.metadata.labels.as_ref();
    let label = |key: &str| {
        labels
            .and_then(|labels| labels.get(key))
            .map(String::as_str)
    };
    // The name is the only field that can be asked for; DaemonSets do.
    let field = |key: &str| (key == "metadata.name").then_some(node.metadata.name.as_deref()?);
    let expressions = term.match_expressions.as_deref().unwrap_or_default();
    let fields = term.match_fields.as_deref().unwrap_or_default();
    !(expressions.is_empty() && fields.is_empty())
        && expressions
            .iter()
            .all(|requirement| holds(requirement, label(&requirement.key)))
        && fields
            .iter()
            .all(|requirement| holds(requirement, field(&requirement.key)))
}

fn holds(requirement: &NodeSelectorRequirement, actual: Option<&str>) -> bool {
    let values = requirement.values.as_deref().unwrap_or_default();
    let listed = |actual: &str| values.iter().any(|value| value == actual);
    let numbers = || {
        Some((
            actual?.parse::<i64>().ok()?,
            values.first()?.parse::<i64>().ok()?,
        ))
    };
    match requirement.operator.as_str() {
        "In" => actual.is_some_and(listed),
        "NotIn" => !actual.is_some_and(listed),
        "Exists" => actual.is_some(),
        "DoesNotExist" => actual.is_none(),
        "Gt" => numbers().is_some_and(|(actual, bound)| actual > bound),
        "Lt" => numbers().is_some_and(|(actual, bound)| actual < bound),
        _ => false,
    }
}

/// Whether the node takes no new pods, and this pod does not insist.
pub(super) fn is_closed(spec: &PodSpec, node: &Node) -> bool {
    let cordoned = node
        .spec
        .as_ref()
        .and_then(|spec| spec.unschedulable)
        .unwrap_or(false);
    let taint = Taint {
        key: UNSCHEDULABLE.to_owned(),
        effect: "NoSchedule".to_owned(),
        ..Taint::default()
    };
    cordoned && !tolerated(spec, &taint)
}

/// Whether a taint of the node keeps the pod away.
pub(super) fn is_repelled(spec: &PodSpec, node: &Node) -> bool {
    let taints = node
        .spec
        .as_ref()
        .and_then(|spec| spec.taints.as_deref())
        .unwrap_or_default();
    taints
        .iter()
        .filter(|taint| REPELLING.contains(&taint.effect.as_str()))
        .any(|taint| !tolerated(spec, taint))
}

fn tolerated(spec: &PodSpec, taint: &Taint) -> bool {
    spec.tolerations
        .iter()
        .flatten()
        .any(|toleration| tolerates(toleration, taint))
}

/// As `ToleratesTaint` in k8s.io/api/core/v1: what is left empty fits everything.
fn tolerates(toleration: &Toleration, taint: &Taint) -> bool {
    let fits = |wanted: Option<&str>, actual: &str| {
        wanted.is_none_or(|wanted| wanted.is_empty() || wanted == actual)
    };
    if !fits(toleration.effect.as_deref(), &taint.effect)
        || !fits(toleration.key.as_deref(), &taint.key)
    {
        return false;
    }
    match toleration.operator.as_deref() {
        Some("Exists") => true,
        None | Some("" | "Equal") => {
            toleration.value.as_deref().unwrap_or("") == taint.value.as_deref().unwrap_or("")
        }
        Some(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use k8s_openapi::api::core::v1::{Affinity, NodeAffinity, NodeSelector};

    use super::super::testing;
    use super::*;

    fn requirement(key: &str, operator: &str, values: &[&str]) -> NodeSelectorRequirement {
        NodeSelectorRequirement {
            key: key.to_owned(),
            operator: operator.to_owned(),
            values: Some(values.iter().map(|value| (*value).to_owned()).collect()),
        }
    }

    fn requiring(terms: Vec<NodeSelectorTerm>) -> PodSpec {
        let required = NodeSelector {
            node_selector_terms: terms,
        };
        let node_affinity = NodeAffinity {
            required_during_scheduling_ignored_during_execution: Some(required),
            ..NodeAffinity::default()
        };
        let affinity = Affinity {
            node_affinity: Some(node_affinity),
            ..Affinity::default()
        };
        testing::pod("a")
            .spec(|spec| spec.affinity = Some(affinity))
            .build()
            .spec
            .unwrap()
    }

    #[test]
    fn the_selector_wants_every_label() {
        let spec = testing::pod("a")
            .selecting("disk", "ssd")
            .build()
            .spec
            .unwrap();
        assert!(!selects(&spec, &testing::node("n").build()));
        assert!(selects(
            &spec,
            &testing::node("n").label("disk", "ssd").build()
        ));
    }

    #[test]
    fn a_daemons_pod_is_for_one_node_by_name() {
        let spec = requiring(vec![NodeSelectorTerm {
            match_fields: Some(vec![requirement("metadata.name", "In", &["node-1"])]),
            ..NodeSelectorTerm::default()
        }]);
        assert!(selects(&spec, &testing::node("node-1").build()));
        assert!(!selects(&spec, &testing::node("node-0").build()));
    }

    #[test]
    fn operators() {
        let node = testing::node("n")
            .label("disk", "ssd")
            .label("cores", "8")
            .build();
        for (key, operator, values, expected) in [
            ("disk", "In", &["hdd", "ssd"][..], true),
            ("disk", "NotIn", &["ssd"], false),
            ("gone", "NotIn", &["ssd"], true),
            ("disk", "Exists", &[], true),
            ("disk", "DoesNotExist", &[], false),
            ("cores", "Gt", &["4"], true),
            ("cores", "Lt", &["8"], false),
            ("disk", "Gt", &["4"], false),
        ] {
            let term = NodeSelectorTerm {
                match_expressions: Some(vec![requirement(key, operator, values)]),
                ..NodeSelectorTerm::default()
            };
            assert_eq!(
                matches(&term, &node),
                expected,
                "{key} {operator} {values:?}"
            );
        }
        assert!(!selects(
            &requiring(vec![NodeSelectorTerm::default()]),
            &node
        ));
    }

    #[test]
    fn taints_and_tolerations() {
        let node = testing::node("n").taint("gpu", "NoSchedule").build();
        let plain = testing::pod("a").build().spec.unwrap();
        assert!(is_repelled(&plain, &node));
        let soft = testing::node("n").taint("gpu", "PreferNoSchedule").build();
        assert!(!is_repelled(&plain, &soft));
        let exists = |key: Option<&str>| Toleration {
            key: key.map(str::to_owned),
            operator: Some("Exists".to_owned()),
            ..Toleration::default()
        };
        for (key, repelled) in [(Some("gpu"), false), (None, false), (Some("disk"), true)] {
            let spec = testing::pod("a")
                .tolerating(exists(key))
                .build()
                .spec
                .unwrap();
            assert_eq!(is_repelled(&spec, &node), repelled, "{key:?}");
        }
    }

    #[test]
    fn a_cordoned_node_takes_only_those_that_tolerate_it() {
        let node = testing::node("n").cordoned().build();
        assert!(is_closed(&testing::pod("a").build().spec.unwrap(), &node));
        let toleration = Toleration {
            key: Some(UNSCHEDULABLE.to_owned()),
            operator: Some("Exists".to_owned()),
            effect: Some("NoSchedule".to_owned()),
            ..Toleration::default()
        };
        let daemon = testing::pod("a")
            .tolerating(toleration)
            .build()
            .spec
            .unwrap();
        assert!(!is_closed(&daemon, &node));
    }
}

//! Where a pod may run: affinities, tolerations and how pods spread.

use std::collections::{BTreeMap, HashSet};

use k8s_openapi::api::core::v1::{
    Affinity, NodeSelector, NodeSelectorRequirement, NodeSelectorTerm, PodAffinityTerm, Toleration,
    TopologySpreadConstraint, WeightedPodAffinityTerm,
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;

use super::check::{Errors, invalid_each, one_of, selector, text};
use crate::sandbox::memory::field::{FieldError, Path};
use crate::sandbox::memory::names;

const REQUIRED: &str = "requiredDuringSchedulingIgnoredDuringExecution";
const PREFERRED: &str = "preferredDuringSchedulingIgnoredDuringExecution";
const EFFECTS: [&str; 3] = ["NoSchedule", "PreferNoSchedule", "NoExecute"];

/// `validateAffinity`.
pub(super) fn validate_affinity(errors: &mut Errors, affinity: &Affinity, path: &Path) {
    if let Some(node) = &affinity.node_affinity {
        let path = path.child("nodeAffinity");
        if let Some(selector) = &node.required_during_scheduling_ignored_during_execution {
            node_selector(errors, selector, &path.child(REQUIRED));
        }
        let preferred = &node.preferred_during_scheduling_ignored_during_execution;
        for (at, term) in preferred.iter().flatten().enumerate() {
            let path = path.child(PREFERRED).index(at);
            weight(errors, term.weight, &path);
            // Values of preferred terms were never held to what labels can be.
            node_term(errors, &term.preference, false, &path.child("preference"));
        }
    }
    if let Some(pods) = &affinity.pod_affinity {
        pod_terms(
            errors,
            pods.required_during_scheduling_ignored_during_execution
                .as_deref(),
            pods.preferred_during_scheduling_ignored_during_execution
                .as_deref(),
            &path.child("podAffinity"),
        );
    }
    if let Some(pods) = &affinity.pod_anti_affinity {
        pod_terms(
            errors,
            pods.required_during_scheduling_ignored_during_execution
                .as_deref(),
            pods.preferred_during_scheduling_ignored_during_execution
                .as_deref(),
            &path.child("podAntiAffinity"),
        );
    }
}

fn weight(errors: &mut Errors, weight: i32, path: &Path) {
    if !(1..=100).contains(&weight) {
        let why = "must be in the range 1-100";
        errors.push(FieldError::invalid(&path.child("weight"), weight, why));
    }
}

/// `ValidateNodeSelector`.
pub(crate) fn node_selector(errors: &mut Errors, selector: &NodeSelector, path: &Path) {
    let path = path.child("nodeSelectorTerms");
    if selector.node_selector_terms.is_empty() {
        let why = "must have at least one node selector term";
        errors.push(FieldError::required(&path, why));
    }
    for (at, term) in selector.node_selector_terms.iter().enumerate() {
        node_term(errors, term, true, &path.index(at));
    }
}

fn node_term(errors: &mut Errors, term: &NodeSelectorTerm, is_strict: bool, path: &Path) {
    for (at, requirement) in term.match_expressions.iter().flatten().enumerate() {
        let path = path.child("matchExpressions").index(at);
        node_requirement(errors, requirement, is_strict, &path);
    }
    for (at, requirement) in term.match_fields.iter().flatten().enumerate() {
        node_field(errors, requirement, &path.child("matchFields").index(at));
    }
}

fn node_requirement(
    errors: &mut Errors,
    requirement: &NodeSelectorRequirement,
    is_strict: bool,
    path: &Path,
) {
    let values = requirement.values.as_deref().unwrap_or_default();
    let values_path = path.child("values");
    match requirement.operator.as_str() {
        "In" | "NotIn" if values.is_empty() => errors.push(FieldError::required(
            &values_path,
            "must be specified when `operator` is 'In' or 'NotIn'",
        )),
        "Exists" | "DoesNotExist" if !values.is_empty() => errors.push(FieldError::forbidden(
            &values_path,
            "may not be specified when `operator` is 'Exists' or 'DoesNotExist'",
        )),
        "Gt" | "Lt" if values.len() != 1 => errors.push(FieldError::required(
            &values_path,
            "must be specified single value when `operator` is 'Lt' or 'Gt'",
        )),
        "In" | "NotIn" | "Exists" | "DoesNotExist" | "Gt" | "Lt" => {}
        other => wrong_operator(errors, other, path),
    }
    let key = requirement.key.as_str();
    invalid_each(errors, &path.child("key"), key, names::qualified_name(key));
    if is_strict {
        for (at, value) in values.iter().enumerate() {
            invalid_each(
                errors,
                &values_path.index(at),
                value,
                names::label_value(value),
            );
        }
    }
}

fn wrong_operator(errors: &mut Errors, operator: &str, path: &Path) {
    let why = "not a valid selector operator";
    errors.push(FieldError::invalid(&path.child("operator"), operator, why));
}

fn node_field(errors: &mut Errors, requirement: &NodeSelectorRequirement, path: &Path) {
    let values = requirement.values.as_deref().unwrap_or_default();
    let values_path = path.child("values");
    match requirement.operator.as_str() {
        "In" | "NotIn" => {
            if values.len() != 1 {
                let why = "must be only one value when `operator` is 'In' or 'NotIn' for node field selector";
                errors.push(FieldError::required(&values_path, why));
            }
        }
        other => wrong_operator(errors, other, path),
    }
    if requirement.key != "metadata.name" {
        let why = "not a valid field selector key";
        errors.push(FieldError::invalid(
            &path.child("key"),
            requirement.key.as_str(),
            why,
        ));
        return;
    }
    for (at, value) in values.iter().enumerate() {
        invalid_each(
            errors,
            &values_path.index(at),
            value,
            names::dns1123_subdomain(value),
        );
    }
}

fn pod_terms(
    errors: &mut Errors,
    required: Option<&[PodAffinityTerm]>,
    preferred: Option<&[WeightedPodAffinityTerm]>,
    path: &Path,
) {
    for (at, term) in required.unwrap_or_default().iter().enumerate() {
        pod_term(errors, term, &path.child(REQUIRED).index(at));
    }
    for (at, term) in preferred.unwrap_or_default().iter().enumerate() {
        let path = path.child(PREFERRED).index(at);
        weight(errors, term.weight, &path);
        pod_term(
            errors,
            &term.pod_affinity_term,
            &path.child("podAffinityTerm"),
        );
    }
}

fn pod_term(errors: &mut Errors, term: &PodAffinityTerm, path: &Path) {
    selector(errors, &term.label_selector, &path.child("labelSelector"));
    selector(
        errors,
        &term.namespace_selector,
        &path.child("namespaceSelector"),
    );
    for namespace in term.namespaces.iter().flatten() {
        let wrong = names::dns1123_label(namespace);
        invalid_each(errors, &path.child("namespace"), namespace, wrong);
    }
    let matching = term.match_label_keys.as_deref().unwrap_or_default();
    let others = term.mismatch_label_keys.as_deref().unwrap_or_default();
    label_keys(errors, matching, others, term.label_selector.as_ref(), path);
    let path = path.child("topologyKey");
    if term.topology_key.is_empty() {
        errors.push(FieldError::required(&path, "can not be empty"));
    }
    invalid_each(
        errors,
        &path,
        &term.topology_key,
        names::qualified_name(&term.topology_key),
    );
}

/// `ValidateMatchLabelKeysAndMismatchLabelKeys`.
fn label_keys(
    errors: &mut Errors,
    matching: &[String],
    others: &[String],
    selector: Option<&LabelSelector>,
    path: &Path,
) {
    for (field, keys) in [("matchLabelKeys", matching), ("mismatchLabelKeys", others)] {
        let path = path.child(field);
        if !keys.is_empty() && selector.is_none() {
            let why = "must not be specified when labelSelector is not set";
            errors.push(FieldError::forbidden(&path, why));
            continue;
        }
        for (at, key) in keys.iter().enumerate() {
            invalid_each(errors, &path.index(at), key, names::qualified_name(key));
        }
    }
    if let Some(selector) = selector {
        let places: BTreeMap<&str, usize> = matching
            .iter()
            .enumerate()
            .map(|(at, key)| (key.as_str(), at))
            .collect();
        let labels = selector
            .match_labels
            .iter()
            .flat_map(|labels| labels.keys());
        let mut seen: HashSet<&str> = labels.map(String::as_str).collect();
        for term in selector.match_expressions.iter().flatten() {
            let key = term.key.as_str();
            let is_new = seen.insert(key);
            if let Some(at) = places.get(key).filter(|_| !is_new) {
                let why = "exists in both matchLabelKeys and labelSelector";
                errors.push(FieldError::invalid(&path.index(*at), key, why));
            }
        }
    }
    for (at, key) in matching
        .iter()
        .enumerate()
        .filter(|(_, key)| others.contains(key))
    {
        let why = "exists in both matchLabelKeys and mismatchLabelKeys";
        let path = path.child("matchLabelKeys").index(at);
        errors.push(FieldError::invalid(&path, key.as_str(), why));
    }
}

/// `validateTopologySpreadConstraints`.
pub(super) fn validate_spread(
    errors: &mut Errors,
    constraints: &[TopologySpreadConstraint],
    path: &Path,
) {
    for (at, constraint) in constraints.iter().enumerate() {
        let path = path.index(at);
        if constraint.max_skew <= 0 {
            let why = "must be greater than zero";
            errors.push(FieldError::invalid(
                &path.child("maxSkew"),
                constraint.max_skew,
                why,
            ));
        }
        let key = constraint.topology_key.as_str();
        if key.is_empty() {
            errors.push(FieldError::required(
                &path.child("topologyKey"),
                "can not be empty",
            ));
        }
        let action = constraint.when_unsatisfiable.as_str();
        let supported = ["DoNotSchedule", "ScheduleAnyway"];
        one_of(errors, action, &supported, &path.child("whenUnsatisfiable"));
        let mut rest = constraints[at + 1..].iter();
        if rest.any(|other| other.topology_key == key && other.when_unsatisfiable == action) {
            let path = path.child("{topologyKey, whenUnsatisfiable}");
            errors.push(FieldError::duplicate(&path, format!("{{{key}, {action}}}")));
        }
        if let Some(domains) = constraint.min_domains {
            let path = path.child("minDomains");
            if domains <= 0 {
                errors.push(FieldError::invalid(
                    &path,
                    domains,
                    "must be greater than zero",
                ));
            }
            if action != "DoNotSchedule" {
                let why = format!(
                    "can only use minDomains if whenUnsatisfiable=DoNotSchedule, not {action}"
                );
                errors.push(FieldError::invalid(&path, domains, why));
            }
        }
        let policies = [
            ("nodeAffinityPolicy", &constraint.node_affinity_policy),
            ("nodeTaintsPolicy", &constraint.node_taints_policy),
        ];
        for (field, policy) in policies {
            if let Some(policy) = policy {
                one_of(errors, policy, &["Honor", "Ignore"], &path.child(field));
            }
        }
        let keys = constraint.match_label_keys.as_deref().unwrap_or_default();
        label_keys(errors, keys, &[], constraint.label_selector.as_ref(), &path);
        selector(
            errors,
            &constraint.label_selector,
            &path.child("labelSelector"),
        );
    }
}

/// `ValidateTolerations`.
pub(crate) fn validate_tolerations(errors: &mut Errors, all: &[Toleration], path: &Path) {
    for (at, toleration) in all.iter().enumerate() {
        let path = path.index(at);
        let key = text(&toleration.key);
        let operator = text(&toleration.operator);
        let value = text(&toleration.value);
        let effect = text(&toleration.effect);
        let operator_path = path.child("operator");
        if !key.is_empty() {
            invalid_each(errors, &path.child("key"), key, names::qualified_name(key));
        } else if operator != "Exists" {
            let why = "operator must be Exists when `key` is empty, which means \"match all \
                       values and all keys\"";
            errors.push(FieldError::invalid(&operator_path, operator, why));
        }
        if toleration.toleration_seconds.is_some() && effect != "NoExecute" {
            let why = "effect must be 'NoExecute' when `tolerationSeconds` is set";
            errors.push(FieldError::invalid(&path.child("effect"), effect, why));
        }
        match operator {
            "Equal" | "" => {
                let wrong = names::label_value(value);
                if !wrong.is_empty() {
                    errors.push(FieldError::invalid(&operator_path, value, wrong.join(";")));
                }
            }
            "Exists" => {
                if !value.is_empty() {
                    let why = "value must be empty when `operator` is 'Exists'";
                    errors.push(FieldError::invalid(&operator_path, value, why));
                }
            }
            // Comparisons need a feature that is off; Kubernetes names them nevertheless.
            "Lt" | "Gt" => errors.push(FieldError::not_supported(
                &operator_path,
                operator,
                &["Equal", "Exists", "Lt", "Gt"],
            )),
            _ => errors.push(FieldError::not_supported(
                &operator_path,
                operator,
                &["Equal", "Exists"],
            )),
        }
        if !effect.is_empty() {
            one_of(errors, effect, &EFFECTS, &path.child("effect"));
        }
    }
}

/// `validateTaintEffect` where it must be given.
pub(crate) fn required_effect(errors: &mut Errors, effect: &str, path: &Path) {
    if effect.is_empty() {
        errors.push(FieldError::required(path, ""));
    } else {
        one_of(errors, effect, &EFFECTS, path);
    }
}

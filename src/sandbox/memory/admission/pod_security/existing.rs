//! What is said of pods that are there already when a namespace gets stricter
//! (`EvaluatePodsInNamespace` in `admission/admission.go`).

use std::collections::{BTreeMap, BTreeSet};

use super::check;
use super::policy::Rule;
use crate::sandbox::memory::store::{Query, Store};

/// How many pods are looked at.
const MOST: usize = 3000;

/// Warnings of pods in a namespace that violate a rule, those of one kind together.
pub(super) fn warnings(store: &Store, namespace: &str, rule: Rule) -> Vec<String> {
    let query = Query {
        namespace: Some(namespace),
        ..Query::everything()
    };
    let page = store.list(store.shelf("", "pods"), &query);
    let pods = page.map(|page| page.items).unwrap_or_default();
    // Of pods with the same owner one stands for all, as long as there are others.
    let mut owners = BTreeSet::new();
    let (first, again): (Vec<_>, Vec<_>) = pods.iter().partition(|pod| {
        let owner = pod.facts.owners.first();
        owner.is_none_or(|owner| owners.insert(owner))
    });
    let mut wrong: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for pod in first.into_iter().chain(again).take(MOST) {
        let reasons: Vec<&str> = check::violations(rule, &pod.value())
            .map(|violation| violation.reason)
            .collect();
        if !reasons.is_empty() {
            let alike = wrong.entry(reasons.join(", ")).or_default();
            alike.push(&pod.facts.name);
        }
    }
    let mut all = Vec::new();
    if pods.len() > MOST {
        let count = pods.len();
        all.push(format!(
            "new PodSecurity enforce level only checked against the first {MOST} of {count} existing pods"
        ));
    }
    if !wrong.is_empty() {
        all.push(format!(
            "existing pods in namespace {namespace:?} violate the new PodSecurity enforce level \"{rule}\""
        ));
    }
    let mut told: Vec<String> = wrong.iter().map(|(why, pods)| tell(why, pods)).collect();
    told.sort();
    all.extend(told);
    all
}

fn tell(why: &str, pods: &[&str]) -> String {
    let first = pods.iter().min().copied().unwrap_or_default();
    match pods.len() {
        1 => format!("{first}: {why}"),
        2 => format!("{first} (and 1 other pod): {why}"),
        count => format!("{first} (and {} other pods): {why}", count - 1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_pod_is_named_and_the_others_counted() {
        let told = |pods: &[&str]| tell("privileged", pods);
        assert_eq!(told(&["a"]), "a: privileged");
        assert_eq!(told(&["b", "a"]), "a (and 1 other pod): privileged");
        assert_eq!(told(&["b", "a", "c"]), "a (and 2 other pods): privileged");
    }
}

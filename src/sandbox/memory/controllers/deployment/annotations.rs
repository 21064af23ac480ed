//! Annotations by which a Deployment and its ReplicaSets know revisions and sizes.

use std::collections::BTreeMap;

use k8s_openapi::api::apps::v1::{Deployment, ReplicaSet};

pub(super) const REVISION: &str = "deployment.kubernetes.io/revision";
pub(super) const REVISION_HISTORY: &str = "deployment.kubernetes.io/revision-history";
pub(super) const DESIRED_REPLICAS: &str = "deployment.kubernetes.io/desired-replicas";
pub(super) const MAX_REPLICAS: &str = "deployment.kubernetes.io/max-replicas";
pub(super) const ROLLBACK_TO: &str = "deprecated.deployment.rollback.to";
const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// Annotations of a Deployment that its ReplicaSets are not given.
const OWN: [&str; 6] = [
    LAST_APPLIED,
    REVISION,
    REVISION_HISTORY,
    DESIRED_REPLICAS,
    MAX_REPLICAS,
    ROLLBACK_TO,
];

/// Characters that the history of revisions takes at most.
const LONGEST_HISTORY: usize = 2000;

type Annotations = BTreeMap<String, String>;

/// A ReplicaSet's revision; 0 when it has none, `None` when it is no number.
pub(super) fn revision(set: &ReplicaSet) -> Option<i64> {
    match set
        .metadata
        .annotations
        .as_ref()
        .and_then(|all| all.get(REVISION))
    {
        Some(text) => text.parse().ok(),
        None => Some(0),
    }
}

/// A size noted on a ReplicaSet.
pub(super) fn size(set: &ReplicaSet, annotation: &str) -> Option<i32> {
    let text = set.metadata.annotations.as_ref()?.get(annotation)?;
    text.parse::<i32>().ok().filter(|size| *size >= 0)
}

/// Notes sizes on a ReplicaSet. Answers whether that changed it.
pub(super) fn set_sizes(set: &mut ReplicaSet, desired: i32, max: i32) -> bool {
    let annotations = set.metadata.annotations.get_or_insert_default();
    let desired = put(annotations, DESIRED_REPLICAS, desired.to_string());
    put(annotations, MAX_REPLICAS, max.to_string()) || desired
}

/// Gives a ReplicaSet of the current template its revision and the Deployment's annotations.
/// Answers whether that changed it.
pub(super) fn set_current(deployment: &Deployment, set: &mut ReplicaSet, revision: i64) -> bool {
    let annotations = set.metadata.annotations.get_or_insert_default();
    let mut changed = false;
    for (key, value) in deployment.metadata.annotations.iter().flatten() {
        if !OWN.contains(&key.as_str()) {
            changed |= put(annotations, key, value.clone());
        }
    }
    let before = annotations.get(REVISION).cloned();
    let number = match before.as_deref() {
        None | Some("") => 0,
        Some(text) => match text.parse::<i64>() {
            Ok(number) => number,
            // Somebody's own text is left alone.
            Err(_) => return false,
        },
    };
    if number < revision {
        changed |= put(annotations, REVISION, revision.to_string());
        if let Some(before) = before {
            let history = annotations
                .get(REVISION_HISTORY)
                .map(String::as_str)
                .unwrap_or_default();
            if let Some(history) = longer(history, &before) {
                annotations.insert(REVISION_HISTORY.to_owned(), history);
            }
        }
    }
    changed
}

/// Sets the Deployment's revision. Answers whether that changed it.
pub(super) fn set_revision(deployment: &mut Deployment, revision: &str) -> bool {
    let annotations = deployment.metadata.annotations.get_or_insert_default();
    put(annotations, REVISION, revision.to_owned())
}

/// Gives a Deployment the annotations of the ReplicaSet that it goes back to.
pub(super) fn restore(deployment: &mut Deployment, set: &ReplicaSet) {
    let annotations = deployment.metadata.annotations.get_or_insert_default();
    annotations.retain(|key, _| OWN.contains(&key.as_str()));
    for (key, value) in set.metadata.annotations.iter().flatten() {
        if !OWN.contains(&key.as_str()) {
            annotations.insert(key.clone(), value.clone());
        }
    }
}

fn put(annotations: &mut Annotations, key: &str, value: String) -> bool {
    if annotations.get(key) == Some(&value) {
        return false;
    }
    annotations.insert(key.to_owned(), value);
    true
}

/// The history with one more revision, without the oldest where it would be too long.
fn longer(history: &str, revision: &str) -> Option<String> {
    if history.is_empty() {
        return Some(revision.to_owned());
    }
    let mut history = history;
    while history.len() + revision.len() + 1 > LONGEST_HISTORY {
        history = history.split_once(',')?.1;
    }
    Some(format!("{history},{revision}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn history_drops_the_oldest() {
        assert_eq!(longer("", "1").as_deref(), Some("1"));
        assert_eq!(longer("1,2", "4").as_deref(), Some("1,2,4"));
        let long = format!("{},22", "1".repeat(1996));
        assert_eq!(longer(&long, "333").as_deref(), Some("22,333"));
        assert_eq!(longer(&"1".repeat(2000), "2"), None);
    }

    #[test]
    fn a_revision_that_comes_back_keeps_a_history() {
        let deployment = Deployment::default();
        let mut set = ReplicaSet::default();
        assert!(set_current(&deployment, &mut set, 1));
        assert!(!set_current(&deployment, &mut set, 1));
        assert!(set_current(&deployment, &mut set, 3));
        assert!(set_current(&deployment, &mut set, 5));
        let annotations = set.metadata.annotations.unwrap();
        assert_eq!(annotations[REVISION], "5");
        assert_eq!(annotations[REVISION_HISTORY], "1,3");
    }
}

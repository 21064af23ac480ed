//! Which pods a Job makes and deletes. Pure.

use std::collections::BTreeMap;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::Pod;

use super::super::pods;
use super::super::queue::earlier;
use super::backoff;
use super::indexes::index;
use super::sync::{Sync, all_failures};

/// Pods made or deleted at a time, as in Kubernetes.
pub(super) const MOST: usize = 500;

/// What is to be done.
#[derive(Debug, Default)]
pub(super) struct Work {
    pub(super) delete: Vec<Pod>,
    /// Whether deleted pods are not counted
    pub(super) release: bool,
    /// The indexes of pods to make; `None` where they have none
    pub(super) create: Vec<Option<i32>>,
    pub(super) again: Option<Timestamp>,
}

/// Decides.
pub(super) fn work(sync: &mut Sync) -> Work {
    let again = sync.deadline().filter(|deadline| *deadline > sync.now);
    let active: Vec<Pod> = sync
        .pods
        .iter()
        .filter(|pod| pods::is_active(pod))
        .cloned()
        .collect();
    if sync.finish.is_some() {
        return Work {
            delete: active,
            ..Work::default()
        };
    }
    if sync.before.metadata.deletion_timestamp.is_some() {
        return Work {
            again,
            ..Work::default()
        };
    }
    if sync.is_suspended() {
        return Work {
            delete: active,
            release: true,
            again,
            ..Work::default()
        };
    }
    let wanted = wanted(sync);
    let surplus = usize::try_from(sync.active - wanted).unwrap_or_default();
    let mut delete = to_remove(sync, active, surplus);
    delete.truncate(MOST);
    if !delete.is_empty() {
        return Work {
            delete,
            release: true,
            again,
            ..Work::default()
        };
    }
    let terminating = if sync.only_replaces_failed() {
        sync.terminating
    } else {
        0
    };
    let missing = usize::try_from(wanted - terminating - sync.active).unwrap_or_default();
    if missing == 0 {
        return Work {
            again,
            ..Work::default()
        };
    }
    let (create, wait) = to_create(sync, missing.min(MOST));
    Work {
        create,
        again: earlier(again, wait),
        ..Work::default()
    }
}

/// How many pods are to be active.
fn wanted(sync: &Sync) -> i32 {
    let parallelism = sync.spec.parallelism.unwrap_or(1);
    match sync.spec.completions {
        // It is done once one has succeeded: no more are made.
        None if sync.succeeded > 0 => sync.active,
        None => parallelism,
        Some(completions) => completions
            .saturating_sub(sync.succeeded)
            .min(parallelism)
            .max(0),
    }
}

fn to_create(sync: &Sync, count: usize) -> (Vec<Option<i32>>, Option<Timestamp>) {
    if !sync.limits_each_index()
        && let Some(until) = sync.record.until(sync.now)
    {
        return (Vec::new(), Some(until));
    }
    if !sync.is_indexed() {
        return (vec![None; count], None);
    }
    let replaces = sync.only_replaces_failed();
    let taken = sync
        .pods
        .iter()
        .filter(|pod| pods::is_active(pod) || (replaces && pods::is_terminating_pod(pod)));
    let taken = sync.succeeded_indexes.with(taken.filter_map(index));
    let failed = sync.failed_indexes.clone().unwrap_or_default();
    let missing = taken.union(&failed).missing(count, sync.completions());
    if !sync.limits_each_index() {
        return (missing.into_iter().map(Some).collect(), None);
    }
    let mut wait = None;
    let mut now = Vec::new();
    for index in missing {
        let until = sync.delayed.get(&index).and_then(|pod| {
            let failures = all_failures(pod).saturating_add(1);
            backoff::until(failures, backoff::finished_at(pod), sync.now)
        });
        match until {
            Some(until) => wait = earlier(wait, Some(until)),
            None => now.push(Some(index)),
        }
    }
    (now, wait)
}

/// Those without an index that counts and all but one of the same index, then the least useful.
fn to_remove(sync: &Sync, active: Vec<Pod>, at_least: usize) -> Vec<Pod> {
    let order = |one: &Pod, other: &Pod| pods::deletion_order((one, 0), (other, 0), sync.now);
    let (mut remove, mut left) = (Vec::new(), Vec::new());
    if sync.is_indexed() {
        let mut by_index: BTreeMap<i32, Vec<Pod>> = BTreeMap::new();
        for pod in active {
            match index(&pod).filter(|index| *index < sync.completions()) {
                Some(index) => by_index.entry(index).or_default().push(pod),
                None => remove.push(pod),
            }
        }
        for mut same in by_index.into_values() {
            same.sort_by(order);
            left.extend(same.pop());
            remove.append(&mut same);
        }
    } else {
        left = active;
    }
    if let Some(more) = at_least.checked_sub(remove.len()).filter(|more| *more > 0) {
        left.sort_by(order);
        remove.extend(left.into_iter().take(more));
    }
    remove
}

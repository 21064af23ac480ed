//! How a Job's pods are counted, each once. Pure.
//!
//! A pod that has ended is noted as uncounted, then loses its finalizer, then is counted. Only when
//! nothing is left to count, and no pod is on its way out, is the Job over.

use std::collections::HashSet;

use k8s_openapi::api::batch::v1::JobStatus;
use k8s_openapi::api::core::v1::Pod;

use super::super::scaled::{nonzero, number};
use super::super::{meta, pods};
use super::conditions::{self, COMPLETE, FAILED, FAILURE_TARGET, SUCCESS_CRITERIA_MET};
use super::indexes::index;
use super::policy::Verdict;
use super::sync::{Sync, has_finalizer};

/// Pods noted as uncounted at a time, as in Kubernetes.
const MOST: usize = 500;

/// What is to be written.
#[derive(Debug, Default)]
pub(super) struct Conclusion {
    pub(super) status: Option<JobStatus>,
    /// Pods that lose their finalizer once that is written
    pub(super) release: Vec<Pod>,
    /// Events: type, reason, message
    pub(super) told: Vec<(&'static str, String, String)>,
}

/// Counts, and concludes.
pub(super) fn track(sync: &mut Sync) -> Conclusion {
    let held: HashSet<String> = sync
        .pods
        .iter()
        .filter(|p| has_finalizer(p))
        .map(|p| meta::uid(p).to_owned())
        .collect();
    count_released(sync, &held);
    let (release, complete) = note_ended(sync);
    sync.status.active = nonzero(sync.active);
    sync.status.ready = Some(sync.ready);
    sync.status.terminating = Some(sync.terminating);
    let mut told = std::mem::take(&mut sync.told);
    if let Some(finish) = sync.finish.clone() {
        if finish.type_ == FAILURE_TARGET || finish.type_ == SUCCESS_CRITERIA_MET {
            conditions::ensure(&mut sync.status, finish.clone());
        }
        let uncounted = sync.uncounted(false).len() + sync.uncounted(true).len();
        if complete && release.is_empty() && uncounted == 0 && sync.terminating == 0 {
            let succeeded = finish.type_ == SUCCESS_CRITERIA_MET;
            let type_ = if succeeded { COMPLETE } else { FAILED };
            let condition = conditions::retyped(type_, &finish, sync.now);
            if succeeded {
                sync.status
                    .completion_time
                    .clone_from(&condition.last_transition_time);
                tell_completion(sync, &mut told);
            } else {
                let text = |text: &Option<String>| text.clone().unwrap_or_default();
                told.push(("Warning", text(&condition.reason), text(&condition.message)));
            }
            conditions::ensure(&mut sync.status, condition);
        }
    }
    Conclusion {
        status: Some(sync.status.clone()),
        release,
        told,
    }
}

fn tell_completion(sync: &Sync, told: &mut Vec<(&'static str, String, String)>) {
    let succeeded = sync.status.succeeded.unwrap_or_default();
    if sync
        .spec
        .completions
        .is_some_and(|completions| succeeded > completions)
    {
        let message = "Too many succeeded pods running after completion count reached";
        told.push((
            "Warning",
            "TooManySucceededPods".to_owned(),
            message.to_owned(),
        ));
    }
    told.push(("Normal", "Completed".to_owned(), "Job completed".to_owned()));
}

/// Counts pods that were noted and have lost their finalizer.
fn count_released(sync: &mut Sync, held: &HashSet<String>) {
    let status = &mut sync.status;
    let uncounted = status.uncounted_terminated_pods.get_or_insert_default();
    for (uids, count) in [
        (&mut uncounted.succeeded, &mut status.succeeded),
        (&mut uncounted.failed, &mut status.failed),
    ] {
        let Some(list) = uids else {
            continue;
        };
        let before = list.len();
        list.retain(|uid| held.contains(uid));
        let counted = count
            .unwrap_or_default()
            .saturating_add(number(before - list.len()));
        *count = nonzero(counted);
        if list.is_empty() {
            *uids = None;
        }
    }
}

/// Notes pods that have ended. Answers those that lose their finalizer, and whether these are all.
fn note_ended(sync: &mut Sync) -> (Vec<Pod>, bool) {
    let (known_succeeded, known_failed) = (sync.uncounted(false), sync.uncounted(true));
    let mut noted = known_succeeded.len() + known_failed.len();
    let (mut succeeded, mut failed, mut indexes) = (Vec::new(), Vec::new(), Vec::new());
    let mut release = Vec::new();
    let mut complete = true;
    let mut all: Vec<&Pod> = sync.pods.iter().filter(|pod| has_finalizer(pod)).collect();
    if sync.is_indexed() {
        all.sort_by_key(|pod| index(pod).unwrap_or(-1));
    }
    for pod in all {
        let is_failed = sync.is_failed(pod);
        if !may_release(sync, pod, is_failed) {
            continue;
        }
        release.push(pod.clone());
        let uid = meta::uid(pod);
        if pods::phase(pod) == "Succeeded" && !known_failed.contains(uid) {
            if sync.is_indexed() {
                let new = index(pod).filter(|_| sync.is_valid(pod));
                indexes.extend(new.filter(|index| !sync.counted_indexes.has(*index)));
            } else if !known_succeeded.contains(uid) {
                succeeded.push(uid.to_owned());
                noted += 1;
            }
        } else if (is_failed || ends_badly(sync))
            && !known_failed.contains(uid)
            && sync.is_valid(pod)
            && sync.verdict(pod) != Verdict::Ignore
        {
            failed.push(uid.to_owned());
            noted += 1;
        }
        if noted + indexes.len() >= MOST {
            complete = false;
            break;
        }
    }
    if sync.is_indexed() {
        sync.succeeded_indexes = sync.counted_indexes.with(indexes);
        sync.status.succeeded = nonzero(sync.succeeded_indexes.total());
        let text = sync.succeeded_indexes.to_string();
        sync.status.completed_indexes = Some(text).filter(|text| !text.is_empty());
        sync.status.failed_indexes = sync.failed_indexes.as_ref().map(ToString::to_string);
    }
    let uncounted = sync
        .status
        .uncounted_terminated_pods
        .get_or_insert_default();
    if !succeeded.is_empty() {
        uncounted
            .succeeded
            .get_or_insert_default()
            .extend(succeeded);
    }
    if !failed.is_empty() {
        uncounted.failed.get_or_insert_default().extend(failed);
    }
    (release, complete)
}

fn ends_badly(sync: &Sync) -> bool {
    sync.finish
        .as_ref()
        .is_some_and(|finish| finish.type_ != SUCCESS_CRITERIA_MET)
}

fn may_release(sync: &Sync, pod: &Pod, is_failed: bool) -> bool {
    if sync.before.metadata.deletion_timestamp.is_some()
        || sync.finish.is_some()
        || pods::phase(pod) == "Succeeded"
    {
        return true;
    }
    // The last failed pod of an index tells how often it failed, until the next one does.
    let delayed = index(pod).and_then(|index| sync.delayed.get(&index));
    is_failed && delayed.is_none_or(|delayed| meta::uid(delayed) != meta::uid(pod))
}

//! What a Job has come to, given its pods. Pure.

use std::collections::{HashMap, HashSet};

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::batch::v1::{Job, JobCondition, JobSpec, JobStatus};
use k8s_openapi::api::core::v1::Pod;

use super::super::context::time;
use super::super::scaled::number;
use super::super::{meta, pods};
use super::FINALIZER;
use super::backoff::Record;
use super::conditions::{self, FAILED, FAILURE_TARGET, SUCCESS_CRITERIA_MET};
use super::indexes::{Indexes, index};
use super::policy::{self, Verdict, verdict};

pub(super) const FAILURES: &str = "batch.kubernetes.io/job-index-failure-count";
pub(super) const IGNORED_FAILURES: &str = "batch.kubernetes.io/job-index-ignored-failure-count";

/// One look at a Job.
pub(super) struct Sync {
    /// As it is stored
    pub(super) before: Job,
    pub(super) spec: JobSpec,
    pub(super) status: JobStatus,
    pub(super) pods: Vec<Pod>,
    pub(super) now: Timestamp,
    pub(super) active: i32,
    pub(super) ready: i32,
    pub(super) terminating: i32,
    pub(super) succeeded: i32,
    /// What it ends with, if it does
    pub(super) finish: Option<JobCondition>,
    pub(super) record: Record,
    /// Successes known before
    pub(super) counted_indexes: Indexes,
    pub(super) succeeded_indexes: Indexes,
    /// Only where indexes fail one by one
    pub(super) failed_indexes: Option<Indexes>,
    /// The last failed pod of indexes that are tried again, kept until the next one is made
    pub(super) delayed: HashMap<i32, Pod>,
    pub(super) told: Vec<(&'static str, String, String)>,
}

impl Sync {
    pub(super) fn new(job: Job, pods: Vec<Pod>, record: &Record, now: Timestamp) -> Self {
        let spec = job.spec.clone().unwrap_or_default();
        let mut status = job.status.clone().unwrap_or_default();
        status.uncounted_terminated_pods.get_or_insert_default();
        let active = pods.iter().filter(|pod| pods::is_active(pod));
        let ready = active.clone().filter(|pod| pods::is_ready(pod)).count();
        let mut sync = Sync {
            active: number(active.count()),
            ready: number(ready),
            terminating: number(pods.iter().filter(|p| pods::is_terminating_pod(p)).count()),
            before: job,
            spec,
            status,
            pods,
            now,
            succeeded: 0,
            finish: None,
            record: record.clone(),
            counted_indexes: Indexes::default(),
            succeeded_indexes: Indexes::default(),
            failed_indexes: None,
            delayed: HashMap::new(),
            told: Vec::new(),
        };
        if sync.status.start_time.is_none() && !sync.is_suspended() {
            sync.status.start_time = Some(time(now));
        }
        sync.look();
        sync
    }

    pub(super) fn is_indexed(&self) -> bool {
        self.spec.completion_mode.as_deref() == Some("Indexed")
    }

    pub(super) fn is_suspended(&self) -> bool {
        self.spec.suspend == Some(true)
    }

    pub(super) fn completions(&self) -> i32 {
        self.spec.completions.unwrap_or(i32::MAX)
    }

    pub(super) fn limits_each_index(&self) -> bool {
        self.spec.backoff_limit_per_index.is_some()
    }

    /// Whether pods are only replaced once they have ended.
    pub(super) fn only_replaces_failed(&self) -> bool {
        self.spec.pod_replacement_policy.as_deref() == Some("Failed")
            || self.spec.pod_failure_policy.is_some()
    }

    pub(super) fn is_failed(&self, pod: &Pod) -> bool {
        match pods::phase(pod) {
            "Failed" => true,
            "Succeeded" => false,
            _ => !self.only_replaces_failed() && pods::is_deleted(pod),
        }
    }

    pub(super) fn verdict(&self, pod: &Pod) -> Verdict {
        verdict(self.spec.pod_failure_policy.as_ref(), pod)
    }

    /// Whether its index is one of the Job's, where it has indexes.
    pub(super) fn is_valid(&self, pod: &Pod) -> bool {
        !self.is_indexed() || index(pod).is_some_and(|index| index < self.completions())
    }

    /// The uids of pods that have ended and are not counted, by how they ended.
    pub(super) fn uncounted(&self, failed: bool) -> HashSet<String> {
        let uncounted = self.status.uncounted_terminated_pods.as_ref();
        let uids = uncounted.and_then(|pods| {
            if failed {
                pods.failed.as_ref()
            } else {
                pods.succeeded.as_ref()
            }
        });
        uids.into_iter().flatten().cloned().collect()
    }

    /// A pod was deleted.
    pub(super) fn deleted(&mut self, pod: &Pod) {
        self.active -= 1;
        self.terminating += 1;
        self.ready -= i32::from(pods::is_ready(pod));
    }

    fn look(&mut self) {
        let (succeeded, failed) = (self.uncounted(false), self.uncounted(true));
        let ended = |known: &HashSet<String>, has: &dyn Fn(&Pod) -> bool| -> Vec<&Pod> {
            let fresh = |pod: &&Pod| {
                has_finalizer(pod)
                    && !known.contains(meta::uid(*pod))
                    && self.is_valid(pod)
                    && has(pod)
            };
            self.pods.iter().filter(fresh).collect()
        };
        let new_succeeded = ended(&succeeded, &|pod| pods::phase(pod) == "Succeeded");
        let new_failed = ended(&failed, &|pod| self.is_failed(pod));
        let counting = new_failed
            .iter()
            .filter(|pod| self.verdict(pod) != Verdict::Ignore)
            .count();
        let failures = self
            .status
            .failed
            .unwrap_or_default()
            .saturating_add(number(counting + failed.len()));
        let successes = self
            .status
            .succeeded
            .unwrap_or_default()
            .saturating_add(number(new_succeeded.len() + succeeded.len()));
        let record = self.record.after(&new_succeeded, &new_failed);
        self.record = record;
        self.succeeded = successes;
        self.finish = self.ending(failures);
        if self.is_indexed() {
            self.look_at_indexes();
        }
    }

    fn ending(&self, failures: i32) -> Option<JobCondition> {
        if let Some(met) = conditions::holding(&self.status, SUCCESS_CRITERIA_MET) {
            return Some(met.clone());
        }
        if let Some(target) = conditions::holding(&self.status, FAILURE_TARGET) {
            return Some(conditions::retyped(FAILED, target, self.now));
        }
        let by_policy =
            self.pods
                .iter()
                .filter(|pod| self.is_failed(pod))
                .find_map(|pod| match self.verdict(pod) {
                    Verdict::FailJob(message) => Some(message),
                    _ => None,
                });
        if let Some(message) = by_policy {
            return Some(self.failure("PodFailurePolicy", &message));
        }
        if failures > self.spec.backoff_limit.unwrap_or(6) || self.restarts_too_often() {
            let message = "Job has reached the specified backoff limit";
            return Some(self.failure("BackoffLimitExceeded", message));
        }
        if self.deadline().is_some_and(|deadline| deadline <= self.now) {
            let message = "Job was active longer than specified deadline";
            return Some(self.failure("DeadlineExceeded", message));
        }
        None
    }

    fn failure(&self, reason: &str, message: &str) -> JobCondition {
        conditions::new(FAILURE_TARGET, reason, message, self.now)
    }

    /// When it has been active too long.
    pub(super) fn deadline(&self) -> Option<Timestamp> {
        let seconds = self
            .spec
            .active_deadline_seconds
            .filter(|_| !self.is_suspended())?;
        let start = self.status.start_time.as_ref()?.0;
        start.checked_add(SignedDuration::from_secs(seconds)).ok()
    }

    /// Containers that are restarted in place count too.
    fn restarts_too_often(&self) -> bool {
        let template = self.spec.template.spec.as_ref();
        let policy = template.and_then(|spec| spec.restart_policy.as_deref());
        if policy != Some("OnFailure") {
            return false;
        }
        let running = self
            .pods
            .iter()
            .filter(|p| matches!(pods::phase(p), "Running" | "Pending"));
        let statuses = running
            .filter_map(|pod| pod.status.as_ref())
            .flat_map(|status| {
                status
                    .container_statuses
                    .iter()
                    .chain(&status.init_container_statuses)
                    .flatten()
            });
        let restarts = statuses.fold(0_i32, |sum, c| sum.saturating_add(c.restart_count));
        match self.spec.backoff_limit.unwrap_or(6) {
            0 => restarts > 0,
            limit => restarts >= limit,
        }
    }

    fn look_at_indexes(&mut self) {
        let completions = self.completions();
        let known = self.status.completed_indexes.as_deref().unwrap_or_default();
        self.counted_indexes = Indexes::parse(known, completions);
        let valid = self
            .pods
            .iter()
            .filter(|pod| has_finalizer(pod) && self.is_valid(pod));
        let new = valid
            .clone()
            .filter(|pod| pods::phase(pod) == "Succeeded")
            .filter_map(index);
        let succeeded = self.counted_indexes.with(new);
        let failed = self.spec.backoff_limit_per_index.map(|limit| {
            let known = self.status.failed_indexes.as_deref().unwrap_or_default();
            let failed = valid.filter(|pod| self.fails_index(pod, limit));
            Indexes::parse(known, completions).with(failed.filter_map(index))
        });
        self.succeeded = succeeded.total();
        self.succeeded_indexes = succeeded;
        if let Some(failed) = failed {
            self.end_by_failed_indexes(&failed);
            self.delayed = self.delayed_pods(&failed);
            self.failed_indexes = Some(failed);
        }
        if self.finish.is_none() {
            let policy = self.spec.success_policy.as_ref();
            let met = policy::success(policy, completions, &self.succeeded_indexes);
            self.finish = met.map(|message| {
                conditions::new(SUCCESS_CRITERIA_MET, "SuccessPolicy", &message, self.now)
            });
        }
    }

    fn fails_index(&self, pod: &Pod, limit: i32) -> bool {
        self.is_failed(pod)
            && match self.verdict(pod) {
                Verdict::FailIndex => true,
                Verdict::Ignore => false,
                Verdict::Count | Verdict::FailJob(_) => count_of(pod, FAILURES) >= limit,
            }
    }

    fn end_by_failed_indexes(&mut self, failed: &Indexes) {
        if self.finish.is_some() {
            return;
        }
        let total = failed.total();
        if self
            .spec
            .max_failed_indexes
            .is_some_and(|most| total > most)
        {
            let message = "Job has exceeded the specified maximal number of failed indexes";
            self.finish = Some(self.failure("MaxFailedIndexesExceeded", message));
        } else if total > 0 && total + self.succeeded_indexes.total() >= self.completions() {
            self.finish = Some(self.failure("FailedIndexes", "Job has failed indexes"));
        }
    }

    fn delayed_pods(&self, failed: &Indexes) -> HashMap<i32, Pod> {
        let active: HashSet<i32> = self
            .pods
            .iter()
            .filter(|pod| pods::is_active(pod))
            .filter_map(index)
            .collect();
        let mut delayed: HashMap<i32, Pod> = HashMap::new();
        for pod in self
            .pods
            .iter()
            .filter(|p| has_finalizer(p) && self.is_valid(p) && self.is_failed(p))
        {
            let Some(index) = index(pod) else {
                continue;
            };
            if self.succeeded_indexes.has(index) || failed.has(index) || active.contains(&index) {
                continue;
            }
            let later = |known: &Pod| {
                all_failures(known) <= all_failures(pod)
                    && super::backoff::finished_at(pod) >= super::backoff::finished_at(known)
            };
            if delayed.get(&index).is_none_or(later) {
                delayed.insert(index, pod.clone());
            }
        }
        delayed
    }

    /// After pods were made or not: whether all is done, or suspended. Not when a pod could not be
    /// made, as it is then not known what there will be.
    pub(super) fn decide_completion(&mut self, managed: bool) {
        if self.finish.is_some() || !managed {
            return;
        }
        let enough = match self.spec.completions {
            None => self.succeeded > 0,
            Some(completions) => self.succeeded >= completions,
        };
        if enough && self.active == 0 {
            let message = "Reached expected number of succeeded pods";
            let met = conditions::new(
                SUCCESS_CRITERIA_MET,
                "CompletionsReached",
                message,
                self.now,
            );
            self.finish = Some(met);
        } else if self.before.metadata.deletion_timestamp.is_none() {
            self.note_suspension();
        }
    }

    fn note_suspension(&mut self) {
        let suspended = self.is_suspended();
        let (truth, reason, event, message) = match suspended {
            true => ("True", "JobSuspended", "Suspended", "Job suspended"),
            false => ("False", "JobResumed", "Resumed", "Job resumed"),
        };
        let mut condition = conditions::new(conditions::SUSPENDED, reason, message, self.now);
        condition.status = truth.to_owned();
        if conditions::ensure(&mut self.status, condition) {
            self.told
                .push(("Normal", event.to_owned(), message.to_owned()));
            self.status.start_time = (!suspended).then(|| time(self.now));
        }
    }
}

/// Whether a pod waits to be counted.
pub(super) fn has_finalizer(pod: &Pod) -> bool {
    pod.metadata
        .finalizers
        .iter()
        .flatten()
        .any(|finalizer| finalizer == FINALIZER)
}

/// A number in an annotation.
pub(super) fn count_of(pod: &Pod, annotation: &str) -> i32 {
    let text = pod
        .metadata
        .annotations
        .as_ref()
        .and_then(|all| all.get(annotation));
    text.and_then(|text| text.parse().ok())
        .filter(|count| *count >= 0)
        .unwrap_or_default()
}

/// How often an index had failed before this pod.
pub(super) fn all_failures(pod: &Pod) -> i32 {
    count_of(pod, FAILURES).saturating_add(count_of(pod, IGNORED_FAILURES))
}

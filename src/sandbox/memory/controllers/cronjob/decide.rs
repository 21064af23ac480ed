//! When a CronJob starts a Job, and what it makes of those that it started. Pure.

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::batch::v1::{CronJob, CronJobSpec, Job};
use k8s_openapi::api::core::v1::ObjectReference;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use super::super::job::finished;
use super::super::meta;
use super::schedule::Schedule;

/// An Event.
#[derive(Debug, PartialEq)]
pub(super) struct Told {
    pub(super) type_: &'static str,
    pub(super) reason: &'static str,
    pub(super) message: String,
}

impl Told {
    fn normal(reason: &'static str, message: String) -> Self {
        Told {
            type_: "Normal",
            reason,
            message,
        }
    }

    fn warning(reason: &'static str, message: String) -> Self {
        Told {
            type_: "Warning",
            reason,
            message,
        }
    }
}

/// What is due.
#[derive(Debug, PartialEq)]
pub(super) enum Due {
    Nothing,
    /// A Job for this time, after these are deleted
    Start {
        at: Timestamp,
        replacing: Vec<ObjectReference>,
    },
}

/// See [`when`].
#[derive(Debug, PartialEq)]
pub(super) struct Decided {
    pub(super) due: Due,
    pub(super) told: Vec<Told>,
    /// The next time of the schedule
    pub(super) next: Option<Timestamp>,
}

/// The name of the Job for that time.
pub(super) fn job_name(cron: &CronJob, at: Timestamp) -> String {
    format!("{}-{}", meta::name(cron), at.as_second().div_euclid(60))
}

/// Whether a Job is known to run.
pub(super) fn is_active(cron: &CronJob, uid: &str) -> bool {
    let active = cron
        .status
        .iter()
        .flat_map(|status| status.active.iter().flatten());
    active
        .into_iter()
        .any(|reference| reference.uid.as_deref() == Some(uid))
}

/// A Job does not run any more.
pub(super) fn forget(cron: &mut CronJob, uid: &str) {
    if let Some(active) = cron
        .status
        .as_mut()
        .and_then(|status| status.active.as_mut())
    {
        active.retain(|reference| reference.uid.as_deref() != Some(uid));
        if active.is_empty()
            && let Some(status) = &mut cron.status
        {
            status.active = None;
        }
    }
}

/// Jobs that are over beyond the limits of the history, the oldest.
pub(super) fn surplus<'a>(spec: &CronJobSpec, jobs: &'a [Job]) -> Vec<&'a Job> {
    let mut surplus = Vec::new();
    for (type_, limit) in [
        ("Complete", spec.successful_jobs_history_limit),
        ("Failed", spec.failed_jobs_history_limit),
    ] {
        let Some(limit) = limit.and_then(|limit| usize::try_from(limit).ok()) else {
            continue;
        };
        let mut over: Vec<&Job> = jobs
            .iter()
            .filter(|job| finished(job).is_some_and(|c| c.type_ == type_))
            .collect();
        let start = |job: &Job| job.status.as_ref()?.start_time.as_ref().map(|time| time.0);
        over.sort_by(|one, other| {
            let key = |job| (start(job).is_none(), start(job));
            key(one)
                .cmp(&key(other))
                .then_with(|| meta::name(*one).cmp(meta::name(*other)))
        });
        over.truncate(over.len().saturating_sub(limit));
        surplus.append(&mut over);
    }
    surplus
}

/// Takes note of what its Jobs have come to. `missing` says whether one is nowhere.
pub(super) fn follow(
    cron: &mut CronJob,
    jobs: &[Job],
    missing: impl Fn(&ObjectReference) -> bool,
) -> Vec<Told> {
    let mut told = Vec::new();
    for job in jobs {
        let (uid, name) = (meta::uid(job), meta::name(job));
        let active = is_active(cron, uid);
        match finished(job) {
            None if !active => {
                let message =
                    format!("Saw a job that the controller did not create or forgot: {name}");
                told.push(Told::warning("UnexpectedJob", message));
            }
            None => {}
            Some(condition) => {
                if active {
                    forget(cron, uid);
                    let type_ = &condition.type_;
                    let message = format!("Saw completed job: {name}, condition: {type_}");
                    told.push(Told::normal("SawCompletedJob", message));
                }
                if condition.type_ == "Complete" {
                    note_success(cron, job);
                }
            }
        }
    }
    let active = cron
        .status
        .as_ref()
        .and_then(|status| status.active.clone())
        .unwrap_or_default();
    for reference in active {
        let uid = reference.uid.as_deref().unwrap_or_default();
        if jobs.iter().all(|job| meta::uid(job) != uid) && missing(&reference) {
            let name = reference.name.as_deref().unwrap_or_default();
            told.push(Told::normal(
                "MissingJob",
                format!("Active job went missing: {name}"),
            ));
            forget(cron, uid);
        }
    }
    told
}

fn note_success(cron: &mut CronJob, job: &Job) {
    let completed = job
        .status
        .as_ref()
        .and_then(|status| status.completion_time.clone());
    let status = cron.status.get_or_insert_default();
    let at = |time: &Option<Time>| time.as_ref().map(|time| time.0);
    if at(&completed) > at(&status.last_successful_time) {
        status.last_successful_time = completed;
    }
}

/// Decides.
pub(super) fn when(
    cron: &CronJob,
    spec: &CronJobSpec,
    schedule: &Schedule,
    now: Timestamp,
) -> Decided {
    let mut decided = Decided {
        due: Due::Nothing,
        told: Vec::new(),
        next: next(cron, spec, schedule, now),
    };
    let missed = recent(cron, spec, schedule, now, true);
    let Some(at) = missed.last.filter(|at| *at <= now) else {
        return decided;
    };
    if missed.many {
        let message = "too many missed start times. Set or decrease .spec.startingDeadlineSeconds or check clock skew";
        decided
            .told
            .push(Told::warning("TooManyMissedTimes", message.to_owned()));
    }
    let deadline = spec
        .starting_deadline_seconds
        .map(SignedDuration::from_secs);
    if deadline.is_some_and(|deadline| at.checked_add(deadline).is_ok_and(|until| until < now)) {
        let at = at.strftime("%a, %d %b %Y %H:%M:%S +0000");
        let message = format!("Missed scheduled time to start a job: {at}");
        decided.told.push(Told::warning("MissSchedule", message));
        return decided;
    }
    let status = cron.status.clone().unwrap_or_default();
    let active = status.active.unwrap_or_default();
    let name = job_name(cron, at);
    if active
        .iter()
        .any(|reference| reference.name.as_ref() == Some(&name))
        || status.last_schedule_time.is_some_and(|last| last.0 == at)
    {
        return decided;
    }
    let policy = spec.concurrency_policy.as_deref();
    if policy == Some("Forbid") && !active.is_empty() {
        let message =
            "Not starting job because prior execution is running and concurrency policy is Forbid";
        decided
            .told
            .push(Told::normal("JobAlreadyActive", message.to_owned()));
        return decided;
    }
    let replacing = if policy == Some("Replace") {
        active
    } else {
        Vec::new()
    };
    decided.due = Due::Start { at, replacing };
    decided
}

/// Times of the schedule that have passed.
#[derive(Debug)]
struct Missed {
    earliest: Timestamp,
    last: Option<Timestamp>,
    any: bool,
    many: bool,
}

fn recent(
    cron: &CronJob,
    spec: &CronJobSpec,
    schedule: &Schedule,
    now: Timestamp,
    within_deadline: bool,
) -> Missed {
    let created = cron.metadata.creation_timestamp.as_ref().map(|time| time.0);
    let last = cron
        .status
        .as_ref()
        .and_then(|status| status.last_schedule_time.as_ref());
    let mut earliest = last.map(|time| time.0).or(created).unwrap_or(now);
    let deadline = spec.starting_deadline_seconds.filter(|_| within_deadline);
    if let Some(start) =
        deadline.and_then(|seconds| now.checked_sub(SignedDuration::from_secs(seconds)).ok())
    {
        earliest = earliest.max(start);
    }
    let mut missed = Missed {
        earliest,
        last: None,
        any: false,
        many: false,
    };
    let Some(first) = schedule.next(earliest).filter(|first| *first <= now) else {
        return missed;
    };
    let Some(second) = schedule.next(first).filter(|second| *second <= now) else {
        missed.last = Some(first);
        return missed;
    };
    let between = second.duration_since(first).as_secs().max(1);
    let count = now.duration_since(first).as_secs() / between + 1;
    missed.any = count > 0;
    missed.many = count > 100;
    // Near the end, if times are evenly apart; where they are not, a few more steps are needed.
    let skip = SignedDuration::from_secs((count - 2).saturating_mul(between));
    let mut time = first.checked_add(skip).unwrap_or(first);
    while let Some(next) = schedule.next(time).filter(|next| *next <= now) {
        missed.last = Some(next);
        time = next;
    }
    missed
}

fn next(
    cron: &CronJob,
    spec: &CronJobSpec,
    schedule: &Schedule,
    now: Timestamp,
) -> Option<Timestamp> {
    let missed = recent(cron, spec, schedule, now, false);
    let from = missed
        .last
        .unwrap_or(if missed.any { now } else { missed.earliest });
    schedule.next(from)
}

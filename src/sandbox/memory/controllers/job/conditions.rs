//! Conditions of a Job.

use jiff::Timestamp;
use k8s_openapi::api::batch::v1::{Job, JobCondition, JobStatus};

use super::super::context::time;

pub(super) const COMPLETE: &str = "Complete";
pub(super) const FAILED: &str = "Failed";
pub(super) const FAILURE_TARGET: &str = "FailureTarget";
pub(super) const SUCCESS_CRITERIA_MET: &str = "SuccessCriteriaMet";
pub(super) const SUSPENDED: &str = "Suspended";

/// A condition that holds, as of now.
pub(super) fn new(type_: &str, reason: &str, message: &str, now: Timestamp) -> JobCondition {
    JobCondition {
        type_: type_.to_owned(),
        status: "True".to_owned(),
        reason: Some(reason.to_owned()).filter(|reason| !reason.is_empty()),
        message: Some(message.to_owned()).filter(|message| !message.is_empty()),
        last_probe_time: Some(time(now)),
        last_transition_time: Some(time(now)),
    }
}

/// The same condition under another type, as of now.
pub(super) fn retyped(type_: &str, condition: &JobCondition, now: Timestamp) -> JobCondition {
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    new(
        type_,
        &text(&condition.reason),
        &text(&condition.message),
        now,
    )
}

/// The condition of that type, if it holds.
pub(super) fn holding<'a>(status: &'a JobStatus, type_: &str) -> Option<&'a JobCondition> {
    let mut conditions = status.conditions.iter().flatten();
    conditions.find(|condition| condition.type_ == type_ && condition.status == "True")
}

/// Puts a condition in place of the one of its type. One that does not hold is not added. Answers
/// whether that changed anything.
pub(super) fn ensure(status: &mut JobStatus, condition: JobCondition) -> bool {
    let conditions = status.conditions.get_or_insert_default();
    let changed = match conditions
        .iter_mut()
        .find(|known| known.type_ == condition.type_)
    {
        Some(known) => {
            let same = known.status == condition.status
                && known.reason == condition.reason
                && known.message == condition.message;
            if !same {
                *known = condition;
            }
            !same
        }
        None if condition.status == "False" => false,
        None => {
            conditions.push(condition);
            true
        }
    };
    if conditions.is_empty() {
        status.conditions = None;
    }
    changed
}

/// Whether nothing more will happen to a Job.
pub(super) fn is_finished(job: &Job) -> bool {
    finished(job).is_some()
}

/// The condition that says that a Job is over.
pub(in super::super) fn finished(job: &Job) -> Option<&JobCondition> {
    let status = job.status.as_ref()?;
    holding(status, COMPLETE).or_else(|| holding(status, FAILED))
}

//! What is wrong with a Job's status (`ValidateJobStatusUpdate`, with the options that
//! `getStatusValidationOptions` sets): most rules hold only for what the write changes.

use serde_json::Value;

use super::super::check;
use super::super::read::{at, flag, given, int, items, number, text, texts};
use super::indexes;
use crate::sandbox::memory::field::{FieldError, Path};

/// Whether the Job has this condition, and it is true.
pub(super) fn has_condition(job: &Value, type_: &str) -> bool {
    condition(job, type_) == "True"
}

fn condition<'a>(job: &'a Value, type_: &str) -> &'a str {
    let mut conditions = items(job, "status.conditions").iter();
    let found = conditions.find(|condition| text(condition, "type") == type_);
    found
        .map(|condition| text(condition, "status"))
        .unwrap_or_default()
}

/// See the module.
pub(super) fn validate_update(job: &Value, old: &Value) -> Vec<FieldError> {
    let status = Status { job, old };
    let mut errors = status.counts();
    errors.extend(status.uncounted());
    errors.extend(status.outcome());
    errors.extend(status.finished());
    errors.extend(status.indexes());
    errors.extend(status.success());
    errors.extend(status.steps());
    errors
}

struct Status<'a> {
    job: &'a Value,
    old: &'a Value,
}

fn path(field: &str) -> Path {
    Path::new("status").child(field)
}

fn wrong_conditions(words: &str) -> FieldError {
    check::invalid_whole(&path("conditions"), words)
}

impl Status<'_> {
    fn field(&self, field: &str) -> &Value {
        at(at(self.job, "status"), field)
    }

    fn is(&self, type_: &str) -> bool {
        has_condition(self.job, type_)
    }

    fn was(&self, type_: &str) -> bool {
        has_condition(self.old, type_)
    }

    fn is_finished(&self) -> bool {
        self.is("Complete") || self.is("Failed")
    }

    fn has_condition_changed(&self, type_: &str) -> bool {
        self.is(type_) != self.was(type_)
    }

    fn has_finished(&self) -> bool {
        self.is_finished() != (self.was("Complete") || self.was("Failed"))
    }

    fn has_changed(&self, field: &str) -> bool {
        !super::super::read::same(self.field(field), at(at(self.old, "status"), field))
    }

    fn is_indexed(&self) -> bool {
        text(self.job, "spec.completionMode") == "Indexed"
    }

    fn invalid(&self, field: &str, words: impl Into<String>) -> FieldError {
        let value = match field {
            "active" | "failed" | "succeeded" => int(at(self.job, "status"), field).into(),
            _ => self.field(field).clone(),
        };
        FieldError::invalid(&path(field), value, words)
    }

    fn counts(&self) -> Vec<FieldError> {
        let counts = ["active", "succeeded", "failed", "ready", "terminating"];
        check::nonnegatives(at(self.job, "status"), &counts, &Path::new("status"))
    }

    fn uncounted(&self) -> Vec<FieldError> {
        let mut errors = Vec::new();
        let mut seen = std::collections::HashSet::new();
        for list in ["succeeded", "failed"] {
            let list_path = path("uncountedTerminatedPods").child(list);
            let uids = texts(self.field("uncountedTerminatedPods"), list);
            for (index, uid) in uids.into_iter().enumerate() {
                let path = list_path.index(index);
                if uid.is_empty() {
                    errors.push(FieldError::invalid(&path, uid, "must not be empty"));
                } else if !seen.insert(uid) {
                    errors.push(FieldError::duplicate(&path, uid));
                }
            }
        }
        errors
    }

    fn outcome(&self) -> Vec<FieldError> {
        let mut errors = Vec::new();
        let complete = self.is("Complete");
        let has_completed = self.has_condition_changed("Complete");
        let is_timed = given(self.job, "status.completionTime").is_some();
        if (has_completed || self.has_condition_changed("Failed")) && complete && self.is("Failed")
        {
            errors.push(wrong_conditions(
                "cannot set Complete=True and Failed=true conditions",
            ));
        }
        if (has_completed || self.has_condition_changed("FailureTarget"))
            && complete
            && self.is("FailureTarget")
        {
            errors.push(wrong_conditions(
                "cannot set Complete=True and FailureTarget=true conditions",
            ));
        }
        if has_completed || self.has_changed("completionTime") {
            if is_timed && !complete {
                let words = "cannot set completionTime when there is no Complete=True condition";
                errors.push(self.invalid("completionTime", words));
            }
            if !is_timed && complete {
                let words = "completionTime is required for Complete jobs";
                errors.push(FieldError::required(&path("completionTime"), words));
            }
        }
        if self.has_changed("startTime") || self.has_changed("completionTime") {
            // Times are of one form, in seconds and UTC: their order is that of their letters.
            let (start, end) = (
                self.field("startTime").as_str(),
                self.field("completionTime").as_str(),
            );
            if start.zip(end).is_some_and(|(start, end)| end < start) {
                errors
                    .push(self.invalid("completionTime", "must be equal to or after `startTime`"));
            }
        }
        if (self.has_condition_changed("Failed") || self.has_changed("failedIndexes"))
            && self.is("Failed")
            && !self.is("FailureTarget")
        {
            errors.push(wrong_conditions(
                "cannot set Failed=True condition without the FailureTarget=true condition",
            ));
        }
        if (has_completed || self.has_condition_changed("SuccessCriteriaMet"))
            && complete
            && !self.is("SuccessCriteriaMet")
        {
            errors.push(wrong_conditions(
                "cannot set Complete=True condition without the SuccessCriteriaMet=true condition",
            ));
        }
        errors
    }

    fn finished(&self) -> Vec<FieldError> {
        let mut errors = Vec::new();
        let (finished, has_finished) = (self.is_finished(), self.has_finished());
        if !finished {
            return errors;
        }
        if (has_finished || self.has_changed("active")) && int(self.job, "status.active") > 0 {
            errors.push(self.invalid("active", "active>0 is invalid for finished job"));
        }
        let has_nothing_to_do =
            flag(self.job, "spec.suspend") && number(self.job, "spec.completions") == Some(0);
        if (has_finished || self.has_changed("startTime"))
            && !has_nothing_to_do
            && self.field("startTime").is_null()
        {
            let words = "startTime is required for finished job";
            errors.push(FieldError::required(&path("startTime"), words));
        }
        let uncounted = self.field("uncountedTerminatedPods");
        let is_uncounted = ["succeeded", "failed"]
            .iter()
            .any(|l| !items(uncounted, l).is_empty());
        if (has_finished || self.has_changed("uncountedTerminatedPods")) && is_uncounted {
            // The internal type is shown, whose fields have the names that they have in Go.
            let shown = serde_json::json!({
                "Succeeded": at(uncounted, "succeeded"), "Failed": at(uncounted, "failed"),
            });
            let words = "must be empty for finished job";
            errors.push(FieldError::invalid(
                &path("uncountedTerminatedPods"),
                shown,
                words,
            ));
        }
        errors
    }

    fn indexes(&self) -> Vec<FieldError> {
        let mut errors = Vec::new();
        let completions = number(self.job, "spec.completions");
        let completed = text(self.job, "status.completedIndexes");
        let failed = self.field("failedIndexes").as_str();
        let per_index = given(self.job, "spec.backoffLimitPerIndex").is_some();
        let (completed_changed, failed_changed) = (
            self.has_changed("completedIndexes"),
            self.has_changed("failedIndexes"),
        );
        let parsed = |field: &str, text: &str| {
            let error = indexes::count(text, completions?).err()?;
            let words = format!("error parsing {field}: {error}");
            Some(FieldError::invalid(&path(field), text, words))
        };
        if completed_changed {
            errors.extend(parsed("completedIndexes", completed));
        }
        if failed_changed && per_index {
            errors.extend(failed.and_then(|failed| parsed("failedIndexes", failed)));
        }
        if completed_changed && !completed.is_empty() && !self.is_indexed() {
            let words = "cannot set non-empty completedIndexes when non-indexed completion mode";
            errors.push(self.invalid("completedIndexes", words));
        }
        if failed_changed && failed.is_some() && !per_index {
            let words = "cannot set non-null failedIndexes when backoffLimitPerIndex is null";
            errors.push(self.invalid("failedIndexes", words));
        }
        if (completed_changed || failed_changed)
            && let (Some(failed), Some(completions)) = (failed, completions)
            && let Some(words) = indexes::overlap(completed, failed, completions)
        {
            errors.push(self.invalid("failedIndexes", words));
        }
        if (self.has_finished() || self.has_changed("terminating"))
            && self.is_finished()
            && int(self.job, "status.terminating") > 0
        {
            errors.push(self.invalid("terminating", "terminating>0 is invalid for finished job"));
        }
        if (self.has_changed("ready") || self.has_changed("active"))
            && number(self.job, "status.ready").is_some_and(|n| n > int(self.job, "status.active"))
        {
            errors.push(self.invalid("ready", "cannot set more ready pods than active"));
        }
        errors
    }

    fn success(&self) -> Vec<FieldError> {
        let mut errors = Vec::new();
        let is_met = self.is("SuccessCriteriaMet");
        if is_met && self.is("Failed") {
            let words = "cannot set SuccessCriteriaMet=True and Failed=true conditions";
            errors.push(wrong_conditions(words));
        }
        if is_met && self.is("FailureTarget") {
            let words = "cannot set SuccessCriteriaMet=True and FailureTarget=true conditions";
            errors.push(wrong_conditions(words));
        }
        if given(self.job, "spec.successPolicy").is_some() && !is_met && self.is("Complete") {
            errors.push(wrong_conditions(
                "cannot set Complete=True for Job with SuccessPolicy unless SuccessCriteriaMet=True",
            ));
        }
        errors
    }

    /// What a write may not undo.
    fn steps(&self) -> Vec<FieldError> {
        let mut errors = Vec::new();
        for type_ in ["Failed", "Complete", "FailureTarget"] {
            if self.was(type_) && !self.is(type_) {
                let words = format!("cannot disable the terminal {type_}=True condition");
                errors.push(wrong_conditions(&words));
            }
        }
        let has_fallen = |field: &str| int(self.job, field) < int(self.old, field);
        if has_fallen("status.failed") {
            errors.push(self.invalid("failed", "cannot decrease the failed counter"));
        }
        let is_elastic = self.is_indexed()
            && number(self.job, "spec.completions") == number(self.job, "spec.parallelism");
        if !is_elastic && has_fallen("status.succeeded") {
            errors.push(self.invalid("succeeded", "cannot decrease the succeeded counter"));
        }
        let was_set = |field: &str| given(self.old, &format!("status.{field}")).is_some();
        if was_set("completionTime")
            && self.has_changed("completionTime")
            && !self.field("completionTime").is_null()
        {
            errors.push(self.invalid("completionTime", "field is immutable"));
        }
        let is_resuming = self.was("Suspended") && condition(self.job, "Suspended") == "False";
        if self.has_changed("startTime")
            && !is_resuming
            && was_set("startTime")
            && !flag(self.job, "spec.suspend")
        {
            let words = "field is immutable for unsuspended job once set";
            errors.push(self.invalid("startTime", words));
        }
        let (met, was_met) = (
            self.is("SuccessCriteriaMet"),
            self.was("SuccessCriteriaMet"),
        );
        if was_met && !met {
            errors.push(wrong_conditions(
                "cannot disable the SuccessCriteriaMet=True condition",
            ));
        }
        if self.was("Complete") && !was_met && met {
            errors.push(wrong_conditions(
                "cannot set SuccessCriteriaMet=True for Job already has Complete=true conditions",
            ));
        }
        errors
    }
}

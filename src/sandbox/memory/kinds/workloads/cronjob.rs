//! CronJob: `pkg/apis/batch` and `pkg/registry/batch/cronjob`.

use serde_json::Value;

use super::read::{at, fill, fill_text, flag, given, slot, text};
use super::{check, job::spec as job_spec, schedule, template, timezone};
use crate::sandbox::memory::field::{FieldError, Path};
use crate::sandbox::memory::kinds::{Kind, Write, meta};

/// Names of Jobs are those of their CronJob with 11 characters behind, and 63 are the most.
const NAME_MAX: usize = 52;

/// See the module.
pub(crate) struct CronJob;

impl Kind for CronJob {
    fn default(&self, object: &mut Value) {
        template::default(object, "spec.jobTemplate.spec.template");
        fill_text(object, "spec.concurrencyPolicy", "Allow");
        fill(object, "spec.suspend", false);
        fill(object, "spec.successfulJobsHistoryLimit", 3);
        fill(object, "spec.failedJobsHistoryLimit", 1);
        if let Some(spec) = slot(object, "spec.jobTemplate.spec") {
            job_spec::default_patterns(spec);
        }
    }

    fn validate_create(&self, object: &Value) -> Vec<FieldError> {
        let mut errors = meta::validate_create(object, true, meta::dns_subdomain);
        errors.extend(validate_spec(at(object, "spec"), None));
        let name = text(object, "metadata.name");
        if name.len() > NAME_MAX {
            let words = format!("must be no more than {NAME_MAX} characters");
            errors.push(FieldError::invalid(
                &Path::new("metadata.name"),
                name,
                words,
            ));
        }
        errors
    }

    fn validate_update(&self, write: Write<'_>, object: &Value, old: &Value) -> Vec<FieldError> {
        if write.subresource == "status" {
            return meta::common_update(object, old);
        }
        let mut errors = meta::validate_update(object, old);
        errors.extend(validate_spec(at(object, "spec"), Some(at(old, "spec"))));
        errors
    }

    fn warnings(&self, object: &Value, old: Option<&Value>) -> Vec<String> {
        let mut warnings = Vec::new();
        if old.is_none() {
            warnings.extend(check::pod_name_warning(object));
        }
        let spec = "spec.jobTemplate.spec";
        if old.is_none_or(|old| at(old, "spec") != at(object, "spec")) {
            warnings.extend(job_spec::size_warning(at(object, spec), &Path::new(spec)));
            let template = "spec.jobTemplate.spec.template";
            warnings.extend(template::warnings_at(object, old, template));
        }
        if old.is_some() && text(object, "spec.schedule").contains("TZ") {
            warnings.push(
                "cannot use TZ or CRON_TZ in spec.spec.schedule, use timeZone instead, see \
                 https://kubernetes.io/docs/concepts/workloads/controllers/cron-jobs/ for more details"
                    .to_owned(),
            );
        }
        warnings
    }

    fn has_generation(&self) -> bool {
        true
    }
}

fn validate_spec(spec: &Value, old: Option<&Value>) -> Vec<FieldError> {
    let path = Path::new("spec");
    let mut errors = Vec::new();
    let zone = at(spec, "timeZone");
    let schedule = text(spec, "schedule");
    let schedule_path = path.child("schedule");
    if schedule.is_empty() {
        errors.push(FieldError::required(&schedule_path, ""));
    } else {
        let had_zone = old.is_some_and(|old| text(old, "schedule").contains("TZ"));
        let wrong = |words: &str| FieldError::invalid(&schedule_path, schedule, words);
        errors.extend(schedule::check(schedule).err().map(|error| wrong(&error)));
        match (had_zone, schedule.contains("TZ")) {
            (true, true) if !zone.is_null() => errors.push(wrong(
                "cannot use both timeZone field and TZ or CRON_TZ in schedule",
            )),
            (false, true) => errors.push(wrong(
                "cannot use TZ or CRON_TZ in schedule, use timeZone field instead",
            )),
            _ => {}
        }
    }
    errors.extend(check::nonnegatives(
        spec,
        &["startingDeadlineSeconds"],
        &path,
    ));
    if old.is_none_or(|old| at(old, "timeZone") != zone) {
        errors.extend(timezone::validate(zone, &path.child("timeZone")));
    }
    let policies = ["Allow", "Forbid", "Replace"];
    let policy_path = path.child("concurrencyPolicy");
    match text(spec, "concurrencyPolicy") {
        "" => errors.push(FieldError::required(&policy_path, "")),
        policy if policies.contains(&policy) => {}
        policy => errors.push(FieldError::not_supported(&policy_path, policy, &policies)),
    }
    errors.extend(validate_jobs(
        at(spec, "jobTemplate.spec"),
        &path.child("jobTemplate.spec"),
    ));
    let limits = ["successfulJobsHistoryLimit", "failedJobsHistoryLimit"];
    errors.extend(check::nonnegatives(spec, &limits, &path));
    errors
}

fn validate_jobs(spec: &Value, path: &Path) -> Vec<FieldError> {
    let mut errors = job_spec::validate(spec, path);
    if let Some(selector) = given(spec, "selector") {
        errors.push(FieldError::invalid(
            &path.child("selector"),
            check::shown_selector(selector),
            "`selector` will be auto-generated",
        ));
    }
    if flag(spec, "manualSelector") {
        let path = path.child("manualSelector");
        errors.push(FieldError::not_supported(&path, true, &["nil", "false"]));
    }
    errors
}

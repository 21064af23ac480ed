//! CronJobs: a Job at each of certain times (`pkg/controller/cronjob`).
//!
//! Without `spec.timeZone`, times are those of UTC; kube-controller-manager takes its own zone.

mod decide;
mod schedule;

use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use k8s_openapi::api::batch::v1::{CronJob, CronJobSpec, Job};
use k8s_openapi::api::core::v1::ObjectReference;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, Time};

use crate::sandbox::memory::status::Status;

use super::cluster::{Delete, Gvr};
use super::context::{Again, Context, Controller, Name, is_terminating};
use super::events::Involved;
use super::index::{Index, Kind, Seen};
use super::meta;
use super::ownership::Owner;
use super::queue::later;

use decide::{Due, Told, follow, surplus, when};
use schedule::Schedule;

const COMPONENT: &str = "cronjob-controller";
const SCHEDULED_AT: &str = "batch.kubernetes.io/cronjob-scheduled-timestamp";
/// It is looked at a little after the time, as in Kubernetes, so that clocks may differ.
const DELTA: Duration = Duration::from_millis(100);

/// The controller of CronJobs.
pub(super) struct CronJobs;

impl Controller for CronJobs {
    fn due(&mut self, seen: &Seen<'_>, _index: &Index, due: &mut dyn FnMut(Name)) {
        match seen.kind {
            Kind::CronJob if !seen.gone() => due(Name::new(seen.namespace(), seen.name())),
            Kind::Job => {
                for name in seen.controllers("batch", "CronJob") {
                    due(Name::new(seen.namespace(), name));
                }
            }
            _ => {}
        }
    }

    fn reconcile(&mut self, cx: &mut Context<'_>, name: &Name) -> Result<Again, Status> {
        let Some(mut cron) = cx.cluster.typed::<CronJob>(&name.namespace, &name.name) else {
            return Ok(None);
        };
        let spec = cron.spec.clone();
        let before = cron.status.clone().unwrap_or_default();
        let about = Involved::of(&cron);
        let jobs = cx
            .cluster
            .controlled::<Job>(&name.namespace, meta::uid(&cron));
        for job in surplus(&spec, &jobs) {
            delete(cx, &about, &mut cron, job);
        }
        let missing = |reference: &ObjectReference| {
            let name = reference.name.as_deref().unwrap_or_default();
            cx.cluster
                .typed::<Job>(reference.namespace.as_deref().unwrap_or_default(), name)
                .is_none()
        };
        let told = follow(&mut cron, &jobs, missing);
        for told in told {
            tell(cx, &about, &told);
        }
        let started = self.start_if_due(cx, &about, &mut cron, &spec);
        if cron.status.clone().unwrap_or_default() != before {
            cx.cluster.update_typed("status", &cron)?;
        }
        started
    }
}

impl CronJobs {
    fn start_if_due(
        &self,
        cx: &mut Context<'_>,
        about: &Involved,
        cron: &mut CronJob,
        spec: &CronJobSpec,
    ) -> Result<Again, Status> {
        if cron.metadata.deletion_timestamp.is_some() {
            return Ok(None);
        }
        let zone = match spec.time_zone.as_deref().map(TimeZone::get) {
            None => TimeZone::UTC,
            Some(Ok(zone)) => zone,
            Some(Err(problem)) => {
                let zone = spec.time_zone.as_deref().unwrap_or_default();
                let message = format!("invalid timeZone: {zone:?}: {problem}");
                cx.warning(COMPONENT, about, "UnknownTimeZone", &message);
                return Ok(None);
            }
        };
        if spec.suspend == Some(true) {
            return Ok(None);
        }
        let schedule = match Schedule::parse(&spec.schedule, zone) {
            Ok(schedule) => schedule,
            Err(problem) => {
                let message = format!("unparseable schedule: {:?} : {problem}", spec.schedule);
                cx.warning(COMPONENT, about, "UnparseableSchedule", &message);
                return Ok(None);
            }
        };
        let decided = when(cron, spec, &schedule, cx.now);
        for told in &decided.told {
            tell(cx, about, told);
        }
        let again = decided.next.map(|next| later(next, DELTA));
        let Due::Start { at, replacing } = decided.due else {
            return Ok(again);
        };
        for reference in replacing {
            let name = reference.name.as_deref().unwrap_or_default();
            let job = cx.cluster.typed::<Job>(meta::namespace(cron), name);
            let job = job.ok_or_else(|| Status::not_found("batch", "jobs", name));
            let job = match job {
                Ok(job) => job,
                Err(problem) => {
                    cx.warning(
                        COMPONENT,
                        about,
                        "FailedGet",
                        &format!("Get job: {problem}"),
                    );
                    return Err(problem);
                }
            };
            if !delete(cx, about, cron, &job) {
                let (namespace, name) = (meta::namespace(&job), meta::name(&job));
                return Err(Status::internal(format!(
                    "could not replace job {namespace}/{name}"
                )));
            }
        }
        self.start(cx, about, cron, spec, &schedule, at)?;
        Ok(again)
    }

    fn start(
        &self,
        cx: &mut Context<'_>,
        about: &Involved,
        cron: &mut CronJob,
        spec: &CronJobSpec,
        schedule: &Schedule,
        at: Timestamp,
    ) -> Result<(), Status> {
        let job = new_job(cron, spec, schedule, at);
        let job = match cx.cluster.create_typed(&job) {
            Ok(made) => {
                let message = format!("Created job {}", meta::name(&made));
                cx.normal(COMPONENT, about, "SuccessfulCreate", &message);
                made
            }
            Err(problem) if problem.reason == "AlreadyExists" => {
                let found = cx
                    .cluster
                    .typed::<Job>(meta::namespace(cron), meta::name(&job));
                let found = found.ok_or(problem)?;
                let owner = meta::controller_of(&found.metadata);
                let mine = owner.is_some_and(|owner| owner.uid == meta::uid(cron));
                if !mine || decide::is_active(cron, meta::uid(&found)) {
                    return Ok(());
                }
                found
            }
            Err(problem) => {
                if !is_terminating(&problem) {
                    let message = format!("Error creating job: {problem}");
                    cx.warning(COMPONENT, about, "FailedCreate", &message);
                }
                return Err(problem);
            }
        };
        let status = cron.status.get_or_insert_default();
        status.active.get_or_insert_default().push(ObjectReference {
            api_version: Some("batch/v1".to_owned()),
            kind: Some("Job".to_owned()),
            name: job.metadata.name.clone(),
            namespace: job.metadata.namespace.clone(),
            resource_version: job.metadata.resource_version.clone(),
            uid: job.metadata.uid.clone(),
            field_path: None,
        });
        status.last_schedule_time = Some(Time(at));
        Ok(())
    }
}

fn tell(cx: &mut Context<'_>, about: &Involved, told: &Told) {
    let Told {
        type_,
        reason,
        message,
    } = told;
    match *type_ {
        "Warning" => cx.warning(COMPONENT, about, reason, message),
        _ => cx.normal(COMPONENT, about, reason, message),
    }
}

/// Whether it went well.
fn delete(cx: &mut Context<'_>, about: &Involved, cron: &mut CronJob, job: &Job) -> bool {
    let how = Delete {
        uid: job.metadata.uid.as_deref(),
        ..Delete::default()
    };
    let (namespace, name) = (meta::namespace(job), meta::name(job));
    if let Err(problem) = cx.cluster.delete(&Gvr::of::<Job>(), namespace, name, how) {
        cx.warning(
            COMPONENT,
            about,
            "FailedDelete",
            &format!("Deleted job: {problem}"),
        );
        return false;
    }
    decide::forget(cron, meta::uid(job));
    cx.normal(
        COMPONENT,
        about,
        "SuccessfulDelete",
        &format!("Deleted job {name}"),
    );
    true
}

fn new_job(cron: &CronJob, spec: &CronJobSpec, schedule: &Schedule, at: Timestamp) -> Job {
    let template = spec.job_template.metadata.clone().unwrap_or_default();
    let owner = Owner::of(cron);
    let mut annotations = template.annotations.unwrap_or_default();
    annotations.insert(SCHEDULED_AT.to_owned(), schedule.text(at));
    Job {
        metadata: ObjectMeta {
            name: Some(decide::job_name(cron, at)),
            namespace: Some(owner.namespace),
            labels: template.labels,
            annotations: Some(annotations),
            owner_references: Some(vec![owner.reference]),
            ..ObjectMeta::default()
        },
        spec: spec.job_template.spec.clone(),
        status: None,
    }
}

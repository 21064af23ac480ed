//! Deletes Jobs some time after they are over (`pkg/controller/ttlafterfinished`).

use jiff::SignedDuration;
use k8s_openapi::api::batch::v1::Job;

use crate::sandbox::memory::status::Status;

use super::super::cluster::{Delete, Gvr, Propagation};
use super::super::context::{Again, Context, Controller, Name, unless_gone};
use super::super::index::{Index, Kind, Seen};
use super::super::meta;
use super::conditions::finished;

/// The controller of Jobs that are over.
pub(in super::super) struct Finished;

impl Controller for Finished {
    fn due(&mut self, seen: &Seen<'_>, _index: &Index, due: &mut dyn FnMut(Name)) {
        let limited = seen.change.object["spec"]["ttlSecondsAfterFinished"].is_number();
        if seen.kind == Kind::Job && !seen.gone() && limited {
            due(Name::new(seen.namespace(), seen.name()));
        }
    }

    fn reconcile(&mut self, cx: &mut Context<'_>, name: &Name) -> Result<Again, Status> {
        let Some(job) = cx.cluster.typed::<Job>(&name.namespace, &name.name) else {
            return Ok(None);
        };
        let Some(expires) = expires(&job) else {
            return Ok(None);
        };
        if expires > cx.now {
            return Ok(Some(expires));
        }
        let how = Delete {
            uid: job.metadata.uid.as_deref(),
            propagation: Propagation::Foreground,
            ..Delete::default()
        };
        let resource = Gvr::of::<Job>();
        unless_gone(
            cx.cluster
                .delete(&resource, &name.namespace, meta::name(&job), how),
        )?;
        Ok(None)
    }
}

/// When a Job is to go, once it is over.
fn expires(job: &Job) -> Option<jiff::Timestamp> {
    let seconds = job.spec.as_ref()?.ttl_seconds_after_finished?;
    if job.metadata.deletion_timestamp.is_some() {
        return None;
    }
    let finished = finished(job)?.last_transition_time.as_ref()?.0;
    finished
        .checked_add(SignedDuration::from_secs(i64::from(seconds)))
        .ok()
}

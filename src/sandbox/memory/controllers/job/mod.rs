//! Jobs: pods until enough have succeeded (`pkg/controller/job`).
//!
//! Every pod has a finalizer, so that it is counted, in `status.uncountedTerminatedPods` first,
//! before it may go.

mod backoff;
mod conditions;
mod indexes;
mod manage;
mod pod;
mod policy;
mod sync;
mod track;
mod ttl;

use std::collections::HashMap;

use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::Pod;
use serde_json::json;

use crate::sandbox::memory::status::Status;

use super::cluster::Gvr;
use super::context::{Again, Context, Controller, Name, is_terminating, unless_gone};
use super::events::Involved;
use super::index::{Index, Kind, Seen};
use super::ownership::{Owner, Rule, claim, labels_of};
use super::{meta, pods, selector};

use backoff::Record;
use manage::{Work, work};
use sync::Sync;
use track::track;

pub(super) use conditions::finished;
pub(super) use ttl::Finished;

const COMPONENT: &str = "job-controller";
pub(super) const CONTROLLER_NAME: &str = "kubernetes.io/job-controller";
const FINALIZER: &str = "batch.kubernetes.io/job-tracking";

/// The controller of Jobs.
#[derive(Debug, Default)]
pub(super) struct Jobs {
    /// How pods have failed lately, by the Job's uid
    backoff: HashMap<String, Record>,
}

impl Controller for Jobs {
    fn due(&mut self, seen: &Seen<'_>, index: &Index, due: &mut dyn FnMut(Name)) {
        let namespace = seen.namespace();
        match seen.kind {
            Kind::Job if seen.gone() => {
                self.backoff.remove(meta::text(&seen.change.object, "uid"));
            }
            Kind::Job => due(Name::new(namespace, seen.name())),
            Kind::Pod => {
                for name in seen.controllers("batch", "Job") {
                    due(Name::new(namespace, name));
                }
                if seen.gone() {
                    return;
                }
                if seen.after.controller.is_none() {
                    for name in index.selecting(Kind::Job, namespace, &seen.after.labels) {
                        due(Name::new(namespace, &name));
                    }
                }
                let held = meta::finalizers(&seen.change.object).contains(&FINALIZER);
                if held && (seen.after.controller.is_none() || seen.after.deleted) {
                    due(Name::of(&seen.change.key));
                }
            }
            _ => {}
        }
    }

    fn reconcile(&mut self, cx: &mut Context<'_>, name: &Name) -> Result<Again, Status> {
        if name.resource.is_some() {
            return release_orphan(cx, name);
        }
        let Some(job) = cx.cluster.typed::<Job>(&name.namespace, &name.name) else {
            return Ok(None);
        };
        let managed_by = job
            .spec
            .as_ref()
            .and_then(|spec| spec.managed_by.as_deref());
        if managed_by.is_some_and(|by| by != CONTROLLER_NAME) {
            return Ok(None);
        }
        let uid = meta::uid(&job).to_owned();
        if conditions::is_finished(&job) {
            self.backoff.remove(&uid);
            return Ok(None);
        }
        let wanted = job.spec.as_ref().and_then(|spec| spec.selector.clone());
        let Some(wanted) = wanted.filter(|wanted| !selector::is_empty(wanted)) else {
            // It would take every pod; the server gives each Job a selector.
            return Ok(None);
        };
        let rule = Rule {
            kind: Kind::Pod,
            matches: &|pod: &Pod| selector::matches(&wanted, &labels_of(pod)),
            open: &|_| true,
            finalizer: Some(FINALIZER),
        };
        let pods = claim(cx, &Owner::of(&job), &rule)?;
        let record = self.backoff.get(&uid).cloned().unwrap_or_default();
        let mut sync = Sync::new(job, pods, &record, cx.now);
        let work = work(&mut sync);
        let again = work.again;
        let worked = carry_out(cx, &mut sync, work);
        let conclusion = track(&mut sync);
        if conclusion.status != sync.before.status {
            let mut changed = sync.before.clone();
            changed.status = conclusion.status;
            cx.cluster.update_typed("status", &changed)?;
            self.backoff.insert(uid, sync.record.clone());
        }
        let about = Involved::of(&sync.before);
        for (type_, reason, message) in conclusion.told {
            match type_ {
                "Warning" => cx.warning(COMPONENT, &about, &reason, &message),
                _ => cx.normal(COMPONENT, &about, &reason, &message),
            }
        }
        for pod in &conclusion.release {
            drop_finalizer(cx, pod)?;
        }
        worked?;
        Ok(again)
    }
}

/// Makes and deletes pods, and notes how many.
fn carry_out(cx: &mut Context<'_>, sync: &mut Sync, work: Work) -> Result<(), Status> {
    let about = Involved::of(&sync.before);
    cx.more = work.delete.len().max(work.create.len()) >= manage::MOST;
    for pod in &work.delete {
        if work.release {
            drop_finalizer(cx, pod)?;
        }
        // On failure the status says what was so before; all is tried again.
        pods::delete(cx, COMPONENT, &about, pod)?;
        sync.deleted(pod);
    }
    let mut result = Ok(());
    for index in work.create {
        let pod = pod::new(sync, index);
        result = pods::create(cx, COMPONENT, &about, &pod).map(drop);
        match &result {
            Ok(()) => sync.active += 1,
            Err(problem) if is_terminating(problem) => return Ok(()),
            Err(_) => break,
        }
    }
    sync.decide_completion(result.is_ok());
    result
}

fn drop_finalizer(cx: &Context<'_>, pod: &Pod) -> Result<(), Status> {
    let mut finalizers = pod.metadata.finalizers.clone().unwrap_or_default();
    let before = finalizers.len();
    finalizers.retain(|finalizer| finalizer != FINALIZER);
    if finalizers.len() == before {
        return Ok(());
    }
    let patch = json!({"metadata": {
        "uid": pod.metadata.uid,
        "resourceVersion": pod.metadata.resource_version,
        "finalizers": if finalizers.is_empty() { json!(null) } else { json!(finalizers) },
    }});
    let resource = Gvr::of::<Pod>();
    let (namespace, name) = (meta::namespace(pod), meta::name(pod));
    unless_gone(cx.cluster.patch(&resource, "", namespace, name, patch)).map(drop)
}

/// A pod that no Job will count any more is let go.
fn release_orphan(cx: &Context<'_>, name: &Name) -> Result<Again, Status> {
    let Some(pod) = cx.cluster.typed::<Pod>(&name.namespace, &name.name) else {
        return Ok(None);
    };
    if let Some(owner) = meta::controller_of(&pod.metadata) {
        if owner.kind != "Job" || owner.api_version != "batch/v1" {
            return Ok(None);
        }
        let job = cx.cluster.typed::<Job>(&name.namespace, &owner.name);
        let job = job.filter(|job| meta::uid(job) == owner.uid);
        if job.is_some_and(|job| !conditions::is_finished(&job)) {
            return Ok(None);
        }
    }
    drop_finalizer(cx, &pod)?;
    Ok(None)
}

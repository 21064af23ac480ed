//! StatefulSets: pods with names and claims of their own, one after the other
//! (`pkg/controller/statefulset`).

mod claims;
mod decide;
mod identity;
mod status;

use std::collections::HashMap;

use k8s_openapi::api::apps::v1::{ControllerRevision, StatefulSet, StatefulSetSpec};
use k8s_openapi::api::core::v1::{PersistentVolumeClaim, Pod};

use crate::sandbox::memory::status::Status;

use super::cluster::{Delete, Gvr};
use super::context::{Again, Context, Controller, Name, unless_gone};
use super::events::Involved;
use super::index::{Index, Kind, Seen};
use super::ownership::{Owner, Rule, claim, labels_of};
use super::{history, meta, pods, selector};

use decide::{Step, Template, steps};

const COMPONENT: &str = "statefulset-controller";

/// The controller of StatefulSets.
pub(super) struct StatefulSets;

impl Controller for StatefulSets {
    fn due(&mut self, seen: &Seen<'_>, index: &Index, due: &mut dyn FnMut(Name)) {
        let namespace = seen.namespace();
        match seen.kind {
            Kind::StatefulSet if !seen.gone() => due(Name::new(namespace, seen.name())),
            Kind::Pod => {
                for name in seen.controllers("apps", "StatefulSet") {
                    due(Name::new(namespace, name));
                }
                if seen.after.controller.is_none() && !seen.gone() {
                    for name in index.selecting(Kind::StatefulSet, namespace, &seen.after.labels) {
                        due(Name::new(namespace, &name));
                    }
                }
            }
            _ => {}
        }
    }

    fn reconcile(&mut self, cx: &mut Context<'_>, name: &Name) -> Result<Again, Status> {
        let Some(set) = cx.cluster.typed::<StatefulSet>(&name.namespace, &name.name) else {
            return Ok(None);
        };
        let Some(spec) = set.spec.clone() else {
            return Ok(None);
        };
        if selector::is_empty(&spec.selector) {
            // It would take every pod of its names; the server lets none be stored.
            return Ok(None);
        }
        let owner = Owner::of(&set);
        let revisions = history::list(cx, &owner, &spec.selector)?;
        let rule = Rule {
            kind: Kind::Pod,
            matches: &|pod: &Pod| {
                selector::matches(&spec.selector, &labels_of(pod))
                    && identity::parent(pod) == Some(&name.name)
            },
            open: &|_| true,
            finalizer: None,
        };
        let pods = claim(cx, &owner, &rule)?;
        let (current, update, collisions) = revisions_of(cx, &set, &spec, &owner, &revisions)?;
        let status = set.status.clone().unwrap_or_default();
        let template = |revision: &ControllerRevision| Template {
            revision: meta::name(revision).to_owned(),
            template: history::template(revision).unwrap_or_else(|| spec.template.clone()),
        };
        let observed = decide::Observed {
            set: &set,
            spec: &spec,
            current: template(&current),
            update: template(&update),
            claims: claims_of(cx, &set, &spec, &pods),
            now: cx.now,
        };
        let decided = steps(&observed, &pods);
        let mut result = Ok(());
        for step in decided.steps {
            result = act(cx, &set, &spec, step);
            if result.is_err() {
                break;
            }
        }
        let mut next = decided.status;
        next.collision_count = Some(collisions);
        next.conditions = status.conditions.clone();
        if status::differs(&status, &next) {
            let mut changed = set.clone();
            changed.status = Some(next.clone());
            cx.cluster.update_typed("status", &changed)?;
        }
        let is_used = |revision: &ControllerRevision| {
            let name = meta::name(revision);
            name == meta::name(&current)
                || name == meta::name(&update)
                || pods.iter().any(|pod| identity::revision(pod) == name)
        };
        history::truncate(cx, &revisions, spec.revision_history_limit, is_used)?;
        result?;
        let min_ready_seconds = spec.min_ready_seconds.unwrap_or_default();
        Ok(pods::next_available(&pods, min_ready_seconds, cx.now))
    }
}

/// The revision that pods are to have by now, the one that they are to have, and how often two
/// templates had the same hash.
fn revisions_of(
    cx: &mut Context<'_>,
    set: &StatefulSet,
    spec: &StatefulSetSpec,
    owner: &Owner,
    revisions: &[ControllerRevision],
) -> Result<(ControllerRevision, ControllerRevision, i32), Status> {
    let status = set.status.as_ref();
    let collisions = status
        .and_then(|status| status.collision_count)
        .unwrap_or_default();
    let number = history::next(revisions);
    let data = history::data(&spec.template);
    let hash = history::hash(&data, collisions);
    let hash = (history::HASH_LABEL, hash.as_str());
    let wanted = history::new(owner, &set.metadata, &spec.template, number, hash);
    let equal = revisions
        .iter()
        .rev()
        .find(|revision| history::keeps(revision, &data));
    let (update, collisions) = match (equal, revisions.last()) {
        (Some(_), Some(last)) if history::keeps(last, &data) => (last.clone(), collisions),
        (Some(equal), _) => (history::renumber(cx, equal, number)?, collisions),
        (None, _) => history::create(cx, &owner.reference.name, wanted, collisions)?,
    };
    let current = status.and_then(|status| status.current_revision.as_deref());
    let current = revisions
        .iter()
        .find(|revision| Some(meta::name(*revision)) == current);
    Ok((
        current.cloned().unwrap_or_else(|| update.clone()),
        update,
        collisions,
    ))
}

/// The claims of all pods that there are or should be, as far as they exist.
fn claims_of(
    cx: &Context<'_>,
    set: &StatefulSet,
    spec: &StatefulSetSpec,
    pods: &[Pod],
) -> HashMap<String, PersistentVolumeClaim> {
    let templates = spec.volume_claim_templates.as_deref().unwrap_or_default();
    let mut claims = HashMap::new();
    if templates.is_empty() {
        return claims;
    }
    let present = pods.iter().filter_map(identity::ordinal);
    for ordinal in identity::range(spec).chain(present) {
        for template in templates {
            let name = identity::claim_name(set, template, ordinal);
            if let Some(found) = cx.cluster.typed(meta::namespace(set), &name) {
                claims.insert(name, found);
            }
        }
    }
    claims
}

fn act(
    cx: &mut Context<'_>,
    set: &StatefulSet,
    spec: &StatefulSetSpec,
    step: Step,
) -> Result<(), Status> {
    let about = Involved::of(set);
    match step {
        Step::Create(pod) => {
            if let Err(problem) = claims::create_missing(cx, set, spec, &about, &pod) {
                return tell(cx, set, &about, "create", meta::name(&*pod), Err(problem));
            }
            let created = cx.cluster.create_typed(&*pod);
            match created {
                Err(problem) if problem.reason == "AlreadyExists" => return Err(problem),
                Err(problem) => {
                    return tell(cx, set, &about, "create", meta::name(&*pod), Err(problem));
                }
                Ok(_) => {}
            }
            if let Err(problem) = claims::set_owners(cx, set, spec, &about, &pod) {
                return tell(cx, set, &about, "update", meta::name(&*pod), Err(problem));
            }
            tell(cx, set, &about, "create", meta::name(&*pod), Ok(()))
        }
        Step::Claims(pod) => {
            claims::create_missing(cx, set, spec, &about, &pod)?;
            claims::set_owners(cx, set, spec, &about, &pod)
        }
        Step::Owners(pod) => claims::set_owners(cx, set, spec, &about, &pod),
        Step::Update(pod) => {
            let made = claims::create_missing(cx, set, spec, &about, &pod)
                .and_then(|()| claims::set_owners(cx, set, spec, &about, &pod))
                .and_then(|()| cx.cluster.update_typed("", &*pod).map(drop));
            tell(cx, set, &about, "update", meta::name(&*pod), made)
        }
        Step::Delete(pod) => {
            let how = Delete {
                uid: pod.metadata.uid.as_deref(),
                ..Delete::default()
            };
            let resource = Gvr::of::<Pod>();
            let (namespace, name) = (meta::namespace(&*pod), meta::name(&*pod));
            let deleted = unless_gone(cx.cluster.delete(&resource, namespace, name, how));
            tell(cx, set, &about, "delete", name, deleted.map(drop))
        }
    }
}

/// Writes the Event that tells of an attempt, and passes its outcome on.
fn tell(
    cx: &mut Context<'_>,
    set: &StatefulSet,
    about: &Involved,
    verb: &str,
    pod: &str,
    outcome: Result<(), Status>,
) -> Result<(), Status> {
    let verb = titled(verb);
    let of = format!("{verb} Pod {pod} in StatefulSet {}", meta::name(set));
    match &outcome {
        Ok(()) => {
            cx.normal(
                COMPONENT,
                about,
                &format!("Successful{verb}"),
                &format!("{of} successful"),
            );
        }
        Err(problem) => {
            let message = format!("{of} failed error: {problem}");
            cx.warning(COMPONENT, about, &format!("Failed{verb}"), &message);
        }
    }
    outcome
}

fn titled(verb: &str) -> String {
    let mut letters = verb.chars();
    letters
        .next()
        .map(|first| first.to_ascii_uppercase())
        .into_iter()
        .chain(letters)
        .collect()
}

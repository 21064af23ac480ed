//! ReplicaSets and ReplicationControllers: as many pods as asked for
//! (`pkg/controller/replicaset`).

mod decide;
mod view;

use std::collections::HashMap;
use std::marker::PhantomData;

use k8s_openapi::api::apps::v1::ReplicaSet;
use k8s_openapi::api::core::v1::Pod;

use crate::sandbox::memory::status::Status;

use super::context::{Again, Context, Controller, Name};
use super::events::Involved;
use super::index::{Index, Kind, Seen};
use super::ownership::{Owner, Rule, claim, labels_of};
use super::{meta, pods, selector};

use decide::{BURST, Manage, manage, status};
use view::View;

pub(super) use view::Replicas;

/// The controller of ReplicaSets, or of ReplicationControllers.
pub(super) struct Sets<T>(PhantomData<fn() -> T>);

impl<T> Default for Sets<T> {
    fn default() -> Self {
        Sets(PhantomData)
    }
}

impl<T: Replicas> Controller for Sets<T> {
    fn due(&mut self, seen: &Seen<'_>, index: &Index, due: &mut dyn FnMut(Name)) {
        let namespace = seen.namespace();
        if seen.kind == T::RESOURCE && !seen.gone() {
            due(Name::new(namespace, seen.name()));
        } else if seen.kind == Kind::Pod {
            for name in seen.controllers(T::GROUP, T::KIND) {
                due(Name::new(namespace, name));
            }
            if seen.after.controller.is_none() && !seen.gone() {
                for name in index.selecting(T::RESOURCE, namespace, &seen.after.labels) {
                    due(Name::new(namespace, &name));
                }
            }
        }
    }

    fn reconcile(&mut self, cx: &mut Context<'_>, name: &Name) -> Result<Again, Status> {
        let Some(set) = cx.cluster.typed::<T>(&name.namespace, &name.name) else {
            return Ok(None);
        };
        let view = set.view();
        if selector::is_empty(&view.selector) {
            // It would take every pod; the server lets none be stored.
            return Ok(None);
        }
        let owner = Owner::of(&set);
        let rule = Rule {
            kind: Kind::Pod,
            matches: &|pod: &Pod| selector::matches(&view.selector, &labels_of(pod)),
            open: &pods::is_active,
            finalizer: None,
        };
        let claimed = claim(cx, &owner, &rule)?;
        let (active, others): (Vec<Pod>, Vec<Pod>) = claimed.into_iter().partition(pods::is_active);
        let terminating = others
            .iter()
            .filter(|pod| pods::is_terminating_pod(pod))
            .count();

        let managed = match view.deleted {
            true => Ok(()),
            false => self.manage(cx, &set, &view, &owner, &active),
        };
        let failure = managed
            .as_ref()
            .err()
            .filter(|problem| !super::context::is_terminating(problem));
        let failure = failure.map(|problem| problem.message.as_str());
        let terminating = T::COUNTS_TERMINATING.then_some(terminating);
        let status = status(&view, &active, terminating, failure, cx.now);
        if status != view.status {
            cx.cluster
                .update_typed("status", &set.with_status(status))?;
        }
        managed?;
        Ok(pods::next_available(
            &active,
            view.min_ready_seconds,
            cx.now,
        ))
    }
}

impl<T: Replicas> Sets<T> {
    fn manage(
        &self,
        cx: &mut Context<'_>,
        set: &T,
        view: &View,
        owner: &Owner,
        active: &[Pod],
    ) -> Result<(), Status> {
        let about = Involved::of(set);
        let crowds = || related_pods(cx, set, &owner.namespace);
        match manage(view.replicas, active, crowds, cx.now) {
            Manage::Enough => Ok(()),
            Manage::Create(count) => {
                cx.more = count == BURST;
                let template = view.template.clone().unwrap_or_default();
                let pod = pods::from_template(
                    &template,
                    &owner.reference.name,
                    &owner.namespace,
                    owner.reference.clone(),
                );
                // The first that fails is the last: it would be so for all.
                (0..count).try_for_each(|_| pods::create(cx, T::COMPONENT, &about, &pod).map(drop))
            }
            Manage::Delete(chosen) => {
                cx.more = chosen.len() == BURST;
                let mut result = Ok(());
                for pod in chosen {
                    let deleted = pods::delete(cx, T::COMPONENT, &about, pod);
                    result = result.and(deleted);
                }
                result
            }
        }
    }
}

/// How many pods of all sets with the same controller each node has.
fn related_pods<T: Replicas>(cx: &Context<'_>, set: &T, namespace: &str) -> HashMap<String, usize> {
    let mut crowds = HashMap::new();
    let Some(controller) = meta::controller_of(set.metadata()) else {
        return crowds;
    };
    for sibling in cx
        .cluster
        .controlled::<ReplicaSet>(namespace, &controller.uid)
    {
        for pod in cx.cluster.controlled::<Pod>(namespace, meta::uid(&sibling)) {
            if pods::is_active(&pod) {
                *crowds.entry(pods::node(&pod).to_owned()).or_default() += 1;
            }
        }
    }
    crowds
}

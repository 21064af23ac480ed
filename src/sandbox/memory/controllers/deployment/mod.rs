//! Deployments: a ReplicaSet for each pod template, and the way from one to the next
//! (`pkg/controller/deployment`).

mod annotations;
mod conditions;
mod rollback;
mod rollout;
mod scale;
mod sets;
mod status;

use k8s_openapi::api::apps::v1::{Deployment, ReplicaSet};
use k8s_openapi::api::core::v1::Pod;

use crate::sandbox::memory::status::Status;

use super::cluster::{Delete, Gvr};
use super::context::{Again, Context, Controller, Name, is_terminating, unless_gone};
use super::events::Involved;
use super::index::{Index, Kind, Seen};
use super::ownership::{Owner, Rule, claim, labels_of};
use super::{meta, pods, selector};

use rollout::{Action, Plan, plan};

const COMPONENT: &str = "deployment-controller";

/// The controller of Deployments.
pub(super) struct Deployments;

impl Controller for Deployments {
    fn due(&mut self, seen: &Seen<'_>, index: &Index, due: &mut dyn FnMut(Name)) {
        let namespace = seen.namespace();
        match seen.kind {
            Kind::Deployment if !seen.gone() => due(Name::new(namespace, seen.name())),
            Kind::ReplicaSet => {
                for name in seen.controllers("apps", "Deployment") {
                    due(Name::new(namespace, name));
                }
                if seen.after.controller.is_none() && !seen.gone() {
                    for name in index.selecting(Kind::Deployment, namespace, &seen.after.labels) {
                        due(Name::new(namespace, &name));
                    }
                }
            }
            // One that recreates waits until the last old pod is gone.
            Kind::Pod if seen.gone() => {
                for name in seen.controllers("apps", "ReplicaSet") {
                    let owner = index.controller(Kind::ReplicaSet, namespace, name);
                    if let Some(owner) = owner.filter(|owner| owner.kind == "Deployment") {
                        due(Name::new(namespace, &owner.name));
                    }
                }
            }
            _ => {}
        }
    }

    fn reconcile(&mut self, cx: &mut Context<'_>, name: &Name) -> Result<Again, Status> {
        let Some(deployment) = cx.cluster.typed::<Deployment>(&name.namespace, &name.name) else {
            return Ok(None);
        };
        let Some(spec) = &deployment.spec else {
            return Ok(None);
        };
        let about = Involved::of(&deployment);
        if selector::is_empty(&spec.selector) {
            let message =
                "This deployment is selecting all pods. A non-empty selector is required.";
            cx.warning(COMPONENT, &about, "SelectingAll", message);
            return Ok(None);
        }
        let rule = Rule {
            kind: Kind::ReplicaSet,
            matches: &|set: &ReplicaSet| selector::matches(&spec.selector, &labels_of(set)),
            open: &|_| true,
            finalizer: None,
        };
        let sets = claim(cx, &Owner::of(&deployment), &rule)?;
        let recreates = spec
            .strategy
            .as_ref()
            .is_some_and(|s| s.type_.as_deref() == Some("Recreate"));
        let alive = |set: &ReplicaSet| recreates && has_running_pods(cx, set);
        let running: Vec<String> = sets
            .iter()
            .filter(|set| alive(set))
            .map(|set| meta::uid(set).to_owned())
            .collect();
        let Plan { actions, again } = plan(deployment.clone(), sets, &running, cx.now);
        for action in actions {
            act(cx, &deployment, &about, action)?;
        }
        Ok(again)
    }
}

fn has_running_pods(cx: &Context<'_>, set: &ReplicaSet) -> bool {
    let all = cx
        .cluster
        .controlled::<Pod>(meta::namespace(set), meta::uid(set));
    all.iter().any(|pod| !pods::is_terminal(pod))
}

fn act(
    cx: &mut Context<'_>,
    deployment: &Deployment,
    about: &Involved,
    action: Action,
) -> Result<(), Status> {
    match action {
        Action::Create(set) => create(cx, deployment, about, &set),
        Action::Update { set, told } => {
            cx.cluster.update_typed("", &*set)?;
            for message in told {
                cx.normal(COMPONENT, about, "ScalingReplicaSet", &message);
            }
            Ok(())
        }
        Action::Delete(set) => {
            let how = Delete {
                uid: set.metadata.uid.as_deref(),
                ..Delete::default()
            };
            let resource = Gvr::of::<ReplicaSet>();
            let deleted =
                cx.cluster
                    .delete(&resource, meta::namespace(&*set), meta::name(&*set), how);
            unless_gone(deleted).map(drop)
        }
        Action::Status(changed) => cx.cluster.update_typed("status", &*changed).map(drop),
        Action::Replace(changed) => cx.cluster.update_typed("", &*changed).map(drop),
        Action::Normal(reason, message) => {
            cx.normal(COMPONENT, about, reason, &message);
            Ok(())
        }
        Action::Warning(reason, message) => {
            cx.warning(COMPONENT, about, reason, &message);
            Ok(())
        }
    }
}

fn create(
    cx: &mut Context<'_>,
    deployment: &Deployment,
    about: &Involved,
    set: &ReplicaSet,
) -> Result<(), Status> {
    let problem = match cx.cluster.create_typed(set) {
        Ok(made) => {
            let replicas = sets::replicas(&made);
            if replicas > 0 {
                let message = format!(
                    "Scaled up replica set {} from 0 to {replicas}",
                    meta::name(&made)
                );
                cx.normal(COMPONENT, about, "ScalingReplicaSet", &message);
            }
            return Ok(());
        }
        Err(problem) => problem,
    };
    if problem.reason == "AlreadyExists" {
        // Another template with the same hash: count it, so that the next hash is another.
        let mut changed = deployment.clone();
        let status = changed.status.get_or_insert_default();
        status.collision_count = Some(status.collision_count.unwrap_or_default() + 1);
        cx.cluster.update_typed("status", &changed)?;
        return Err(problem);
    }
    if is_terminating(&problem) {
        return Err(problem);
    }
    let message = format!(
        "Failed to create new replica set {:?}: {problem}",
        meta::name(set)
    );
    if status::has_progress_deadline(deployment) {
        let mut changed = deployment.clone();
        let status = changed.status.get_or_insert_default();
        let failed = conditions::new(
            "Progressing",
            "False",
            "ReplicaSetCreateError",
            &message,
            cx.now,
        );
        conditions::set(status, failed);
        if changed.status != deployment.status {
            cx.cluster.update_typed("status", &changed)?;
        }
    }
    cx.warning(COMPONENT, about, "ReplicaSetCreateError", &message);
    Err(problem)
}

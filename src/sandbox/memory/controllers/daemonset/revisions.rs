//! The templates that a DaemonSet has had.

use k8s_openapi::api::apps::v1::{ControllerRevision, DaemonSet, DaemonSetSpec};
use k8s_openapi::api::core::v1::Pod;
use serde_json::json;

use crate::sandbox::memory::status::Status;

use super::super::cluster::{Delete, Gvr};
use super::super::context::{Context, unless_gone};
use super::super::hash;
use super::super::ownership::Owner;
use super::super::{history, meta};
use super::template::HASH_LABEL;

/// The current revision's hash, and the others.
pub(super) struct Revisions {
    pub(super) hash: String,
    old: Vec<ControllerRevision>,
}

fn hash_of(revision: &ControllerRevision) -> &str {
    let labels = revision.metadata.labels.as_ref();
    labels
        .and_then(|labels| labels.get(HASH_LABEL))
        .map_or("", String::as_str)
}

/// Finds the revision of the current template, or makes it.
pub(super) fn construct(
    cx: &mut Context<'_>,
    set: &DaemonSet,
    spec: &DaemonSetSpec,
    owner: &Owner,
    pods: &[Pod],
) -> Result<Revisions, Status> {
    let data = history::data(&spec.template);
    let all = history::list(cx, owner, &spec.selector)?;
    let (mut current, old): (Vec<_>, Vec<_>) = all
        .into_iter()
        .partition(|revision| history::keeps(revision, &data));
    let number = old
        .iter()
        .map(|r| r.revision)
        .max()
        .unwrap_or_default()
        .saturating_add(1);
    let Some(kept) = current.pop() else {
        let revision = snapshot(cx, set, spec, owner, number)?;
        return Ok(Revisions {
            hash: hash_of(&revision).to_owned(),
            old,
        });
    };
    let hash = hash_of(&kept).to_owned();
    if !current.is_empty() {
        // The same template twice: pods are given the hash of the one that stays.
        for pod in pods {
            let own = pod
                .metadata
                .labels
                .as_ref()
                .and_then(|labels| labels.get(HASH_LABEL));
            if own != Some(&hash) {
                let patch = json!({"metadata": {"labels": {HASH_LABEL: hash}}});
                let (namespace, name) = (meta::namespace(pod), meta::name(pod));
                unless_gone(
                    cx.cluster
                        .patch(&Gvr::of::<Pod>(), "", namespace, name, patch),
                )?;
            }
        }
        for revision in &current {
            delete(cx, revision)?;
        }
    }
    if kept.revision < number {
        history::renumber(cx, &kept, number)?;
    }
    Ok(Revisions { hash, old })
}

fn delete(cx: &Context<'_>, revision: &ControllerRevision) -> Result<(), Status> {
    let how = Delete {
        uid: revision.metadata.uid.as_deref(),
        ..Delete::default()
    };
    let resource = Gvr::of::<ControllerRevision>();
    let (namespace, name) = (meta::namespace(revision), meta::name(revision));
    unless_gone(cx.cluster.delete(&resource, namespace, name, how)).map(drop)
}

fn snapshot(
    cx: &mut Context<'_>,
    set: &DaemonSet,
    spec: &DaemonSetSpec,
    owner: &Owner,
    number: i64,
) -> Result<ControllerRevision, Status> {
    let collisions = set
        .status
        .as_ref()
        .and_then(|status| status.collision_count);
    let hash = hash::hash(&spec.template, collisions);
    let revision = history::new(
        owner,
        &set.metadata,
        &spec.template,
        number,
        (HASH_LABEL, &hash),
    );
    let problem = match cx.cluster.create_typed(&revision) {
        Err(problem) if problem.reason == "AlreadyExists" => problem,
        made => return made,
    };
    // Another template with the same hash: count it, so that the next hash is another.
    let mut changed = set.clone();
    let status = changed.status.get_or_insert_default();
    status.collision_count = Some(collisions.unwrap_or_default() + 1);
    cx.cluster.update_typed("status", &changed)?;
    Err(problem)
}

impl Revisions {
    /// Deletes the oldest that no pod is of, beyond the limit.
    pub(super) fn clean_up(
        &self,
        cx: &mut Context<'_>,
        spec: &DaemonSetSpec,
        pods: &[Pod],
    ) -> Result<(), Status> {
        let limit = usize::try_from(spec.revision_history_limit.unwrap_or(10)).unwrap_or_default();
        let surplus = self.old.len().saturating_sub(limit);
        let label = |pod: &Pod| pod.metadata.labels.as_ref()?.get(HASH_LABEL).cloned();
        let live: Vec<String> = pods.iter().filter_map(label).collect();
        let unused = self
            .old
            .iter()
            .filter(|r| !live.iter().any(|hash| hash == hash_of(r)));
        for revision in unused.take(surplus) {
            delete(cx, revision)?;
        }
        Ok(())
    }
}

//! The ReplicaSets of a Deployment, with what is to be changed of them.

use k8s_openapi::api::apps::v1::{Deployment, ReplicaSet, ReplicaSetStatus};
use k8s_openapi::api::core::v1::PodTemplateSpec;

use super::super::meta;
use super::annotations::{revision, set_sizes};
use super::status::max_surge;

/// The label that tells the pods of one template from those of another.
pub(super) const HASH_LABEL: &str = "pod-template-hash";

/// A ReplicaSet, and how it is to be.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) set: ReplicaSet,
    pub(super) created: bool,
    pub(super) changed: bool,
    /// What Events say of it
    pub(super) told: Vec<String>,
}

/// Those of one Deployment, oldest first.
#[derive(Clone, Debug)]
pub(super) struct Sets {
    pub(super) all: Vec<Entry>,
    /// The one with the Deployment's template
    pub(super) new: Option<usize>,
}

impl Sets {
    pub(super) fn of(deployment: &Deployment, mut sets: Vec<ReplicaSet>) -> Self {
        sets.sort_by(|one, other| age(one).cmp(&age(other)));
        let template = deployment.spec.as_ref().map(|spec| &spec.template);
        let same = |set: &ReplicaSet| {
            let own = set.spec.as_ref().and_then(|spec| spec.template.as_ref());
            own.zip(template)
                .is_some_and(|(own, template)| same_template(own, template))
        };
        let new = sets.iter().position(same);
        let entry = |set| Entry {
            set,
            created: false,
            changed: false,
            told: Vec::new(),
        };
        Sets {
            all: sets.into_iter().map(entry).collect(),
            new,
        }
    }

    pub(super) fn new_set(&self) -> Option<&ReplicaSet> {
        self.new.map(|at| &self.all[at].set)
    }

    /// Where the others are, oldest first.
    pub(super) fn old(&self) -> Vec<usize> {
        (0..self.all.len())
            .filter(|at| Some(*at) != self.new)
            .collect()
    }

    /// Where those are that ask for pods, oldest first.
    pub(super) fn active(&self) -> Vec<usize> {
        (0..self.all.len())
            .filter(|at| self.replicas(*at) > 0)
            .collect()
    }

    pub(super) fn active_old(&self) -> Vec<usize> {
        self.active()
            .into_iter()
            .filter(|at| Some(*at) != self.new)
            .collect()
    }

    pub(super) fn replicas(&self, at: usize) -> i32 {
        replicas(&self.all[at].set)
    }

    pub(super) fn available(&self, at: usize) -> i32 {
        status(&self.all[at].set)
            .available_replicas
            .unwrap_or_default()
    }

    /// What a count of their statuses, or specs, adds up to.
    pub(super) fn sum(&self, count: impl Fn(&ReplicaSet) -> i32) -> i32 {
        self.all
            .iter()
            .fold(0, |sum, entry| sum.saturating_add(count(&entry.set)))
    }

    pub(super) fn max_old_revision(&self) -> i64 {
        let old = self
            .old()
            .into_iter()
            .filter_map(|at| revision(&self.all[at].set));
        old.max().unwrap_or_default().max(0)
    }

    /// Sets how many pods it asks for. Answers whether that is another number.
    pub(super) fn scale(
        &mut self,
        at: usize,
        to: i32,
        deployment: &Deployment,
        force: bool,
    ) -> bool {
        let from = self.replicas(at);
        if !force && from == to {
            return false;
        }
        let desired = super::status::replicas(deployment);
        let entry = &mut self.all[at];
        let sizes = set_sizes(
            &mut entry.set,
            desired,
            desired.saturating_add(max_surge(deployment)),
        );
        if from == to {
            entry.changed |= sizes;
            return false;
        }
        entry.set.spec.get_or_insert_default().replicas = Some(to);
        entry.changed = true;
        let way = if from < to { "up" } else { "down" };
        let name = meta::name(&entry.set);
        let message = format!("Scaled {way} replica set {name} from {from} to {to}");
        entry.told.push(message);
        true
    }
}

/// How many pods it asks for.
pub(super) fn replicas(set: &ReplicaSet) -> i32 {
    set.spec
        .as_ref()
        .and_then(|spec| spec.replicas)
        .unwrap_or(1)
}

/// Its status; zeros before it has one.
pub(super) fn status(set: &ReplicaSet) -> ReplicaSetStatus {
    set.status.clone().unwrap_or_default()
}

/// By this they are ordered from the oldest to the youngest.
pub(super) fn age(set: &ReplicaSet) -> (Option<jiff::Timestamp>, &str) {
    let created = set.metadata.creation_timestamp.as_ref().map(|time| time.0);
    (created, meta::name(set))
}

/// Whether they are the same but for the hash.
pub(super) fn same_template(one: &PodTemplateSpec, other: &PodTemplateSpec) -> bool {
    meta::same(&without_hash(one), &without_hash(other))
}

/// The template as a Deployment has it.
pub(super) fn without_hash(template: &PodTemplateSpec) -> PodTemplateSpec {
    let mut template = template.clone();
    let labels = template
        .metadata
        .as_mut()
        .and_then(|meta| meta.labels.as_mut());
    if let Some(labels) = labels {
        labels.remove(HASH_LABEL);
    }
    template
}

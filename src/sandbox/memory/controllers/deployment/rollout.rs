//! What to do for a Deployment, given its ReplicaSets. Pure.

use jiff::Timestamp;
use k8s_openapi::api::apps::v1::{Deployment, DeploymentStatus, ReplicaSet, ReplicaSetSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use super::super::hash::hash;
use super::super::meta;
use super::super::ownership::Owner;
use super::super::scaled::scaled;
use super::annotations::{REVISION, revision, set_current, set_revision, set_sizes};
use super::conditions;
use super::rollback;
use super::scale;
use super::sets::{self, Entry, HASH_LABEL, Sets};
use super::status::{
    self, calculate, has_progress_deadline, is_complete, is_rolling, look_again, max_surge,
    max_unavailable, of_rollout, replicas,
};

const PROGRESSING: &str = "Progressing";
/// The longest name of a ReplicaSet.
const LONGEST_NAME: usize = 253;

/// What is to be done, one after the other; the first failure ends it.
#[derive(Debug)]
pub(super) enum Action {
    Create(Box<ReplicaSet>),
    Update {
        set: Box<ReplicaSet>,
        told: Vec<String>,
    },
    Delete(Box<ReplicaSet>),
    Status(Box<Deployment>),
    Replace(Box<Deployment>),
    Normal(&'static str, String),
    Warning(&'static str, String),
}

/// See [`plan`].
#[derive(Debug, Default)]
pub(super) struct Plan {
    pub(super) actions: Vec<Action>,
    pub(super) again: Option<Timestamp>,
}

struct Rollout<'a> {
    before: &'a Deployment,
    deployment: Deployment,
    sets: Sets,
    deleted: Vec<usize>,
    now: Timestamp,
}

/// Decides. `running` has the uids of sets with pods that have not ended, which only matter to a
/// Deployment that recreates.
pub(super) fn plan(
    deployment: Deployment,
    sets: Vec<ReplicaSet>,
    running: &[String],
    now: Timestamp,
) -> Plan {
    let sets = Sets::of(&deployment, sets);
    let before = deployment.clone();
    let mut rollout = Rollout {
        before: &before,
        deployment,
        sets,
        deleted: Vec::new(),
        now,
    };
    if before.metadata.deletion_timestamp.is_some() {
        rollout.sync_revision();
        return rollout.finish(calculate);
    }
    rollout.note_pause();
    let paused = before.spec.as_ref().and_then(|spec| spec.paused) == Some(true);
    let wanted = rollback::wanted(&before);
    if let Some(wanted) = wanted
        && !paused
    {
        let actions = rollback::roll_back(before.clone(), &rollout.sets, wanted);
        return Plan {
            actions,
            again: None,
        };
    }
    rollout.sync_revision();
    if paused || scale::is_due(&rollout.deployment, &rollout.sets) {
        scale::scale(&rollout.deployment, &mut rollout.sets);
        if paused && wanted.is_none() {
            rollout.clean_up();
        }
        return rollout.finish(calculate);
    }
    if is_rolling(&before) {
        rollout.roll();
    } else {
        rollout.recreate(running);
    }
    rollout.finish(of_rollout)
}

impl Rollout<'_> {
    /// The condition that tells of a pause, and of its end.
    fn note_pause(&mut self) {
        let paused = self.before.spec.as_ref().and_then(|spec| spec.paused) == Some(true);
        let status = self.deployment.status.get_or_insert_default();
        if !has_progress_deadline(self.before)
            || conditions::has_reason(status, PROGRESSING, status::TIMED_OUT)
        {
            return;
        }
        let noted = conditions::has_reason(status, PROGRESSING, "DeploymentPaused");
        let (reason, message) = match (paused, noted) {
            (true, false) => ("DeploymentPaused", "Deployment is paused"),
            (false, true) => ("DeploymentResumed", "Deployment is resumed"),
            _ => return,
        };
        let condition = conditions::new(PROGRESSING, "Unknown", reason, message, self.now);
        conditions::set(status, condition);
    }

    /// Gives the set of the current template its revision, and the Deployment the same.
    fn sync_revision(&mut self) {
        let Some(new) = self.sets.new else {
            return;
        };
        let revision = self.sets.max_old_revision().saturating_add(1);
        let spec = self.before.spec.as_ref();
        let min_ready_seconds = spec
            .and_then(|spec| spec.min_ready_seconds)
            .filter(|s| *s != 0);
        let entry = &mut self.sets.all[new];
        entry.changed |= set_current(&self.deployment, &mut entry.set, revision);
        let own = entry.set.spec.get_or_insert_default();
        if own.min_ready_seconds.filter(|s| *s != 0) != min_ready_seconds {
            own.min_ready_seconds = min_ready_seconds;
            entry.changed = true;
        }
        let annotations = entry.set.metadata.annotations.as_ref();
        let revision = annotations
            .and_then(|all| all.get(REVISION))
            .cloned()
            .unwrap_or_default();
        set_revision(&mut self.deployment, &revision);
        let status = self.deployment.status.get_or_insert_default();
        if has_progress_deadline(self.before) && conditions::get(status, PROGRESSING).is_none() {
            let message = format!("Found new replica set {:?}", meta::name(&entry.set));
            let found = conditions::new(
                PROGRESSING,
                "True",
                "FoundNewReplicaSet",
                &message,
                self.now,
            );
            conditions::set(status, found);
        }
    }

    /// A set for the current template.
    fn create(&mut self) {
        let Some(spec) = self.before.spec.clone() else {
            return;
        };
        let status = self.deployment.status.get_or_insert_default();
        let hash = hash(&spec.template, status.collision_count);
        let mut template = spec.template;
        let labels = template
            .metadata
            .get_or_insert_default()
            .labels
            .get_or_insert_default();
        labels.insert(HASH_LABEL.to_owned(), hash.clone());
        let labels = labels.clone();
        let mut selector = spec.selector;
        selector
            .match_labels
            .get_or_insert_default()
            .insert(HASH_LABEL.to_owned(), hash.clone());
        let name = set_name(meta::name(self.before), &hash);
        let mut set = ReplicaSet {
            metadata: ObjectMeta {
                name: Some(name.clone()),
                namespace: self.before.metadata.namespace.clone(),
                labels: Some(labels),
                owner_references: Some(vec![Owner::of(self.before).reference]),
                ..ObjectMeta::default()
            },
            spec: Some(ReplicaSetSpec {
                replicas: Some(0),
                min_ready_seconds: spec.min_ready_seconds.filter(|s| *s != 0),
                selector,
                template: Some(template),
            }),
            status: None,
        };
        let revision = self.sets.max_old_revision().saturating_add(1);
        set_current(&self.deployment, &mut set, revision);
        let desired = replicas(self.before);
        set_sizes(
            &mut set,
            desired,
            desired.saturating_add(max_surge(self.before)),
        );
        set_revision(&mut self.deployment, &revision.to_string());
        if has_progress_deadline(self.before) {
            let message = format!("Created new replica set {name:?}");
            let made = conditions::new(
                PROGRESSING,
                "True",
                "NewReplicaSetCreated",
                &message,
                self.now,
            );
            conditions::set(self.deployment.status.get_or_insert_default(), made);
        }
        self.sets.new = Some(self.sets.all.len());
        self.sets.all.push(Entry {
            set,
            created: true,
            changed: false,
            told: Vec::new(),
        });
        let size = self.new_size();
        if let Some(entry) = self.sets.all.last_mut() {
            entry.set.spec.get_or_insert_default().replicas = Some(size);
        }
    }

    /// How many pods the set of the current template may have by now.
    fn new_size(&self) -> i32 {
        let wanted = replicas(self.before);
        let Some(new) = self.sets.new else {
            return 0;
        };
        if !is_rolling(self.before) {
            return wanted;
        }
        let strategy = self
            .before
            .spec
            .as_ref()
            .and_then(|spec| spec.strategy.as_ref());
        let surge =
            strategy.and_then(|strategy| strategy.rolling_update.as_ref()?.max_surge.as_ref());
        let surge = surge
            .and_then(|surge| scaled(surge, wanted, true))
            .unwrap_or_default();
        let current = self.sets.replicas(new);
        let room = wanted
            .saturating_add(surge)
            .saturating_sub(self.sets.sum(sets::replicas));
        if room <= 0 {
            current
        } else {
            current.saturating_add(room.min(wanted - current))
        }
    }

    fn roll(&mut self) {
        if self.sets.new.is_none() {
            self.create();
        }
        let Some(new) = self.sets.new else {
            return;
        };
        let wanted = replicas(self.before);
        let current = self.sets.replicas(new);
        let size = if current > wanted {
            wanted
        } else {
            self.new_size()
        };
        if current != wanted && self.sets.scale(new, size, &self.deployment, false) {
            return;
        }
        if self.shrink_old(new) {
            return;
        }
        self.clean_up_if_complete();
    }

    /// Takes pods from old sets, those first that are not available anyway, as far as enough stay.
    fn shrink_old(&mut self, new: usize) -> bool {
        let old = self.sets.active_old();
        if old.is_empty() {
            return false;
        }
        let least = replicas(self.before) - max_unavailable(self.before);
        let missing = self.sets.replicas(new) - self.sets.available(new);
        let spare = self.sets.sum(sets::replicas) - least - missing;
        if spare <= 0 {
            return false;
        }
        let mut taken = 0;
        for at in &old {
            let unavailable = self.sets.replicas(*at) - self.sets.available(*at);
            let count = unavailable.min(spare - taken);
            if count > 0 {
                let size = self.sets.replicas(*at) - count;
                self.sets.scale(*at, size, &self.deployment, false);
                taken += count;
            }
        }
        // A set that has not yet counted what it was told to delete has no more than it asks for.
        let available = (0..self.sets.all.len())
            .map(|at| self.sets.available(at).min(self.sets.replicas(at)))
            .fold(0, i32::saturating_add);
        let mut spare = available - least;
        for at in &old {
            let count = self.sets.replicas(*at).min(spare);
            if count > 0 {
                let size = self.sets.replicas(*at) - count;
                self.sets.scale(*at, size, &self.deployment, false);
                spare -= count;
                taken += count;
            }
        }
        taken > 0
    }

    fn recreate(&mut self, running: &[String]) {
        let old = self.sets.active_old();
        if !old.is_empty() {
            for at in old {
                self.sets.scale(at, 0, &self.deployment, false);
            }
            return;
        }
        let mut old = self.sets.old().into_iter();
        let counted = old.any(|at| sets::status(&self.sets.all[at].set).replicas > 0);
        let new = self.sets.new_set().map(meta::uid);
        if counted || running.iter().any(|uid| Some(uid.as_str()) != new) {
            return;
        }
        match self.sets.new {
            None => self.create(),
            Some(new) => {
                self.sets
                    .scale(new, replicas(self.before), &self.deployment, false);
            }
        }
        self.clean_up_if_complete();
    }

    fn clean_up_if_complete(&mut self) {
        let status = self.before.status.clone().unwrap_or_default();
        if is_complete(self.before, &status) {
            self.clean_up();
        }
    }

    /// Chooses the oldest of the empty old sets beyond the limit, to be deleted.
    fn clean_up(&mut self) {
        let limit = self
            .before
            .spec
            .as_ref()
            .and_then(|spec| spec.revision_history_limit);
        let Some(limit) = limit.filter(|limit| *limit != i32::MAX) else {
            return;
        };
        let limit = usize::try_from(limit).unwrap_or_default();
        let mut old = self.sets.old();
        old.retain(|at| self.sets.all[*at].set.metadata.deletion_timestamp.is_none());
        let surplus = old.len().saturating_sub(limit);
        old.sort_by_key(|at| revision(&self.sets.all[*at].set).unwrap_or_default());
        for at in old.into_iter().take(surplus) {
            let set = &self.sets.all[at].set;
            let status = sets::status(set);
            let unseen = set.metadata.generation > status.observed_generation;
            if status.replicas == 0 && sets::replicas(set) == 0 && !unseen {
                self.deleted.push(at);
            }
        }
    }

    fn finish(mut self, status: fn(&Deployment, &Sets, Timestamp) -> DeploymentStatus) -> Plan {
        let status = status(&self.deployment, &self.sets, self.now);
        let mut actions = Vec::new();
        let again = look_again(self.before, &status);
        for (at, entry) in self.sets.all.into_iter().enumerate() {
            let set = Box::new(entry.set);
            if entry.created {
                actions.push(Action::Create(set));
            } else if self.deleted.contains(&at) {
                actions.push(Action::Delete(set));
            } else if entry.changed {
                actions.push(Action::Update {
                    set,
                    told: entry.told,
                });
            }
        }
        self.deployment.status = Some(status);
        let annotated = self.deployment.metadata.annotations != self.before.metadata.annotations;
        if annotated || self.deployment.status != self.before.status {
            actions.push(Action::Status(Box::new(self.deployment)));
        }
        Plan { actions, again }
    }
}

/// The Deployment's name, cut to fit, and the hash.
fn set_name(deployment: &str, hash: &str) -> String {
    let room = LONGEST_NAME.saturating_sub(hash.len() + 1);
    let cut = deployment
        .get(..room.min(deployment.len()))
        .unwrap_or(deployment);
    format!("{cut}-{hash}")
}

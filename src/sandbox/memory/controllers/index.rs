//! What is where, learnt from changes: which pods have a label, what has no controller, who selects
//! what. It may lag behind what is stored, never for long: the change that it has not seen yet makes
//! due again whatever it would have led to. So it only finds candidates, which are then read.

use std::collections::{BTreeSet, HashMap, HashSet};

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{LabelSelector, OwnerReference};
use serde::Deserialize;
use serde_json::Value;

use super::cluster::{Change, Gvr, What};
use super::meta;
use super::selector::{Labels, Selectors, contains};

/// The resources that controllers know by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Kind {
    ClusterRole,
    ConfigMap,
    ControllerRevision,
    CronJob,
    CustomResourceDefinition,
    DaemonSet,
    Deployment,
    EndpointSlice,
    Endpoints,
    Event,
    Job,
    Lease,
    Namespace,
    Node,
    PersistentVolume,
    PersistentVolumeClaim,
    Pod,
    PodDisruptionBudget,
    ReplicaSet,
    ReplicationController,
    ResourceQuota,
    Service,
    ServiceAccount,
    StatefulSet,
    StorageClass,
    Other,
}

impl Kind {
    pub(super) fn of(resource: &Gvr) -> Self {
        match (resource.group.as_str(), resource.plural.as_str()) {
            ("", "configmaps") => Kind::ConfigMap,
            ("", "endpoints") => Kind::Endpoints,
            ("", "events") | ("events.k8s.io", "events") => Kind::Event,
            ("", "namespaces") => Kind::Namespace,
            ("", "nodes") => Kind::Node,
            ("", "persistentvolumeclaims") => Kind::PersistentVolumeClaim,
            ("", "persistentvolumes") => Kind::PersistentVolume,
            ("", "pods") => Kind::Pod,
            ("", "replicationcontrollers") => Kind::ReplicationController,
            ("", "resourcequotas") => Kind::ResourceQuota,
            ("", "serviceaccounts") => Kind::ServiceAccount,
            ("", "services") => Kind::Service,
            ("apiextensions.k8s.io", "customresourcedefinitions") => Kind::CustomResourceDefinition,
            ("apps", "controllerrevisions") => Kind::ControllerRevision,
            ("apps", "daemonsets") => Kind::DaemonSet,
            ("apps", "deployments") => Kind::Deployment,
            ("apps", "replicasets") => Kind::ReplicaSet,
            ("apps", "statefulsets") => Kind::StatefulSet,
            ("batch", "cronjobs") => Kind::CronJob,
            ("batch", "jobs") => Kind::Job,
            ("coordination.k8s.io", "leases") => Kind::Lease,
            ("discovery.k8s.io", "endpointslices") => Kind::EndpointSlice,
            ("policy", "poddisruptionbudgets") => Kind::PodDisruptionBudget,
            ("rbac.authorization.k8s.io", "clusterroles") => Kind::ClusterRole,
            ("storage.k8s.io", "storageclasses") => Kind::StorageClass,
            _ => Kind::Other,
        }
    }

    /// Whether its objects say by a selector which pods, or ReplicaSets, are theirs.
    fn selects(self) -> bool {
        matches!(
            self,
            Kind::DaemonSet
                | Kind::Deployment
                | Kind::Job
                | Kind::PodDisruptionBudget
                | Kind::ReplicaSet
                | Kind::ReplicationController
                | Kind::Service
                | Kind::StatefulSet
        )
    }

    /// Whether controllers are to be told of more than the metadata of its objects.
    pub(super) fn is_read_whole(self) -> bool {
        !matches!(
            self,
            Kind::ConfigMap
                | Kind::ControllerRevision
                | Kind::CustomResourceDefinition
                | Kind::EndpointSlice
                | Kind::Endpoints
                | Kind::Event
                | Kind::Lease
                | Kind::ServiceAccount
                | Kind::Other
        )
    }

    /// Whether its objects may be adopted.
    fn adoptable(self) -> bool {
        matches!(
            self,
            Kind::ControllerRevision | Kind::CronJob | Kind::Job | Kind::Pod | Kind::ReplicaSet
        )
    }
}

/// What was known of an object before a change.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Facts {
    pub(super) labels: Labels,
    pub(super) controller: Option<OwnerReference>,
    pub(super) deleted: bool,
}

/// A change, with what was known before it.
#[derive(Debug)]
pub(super) struct Seen<'a> {
    pub(super) kind: Kind,
    pub(super) change: &'a Change,
    pub(super) before: Option<Facts>,
    pub(super) after: Facts,
}

impl Seen<'_> {
    pub(super) fn namespace(&self) -> &str {
        &self.change.key.namespace
    }

    pub(super) fn name(&self) -> &str {
        &self.change.key.name
    }

    /// Whether the object is gone.
    pub(super) fn gone(&self) -> bool {
        self.change.what == What::Deleted
    }

    /// Names of the owners of that kind that control it, or did before.
    pub(super) fn controllers(&self, group: &str, kind: &str) -> Vec<&str> {
        let before = self
            .before
            .iter()
            .filter_map(|facts| facts.controller.as_ref());
        let mut names: Vec<&str> = before
            .chain(self.after.controller.as_ref())
            .filter(|owner| owner.kind == kind && group_of(&owner.api_version) == group)
            .map(|owner| owner.name.as_str())
            .collect();
        names.dedup();
        names
    }
}

/// `apps` of `apps/v1`; empty of `v1`.
pub(super) fn group_of(api_version: &str) -> &str {
    api_version.split_once('/').map_or("", |(group, _)| group)
}

#[derive(Debug, Default)]
struct Members {
    facts: HashMap<String, Facts>,
    by_label: HashMap<(String, String), BTreeSet<String>>,
    orphans: BTreeSet<String>,
}

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Index {
    members: HashMap<(Kind, String), Members>,
    selectors: HashMap<Kind, Selectors>,
    /// Namespaces that are marked for deletion
    pub(super) terminating: HashSet<String>,
}

impl Index {
    /// Takes note of a change, and adds what was known before.
    pub(super) fn see<'a>(&mut self, change: &'a Change) -> Seen<'a> {
        let kind = Kind::of(&change.key.resource);
        let object = &*change.object;
        let gone = change.what == What::Deleted;
        if kind == Kind::Namespace {
            if !gone && meta::deleted(object) {
                self.terminating.insert(change.key.name.clone());
            } else {
                self.terminating.remove(&change.key.name);
            }
        }
        if kind.selects() {
            let selector = (!gone).then(|| selector(kind, object)).flatten();
            let selectors = self.selectors.entry(kind).or_default();
            selectors.set(&change.key.namespace, &change.key.name, selector);
        }
        let after = Facts {
            labels: meta::labels(object),
            controller: meta::controller(object),
            deleted: meta::deleted(object),
        };
        let before = kind.adoptable().then(|| {
            let place = (kind, change.key.namespace.clone());
            let members = self.members.entry(place.clone()).or_default();
            let before = members.put(&change.key.name, (!gone).then(|| after.clone()));
            if members.facts.is_empty() {
                self.members.remove(&place);
            }
            before
        });
        Seen {
            kind,
            change,
            before: before.flatten(),
            after,
        }
    }

    /// Objects of that kind in the namespace without a controller.
    pub(super) fn orphans(&self, kind: Kind, namespace: &str) -> impl Iterator<Item = &str> {
        let members = self.members.get(&(kind, namespace.to_owned()));
        members
            .into_iter()
            .flat_map(|members| &members.orphans)
            .map(String::as_str)
    }

    /// Who controls that object.
    pub(super) fn controller(
        &self,
        kind: Kind,
        namespace: &str,
        name: &str,
    ) -> Option<&OwnerReference> {
        let members = self.members.get(&(kind, namespace.to_owned()))?;
        members.facts.get(name)?.controller.as_ref()
    }

    /// Objects of that kind in the namespace with all of these labels; all of them when there are
    /// no labels.
    pub(super) fn labelled(&self, kind: Kind, namespace: &str, wanted: &Labels) -> Vec<String> {
        let Some(members) = self.members.get(&(kind, namespace.to_owned())) else {
            return Vec::new();
        };
        let nobody = BTreeSet::new();
        let places = wanted.iter().map(|(label, value)| {
            let place = (label.clone(), value.clone());
            members.by_label.get(&place).unwrap_or(&nobody)
        });
        match places.min_by_key(|names| names.len()) {
            Some(names) => {
                let has = |name: &&String| {
                    let facts = members.facts.get(*name);
                    facts.is_some_and(|facts| contains(&facts.labels, wanted))
                };
                names.iter().filter(has).cloned().collect()
            }
            None => {
                let mut all: Vec<String> = members.facts.keys().cloned().collect();
                all.sort();
                all
            }
        }
    }

    /// Names of objects of that kind in the namespace whose selector selects the labels.
    pub(super) fn selecting(&self, kind: Kind, namespace: &str, labels: &Labels) -> Vec<String> {
        let selectors = self.selectors.get(&kind);
        selectors
            .map(|all| all.selecting(namespace, labels))
            .unwrap_or_default()
    }
}

impl Members {
    fn put(&mut self, name: &str, facts: Option<Facts>) -> Option<Facts> {
        let before = self.facts.remove(name);
        let unchanged = before.as_ref().map(|b| &b.labels) == facts.as_ref().map(|f| &f.labels);
        if !unchanged {
            for (label, value) in before.iter().flat_map(|facts| &facts.labels) {
                let place = (label.clone(), value.clone());
                if let Some(names) = self.by_label.get_mut(&place) {
                    names.remove(name);
                    if names.is_empty() {
                        self.by_label.remove(&place);
                    }
                }
            }
            for (label, value) in facts.iter().flat_map(|facts| &facts.labels) {
                let place = (label.clone(), value.clone());
                self.by_label
                    .entry(place)
                    .or_default()
                    .insert(name.to_owned());
            }
        }
        match &facts {
            Some(facts) if facts.controller.is_none() => self.orphans.insert(name.to_owned()),
            _ => self.orphans.remove(name),
        };
        if let Some(facts) = facts {
            self.facts.insert(name.to_owned(), facts);
        }
        before
    }
}

/// What an object of that kind selects; `None` when it selects nothing.
fn selector(kind: Kind, object: &Value) -> Option<LabelSelector> {
    let selector = object["spec"].get("selector")?;
    match kind {
        Kind::Service | Kind::ReplicationController => {
            let labels = Labels::deserialize(selector).ok()?;
            (!labels.is_empty()).then_some(LabelSelector {
                match_labels: Some(labels),
                match_expressions: None,
            })
        }
        _ => LabelSelector::deserialize(selector).ok(),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::json;

    use super::*;
    use crate::sandbox::memory::controllers::cluster::Key;

    fn change(plural: &str, name: &str, what: What, object: Value) -> Change {
        let resource = Gvr {
            group: String::new(),
            version: "v1".to_owned(),
            plural: plural.to_owned(),
        };
        let key = Key {
            resource,
            namespace: "ns".to_owned(),
            name: name.to_owned(),
        };
        Change {
            key,
            what,
            object: Arc::new(object),
        }
    }

    fn labels(text: &str) -> Labels {
        let pairs = text.split(',').filter_map(|pair| pair.split_once('='));
        pairs
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .collect()
    }

    #[test]
    fn pods_are_found_by_labels_until_they_change_or_go() {
        let mut index = Index::default();
        let pod = |name: &str, text: &str, what: What| {
            change(
                "pods",
                name,
                what,
                json!({"metadata": {"labels": labels(text)}}),
            )
        };
        index.see(&pod("a", "x=1,y=1", What::Added));
        index.see(&pod("b", "x=1", What::Added));
        assert_eq!(index.labelled(Kind::Pod, "ns", &labels("x=1")), ["a", "b"]);
        assert_eq!(index.labelled(Kind::Pod, "ns", &labels("x=1,y=1")), ["a"]);
        assert_eq!(index.labelled(Kind::Pod, "ns", &labels("")), ["a", "b"]);
        let changed = pod("a", "x=2", What::Modified);
        let seen = index.see(&changed);
        assert_eq!(seen.before.unwrap().labels, labels("x=1,y=1"));
        assert_eq!(index.labelled(Kind::Pod, "ns", &labels("x=1")), ["b"]);
        index.see(&pod("a", "x=2", What::Deleted));
        index.see(&pod("b", "x=1", What::Deleted));
        assert!(index.members.is_empty());
    }

    #[test]
    fn what_is_controlled_is_no_orphan() {
        let mut index = Index::default();
        let owner = json!([{"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "r", "uid": "u", "controller": true}]);
        index.see(&change("pods", "a", What::Added, json!({})));
        assert_eq!(index.orphans(Kind::Pod, "ns").collect::<Vec<_>>(), ["a"]);
        let adopted = change(
            "pods",
            "a",
            What::Modified,
            json!({"metadata": {"ownerReferences": owner}}),
        );
        let seen = index.see(&adopted);
        assert_eq!(seen.controllers("apps", "ReplicaSet"), ["r"]);
        assert_eq!(index.orphans(Kind::Pod, "ns").count(), 0);
        let released = change("pods", "a", What::Modified, json!({}));
        let seen = index.see(&released);
        assert_eq!(seen.controllers("apps", "ReplicaSet"), ["r"]);
        assert_eq!(seen.controllers("", "ReplicaSet"), [""; 0]);
    }

    #[test]
    fn a_service_without_selector_selects_nothing() {
        let mut index = Index::default();
        let service = |selector: Value| {
            change(
                "services",
                "s",
                What::Added,
                json!({"spec": {"selector": selector}}),
            )
        };
        index.see(&service(json!({"x": "1"})));
        assert_eq!(index.selecting(Kind::Service, "ns", &labels("x=1")), ["s"]);
        index.see(&service(json!({})));
        assert_eq!(
            index.selecting(Kind::Service, "ns", &labels("x=1")),
            [""; 0]
        );
    }
}

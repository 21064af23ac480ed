//! A server small enough to read, and the rest of a cluster, for tests of controllers.
//!
//! It keeps what matters to them: versions and conflicts, uids, generated names, status apart from
//! spec, finalizers, propagation, graceful deletion of pods, namespaces that end.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};

use super::cluster::{Change, Cluster, Delete, Gvr, Key, Propagation, What};
use super::manager::Manager;
use super::meta;
use crate::sandbox::memory::status::{Cause, Details, Status};

#[derive(Default)]
struct State {
    objects: BTreeMap<Key, Arc<Value>>,
    uids: HashMap<String, Key>,
    owned: HashMap<String, BTreeSet<Key>>,
    version: u64,
    made: u64,
    now: Timestamp,
    changes: Vec<Change>,
    refuse: Vec<(String, String)>,
    writes: usize,
}

/// See the module.
pub(super) struct Fake {
    state: Mutex<State>,
}

/// The resource of that plural; the group is known from the list below.
pub(super) fn gvr(plural: &str) -> Gvr {
    let (group, version) = match plural {
        "deployments" | "replicasets" | "statefulsets" | "daemonsets" | "controllerrevisions" => {
            ("apps", "v1")
        }
        "jobs" | "cronjobs" => ("batch", "v1"),
        "endpointslices" => ("discovery.k8s.io", "v1"),
        "poddisruptionbudgets" => ("policy", "v1"),
        "storageclasses" => ("storage.k8s.io", "v1"),
        "clusterroles" => ("rbac.authorization.k8s.io", "v1"),
        "widgets" => ("example.com", "v1"),
        _ => ("", "v1"),
    };
    Gvr {
        group: group.to_owned(),
        version: version.to_owned(),
        plural: plural.to_owned(),
    }
}

const CLUSTER_WIDE: [&str; 5] = [
    "namespaces",
    "nodes",
    "persistentvolumes",
    "storageclasses",
    "clusterroles",
];
const ALL: [&str; 24] = [
    "configmaps",
    "endpoints",
    "events",
    "namespaces",
    "nodes",
    "persistentvolumeclaims",
    "persistentvolumes",
    "pods",
    "replicationcontrollers",
    "resourcequotas",
    "secrets",
    "serviceaccounts",
    "services",
    "deployments",
    "replicasets",
    "statefulsets",
    "daemonsets",
    "controllerrevisions",
    "jobs",
    "cronjobs",
    "endpointslices",
    "poddisruptionbudgets",
    "clusterroles",
    "widgets",
];

impl State {
    fn next_version(&mut self) -> String {
        self.version += 1;
        self.version.to_string()
    }

    fn put(&mut self, key: &Key, mut object: Value, what: What) -> Value {
        object["metadata"]["resourceVersion"] = json!(self.next_version());
        let object = Arc::new(object);
        let before = self.objects.insert(key.clone(), Arc::clone(&object));
        self.index_owners(key, before.as_deref(), Some(&object));
        self.changes.push(Change {
            key: key.clone(),
            what,
            object: Arc::clone(&object),
        });
        (*object).clone()
    }

    fn index_owners(&mut self, key: &Key, before: Option<&Value>, after: Option<&Value>) {
        for owner in before.map(meta::owners).into_iter().flatten() {
            self.owned.entry(owner.uid).or_default().remove(key);
        }
        for owner in after.map(meta::owners).into_iter().flatten() {
            self.owned.entry(owner.uid).or_default().insert(key.clone());
        }
    }

    fn drop_object(&mut self, key: &Key) {
        if let Some(object) = self.objects.remove(key) {
            self.uids.remove(meta::text(&object, "uid"));
            self.index_owners(key, Some(&object), None);
            self.version += 1;
            self.changes.push(Change {
                key: key.clone(),
                what: What::Deleted,
                object,
            });
        }
    }

    fn find(&self, key: &Key) -> Result<Value, Status> {
        let found = self.objects.get(key).map(|object| (**object).clone());
        found.ok_or_else(|| Status::not_found(&key.resource.group, &key.resource.plural, &key.name))
    }

    fn write(&mut self, key: &Key, subresource: &str, new: Value) -> Result<Value, Status> {
        self.writes += 1;
        let old = self.find(key)?;
        let resource = &key.resource;
        for field in ["resourceVersion", "uid"] {
            let given = meta::text(&new, field);
            if !given.is_empty() && given != meta::text(&old, field) {
                let why = "the object has been modified; please apply your changes to the latest version and try again";
                return Err(Status::conflict(
                    &resource.group,
                    &resource.plural,
                    &key.name,
                    why,
                ));
            }
        }
        let mut next = new;
        match subresource {
            "" => {
                if let Some(status) = old.get("status") {
                    next["status"] = status.clone();
                }
                next["metadata"]["generation"] = old["metadata"]["generation"].clone();
                if next["spec"] != old["spec"] {
                    let generation = old["metadata"]["generation"].as_i64().unwrap_or_default();
                    next["metadata"]["generation"] = json!(generation + 1);
                }
                next["metadata"]["deletionTimestamp"] =
                    old["metadata"]["deletionTimestamp"].clone();
                next["metadata"]["deletionGracePeriodSeconds"] =
                    old["metadata"]["deletionGracePeriodSeconds"].clone();
            }
            "status" => {
                let status = next["status"].clone();
                let annotations = next["metadata"]["annotations"].clone();
                next = old.clone();
                next["status"] = status;
                next["metadata"]["annotations"] = annotations;
            }
            "finalize" => {
                let finalizers = next["spec"]["finalizers"].clone();
                next = old.clone();
                next["spec"]["finalizers"] = finalizers;
            }
            other => panic!("subresource {other}"),
        }
        for field in ["uid", "creationTimestamp", "resourceVersion"] {
            next["metadata"][field] = old["metadata"][field].clone();
        }
        next["metadata"]["namespace"] = old["metadata"]["namespace"].clone();
        drop_nulls(&mut next);
        if next == old {
            return Ok(old);
        }
        let done = meta::deleted(&next)
            && meta::finalizers(&next).is_empty()
            && next["spec"]["finalizers"]
                .as_array()
                .is_none_or(Vec::is_empty)
            && next["metadata"]["deletionGracePeriodSeconds"]
                .as_i64()
                .unwrap_or_default()
                == 0;
        if done {
            self.drop_object(key);
            return Ok(next);
        }
        Ok(self.put(key, next, What::Modified))
    }
}

fn drop_nulls(value: &mut Value) {
    if let Value::Object(map) = value {
        map.retain(|_, value| !value.is_null());
        map.values_mut().for_each(drop_nulls);
        let emptied = |key: &str, value: &Value| {
            matches!(key, "annotations" | "finalizers" | "ownerReferences")
                && (value == &json!({}) || value == &json!([]))
        };
        map.retain(|key, value| !emptied(key, value));
    }
}

fn merge(target: &mut Value, patch: &Value) {
    let Value::Object(patch) = patch else {
        *target = patch.clone();
        return;
    };
    if !target.is_object() {
        *target = Value::Object(Map::new());
    }
    for (key, value) in patch {
        if value.is_null() {
            target.as_object_mut().unwrap().remove(key);
        } else {
            merge(&mut target[key], value);
        }
    }
}

fn key(resource: &Gvr, namespace: &str, name: &str) -> Key {
    Key {
        resource: resource.clone(),
        namespace: namespace.to_owned(),
        name: name.to_owned(),
    }
}

impl Fake {
    /// An empty one, at midnight.
    pub(super) fn new() -> Self {
        let state = State {
            now: "2026-01-01T00:00:00Z".parse().unwrap(),
            ..State::default()
        };
        Fake {
            state: Mutex::new(state),
        }
    }

    fn changes(&self) -> Vec<Change> {
        std::mem::take(&mut self.state.lock().unwrap().changes)
    }

    /// How many writes there were.
    pub(super) fn writes(&self) -> usize {
        self.state.lock().unwrap().writes
    }

    /// Creations of that resource fail with this message from now on; as long as it is empty, none.
    pub(super) fn refuse(&self, plural: &str, message: &str) {
        let mut state = self.state.lock().unwrap();
        state.refuse.retain(|(known, _)| known != plural);
        if !message.is_empty() {
            state.refuse.push((plural.to_owned(), message.to_owned()));
        }
    }
}

impl Cluster for Fake {
    fn resources(&self) -> Vec<Gvr> {
        ALL.map(gvr).to_vec()
    }

    fn served(&self, api_version: &str, kind: &str) -> Option<(Gvr, bool)> {
        let plural = format!("{}s", kind.to_lowercase()).replace("policys", "policies");
        let resource = gvr(&plural);
        let known = ALL.contains(&plural.as_str());
        let group = super::index::group_of(api_version) == resource.group;
        (known && group).then(|| (resource, !CLUSTER_WIDE.contains(&plural.as_str())))
    }

    fn get(&self, resource: &Gvr, namespace: &str, name: &str) -> Option<Value> {
        self.state
            .lock()
            .unwrap()
            .find(&key(resource, namespace, name))
            .ok()
    }

    fn list(&self, resource: &Gvr, namespace: Option<&str>) -> Vec<Value> {
        let state = self.state.lock().unwrap();
        let all = state
            .objects
            .iter()
            .filter(|(key, _)| key.resource == *resource);
        let here =
            all.filter(|(key, _)| namespace.is_none_or(|namespace| key.namespace == namespace));
        here.map(|(_, object)| (**object).clone()).collect()
    }

    fn dependents(&self, uid: &str) -> Vec<Key> {
        let state = self.state.lock().unwrap();
        state
            .owned
            .get(uid)
            .into_iter()
            .flatten()
            .cloned()
            .collect()
    }

    fn by_uid(&self, uid: &str) -> Option<Key> {
        self.state.lock().unwrap().uids.get(uid).cloned()
    }

    fn create(&self, resource: &Gvr, mut object: Value) -> Result<Value, Status> {
        let mut state = self.state.lock().unwrap();
        state.writes += 1;
        if let Some((_, message)) = state
            .refuse
            .iter()
            .find(|(plural, _)| *plural == resource.plural)
        {
            return Err(Status::forbidden("", "", "", message));
        }
        let namespace = meta::text(&object, "namespace").to_owned();
        if let Ok(found) = state.find(&key(&gvr("namespaces"), "", &namespace))
            && meta::deleted(&found)
        {
            let mut status =
                Status::forbidden(&resource.group, &resource.plural, "", "terminating");
            status.details = Some(Details {
                causes: vec![Cause {
                    reason: "NamespaceTerminating",
                    ..Cause::default()
                }],
                ..Details::default()
            });
            return Err(status);
        }
        state.made += 1;
        let mut name = meta::text(&object, "name").to_owned();
        if name.is_empty() {
            name = format!("{}{:05}", meta::text(&object, "generateName"), state.made);
        }
        let key = key(resource, &namespace, &name);
        if state.objects.contains_key(&key) {
            return Err(Status::already_exists(
                &resource.group,
                &resource.plural,
                &name,
            ));
        }
        let uid = format!("uid-{}", state.made);
        object["metadata"]["name"] = json!(name);
        object["metadata"]["uid"] = json!(uid);
        object["metadata"]["generation"] = json!(1);
        object["metadata"]["creationTimestamp"] =
            json!(super::context::time(state.now).0.to_string());
        if resource.plural == "namespaces" {
            object["spec"]["finalizers"] = json!(["kubernetes"]);
            object["status"]["phase"] = json!("Active");
        }
        drop_nulls(&mut object);
        state.uids.insert(uid, key.clone());
        Ok(state.put(&key, object, What::Added))
    }

    fn update(&self, resource: &Gvr, subresource: &str, object: Value) -> Result<Value, Status> {
        let key = key(
            resource,
            meta::text(&object, "namespace"),
            meta::text(&object, "name"),
        );
        self.state.lock().unwrap().write(&key, subresource, object)
    }

    fn patch(
        &self,
        resource: &Gvr,
        subresource: &str,
        namespace: &str,
        name: &str,
        patch: Value,
    ) -> Result<Value, Status> {
        let mut state = self.state.lock().unwrap();
        let key = key(resource, namespace, name);
        let mut object = state.find(&key)?;
        merge(&mut object, &patch);
        state.write(&key, subresource, object)
    }

    fn delete(
        &self,
        resource: &Gvr,
        namespace: &str,
        name: &str,
        how: Delete<'_>,
    ) -> Result<(), Status> {
        let mut state = self.state.lock().unwrap();
        state.writes += 1;
        let key = key(resource, namespace, name);
        let mut object = state.find(&key)?;
        if how.uid.is_some_and(|uid| uid != meta::text(&object, "uid")) {
            return Err(Status::conflict(
                &resource.group,
                &resource.plural,
                name,
                "uid",
            ));
        }
        let mut finalizers: Vec<String> = meta::finalizers(&object)
            .into_iter()
            .map(str::to_owned)
            .collect();
        let added = match how.propagation {
            Propagation::Background => None,
            Propagation::Foreground => Some("foregroundDeletion"),
            Propagation::Orphan => Some("orphan"),
        };
        if let Some(added) = added
            && !finalizers.iter().any(|known| known == added)
        {
            finalizers.push(added.to_owned());
        }
        let bound = resource.plural == "pods" && object["spec"]["nodeName"].is_string();
        let grace = if bound { how.grace.unwrap_or(30) } else { 0 };
        let held = object["spec"]["finalizers"]
            .as_array()
            .is_some_and(|all| !all.is_empty());
        if finalizers.is_empty() && grace == 0 && !held {
            state.drop_object(&key);
            return Ok(());
        }
        if meta::deleted(&object) && (grace != 0 || !bound) {
            return Ok(());
        }
        object["metadata"]["finalizers"] = json!(finalizers);
        object["metadata"]["deletionGracePeriodSeconds"] = json!(grace);
        object["metadata"]["deletionTimestamp"] =
            json!(super::context::time(state.now).0.to_string());
        if resource.plural == "namespaces" {
            object["status"]["phase"] = json!("Terminating");
        }
        let generation = object["metadata"]["generation"]
            .as_i64()
            .unwrap_or_default();
        object["metadata"]["generation"] = json!(generation + 1);
        drop_nulls(&mut object);
        state.put(&key, object, What::Modified);
        Ok(())
    }

    fn now(&self) -> Timestamp {
        self.state.lock().unwrap().now
    }
}

/// What the kubelets do in this world.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kubelets {
    /// Nothing
    Idle,
    /// They run pods, which become ready, and remove those that are deleted
    Run,
    /// The same, and pods end well
    Succeed,
    /// The same, and pods end badly
    Fail,
}

/// A server, its controllers, and kubelets.
pub(super) struct World {
    pub(super) server: Fake,
    pub(super) manager: Manager,
    pub(super) kubelets: Kubelets,
}

impl World {
    pub(super) fn new() -> Self {
        World {
            server: Fake::new(),
            manager: Manager::new("the CA"),
            kubelets: Kubelets::Run,
        }
    }

    /// Creates an object, in `ns` unless it says or is cluster-wide.
    pub(super) fn create(&self, plural: &str, mut object: Value) -> Value {
        if !CLUSTER_WIDE.contains(&plural) && object["metadata"]["namespace"].is_null() {
            object["metadata"]["namespace"] = json!("ns");
        }
        self.server.create(&gvr(plural), object).unwrap()
    }

    pub(super) fn get(&self, plural: &str, name: &str) -> Value {
        let found = self.find(plural, name);
        found.unwrap_or_else(|| panic!("no {plural} {name}"))
    }

    pub(super) fn find(&self, plural: &str, name: &str) -> Option<Value> {
        let namespace = if CLUSTER_WIDE.contains(&plural) {
            ""
        } else {
            "ns"
        };
        self.server.get(&gvr(plural), namespace, name)
    }

    pub(super) fn list(&self, plural: &str) -> Vec<Value> {
        self.server.list(&gvr(plural), None)
    }

    pub(super) fn names(&self, plural: &str) -> Vec<String> {
        self.list(plural)
            .iter()
            .map(|object| meta::text(object, "name").to_owned())
            .collect()
    }

    pub(super) fn patch(&self, plural: &str, name: &str, patch: Value) {
        let namespace = if CLUSTER_WIDE.contains(&plural) {
            ""
        } else {
            "ns"
        };
        self.server
            .patch(&gvr(plural), "", namespace, name, patch)
            .unwrap();
    }

    pub(super) fn patch_status(&self, plural: &str, name: &str, status: Value) {
        let namespace = if CLUSTER_WIDE.contains(&plural) {
            ""
        } else {
            "ns"
        };
        let patch = json!({"status": status});
        self.server
            .patch(&gvr(plural), "status", namespace, name, patch)
            .unwrap();
    }

    pub(super) fn delete(&self, plural: &str, name: &str, propagation: Propagation) {
        let namespace = if CLUSTER_WIDE.contains(&plural) {
            ""
        } else {
            "ns"
        };
        let how = Delete {
            propagation,
            ..Delete::default()
        };
        self.server
            .delete(&gvr(plural), namespace, name, how)
            .unwrap();
    }

    /// Deletes a pod as a kubelet does, at once.
    pub(super) fn server_delete_pod(&self, name: &str) {
        let how = Delete {
            grace: Some(0),
            ..Delete::default()
        };
        self.server.delete(&gvr("pods"), "ns", name, how).unwrap();
    }

    /// `reason: message xcount` of all Events about that name, as they were written.
    pub(super) fn events(&self, about: &str) -> Vec<String> {
        let mut events = self.list("events");
        events.retain(|event| event["involvedObject"]["name"] == about);
        events.sort_by_key(|event| meta::text(event, "name").to_owned());
        let line = |event: &Value| {
            let text = |field: &str| event[field].as_str().unwrap_or_default().to_owned();
            format!(
                "{}: {} x{}",
                text("reason"),
                text("message"),
                event["count"]
            )
        };
        events.iter().map(line).collect()
    }

    /// Lets controllers and kubelets work until nothing is due now.
    pub(super) fn settle(&mut self) {
        for _ in 0..10_000 {
            if !self.step() {
                return;
            }
        }
        panic!("the controllers do not come to rest");
    }

    /// The same for that many seconds, where something is tried again for ever.
    pub(super) fn settle_for(&mut self, seconds: i64) {
        let end = self.server.now().as_second() + seconds;
        while self.step() && self.server.now().as_second() < end {}
    }

    /// One round; whether there may be more to do.
    pub(super) fn step(&mut self) -> bool {
        let changes = self.server.changes();
        for change in &changes {
            self.manager.changed(change);
        }
        self.run_kubelets(&changes);
        let wait = self.manager.turn(&self.server);
        // What only rests for its length, or failed, is waited for.
        match wait {
            Some(wait) if wait < Duration::from_secs(1) => {
                self.advance(wait);
                true
            }
            _ => !self.server.state.lock().unwrap().changes.is_empty(),
        }
    }

    /// Time passes, and all that follows from it happens.
    pub(super) fn pass(&mut self, seconds: i64) {
        self.settle();
        self.advance(Duration::from_secs(seconds.unsigned_abs()));
        self.settle();
    }

    fn advance(&self, by: Duration) {
        let mut state = self.server.state.lock().unwrap();
        state.now = state
            .now
            .checked_add(SignedDuration::try_from(by).unwrap())
            .unwrap();
    }

    fn run_kubelets(&self, changes: &[Change]) {
        if self.kubelets == Kubelets::Idle {
            return;
        }
        let pods = changes
            .iter()
            .filter(|change| change.key.resource.plural == "pods");
        for change in pods.filter(|change| change.what != What::Deleted) {
            let Some(pod) = self.server.get(
                &change.key.resource,
                &change.key.namespace,
                &change.key.name,
            ) else {
                continue;
            };
            let name = &change.key.name;
            if meta::deleted(&pod) {
                let how = Delete {
                    grace: Some(0),
                    ..Delete::default()
                };
                let _ = self
                    .server
                    .delete(&change.key.resource, &change.key.namespace, name, how);
                if !meta::finalizers(&pod).is_empty() && pod["status"]["phase"] == "Running" {
                    self.report(change, json!({"phase": "Failed"}));
                }
                continue;
            }
            if !pod["spec"]["nodeName"].is_string() {
                let patch = json!({"spec": {"nodeName": "node"}});
                let _ =
                    self.server
                        .patch(&change.key.resource, "", &change.key.namespace, name, patch);
            }
            if pod["status"]["phase"].is_string() && pod["status"]["phase"] != "Running" {
                continue;
            }
            let phase = match self.kubelets {
                Kubelets::Succeed => "Succeeded",
                Kubelets::Fail => "Failed",
                _ => "Running",
            };
            let now = super::context::time(self.server.now()).0.to_string();
            if pod["status"]["phase"] != phase {
                let ready = if phase == "Running" { "True" } else { "False" };
                self.report(change, json!({"phase": phase, "podIP": format!("10.0.0.{}", change.object["metadata"]["resourceVersion"]).replace('"', ""),
                    "conditions": [{"type": "Ready", "status": ready, "lastTransitionTime": now}]}));
            }
        }
    }

    fn report(&self, change: &Change, status: Value) {
        let (namespace, name) = (&change.key.namespace, &change.key.name);
        let patch = json!({"status": status});
        self.server
            .patch(&change.key.resource, "status", namespace, name, patch)
            .unwrap();
    }
}

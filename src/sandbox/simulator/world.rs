//! What the simulator knows of nodes and pods, and what is to be done next. Pure: it is told of
//! events and of the outcome of what was done, and asked for the next action.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::net::IpAddr;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::core::v1::{ConfigMap, Node, PersistentVolumeClaim, Pod, PodStatus, Secret};
use kube::runtime::watcher::Event;

use super::addresses::Subnet;
use super::changes;
use super::known::{Known, Touched, Unknown};
use super::kubelet::{self, Place, Step};
use super::node::Simulated;
use super::note::{By, Note, Notes};
use super::options::Options;
use super::requests::{self, Amounts};
use super::scheduler::{self, Usage};

/// The taint of a node that the controllers have not yet seen to be ready.
const NOT_READY: &str = "node.kubernetes.io/not-ready";

/// A pod by its namespace and name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Key {
    pub(super) namespace: String,
    pub(super) name: String,
}

/// What is to be done for a pod; `uid` tells it from a later one of the same name.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Action {
    pub(super) key: Key,
    pub(super) uid: String,
    pub(super) what: What,
    /// To be told once it is done
    pub(super) notes: Vec<Note>,
}

/// See [`Action`].
#[derive(Clone, Debug, PartialEq)]
pub(super) enum What {
    /// Bind it to this node.
    Bind(String),
    /// Write this part of its status.
    Report(Box<PodStatus>),
    /// Write this part of its status, if any, then delete it without grace.
    Finish(Option<Box<PodStatus>>),
    /// Say [`World::waited`] after this time. No outcome is expected.
    Wait(Duration),
}

/// How an action went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// Done; the watch shows it, or has shown it already.
    Done,
    /// The server will not have it; what has changed the watch shows.
    Refused,
    /// The server could not be asked; the same may work later.
    Failed,
}

/// See the module.
#[derive(Default)]
pub(super) struct World {
    options: Options,
    simulated: HashMap<String, Subnet>,
    nodes: BTreeMap<String, Node>,
    usage: HashMap<String, Usage>,
    pods: HashMap<Key, Entry>,
    /// To be looked at.
    due: BTreeSet<Key>,
    /// Found no room, to be looked at when there may be some.
    unplaced: BTreeSet<Key>,
    /// Lack something that they name, to be looked at when it may be there.
    blocked: BTreeSet<Key>,
    known: Known,
    /// What a new list has not shown yet, while one is under way.
    unseen_pods: HashSet<Key>,
    unseen_nodes: HashSet<String>,
}

struct Entry {
    pod: Pod,
    charge: Option<Charge>,
    address: Option<u8>,
    /// When it was first seen bound to a simulated node.
    since: Option<Timestamp>,
    /// An action is under way; whether the pod has changed meanwhile.
    busy: Option<bool>,
    /// The time at which it will be looked at again in any case.
    wake: Option<Timestamp>,
    /// How often it was told that its volumes cannot be mounted, and when it is to be told again.
    mounts: (u32, Option<Timestamp>),
}

/// What a pod takes, of which node; assumed while a binding is under way.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Charge {
    node: String,
    amounts: Amounts,
}

impl World {
    pub(super) fn new(simulated: impl IntoIterator<Item = Simulated>, options: Options) -> Self {
        let subnet = |node: Simulated| (node.name(), Subnet::new(node));
        World {
            options,
            simulated: simulated.into_iter().map(subnet).collect(),
            ..World::default()
        }
    }

    /// Whether pods can be placed on all simulated nodes, as far as the controllers go.
    pub(super) fn is_ready(&self) -> bool {
        let ready = |node: &Node| {
            let taints = node.spec.as_ref().and_then(|spec| spec.taints.as_deref());
            !taints
                .unwrap_or_default()
                .iter()
                .any(|taint| taint.key == NOT_READY)
        };
        self.simulated
            .keys()
            .all(|name| self.nodes.get(name).is_some_and(ready))
    }

    /// The simulated nodes that are registered, with their UIDs.
    pub(super) fn registered(&self) -> Vec<(Simulated, String)> {
        let registered = self.simulated.iter().filter_map(|(name, subnet)| {
            Some((subnet.node(), self.nodes.get(name)?.metadata.uid.clone()?))
        });
        registered.collect()
    }

    pub(super) fn node_event(&mut self, event: Event<Node>) {
        match event {
            Event::Init => self.unseen_nodes = self.nodes.keys().cloned().collect(),
            Event::Apply(node) | Event::InitApply(node) => {
                let Some(name) = node.metadata.name.clone() else {
                    return;
                };
                self.unseen_nodes.remove(&name);
                self.nodes.insert(name, node);
                self.room_may_have_come();
            }
            Event::Delete(node) => {
                if let Some(name) = &node.metadata.name {
                    self.nodes.remove(name);
                    self.room_may_have_come();
                }
            }
            Event::InitDone => {
                for name in std::mem::take(&mut self.unseen_nodes) {
                    self.nodes.remove(&name);
                }
                self.room_may_have_come();
            }
        }
    }

    pub(super) fn pod_event(&mut self, event: Event<Pod>) {
        match event {
            Event::Init => self.unseen_pods = self.pods.keys().cloned().collect(),
            Event::Apply(pod) | Event::InitApply(pod) => {
                if let Some(key) = key(&pod) {
                    self.unseen_pods.remove(&key);
                    self.put(key, pod);
                }
            }
            Event::Delete(pod) => {
                if let Some(key) = key(&pod) {
                    self.remove(&key);
                }
            }
            Event::InitDone => {
                for key in std::mem::take(&mut self.unseen_pods) {
                    self.remove(&key);
                }
            }
        }
    }

    pub(super) fn secret_event(&mut self, event: Event<Secret>) {
        let touched = self.known.secret_event(event);
        self.touch(touched);
    }

    pub(super) fn config_map_event(&mut self, event: Event<ConfigMap>) {
        let touched = self.known.config_map_event(event);
        self.touch(touched);
    }

    pub(super) fn claim_event(&mut self, event: Event<PersistentVolumeClaim>) {
        let touched = self.known.claim_event(event);
        self.touch(touched);
    }

    /// What there is beside pods and nodes, and what is to be watched of it.
    pub(super) fn known(&self) -> &Known {
        &self.known
    }

    fn touch(&mut self, touched: Touched) {
        match touched {
            Touched::Nobody => {}
            Touched::Everybody => self.due.append(&mut self.blocked),
            Touched::Namespace(namespace) => {
                let first = Key {
                    namespace: namespace.clone(),
                    name: String::new(),
                };
                let all = self.blocked.range(first..);
                let touched = all.take_while(|key| key.namespace == namespace);
                let touched: Vec<Key> = touched.cloned().collect();
                for key in touched {
                    self.blocked.remove(&key);
                    self.due.insert(key);
                }
            }
        }
    }

    /// The time of a [`What::Wait`] is over.
    pub(super) fn waited(&mut self, key: Key) {
        if let Some(entry) = self.pods.get_mut(&key) {
            entry.wake = None;
            self.due.insert(key);
        }
    }

    /// An action for this pod has ended.
    pub(super) fn done(&mut self, key: &Key, outcome: Outcome) {
        let Some(entry) = self.pods.get_mut(key) else {
            return;
        };
        let changed = entry.busy.take().unwrap_or(false);
        let bound = node_of(&entry.pod).is_some();
        if outcome != Outcome::Done && !bound {
            self.charge(key, None);
        }
        if changed || outcome == Outcome::Failed {
            self.due.insert(key.clone());
        }
    }

    /// What to do next, if anything. Its outcome must be reported with [`done`](Self::done).
    pub(super) fn next(&mut self, now: Timestamp) -> Option<Action> {
        while let Some(key) = self.due.pop_first() {
            let Some(entry) = self.pods.get_mut(&key) else {
                continue;
            };
            if let Some(changed) = &mut entry.busy {
                *changed = true;
                continue;
            }
            let uid = entry.pod.metadata.uid.clone().unwrap_or_default();
            let Some((what, notes)) = self.decide(&key, now) else {
                continue;
            };
            if let Some(entry) = self.pods.get_mut(&key)
                && !matches!(what, What::Wait(_))
            {
                entry.busy = Some(false);
            }
            return Some(Action {
                key,
                uid,
                what,
                notes,
            });
        }
        None
    }

    fn decide(&mut self, key: &Key, now: Timestamp) -> Option<(What, Vec<Note>)> {
        let entry = self.pods.get(key)?;
        let spec = entry.pod.spec.as_ref()?;
        if let Some(node) = node_of(&entry.pod) {
            let node = node.to_owned();
            return self.run(key, &node, now);
        }
        if !scheduler::is_ours(spec)
            || entry.pod.metadata.deletion_timestamp.is_some()
            || kubelet::is_terminal(&entry.pod)
        {
            return None;
        }
        let Ok(against) = self.known.against(&key.namespace, spec) else {
            self.blocked.insert(key.clone());
            return None;
        };
        if against.is_some() {
            self.blocked.insert(key.clone());
        }
        let idle = Usage::default();
        let nodes = self.nodes.iter();
        let nodes = nodes.map(|(name, node)| (node, self.usage.get(name).unwrap_or(&idle)));
        let mut notes = Notes::new(By::Scheduler, &entry.pod, now);
        let placed = match against {
            Some(why) => Err(scheduler::nowhere(self.nodes.len(), &why)),
            None => scheduler::place(spec, nodes),
        };
        match placed {
            Ok(node) => {
                let node = node.to_owned();
                let amounts = requests::of_pod(spec);
                self.charge(
                    key,
                    Some(Charge {
                        node: node.clone(),
                        amounts,
                    }),
                );
                let (namespace, name) = (&key.namespace, &key.name);
                let message = format!("Successfully assigned {namespace}/{name} to {node}");
                notes.normal(None, "Scheduled", message);
                Some((What::Bind(node), notes.done()))
            }
            Err(message) => {
                notes.warn(None, "FailedScheduling", message.clone());
                let report = scheduler::unschedulable(&entry.pod, message, now);
                self.unplaced.insert(key.clone());
                Some((What::Report(report?), notes.done()))
            }
        }
    }

    /// What the kubelet of that node does next.
    fn run(&mut self, key: &Key, node: &str, now: Timestamp) -> Option<(What, Vec<Note>)> {
        let place = self.place(key, node, now)?;
        let entry = self.pods.get_mut(key)?;
        let spec = entry.pod.spec.as_ref()?;
        let lacks = match self.known.lacks(&key.namespace, spec) {
            Ok(lacks) => lacks,
            Err(Unknown) => {
                self.blocked.insert(key.clone());
                return None;
            }
        };
        if !lacks.is_empty() {
            self.blocked.insert(key.clone());
        }
        let told = |status: &PodStatus| changes::notes(&entry.pod, status, node, now);
        match kubelet::step(&entry.pod, place, &self.options, &lacks, now) {
            Step::Mount => {
                let (times, next) = &mut entry.mounts;
                let mut notes = Notes::new(By::Kubelet(node.to_owned()), &entry.pod, now);
                if next.is_none_or(|next| next <= now) {
                    for message in lacks.volumes {
                        notes.warn(None, "FailedMount", message);
                    }
                    *next = now.checked_add(kubelet::mount_pause(*times)).ok();
                    *times = times.saturating_add(1);
                }
                let wait = next.map(|next| next.duration_since(now));
                let wait = wait.and_then(|wait| Duration::try_from(wait).ok())?;
                Some((What::Wait(wait), notes.done()))
            }
            Step::Nothing => None,
            Step::Wait(time) => {
                let wake = SignedDuration::try_from(time).unwrap_or(SignedDuration::MAX);
                let wake = now.checked_add(wake).unwrap_or(Timestamp::MAX);
                if entry.wake.is_some_and(|before| before <= wake) {
                    return None;
                }
                entry.wake = Some(wake);
                Some((What::Wait(time), Vec::new()))
            }
            Step::Report(status) => {
                let notes = told(&status);
                Some((What::Report(status), notes))
            }
            Step::Finish(status) => {
                let notes = status.as_deref().map(told).unwrap_or_default();
                Some((What::Finish(status), notes))
            }
        }
    }

    fn put(&mut self, key: Key, mut pod: Pod) {
        // Half of what an object weighs, and nobody here reads it.
        pod.metadata.managed_fields = None;
        if self
            .pods
            .get(&key)
            .is_some_and(|old| old.pod.metadata.uid != pod.metadata.uid)
        {
            self.remove(&key);
        }
        let entry = Entry {
            pod: Pod::default(),
            charge: None,
            address: None,
            since: None,
            busy: None,
            wake: None,
            mounts: (0, None),
        };
        let entry = self.pods.entry(key.clone()).or_insert(entry);
        let terminal = kubelet::is_terminal(&pod);
        let charge = match (node_of(&pod), &pod.spec) {
            (Some(node), Some(spec)) if !terminal => Some(Charge {
                node: node.to_owned(),
                amounts: requests::of_pod(spec),
            }),
            (None, _) if entry.busy.is_some() => entry.charge.clone(),
            _ => None,
        };
        entry.pod = pod;
        match &mut entry.busy {
            Some(changed) => *changed = true,
            None => {
                self.due.insert(key.clone());
            }
        }
        self.unplaced.remove(&key);
        self.blocked.remove(&key);
        self.charge(&key, charge);
        if terminal {
            self.release_address(&key);
        }
    }

    fn remove(&mut self, key: &Key) {
        self.charge(key, None);
        self.release_address(key);
        self.pods.remove(key);
        self.unplaced.remove(key);
        self.blocked.remove(key);
    }

    fn charge(&mut self, key: &Key, charge: Option<Charge>) {
        let Some(entry) = self.pods.get_mut(key) else {
            return;
        };
        if entry.charge == charge {
            return;
        }
        let old = std::mem::replace(&mut entry.charge, charge.clone());
        if let Some(new) = charge {
            self.usage.entry(new.node).or_default().add(&new.amounts);
        }
        if let Some(old) = old {
            self.usage.entry(old.node).or_default().remove(&old.amounts);
            self.room_may_have_come();
        }
    }

    fn room_may_have_come(&mut self) {
        self.due.append(&mut self.unplaced);
    }

    /// Where a pod that is bound to `node` runs; `None` when the node is not ours, or has no
    /// address left.
    fn place(&mut self, key: &Key, node: &str, now: Timestamp) -> Option<Place> {
        let subnet = self.simulated.get_mut(node)?;
        let entry = self.pods.get_mut(key)?;
        let since = *entry.since.get_or_insert(now);
        let node = subnet.node().own_address();
        let on_host = entry.pod.spec.as_ref()?.host_network == Some(true);
        // What has been reported stands, whoever reported it.
        let reported = entry
            .pod
            .status
            .as_ref()
            .and_then(|status| status.pod_ip.as_ref());
        if let Some(pod) = reported.and_then(|address| address.parse::<IpAddr>().ok()) {
            return Some(Place { node, pod, since });
        }
        if on_host || entry.pod.metadata.deletion_timestamp.is_some() {
            return Some(Place {
                node,
                pod: node,
                since,
            });
        }
        let Some(host) = entry.address.or_else(|| subnet.take()) else {
            self.unplaced.insert(key.clone());
            return None;
        };
        entry.address = Some(host);
        Some(Place {
            node,
            pod: subnet.node().address(host),
            since,
        })
    }

    fn release_address(&mut self, key: &Key) {
        let Some(entry) = self.pods.get_mut(key) else {
            return;
        };
        let node = node_of(&entry.pod).map(str::to_owned);
        if let Some(host) = entry.address.take()
            && let Some(subnet) = node.and_then(|node| self.simulated.get_mut(&node))
        {
            subnet.release(host);
            self.room_may_have_come();
        }
    }
}

fn key(pod: &Pod) -> Option<Key> {
    let namespace = pod.metadata.namespace.clone()?;
    Some(Key {
        namespace,
        name: pod.metadata.name.clone()?,
    })
}

fn node_of(pod: &Pod) -> Option<&str> {
    pod.spec
        .as_ref()?
        .node_name
        .as_deref()
        .filter(|node| !node.is_empty())
}

#[cfg(test)]
mod tests;

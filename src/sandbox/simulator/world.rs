//! What the simulator knows of nodes and pods, and what is to be done next. Pure: it is told of
//! events and of the outcome of what was done, and asked for the next action.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::net::IpAddr;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::core::v1::{Node, Pod, PodStatus};
use kube::runtime::watcher::Event;

use super::addresses::Subnet;
use super::changes;
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
        let idle = Usage::default();
        let nodes = self.nodes.iter();
        let nodes = nodes.map(|(name, node)| (node, self.usage.get(name).unwrap_or(&idle)));
        let mut notes = Notes::new(By::Scheduler, &entry.pod, now);
        match scheduler::place(spec, nodes) {
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
        let told = |status: &PodStatus| changes::notes(&entry.pod, status, node, now);
        match kubelet::step(&entry.pod, place, &self.options, now) {
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
mod tests {
    use super::super::testing::{self, PodBuilder};
    use super::*;

    fn now() -> Timestamp {
        Timestamp::from_second(1_700_000_000).unwrap()
    }

    /// Two nodes, both known.
    fn world() -> World {
        let mut world = World::new([Simulated(0), Simulated(1)], Options::default());
        for name in ["node-0", "node-1"] {
            world.node_event(Event::Apply(testing::node(name).build()));
        }
        world
    }

    impl World {
        fn see(&mut self, pod: PodBuilder) {
            self.pod_event(Event::Apply(pod.build()));
        }

        fn gone(&mut self, pod: PodBuilder) {
            self.pod_event(Event::Delete(pod.build()));
        }

        fn act(&mut self) -> Option<What> {
            self.next(now()).map(|action| action.what)
        }

        fn done_with(&mut self, name: &str, outcome: Outcome) {
            let key = Key {
                namespace: "ns".to_owned(),
                name: name.to_owned(),
            };
            self.done(&key, outcome);
        }
    }

    fn bind(node: &str) -> Option<What> {
        Some(What::Bind(node.to_owned()))
    }

    #[test]
    fn pods_are_spread_even_before_the_watch_shows_them_bound() {
        let mut world = world();
        world.see(testing::pod("a"));
        world.see(testing::pod("b"));
        assert_eq!(world.act(), bind("node-0"));
        assert_eq!(world.act(), bind("node-1"));
        assert_eq!(world.act(), None);
    }

    #[test]
    fn nothing_is_done_twice_while_the_watch_lags() {
        let mut world = world();
        world.see(testing::pod("a"));
        assert_eq!(world.act(), bind("node-0"));
        world.done_with("a", Outcome::Done);
        assert_eq!(world.act(), None);
        world.see(testing::pod("a").on("node-0"));
        assert!(matches!(world.act(), Some(What::Report(_))));
    }

    #[test]
    fn a_change_during_an_action_is_looked_at_afterwards() {
        let mut world = world();
        world.see(testing::pod("a"));
        assert_eq!(world.act(), bind("node-0"));
        world.see(testing::pod("a").on("node-0"));
        assert_eq!(world.act(), None);
        world.done_with("a", Outcome::Done);
        assert!(matches!(world.act(), Some(What::Report(_))));
    }

    #[test]
    fn a_failure_is_tried_again_and_a_refusal_is_not() {
        let mut world = world();
        world.see(testing::pod("a"));
        assert_eq!(world.act(), bind("node-0"));
        world.done_with("a", Outcome::Failed);
        assert_eq!(world.act(), bind("node-0"), "what was assumed is forgotten");
        world.done_with("a", Outcome::Refused);
        assert_eq!(world.act(), None);
        assert_eq!(
            world.usage["node-0"],
            Usage {
                pods: 0,
                ..world.usage["node-0"].clone()
            }
        );
    }

    #[test]
    fn what_finds_no_room_gets_it_when_some_is_freed() {
        let mut world = world();
        let big = |name| testing::pod(name).cpu("3");
        world.see(big("a").on("node-0"));
        world.see(big("b").on("node-1"));
        world.see(big("c"));
        let mut reports = Vec::new();
        while let Some(action) = world.next(now()) {
            reports.push(action);
        }
        let Some(What::Report(status)) = reports
            .iter()
            .find(|action| action.key.name == "c")
            .map(|action| &action.what)
        else {
            panic!("{reports:?}");
        };
        let condition = super::super::conditions::condition(status, "PodScheduled").unwrap();
        assert_eq!(condition.reason.as_deref(), Some("Unschedulable"));
        world.see(big("c").status((**status).clone()));
        world.done_with("c", Outcome::Done);
        assert_eq!(world.act(), None, "the condition is there already");
        world.gone(big("b").on("node-1"));
        assert_eq!(world.act(), bind("node-1"));
    }

    #[test]
    fn a_new_node_takes_what_waited() {
        let mut world = World::new([Simulated(0)], Options::default());
        world.see(testing::pod("a"));
        assert!(matches!(world.act(), Some(What::Report(_))));
        world.done_with("a", Outcome::Done);
        assert!(!world.is_ready());
        world.node_event(Event::Apply(testing::node("node-0").build()));
        assert!(world.is_ready());
        assert_eq!(world.act(), bind("node-0"));
    }

    #[test]
    fn pods_that_completed_take_no_room() {
        let mut world = world();
        let done = PodStatus {
            phase: Some("Succeeded".to_owned()),
            ..PodStatus::default()
        };
        world.see(testing::pod("a").cpu("4").on("node-0").status(done));
        world.see(testing::pod("b").cpu("4"));
        assert_eq!(world.act(), bind("node-0"));
    }

    #[test]
    fn every_pod_has_its_own_address_and_a_new_list_frees_those_gone() {
        let mut world = world();
        let address = |what: Option<What>| match what {
            Some(What::Report(status)) => status.pod_ip.unwrap(),
            other => panic!("{other:?}"),
        };
        world.see(testing::pod("a").on("node-1"));
        world.see(testing::pod("b").on("node-1"));
        assert_eq!(address(world.act()), "198.18.1.2");
        assert_eq!(address(world.act()), "198.18.1.3");
        world.pod_event(Event::Init);
        world.pod_event(Event::InitApply(testing::pod("b").on("node-1").build()));
        world.pod_event(Event::InitDone);
        assert_eq!(world.pods.len(), 1);
        assert_eq!(world.usage["node-1"].pods, 1);
        assert_eq!(world.simulated["node-1"].taken(), 1);
    }

    #[test]
    fn pods_on_other_nodes_are_left_alone() {
        let mut world = world();
        world.see(testing::pod("a").on("elsewhere"));
        assert_eq!(world.act(), None);
    }
}

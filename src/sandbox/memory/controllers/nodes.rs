//! Nodes: the taints that say in which state they are, and who comes and goes
//! (`pkg/controller/nodelifecycle`).
//!
//! Heartbeats are not watched: a node whose lease runs out stays as it is, and pods are not evicted.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{Node, ObjectReference, Taint};
use serde_json::json;

use crate::sandbox::memory::status::Status;

use super::cluster::Gvr;
use super::context::{Again, Context, Controller, Name, time, unless_gone};
use super::events::Involved;
use super::index::{Index, Kind, Seen};
use super::meta;

const COMPONENT: &str = "node-controller";
const NO_SCHEDULE: &str = "NoSchedule";
const UNSCHEDULABLE: &str = "node.kubernetes.io/unschedulable";

/// Which condition, with which status, gives which taint.
const TAINTS: [(&str, &str, &str); 6] = [
    ("Ready", "False", "node.kubernetes.io/not-ready"),
    ("Ready", "Unknown", "node.kubernetes.io/unreachable"),
    (
        "MemoryPressure",
        "True",
        "node.kubernetes.io/memory-pressure",
    ),
    ("DiskPressure", "True", "node.kubernetes.io/disk-pressure"),
    (
        "NetworkUnavailable",
        "True",
        "node.kubernetes.io/network-unavailable",
    ),
    ("PIDPressure", "True", "node.kubernetes.io/pid-pressure"),
];

/// The controller of nodes.
#[derive(Debug, Default)]
pub(super) struct Nodes {
    /// The uids of nodes that are known
    known: BTreeMap<String, String>,
}

impl Controller for Nodes {
    fn due(&mut self, seen: &Seen<'_>, _index: &Index, due: &mut dyn FnMut(Name)) {
        if seen.kind == Kind::Node {
            due(Name::new("", seen.name()));
        }
    }

    fn reconcile(&mut self, cx: &mut Context<'_>, name: &Name) -> Result<Again, Status> {
        let name = name.name.as_str();
        let node = cx.cluster.typed::<Node>("", name);
        let uid = node.as_ref().map(|node| meta::uid(node).to_owned());
        let before = self.known.get(name).cloned();
        if before != uid {
            if let Some(before) = &before {
                let event = format!("Removing Node {name} from Controller");
                tell(cx, name, before, "RemovingNode", &event);
                self.known.remove(name);
            }
            if let Some(uid) = &uid {
                let event = format!("Registered Node {name} in Controller");
                tell(cx, name, uid, "RegisteredNode", &event);
                self.known.insert(name.to_owned(), uid.clone());
            }
        }
        let Some(mut node) = node else {
            return Ok(None);
        };
        let Some(mut taints) = taints(&node) else {
            return Ok(None);
        };
        for taint in taints
            .iter_mut()
            .filter(|taint| taint.time_added.is_none() && is_own(taint))
        {
            taint.time_added = Some(time(cx.now));
        }
        let spec = node.spec.get_or_insert_default();
        spec.taints = (!taints.is_empty()).then_some(taints);
        let patch = json!({"metadata": {"resourceVersion": node.metadata.resource_version},
            "spec": {"taints": node.spec.and_then(|spec| spec.taints)}});
        unless_gone(cx.cluster.patch(&Gvr::of::<Node>(), "", "", name, patch))?;
        Ok(None)
    }
}

fn tell(cx: &mut Context<'_>, name: &str, uid: &str, reason: &str, event: &str) {
    let about = Involved::new(ObjectReference {
        api_version: Some("v1".to_owned()),
        kind: Some("Node".to_owned()),
        name: Some(name.to_owned()),
        uid: Some(uid.to_owned()),
        ..ObjectReference::default()
    });
    cx.normal(
        COMPONENT,
        &about,
        reason,
        &format!("Node {name} event: {event}"),
    );
}

/// Whether a taint is one of those that come and go with a node's state.
fn is_own(taint: &Taint) -> bool {
    let known = TAINTS.iter().any(|(_, _, key)| *key == taint.key);
    taint.effect == NO_SCHEDULE && (known || taint.key == UNSCHEDULABLE)
}

/// The taints that a node should have; `None` when it has them.
fn taints(node: &Node) -> Option<Vec<Taint>> {
    let spec = node.spec.clone().unwrap_or_default();
    let conditions = node
        .status
        .iter()
        .flat_map(|status| status.conditions.iter().flatten());
    let mut wanted: Vec<&str> = conditions
        .into_iter()
        .filter_map(|condition| {
            let given = (condition.type_.as_str(), condition.status.as_str());
            TAINTS
                .iter()
                .find(|(type_, status, _)| (*type_, *status) == given)
                .map(|(_, _, key)| *key)
        })
        .collect();
    if spec.unschedulable == Some(true) {
        wanted.push(UNSCHEDULABLE);
    }
    let mut taints = spec.taints.unwrap_or_default();
    let before = taints.len();
    taints.retain(|taint| !is_own(taint) || wanted.contains(&taint.key.as_str()));
    let mut changed = taints.len() != before;
    for key in wanted {
        if !taints
            .iter()
            .any(|taint| taint.key == key && taint.effect == NO_SCHEDULE)
        {
            changed = true;
            taints.push(Taint {
                key: key.to_owned(),
                effect: NO_SCHEDULE.to_owned(),
                ..Taint::default()
            });
        }
    }
    changed.then_some(taints)
}

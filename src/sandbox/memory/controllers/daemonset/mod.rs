//! DaemonSets: one pod on each node that fits (`pkg/controller/daemon`).

mod decide;
mod nodes;
mod revisions;
mod status;
mod template;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::api::apps::v1::{DaemonSet, DaemonSetSpec};
use k8s_openapi::api::core::v1::{Node, Pod};
use serde_json::Value;

use crate::sandbox::memory::status::Status;

use super::context::{Again, Context, Controller, Name};
use super::events::Involved;
use super::index::{Index, Kind, Seen};
use super::ownership::{Owner, Rule, claim, labels_of};
use super::queue::{earlier, later};
use super::{meta, pods, selector};

use decide::{Changes, Failed, manage, rolling_update};

const COMPONENT: &str = "daemonset-controller";
/// Pods made or deleted at a time, as in Kubernetes.
const BURST: usize = 250;
/// How long a failed pod stays the first time, doubled each further time.
const FIRST_BACKOFF: Duration = Duration::from_secs(1);
const LONGEST_BACKOFF: Duration = Duration::from_secs(15 * 60);

/// The pods of a DaemonSet, by the node that they are for.
type ByNode = BTreeMap<String, Vec<Pod>>;

/// The controller of DaemonSets.
#[derive(Debug, Default)]
pub(super) struct DaemonSets {
    all: BTreeSet<Name>,
    /// What matters of each node
    nodes: HashMap<String, [Value; 2]>,
    /// When a failed pod was last replaced, and how long the next one stays, by set and node
    backoff: HashMap<(String, String), (Timestamp, Duration)>,
}

impl Controller for DaemonSets {
    fn due(&mut self, seen: &Seen<'_>, index: &Index, due: &mut dyn FnMut(Name)) {
        let namespace = seen.namespace();
        match seen.kind {
            Kind::DaemonSet => {
                let name = Name::new(namespace, seen.name());
                if seen.gone() {
                    let uid = meta::text(&seen.change.object, "uid");
                    self.backoff.retain(|(set, _), _| set != uid);
                    self.all.remove(&name);
                } else {
                    self.all.insert(name.clone());
                    due(name);
                }
            }
            Kind::Node => {
                let object = &*seen.change.object;
                let facts = [object["metadata"]["labels"].clone(), object["spec"].clone()];
                let changed = match seen.gone() {
                    true => self.nodes.remove(seen.name()).is_some(),
                    false => {
                        self.nodes.insert(seen.name().to_owned(), facts.clone()) != Some(facts)
                    }
                };
                if changed {
                    self.all.iter().for_each(|name| due(name.clone()));
                }
            }
            Kind::Pod => {
                for name in seen.controllers("apps", "DaemonSet") {
                    due(Name::new(namespace, name));
                }
                if seen.after.controller.is_none() && !seen.gone() {
                    for name in index.selecting(Kind::DaemonSet, namespace, &seen.after.labels) {
                        due(Name::new(namespace, &name));
                    }
                }
            }
            _ => {}
        }
    }

    fn reconcile(&mut self, cx: &mut Context<'_>, name: &Name) -> Result<Again, Status> {
        let Some(set) = cx.cluster.typed::<DaemonSet>(&name.namespace, &name.name) else {
            return Ok(None);
        };
        let Some(spec) = set.spec.clone() else {
            return Ok(None);
        };
        let about = Involved::of(&set);
        if selector::is_empty(&spec.selector) {
            let message =
                "This daemon set is selecting all pods. A non-empty selector is required.";
            cx.warning(COMPONENT, &about, "SelectingAll", message);
            return Ok(None);
        }
        if set.metadata.deletion_timestamp.is_some() {
            return Ok(None);
        }
        let owner = Owner::of(&set);
        let rule = Rule {
            kind: Kind::Pod,
            matches: &|pod: &Pod| selector::matches(&spec.selector, &labels_of(pod)),
            open: &|_| true,
            finalizer: None,
        };
        let claimed = claim(cx, &owner, &rule)?;
        let revisions = revisions::construct(cx, &set, &spec, &owner, &claimed)?;
        let nodes = cx.cluster.all::<Node>(None);
        let observed = decide::Observed {
            set: &set,
            spec: &spec,
            hash: &revisions.hash,
            nodes: &nodes,
            now: cx.now,
        };
        let live: Vec<Pod> = claimed
            .iter()
            .filter(|p| !(pods::is_terminal(p) && pods::is_deleted(p)))
            .cloned()
            .collect();
        let by_node = by_node(live);
        let mut again = None;
        let mut changes = manage(&observed, &by_node, |node, pod| {
            let (failed, at) = self.back_off(meta::uid(&set), node, pod, cx.now);
            again = earlier(again, at);
            failed
        });
        // A rolling update waits until what is missing is there.
        if changes.create.is_empty() && changes.delete.is_empty() {
            changes = rolling_update(&observed, &by_node);
        }
        let managed = carry_out(cx, &set, &spec, &about, &owner, &revisions.hash, changes);
        let cleaned = revisions.clean_up(cx, &spec, &claimed);
        let after = status::status(&observed, &by_node);
        if set.status.as_ref() != Some(&after) {
            let mut changed = set.clone();
            changed.status = Some(after);
            cx.cluster.update_typed("status", &changed)?;
        }
        managed.and(cleaned)?;
        let all = by_node.values().flatten();
        let available =
            pods::next_available(all, spec.min_ready_seconds.unwrap_or_default(), cx.now);
        Ok(earlier(again, available))
    }
}

impl DaemonSets {
    /// Whether a failed pod is to be replaced now; otherwise when.
    fn back_off(
        &mut self,
        set: &str,
        node: &str,
        pod: &Pod,
        now: Timestamp,
    ) -> (Failed, Option<Timestamp>) {
        let key = (set.to_owned(), node.to_owned());
        let (since, pause) = self
            .backoff
            .get(&key)
            .copied()
            .unwrap_or((now, Duration::ZERO));
        let until = later(since, pause);
        if until > now {
            tracing::debug!(
                pod = meta::name(pod),
                node,
                "a failed daemon pod stays for a while"
            );
            return (Failed::Stays, Some(until));
        }
        let forgotten = now.duration_since(until) > jiff::SignedDuration::from_secs(30 * 60);
        let next = match forgotten {
            true => FIRST_BACKOFF,
            false => pause
                .saturating_mul(2)
                .clamp(FIRST_BACKOFF, LONGEST_BACKOFF),
        };
        self.backoff.insert(key, (now, next));
        (Failed::Goes, None)
    }
}

fn by_node(pods: Vec<Pod>) -> ByNode {
    let mut by_node = ByNode::new();
    for pod in pods {
        if let Some(node) = template::target_node(&pod) {
            by_node.entry(node).or_default().push(pod);
        }
    }
    // Those on the node come first, then the oldest.
    for pods in by_node.values_mut() {
        pods.sort_by(|one, other| {
            let order = |pod: &Pod| {
                let created = pod.metadata.creation_timestamp.as_ref().map(|time| time.0);
                (pods::node(pod).is_empty(), created)
            };
            order(one)
                .cmp(&order(other))
                .then_with(|| meta::name(one).cmp(meta::name(other)))
        });
    }
    by_node
}

fn carry_out(
    cx: &mut Context<'_>,
    set: &DaemonSet,
    spec: &DaemonSetSpec,
    about: &Involved,
    owner: &Owner,
    hash: &str,
    changes: Changes,
) -> Result<(), Status> {
    for (type_, reason, message) in changes.told {
        match type_ {
            "Warning" => cx.warning(COMPONENT, about, reason, &message),
            _ => cx.normal(COMPONENT, about, reason, &message),
        }
    }
    let template = template::for_pods(spec, template::generation(set), hash);
    let mut result = Ok(());
    for node in changes.create.iter().take(BURST) {
        let mut pod = pods::from_template(
            &template,
            &owner.reference.name,
            &owner.namespace,
            owner.reference.clone(),
        );
        template::pin(pod.spec.get_or_insert_default(), node);
        result = pods::create(cx, COMPONENT, about, &pod).map(drop);
        if result.is_err() {
            break;
        }
    }
    for pod in changes.delete.iter().take(BURST) {
        let deleted = pods::delete(cx, COMPONENT, about, pod);
        result = result.and(deleted);
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failed_pods_stay_longer_each_time() {
        let mut sets = DaemonSets::default();
        let at = |seconds: i64| Timestamp::from_second(seconds).unwrap();
        let pod = Pod::default();
        let mut look = |seconds: i64| sets.back_off("set", "node", &pod, at(seconds));
        for (seconds, wanted) in [
            (0, (Failed::Goes, None)),
            (0, (Failed::Stays, Some(at(1)))),
            (1, (Failed::Goes, None)),
            (2, (Failed::Stays, Some(at(3)))),
            (3, (Failed::Goes, None)),
            (6, (Failed::Stays, Some(at(7)))),
            (7, (Failed::Goes, None)),
            (10_000, (Failed::Goes, None)),
            (10_000, (Failed::Stays, Some(at(10_001)))),
        ] {
            assert_eq!(look(seconds), wanted, "after {seconds} s");
        }
        let other = sets.back_off("set", "another", &pod, at(0));
        assert_eq!(other, (Failed::Goes, None));
    }
}

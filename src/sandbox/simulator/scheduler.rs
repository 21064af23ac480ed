//! Where a pod goes: the decision of kube-scheduler, as far as it is simulated.

use std::collections::BTreeMap;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::{Node, Pod, PodCondition, PodSpec, PodStatus};

use super::affinity;
use super::conditions;
use super::quantity;
use super::requests::{self, Amounts};

/// The scheduler whose pods are ours to place.
const SCHEDULER: &str = "default-scheduler";

/// What the pods on a node take of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Usage {
    pub(super) pods: u32,
    pub(super) amounts: Amounts,
}

impl Usage {
    pub(super) fn add(&mut self, amounts: &Amounts) {
        self.pods += 1;
        self.amounts.add(amounts);
    }

    pub(super) fn remove(&mut self, amounts: &Amounts) {
        self.pods = self.pods.saturating_sub(1);
        self.amounts.subtract(amounts);
    }
}

/// Whether a pod is to be given a node, by us and now.
pub(super) fn is_ours(spec: &PodSpec) -> bool {
    spec.node_name.as_deref().unwrap_or("").is_empty()
        && spec.scheduler_name.as_deref().unwrap_or(SCHEDULER) == SCHEDULER
        && spec
            .scheduling_gates
            .as_deref()
            .unwrap_or_default()
            .is_empty()
}

/// The name of the node that fits and has the fewest pods, first by name among equals.
///
/// Errors: kube-scheduler's message, which counts the nodes by the reason why they do not fit.
pub(super) fn place<'a>(
    spec: &PodSpec,
    nodes: impl Iterator<Item = (&'a Node, &'a Usage)>,
) -> Result<&'a str, String> {
    let wanted = requests::of_pod(spec);
    let mut best: Option<(u32, &str)> = None;
    let mut reasons: BTreeMap<String, usize> = BTreeMap::new();
    let mut all = 0;
    for (node, usage) in nodes {
        all += 1;
        let name = node.metadata.name.as_deref().unwrap_or_default();
        let against = reasons_against(spec, &wanted, node, usage);
        if against.is_empty() {
            best = Some(best.map_or((usage.pods, name), |best| best.min((usage.pods, name))));
        }
        for reason in against {
            *reasons.entry(reason).or_default() += 1;
        }
    }
    best.map(|(_, name)| name)
        .ok_or_else(|| message(all, &reasons))
}

/// In the order of kube-scheduler's filters; the first that fails speaks for the node.
fn reasons_against(spec: &PodSpec, wanted: &Amounts, node: &Node, usage: &Usage) -> Vec<String> {
    if affinity::is_closed(spec, node) {
        return vec!["node(s) were unschedulable".to_owned()];
    }
    if affinity::is_repelled(spec, node) {
        return vec!["node(s) had untolerated taint(s)".to_owned()];
    }
    if !affinity::selects(spec, node) {
        return vec!["node(s) didn't match Pod's node affinity/selector".to_owned()];
    }
    let allocatable = node
        .status
        .as_ref()
        .and_then(|status| status.allocatable.as_ref());
    let room_for = allocatable
        .and_then(|all| all.get("pods"))
        .map_or(0, quantity::count);
    let mut reasons = Vec::new();
    if usage.pods >= room_for {
        reasons.push("Too many pods".to_owned());
    }
    let allocatable = Amounts::of(allocatable);
    for (name, amount) in wanted.iter() {
        if amount > 0 && usage.amounts.get(name) + amount > allocatable.get(name) {
            reasons.push(format!("Insufficient {name}"));
        }
    }
    reasons
}

/// As `FitError` in k8s.io/kubernetes/pkg/scheduler/framework says it.
fn message(nodes: usize, reasons: &BTreeMap<String, usize>) -> String {
    if nodes == 0 {
        return "no nodes available to schedule pods".to_owned();
    }
    let mut counted: Vec<String> = reasons
        .iter()
        .map(|(reason, count)| format!("{count} {reason}"))
        .collect();
    counted.sort();
    format!("0/{nodes} nodes are available: {}.", counted.join(", "))
}

/// The same for a pod that no node would help.
pub(super) fn nowhere(nodes: usize, why: &str) -> String {
    if nodes == 0 {
        return message(0, &BTreeMap::new());
    }
    format!("0/{nodes} nodes are available: {why}.")
}

/// The condition of a pod that fits nowhere, unless it has it already.
pub(super) fn unschedulable(pod: &Pod, message: String, now: Timestamp) -> Option<Box<PodStatus>> {
    let current = pod.status.clone().unwrap_or_default();
    let wanted = PodCondition {
        type_: "PodScheduled".to_owned(),
        status: "False".to_owned(),
        reason: Some("Unschedulable".to_owned()),
        message: Some(message),
        observed_generation: pod.metadata.generation,
        ..PodCondition::default()
    };
    let old = conditions::condition(&current, &wanted.type_);
    if old.is_some_and(|old| old.reason == wanted.reason && old.message == wanted.message) {
        return None;
    }
    let condition = conditions::since(wanted, &current, now);
    Some(Box::new(PodStatus {
        conditions: Some(vec![condition]),
        ..PodStatus::default()
    }))
}

#[cfg(test)]
mod tests {
    use super::super::testing;
    use super::*;

    fn used(pods: u32, cpu: &str) -> Usage {
        let spec = testing::pod("a").cpu(cpu).build().spec.unwrap();
        Usage {
            pods,
            amounts: requests::of_pod(&spec),
        }
    }

    fn place_on(spec: &PodSpec, nodes: &[(Node, Usage)]) -> Result<String, String> {
        place(spec, nodes.iter().map(|(node, usage)| (node, usage))).map(str::to_owned)
    }

    #[test]
    fn the_emptiest_node_that_fits() {
        let nodes = [
            (testing::node("a").build(), used(1, "0")),
            (testing::node("b").cordoned().build(), used(0, "0")),
            (testing::node("c").build(), used(2, "0")),
        ];
        let spec = testing::pod("p").cpu("1").build().spec.unwrap();
        assert_eq!(place_on(&spec, &nodes), Ok("a".to_owned()));
    }

    #[test]
    fn a_pod_that_fits_nowhere_is_told_why() {
        let nodes = [
            (testing::node("a").build(), used(1, "3500m")),
            (testing::node("b").build(), used(10, "4")),
            (
                testing::node("c").taint("gpu", "NoSchedule").build(),
                Usage::default(),
            ),
        ];
        let spec = testing::pod("p").cpu("1").build().spec.unwrap();
        assert_eq!(
            place_on(&spec, &nodes).unwrap_err(),
            "0/3 nodes are available: 1 Too many pods, 1 node(s) had untolerated taint(s), \
             2 Insufficient cpu."
        );
        assert_eq!(
            place_on(&spec, &[]).unwrap_err(),
            "no nodes available to schedule pods"
        );
    }

    #[test]
    fn a_full_node_takes_what_asks_for_nothing() {
        let nodes = [(testing::node("a").build(), used(1, "4"))];
        assert!(place_on(&testing::pod("p").build().spec.unwrap(), &nodes).is_ok());
    }

    #[test]
    fn an_unknown_resource_is_on_no_node() {
        let mut spec = testing::pod("p").build().spec.unwrap();
        spec.overhead = Some([("example.com/gpu".to_owned(), testing::quantity("1"))].into());
        let nodes = [(testing::node("a").build(), Usage::default())];
        let message = place_on(&spec, &nodes).unwrap_err();
        assert_eq!(
            message,
            "0/1 nodes are available: 1 Insufficient example.com/gpu."
        );
    }

    #[test]
    fn bound_gated_and_foreign_pods_are_not_ours() {
        let ours = testing::pod("p");
        assert!(is_ours(&ours.build().spec.unwrap()));
        assert!(!is_ours(&testing::pod("p").on("a").build().spec.unwrap()));
        let foreign = testing::pod("p").spec(|spec| spec.scheduler_name = Some("mine".to_owned()));
        assert!(!is_ours(&foreign.build().spec.unwrap()));
        let gated = testing::pod("p").spec(|spec| {
            spec.scheduling_gates = Some(vec![Default::default()]);
        });
        assert!(!is_ours(&gated.build().spec.unwrap()));
    }
}

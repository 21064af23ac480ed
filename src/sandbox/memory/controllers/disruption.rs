//! How many pods may be evicted, as PodDisruptionBudgets see it (`pkg/controller/disruption`).
//!
//! What is owned by a custom resource counts as what cannot be scaled, and a pod with two budgets is
//! not warned of.

use std::collections::{BTreeMap, HashMap};

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::apps::v1::{Deployment, ReplicaSet, StatefulSet};
use k8s_openapi::api::core::v1::{Pod, ReplicationController};
use k8s_openapi::api::policy::v1::{
    PodDisruptionBudget, PodDisruptionBudgetSpec, PodDisruptionBudgetStatus,
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, OwnerReference, Time};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

use crate::sandbox::memory::status::Status;

use super::cluster::Cluster;
use super::context::{Again, Context, Controller, Name, time};
use super::events::Involved;
use super::index::{Index, Kind, Seen, group_of};
use super::meta;
use super::ownership::labels_of;
use super::pods;
use super::queue::earlier;
use super::scaled::{number, scaled};
use super::selector;

const COMPONENT: &str = "controllermanager";
const ALLOWED: &str = "DisruptionAllowed";
/// How long an evicted pod may take to be marked for deletion, as in Kubernetes.
const DELETION: SignedDuration = SignedDuration::from_mins(2);

/// The controller of PodDisruptionBudgets.
pub(super) struct Budgets;

impl Controller for Budgets {
    fn due(&mut self, seen: &Seen<'_>, index: &Index, due: &mut dyn FnMut(Name)) {
        let namespace = seen.namespace();
        match seen.kind {
            Kind::PodDisruptionBudget if !seen.gone() => due(Name::new(namespace, seen.name())),
            Kind::Pod => {
                let before = seen.before.iter().map(|facts| &facts.labels);
                for labels in before.chain([&seen.after.labels]) {
                    for name in index.selecting(Kind::PodDisruptionBudget, namespace, labels) {
                        due(Name::new(namespace, &name));
                    }
                }
            }
            // The sizes of their owners count, of which only pods tell.
            Kind::Deployment
            | Kind::ReplicaSet
            | Kind::StatefulSet
            | Kind::ReplicationController => {
                let template = &seen.change.object["spec"]["template"];
                let labels = meta::labels(template);
                for name in index.selecting(Kind::PodDisruptionBudget, namespace, &labels) {
                    due(Name::new(namespace, &name));
                }
            }
            _ => {}
        }
    }

    fn reconcile(&mut self, cx: &mut Context<'_>, name: &Name) -> Result<Again, Status> {
        let Some(mut budget) = cx
            .cluster
            .typed::<PodDisruptionBudget>(&name.namespace, &name.name)
        else {
            return Ok(None);
        };
        let spec = budget.spec.clone().unwrap_or_default();
        let about = Involved::of(&budget);
        let pods = selected(cx, &name.namespace, &spec);
        if pods.is_empty() {
            cx.normal(COMPONENT, &about, "NoPods", "No matching pods found");
        }
        let before = budget.status.clone().unwrap_or_default();
        let generation = budget.metadata.generation;
        let expected = match expected(cx.cluster, &name.namespace, &spec, &pods) {
            Ok(expected) => expected,
            Err(problem) => {
                let message = format!("Failed to calculate the number of expected pods: {problem}");
                cx.warning(
                    COMPONENT,
                    &about,
                    "CalculateExpectedPodCountFailed",
                    &message,
                );
                let mut status = before.clone();
                status.disruptions_allowed = Some(0);
                let observed = status.observed_generation;
                set_condition(&mut status, false, "SyncFailed", &problem, observed, cx.now);
                if status != before {
                    budget.status = Some(status);
                    cx.cluster.update_typed("status", &budget)?;
                }
                return Ok(None);
            }
        };
        if expected.unmanaged {
            let selector = spec.selector.clone().unwrap_or_default();
            let message = format!(
                "Pods selected by this PodDisruptionBudget (selector: {}) were found to be unmanaged. As a result, the status of the PDB cannot be calculated correctly, which may result in undefined behavior. To account for these pods please set \".spec.minAvailable\" field of the PDB to an integer value.",
                go_text(&selector)
            );
            cx.warning(COMPONENT, &about, "UnmanagedPods", &message);
        }
        let (disrupted, again) = disrupted(&before, &pods, cx.now);
        let status = status(&before, generation, &pods, expected, disrupted, cx.now);
        if status != before {
            budget.status = Some(status);
            cx.cluster.update_typed("status", &budget)?;
        }
        Ok(again)
    }
}

/// A selector as Go prints a pointer to it, as far as Events need it.
fn go_text(selector: &k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector) -> String {
    let labels = selector.match_labels.clone().unwrap_or_default();
    let labels: Vec<String> = labels
        .iter()
        .map(|(key, value)| format!("{key}: {value},"))
        .collect();
    format!(
        "&LabelSelector{{MatchLabels:map[string]string{{{}}},MatchExpressions:[]LabelSelectorRequirement{{}},}}",
        labels.join("")
    )
}

fn selected(cx: &Context<'_>, namespace: &str, spec: &PodDisruptionBudgetSpec) -> Vec<Pod> {
    let Some(wanted) = &spec.selector else {
        return Vec::new();
    };
    let labels = wanted.match_labels.clone().unwrap_or_default();
    let names = cx.index.labelled(Kind::Pod, namespace, &labels);
    let mut pods = pods::read(cx.cluster, namespace, &names);
    pods.retain(|pod| selector::matches(wanted, &labels_of(pod)));
    pods
}

/// How many pods there should be, and how many of them healthy.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Expected {
    pods: i32,
    healthy: i32,
    /// Whether some belong to nobody
    unmanaged: bool,
}

fn expected(
    cluster: &dyn Cluster,
    namespace: &str,
    spec: &PodDisruptionBudgetSpec,
    pods: &[Pod],
) -> Result<Expected, String> {
    let invalid =
        || "invalid value for IntOrString: invalid type: string is not a percentage".to_owned();
    if let Some(most) = &spec.max_unavailable {
        let (count, unmanaged) = scale(cluster, namespace, pods)?;
        let most = scaled(most, count, true).ok_or_else(invalid)?;
        return Ok(Expected {
            pods: count,
            healthy: count.saturating_sub(most).max(0),
            unmanaged,
        });
    }
    match &spec.min_available {
        Some(IntOrString::Int(least)) => Ok(Expected {
            pods: number(pods.len()),
            healthy: *least,
            unmanaged: false,
        }),
        Some(least) => {
            let (count, unmanaged) = scale(cluster, namespace, pods)?;
            let healthy = scaled(least, count, true).ok_or_else(invalid)?;
            Ok(Expected {
                pods: count,
                healthy,
                unmanaged,
            })
        }
        None => Ok(Expected::default()),
    }
}

/// How many pods the owners of these ask for together.
fn scale(cluster: &dyn Cluster, namespace: &str, pods: &[Pod]) -> Result<(i32, bool), String> {
    let mut by_owner: HashMap<String, i32> = HashMap::new();
    let mut known: HashMap<&str, ()> = HashMap::new();
    let mut unmanaged = false;
    for pod in pods {
        let Some(owner) = meta::controller_of(&pod.metadata) else {
            unmanaged = true;
            continue;
        };
        if known.insert(&owner.uid, ()).is_some() {
            continue;
        }
        let found = owner_scale(cluster, namespace, owner)?;
        let (uid, replicas) =
            found.ok_or_else(|| format!("found no controllers for pod {:?}", meta::name(pod)))?;
        by_owner.insert(uid, replicas);
    }
    Ok((
        by_owner
            .values()
            .fold(0, |sum, count| sum.saturating_add(*count)),
        unmanaged,
    ))
}

fn owner_scale(
    cluster: &dyn Cluster,
    namespace: &str,
    owner: &OwnerReference,
) -> Result<Option<(String, i32)>, String> {
    let is_it = |uid: &str| uid == owner.uid;
    let found = match (group_of(&owner.api_version), owner.kind.as_str()) {
        ("apps", "ReplicaSet") => {
            let set = cluster.typed::<ReplicaSet>(namespace, &owner.name);
            let Some(set) = set.filter(|set| is_it(meta::uid(set))) else {
                return Ok(None);
            };
            let above =
                meta::controller_of(&set.metadata).filter(|above| above.kind == "Deployment");
            let Some(above) = above else {
                let replicas = set.spec.as_ref().and_then(|spec| spec.replicas);
                return Ok(Some((owner.uid.clone(), replicas.unwrap_or(1))));
            };
            let deployment = cluster.typed::<Deployment>(namespace, &above.name);
            let deployment = deployment.filter(|deployment| meta::uid(deployment) == above.uid);
            return Ok(deployment.map(|d| {
                (
                    above.uid.clone(),
                    d.spec.and_then(|s| s.replicas).unwrap_or(1),
                )
            }));
        }
        ("apps", "StatefulSet") => {
            let set = cluster.typed::<StatefulSet>(namespace, &owner.name);
            set.filter(|set| is_it(meta::uid(set)))
                .map(|set| set.spec.and_then(|spec| spec.replicas))
        }
        ("", "ReplicationController") => {
            let set = cluster.typed::<ReplicationController>(namespace, &owner.name);
            set.filter(|set| is_it(meta::uid(set)))
                .map(|set| set.spec.and_then(|spec| spec.replicas))
        }
        (group, kind) => {
            let resource = match cluster.served(&owner.api_version, kind) {
                Some((resource, _)) => resource,
                None => {
                    let version = &owner.api_version;
                    return Err(format!(
                        "no matches for kind {kind:?} in version {version:?}"
                    ));
                }
            };
            let dot = if group.is_empty() { "" } else { "." };
            return Err(format!(
                "{}{dot}{group} does not implement the scale subresource",
                resource.plural
            ));
        }
    };
    Ok(found.map(|replicas| (owner.uid.clone(), replicas.unwrap_or(1))))
}

/// Evicted pods that are still to be deleted, and when the first of them should have been.
fn disrupted(
    before: &PodDisruptionBudgetStatus,
    pods: &[Pod],
    now: Timestamp,
) -> (BTreeMap<String, Time>, Again) {
    let mut disrupted = BTreeMap::new();
    let mut again = None;
    let Some(known) = &before.disrupted_pods else {
        return (disrupted, again);
    };
    for pod in pods.iter().filter(|pod| !pods::is_deleted(pod)) {
        if let Some(at) = known.get(meta::name(pod))
            && let Ok(until) = at.0.checked_add(DELETION)
            && until >= now
        {
            again = earlier(again, Some(until));
            disrupted.insert(meta::name(pod).to_owned(), at.clone());
        }
    }
    (disrupted, again)
}

fn status(
    before: &PodDisruptionBudgetStatus,
    generation: Option<i64>,
    pods: &[Pod],
    expected: Expected,
    disrupted: BTreeMap<String, Time>,
    now: Timestamp,
) -> PodDisruptionBudgetStatus {
    let healthy = pods.iter().filter(|pod| {
        !pods::is_deleted(pod) && !disrupted.contains_key(meta::name(*pod)) && pods::is_ready(pod)
    });
    let healthy = number(healthy.count());
    let spare = healthy.saturating_sub(expected.healthy).max(0);
    let allowed = if expected.pods <= 0 { 0 } else { spare };
    let mut status = PodDisruptionBudgetStatus {
        current_healthy: Some(healthy),
        desired_healthy: Some(expected.healthy),
        expected_pods: Some(expected.pods),
        disruptions_allowed: Some(allowed),
        disrupted_pods: (!disrupted.is_empty()).then_some(disrupted),
        observed_generation: generation,
        conditions: before.conditions.clone(),
    };
    let reason = if allowed > 0 {
        "SufficientPods"
    } else {
        "InsufficientPods"
    };
    set_condition(&mut status, allowed > 0, reason, "", generation, now);
    status
}

fn set_condition(
    status: &mut PodDisruptionBudgetStatus,
    holds: bool,
    reason: &str,
    message: &str,
    generation: Option<i64>,
    now: Timestamp,
) {
    let truth = if holds { "True" } else { "False" };
    let conditions = status.conditions.get_or_insert_default();
    let mut condition = Condition {
        type_: ALLOWED.to_owned(),
        status: truth.to_owned(),
        reason: reason.to_owned(),
        message: message.to_owned(),
        observed_generation: generation,
        last_transition_time: time(now),
    };
    match conditions.iter_mut().find(|known| known.type_ == ALLOWED) {
        Some(known) => {
            if known.status == truth {
                condition.last_transition_time = known.last_transition_time.clone();
            }
            *known = condition;
        }
        None => conditions.push(condition),
    }
}

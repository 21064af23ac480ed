//! What may change in a pod.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{
    Affinity, Container, NodeAffinity, PodSpec, ResourceRequirements,
};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity as Text;
use serde_json::{Value, json};

use super::super::super::pod::internal;
use super::super::super::workloads::read::{at, given, items, put, text};
use super::shared::check::Errors;
use super::validate::{metadata_and_spec, spec_of};
use super::{annotations, qos, shared};
use crate::sandbox::memory::field::{FieldError, Path};
use crate::sandbox::memory::kinds::meta;
use crate::sandbox::memory::names;

const UPDATABLE: &str = "pod updates may not change fields other than \
    `spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,\
    `spec.tolerations` (only additions to existing tolerations),\
    `spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)";

/// `ValidatePodUpdate`.
pub(super) fn validate(object: &Value, old: &Value) -> Vec<FieldError> {
    let (spec, known) = match (spec_of(object), spec_of(old)) {
        (Ok(spec), Ok(known)) => (spec, known),
        (Err(errors), _) | (_, Err(errors)) => return errors,
    };
    let mut errors = meta::validate_update(object, old);
    errors.extend(metadata_and_spec(object, &spec));
    validate_annotations(&mut errors, object, old, &spec);
    let path = Path::new("spec");
    let init = |spec: &PodSpec| spec.init_containers.clone().unwrap_or_default();
    let groups = [
        (
            "containers",
            spec.containers.clone(),
            known.containers.clone(),
        ),
        ("initContainers", init(&spec), init(&known)),
    ];
    for (field, new, old) in groups {
        let path = path.child(field);
        if new.len() != old.len() {
            let why = "pod updates may not add or remove containers";
            errors.push(FieldError::forbidden(&path, why));
            return errors;
        }
        for (at, container) in new.iter().enumerate() {
            let own = path.index(at);
            if container.image.as_ref().is_none_or(String::is_empty) {
                errors.push(FieldError::required(&own.child("image"), ""));
            }
            shared::image_has_no_edges(&mut errors, container, &own);
        }
    }
    if !validate_deadline(
        &mut errors,
        &spec,
        &known,
        &path.child("activeDeadlineSeconds"),
    ) {
        return errors;
    }
    validate_tolerations(&mut errors, &spec, &known, &path.child("tolerations"));
    validate_gates(&mut errors, &spec, &known, &path.child("schedulingGates"));
    let munged = without_changes_that_may_be(&mut errors, spec, &known, &path);
    if let Some(diff) = internal::diff("PodSpec", at(old, "spec"), &json!(munged)) {
        errors.push(FieldError::forbidden(&path, format!("{UPDATABLE}\n{diff}")));
    }
    errors
}

fn validate_annotations(errors: &mut Errors, object: &Value, old: &Value, spec: &PodSpec) {
    let (all, known) = (annotations(object), annotations(old));
    let path = Path::new("metadata.annotations");
    shared::annotations::validate_update(errors, &all, &known, &path);
    shared::annotations::validate(errors, &all, spec, &path);
}

/// Whether what follows is looked at as well.
fn validate_deadline(errors: &mut Errors, spec: &PodSpec, old: &PodSpec, path: &Path) -> bool {
    let most = i64::from(i32::MAX);
    let (new, old) = (spec.active_deadline_seconds, old.active_deadline_seconds);
    match (new, old) {
        (Some(new), _) if !(0..=most).contains(&new) => {
            errors.push(FieldError::invalid(path, new, names::range_error(0, most)));
            false
        }
        (Some(new), Some(old)) if old < new => {
            let why = "must be less than or equal to previous value";
            errors.push(FieldError::invalid(path, new, why));
            false
        }
        (None, Some(_)) => {
            let why = "must not update from a positive integer to nil value";
            errors.push(FieldError::invalid(path, Value::Null, why));
            true
        }
        _ => true,
    }
}

/// `validateOnlyAddedTolerations`.
fn validate_tolerations(errors: &mut Errors, spec: &PodSpec, old: &PodSpec, path: &Path) {
    let new = spec.tolerations.as_deref().unwrap_or_default();
    for old in old.tolerations.iter().flatten() {
        let is_there = new.iter().any(|new| {
            let mut old = old.clone();
            old.toleration_seconds = new.toleration_seconds;
            old == *new
        });
        if !is_there {
            let why = "existing toleration can not be modified except its tolerationSeconds";
            errors.push(FieldError::forbidden(path, why));
            return;
        }
    }
    shared::scheduling::validate_tolerations(errors, new, path);
}

fn validate_gates(errors: &mut Errors, spec: &PodSpec, old: &PodSpec, path: &Path) {
    let known: Vec<&str> = old
        .scheduling_gates
        .iter()
        .flatten()
        .map(|gate| gate.name.as_str())
        .collect();
    for (at, gate) in spec.scheduling_gates.iter().flatten().enumerate() {
        if !known.contains(&gate.name.as_str()) {
            let name = &gate.name;
            let why = format!("only deletion is allowed, but found new scheduling gate '{name}'");
            errors.push(FieldError::forbidden(&path.index(at).child("name"), why));
        }
    }
}

/// The new spec with the old one's values where they may differ.
fn without_changes_that_may_be(
    errors: &mut Errors,
    spec: PodSpec,
    old: &PodSpec,
    path: &Path,
) -> PodSpec {
    let mut munged = spec;
    let take_images = |new: &mut [Container], old: &[Container]| {
        for (new, old) in new.iter_mut().zip(old) {
            new.image.clone_from(&old.image);
        }
    };
    take_images(&mut munged.containers, &old.containers);
    let known = old.init_containers.as_deref().unwrap_or_default();
    take_images(
        munged.init_containers.as_deref_mut().unwrap_or_default(),
        known,
    );
    munged.active_deadline_seconds = old.active_deadline_seconds;
    munged.scheduling_gates.clone_from(&old.scheduling_gates);
    munged.tolerations.clone_from(&old.tolerations);
    if old
        .termination_grace_period_seconds
        .is_some_and(|seconds| seconds < 0)
        && munged.termination_grace_period_seconds == Some(1)
    {
        munged.termination_grace_period_seconds = old.termination_grace_period_seconds;
    }
    if old
        .scheduling_gates
        .as_ref()
        .is_some_and(|gates| !gates.is_empty())
    {
        let selector = munged.node_selector.clone().unwrap_or_default();
        let known = old.node_selector.clone().unwrap_or_default();
        if known
            .iter()
            .any(|(key, value)| selector.get(key) != Some(value))
        {
            let why = "only additions to spec.nodeSelector are allowed (no mutations or deletions)";
            errors.push(FieldError::invalid(
                &path.child("nodeSelector"),
                json!(selector),
                why,
            ));
        }
        munged.node_selector.clone_from(&old.node_selector);
        take_affinity(errors, &mut munged, old, path);
    }
    munged
}

/// A pod that is not scheduled yet may ask for more of its node.
fn take_affinity(errors: &mut Errors, munged: &mut PodSpec, old: &PodSpec, path: &Path) {
    let of = |spec: &PodSpec| spec.affinity.as_ref().and_then(|a| a.node_affinity.clone());
    let (new, known) = (of(munged), of(old));
    if new == known {
        return;
    }
    validate_affinity(errors, new.as_ref(), known.as_ref(), path);
    let is_bare = |affinity: &Affinity| {
        affinity.pod_affinity.is_none() && affinity.pod_anti_affinity.is_none()
    };
    match &mut munged.affinity {
        None => {
            let affinity = |known| Affinity {
                node_affinity: Some(known),
                ..Affinity::default()
            };
            munged.affinity = known.map(affinity);
        }
        Some(affinity) if old.affinity.is_none() && is_bare(affinity) => munged.affinity = None,
        Some(affinity) => affinity.node_affinity = known,
    }
}

fn validate_affinity(
    errors: &mut Errors,
    new: Option<&NodeAffinity>,
    old: Option<&NodeAffinity>,
    path: &Path,
) {
    let required = |affinity: Option<&NodeAffinity>| {
        affinity.and_then(|a| {
            a.required_during_scheduling_ignored_during_execution
                .clone()
        })
    };
    let Some(old) = required(old) else { return };
    let old = old.node_selector_terms;
    let new = required(new)
        .map(|new| new.node_selector_terms)
        .unwrap_or_default();
    let path = path
        .child("affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution")
        .child("nodeSelectorTerms");
    let shown = |term: &k8s_openapi::api::core::v1::NodeSelectorTerm| {
        internal::shown("NodeSelectorTerm", &json!(term))
    };
    if !old.is_empty() && old.len() != new.len() {
        let shown = if new.is_empty() {
            Value::Null
        } else {
            new.iter().map(shown).collect()
        };
        let why = "no additions/deletions to non-empty NodeSelectorTerms list are allowed";
        errors.push(FieldError::invalid(&path, shown, why));
        return;
    }
    for (at, (old, new)) in old.iter().zip(&new).enumerate() {
        let lists = [
            (
                old.match_expressions.as_deref(),
                new.match_expressions.as_deref(),
            ),
            (old.match_fields.as_deref(), new.match_fields.as_deref()),
        ];
        let lists = lists.map(|(old, new)| (old.unwrap_or_default(), new.unwrap_or_default()));
        let was_empty = lists.iter().all(|(old, _)| old.is_empty());
        let is_fine = if was_empty {
            lists.iter().all(|(_, new)| new.is_empty())
        } else {
            lists.iter().all(|(old, new)| new.starts_with(old))
        };
        if !is_fine {
            let why = "only additions are allowed (no mutations or deletions)";
            errors.push(FieldError::invalid(&path.index(at), shown(new), why));
        }
    }
}

fn static_pods_do_not(words: &str) -> Vec<FieldError> {
    vec![FieldError::forbidden(&Path::new("[]"), words)]
}

/// `ValidatePodEphemeralContainersUpdate`.
pub(super) fn validate_ephemeral(object: &Value, old: &Value) -> Vec<FieldError> {
    let spec = match spec_of(object) {
        Ok(spec) => spec,
        Err(errors) => return errors,
    };
    let mut errors = meta::common_update(object, old);
    if annotations(old).contains_key(shared::annotations::MIRROR) {
        errors.extend(static_pods_do_not(
            "static pods do not support ephemeral containers",
        ));
        return errors;
    }
    errors.extend(meta::own_update(object, old));
    errors.extend(metadata_and_spec(object, &spec));
    validate_annotations(&mut errors, object, old, &spec);
    let path = Path::new("spec.ephemeralContainers");
    for known in items(old, "spec.ephemeralContainers") {
        let name = text(known, "name");
        let all = items(object, "spec.ephemeralContainers");
        let why = match all.iter().rfind(|new| text(new, "name") == name) {
            None => format!("existing ephemeral containers {name:?} may not be removed\n"),
            Some(new) => match internal::diff("EphemeralContainer", known, new) {
                Some(diff) => {
                    format!("existing ephemeral containers {name:?} may not be changed\n{diff}")
                }
                None => continue,
            },
        };
        errors.push(FieldError::forbidden(&path, why));
    }
    errors
}

/// `dropNonResizeUpdates`: of what is written only requests, limits and how they may be changed are
/// looked at. Containers that were added, renamed or moved stay, and are refused.
pub(super) fn keep_all_but_resources(object: &mut Value, old: &Value) {
    let lists = ["spec.containers", "spec.initContainers"];
    let merged = lists.map(|list| {
        let (new, known) = (items(object, list), items(old, list));
        let is_same = new.len() == known.len()
            && new
                .iter()
                .zip(known)
                .all(|(new, old)| text(new, "name") == text(old, "name"));
        let merge = |(new, old): (&Value, &Value)| {
            let mut merged = old.clone();
            for field in ["resources", "resizePolicy"] {
                match given(new, field) {
                    Some(value) => put(&mut merged, field, value.clone()),
                    None => super::remove(&mut merged, field),
                }
            }
            merged
        };
        if is_same {
            new.iter().zip(known).map(merge).collect()
        } else {
            new.to_vec()
        }
    });
    if lists
        .iter()
        .any(|list| items(object, list).len() != items(old, list).len())
    {
        return;
    }
    let own = given(object, "spec.resources").cloned();
    super::keep(object, old, "spec");
    for (list, merged) in lists.into_iter().zip(merged) {
        if !merged.is_empty() {
            put(object, list, merged);
        }
    }
    match own {
        Some(own) => put(object, "spec.resources", own),
        None => super::remove(object, "spec.resources"),
    }
}

/// `ValidatePodResize`.
pub(super) fn validate_resize(object: &Value, old: &Value) -> Vec<FieldError> {
    let (spec, known) = match (spec_of(object), spec_of(old)) {
        (Ok(spec), Ok(known)) => (spec, known),
        (Err(errors), _) | (_, Err(errors)) => return errors,
    };
    let mut errors = meta::common_update(object, old);
    if annotations(old).contains_key(shared::annotations::MIRROR) {
        errors.extend(static_pods_do_not("static pods cannot be resized"));
        return errors;
    }
    if known.os.as_ref().is_some_and(|os| os.name == "windows") {
        errors.extend(static_pods_do_not("windows pods cannot be resized"));
        return errors;
    }
    errors.extend(meta::own_update(object, old));
    errors.extend(metadata_and_spec(object, &spec));
    let path = Path::new("spec");
    let class = text(old, "status.qosClass");
    if class != qos::class(object) {
        let why = "Pod QOS Class may not change as a result of resizing";
        let shown = text(object, "status.qosClass");
        errors.push(FieldError::invalid(&path, shown, why));
    }
    let statuses = items(old, "status.containerStatuses").iter();
    let mut running = statuses.filter(|status| given(status, "state.running").is_some());
    if running
        .next()
        .is_some_and(|status| given(status, "resources").is_none())
    {
        let why = "Pod running on node without support for resize";
        errors.push(FieldError::forbidden(&path, why));
    }
    let mut munged = spec.clone();
    resize_whole(&mut errors, &mut munged, &known, &path);
    if !containers_are_same(&mut errors, &spec, &known, &path) {
        return errors;
    }
    resize_containers(&mut errors, &mut munged, &known, &path);
    if errors.is_empty() && munged != known {
        errors.push(FieldError::forbidden(
            &path,
            "only cpu and memory resources are mutable",
        ));
    }
    errors
}

type Amounts = Option<BTreeMap<String, Text>>;

fn is_removed(new: &Amounts, old: &Amounts) -> bool {
    let new = new.as_ref();
    let mut names = old.iter().flatten().map(|(name, _)| name);
    names.any(|name| new.is_none_or(|new| !new.contains_key(name)))
}

/// The new requirements with what the old ones say about anything but cpu and memory.
fn keep_others(new: &mut Option<ResourceRequirements>, old: &Option<ResourceRequirements>) {
    let take = |new: &mut Amounts, old: &Amounts| {
        for name in ["cpu", "memory"] {
            let known = old.as_ref().and_then(|old| old.get(name));
            match known {
                Some(known) => {
                    new.get_or_insert_with(BTreeMap::new)
                        .insert(name.to_owned(), known.clone());
                }
                None => {
                    if let Some(new) = new {
                        new.remove(name);
                    }
                }
            }
        }
        *new = new.take().filter(|amounts| !amounts.is_empty());
    };
    let known = old.clone();
    let old = old.clone().unwrap_or_default();
    if let Some(new) = new {
        take(&mut new.requests, &old.requests);
        take(&mut new.limits, &old.limits);
    }
    // An empty structure and none are the same to Kubernetes.
    if new
        .as_ref()
        .is_none_or(|new| *new == ResourceRequirements::default())
        && old == ResourceRequirements::default()
    {
        *new = known;
    }
}

fn resize_whole(errors: &mut Errors, munged: &mut PodSpec, old: &PodSpec, path: &Path) {
    let path = path.child("resources");
    let (new, known) = (munged.resources.clone(), old.resources.clone());
    let Some(known) = known else {
        keep_others(&mut munged.resources, &None);
        return;
    };
    let Some(new) = new else {
        errors.push(FieldError::forbidden(
            &path,
            "pod-level resources cannot be removed",
        ));
        munged.resources.clone_from(&old.resources);
        return;
    };
    if is_removed(&new.requests, &known.requests) {
        let why = "pod-level resource requests cannot be removed";
        errors.push(FieldError::forbidden(&path.child("requests"), why));
    }
    if is_removed(&new.limits, &known.limits) {
        let why = "pod-level resource limits cannot be removed";
        errors.push(FieldError::forbidden(&path.child("limits"), why));
    }
    keep_others(&mut munged.resources, &old.resources);
    if munged.resources != old.resources {
        let why = "only cpu and memory resources are mutable at pod-level";
        errors.push(FieldError::forbidden(&Path::new("spec"), why));
    }
}

fn containers_are_same(errors: &mut Errors, spec: &PodSpec, old: &PodSpec, path: &Path) -> bool {
    let before = errors.len();
    let init = |spec: &PodSpec| spec.init_containers.clone().unwrap_or_default();
    let lists = [
        (
            "containers",
            spec.containers.clone(),
            old.containers.clone(),
        ),
        ("initContainers", init(spec), init(old)),
    ];
    for (list, new, old) in lists {
        let path = path.child(list);
        if new.len() != old.len() {
            let why = format!("{list} may not be added or removed on resize");
            errors.push(FieldError::forbidden(&path, why));
            continue;
        }
        for (at, _) in new
            .iter()
            .zip(&old)
            .enumerate()
            .filter(|(_, (n, o))| n.name != o.name)
        {
            let why = format!("{list} may not be renamed or reordered on resize");
            errors.push(FieldError::forbidden(&path.index(at).child("name"), why));
        }
    }
    errors.len() == before
}

fn resize_containers(errors: &mut Errors, munged: &mut PodSpec, old: &PodSpec, path: &Path) {
    let known_init = old.init_containers.as_deref().unwrap_or_default();
    let init = munged.init_containers.as_deref_mut().unwrap_or_default();
    for (at, (new, old)) in init.iter_mut().zip(known_init).enumerate() {
        removed(
            errors,
            new,
            old,
            &path.child("initContainers").index(at).child("resources"),
        );
    }
    for (at, (new, old)) in munged
        .containers
        .iter_mut()
        .zip(&old.containers)
        .enumerate()
    {
        removed(
            errors,
            new,
            old,
            &path.child("containers").index(at).child("resources"),
        );
    }
    for (new, old) in munged.containers.iter_mut().zip(&old.containers) {
        keep_others(&mut new.resources, &old.resources);
        if new != old {
            let why = "only cpu and memory resources are mutable";
            errors.push(FieldError::forbidden(path, why));
        }
    }
    let init = munged.init_containers.as_deref_mut().unwrap_or_default();
    for (at, (new, old)) in init.iter_mut().zip(known_init).enumerate() {
        let path = path.child("initContainers").index(at);
        let is_modified = new != old;
        keep_others(&mut new.resources, &old.resources);
        if new != old {
            let why = "only cpu and memory resources for init or sidecar containers are mutable";
            errors.push(FieldError::forbidden(&path, why));
        }
        let restarts = new.resize_policy.iter().flatten();
        let restarts = restarts.filter(|policy| policy.restart_policy == "RestartContainer");
        if is_modified && new.restart_policy.as_deref() != Some("Always") {
            for _ in restarts {
                let why = "non-sidecar init containers with a resize policy of RestartContainer \
                           cannot be resized";
                errors.push(FieldError::forbidden(&path, why));
            }
        }
    }
}

fn removed(errors: &mut Errors, new: &Container, old: &Container, path: &Path) {
    let (new, old) = (new.resources.clone(), old.resources.clone());
    let (new, old) = (new.unwrap_or_default(), old.unwrap_or_default());
    if is_removed(&new.requests, &old.requests) {
        let why = "resource requests cannot be removed";
        errors.push(FieldError::forbidden(&path.child("requests"), why));
    }
    if is_removed(&new.limits, &old.limits) {
        let why = "resource limits cannot be removed";
        errors.push(FieldError::forbidden(&path.child("limits"), why));
    }
}

//! The status of a pod, as kubelets write it (`ValidatePodStatusUpdate`).

use std::collections::HashMap;

use k8s_openapi::api::core::v1::{Container, ContainerStatus, PodSpec, PodStatus};
use serde_json::{Value, json};

use super::super::super::workloads::read::{at, int, items, items_mut, keep, put, remove, text};
use super::super::typed;
use super::shared::check::{
    Errors, invalid_each, invalid_number, required_subdomain, text as or_empty,
};
use super::validate::spec_of;
use super::{annotations, shared};
use crate::sandbox::memory::field::{FieldError, Path};
use crate::sandbox::memory::kinds::meta;
use crate::sandbox::memory::names;

/// Resets what a kubelet does not decide.
pub(super) fn prepare(object: &mut Value, old: &Value) {
    keep(object, old, "spec");
    remove(object, "metadata.deletionTimestamp");
    // An update never takes it back; only a status cannot bring it.
    keep(object, old, "metadata.deletionTimestamp");
    keep(object, old, "metadata.ownerReferences");
    if text(object, "status.qosClass").is_empty() {
        keep(object, old, "status.qosClass");
    }
    if int(object, "status.observedGeneration") == 0 {
        keep(object, old, "status.observedGeneration");
    }
    let mut known: HashMap<String, Vec<i64>> = HashMap::new();
    for condition in items(old, "status.conditions").iter().rev() {
        let generations = known.entry(text(condition, "type").to_owned()).or_default();
        generations.push(int(condition, "observedGeneration"));
    }
    for condition in items_mut(object, "status.conditions") {
        let generation = known.get_mut(text(condition, "type")).and_then(Vec::pop);
        let generation = generation.filter(|generation| *generation != 0);
        if let Some(generation) = generation
            && int(condition, "observedGeneration") == 0
        {
            put(condition, "observedGeneration", generation);
        }
    }
}

/// `ValidatePodStatusUpdate`.
pub(super) fn validate(object: &Value, old: &Value) -> Vec<FieldError> {
    let path = Path::new("status");
    let read = |object| {
        typed::read::<PodStatus>(at(object, "status"), &path)
            .and_then(|status| Ok((status, spec_of(object)?)))
    };
    let ((status, spec), (known, _)) = match (read(object), read(old)) {
        (Ok(new), Ok(old)) => (new, old),
        (Err(errors), _) | (_, Err(errors)) => return errors,
    };
    let mut errors = meta::validate_update(object, old);
    let (all, before) = (annotations(object), annotations(old));
    let annotations_path = Path::new("metadata.annotations");
    shared::annotations::validate_update(&mut errors, &all, &before, &annotations_path);
    shared::annotations::validate(&mut errors, &all, &spec, &annotations_path);
    conditions(&mut errors, &status, &path.child("conditions"));
    nominated(
        &mut errors,
        &status,
        &known,
        &spec,
        &path.child("nominatedNodeName"),
    );
    if let Some(generation) = status
        .observed_generation
        .filter(|generation| *generation < 0)
    {
        let path = path.child("observedGeneration");
        errors.push(FieldError::invalid(
            &path,
            generation,
            "must be a non-negative integer",
        ));
    }
    let (class, before) = (or_empty(&status.qos_class), or_empty(&known.qos_class));
    if class != before {
        errors.push(FieldError::invalid(
            &path.child("qosClass"),
            class,
            "field is immutable",
        ));
    }
    transitions(&mut errors, &status, &known, &spec, &path);
    claims(
        &mut errors,
        &status,
        &spec,
        &path.child("resourceClaimStatuses"),
    );
    addresses(&mut errors, &status, &known, &path);
    users(&mut errors, &status, &spec, &path);
    errors
}

fn conditions(errors: &mut Errors, status: &PodStatus, path: &Path) {
    for (at, condition) in status.conditions.iter().flatten().enumerate() {
        let path = path.index(at);
        if let Some(generation) = condition.observed_generation.filter(|g| *g < 0) {
            let path = path.child("observedGeneration");
            errors.push(FieldError::invalid(
                &path,
                generation,
                "must be a non-negative integer",
            ));
        }
        let type_ = condition.type_.as_str();
        if !["PodScheduled", "Ready", "Initialized"].contains(&type_) {
            invalid_each(
                errors,
                &path.child("Type"),
                type_,
                names::qualified_name(type_),
            );
        }
    }
}

fn nominated(
    errors: &mut Errors,
    status: &PodStatus,
    old: &PodStatus,
    spec: &PodSpec,
    path: &Path,
) {
    let name = or_empty(&status.nominated_node_name);
    if name.is_empty() || name == or_empty(&old.nominated_node_name) {
        return;
    }
    invalid_each(errors, path, name, names::dns1123_subdomain(name));
    if !or_empty(&spec.node_name).is_empty() {
        let why = "may not be set on pods that are already bound to a node";
        errors.push(FieldError::forbidden(path, why));
    }
}

/// A container that ended and is not to be started again stays so.
fn transitions(
    errors: &mut Errors,
    status: &PodStatus,
    old: &PodStatus,
    spec: &PodSpec,
    path: &Path,
) {
    let init = spec.init_containers.as_deref().unwrap_or_default();
    let mut rules = spec.containers.iter().chain(init);
    let restarts_all = rules.any(|container| {
        let rules = container.restart_policy_rules.iter().flatten();
        rules
            .into_iter()
            .any(|rule| rule.action == "RestartAllContainers")
    });
    let pod_policy = or_empty(&spec.restart_policy);
    if !restarts_all {
        let lists = [
            (
                "containerStatuses",
                &status.container_statuses,
                &old.container_statuses,
                &spec.containers[..],
            ),
            (
                "initContainerStatuses",
                &status.init_container_statuses,
                &old.init_container_statuses,
                init,
            ),
        ];
        for (field, new, old, containers) in lists {
            let may = |name: &str, code: i32| {
                let container = containers.iter().find(|container| container.name == name);
                container.is_some_and(|container| restarts(container, pod_policy, code))
            };
            ended(
                errors,
                new.as_deref(),
                old.as_deref(),
                may,
                &path.child(field),
            );
        }
    }
    let (new, old) = (
        &status.ephemeral_container_statuses,
        &old.ephemeral_container_statuses,
    );
    let path = path.child("ephemeralContainerStatuses");
    ended(errors, new.as_deref(), old.as_deref(), |_, _| false, &path);
}

fn ended(
    errors: &mut Errors,
    new: Option<&[ContainerStatus]>,
    old: Option<&[ContainerStatus]>,
    may_restart: impl Fn(&str, i32) -> bool,
    path: &Path,
) {
    let code = |status: &ContainerStatus| {
        status
            .state
            .as_ref()
            .and_then(|state| state.terminated.as_ref())
            .map(|t| t.exit_code)
    };
    for (at, before) in old.unwrap_or_default().iter().enumerate() {
        let Some(exit) = code(before) else { continue };
        let mut same = new
            .unwrap_or_default()
            .iter()
            .filter(|status| status.name == before.name);
        let runs = same.any(|status| code(status).is_none());
        if runs && !may_restart(&before.name, exit) {
            let why = "may not be transitioned to non-terminated state";
            errors.push(FieldError::forbidden(&path.index(at).child("state"), why));
        }
    }
}

/// `ContainerShouldRestart`.
fn restarts(container: &Container, pod_policy: &str, code: i32) -> bool {
    let by_policy = |policy: &str| match policy {
        "Never" => false,
        "OnFailure" => code != 0,
        _ => true,
    };
    let Some(policy) = &container.restart_policy else {
        return by_policy(pod_policy);
    };
    let mut rules = container.restart_policy_rules.iter().flatten();
    let has_rule = rules.any(|rule| {
        rule.exit_codes.as_ref().is_some_and(|codes| {
            let is_in = codes.values.iter().flatten().any(|value| *value == code);
            match codes.operator.as_str() {
                "In" => is_in,
                "NotIn" => !is_in,
                _ => false,
            }
        })
    });
    has_rule || by_policy(policy)
}

fn claims(errors: &mut Errors, status: &PodStatus, spec: &PodSpec, path: &Path) {
    let mut seen = std::collections::HashSet::new();
    for (at, own) in status.resource_claim_statuses.iter().flatten().enumerate() {
        let path = path.index(at);
        let name = own.name.as_str();
        let mut known = spec.resource_claims.iter().flatten();
        if !known.any(|claim| claim.name == name) {
            let why = "must match the name of an entry in `spec.resourceClaims`";
            errors.push(FieldError::invalid(&path.child("name"), name, why));
        }
        if !seen.insert(name) {
            errors.push(FieldError::duplicate(&path.child("name"), name));
        }
        if let Some(claim) = &own.resource_claim_name {
            required_subdomain(errors, claim, &path.child("resourceClaimName"));
        }
    }
}

fn addresses(errors: &mut Errors, status: &PodStatus, old: &PodStatus, path: &Path) {
    let pod_ips = |status: &PodStatus| -> Vec<String> {
        status
            .pod_ips
            .iter()
            .flatten()
            .map(|ip| ip.ip.clone())
            .collect()
    };
    let host_ips = |status: &PodStatus| -> Vec<String> {
        status
            .host_ips
            .iter()
            .flatten()
            .map(|ip| ip.ip.clone())
            .collect()
    };
    families(
        errors,
        &pod_ips(status),
        &pod_ips(old),
        &path.child("podIPs"),
    );
    let hosts = host_ips(status);
    let Some(first) = hosts.first() else { return };
    let path = path.child("hostIPs");
    if or_empty(&status.host_ip) != first {
        let why = "must be equal to `hostIP`";
        errors.push(FieldError::invalid(
            &path.index(0).child("ip"),
            first.as_str(),
            why,
        ));
    }
    families(errors, &hosts, &host_ips(old), &path);
}

/// One address of each family.
fn families(errors: &mut Errors, ips: &[String], known: &[String], path: &Path) {
    for (at, ip) in ips.iter().enumerate().filter(|(_, ip)| !known.contains(ip)) {
        invalid_each(errors, &path.index(at), ip, names::legacy_ip(ip));
    }
    let is_dual = ips.len() == 2 && ips[0].contains(':') != ips[1].contains(':');
    if ips.len() > 1 && !is_dual {
        let shown: Vec<Value> = ips.iter().map(|ip| json!({"IP": ip})).collect();
        let why = "may specify no more than one IP for each IP family";
        errors.push(FieldError::invalid(path, shown, why));
    }
}

fn users(errors: &mut Errors, status: &PodStatus, spec: &PodSpec, path: &Path) {
    let os = spec.os.as_ref().map_or("linux", |os| os.name.as_str());
    let lists = [
        ("containerStatuses", &status.container_statuses),
        ("initContainerStatuses", &status.init_container_statuses),
        (
            "ephemeralContainerStatuses",
            &status.ephemeral_container_statuses,
        ),
    ];
    for (field, statuses) in lists {
        for (at, status) in statuses.iter().flatten().enumerate() {
            let user = status.user.as_ref().and_then(|user| user.linux.as_ref());
            let Some(user) = user else { continue };
            let path = path.child(field).index(at).child("user").child("linux");
            if os == "windows" {
                errors.push(FieldError::forbidden(
                    &path,
                    "cannot be set for a windows pod",
                ));
                continue;
            }
            for (field, id) in [("uid", user.uid), ("gid", user.gid)] {
                invalid_number(errors, &path.child(field), id, names::valid_user_id(id));
            }
            for (at, group) in user.supplemental_groups.iter().flatten().enumerate() {
                let path = path.child("supplementalGroups").index(at);
                invalid_number(errors, &path, *group, names::valid_user_id(*group));
            }
        }
    }
}

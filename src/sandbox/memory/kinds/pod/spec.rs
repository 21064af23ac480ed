//! What is wrong with the spec of a pod (`ValidatePodSpec`).

use std::collections::{BTreeSet, HashSet};

use k8s_openapi::api::core::v1::{Container, PodSpec, ResourceRequirements};
use serde_json::json;

use super::check::{Errors, invalid_each, labels, one_of, required_one_of, text};
use super::container::{self, Around};
use super::resources::{self, Whose};
use super::{ephemeral, internal, network, os, scheduling, security, volume};
use crate::sandbox::memory::field::{FieldError, Path};
use crate::sandbox::memory::names;

/// Whose spec it is.
#[derive(Clone, Copy)]
pub(crate) struct Owner<'a> {
    /// A pod; otherwise a template
    pub(crate) is_pod: bool,
    /// The pod's name, empty for templates
    pub(crate) name: &'a str,
    /// Whether the pod mirrors a static one
    pub(crate) is_mirror: bool,
}

/// `ValidatePodSpec`, in its order.
pub(crate) fn validate(errors: &mut Errors, spec: &PodSpec, owner: Owner<'_>, path: &Path) {
    if spec.termination_grace_period_seconds.is_none() {
        errors.push(FieldError::required(
            &path.child("terminationGracePeriodSeconds"),
            "",
        ));
    }
    let volumes = volume::validate_all(errors, spec, owner.name, owner.is_pod, path);
    let claims = spec
        .resource_claims
        .iter()
        .flatten()
        .map(|claim| claim.name.as_str());
    let claims: BTreeSet<&str> = claims.filter(|name| !name.is_empty()).collect();
    resource_claims(errors, spec, owner, &path.child("resourceClaims"));
    let around = Around {
        spec,
        volumes,
        claims,
    };
    container::validate_all(errors, &around, path);
    container::validate_init(errors, &around, path);
    container::validate_ephemeral(errors, &around, path);
    resources::validate_pod(errors, spec, &around.claims, path);
    network::validate_host_ports(errors, spec, owner.is_pod, path);
    let policies = ["Always", "OnFailure", "Never"];
    required_one_of(
        errors,
        text(&spec.restart_policy),
        &policies,
        &path.child("restartPolicy"),
    );
    network::validate_dns_policy(errors, spec, path);
    labels(errors, &spec.node_selector, &path.child("nodeSelector"));
    security::validate_pod(errors, spec, &path.child("securityContext"));
    if let Some(affinity) = &spec.affinity {
        scheduling::validate_affinity(errors, affinity, &path.child("affinity"));
    }
    network::validate_dns_config(errors, spec, path);
    gates(errors, spec, path);
    let constraints = spec
        .topology_spread_constraints
        .as_deref()
        .unwrap_or_default();
    scheduling::validate_spread(
        errors,
        constraints,
        &path.child("topologySpreadConstraints"),
    );
    os::validate_host_process(errors, spec, path);
    host_users(errors, spec, path);
    network::validate_host_name(errors, spec, path);
    references(errors, spec, path);
    os::validate(errors, spec, path);
    env_files(errors, spec, path);
}

/// Runs `see` with every container and its place: initialisation first, ephemeral ones last.
pub(super) fn each_container(spec: &PodSpec, path: &Path, mut see: impl FnMut(&Container, &Path)) {
    let init = spec.init_containers.as_deref().unwrap_or_default();
    for (field, containers) in [
        ("initContainers", init),
        ("containers", &spec.containers[..]),
    ] {
        for (at, container) in containers.iter().enumerate() {
            see(container, &path.child(field).index(at));
        }
    }
    for (at, own) in spec.ephemeral_containers.iter().flatten().enumerate() {
        let container = ephemeral::to_container(own.clone());
        see(&container, &path.child("ephemeralContainers").index(at));
    }
}

fn resource_claims(errors: &mut Errors, spec: &PodSpec, owner: Owner<'_>, path: &Path) {
    let mut seen = HashSet::new();
    for (at, claim) in spec.resource_claims.iter().flatten().enumerate() {
        if owner.is_mirror {
            let why = "static pods do not support resource claims";
            errors.push(FieldError::forbidden(&Path::new("[]"), why));
            continue;
        }
        let path = path.index(at);
        let name_path = path.child("name");
        let name = claim.name.as_str();
        if name.is_empty() {
            errors.push(FieldError::required(&name_path, ""));
        } else if !seen.insert(name) {
            errors.push(FieldError::duplicate(&name_path, name));
        } else {
            invalid_each(errors, &name_path, name, names::dns1123_label(name));
        }
        let why = match (
            &claim.resource_claim_name,
            &claim.resource_claim_template_name,
        ) {
            (Some(_), Some(_)) => {
                "at most one of `resourceClaimName` or `resourceClaimTemplateName` may be specified"
            }
            (None, None) => "must specify one of: `resourceClaimName`, `resourceClaimTemplateName`",
            _ => "",
        };
        if !why.is_empty() {
            let shown = internal::shown("PodResourceClaim", &json!(claim));
            errors.push(FieldError::invalid(&path, shown, why));
        }
        let others = [
            ("resourceClaimName", &claim.resource_claim_name),
            (
                "resourceClaimTemplateName",
                &claim.resource_claim_template_name,
            ),
        ];
        for (field, other) in others {
            if let Some(other) = other {
                let wrong = names::dns1123_subdomain(other);
                invalid_each(errors, &path.child(field), other, wrong);
            }
        }
    }
}

/// Conditions that must hold before a pod is ready, and before it is scheduled.
fn gates(errors: &mut Errors, spec: &PodSpec, path: &Path) {
    for (at, gate) in spec.readiness_gates.iter().flatten().enumerate() {
        let path = path
            .child("readinessGates")
            .index(at)
            .child("conditionType");
        let type_ = gate.condition_type.as_str();
        invalid_each(errors, &path, type_, names::qualified_name(type_));
    }
    let mut seen = HashSet::new();
    for (at, gate) in spec.scheduling_gates.iter().flatten().enumerate() {
        let path = path.child("schedulingGates").index(at);
        let name = gate.name.as_str();
        invalid_each(errors, &path, name, names::qualified_name(name));
        if !seen.insert(name) {
            errors.push(FieldError::duplicate(&path, name));
        }
    }
}

fn host_users(errors: &mut Errors, spec: &PodSpec, path: &Path) {
    if spec.host_users != Some(false) {
        return;
    }
    let why = "when `hostUsers` is false";
    let fields = [
        ("hostNetwork", spec.host_network),
        ("HostPID", spec.host_pid),
        ("HostIPC", spec.host_ipc),
    ];
    for (field, _) in fields
        .into_iter()
        .filter(|(_, is_set)| *is_set == Some(true))
    {
        errors.push(FieldError::forbidden(&path.child(field), why));
    }
    each_container(spec, path, |container, path| {
        if container
            .volume_devices
            .as_ref()
            .is_some_and(|devices| !devices.is_empty())
        {
            errors.push(FieldError::forbidden(&path.child("volumeDevices"), why));
        }
    });
}

/// Names of other objects, and single numbers and words.
fn references(errors: &mut Errors, spec: &PodSpec, path: &Path) {
    let subdomain = |errors: &mut Errors, field: &str, name: &Option<String>| {
        let name = text(name);
        if !name.is_empty() {
            invalid_each(
                errors,
                &path.child(field),
                name,
                names::dns1123_subdomain(name),
            );
        }
    };
    subdomain(errors, "serviceAccountName", &spec.service_account_name);
    subdomain(errors, "nodeName", &spec.node_name);
    let most = i64::from(i32::MAX);
    if let Some(seconds) = spec
        .active_deadline_seconds
        .filter(|s| !(1..=most).contains(s))
    {
        let why = names::range_error(1, most);
        errors.push(FieldError::invalid(
            &path.child("activeDeadlineSeconds"),
            seconds,
            why,
        ));
    }
    for (field, name) in [("hostname", &spec.hostname), ("subdomain", &spec.subdomain)] {
        let name = text(name);
        if !name.is_empty() {
            invalid_each(errors, &path.child(field), name, names::dns1123_label(name));
        }
    }
    let tolerations = spec.tolerations.as_deref().unwrap_or_default();
    scheduling::validate_tolerations(errors, tolerations, &path.child("tolerations"));
    let aliases = spec.host_aliases.as_deref().unwrap_or_default();
    network::validate_host_aliases(errors, aliases, &path.child("hostAliases"));
    subdomain(errors, "priorityClassName", &spec.priority_class_name);
    if let Some(name) = &spec.runtime_class_name {
        let path = path.child("runtimeClassName");
        invalid_each(errors, &path, name, names::dns1123_subdomain(name));
    }
    if let Some(policy) = &spec.preemption_policy {
        let path = path.child("preemptionPolicy");
        if policy.is_empty() {
            errors.push(FieldError::required(&path, ""));
        } else {
            one_of(errors, policy, &["PreemptLowerPriority", "Never"], &path);
        }
    }
    if spec.overhead.is_some() {
        let overhead = ResourceRequirements {
            limits: spec.overhead.clone(),
            ..ResourceRequirements::default()
        };
        let path = path.child("overhead");
        resources::validate(errors, &overhead, Whose::Container, &BTreeSet::new(), &path);
    }
}

/// `validateFileKeyRefVolumes`.
fn env_files(errors: &mut Errors, spec: &PodSpec, path: &Path) {
    each_container(spec, path, |container, path| {
        for (at, variable) in container.env.iter().flatten().enumerate() {
            let source = variable.value_from.as_ref();
            let Some(file) = source.and_then(|source| source.file_key_ref.as_ref()) else {
                continue;
            };
            let name = file.volume_name.as_str();
            let path = path
                .child("env")
                .index(at)
                .child("valueFrom.fileKeyRef.volumeName");
            match spec
                .volumes
                .iter()
                .flatten()
                .rfind(|volume| volume.name == name)
            {
                None => errors.push(FieldError::not_found(&path, name)),
                Some(volume) if volume.empty_dir.is_none() => {
                    let why = "referenced volume must be of type emptyDir";
                    errors.push(FieldError::invalid(&path, name, why));
                }
                Some(_) => {}
            }
        }
    });
}

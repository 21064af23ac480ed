//! Containers, those of initialisation and ephemeral ones.

use std::collections::{BTreeSet, HashSet};

use k8s_openapi::api::core::v1::{Container, PodSpec};

use super::check::{
    Errors, invalid_each, invalid_number, one_of, required, required_label, required_one_of, text,
};
use super::mounts::{self, Volumes};
use super::resources::{self, Whose};
use super::{env, ephemeral, level, probe, security};
use crate::sandbox::memory::field::{FieldError, Path};
use crate::sandbox::memory::names;

/// What containers are checked against.
pub(super) struct Around<'a> {
    /// The pod
    pub(super) spec: &'a PodSpec,
    /// Its volumes that are well
    pub(super) volumes: Volumes<'a>,
    /// Names of its resource claims
    pub(super) claims: BTreeSet<&'a str>,
}

impl Around<'_> {
    fn grace(&self) -> Option<i64> {
        self.spec.termination_grace_period_seconds
    }
}

/// `validateContainers`.
pub(super) fn validate_all(errors: &mut Errors, around: &Around<'_>, path: &Path) {
    let path = path.child("containers");
    let containers = &around.spec.containers;
    if containers.is_empty() {
        errors.push(FieldError::required(&path, ""));
        return;
    }
    let mut names = HashSet::new();
    for (at, container) in containers.iter().enumerate() {
        let path = path.index(at);
        validate_common(errors, container, around, &path);
        if !names.insert(container.name.as_str()) {
            errors.push(FieldError::duplicate(
                &path.child("name"),
                container.name.as_str(),
            ));
        }
        probe::validate(errors, container, around.grace(), &path);
        validate_restart(errors, container, &path);
    }
    host_ports(errors, containers, &path);
}

/// `validateInitContainers`.
pub(super) fn validate_init(errors: &mut Errors, around: &Around<'_>, path: &Path) {
    let path = path.child("initContainers");
    let mut names: HashSet<&str> = around
        .spec
        .containers
        .iter()
        .map(|container| container.name.as_str())
        .collect();
    for (at, container) in around.spec.init_containers.iter().flatten().enumerate() {
        let own = path.index(at);
        validate_common(errors, container, around, &own);
        validate_restart(errors, container, &own);
        let name = container.name.as_str();
        if names.contains(name) {
            errors.push(FieldError::duplicate(&own.child("name"), name));
        } else if !name.is_empty() {
            names.insert(name);
        }
        host_ports(errors, std::slice::from_ref(container), &path);
        if level::is_sidecar(container) {
            probe::validate(errors, container, around.grace(), &own);
        } else {
            ends_by_itself(errors, container, &own);
        }
    }
}

/// What makes no sense in a container that ends before the others begin.
fn ends_by_itself(errors: &mut Errors, container: &Container, path: &Path) {
    let fields = [
        ("lifecycle", container.lifecycle.is_some()),
        ("livenessProbe", container.liveness_probe.is_some()),
        ("readinessProbe", container.readiness_probe.is_some()),
        ("startupProbe", container.startup_probe.is_some()),
    ];
    for (field, _) in fields.into_iter().filter(|(_, is_set)| *is_set) {
        let why = "may not be set for init containers without restartPolicy=Always";
        errors.push(FieldError::forbidden(&path.child(field), why));
    }
    for (at, policy) in container.resize_policy.iter().flatten().enumerate() {
        if policy.restart_policy == "RestartContainer" {
            let why = "must not be set to 'RestartContainer' for non-sidecar initContainers";
            let path = path.child("resizePolicy").index(at).child("restartPolicy");
            errors.push(FieldError::invalid(
                &path,
                policy.restart_policy.as_str(),
                why,
            ));
        }
    }
}

/// `validateEphemeralContainers`.
pub(super) fn validate_ephemeral(errors: &mut Errors, around: &Around<'_>, path: &Path) {
    let path = path.child("ephemeralContainers");
    let others = around
        .spec
        .init_containers
        .iter()
        .flatten()
        .chain(&around.spec.containers);
    let others: HashSet<&str> = others.map(|container| container.name.as_str()).collect();
    let mut names = others.clone();
    for (at, own) in around
        .spec
        .ephemeral_containers
        .iter()
        .flatten()
        .enumerate()
    {
        let path = path.index(at);
        let container = ephemeral::to_container(own.clone());
        validate_common(errors, &container, around, &path);
        image_has_no_edges(errors, &container, &path);
        if !names.insert(own.name.as_str()) {
            errors.push(FieldError::duplicate(
                &path.child("name"),
                own.name.as_str(),
            ));
        }
        let target = text(&own.target_container_name);
        if !target.is_empty() && !others.contains(target) {
            errors.push(FieldError::not_found(
                &path.child("targetContainerName"),
                target,
            ));
        }
        only_for_debugging(errors, &container, &path);
    }
}

/// Fields that an ephemeral container may not have.
fn only_for_debugging(errors: &mut Errors, container: &Container, path: &Path) {
    let resources = container.resources.as_ref();
    let has_resources = resources.is_some_and(|resources| {
        resources.claims.is_some() || resources.limits.is_some() || resources.requests.is_some()
    });
    let why = "cannot be set for an Ephemeral Container";
    let fields = [
        ("ports", container.ports.is_some()),
        ("resources", has_resources),
        ("resizePolicy", container.resize_policy.is_some()),
        ("restartPolicy", container.restart_policy.is_some()),
        (
            "restartPolicyRules",
            container.restart_policy_rules.is_some(),
        ),
        ("livenessProbe", container.liveness_probe.is_some()),
        ("readinessProbe", container.readiness_probe.is_some()),
        ("startupProbe", container.startup_probe.is_some()),
        ("lifecycle", container.lifecycle.is_some()),
    ];
    for (field, _) in fields.into_iter().filter(|(_, is_set)| *is_set) {
        errors.push(FieldError::forbidden(&path.child(field), why));
    }
    for (at, mount) in container.volume_mounts.iter().flatten().enumerate() {
        let path = path.child("volumeMounts").index(at);
        for (field, value) in [
            ("subPath", &mount.sub_path),
            ("subPathExpr", &mount.sub_path_expr),
        ] {
            if !text(value).is_empty() {
                errors.push(FieldError::forbidden(&path.child(field), why));
            }
        }
    }
}

fn validate_common(errors: &mut Errors, container: &Container, around: &Around<'_>, path: &Path) {
    required_label(errors, &container.name, &path.child("name"));
    required(errors, text(&container.image), &path.child("image"));
    required_one_of(
        errors,
        text(&container.termination_message_policy),
        &["File", "FallbackToLogsOnError"],
        &path.child("terminationMessagePolicy"),
    );
    validate_ports(errors, container, &path.child("ports"));
    env::validate(errors, container, path);
    mounts::validate(errors, container, &around.volumes, path);
    pull_policy(
        errors,
        text(&container.image_pull_policy),
        &path.child("imagePullPolicy"),
    );
    if let Some(own) = &container.resources {
        let path = path.child("resources");
        resources::validate(errors, own, Whose::Container, &around.claims, &path);
    }
    resize_policy(errors, container, around.spec, &path.child("resizePolicy"));
    let host_users = around.spec.host_users.unwrap_or(true);
    security::validate_container(
        errors,
        container,
        host_users,
        &path.child("securityContext"),
    );
}

/// `validatePullPolicy`.
pub(super) fn pull_policy(errors: &mut Errors, policy: &str, path: &Path) {
    required_one_of(errors, policy, &["Always", "IfNotPresent", "Never"], path);
}

fn validate_ports(errors: &mut Errors, container: &Container, path: &Path) {
    let mut seen = HashSet::new();
    for (at, port) in container.ports.iter().flatten().enumerate() {
        let path = path.index(at);
        let name = text(&port.name);
        if !name.is_empty() {
            let wrong = names::valid_port_name(name);
            if wrong.is_empty() && !seen.insert(name) {
                errors.push(FieldError::duplicate(&path.child("name"), name));
            }
            invalid_each(errors, &path.child("name"), name, wrong);
        }
        let number = i64::from(port.container_port);
        if number == 0 {
            errors.push(FieldError::required(&path.child("containerPort"), ""));
        } else {
            let path = path.child("containerPort");
            invalid_number(errors, &path, number, names::valid_port_num(number));
        }
        let number = i64::from(port.host_port.unwrap_or_default());
        if number != 0 {
            let path = path.child("hostPort");
            invalid_number(errors, &path, number, names::valid_port_num(number));
        }
        let supported = ["SCTP", "TCP", "UDP"];
        required_one_of(
            errors,
            text(&port.protocol),
            &supported,
            &path.child("protocol"),
        );
    }
}

/// `checkHostPortConflicts`.
fn host_ports(errors: &mut Errors, containers: &[Container], path: &Path) {
    let mut seen = HashSet::new();
    for (at, container) in containers.iter().enumerate() {
        for (port_at, port) in container.ports.iter().flatten().enumerate() {
            let number = port.host_port.unwrap_or_default();
            let key = format!("{}/{}/{number}", text(&port.protocol), text(&port.host_ip));
            if number != 0 && !seen.insert(key.clone()) {
                let path = path
                    .index(at)
                    .child("ports")
                    .index(port_at)
                    .child("hostPort");
                errors.push(FieldError::duplicate(&path, key));
            }
        }
    }
}

fn resize_policy(errors: &mut Errors, container: &Container, spec: &PodSpec, path: &Path) {
    let mut seen = HashSet::new();
    for (at, policy) in container.resize_policy.iter().flatten().enumerate() {
        let resource = policy.resource_name.as_str();
        if !seen.insert(resource) {
            errors.push(FieldError::duplicate(&path.index(at), resource));
        }
        required_one_of(errors, resource, &["cpu", "memory"], path);
        let restart = policy.restart_policy.as_str();
        required_one_of(errors, restart, &["NotRequired", "RestartContainer"], path);
        if text(&spec.restart_policy) == "Never" && restart != "NotRequired" {
            let why = "must be 'NotRequired' when pod `restartPolicy` is 'Never'";
            errors.push(FieldError::invalid(path, restart, why));
        }
    }
}

/// `validateContainerRestartPolicy`.
fn validate_restart(errors: &mut Errors, container: &Container, path: &Path) {
    let rules = container
        .restart_policy_rules
        .as_deref()
        .unwrap_or_default();
    let policy_path = path.child("restartPolicy");
    match &container.restart_policy {
        Some(policy) => {
            one_of(
                errors,
                policy,
                &["Always", "Never", "OnFailure"],
                &policy_path,
            );
        }
        None if rules.is_empty() => return,
        None => errors.push(FieldError::required(
            &policy_path,
            "must specify restartPolicy when restart rules are used",
        )),
    }
    let path = path.child("restartPolicyRules");
    if rules.len() > 20 {
        errors.push(FieldError::too_many(&path, rules.len(), 20));
    }
    for (at, rule) in rules.iter().enumerate() {
        let path = path.index(at);
        let actions = ["Restart", "RestartAllContainers"];
        one_of(errors, &rule.action, &actions, &path.child("action"));
        let path = path.child("exitCodes");
        let Some(codes) = &rule.exit_codes else {
            errors.push(FieldError::required(&path, "must be specified"));
            continue;
        };
        one_of(
            errors,
            &codes.operator,
            &["In", "NotIn"],
            &path.child("operator"),
        );
        let count = codes.values.as_ref().map_or(0, Vec::len);
        if count > 255 {
            errors.push(FieldError::too_many(&path.child("values"), count, 255));
        }
    }
}

/// `validateContainerOnlyForPod`: templates were never held to it.
pub(crate) fn image_has_no_edges(errors: &mut Errors, container: &Container, path: &Path) {
    let image = text(&container.image);
    if image.trim().len() != image.len() {
        let why = "must not have leading or trailing whitespace";
        errors.push(FieldError::invalid(&path.child("image"), image, why));
    }
}

//! Security contexts of pods and containers.

use k8s_openapi::api::core::v1::{
    AppArmorProfile, Container, PodSecurityContext, PodSpec, SeccompProfile,
    WindowsSecurityContextOptions,
};
use serde_json::{Value, json};

use super::check::{Errors, descending_path, invalid_each, invalid_number, one_of, required};
use super::internal;
use crate::sandbox::memory::field::{FieldError, Path};
use crate::sandbox::memory::names;

/// `validatePodSpecSecurityContext`; `path` is the context's.
pub(super) fn validate_pod(errors: &mut Errors, spec: &PodSpec, path: &Path) {
    let Some(context) = &spec.security_context else {
        return;
    };
    let ids = [
        ("fsGroup", context.fs_group),
        ("runAsUser", context.run_as_user),
        ("runAsGroup", context.run_as_group),
    ];
    for (field, id) in ids {
        if let Some(id) = id {
            invalid_number(errors, &path.child(field), id, names::valid_user_id(id));
        }
    }
    for (at, group) in context.supplemental_groups.iter().flatten().enumerate() {
        let path = path.child("supplementalGroups").index(at);
        invalid_number(errors, &path, *group, names::valid_user_id(*group));
    }
    if spec.share_process_namespace == Some(true) && spec.host_pid == Some(true) {
        let why = "ShareProcessNamespace and HostPID cannot both be enabled";
        errors.push(FieldError::invalid(
            &path.child("shareProcessNamespace"),
            true,
            why,
        ));
    }
    sysctls(errors, context, spec, &path.child("sysctls"));
    let policies: [(&str, &Option<String>, &[&str]); 1] = [(
        "fsGroupChangePolicy",
        &context.fs_group_change_policy,
        &["Always", "OnRootMismatch"],
    )];
    for (field, policy, supported) in policies {
        if let Some(policy) = policy {
            one_of(errors, policy, supported, &path.child(field));
        }
    }
    profiles(
        errors,
        context.seccomp_profile.as_ref(),
        context.windows_options.as_ref(),
        context.app_armor_profile.as_ref(),
        path,
    );
    if let Some(policy) = &context.supplemental_groups_policy {
        let path = path.child("supplementalGroupsPolicy");
        one_of(errors, policy, &["Merge", "Strict"], &path);
    }
    if let Some(policy) = &context.se_linux_change_policy {
        // `MountOption` needs a feature that is off (SELinuxMount).
        one_of(
            errors,
            policy,
            &["Recursive"],
            &path.child("seLinuxChangePolicy"),
        );
    }
}

fn profiles(
    errors: &mut Errors,
    seccomp: Option<&SeccompProfile>,
    windows: Option<&WindowsSecurityContextOptions>,
    app_armor: Option<&AppArmorProfile>,
    path: &Path,
) {
    if let Some(profile) = seccomp {
        validate_seccomp(errors, profile, &path.child("seccompProfile"));
    }
    if let Some(options) = windows {
        validate_windows(errors, options, &path.child("windowsOptions"));
    }
    if let Some(profile) = app_armor {
        validate_app_armor(errors, profile, &path.child("appArmorProfile"));
    }
}

/// `ValidateSecurityContext`; `path` is the context's.
pub(super) fn validate_container(
    errors: &mut Errors,
    container: &Container,
    host_users: bool,
    path: &Path,
) {
    let Some(context) = &container.security_context else {
        return;
    };
    for (field, id) in [
        ("runAsUser", context.run_as_user),
        ("runAsGroup", context.run_as_group),
    ] {
        if let Some(id) = id {
            invalid_number(errors, &path.child(field), id, names::valid_user_id(id));
        }
    }
    if let Some(mount) = &context.proc_mount {
        let path = path.child("procMount");
        one_of(errors, mount, &["Default", "Unmasked"], &path);
        if host_users && mount == "Unmasked" {
            let why = "`hostUsers` must be false to use `Unmasked`";
            errors.push(FieldError::invalid(&path, mount.as_str(), why));
        }
    }
    if let Some(profile) = &context.seccomp_profile {
        validate_seccomp(errors, profile, &path.child("seccompProfile"));
    }
    if context.allow_privilege_escalation == Some(false) {
        let added = context
            .capabilities
            .iter()
            .flat_map(|c| c.add.iter().flatten());
        let admins = added.filter(|capability| *capability == "CAP_SYS_ADMIN");
        let privileged = (context.privileged == Some(true)).then_some("`privileged` to true");
        let all = privileged
            .into_iter()
            .chain(admins.map(|_| "`capabilities.Add` CAP_SYS_ADMIN"));
        for what in all {
            let why = format!("cannot set `allowPrivilegeEscalation` to false and {what}");
            errors.push(FieldError::invalid(path, shown(container), why));
        }
    }
    profiles(
        errors,
        None,
        context.windows_options.as_ref(),
        context.app_armor_profile.as_ref(),
        path,
    );
}

/// The context in the words of Kubernetes' internal type, which errors show.
fn shown(container: &Container) -> Value {
    internal::shown("SecurityContext", &json!(container.security_context))
}

fn validate_seccomp(errors: &mut Errors, profile: &SeccompProfile, path: &Path) {
    let type_path = path.child("type");
    if profile.type_.is_empty() {
        let why = "type is required when seccompProfile is set";
        errors.push(FieldError::required(&type_path, why));
    } else {
        let supported = ["Localhost", "RuntimeDefault", "Unconfined"];
        one_of(errors, &profile.type_, &supported, &type_path);
    }
    let path = path.child("localhostProfile");
    match (&profile.localhost_profile, profile.type_ == "Localhost") {
        (None, true) => {
            let why = "must be set when seccomp type is Localhost";
            errors.push(FieldError::required(&path, why));
        }
        (Some(local), true) => descending_path(errors, local, &path),
        (Some(_), false) => {
            let shown = internal::shown("SeccompProfile", &json!(profile));
            let why = "can only be set when seccomp type is Localhost";
            errors.push(FieldError::invalid(&path, shown, why));
        }
        (None, false) => {}
    }
}

fn validate_app_armor(errors: &mut Errors, profile: &AppArmorProfile, path: &Path) {
    let local_path = path.child("localhostProfile");
    match profile.type_.as_str() {
        "Localhost" => {
            let why = "must be set when AppArmor type is Localhost";
            let Some(local) = &profile.localhost_profile else {
                errors.push(FieldError::required(&local_path, why));
                return;
            };
            if local.trim() != local {
                let why = "must not be padded with whitespace";
                errors.push(FieldError::invalid(&local_path, local.as_str(), why));
            } else if local.is_empty() {
                errors.push(FieldError::required(&local_path, why));
            }
            if local.len() > 4095 {
                errors.push(FieldError::too_long(&local_path, 4095));
            }
        }
        "RuntimeDefault" | "Unconfined" => {
            if let Some(local) = &profile.localhost_profile {
                let why = "can only be set when AppArmor type is Localhost";
                errors.push(FieldError::invalid(&local_path, local.as_str(), why));
            }
        }
        "" => errors.push(FieldError::required(
            &path.child("type"),
            "type is required when appArmorProfile is set",
        )),
        other => errors.push(FieldError::not_supported(
            &path.child("type"),
            other,
            &["Localhost", "RuntimeDefault", "Unconfined"],
        )),
    }
}

fn validate_windows(errors: &mut Errors, options: &WindowsSecurityContextOptions, path: &Path) {
    if let Some(name) = &options.gmsa_credential_spec_name {
        let path = path.child("gmsaCredentialSpecName");
        invalid_each(errors, &path, name, names::dns1123_subdomain(name));
    }
    if let Some(spec) = &options.gmsa_credential_spec {
        let path = path.child("gmsaCredentialSpec");
        if spec.is_empty() {
            let why = "gmsaCredentialSpec cannot be an empty string";
            errors.push(FieldError::invalid(&path, spec.as_str(), why));
        } else if spec.len() > 64 * 1024 {
            let why = "gmsaCredentialSpec size must be under 64 KiB";
            errors.push(FieldError::invalid(&path, spec.as_str(), why));
        }
    }
    if let Some(name) = &options.run_as_user_name {
        let wrong = windows_user(name)
            .into_iter()
            .map(|why| format!("runAsUserName{why}"));
        invalid_each(errors, &path.child("runAsUserName"), name, wrong.collect());
    }
}

/// What is wrong with a name of a Windows user, behind `runAsUserName`.
fn windows_user(name: &str) -> Vec<&'static str> {
    if name.is_empty() {
        return vec![" cannot be an empty string"];
    }
    if name.chars().any(|c| c.is_ascii_control()) {
        return vec![" cannot contain control characters"];
    }
    let parts: Vec<&str> = name.split('\\').collect();
    let (domain, user) = match parts[..] {
        [user] => (None, user),
        [domain, user] => (Some(domain), user),
        _ => return vec![" cannot contain more than one backslash"],
    };
    let mut wrong = Vec::new();
    if domain.is_some_and(|domain| domain.len() >= 256) {
        wrong.push("'s Domain length must be under 256 characters");
    }
    if domain.is_some_and(|domain| !is_net_bios(domain) && !is_windows_domain(domain)) {
        wrong.push("'s Domain doesn't match the NetBios nor the DNS format");
    }
    if user.is_empty() {
        wrong.push("'s User cannot be empty");
    } else if user.len() > 104 {
        wrong.push("'s User length must not be longer than 104 characters");
    }
    if user.chars().all(|c| c == '.' || c == ' ') && !user.is_empty() {
        wrong.push("'s User cannot contain only periods or spaces");
    }
    if user.contains(|c| "\"/\\:;|=,+*?<>@[]".contains(c)) {
        wrong.push("'s User cannot contain the following characters: \"/\\:;|=,+*?<>@[]");
    }
    wrong
}

fn is_net_bios(domain: &str) -> bool {
    (1..=15).contains(&domain.chars().count())
        && !domain.starts_with('.')
        && !domain.contains(|c| "\\/:*?\"<>|".contains(c))
}

fn is_windows_domain(domain: &str) -> bool {
    domain.split('.').all(|label| {
        let is_inner = |b: u8| b.is_ascii_alphanumeric() || b == b'-';
        label.bytes().all(is_inner)
            && !label.is_empty()
            && !label.starts_with('-')
            && !label.ends_with('-')
    })
}

fn sysctls(errors: &mut Errors, context: &PodSecurityContext, spec: &PodSpec, path: &Path) {
    let mut seen = std::collections::HashSet::new();
    for (at, sysctl) in context.sysctls.iter().flatten().enumerate() {
        let path = path.index(at).child("name");
        let name = sysctl.name.as_str();
        let is_new = seen.insert(name);
        if required(errors, name, &path) {
            if !is_sysctl(name) {
                let why = "must have at most 253 characters and match regex \
                           ^([a-z0-9]([-_a-z0-9]*[a-z0-9])?[\\./])*[a-z0-9]([-_a-z0-9]*[a-z0-9])?$";
                errors.push(FieldError::invalid(&path, name, why));
            } else if !is_new {
                errors.push(FieldError::duplicate(&path, name));
            }
        }
        let is_ipc = ["kernel.sem", "kernel.shm", "kernel.msg", "fs.mqueue."]
            .iter()
            .any(|prefix| name.replace('/', ".").starts_with(prefix));
        let is_net = name.replace('/', ".").starts_with("net.");
        let host = if is_net && spec.host_network == Some(true) {
            "hostNetwork"
        } else if is_ipc && spec.host_ipc == Some(true) {
            "hostIPC"
        } else {
            continue;
        };
        let why = format!("may not be specified when '{host}' is true");
        errors.push(FieldError::invalid(&path, name, why));
    }
}

fn is_sysctl(name: &str) -> bool {
    let is_edge = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    name.len() <= 253
        && name.split(['.', '/']).all(|part| {
            part.starts_with(is_edge)
                && part.ends_with(is_edge)
                && part.chars().all(|c| is_edge(c) || c == '-' || c == '_')
        })
}

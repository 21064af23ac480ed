//! The operating system of a pod, and what it excludes.

use k8s_openapi::api::core::v1::PodSpec;

use super::check::{Errors, one_of, required};
use super::spec::each_container;
use crate::sandbox::memory::field::{FieldError, Path};

/// `validateOS`, `validateLinux` and `validateWindows`.
pub(super) fn validate(errors: &mut Errors, spec: &PodSpec, path: &Path) {
    let Some(os) = &spec.os else { return };
    let name_path = path.child("os").child("name");
    match os.name.as_str() {
        "" => {
            required(errors, "", &name_path);
        }
        "linux" => validate_linux(errors, spec, path),
        "windows" => validate_windows(errors, spec, path),
        other => one_of(errors, other, &["linux", "windows"], &path.child("os")),
    }
}

fn validate_linux(errors: &mut Errors, spec: &PodSpec, path: &Path) {
    let why = "windows options cannot be set for a linux pod";
    if spec
        .security_context
        .as_ref()
        .is_some_and(|context| context.windows_options.is_some())
    {
        let path = path.child("securityContext").child("windowsOptions");
        errors.push(FieldError::forbidden(&path, why));
    }
    each_container(spec, path, |container, path| {
        let context = container.security_context.as_ref();
        if context.is_some_and(|context| context.windows_options.is_some()) {
            let path = path.child("securityContext").child("windowsOptions");
            errors.push(FieldError::forbidden(&path, why));
        }
    });
}

fn forbid(errors: &mut Errors, fields: &[(&str, bool)], path: &Path) {
    for (field, _) in fields.iter().filter(|(_, is_set)| *is_set) {
        errors.push(FieldError::forbidden(
            &path.child(field),
            "cannot be set for a windows pod",
        ));
    }
}

fn validate_windows(errors: &mut Errors, spec: &PodSpec, path: &Path) {
    let context = spec.security_context.clone().unwrap_or_default();
    let own = |field: &str| format!("securityContext.{field}");
    let fields = [
        (own("appArmorProfile"), context.app_armor_profile.is_some()),
        (own("seLinuxOptions"), context.se_linux_options.is_some()),
        ("hostUsers".to_owned(), spec.host_users.is_some()),
        ("hostPID".to_owned(), spec.host_pid == Some(true)),
        ("hostIPC".to_owned(), spec.host_ipc == Some(true)),
        (own("seccompProfile"), context.seccomp_profile.is_some()),
        (own("fsGroup"), context.fs_group.is_some()),
        (
            own("fsGroupChangePolicy"),
            context.fs_group_change_policy.is_some(),
        ),
        (
            own("sysctls"),
            context
                .sysctls
                .as_ref()
                .is_some_and(|sysctls| !sysctls.is_empty()),
        ),
        (
            "shareProcessNamespace".to_owned(),
            spec.share_process_namespace.is_some(),
        ),
        (own("runAsUser"), context.run_as_user.is_some()),
        (own("runAsGroup"), context.run_as_group.is_some()),
        (
            own("supplementalGroups"),
            context.supplemental_groups.is_some(),
        ),
        (
            own("supplementalGroupsPolicy"),
            context.supplemental_groups_policy.is_some(),
        ),
        (
            own("seLinuxChangePolicy"),
            context.se_linux_change_policy.is_some(),
        ),
    ];
    let fields: Vec<(&str, bool)> = fields
        .iter()
        .map(|(f, is_set)| (f.as_str(), *is_set))
        .collect();
    forbid(errors, &fields, path);
    each_container(spec, path, |container, path| {
        let Some(context) = &container.security_context else {
            return;
        };
        let fields = [
            ("appArmorProfile", context.app_armor_profile.is_some()),
            ("seLinuxOptions", context.se_linux_options.is_some()),
            ("seccompProfile", context.seccomp_profile.is_some()),
            ("capabilities", context.capabilities.is_some()),
            (
                "readOnlyRootFilesystem",
                context.read_only_root_filesystem.is_some(),
            ),
            ("privileged", context.privileged.is_some()),
            (
                "allowPrivilegeEscalation",
                context.allow_privilege_escalation.is_some(),
            ),
            ("procMount", context.proc_mount.is_some()),
            ("runAsUser", context.run_as_user.is_some()),
            ("runAsGroup", context.run_as_group.is_some()),
        ];
        forbid(errors, &fields, &path.child("securityContext"));
    });
}

/// `validateWindowsHostProcessPod`.
pub(super) fn validate_host_process(errors: &mut Errors, spec: &PodSpec, path: &Path) {
    let context = spec.security_context.as_ref();
    let options = context.and_then(|context| context.windows_options.as_ref());
    let of_pod = options.and_then(|options| options.host_process);
    let (mut all, mut on_host) = (0, 0);
    each_container(spec, path, |container, path| {
        all += 1;
        let context = container.security_context.as_ref();
        let options = context.and_then(|context| context.windows_options.as_ref());
        let own = options.and_then(|options| options.host_process);
        if let (Some(pod), Some(own)) = (of_pod, own)
            && pod != own
        {
            let why =
                format!("pod hostProcess value must be identical if both are specified, was {pod}");
            let path = path.child("securityContext.windowsOptions.hostProcess");
            errors.push(FieldError::invalid(&path, own, why));
        }
        if own.or(of_pod) == Some(true) {
            on_host += 1;
        }
    });
    if on_host == 0 {
        return;
    }
    if on_host != all {
        let why = "If pod contains any hostProcess containers then all containers must be \
                   HostProcess containers";
        errors.push(FieldError::invalid(path, "", why));
    }
    if spec.host_network != Some(true) {
        let why = "hostNetwork must be true if pod contains any hostProcess containers";
        errors.push(FieldError::invalid(&path.child("hostNetwork"), false, why));
    }
}

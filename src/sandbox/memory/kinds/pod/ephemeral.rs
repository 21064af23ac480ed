//! Ephemeral containers, which have the fields of containers but a type of their own.

use k8s_openapi::api::core::v1::{Container, EphemeralContainer};

/// Moves or copies the fields that both types have.
macro_rules! common_fields {
    ($from:expr, $to:ident $(, $rest:ident)?) => {{
        let from = $from;
        $to {
            args: from.args,
            command: from.command,
            env: from.env,
            env_from: from.env_from,
            image: from.image,
            image_pull_policy: from.image_pull_policy,
            lifecycle: from.lifecycle,
            liveness_probe: from.liveness_probe,
            name: from.name,
            ports: from.ports,
            readiness_probe: from.readiness_probe,
            resize_policy: from.resize_policy,
            resources: from.resources,
            restart_policy: from.restart_policy,
            restart_policy_rules: from.restart_policy_rules,
            security_context: from.security_context,
            startup_probe: from.startup_probe,
            stdin: from.stdin,
            stdin_once: from.stdin_once,
            termination_message_path: from.termination_message_path,
            termination_message_policy: from.termination_message_policy,
            tty: from.tty,
            volume_devices: from.volume_devices,
            volume_mounts: from.volume_mounts,
            working_dir: from.working_dir,
            $($rest: None,)?
        }
    }};
}

/// The container that it is.
pub(super) fn to_container(ephemeral: EphemeralContainer) -> Container {
    common_fields!(ephemeral, Container)
}

/// Changes it as a container.
pub(super) fn change(ephemeral: &mut EphemeralContainer, how: fn(&mut Container)) {
    let target = ephemeral.target_container_name.take();
    let mut container = to_container(std::mem::take(ephemeral));
    how(&mut container);
    *ephemeral = common_fields!(container, EphemeralContainer, target_container_name);
    ephemeral.target_container_name = target;
}

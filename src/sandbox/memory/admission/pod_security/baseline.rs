//! The checks of the baseline standard, each after the file of `policy` that has its name.

use std::collections::BTreeSet;

use serde_json::Value;

use super::check::{Pod, Violation, containers, named, plural, quoted, text};
use crate::sandbox::memory::apply::go;

const CAPABILITIES: [&str; 13] = [
    "AUDIT_WRITE",
    "CHOWN",
    "DAC_OVERRIDE",
    "FOWNER",
    "FSETID",
    "KILL",
    "MKNOD",
    "NET_BIND_SERVICE",
    "SETFCAP",
    "SETGID",
    "SETPCAP",
    "SETUID",
    "SYS_CHROOT",
];

/// Sysctls that do no harm to others, and since which minor version that is known.
const SYSCTLS: [(&str, u64); 12] = [
    ("kernel.shm_rmid_forced", 0),
    ("net.ipv4.ip_local_port_range", 0),
    ("net.ipv4.tcp_syncookies", 0),
    ("net.ipv4.ping_group_range", 0),
    ("net.ipv4.ip_unprivileged_port_start", 0),
    ("net.ipv4.ip_local_reserved_ports", 27),
    ("net.ipv4.tcp_keepalive_time", 29),
    ("net.ipv4.tcp_fin_timeout", 29),
    ("net.ipv4.tcp_keepalive_intvl", 29),
    ("net.ipv4.tcp_keepalive_probes", 29),
    ("net.ipv4.tcp_rmem", 32),
    ("net.ipv4.tcp_wmem", 32),
];

const APP_ARMOR: &str = "container.apparmor.security.beta.kubernetes.io/";
const SECCOMP_POD: &str = "seccomp.security.alpha.kubernetes.io/pod";
const SECCOMP_CONTAINER: &str = "container.seccomp.security.alpha.kubernetes.io/";

/// `check_appArmorProfile.go`
pub(super) fn app_armor(pod: &Pod<'_>, _: u64) -> Option<Violation> {
    let mut types: BTreeSet<&str> = BTreeSet::new();
    let mut setters =
        pod.setters(|context| is_other_profile(context, "appArmorProfile", &mut types));
    let annotations = pod.annotations.as_object().into_iter().flatten();
    let wrong: BTreeSet<String> = annotations
        .filter(|(key, _)| key.starts_with(APP_ARMOR))
        .map(|(key, value)| (key, text(value)))
        .filter(|(_, value)| {
            !matches!(*value, "" | "runtime/default") && !value.starts_with("localhost/")
        })
        .map(|(key, value)| format!("{key}={}", go::quote(value)))
        .collect();
    if !wrong.is_empty() {
        setters.push(plural("annotation", "annotations", wrong.len()).to_owned());
    }
    if setters.is_empty() {
        return None;
    }
    let values: Vec<&str> = types
        .into_iter()
        .chain(wrong.iter().map(String::as_str))
        .collect();
    Some(Violation {
        reason: plural(
            "forbidden AppArmor profile",
            "forbidden AppArmor profiles",
            values.len(),
        ),
        detail: format!(
            "{} must not set AppArmor profile type to {}",
            setters.join(" and "),
            quoted(&values)
        ),
    })
}

/// `check_capabilities_baseline.go`
pub(super) fn capabilities(pod: &Pod<'_>, _: u64) -> Option<Violation> {
    let detail = adds_capabilities(pod, &CAPABILITIES)?;
    Some(Violation {
        reason: "non-default capabilities",
        detail,
    })
}

/// What is said of containers that add other capabilities than these.
pub(super) fn adds_capabilities(pod: &Pod<'_>, allowed: &[&str]) -> Option<String> {
    let mut others: BTreeSet<&str> = BTreeSet::new();
    let names = pod.containers_where(|container| {
        let added = container["securityContext"]["capabilities"]["add"].as_array();
        let added = added.into_iter().flatten().map(text);
        let forbidden: Vec<&str> = added.filter(|name| !allowed.contains(name)).collect();
        others.extend(&forbidden);
        !forbidden.is_empty()
    });
    (!names.is_empty()).then(|| {
        format!(
            "{} must not include {} in securityContext.capabilities.add",
            containers(&names),
            quoted(&others)
        )
    })
}

/// `check_hostNamespaces.go`
pub(super) fn host_namespaces(pod: &Pod<'_>, _: u64) -> Option<Violation> {
    let fields = ["hostNetwork", "hostPID", "hostIPC"].into_iter();
    let set: Vec<String> = fields
        .filter(|field| pod.spec[*field] == true)
        .map(|field| format!("{field}=true"))
        .collect();
    (!set.is_empty()).then(|| Violation {
        reason: "host namespaces",
        detail: set.join(", "),
    })
}

/// `check_hostPathVolumes.go`
pub(super) fn host_paths(pod: &Pod<'_>, _: u64) -> Option<Violation> {
    let volumes = pod.spec["volumes"].as_array().into_iter().flatten();
    let names: Vec<&str> = volumes
        .filter(|volume| volume["hostPath"].is_object())
        .map(|volume| text(&volume["name"]))
        .collect();
    (!names.is_empty()).then(|| Violation {
        reason: "hostPath volumes",
        detail: named("volume", "volumes", &names),
    })
}

/// `check_hostPorts.go`
pub(super) fn host_ports(pod: &Pod<'_>, _: u64) -> Option<Violation> {
    // In the order of texts.
    let mut ports = BTreeSet::new();
    let names = pod.containers_where(|container| {
        let all = container["ports"].as_array().into_iter().flatten();
        let numbers = all.filter_map(|port| port["hostPort"].as_i64());
        let own: Vec<String> = numbers
            .filter(|number| *number != 0)
            .map(|number| number.to_string())
            .collect();
        let is_bad = !own.is_empty();
        ports.extend(own);
        is_bad
    });
    (!names.is_empty()).then(|| Violation {
        reason: "hostPort",
        detail: format!(
            "{} {} {} {}",
            containers(&names),
            plural("uses", "use", names.len()),
            plural("hostPort", "hostPorts", ports.len()),
            Vec::from_iter(ports).join(", ")
        ),
    })
}

/// `check_hostProbesAndhostLifecycle.go`
pub(super) fn probe_hosts(pod: &Pod<'_>, _: u64) -> Option<Violation> {
    let mut hosts: BTreeSet<&str> = BTreeSet::new();
    let names = pod.containers_where(|container| {
        let lifecycle = &container["lifecycle"];
        let handlers = [
            &container["livenessProbe"],
            &container["readinessProbe"],
            &container["startupProbe"],
            &lifecycle["postStart"],
            &lifecycle["preStop"],
        ];
        let own: Vec<&str> = handlers
            .into_iter()
            .flat_map(|handler| [&handler["httpGet"], &handler["tcpSocket"]])
            .map(|action| text(&action["host"]))
            .filter(|host| !host.is_empty())
            .collect();
        hosts.extend(&own);
        !own.is_empty()
    });
    let names = BTreeSet::from_iter(names);
    (!names.is_empty()).then(|| Violation {
        reason: "probe or lifecycle host",
        detail: format!(
            "{} {} {}",
            named("container", "containers", &names),
            plural("uses", "use", names.len()),
            named(
                "probe or lifecycle host",
                "probe or lifecycle hosts",
                &hosts
            )
        ),
    })
}

/// `check_privileged.go`
pub(super) fn privileged(pod: &Pod<'_>, _: u64) -> Option<Violation> {
    let names =
        pod.containers_where(|container| container["securityContext"]["privileged"] == true);
    (!names.is_empty()).then(|| Violation {
        reason: "privileged",
        detail: format!(
            "{} must not set securityContext.privileged=true",
            containers(&names)
        ),
    })
}

/// `check_procMount_baseline.go`
pub(super) fn proc_mount(pod: &Pod<'_>, minor: u64) -> Option<Violation> {
    if minor >= 35 && pod.has_own_users() {
        return None;
    }
    masks(pod)
}

/// That of all versions, and of restricted.
pub(super) fn masks(pod: &Pod<'_>) -> Option<Violation> {
    let mut types: BTreeSet<&str> = BTreeSet::new();
    let names = pod.containers_where(|container| {
        let own = container["securityContext"]["procMount"].as_str();
        let own = own.filter(|own| *own != "Default");
        types.extend(own);
        own.is_some()
    });
    (!names.is_empty()).then(|| Violation {
        reason: "procMount",
        detail: format!(
            "{} must not set securityContext.procMount to {}",
            containers(&names),
            quoted(&types)
        ),
    })
}

/// `check_seLinuxOptions.go`
pub(super) fn se_linux(pod: &Pod<'_>, minor: u64) -> Option<Violation> {
    let mut types: BTreeSet<&str> = BTreeSet::new();
    let (mut sets_user, mut sets_role) = (false, false);
    let setters = pod.setters(|context| {
        let options = &context["seLinuxOptions"];
        let own = text(&options["type"]);
        let is_fine = match own {
            "" | "container_t" | "container_init_t" | "container_kvm_t" => true,
            other => other == "container_engine_t" && minor >= 31,
        };
        let has = |field: &str| !text(&options[field]).is_empty();
        types.extend((!is_fine).then_some(own));
        sets_user |= has("user");
        sets_role |= has("role");
        !is_fine || has("user") || has("role")
    });
    if setters.is_empty() {
        return None;
    }
    let types = (!types.is_empty()).then(|| named("type", "types", &types));
    let user = sets_user.then(|| "user may not be set".to_owned());
    let role = sets_role.then(|| "role may not be set".to_owned());
    let data: Vec<String> = [types, user, role].into_iter().flatten().collect();
    Some(Violation {
        reason: "seLinuxOptions",
        detail: format!(
            "{} set forbidden securityContext.seLinuxOptions: {}",
            setters.join(" and "),
            data.join("; ")
        ),
    })
}

/// `check_seccompProfile_baseline.go`
pub(super) fn seccomp(pod: &Pod<'_>, minor: u64) -> Option<Violation> {
    match minor {
        0..19 => seccomp_annotations(pod),
        _ => seccomp_fields(pod),
    }
}

fn seccomp_annotations(pod: &Pod<'_>) -> Option<Violation> {
    let of_containers = pod
        .containers()
        .map(|container| format!("{SECCOMP_CONTAINER}{}", text(&container["name"])));
    let mut wrong = BTreeSet::new();
    for key in of_containers.chain([SECCOMP_POD.to_owned()]) {
        let Some(value) = pod.annotations[&key].as_str() else {
            continue;
        };
        let is_fine = matches!(value, "runtime/default" | "docker/default")
            || value.starts_with("localhost/");
        if !is_fine {
            wrong.insert(format!("{key}={}", go::quote(value)));
        }
    }
    (!wrong.is_empty()).then(|| Violation {
        reason: "seccompProfile",
        detail: format!(
            "forbidden {} {}",
            plural("annotation", "annotations", wrong.len()),
            Vec::from_iter(wrong).join(", ")
        ),
    })
}

/// Since there are fields for it.
pub(super) fn seccomp_fields(pod: &Pod<'_>) -> Option<Violation> {
    let mut types: BTreeSet<&str> = BTreeSet::new();
    let setters = pod.setters(|context| is_other_profile(context, "seccompProfile", &mut types));
    (!setters.is_empty()).then(|| Violation {
        reason: "seccompProfile",
        detail: format!(
            "{} must not set securityContext.seccompProfile.type to {}",
            setters.join(" and "),
            quoted(&types)
        ),
    })
}

/// Whether a profile is set that is neither the runtime's nor the node's; notes its type.
fn is_other_profile<'a>(context: &'a Value, field: &str, types: &mut BTreeSet<&'a str>) -> bool {
    let profile = &context[field];
    let own = text(&profile["type"]);
    let is_other = profile.is_object() && !matches!(own, "RuntimeDefault" | "Localhost");
    types.extend(is_other.then_some(own));
    is_other
}

/// `check_sysctls.go`
pub(super) fn sysctls(pod: &Pod<'_>, minor: u64) -> Option<Violation> {
    let all = pod.spec["securityContext"]["sysctls"].as_array();
    let names = all.into_iter().flatten().map(|own| text(&own["name"]));
    let allowed = |name: &&str| {
        SYSCTLS
            .iter()
            .any(|(safe, since)| safe == name && *since <= minor)
    };
    let forbidden: Vec<&str> = names.filter(|name| !allowed(name)).collect();
    (!forbidden.is_empty()).then(|| Violation {
        reason: "forbidden sysctls",
        detail: forbidden.join(", "),
    })
}

/// `check_windowsHostProcess.go`
pub(super) fn windows_host_process(pod: &Pod<'_>, _: u64) -> Option<Violation> {
    let setters = pod.setters(|context| context["windowsOptions"]["hostProcess"] == true);
    (!setters.is_empty()).then(|| Violation {
        reason: "hostProcess",
        detail: format!(
            "{} must not set securityContext.windowsOptions.hostProcess=true",
            setters.join(" and ")
        ),
    })
}

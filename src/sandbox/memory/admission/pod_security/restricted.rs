//! What the restricted standard checks beside the baseline.

use std::collections::BTreeSet;

use serde_json::Value;

use super::baseline;
use super::check::{Pod, Violation, containers, named, plural, text};

/// Kinds of volumes that anybody may use.
const VOLUMES: [&str; 9] = [
    "configMap",
    "csi",
    "downwardAPI",
    "emptyDir",
    "ephemeral",
    "image",
    "persistentVolumeClaim",
    "projected",
    "secret",
];

/// The others.
const OTHER_VOLUMES: [&str; 21] = [
    "hostPath",
    "gcePersistentDisk",
    "awsElasticBlockStore",
    "gitRepo",
    "nfs",
    "iscsi",
    "glusterfs",
    "rbd",
    "flexVolume",
    "cinder",
    "cephfs",
    "flocker",
    "fc",
    "azureFile",
    "vsphereVolume",
    "quobyte",
    "azureDisk",
    "photonPersistentDisk",
    "portworxVolume",
    "scaleIO",
    "storageos",
];

/// Whether what Windows does not have need not be set.
fn is_excused(pod: &Pod<'_>, minor: u64) -> bool {
    minor >= 25 && pod.is_windows()
}

/// `check_allowPrivilegeEscalation.go`
pub(super) fn privilege_escalation(pod: &Pod<'_>, minor: u64) -> Option<Violation> {
    if is_excused(pod, minor) {
        return None;
    }
    let names = pod.containers_where(|container| {
        container["securityContext"]["allowPrivilegeEscalation"] != false
    });
    (!names.is_empty()).then(|| Violation {
        reason: "allowPrivilegeEscalation != false",
        detail: format!(
            "{} must set securityContext.allowPrivilegeEscalation=false",
            containers(&names)
        ),
    })
}

/// `check_capabilities_restricted.go`
pub(super) fn capabilities(pod: &Pod<'_>, minor: u64) -> Option<Violation> {
    if is_excused(pod, minor) {
        return None;
    }
    let keep = pod.containers_where(|container| {
        let dropped = container["securityContext"]["capabilities"]["drop"].as_array();
        !dropped.into_iter().flatten().any(|name| name == "ALL")
    });
    let keeps = (!keep.is_empty()).then(|| {
        format!(
            "{} must set securityContext.capabilities.drop=[\"ALL\"]",
            containers(&keep)
        )
    });
    let adds = baseline::adds_capabilities(pod, &["NET_BIND_SERVICE"]);
    let details: Vec<String> = [keeps, adds].into_iter().flatten().collect();
    (!details.is_empty()).then(|| Violation {
        reason: "unrestricted capabilities",
        detail: details.join("; "),
    })
}

/// `check_procMount_restricted.go`
pub(super) fn proc_mount(pod: &Pod<'_>, _: u64) -> Option<Violation> {
    baseline::masks(pod)
}

/// `check_restrictedVolumes.go`
pub(super) fn volumes(pod: &Pod<'_>, _: u64) -> Option<Violation> {
    let has = |volume: &Value, kinds: &[&'static str]| -> Option<&'static str> {
        kinds.iter().copied().find(|kind| volume[*kind].is_object())
    };
    let all = pod.spec["volumes"].as_array().into_iter().flatten();
    let bad: Vec<&Value> = all
        .filter(|volume| has(volume, &VOLUMES).is_none())
        .collect();
    let names: Vec<&str> = bad.iter().map(|volume| text(&volume["name"])).collect();
    let kinds: BTreeSet<&str> = bad
        .iter()
        .map(|volume| has(volume, &OTHER_VOLUMES).unwrap_or("unknown"))
        .collect();
    (!names.is_empty()).then(|| Violation {
        reason: "restricted volume types",
        detail: format!(
            "{} {} {}",
            named("volume", "volumes", &names),
            plural("uses", "use", names.len()),
            named("restricted volume type", "restricted volume types", &kinds)
        ),
    })
}

/// `check_runAsNonRoot.go`
pub(super) fn run_as_non_root(pod: &Pod<'_>, minor: u64) -> Option<Violation> {
    if minor >= 35 && pod.has_own_users() {
        return None;
    }
    let reason = "runAsNonRoot != true";
    let setters = pod.setters(|context| context["runAsNonRoot"] == false);
    if !setters.is_empty() {
        let who = setters.join(" and ");
        return Some(Violation {
            reason,
            detail: format!("{who} must not set securityContext.runAsNonRoot=false"),
        });
    }
    let names = unset(pod, "runAsNonRoot");
    (!names.is_empty()).then(|| Violation {
        reason,
        detail: format!(
            "pod or {} must set securityContext.runAsNonRoot=true",
            containers(&names)
        ),
    })
}

/// `check_runAsUser.go`
pub(super) fn run_as_user(pod: &Pod<'_>, minor: u64) -> Option<Violation> {
    if minor >= 35 && pod.has_own_users() {
        return None;
    }
    let setters = pod.setters(|context| context["runAsUser"] == 0);
    (!setters.is_empty()).then(|| Violation {
        reason: "runAsUser=0",
        detail: format!("{} must not set runAsUser=0", setters.join(" and ")),
    })
}

/// `check_seccompProfile_restricted.go`
pub(super) fn seccomp(pod: &Pod<'_>, minor: u64) -> Option<Violation> {
    if is_excused(pod, minor) {
        return None;
    }
    let wrong = baseline::seccomp_fields(pod);
    wrong.or_else(|| {
        let names = unset(pod, "seccompProfile");
        (!names.is_empty()).then(|| Violation {
            reason: "seccompProfile",
            detail: format!(
                "pod or {} must set securityContext.seccompProfile.type to \"RuntimeDefault\" or \"Localhost\"",
                containers(&names)
            ),
        })
    })
}

/// The containers that do not set a field which the pod does not set for them.
fn unset<'a>(pod: &Pod<'a>, field: &str) -> Vec<&'a str> {
    if !pod.spec["securityContext"][field].is_null() {
        return Vec::new();
    }
    pod.containers_where(|container| container["securityContext"][field].is_null())
}

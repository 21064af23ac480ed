//! Which checks there are, for which level and version (`policy/registry.go`), and what they have in
//! common.

use serde_json::Value;

use super::policy::{Level, Rule};
use super::{baseline, restricted};

/// What of a pod a check forbids.
pub(super) struct Violation {
    /// In few words
    pub(super) reason: &'static str,
    /// Who does what
    pub(super) detail: String,
}

/// A check of a pod; its number is the minor version that counts.
type Run = fn(&Pod<'_>, u64) -> Option<Violation>;

struct Check {
    run: Run,
    /// Whether it is for restricted alone
    is_restricted: bool,
    /// The first minor version that has it
    since: u64,
    /// The first minor version in which restricted has a stricter one in its place
    superseded: u64,
}

const fn baseline(since: u64, run: Run) -> Check {
    Check {
        run,
        is_restricted: false,
        since,
        superseded: u64::MAX,
    }
}

const fn superseded(at: u64, run: Run) -> Check {
    Check {
        superseded: at,
        ..baseline(0, run)
    }
}

const fn restricted(since: u64, run: Run) -> Check {
    Check {
        is_restricted: true,
        ..baseline(since, run)
    }
}

/// In the order of messages.
static CHECKS: [Check; 19] = [
    baseline(0, baseline::app_armor),
    superseded(22, baseline::capabilities),
    baseline(0, baseline::host_namespaces),
    superseded(0, baseline::host_paths),
    baseline(0, baseline::host_ports),
    baseline(34, baseline::probe_hosts),
    baseline(0, baseline::privileged),
    superseded(35, baseline::proc_mount),
    baseline(0, baseline::se_linux),
    superseded(19, baseline::seccomp),
    baseline(0, baseline::sysctls),
    baseline(0, baseline::windows_host_process),
    restricted(8, restricted::privilege_escalation),
    restricted(22, restricted::capabilities),
    restricted(35, restricted::proc_mount),
    restricted(0, restricted::volumes),
    restricted(0, restricted::run_as_non_root),
    restricted(23, restricted::run_as_user),
    restricted(19, restricted::seccomp),
];

/// How a pod, or a template of pods, violates a rule.
pub(super) fn violations(rule: Rule, pod: &Value) -> impl Iterator<Item = Violation> {
    let minor = rule.version.minor();
    let counts = move |check: &&Check| {
        let is_for_level = match rule.level {
            Level::Privileged => false,
            Level::Baseline => !check.is_restricted,
            // The latest version is above every number.
            Level::Restricted => check.superseded == u64::MAX || minor < check.superseded,
        };
        is_for_level && check.since <= minor
    };
    let pod = Pod {
        annotations: &pod["metadata"]["annotations"],
        spec: &pod["spec"],
    };
    let checks = CHECKS.iter().filter(counts);
    checks.filter_map(move |check| (check.run)(&pod, minor))
}

/// A pod or a template.
pub(super) struct Pod<'a> {
    pub(super) annotations: &'a Value,
    pub(super) spec: &'a Value,
}

impl<'a> Pod<'a> {
    /// All containers, in the order of messages.
    pub(super) fn containers(&self) -> impl Iterator<Item = &'a Value> {
        let spec = self.spec;
        let lists = ["initContainers", "containers", "ephemeralContainers"].into_iter();
        lists.flat_map(|list| spec[list].as_array().into_iter().flatten())
    }

    /// The names of containers of which that is true.
    pub(super) fn containers_where(&self, is: impl FnMut(&&'a Value) -> bool) -> Vec<&'a str> {
        let found = self.containers().filter(is);
        found.map(|container| text(&container["name"])).collect()
    }

    /// Who has a securityContext of which that is true: the pod, containers.
    pub(super) fn setters(&self, mut is: impl FnMut(&'a Value) -> bool) -> Vec<String> {
        let mut all = Vec::new();
        if is(&self.spec["securityContext"]) {
            all.push("pod".to_owned());
        }
        let names = self.containers_where(|container| is(&container["securityContext"]));
        if !names.is_empty() {
            all.push(containers(&names));
        }
        all
    }

    pub(super) fn is_windows(&self) -> bool {
        self.spec["os"]["name"] == "windows"
    }

    /// Whether its users are not the node's.
    pub(super) fn has_own_users(&self) -> bool {
        self.spec["hostUsers"] == false
    }
}

/// `container "a"`, `containers "a", "b"`
pub(super) fn containers(names: &[&str]) -> String {
    named("container", "containers", names)
}

/// A word for what has these names, and the names.
pub(super) fn named<'a>(
    one: &str,
    many: &str,
    names: impl IntoIterator<Item = &'a &'a str, IntoIter: ExactSizeIterator>,
) -> String {
    let names = names.into_iter();
    let word = plural(one, many, names.len());
    format!("{word} {}", quoted(names))
}

/// `"a", "b"`
pub(super) fn quoted<'a>(names: impl IntoIterator<Item = &'a &'a str>) -> String {
    let names: Vec<String> = names
        .into_iter()
        .map(|name| format!("\"{name}\""))
        .collect();
    names.join(", ")
}

pub(super) fn plural<'a>(one: &'a str, many: &'a str, count: usize) -> &'a str {
    if count == 1 { one } else { many }
}

/// A text; empty where there is none.
pub(super) fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

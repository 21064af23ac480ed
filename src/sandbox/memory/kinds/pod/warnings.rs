//! What clients are told about pods and templates that are accepted (`pkg/api/pod/warnings.go`).

use std::collections::{BTreeMap, HashMap, HashSet};

use k8s_openapi::api::core::v1::{
    Affinity, Container, NodeSelectorTerm, PodAffinityTerm, PodSpec, PodTemplateSpec,
    WeightedPodAffinityTerm,
};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity as Text;

use super::annotations::Annotations;
use super::check::text;
use super::overlaps;
use super::spec::each_container;
use crate::sandbox::memory::field::Path;
use crate::sandbox::memory::names;
use crate::sandbox::memory::quantity::Quantity;

const REQUIRED: &str = "requiredDuringSchedulingIgnoredDuringExecution";
const PREFERRED: &str = "preferredDuringSchedulingIgnoredDuringExecution";
const NULL_SELECTOR: &str = "a null labelSelector results in matching no pod";

/// The warnings about a template; `path` is the template's.
pub fn template_warnings(template: &PodTemplateSpec, path: &Path) -> Vec<String> {
    let metadata = template.metadata.clone().unwrap_or_default();
    let annotations = metadata.annotations.unwrap_or_default();
    template
        .spec
        .as_ref()
        .map_or_else(Vec::new, |spec| warnings(spec, &annotations, path, false))
}

/// The warnings about a pod's spec and annotations.
pub(crate) fn pod_warnings(spec: &PodSpec, annotations: &Annotations) -> Vec<String> {
    warnings(spec, annotations, &Path::root(), true)
}

fn warnings(spec: &PodSpec, annotations: &Annotations, path: &Path, is_pod: bool) -> Vec<String> {
    let mut all = Vec::new();
    let spec_path = path.child("spec");
    node_labels(&mut all, spec, &spec_path);
    for (at, constraint) in spec
        .topology_spread_constraints
        .iter()
        .flatten()
        .enumerate()
    {
        let path = spec_path.child("topologySpreadConstraints").index(at);
        let key = constraint.topology_key.as_str();
        if let Some(why) = deprecated_label(key) {
            all.push(format!("{}: {key} is {why}", path.child("topologyKey")));
        }
        if constraint.label_selector.is_none() {
            all.push(format!("{}: {NULL_SELECTOR}", path.child("labelSelector")));
        }
    }
    let deprecated = [
        (
            "scheduler.alpha.kubernetes.io/critical-pod",
            "non-functional in v1.16+; use the \"priorityClassName\" field instead",
        ),
        (
            "security.alpha.kubernetes.io/sysctls",
            "non-functional in v1.11+; use the \"sysctls\" field instead",
        ),
        (
            "security.alpha.kubernetes.io/unsafe-sysctls",
            "non-functional in v1.11+; use the \"sysctls\" field instead",
        ),
    ];
    let annotations_path = path.child("metadata").child("annotations");
    for (key, why) in deprecated {
        if annotations.contains_key(key) {
            all.push(format!("{}: {why}", annotations_path.key(key)));
        }
    }
    volumes(&mut all, spec, &spec_path.child("volumes"));
    repetitions(&mut all, spec, &spec_path);
    if let Some(overhead) = &spec.overhead {
        fractions(
            &mut all,
            Some(overhead),
            &spec_path.child("overhead"),
            &BYTES,
        );
    }
    profiles(&mut all, spec, annotations, path, is_pod);
    each_container(spec, &spec_path, |container, path| {
        let resources = container.resources.clone().unwrap_or_default();
        let limits = path.child("resources").child("limits");
        let requests = path.child("resources").child("requests");
        for name in BYTES {
            fractions(&mut all, resources.limits.as_ref(), &limits, &[name]);
            fractions(&mut all, resources.requests.as_ref(), &requests, &[name]);
        }
        hidden_variables(&mut all, container, path);
    });
    ports(&mut all, spec, &spec_path);
    if spec
        .termination_grace_period_seconds
        .is_some_and(|seconds| seconds < 0)
    {
        let path = spec_path.child("terminationGracePeriodSeconds");
        let why = "must be >= 0; negative values are invalid and will be treated as 1";
        all.push(format!("{path}: {why}"));
    }
    if let Some(affinity) = &spec.affinity {
        null_selectors(&mut all, affinity, &spec_path.child("affinity"));
    }
    addresses(&mut all, spec, &spec_path);
    all
}

const BYTES: [&str; 2] = ["memory", "ephemeral-storage"];

/// Bytes come whole.
pub(crate) fn fractions(
    all: &mut Vec<String>,
    amounts: Option<&BTreeMap<String, Text>>,
    path: &Path,
    names: &[&str],
) {
    for name in names {
        let text = amounts.and_then(|amounts| amounts.get(*name));
        let amount = text.and_then(|text| Quantity::parse(&text.0));
        if let Some(amount) = amount.filter(|amount| !amount.is_integer()) {
            let path = path.key(name);
            let shown = amount.canonical();
            all.push(format!(
                "{path}: fractional byte value {shown:?} is invalid, must be an integer"
            ));
        }
    }
}

/// Labels of nodes that have other names now.
pub(crate) fn deprecated_label(key: &str) -> Option<&'static str> {
    Some(match key {
        "beta.kubernetes.io/arch" => "deprecated since v1.14; use \"kubernetes.io/arch\" instead",
        "beta.kubernetes.io/os" => "deprecated since v1.14; use \"kubernetes.io/os\" instead",
        "failure-domain.beta.kubernetes.io/region" => {
            "deprecated since v1.17; use \"topology.kubernetes.io/region\" instead"
        }
        "failure-domain.beta.kubernetes.io/zone" => {
            "deprecated since v1.17; use \"topology.kubernetes.io/zone\" instead"
        }
        "beta.kubernetes.io/instance-type" => {
            "deprecated since v1.17; use \"node.kubernetes.io/instance-type\" instead"
        }
        "app.kubernetes.io/created-by" => "deprecated since v1.9",
        "scheduler.alpha.kubernetes.io/preferAvoidPods" => {
            "deprecated since v1.22; use Taints and Tolerations instead"
        }
        "node-role.kubernetes.io/master" => "use \"node-role.kubernetes.io/control-plane\" instead",
        _ => return None,
    })
}

fn node_labels(all: &mut Vec<String>, spec: &PodSpec, path: &Path) {
    for key in spec.node_selector.iter().flat_map(BTreeMap::keys) {
        if let Some(why) = deprecated_label(key) {
            all.push(format!("{}: {why}", path.child("nodeSelector").key(key)));
        }
    }
    let affinity = spec
        .affinity
        .as_ref()
        .and_then(|affinity| affinity.node_affinity.as_ref());
    let Some(affinity) = affinity else { return };
    let path = path.child("affinity").child("nodeAffinity");
    let required = affinity
        .required_during_scheduling_ignored_during_execution
        .iter();
    let required = required.flat_map(|selector| &selector.node_selector_terms);
    let required_path = path.child(REQUIRED).child("nodeSelectorTerms");
    for (at, term) in required.enumerate() {
        node_term(all, term, false, &required_path.index(at));
    }
    let preferred = affinity
        .preferred_during_scheduling_ignored_during_execution
        .iter()
        .flatten();
    for (at, term) in preferred.enumerate() {
        let path = path.child(PREFERRED).index(at).child("preference");
        node_term(all, &term.preference, true, &path);
    }
}

fn node_term(all: &mut Vec<String>, term: &NodeSelectorTerm, checks_values: bool, path: &Path) {
    for (at, requirement) in term.match_expressions.iter().flatten().enumerate() {
        let path = path.child("matchExpressions").index(at);
        let key = requirement.key.as_str();
        if let Some(why) = deprecated_label(key) {
            all.push(format!("{}: {key} is {why}", path.child("key")));
        }
        let values = requirement
            .values
            .iter()
            .flatten()
            .enumerate()
            .filter(|_| checks_values);
        for (at, value) in values {
            let path = path.child("values").index(at);
            all.extend(
                names::label_value(value)
                    .iter()
                    .map(|why| format!("{path}: {value} is invalid, {why}")),
            );
        }
    }
}

fn volumes(all: &mut Vec<String>, spec: &PodSpec, path: &Path) {
    for (at, volume) in spec.volumes.iter().flatten().enumerate() {
        let path = path.index(at);
        let gone =
            |from: &str, to: &str| format!("deprecated in v{from}, non-functional in v{to}+");
        let kinds = [
            (
                volume.photon_persistent_disk.is_some(),
                "photonPersistentDisk",
                gone("1.11", "1.16"),
            ),
            (
                volume.git_repo.is_some(),
                "gitRepo",
                "deprecated in v1.11, and disabled by default in v1.33+".to_owned(),
            ),
            (volume.scale_io.is_some(), "scaleIO", gone("1.16", "1.22")),
            (volume.flocker.is_some(), "flocker", gone("1.22", "1.25")),
            (
                volume.storageos.is_some(),
                "storageOS",
                gone("1.22", "1.25"),
            ),
            (volume.quobyte.is_some(), "quobyte", gone("1.22", "1.25")),
            (
                volume.glusterfs.is_some(),
                "glusterfs",
                gone("1.25", "1.26"),
            ),
        ];
        for (_, field, why) in kinds.iter().filter(|(is_set, ..)| *is_set) {
            all.push(format!("{}: {why}", path.child(field)));
        }
        let ephemeral = volume.ephemeral.as_ref();
        if let Some(claim) = ephemeral.and_then(|source| source.volume_claim_template.as_ref()) {
            let path = path.child("ephemeral.volumeClaimTemplate.spec.resources");
            let resources = claim.spec.resources.clone().unwrap_or_default();
            let storage = ["storage"];
            fractions(
                all,
                resources.requests.as_ref(),
                &path.child("requests"),
                &storage,
            );
            fractions(
                all,
                resources.limits.as_ref(),
                &path.child("limits"),
                &storage,
            );
        }
        for (is_set, field) in [
            (volume.cephfs.is_some(), "cephfs"),
            (volume.rbd.is_some(), "rbd"),
        ] {
            if is_set {
                all.push(format!("{}: {}", path.child(field), gone("1.28", "1.31")));
            }
        }
    }
    overlaps::warn(all, spec);
}

/// Addresses and names that come twice, and names that are empty.
fn repetitions(all: &mut Vec<String>, spec: &PodSpec, path: &Path) {
    let mut seen = HashSet::new();
    for (at, alias) in spec.host_aliases.iter().flatten().enumerate() {
        if !seen.insert(alias.ip.as_str()) {
            let path = path.child("hostAliases").index(at).child("ip");
            all.push(format!("{path}: duplicate ip {:?}", alias.ip));
        }
    }
    let name_path = |at: usize| path.child("imagePullSecrets").index(at).child("name");
    let mut seen = HashSet::new();
    for (at, secret) in spec.image_pull_secrets.iter().flatten().enumerate() {
        if !seen.insert(secret.name.as_str()) {
            all.push(format!(
                "{}: duplicate name {:?}",
                name_path(at),
                secret.name
            ));
        }
    }
    for (at, secret) in spec.image_pull_secrets.iter().flatten().enumerate() {
        if secret.name.is_empty() {
            all.push(format!("{}: invalid empty name \"\"", name_path(at)));
        }
    }
}

/// Annotations in place of which there are fields.
fn profiles(
    all: &mut Vec<String>,
    spec: &PodSpec,
    annotations: &Annotations,
    path: &Path,
    is_pod: bool,
) {
    if annotations.is_empty() {
        return;
    }
    let path = path.child("metadata").child("annotations");
    let seccomp = "seccomp.security.alpha.kubernetes.io/pod";
    let why = "non-functional in v1.27+; use the \"seccompProfile\" field instead";
    let context = spec.security_context.as_ref();
    let has_seccomp = context.is_some_and(|context| context.seccomp_profile.is_some());
    if !has_seccomp && annotations.contains_key(seccomp) {
        all.push(format!("{}: {why}", path.key(seccomp)));
    }
    let has_app_armor = context.is_some_and(|context| context.app_armor_profile.is_some());
    each_container(spec, &Path::root(), |container, _| {
        let context = container.security_context.as_ref();
        let key = format!(
            "container.{}",
            seccomp.replace("/pod", &format!("/{}", container.name))
        );
        let has_seccomp = context.is_some_and(|context| context.seccomp_profile.is_some());
        if !has_seccomp && annotations.contains_key(&key) {
            all.push(format!("{}: {why}", path.key(&key)));
        }
        let key = format!(
            "container.apparmor.security.beta.kubernetes.io/{}",
            container.name
        );
        let has_own = context.is_some_and(|context| context.app_armor_profile.is_some());
        if !is_pod && !has_own && !has_app_armor && annotations.contains_key(&key) {
            let why = "deprecated since v1.30; use the \"appArmorProfile\" field instead";
            all.push(format!("{}: {why}", path.key(&key)));
        }
    });
}

fn hidden_variables(all: &mut Vec<String>, container: &Container, path: &Path) {
    let mut seen = HashSet::new();
    for (at, variable) in container.env.iter().flatten().enumerate() {
        let name = variable.name.as_str();
        if seen.insert(name) {
            continue;
        }
        // A value that goes on from the one before hides nothing.
        let reference = format!("$({name})");
        let value = text(&variable.value);
        if variable.value_from.is_some() || value == reference || !value.contains(&reference) {
            let path = path.child("env").index(at);
            all.push(format!(
                "{path}: hides previous definition of {name:?}, which may be dropped when using apply"
            ));
        }
    }
}

/// Where a port is named, with its host port and host address.
type Place = (Path, i32, String);

fn ports(all: &mut Vec<String>, spec: &PodSpec, path: &Path) {
    let mut known: HashMap<(i32, String), Vec<Place>> = HashMap::new();
    each_container(spec, path, |container, path| {
        for (at, port) in container.ports.iter().flatten().enumerate() {
            let path = path.child("ports").index(at);
            let number = port.container_port;
            let host = port.host_port.unwrap_or_default();
            let (address, protocol) = (text(&port.host_ip), text(&port.protocol));
            if !address.is_empty() && host == 0 {
                let name = text(&port.name);
                all.push(format!(
                    "{path}: hostIP set without hostPort: {{Name:{name} HostPort:0 \
                     ContainerPort:{number} Protocol:{protocol} HostIP:{address}}}"
                ));
            }
            let others = known.entry((number, protocol.to_owned())).or_default();
            for (other, other_host, other_address) in others.iter() {
                let what = if address == other_address && host == *other_host {
                    "duplicate"
                } else if host == 0 || *other_host == 0 {
                    "overlapping"
                } else if host == *other_host && address.is_empty() != other_address.is_empty() {
                    "dangerously ambiguous"
                } else {
                    continue;
                };
                all.push(format!("{path}: {what} port definition with {other}"));
            }
            others.push((path, host, address.to_owned()));
        }
    });
    let mut named: HashMap<String, Path> = HashMap::new();
    each_container(spec, path, |container, path| {
        for (at, port) in container.ports.iter().flatten().enumerate() {
            let path = path.child("ports").index(at);
            let name = text(&port.name);
            if name.is_empty() {
                continue;
            }
            match named.get(name) {
                Some(other) => all.push(format!(
                    "{path}: duplicate port name {name:?} with {other}, services and probes that \
                     select ports by name will use {other}"
                )),
                None => {
                    named.insert(name.to_owned(), path);
                }
            }
        }
    });
}

fn null_selectors(all: &mut Vec<String>, affinity: &Affinity, path: &Path) {
    let mut see = |required: Option<&Vec<PodAffinityTerm>>,
                   preferred: Option<&Vec<WeightedPodAffinityTerm>>,
                   path: &Path| {
        for (at, term) in required.into_iter().flatten().enumerate() {
            if term.label_selector.is_none() {
                let path = path.child(REQUIRED).index(at).child("labelSelector");
                all.push(format!("{path}: {NULL_SELECTOR}"));
            }
        }
        for (at, term) in preferred.into_iter().flatten().enumerate() {
            if term.pod_affinity_term.label_selector.is_none() {
                let path = path
                    .child(PREFERRED)
                    .index(at)
                    .child("podAffinityTerm.labelSelector");
                all.push(format!("{path}: {NULL_SELECTOR}"));
            }
        }
    };
    if let Some(pods) = &affinity.pod_affinity {
        see(
            pods.required_during_scheduling_ignored_during_execution
                .as_ref(),
            pods.preferred_during_scheduling_ignored_during_execution
                .as_ref(),
            &path.child("podAffinity"),
        );
    }
    if let Some(pods) = &affinity.pod_anti_affinity {
        see(
            pods.required_during_scheduling_ignored_during_execution
                .as_ref(),
            pods.preferred_during_scheduling_ignored_during_execution
                .as_ref(),
            &path.child("podAntiAffinity"),
        );
    }
}

fn addresses(all: &mut Vec<String>, spec: &PodSpec, path: &Path) {
    let servers = spec
        .dns_config
        .iter()
        .flat_map(|config| config.nameservers.iter().flatten());
    for (at, server) in servers.enumerate() {
        let path = path.child("dnsConfig.nameservers").index(at);
        all.extend(names::ip_warning(&path, server));
    }
    for (at, alias) in spec.host_aliases.iter().flatten().enumerate() {
        let path = path.child("hostAliases").index(at).child("ip");
        all.extend(names::ip_warning(&path, &alias.ip));
    }
}

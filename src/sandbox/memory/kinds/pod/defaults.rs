//! Defaults of pods and of templates of pods (`pkg/apis/core/v1/defaults.go` and its generated part).

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::EmptyDirVolumeSource;
use k8s_openapi::api::core::v1::{
    Container, EnvVar, HTTPGetAction, Lifecycle, LifecycleHandler, ObjectFieldSelector,
    PodSecurityContext, PodSpec, Probe, ResourceRequirements, Volume, VolumeProjection,
};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity as Text;

use super::{ephemeral, image};
use crate::sandbox::memory::quantity::Quantity;

/// Mode 0644 of files from Secrets, ConfigMaps and the like.
const FILE_MODE: i32 = 0o644;

/// Sets the defaults that pods and templates of pods have in common.
pub fn default_spec(spec: &mut PodSpec) {
    default_text(&mut spec.dns_policy, "ClusterFirst");
    default_text(&mut spec.restart_policy, "Always");
    default_text(&mut spec.scheduler_name, "default-scheduler");
    spec.security_context
        .get_or_insert_with(PodSecurityContext::default);
    spec.termination_grace_period_seconds.get_or_insert(30);
    default_service_account(spec);
    spec.volumes.iter_mut().flatten().for_each(default_volume);
    spec.init_containers
        .iter_mut()
        .flatten()
        .for_each(default_container);
    spec.containers.iter_mut().for_each(default_container);
    for container in spec.ephemeral_containers.iter_mut().flatten() {
        ephemeral::change(container, default_container);
    }
    round_up(&mut spec.overhead);
    default_resources(&mut spec.resources);
    drop_disabled(spec);
}

/// Fields of features that are off in 1.36 are dropped without a word (`DropDisabledPodFields`).
fn drop_disabled(spec: &mut PodSpec) {
    spec.scheduling_group = None;
    let projected = spec
        .volumes
        .iter_mut()
        .flatten()
        .filter_map(|v| v.projected.as_mut());
    for source in projected.flat_map(|projected| projected.sources.iter_mut().flatten()) {
        source.cluster_trust_bundle = None;
        source.pod_certificate = None;
    }
    let containers = spec
        .init_containers
        .iter_mut()
        .flatten()
        .chain(&mut spec.containers);
    containers.for_each(drop_stop_signal);
    for container in spec.ephemeral_containers.iter_mut().flatten() {
        ephemeral::change(container, drop_stop_signal);
    }
}

fn drop_stop_signal(container: &mut Container) {
    if let Some(lifecycle) = &mut container.lifecycle
        && lifecycle.stop_signal.take().is_some()
        && *lifecycle == Lifecycle::default()
    {
        container.lifecycle = None;
    }
}

/// Sets the defaults that only pods have, before [`default_spec`].
pub fn default_pod(spec: &mut PodSpec) {
    let containers = spec
        .init_containers
        .iter_mut()
        .flatten()
        .chain(&mut spec.containers);
    for container in containers {
        request_what_is_limited(&mut container.resources);
    }
    super::level::default_resources(spec);
    spec.enable_service_links.get_or_insert(true);
    if spec.host_network == Some(true) {
        let containers = spec
            .init_containers
            .iter_mut()
            .flatten()
            .chain(&mut spec.containers);
        for port in containers.flat_map(|container| container.ports.iter_mut().flatten()) {
            if port.host_port.unwrap_or_default() == 0 {
                port.host_port = Some(port.container_port);
            }
        }
    }
}

/// `serviceAccount` is the former name of `serviceAccountName`; both are always answered.
fn default_service_account(spec: &mut PodSpec) {
    if spec
        .service_account_name
        .as_deref()
        .unwrap_or_default()
        .is_empty()
    {
        spec.service_account_name = spec.service_account.take().filter(|name| !name.is_empty());
    }
    spec.service_account.clone_from(&spec.service_account_name);
}

fn request_what_is_limited(resources: &mut Option<ResourceRequirements>) {
    let Some(resources) = resources else { return };
    let Some(limits) = &resources.limits else {
        return;
    };
    let requests = resources.requests.get_or_insert_with(BTreeMap::new);
    for (name, limit) in limits {
        if !requests.contains_key(name) {
            requests.insert(name.clone(), limit.clone());
        }
    }
}

fn default_container(container: &mut Container) {
    default_pull_policy(&mut container.image_pull_policy, container.image.as_deref());
    default_text(
        &mut container.termination_message_path,
        "/dev/termination-log",
    );
    default_text(&mut container.termination_message_policy, "File");
    for port in container.ports.iter_mut().flatten() {
        default_text(&mut port.protocol, "TCP");
    }
    container.env.iter_mut().flatten().for_each(default_env);
    default_resources(&mut container.resources);
    let probes = [
        &mut container.liveness_probe,
        &mut container.readiness_probe,
        &mut container.startup_probe,
    ];
    probes.into_iter().flatten().for_each(default_probe);
    if let Some(lifecycle) = &mut container.lifecycle {
        let handlers = [&mut lifecycle.post_start, &mut lifecycle.pre_stop];
        handlers.into_iter().flatten().for_each(default_handler);
    }
}

fn default_env(env: &mut EnvVar) {
    let Some(source) = &mut env.value_from else {
        return;
    };
    default_field(&mut source.field_ref);
    if let Some(file) = &mut source.file_key_ref {
        file.optional.get_or_insert(false);
    }
}

fn default_field(field: &mut Option<ObjectFieldSelector>) {
    if let Some(field) = field {
        default_text(&mut field.api_version, "v1");
    }
}

fn default_probe(probe: &mut Probe) {
    default_number(&mut probe.timeout_seconds, 1);
    default_number(&mut probe.period_seconds, 10);
    default_number(&mut probe.success_threshold, 1);
    default_number(&mut probe.failure_threshold, 3);
    probe.http_get.iter_mut().for_each(default_http);
    if let Some(grpc) = &mut probe.grpc {
        grpc.service.get_or_insert_with(String::new);
    }
}

fn default_handler(handler: &mut LifecycleHandler) {
    handler.http_get.iter_mut().for_each(default_http);
}

fn default_http(action: &mut HTTPGetAction) {
    default_text(&mut action.path, "/");
    default_text(&mut action.scheme, "HTTP");
}

fn default_volume(volume: &mut Volume) {
    let bare = Volume {
        name: volume.name.clone(),
        ..Volume::default()
    };
    if *volume == bare {
        volume.empty_dir = Some(EmptyDirVolumeSource::default());
        return;
    }
    if let Some(image) = &mut volume.image {
        default_pull_policy(&mut image.pull_policy, image.reference.as_deref());
    }
    if let Some(path) = &mut volume.host_path {
        path.type_.get_or_insert_with(String::new);
    }
    if let Some(secret) = &mut volume.secret {
        secret.default_mode.get_or_insert(FILE_MODE);
    }
    if let Some(map) = &mut volume.config_map {
        map.default_mode.get_or_insert(FILE_MODE);
    }
    if let Some(downward) = &mut volume.downward_api {
        downward.default_mode.get_or_insert(FILE_MODE);
        for item in downward.items.iter_mut().flatten() {
            default_field(&mut item.field_ref);
        }
    }
    if let Some(projected) = &mut volume.projected {
        projected.default_mode.get_or_insert(FILE_MODE);
        projected
            .sources
            .iter_mut()
            .flatten()
            .for_each(default_projection);
    }
    if let Some(claim) = volume
        .ephemeral
        .as_mut()
        .and_then(|ephemeral| ephemeral.volume_claim_template.as_mut())
    {
        default_text(&mut claim.spec.volume_mode, "Filesystem");
        if let Some(resources) = &mut claim.spec.resources {
            round_up(&mut resources.limits);
            round_up(&mut resources.requests);
        }
    }
    default_network_volume(volume);
}

fn default_projection(source: &mut VolumeProjection) {
    if let Some(downward) = &mut source.downward_api {
        for item in downward.items.iter_mut().flatten() {
            default_field(&mut item.field_ref);
        }
    }
    if let Some(token) = &mut source.service_account_token {
        token.expiration_seconds.get_or_insert(3600);
    }
}

fn default_network_volume(volume: &mut Volume) {
    if let Some(iscsi) = &mut volume.iscsi {
        default_text(&mut iscsi.iscsi_interface, "default");
    }
    if let Some(rbd) = &mut volume.rbd {
        default_text(&mut rbd.pool, "rbd");
        default_text(&mut rbd.user, "admin");
        default_text(&mut rbd.keyring, "/etc/ceph/keyring");
    }
    if let Some(disk) = &mut volume.azure_disk {
        disk.caching_mode
            .get_or_insert_with(|| "ReadWrite".to_owned());
        disk.fs_type.get_or_insert_with(|| "ext4".to_owned());
        disk.read_only.get_or_insert(false);
        disk.kind.get_or_insert_with(|| "Shared".to_owned());
    }
    if let Some(scale) = &mut volume.scale_io {
        default_text(&mut scale.storage_mode, "ThinProvisioned");
        default_text(&mut scale.fs_type, "xfs");
    }
}

fn default_resources(resources: &mut Option<ResourceRequirements>) {
    if let Some(resources) = resources {
        round_up(&mut resources.limits);
        round_up(&mut resources.requests);
    }
}

/// Amounts of resources have no more than three decimals (`SetDefaults_ResourceList`).
pub(crate) fn round_up(resources: &mut Option<BTreeMap<String, Text>>) {
    for text in resources.iter_mut().flat_map(BTreeMap::values_mut) {
        if let Some(quantity) = Quantity::parse(&text.0) {
            text.0 = quantity.round_up(-3).canonical();
        }
    }
}

fn default_pull_policy(policy: &mut Option<String>, image: Option<&str>) {
    let is_latest = image.and_then(image::tag) == Some("latest");
    default_text(policy, if is_latest { "Always" } else { "IfNotPresent" });
}

fn default_text(text: &mut Option<String>, default: &str) {
    if text.as_deref().unwrap_or_default().is_empty() {
        *text = Some(default.to_owned());
    }
}

fn default_number(number: &mut Option<i32>, default: i32) {
    if number.unwrap_or_default() == 0 {
        *number = Some(default);
    }
}

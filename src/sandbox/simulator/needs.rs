//! What a pod needs beside its images: Secrets, ConfigMaps and claims that it names, unless it can
//! do without them.

use k8s_openapi::api::core::v1::{Container, PodSpec, Volume, VolumeProjection};

/// What holds data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Secret,
    ConfigMap,
}

/// One of them, or some of its keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Need<'a> {
    pub(super) kind: Kind,
    pub(super) name: &'a str,
    /// All of them must be there
    pub(super) keys: Vec<&'a str>,
}

impl<'a> Need<'a> {
    fn new(
        kind: Kind,
        name: &'a str,
        optional: Option<bool>,
        keys: impl IntoIterator<Item = &'a str>,
    ) -> Option<Self> {
        (optional != Some(true)).then(|| Need {
            kind,
            name,
            keys: keys.into_iter().collect(),
        })
    }
}

/// What a container's environment is made of, in the order in which the kubelet looks.
pub(super) fn of_container(container: &Container) -> Vec<Need<'_>> {
    let mut needs = Vec::new();
    for source in container.env_from.iter().flatten() {
        let from = |kind, name, optional| Need::new(kind, name, optional, []);
        if let Some(map) = &source.config_map_ref {
            needs.extend(from(Kind::ConfigMap, &map.name, map.optional));
        } else if let Some(secret) = &source.secret_ref {
            needs.extend(from(Kind::Secret, &secret.name, secret.optional));
        }
    }
    for variable in container.env.iter().flatten() {
        let Some(source) = &variable.value_from else {
            continue;
        };
        if let Some(map) = &source.config_map_key_ref {
            let key = [map.key.as_str()];
            needs.extend(Need::new(Kind::ConfigMap, &map.name, map.optional, key));
        } else if let Some(secret) = &source.secret_key_ref {
            let key = [secret.key.as_str()];
            needs.extend(Need::new(Kind::Secret, &secret.name, secret.optional, key));
        }
    }
    needs
}

/// What a volume is made of.
pub(super) fn of_volume(volume: &Volume) -> Vec<Need<'_>> {
    if let Some(secret) = &volume.secret {
        let keys = secret.items.iter().flatten().map(|item| item.key.as_str());
        let name = secret.secret_name.as_deref().unwrap_or_default();
        return Need::new(Kind::Secret, name, secret.optional, keys)
            .into_iter()
            .collect();
    }
    if let Some(map) = &volume.config_map {
        let keys = map.items.iter().flatten().map(|item| item.key.as_str());
        return Need::new(Kind::ConfigMap, &map.name, map.optional, keys)
            .into_iter()
            .collect();
    }
    let sources = volume
        .projected
        .iter()
        .flat_map(|p| p.sources.iter().flatten());
    sources.filter_map(of_projection).collect()
}

fn of_projection(source: &VolumeProjection) -> Option<Need<'_>> {
    if let Some(secret) = &source.secret {
        let keys = secret.items.iter().flatten().map(|item| item.key.as_str());
        return Need::new(Kind::Secret, &secret.name, secret.optional, keys);
    }
    let map = source.config_map.as_ref()?;
    let keys = map.items.iter().flatten().map(|item| item.key.as_str());
    Need::new(Kind::ConfigMap, &map.name, map.optional, keys)
}

/// The claims that a pod names. Those that are made for it, by ephemeral volumes, are not among
/// them.
pub(super) fn claims(spec: &PodSpec) -> impl Iterator<Item = &str> {
    let volumes = spec.volumes.iter().flatten();
    volumes.filter_map(|volume| Some(volume.persistent_volume_claim.as_ref()?.claim_name.as_str()))
}

/// Everything but claims.
pub(super) fn of_pod(spec: &PodSpec) -> impl Iterator<Item = Need<'_>> {
    let containers = spec
        .init_containers
        .iter()
        .flatten()
        .chain(&spec.containers);
    let volumes = spec.volumes.iter().flatten();
    volumes
        .flat_map(of_volume)
        .chain(containers.flat_map(of_container))
}

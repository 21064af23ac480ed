//! Files of one volume that would be in each other's way.

use k8s_openapi::api::core::v1::{DownwardAPIVolumeFile, KeyToPath, PodSpec, VolumeProjection};

use super::check::text;

/// Where a file is to be, and where it comes from if the volume has several sources.
#[derive(PartialEq)]
struct Target {
    path: String,
    source: String,
}

impl Target {
    fn shown(&self) -> String {
        if self.source.is_empty() {
            return format!("{:?}", self.path);
        }
        format!("{:?} ({})", self.path, self.source)
    }
}

/// `warningsForOverlappingVirtualPaths`.
pub(super) fn warn(all: &mut Vec<String>, spec: &PodSpec) {
    for volume in spec.volumes.iter().flatten() {
        let mut see = |what: &str, targets: Vec<Target>| {
            for words in overlaps(&targets) {
                all.push(format!(
                    "volume {:?} ({what}): overlapping paths: {words}",
                    volume.name
                ));
            }
        };
        if let Some(map) = &volume.config_map {
            see(
                &format!("ConfigMap {:?}", map.name),
                keys(map.items.as_deref(), ""),
            );
        }
        if let Some(secret) = &volume.secret {
            let name = text(&secret.secret_name);
            see(
                &format!("Secret {name:?}"),
                keys(secret.items.as_deref(), ""),
            );
        }
        if let Some(downward) = &volume.downward_api {
            see("DownwardAPI", files(downward.items.as_deref(), ""));
        }
        let Some(projected) = &volume.projected else {
            continue;
        };
        let sources = projected.sources.iter().flatten();
        see("Projected", sources.clone().flat_map(targets).collect());
        for _ in sources.filter(|source| **source == VolumeProjection::default()) {
            all.push(format!(
                "volume {:?} (Projected) has no sources provided",
                volume.name
            ));
        }
    }
}

fn targets(source: &VolumeProjection) -> Vec<Target> {
    if let Some(map) = &source.config_map {
        return keys(map.items.as_deref(), &format!("ConfigMap {:?}", map.name));
    }
    if let Some(secret) = &source.secret {
        return keys(
            secret.items.as_deref(),
            &format!("Secret {:?}", secret.name),
        );
    }
    if let Some(downward) = &source.downward_api {
        return files(downward.items.as_deref(), "DownwardAPI");
    }
    let token = source.service_account_token.iter();
    token
        .map(|token| target(&token.path, "ServiceAccountToken"))
        .collect()
}

fn target(path: &str, source: &str) -> Target {
    Target {
        path: path.trim_end_matches('/').to_owned(),
        source: source.to_owned(),
    }
}

fn keys(items: Option<&[KeyToPath]>, source: &str) -> Vec<Target> {
    items
        .unwrap_or_default()
        .iter()
        .map(|item| target(&item.path, source))
        .collect()
}

fn files(items: Option<&[DownwardAPIVolumeFile]>, source: &str) -> Vec<Target> {
    items
        .unwrap_or_default()
        .iter()
        .map(|item| target(&item.path, source))
        .collect()
}

fn overlaps(targets: &[Target]) -> Vec<String> {
    let mut all = Vec::new();
    for (at, own) in targets
        .iter()
        .enumerate()
        .filter(|(_, target)| !target.path.is_empty())
    {
        let is_below = |low: &str, high: &str| format!("{low}/").starts_with(&format!("{high}/"));
        for other in targets[..at].iter().filter(|other| !other.path.is_empty()) {
            if is_below(&own.path, &other.path) || is_below(&other.path, &own.path) {
                all.push(format!("{} with {}", own.shown(), other.shown()));
            }
        }
    }
    all
}

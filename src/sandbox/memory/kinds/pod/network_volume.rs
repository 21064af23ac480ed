//! Volumes on storage systems. They come in groups, so that a pod's volumes are looked at in the real
//! server's order.

use k8s_openapi::api::core::v1::{
    AzureDiskVolumeSource, FCVolumeSource, FlockerVolumeSource, ISCSIVolumeSource,
    LocalObjectReference, QuobyteVolumeSource, StorageOSVolumeSource, Volume,
};

use super::check::{Errors, invalid_each, one_of, required, required_label, text};
use super::volume::Sources;
use crate::sandbox::memory::field::{FieldError, Path};
use crate::sandbox::memory::names;

pub(super) fn validate_disks(sources: &mut Sources<'_>, volume: &Volume) {
    let disk = &volume.gce_persistent_disk;
    sources.see_at(
        "gcePersistentDisk",
        "persistentDisk",
        disk,
        |errors, source, path| {
            required(errors, &source.pd_name, &path.child("pdName"));
            partition(errors, source.partition, path);
        },
    );
    let store = &volume.aws_elastic_block_store;
    sources.see("awsElasticBlockStore", store, |errors, source, path| {
        required(errors, &source.volume_id, &path.child("volumeID"));
        partition(errors, source.partition, path);
    });
}

pub(super) fn validate_first(sources: &mut Sources<'_>, volume: &Volume) {
    sources.see("iscsi", &volume.iscsi, iscsi);
    if let Some(source) = &volume.iscsi
        && source.initiator_name.is_some()
        && volume.name.len() + 1 + source.target_portal.len() > 64
    {
        let why = "Total length of <volume name>:<iscsi.targetPortal> must be under 64 characters \
                   if iscsi.initiatorName is specified.";
        let path = sources.path().child("name");
        sources
            .errors
            .push(FieldError::invalid(&path, volume.name.as_str(), why));
    }
    sources.see("glusterfs", &volume.glusterfs, |errors, source, path| {
        required(errors, &source.endpoints, &path.child("endpoints"));
        required(errors, &source.path, &path.child("path"));
    });
    sources.see("flocker", &volume.flocker, flocker);
}

pub(super) fn validate_second(sources: &mut Sources<'_>, volume: &Volume) {
    sources.see("rbd", &volume.rbd, |errors, source, path| {
        required_items(errors, &source.monitors, &path.child("monitors"));
        required(errors, &source.image, &path.child("image"));
    });
    sources.see("cinder", &volume.cinder, |errors, source, path| {
        required(errors, &source.volume_id, &path.child("volumeID"));
        secret_name(errors, source.secret_ref.as_ref(), path);
    });
    sources.see_at(
        "cephFS",
        "cephfs",
        &volume.cephfs,
        |errors, source, path| {
            required_items(errors, &source.monitors, &path.child("monitors"));
        },
    );
    sources.see("quobyte", &volume.quobyte, quobyte);
}

pub(super) fn validate_third(sources: &mut Sources<'_>, volume: &Volume) {
    sources.see("fc", &volume.fc, fibre_channel);
    sources.see("flexVolume", &volume.flex_volume, |errors, source, path| {
        required(errors, &source.driver, &path.child("driver"));
        for key in source.options.iter().flat_map(|options| options.keys()) {
            let domain = key
                .split_once('/')
                .map_or(key.as_str(), |(domain, _)| domain);
            let domain = format!(".{}", domain.to_lowercase());
            if domain.ends_with(".kubernetes.io") || domain.ends_with(".k8s.io") {
                let why = "kubernetes.io and k8s.io namespaces are reserved";
                let path = path.child("options").key(key);
                errors.push(FieldError::invalid(&path, key.as_str(), why));
            }
        }
    });
}

pub(super) fn validate_fourth(sources: &mut Sources<'_>, volume: &Volume) {
    sources.see("azureFile", &volume.azure_file, |errors, source, path| {
        required(errors, &source.secret_name, &path.child("secretName"));
        required(errors, &source.share_name, &path.child("shareName"));
    });
    sources.see(
        "vsphereVolume",
        &volume.vsphere_volume,
        |errors, source, path| {
            required(errors, &source.volume_path, &path.child("volumePath"));
        },
    );
    let disk = &volume.photon_persistent_disk;
    sources.see("photonPersistentDisk", disk, |errors, source, path| {
        required(errors, &source.pd_id, &path.child("pdID"));
    });
    sources.see(
        "portworxVolume",
        &volume.portworx_volume,
        |errors, source, path| {
            required(errors, &source.volume_id, &path.child("volumeID"));
        },
    );
    sources.see("azureDisk", &volume.azure_disk, azure_disk);
    sources.see("storageos", &volume.storageos, storage_os);
}

pub(super) fn validate_last(sources: &mut Sources<'_>, volume: &Volume) {
    sources.see("scaleIO", &volume.scale_io, |errors, source, path| {
        required(errors, &source.gateway, &path.child("gateway"));
        required(errors, &source.system, &path.child("system"));
        required(errors, text(&source.volume_name), &path.child("volumeName"));
    });
}

fn partition(errors: &mut Errors, partition: Option<i32>, path: &Path) {
    let number = partition.unwrap_or_default();
    if !(0..=255).contains(&number) {
        let why = names::range_error(1, 255);
        errors.push(FieldError::invalid(&path.child("partition"), number, why));
    }
}

fn required_items(errors: &mut Errors, items: &[String], path: &Path) {
    if items.is_empty() {
        errors.push(FieldError::required(path, ""));
    }
}

fn secret_name(errors: &mut Errors, secret: Option<&LocalObjectReference>, path: &Path) {
    if let Some(secret) = secret {
        required(errors, &secret.name, &path.child("secretRef.name"));
    }
}

fn iscsi(errors: &mut Errors, source: &ISCSIVolumeSource, path: &Path) {
    required(errors, &source.target_portal, &path.child("targetPortal"));
    if required(errors, &source.iqn, &path.child("iqn")) {
        qualified_iscsi_name(errors, &source.iqn, &path.child("iqn"));
    }
    if !(0..=255).contains(&source.lun) {
        let why = names::range_error(0, 255);
        errors.push(FieldError::invalid(&path.child("lun"), source.lun, why));
    }
    let has_chap =
        source.chap_auth_discovery == Some(true) || source.chap_auth_session == Some(true);
    if has_chap && source.secret_ref.is_none() {
        errors.push(FieldError::required(&path.child("secretRef"), ""));
    }
    if let Some(initiator) = &source.initiator_name {
        qualified_iscsi_name(errors, initiator, &path.child("initiatorname"));
    }
}

fn qualified_iscsi_name(errors: &mut Errors, name: &str, path: &Path) {
    let is_alphanumeric = |text: &str, length| {
        text.len() == length && text.bytes().all(|b| b.is_ascii_alphanumeric())
    };
    let is_fine = if name.starts_with("iqn") {
        name.match_indices("iqn.")
            .any(|(at, prefix)| is_iqn(&name[at + prefix.len()..]))
    } else if let Some(rest) = name.strip_prefix("eui") {
        rest.get(1..).is_some_and(|rest| is_alphanumeric(rest, 16))
    } else if let Some(rest) = name.strip_prefix("naa") {
        rest.get(1..).is_some_and(|rest| is_alphanumeric(rest, 32))
    } else {
        let why = "must be valid format starting with iqn, eui, or naa";
        errors.push(FieldError::invalid(path, name, why));
        return;
    };
    if !is_fine {
        errors.push(FieldError::invalid(path, name, "must be valid format"));
    }
}

/// `2003-01.org.example:name`, behind `iqn.`.
fn is_iqn(rest: &str) -> bool {
    let bytes = rest.as_bytes();
    let is_date = bytes.len() > 8
        && bytes[..7].iter().enumerate().all(|(at, b)| match at {
            4 => *b == b'-',
            _ => b.is_ascii_digit(),
        })
        && bytes[7] == b'.';
    let Some((domain, name)) = rest
        .get(8..)
        .filter(|_| is_date)
        .and_then(|r| r.split_once(':'))
    else {
        return false;
    };
    let is_domain = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'.';
    !domain.is_empty()
        && domain.bytes().all(is_domain)
        && !name.is_empty()
        && !name.contains(|c: char| ",;*&$|".contains(c) || c.is_ascii_whitespace())
}

fn flocker(errors: &mut Errors, source: &FlockerVolumeSource, path: &Path) {
    let (name, uuid) = (text(&source.dataset_name), text(&source.dataset_uuid));
    if name.is_empty() && uuid.is_empty() {
        errors.push(FieldError::required(
            path,
            "one of datasetName and datasetUUID is required",
        ));
    }
    if !name.is_empty() && !uuid.is_empty() {
        let why = "datasetName and datasetUUID can not be specified simultaneously";
        errors.push(FieldError::invalid(path, "resource", why));
    }
    if name.contains('/') {
        let why = "must not contain '/'";
        errors.push(FieldError::invalid(&path.child("datasetName"), name, why));
    }
}

fn quobyte(errors: &mut Errors, source: &QuobyteVolumeSource, path: &Path) {
    let pairs = "must be a host:port pair or multiple pairs separated by commas";
    let registry_path = path.child("registry");
    if source.registry.is_empty() {
        errors.push(FieldError::required(&registry_path, pairs));
    } else if text(&source.tenant).len() >= 65 {
        let why = "must be a UUID and may not exceed a length of 64 characters";
        errors.push(FieldError::required(&path.child("tenant"), why));
    } else {
        let wrong = source
            .registry
            .split(',')
            .filter(|pair| !is_host_and_port(pair));
        errors.extend(
            wrong.map(|_| FieldError::invalid(&registry_path, source.registry.as_str(), pairs)),
        );
    }
    required(errors, &source.volume, &path.child("volume"));
}

/// Go's `net.SplitHostPort`.
fn is_host_and_port(pair: &str) -> bool {
    let Some((host, port)) = pair.rsplit_once(':') else {
        return false;
    };
    let host = match host.strip_prefix('[') {
        Some(rest) => match rest.strip_suffix(']') {
            Some(host) => host,
            None => return false,
        },
        None if host.contains(':') => return false,
        None => host,
    };
    !host.contains(['[', ']']) && !port.contains(['[', ']'])
}

fn fibre_channel(errors: &mut Errors, source: &FCVolumeSource, path: &Path) {
    let targets = source.target_wwns.as_deref().unwrap_or_default();
    let ids = source.wwids.as_deref().unwrap_or_default();
    let targets_path = path.child("targetWWNs");
    if targets.is_empty() && ids.is_empty() {
        let why = "must specify either targetWWNs or wwids, but not both";
        errors.push(FieldError::required(&targets_path, why));
    }
    if !targets.is_empty() && !ids.is_empty() {
        let why = "targetWWNs and wwids can not be specified simultaneously";
        errors.push(FieldError::invalid(&targets_path, targets.to_vec(), why));
    }
    match source.lun {
        _ if targets.is_empty() => {}
        None => {
            let why = "lun is required if targetWWNs is specified";
            errors.push(FieldError::required(&path.child("lun"), why));
        }
        Some(lun) if !(0..=255).contains(&lun) => {
            let why = names::range_error(0, 255);
            errors.push(FieldError::invalid(&path.child("lun"), lun, why));
        }
        Some(_) => {}
    }
}

fn azure_disk(errors: &mut Errors, source: &AzureDiskVolumeSource, path: &Path) {
    required(errors, &source.disk_name, &path.child("diskName"));
    let uri_path = path.child("diskURI");
    required(errors, &source.disk_uri, &uri_path);
    if let Some(mode) = &source.caching_mode {
        let supported = ["None", "ReadOnly", "ReadWrite"];
        one_of(errors, mode, &supported, &path.child("cachingMode"));
    }
    let Some(kind) = &source.kind else { return };
    one_of(
        errors,
        kind,
        &["Dedicated", "Managed", "Shared"],
        &path.child("kind"),
    );
    let (prefix, form) = if kind == "Managed" {
        (
            "/subscriptions/",
            "/subscriptions/{sub-id}/resourcegroups/{group-name}/providers/microsoft.compute/disks/{disk-id}",
        )
    } else {
        (
            "https://",
            "https://{account-name}.blob.core.windows.net/{container-name}/{disk-name}.vhd",
        )
    };
    if !source.disk_uri.starts_with(prefix) {
        errors.push(FieldError::not_supported(
            &uri_path,
            source.disk_uri.as_str(),
            &[form],
        ));
    }
}

fn storage_os(errors: &mut Errors, source: &StorageOSVolumeSource, path: &Path) {
    required_label(errors, text(&source.volume_name), &path.child("volumeName"));
    let namespace = text(&source.volume_namespace);
    if !namespace.is_empty() {
        let wrong = names::dns1123_label(namespace);
        invalid_each(errors, &path.child("volumeNamespace"), namespace, wrong);
    }
    secret_name(errors, source.secret_ref.as_ref(), path);
}

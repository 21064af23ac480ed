//! VolumeAttachment: `pkg/apis/storage` and `pkg/registry/storage/volumeattachment`. Of a volume that
//! is given inline, nothing is checked.

use serde_json::{Value, json};

use super::super::workloads::check;
use super::super::workloads::read::{at, entries, given, number, text};
use super::{status_metadata, storage};
use crate::sandbox::memory::field::{FieldError, Path};
use crate::sandbox::memory::kinds::{Kind, Write, meta};
use crate::sandbox::memory::names;

const SIZE_MAX: usize = 256 * 1024;

/// See the module.
pub(crate) struct VolumeAttachment;

impl Kind for VolumeAttachment {
    fn prepare_update(&self, write: Write<'_>, object: &mut Value, old: &Value) {
        if write.subresource == "status" {
            status_metadata::keep_all(object, old);
        }
    }

    fn validate_create(&self, object: &Value) -> Vec<FieldError> {
        let mut errors = meta::validate_create(object, false, meta::dns_subdomain);
        let path = Path::new("spec");
        let spec = at(object, "spec");
        errors.extend(storage::validate_csi_driver(
            text(spec, "attacher"),
            &path.child("attacher"),
        ));
        errors.extend(validate_source(spec, &path.child("source")));
        let node = text(spec, "nodeName");
        let wrong = names::dns1123_subdomain(node);
        errors.extend(check::invalid_each(&path.child("nodeName"), node, wrong));
        errors.extend(validate_status(at(object, "status")));
        if let Some(name) = at(spec, "source.persistentVolumeName").as_str() {
            let path = path.child("source.persistentVolumeName");
            errors.extend(check::invalid_each(
                &path,
                name,
                names::dns1123_subdomain(name),
            ));
        }
        errors
    }

    fn validate_update(&self, _write: Write<'_>, object: &Value, old: &Value) -> Vec<FieldError> {
        let mut errors = meta::common_update(object, old);
        errors.extend(self.validate_create(object));
        let spec = at(object, "spec");
        if spec != at(old, "spec") {
            // The internal type is shown, whose fields have the names that they have in Go.
            let shown = json!({
                "Attacher": text(spec, "attacher"),
                "Source": {
                    "PersistentVolumeName": at(spec, "source.persistentVolumeName"),
                    "InlineVolumeSpec": at(spec, "source.inlineVolumeSpec"),
                },
                "NodeName": text(spec, "nodeName"),
            });
            errors.push(FieldError::invalid(
                &Path::new("spec"),
                shown,
                "field is immutable",
            ));
        }
        errors
    }

    fn updates_unconditionally(&self) -> bool {
        false
    }
}

fn validate_source(spec: &Value, path: &Path) -> Option<FieldError> {
    let words = "must specify exactly one of inlineVolumeSpec and persistentVolumeName";
    let inline = given(spec, "source.inlineVolumeSpec");
    match (inline, at(spec, "source.persistentVolumeName").as_str()) {
        (None, None) => Some(FieldError::required(path, words)),
        (Some(_), Some(_)) => Some(FieldError::forbidden(path, words)),
        (None, Some("")) => Some(FieldError::required(
            &path.child("persistentVolumeName"),
            "must specify non empty persistentVolumeName",
        )),
        _ => None,
    }
}

fn validate_status(status: &Value) -> Vec<FieldError> {
    let path = Path::new("status");
    let mut errors = Vec::new();
    let metadata = entries(status, "attachmentMetadata");
    if metadata
        .iter()
        .map(|(key, value)| key.len() + value.len())
        .sum::<usize>()
        > SIZE_MAX
    {
        errors.push(FieldError::too_long(
            &path.child("attachmentMetadata"),
            SIZE_MAX,
        ));
    }
    for field in ["attachError", "detachError"] {
        let path = path.child(field);
        let error = at(status, field);
        if text(error, "message").len() > 1024 {
            // The limit that is named is another than the one that holds.
            errors.push(FieldError::too_long(&path.child("message"), SIZE_MAX));
        }
        if let Some(code) = number(error, "errorCode").filter(|code| *code < 0) {
            let words = names::range_error(0, i64::from(i32::MAX));
            errors.push(FieldError::invalid(&path.child("errorCode"), code, words));
        }
    }
    errors
}

//! Which claims may grow: the plugin PersistentVolumeClaimResize
//! (plugin/pkg/admission/storage/persistentvolume/resize).

use serde_json::Value;

use crate::sandbox::memory::object::meta;
use crate::sandbox::memory::quantity::Quantity;
use crate::sandbox::memory::status::Status;
use crate::sandbox::memory::verbs::write::Writer;

/// Whether a claim that is to be larger may be.
///
/// Errors: 403.
pub(super) fn check(writer: &Writer<'_>, claim: &Value, old: &Value) -> Result<(), Status> {
    let resource = &writer.served.resource;
    let is_claim = resource.group.is_empty() && resource.plural == "persistentvolumeclaims";
    if !is_claim || !writer.subresource.is_empty() || size(claim) <= size(old) {
        return Ok(());
    }
    let why = if old["status"]["phase"] != "Bound" {
        "Only bound persistent volume claims can be expanded"
    } else if !expands(writer, claim, old) {
        "only dynamically provisioned pvc can be resized and the storageclass that provisions the \
         pvc must support resize"
    } else {
        return Ok(());
    };
    let name = meta(claim, "name");
    Err(Status::forbidden("", "persistentvolumeclaims", name, why))
}

fn size(claim: &Value) -> Option<Quantity> {
    let text = claim["spec"]["resources"]["requests"]["storage"].as_str();
    text.and_then(Quantity::parse)
}

fn expands(writer: &Writer<'_>, claim: &Value, old: &Value) -> bool {
    let class = class_of(claim);
    if class.is_empty() || class != class_of(old) {
        return false;
    }
    let store = &writer.api.store;
    let classes = store.shelf("storage.k8s.io", "storageclasses");
    let class = store.get(classes, class);
    class.is_some_and(|class| class.value()["allowVolumeExpansion"] == true)
}

fn class_of(claim: &Value) -> &str {
    let annotation = &claim["metadata"]["annotations"]["volume.beta.kubernetes.io/storage-class"];
    let class = annotation.as_str();
    class
        .or(claim["spec"]["storageClassName"].as_str())
        .unwrap_or_default()
}

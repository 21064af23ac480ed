//! Metadata that a write of the status does not change, beyond what no write changes
//! (`metav1.ResetObjectMetaForStatus`).

use serde_json::Value;

use super::super::workloads::read::keep;

/// Puts all back.
pub(super) fn keep_all(object: &mut Value, old: &Value) {
    for field in [
        "metadata.deletionTimestamp",
        "metadata.generation",
        "metadata.labels",
        "metadata.annotations",
        "metadata.ownerReferences",
        "metadata.finalizers",
    ] {
        keep(object, old, field);
    }
}

//! CSIStorageCapacity: `pkg/apis/storage` and `pkg/registry/storage/csistoragecapacity`.

use serde_json::Value;

use super::super::workloads::check;
use super::super::workloads::read::{at, text};
use super::node_labels;
use crate::sandbox::memory::field::{FieldError, Path};
use crate::sandbox::memory::kinds::{Kind, Write, meta};
use crate::sandbox::memory::names;
use crate::sandbox::memory::quantity::Quantity;

/// See the module.
pub(crate) struct CsiStorageCapacity;

impl Kind for CsiStorageCapacity {
    fn validate_create(&self, object: &Value) -> Vec<FieldError> {
        let mut errors = meta::validate_create(object, true, meta::dns_subdomain);
        errors.extend(check::selector(
            at(object, "nodeTopology"),
            &Path::new("nodeTopology"),
        ));
        let class = text(object, "storageClassName");
        let path = Path::new("storageClassName");
        errors.extend(check::invalid_each(
            &path,
            class,
            names::dns1123_subdomain(class),
        ));
        let capacity = at(object, "capacity").as_str().and_then(Quantity::parse);
        if let Some(capacity) = capacity.filter(|capacity| capacity.sign() < 0) {
            let words = "must be greater than or equal to 0";
            errors.push(FieldError::invalid(
                &Path::new("capacity"),
                capacity.canonical(),
                words,
            ));
        }
        errors
    }

    fn validate_update(&self, _write: Write<'_>, object: &Value, old: &Value) -> Vec<FieldError> {
        let mut errors = meta::common_update(object, old);
        errors.extend(self.validate_create(object));
        errors.extend(meta::own_update(object, old));
        errors.extend(check::immutable_selector(object, old, "nodeTopology"));
        errors.extend(check::immutable(object, old, "storageClassName"));
        errors
    }

    fn warnings(&self, object: &Value, _old: Option<&Value>) -> Vec<String> {
        node_labels::selector_warnings(at(object, "nodeTopology"), &Path::new("nodeTopology"))
    }

    fn updates_unconditionally(&self) -> bool {
        false
    }
}

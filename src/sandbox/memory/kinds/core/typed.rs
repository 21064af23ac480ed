//! Parts of objects as types of k8s-openapi, and back.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::super::workloads::read::slot;
use crate::sandbox::memory::field::{FieldError, Path};

/// A part as its type; nothing is the type's default. Objects were decoded by their types before, so
/// that failure is our own fault.
pub(super) fn read<'a, T: Deserialize<'a> + Default>(
    part: &'a Value,
    path: &Path,
) -> Result<T, Vec<FieldError>> {
    let read = Option::<T>::deserialize(part);
    read.map(Option::unwrap_or_default)
        .map_err(|error| vec![FieldError::internal(path, error.to_string())])
}

/// Changes the part at a path, which is made where it is missing. What does not fit the type stays as
/// it is, and is reported when it is checked.
pub(super) fn change<T: Serialize + DeserializeOwned + Default>(
    object: &mut Value,
    path: &str,
    how: impl FnOnce(&mut T),
) {
    let Some(place) = slot(object, path) else {
        return;
    };
    let Ok(mut part) = read::<T>(place, &Path::root()) else {
        return;
    };
    how(&mut part);
    if let Ok(changed) = serde_json::to_value(part) {
        *place = changed;
    }
}

/// The time, as objects have it.
pub(super) fn now() -> String {
    jiff::Timestamp::now()
        .strftime("%Y-%m-%dT%H:%M:%SZ")
        .to_string()
}

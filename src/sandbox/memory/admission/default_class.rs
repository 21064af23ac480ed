//! Which StorageClass a claim gets that names none: the DefaultStorageClass plugin.

use serde_json::{Value, json};

use crate::sandbox::memory::object::meta;
use crate::sandbox::memory::store::{Query, Store};

const IS_DEFAULT: [&str; 2] = [
    "storageclass.kubernetes.io/is-default-class",
    "storageclass.beta.kubernetes.io/is-default-class",
];
/// The annotation that once was the field.
const CLASS: &str = "volume.beta.kubernetes.io/storage-class";

/// Gives a new claim the default class: the youngest, and the first by name among equals.
pub(super) fn set(store: &Store, claim: &mut Value) {
    let names_one = claim["metadata"]["annotations"][CLASS].is_string()
        || !claim["spec"]["storageClassName"].is_null();
    if names_one {
        return;
    }
    let shelf = store.shelf("storage.k8s.io", "storageclasses");
    let page = store.list(shelf, &Query::everything());
    let classes = page.map(|page| page.items).unwrap_or_default();
    let defaults = classes.iter().map(|stored| stored.value()).filter(|class| {
        let annotations = &class["metadata"]["annotations"];
        IS_DEFAULT.iter().any(|name| annotations[*name] == "true")
    });
    // Times are written so that they are in order as texts.
    let youngest = defaults.reduce(|one, other| {
        let created = |class: &Value| meta(class, "creationTimestamp").to_owned();
        let later = created(&other) > created(&one);
        let same = created(&other) == created(&one);
        match later || (same && meta(&other, "name") < meta(&one, "name")) {
            true => other,
            false => one,
        }
    });
    if let Some(class) = youngest {
        claim["spec"]["storageClassName"] = json!(meta(&class, "name"));
    }
}

//! Which class an object gets that names none: the plugins DefaultStorageClass and
//! DefaultIngressClass.

use serde_json::{Value, json};

use crate::sandbox::memory::object::meta;
use crate::sandbox::memory::store::{Query, Store};

/// Objects that have a class.
struct Classed {
    group: &'static str,
    plural: &'static str,
    /// Where it is named
    field: &'static str,
    /// The annotation that once was the field
    annotation: &'static str,
    /// The group and plural of the classes
    classes: (&'static str, &'static str),
    /// The annotations of a class that is the default, any of them
    is_default: &'static [&'static str],
}

const ALL: [Classed; 2] = [
    Classed {
        group: "",
        plural: "persistentvolumeclaims",
        field: "storageClassName",
        annotation: "volume.beta.kubernetes.io/storage-class",
        classes: ("storage.k8s.io", "storageclasses"),
        is_default: &[
            "storageclass.kubernetes.io/is-default-class",
            "storageclass.beta.kubernetes.io/is-default-class",
        ],
    },
    Classed {
        group: "networking.k8s.io",
        plural: "ingresses",
        field: "ingressClassName",
        annotation: "kubernetes.io/ingress.class",
        classes: ("networking.k8s.io", "ingressclasses"),
        is_default: &["ingressclass.kubernetes.io/is-default-class"],
    },
];

/// Gives a new object of a resource the default class: the youngest, and the first by name among
/// equals.
pub(super) fn set(store: &Store, group: &str, plural: &str, object: &mut Value) {
    let mut all = ALL.iter();
    let Some(classed) = all.find(|it| (it.group, it.plural) == (group, plural)) else {
        return;
    };
    let names_one = object["metadata"]["annotations"][classed.annotation].is_string()
        || !object["spec"][classed.field].is_null();
    if names_one {
        return;
    }
    let (group, plural) = classed.classes;
    let shelf = store.shelf(group, plural);
    let page = store.list(shelf, &Query::everything());
    let classes = page.map(|page| page.items).unwrap_or_default();
    let defaults = classes.iter().map(|stored| stored.value()).filter(|class| {
        let annotations = &class["metadata"]["annotations"];
        let mut names = classed.is_default.iter();
        names.any(|name| annotations[*name] == "true")
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
        object["spec"][classed.field] = json!(meta(&class, "name"));
    }
}

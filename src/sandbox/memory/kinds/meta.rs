//! `metadata`, which every kind has: what is wrong with it when an object is created or changed
//! (`pkg/api/validation` of apimachinery, and what `pkg/apis/core/validation` adds for built-in
//! kinds).

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use crate::sandbox::memory::field::{FieldError, Path};
use crate::sandbox::memory::names;

const ANNOTATIONS_MAX: usize = 256 * 1024;
const IMMUTABLE: &str = "field is immutable";

/// What is wrong with a kind's name, or with the beginning of a name that gets more behind it.
pub type NameRule = fn(name: &str, is_prefix: bool) -> Vec<String>;

/// `NameIsDNSSubdomain`, as for most kinds.
pub fn dns_subdomain(name: &str, is_prefix: bool) -> Vec<String> {
    names::dns1123_subdomain(&masked(name, is_prefix))
}

/// `NameIsDNSLabel`, as for namespaces.
pub fn dns_label(name: &str, is_prefix: bool) -> Vec<String> {
    names::dns1123_label(&masked(name, is_prefix))
}

/// `NameIsDNS1035Label`, as for Services.
pub fn dns1035_label(name: &str, is_prefix: bool) -> Vec<String> {
    names::dns1035_label(&masked(name, is_prefix))
}

/// Anything that can stand in a path, as for roles.
pub fn path_segment(name: &str, is_prefix: bool) -> Vec<String> {
    if is_prefix {
        names::path_segment_prefix(name)
    } else {
        names::path_segment(name)
    }
}

/// A dash at the end of a prefix is fine. Kubernetes puts one `a` in place of the dash and of what
/// stands before it, whatever that is.
fn masked(name: &str, is_prefix: bool) -> String {
    match name.strip_suffix('-') {
        Some(rest) if is_prefix && !rest.is_empty() => {
            let mut rest = rest.to_owned();
            rest.pop();
            rest.push('a');
            rest
        }
        _ => name.to_owned(),
    }
}

/// A new object of a built-in kind (`ValidateObjectMeta` of `pkg/apis/core/validation`).
pub fn validate_create(object: &Value, is_namespaced: bool, rule: NameRule) -> Vec<FieldError> {
    let mut errors = object_meta(object, is_namespaced, rule);
    errors.extend(legacy_finalizers(object));
    errors
}

/// A change of an object of a built-in kind: what is asked of every kind, and once more what nearly
/// every kind asks itself. Clients see both among the causes. Kinds that ask otherwise use
/// [`common_update`] and [`own_update`].
pub fn validate_update(object: &Value, old: &Value) -> Vec<FieldError> {
    let update = object_meta_update(object, old);
    let mut errors = object_meta(object, is_namespaced(old), path_segment);
    errors.extend_from_slice(&update);
    errors.extend(update);
    errors.extend(legacy_finalizers(object));
    errors
}

/// What is asked of a change whatever the kind (`validateCommonFields` of the registry).
pub fn common_update(object: &Value, old: &Value) -> Vec<FieldError> {
    let mut errors = object_meta(object, is_namespaced(old), path_segment);
    errors.extend(object_meta_update(object, old));
    errors
}

/// What most built-in kinds ask themselves (`ValidateObjectMetaUpdate` of
/// `pkg/apis/core/validation`).
pub fn own_update(object: &Value, old: &Value) -> Vec<FieldError> {
    let mut errors = object_meta_update(object, old);
    errors.extend(legacy_finalizers(object));
    errors
}

fn is_namespaced(object: &Value) -> bool {
    !text(&object["metadata"], "namespace").is_empty()
}

/// `ValidateObjectMeta` of apimachinery, as custom resources are checked.
pub fn object_meta(object: &Value, is_namespaced: bool, rule: NameRule) -> Vec<FieldError> {
    let meta = &object["metadata"];
    let path = Path::new("metadata");
    let mut errors = Vec::new();
    let prefix = text(meta, "generateName");
    if !prefix.is_empty() {
        invalid_each(
            &mut errors,
            &path,
            "generateName",
            prefix,
            rule(prefix, true),
        );
    }
    let name = text(meta, "name");
    if name.is_empty() {
        let why = "name or generateName is required";
        errors.push(FieldError::required(&path.child("name"), why));
    } else {
        invalid_each(&mut errors, &path, "name", name, rule(name, false));
    }
    let namespace = text(meta, "namespace");
    if !is_namespaced {
        if !namespace.is_empty() {
            errors.push(FieldError::forbidden(
                &path.child("namespace"),
                "not allowed on this type",
            ));
        }
    } else if namespace.is_empty() {
        errors.push(FieldError::required(&path.child("namespace"), ""));
    } else {
        invalid_each(
            &mut errors,
            &path,
            "namespace",
            namespace,
            dns_label(namespace, false),
        );
    }
    if let Some(generation) = meta["generation"]
        .as_i64()
        .filter(|generation| *generation < 0)
    {
        errors.push(FieldError::invalid(
            &path.child("generation"),
            generation,
            "must be greater than or equal to 0",
        ));
    }
    errors.extend(labels(meta, "labels", &path.child("labels")));
    errors.extend(annotations(meta, "annotations", &path.child("annotations")));
    errors.extend(owner_references(meta, &path.child("ownerReferences")));
    errors.extend(finalizers(meta, &path.child("finalizers")));
    errors
}

/// `ValidateObjectMetaUpdate` of apimachinery, as custom resources are checked.
pub fn object_meta_update(object: &Value, old: &Value) -> Vec<FieldError> {
    let (meta, old) = (&object["metadata"], &old["metadata"]);
    let path = Path::new("metadata");
    let mut errors = Vec::new();
    if !old["deletionTimestamp"].is_null() {
        errors.extend(new_finalizers(meta, old, &path.child("finalizers")));
    }
    if text(meta, "resourceVersion").is_empty() {
        let why = "must be specified for an update";
        errors.push(FieldError::invalid(&path.child("resourceVersion"), "", why));
    }
    let generation = |meta: &Value| meta["generation"].as_i64().unwrap_or_default();
    if generation(meta) < generation(old) {
        let why = "must not be decremented";
        errors.push(FieldError::invalid(
            &path.child("generation"),
            generation(meta),
            why,
        ));
    }
    for field in ["name", "namespace", "uid"] {
        if text(meta, field) != text(old, field) {
            errors.push(FieldError::invalid(
                &path.child(field),
                text(meta, field),
                IMMUTABLE,
            ));
        }
    }
    for field in [
        "creationTimestamp",
        "deletionTimestamp",
        "deletionGracePeriodSeconds",
    ] {
        if meta[field] != old[field] {
            errors.push(FieldError::invalid(
                &path.child(field),
                meta[field].clone(),
                IMMUTABLE,
            ));
        }
    }
    errors.extend(labels(meta, "labels", &path.child("labels")));
    errors.extend(annotations(meta, "annotations", &path.child("annotations")));
    errors.extend(owner_references(meta, &path.child("ownerReferences")));
    errors
}

/// `ValidateLabels` of the map at `field`, a name or several with dots between them.
pub fn labels(object: &Value, field: &str, path: &Path) -> Vec<FieldError> {
    let mut errors = Vec::new();
    for (key, value) in entries(object, field) {
        let value = value.as_str().unwrap_or_default();
        let wrong = names::qualified_name(key).into_iter();
        errors.extend(wrong.map(|why| FieldError::invalid(path, key.as_str(), why)));
        let wrong = names::label_value(value).into_iter();
        errors.extend(wrong.map(|why| FieldError::invalid(path, value, why)));
    }
    errors
}

/// `ValidateAnnotations` of the map at `field`, a name or several with dots between them.
pub fn annotations(object: &Value, field: &str, path: &Path) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let mut size = 0;
    for (key, value) in entries(object, field) {
        size += key.len() + value.as_str().unwrap_or_default().len();
        let wrong = names::qualified_name(&key.to_lowercase()).into_iter();
        errors.extend(wrong.map(|why| FieldError::invalid(path, key.as_str(), why)));
    }
    if size > ANNOTATIONS_MAX {
        errors.push(FieldError::too_long(path, ANNOTATIONS_MAX));
    }
    errors
}

fn entries<'a>(object: &'a Value, field: &str) -> impl Iterator<Item = (&'a String, &'a Value)> {
    let map = field
        .split('.')
        .try_fold(object, |value, name| value.get(name));
    map.and_then(Value::as_object).into_iter().flatten()
}

fn owner_references(meta: &Value, path: &Path) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let Some(references) = meta["ownerReferences"].as_array() else {
        return errors;
    };
    let mut controller: Option<String> = None;
    for reference in references {
        let api_version = text(reference, "apiVersion");
        let kind = text(reference, "kind");
        let is_versioned = match api_version.split_once('/') {
            None => !api_version.is_empty(),
            Some((_, version)) => !version.is_empty() && !version.contains('/'),
        };
        if !is_versioned {
            let why = "version must not be empty";
            errors.push(FieldError::invalid(
                &path.child("apiVersion"),
                api_version,
                why,
            ));
        }
        for field in ["kind", "name", "uid"] {
            if text(reference, field).is_empty() {
                errors.push(FieldError::invalid(
                    &path.child(field),
                    "",
                    "must not be empty",
                ));
            }
        }
        if api_version == "v1" && kind == "Event" {
            let why = "/v1, Kind=Event is disallowed from being an owner";
            errors.push(FieldError::invalid(path, shown_reference(reference), why));
        }
        if reference["controller"] == true {
            let own = format!("{kind}/{}", text(reference, "name"));
            match &controller {
                None => controller = Some(own),
                Some(first) => errors.push(FieldError::invalid(
                    path,
                    references.iter().map(shown_reference).collect::<Value>(),
                    format!(
                        "Only one reference can have Controller set to true. Found \"true\" in \
                         references for {first} and {own}"
                    ),
                )),
            }
        }
    }
    errors
}

/// A reference as Go writes it.
fn shown_reference(reference: &Value) -> Value {
    let required = ["apiVersion", "kind", "name", "uid"].into_iter();
    let required = required.map(|field| (field, Value::from(text(reference, field))));
    let optional = ["controller", "blockOwnerDeletion"].into_iter();
    let optional = optional.map(|field| (field, reference[field].clone()));
    let all = required.chain(optional.filter(|(_, value)| !value.is_null()));
    Value::Object(
        all.map(|(field, value)| (field.to_owned(), value))
            .collect::<Map<_, _>>(),
    )
}

fn finalizers(meta: &Value, path: &Path) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let all = texts(meta, "finalizers");
    for name in &all {
        let wrong = names::qualified_name(name).into_iter();
        errors.extend(wrong.map(|why| FieldError::invalid(path, *name, why)));
    }
    if all.contains(&"orphan") && all.contains(&"foregroundDeletion") {
        let why = "finalizer orphan and foregroundDeletion cannot be both set";
        errors.push(FieldError::invalid(path, all, why));
    }
    errors
}

fn new_finalizers(meta: &Value, old: &Value, path: &Path) -> Option<FieldError> {
    let old: BTreeSet<&str> = texts(old, "finalizers").into_iter().collect();
    let all: BTreeSet<&str> = texts(meta, "finalizers").into_iter().collect();
    let new: Vec<String> = all
        .difference(&old)
        .map(|name| format!("{name:?}"))
        .collect();
    (!new.is_empty()).then(|| {
        FieldError::forbidden(
            path,
            format!(
                "no new finalizers can be added if the object is being deleted, found new \
                 finalizers []string{{{}}}",
                new.join(", ")
            ),
        )
    })
}

/// `validateKubeFinalizerName` of a built-in kind's finalizers.
fn legacy_finalizers(object: &Value) -> Vec<FieldError> {
    let all = texts(&object["metadata"], "finalizers")
        .into_iter()
        .enumerate();
    let path = Path::new("metadata.finalizers");
    all.filter_map(|(at, name)| legacy_finalizer(name, &path.index(at)))
        .collect()
}

/// A finalizer must be one of Kubernetes' own or have a domain.
pub fn legacy_finalizer(name: &str, path: &Path) -> Option<FieldError> {
    let is_fine =
        name.contains('/') || ["kubernetes", "orphan", "foregroundDeletion"].contains(&name);
    (!is_fine).then(|| {
        let why = "name is neither a standard finalizer name nor is it fully qualified";
        FieldError::invalid(path, name, why)
    })
}

fn text<'a>(value: &'a Value, field: &str) -> &'a str {
    value[field].as_str().unwrap_or_default()
}

fn texts<'a>(value: &'a Value, field: &str) -> Vec<&'a str> {
    let items = value[field].as_array().into_iter().flatten();
    items
        .map(|item| item.as_str().unwrap_or_default())
        .collect()
}

fn invalid_each(
    errors: &mut Vec<FieldError>,
    path: &Path,
    field: &str,
    value: &str,
    wrong: Vec<String>,
) {
    errors.extend(
        wrong
            .into_iter()
            .map(|why| FieldError::invalid(&path.child(field), value, why)),
    );
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn object(meta: Value) -> Value {
        let mut object = json!({"metadata": {"name": "m", "namespace": "n"}});
        for (key, value) in meta.as_object().into_iter().flatten() {
            object["metadata"][key] = value.clone();
        }
        object
    }

    fn words(errors: &[FieldError]) -> Vec<String> {
        errors.iter().map(ToString::to_string).collect()
    }

    const SUBDOMAIN: &str = "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
    const KEY: &str = "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";

    #[test]
    fn new_objects() {
        let owner = |kind: &str, uid: &str, controller: bool| json!({"uid": uid, "name": uid, "apiVersion": "v1", "kind": kind, "controller": controller});
        let cases = [
            (json!({}), vec![]),
            (json!({"labels": {"a": "", "x.y/z": "b"}, "annotations": {"A": "any thing"}}), vec![]),
            (json!({"name": "A"}), vec![format!("metadata.name: Invalid value: \"A\": {SUBDOMAIN}")]),
            (json!({"name": ""}), vec!["metadata.name: Required value: name or generateName is required".to_owned()]),
            (json!({"generateName": "a.b-"}), vec![]),
            (json!({"generateName": "--"}), vec![]),
            (json!({"generateName": "-"}), vec![format!("metadata.generateName: Invalid value: \"-\": {SUBDOMAIN}")]),
            (json!({"generation": -1}), vec!["metadata.generation: Invalid value: -1: must be greater than or equal to 0".to_owned()]),
            (json!({"labels": {"a b": "x"}}), vec![format!("metadata.labels: Invalid value: \"a b\": {KEY}")]),
            (json!({"annotations": {"A b": "x"}}), vec![format!("metadata.annotations: Invalid value: \"A b\": {KEY}")]),
            (json!({"annotations": {"a": "x".repeat(256 * 1024)}}), vec!["metadata.annotations: Too long: may not be more than 262144 bytes".to_owned()]),
            (json!({"finalizers": ["x"]}), vec!["metadata.finalizers[0]: Invalid value: \"x\": name is neither a standard finalizer name nor is it fully qualified".to_owned()]),
            (json!({"finalizers": ["a/b", "/x"]}), vec!["metadata.finalizers: Invalid value: \"/x\": prefix part must be non-empty".to_owned()]),
            (json!({"finalizers": ["orphan", "foregroundDeletion"]}), vec!["metadata.finalizers: Invalid value: [\"orphan\",\"foregroundDeletion\"]: finalizer orphan and foregroundDeletion cannot be both set".to_owned()]),
            (
                json!({"ownerReferences": [{"kind": "Event", "apiVersion": "v1"}]}),
                vec![
                    "metadata.ownerReferences.name: Invalid value: \"\": must not be empty".to_owned(),
                    "metadata.ownerReferences.uid: Invalid value: \"\": must not be empty".to_owned(),
                    "metadata.ownerReferences: Invalid value: {\"apiVersion\":\"v1\",\"kind\":\"Event\",\"name\":\"\",\"uid\":\"\"}: /v1, Kind=Event is disallowed from being an owner".to_owned(),
                ],
            ),
            (
                json!({"ownerReferences": [owner("A", "1", true), owner("B", "2", true)]}),
                vec!["metadata.ownerReferences: Invalid value: [{\"apiVersion\":\"v1\",\"kind\":\"A\",\"name\":\"1\",\"uid\":\"1\",\"controller\":true},{\"apiVersion\":\"v1\",\"kind\":\"B\",\"name\":\"2\",\"uid\":\"2\",\"controller\":true}]: Only one reference can have Controller set to true. Found \"true\" in references for A/1 and B/2".to_owned()],
            ),
        ];
        for (meta, expected) in cases {
            let errors = validate_create(&object(meta.clone()), true, dns_subdomain);
            assert_eq!(words(&errors), expected, "{meta}");
        }
    }

    #[test]
    fn namespaces_fit_the_scope() {
        let cluster = validate_create(&object(json!({})), false, dns_subdomain);
        assert_eq!(
            words(&cluster),
            ["metadata.namespace: Forbidden: not allowed on this type"]
        );
        let none = validate_create(&object(json!({"namespace": ""})), true, dns_subdomain);
        assert_eq!(words(&none), ["metadata.namespace: Required value"]);
    }

    #[test]
    fn changes_are_checked_for_every_kind_and_by_the_kind() {
        let old = object(json!({"resourceVersion": "1", "uid": "u"}));
        let change = |meta: Value| {
            let mut meta = meta;
            meta["resourceVersion"] = json!("1");
            meta["uid"] = json!("u");
            object(meta)
        };
        let cases = [
            (json!({}), 0, ""),
            (
                json!({"labels": {"a b": "x"}}),
                3,
                "metadata.labels: Invalid value: \"a b\"",
            ),
            (
                json!({"finalizers": ["x"]}),
                1,
                "metadata.finalizers[0]: Invalid value: \"x\"",
            ),
            (
                json!({"finalizers": ["/x"]}),
                1,
                "metadata.finalizers: Invalid value: \"/x\"",
            ),
            (
                json!({"deletionGracePeriodSeconds": 3}),
                2,
                "metadata.deletionGracePeriodSeconds: Invalid value: 3: field is immutable",
            ),
            (
                json!({"name": "z"}),
                2,
                "metadata.name: Invalid value: \"z\": field is immutable",
            ),
        ];
        for (meta, count, begin) in cases {
            let errors = words(&validate_update(&change(meta.clone()), &old));
            assert_eq!(errors.len(), count, "{meta}: {errors:?}");
            assert!(
                errors.iter().all(|error| error.starts_with(begin)),
                "{errors:?}"
            );
        }
    }

    #[test]
    fn no_finalizer_comes_when_the_object_goes() {
        let meta = |finalizers: &[&str]| {
            object(
                json!({"resourceVersion": "1", "deletionTimestamp": "2020-01-01T00:00:00Z", "finalizers": finalizers}),
            )
        };
        let errors = own_update(&meta(&["a/b", "c/d"]), &meta(&["a/b"]));
        assert_eq!(
            words(&errors),
            [
                "metadata.finalizers: Forbidden: no new finalizers can be added if the object is being \
              deleted, found new finalizers []string{\"c/d\"}"
            ]
        );
        assert!(own_update(&meta(&[]), &meta(&["a/b"])).is_empty());
    }
}

//! What the four kinds of rbac.authorization.k8s.io have in common: `pkg/apis/rbac/validation`.

use serde_json::{Value, json};

use super::super::workloads::check;
use super::super::workloads::read::{at, fill_text, items, items_mut, put, text};
use crate::sandbox::memory::field::{FieldError, Path};
use crate::sandbox::memory::names;

const GROUP: &str = "rbac.authorization.k8s.io";

/// Sets the groups that a binding's references leave out.
pub(super) fn default_binding(object: &mut Value) {
    fill_text(object, "roleRef.apiGroup", GROUP);
    for subject in items_mut(object, "subjects") {
        if ["User", "Group"].contains(&text(subject, "kind")) {
            fill_text(subject, "apiGroup", GROUP);
        }
    }
}

/// The rules of a role.
pub(super) fn validate_rules(object: &Value, namespaced: bool) -> Vec<FieldError> {
    let rules = items(object, "rules").iter().enumerate();
    let path = Path::new("rules");
    rules
        .flat_map(|(index, rule)| validate_rule(rule, namespaced, &path.index(index)))
        .collect()
}

fn validate_rule(rule: &Value, namespaced: bool, path: &Path) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let has = |field: &str| !items(rule, field).is_empty();
    if !has("verbs") {
        let words = "verbs must contain at least one value";
        errors.push(FieldError::required(&path.child("verbs"), words));
    }
    if has("nonResourceURLs") {
        let urls = at(rule, "nonResourceURLs");
        let path = path.child("nonResourceURLs");
        if namespaced {
            let words = "namespaced rules cannot apply to non-resource URLs";
            errors.push(FieldError::invalid(&path, urls.clone(), words));
        }
        if ["apiGroups", "resources", "resourceNames"]
            .into_iter()
            .any(has)
        {
            let words = "rules cannot apply to both regular resources and non-resource URLs";
            errors.push(FieldError::invalid(&path, urls.clone(), words));
        }
        return errors;
    }
    for (field, words) in [
        (
            "apiGroups",
            "resource rules must supply at least one api group",
        ),
        (
            "resources",
            "resource rules must supply at least one resource",
        ),
    ] {
        if !has(field) {
            errors.push(FieldError::required(&path.child(field), words));
        }
    }
    errors
}

/// The role and the subjects of a binding.
pub(super) fn validate_binding(object: &Value, namespaced: bool) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let path = Path::new("roleRef");
    let group = text(object, "roleRef.apiGroup");
    if group != GROUP {
        errors.push(FieldError::not_supported(
            &path.child("apiGroup"),
            group,
            &[GROUP],
        ));
    }
    let kinds: &[&str] = if namespaced {
        &["Role", "ClusterRole"]
    } else {
        &["ClusterRole"]
    };
    let kind = text(object, "roleRef.kind");
    if !kinds.contains(&kind) {
        errors.push(FieldError::not_supported(&path.child("kind"), kind, kinds));
    }
    let name_path = path.child("name");
    match text(object, "roleRef.name") {
        "" => errors.push(FieldError::required(&name_path, "")),
        name => errors.extend(check::invalid_each(
            &name_path,
            name,
            names::path_segment(name),
        )),
    }
    for (index, subject) in items(object, "subjects").iter().enumerate() {
        errors.extend(validate_subject(
            subject,
            namespaced,
            &Path::new("subjects").index(index),
        ));
    }
    errors
}

fn validate_subject(subject: &Value, namespaced: bool, path: &Path) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let (name, group) = (text(subject, "name"), text(subject, "apiGroup"));
    let name_path = path.child("name");
    if name.is_empty() {
        errors.push(FieldError::required(&name_path, ""));
    }
    let expected = match text(subject, "kind") {
        "ServiceAccount" => {
            if !name.is_empty() {
                errors.extend(check::invalid_each(
                    &name_path,
                    name,
                    names::dns1123_subdomain(name),
                ));
            }
            ""
        }
        "User" | "Group" => GROUP,
        kind => {
            let kinds = ["ServiceAccount", "User", "Group"];
            errors.push(FieldError::not_supported(&path.child("kind"), kind, &kinds));
            return errors;
        }
    };
    if group != expected {
        errors.push(FieldError::not_supported(
            &path.child("apiGroup"),
            group,
            &[expected],
        ));
    }
    let has_no_place = text(subject, "namespace").is_empty() && !namespaced;
    if text(subject, "kind") == "ServiceAccount" && has_no_place {
        errors.push(FieldError::required(&path.child("namespace"), ""));
    }
    errors
}

/// A binding of another role than before.
pub(super) fn changed_role(object: &Value, old: &Value) -> Option<FieldError> {
    let fields = ["apiGroup", "kind", "name"];
    let role = |object: &Value| fields.map(|field| text(at(object, "roleRef"), field).to_owned());
    (role(object) != role(old)).then(|| {
        // The internal type is shown, whose fields have the names that they have in Go.
        let mut shown = json!({});
        for (name, value) in ["APIGroup", "Kind", "Name"].into_iter().zip(role(object)) {
            put(&mut shown, name, value);
        }
        FieldError::invalid(&Path::new("roleRef"), shown, "cannot change roleRef")
    })
}

//! FlowSchema: `pkg/apis/flowcontrol` and `pkg/registry/flowcontrol/flowschema`.

use serde_json::Value;

use super::super::workloads::check;
use super::super::workloads::read::{at, fill_zero, flag, given, int, items, text, texts};
use super::{flowcontrol, status_metadata};
use crate::sandbox::memory::field::{FieldError, Path};
use crate::sandbox::memory::kinds::{Kind, Write, meta};
use crate::sandbox::memory::names;

const VERBS: [&str; 9] = [
    "create",
    "delete",
    "deletecollection",
    "get",
    "list",
    "patch",
    "proxy",
    "update",
    "watch",
];

/// See the module.
pub(crate) struct FlowSchema;

impl Kind for FlowSchema {
    fn default(&self, object: &mut Value) {
        fill_zero(object, "spec.matchingPrecedence", 1000);
    }

    fn prepare_update(&self, write: Write<'_>, object: &mut Value, old: &Value) {
        if write.subresource == "status" {
            status_metadata::keep_all(object, old);
        }
    }

    fn validate_create(&self, object: &Value) -> Vec<FieldError> {
        let mut errors = meta::validate_create(object, false, meta::dns_subdomain);
        errors.extend(validate_spec(
            text(object, "metadata.name"),
            at(object, "spec"),
        ));
        errors.extend(flowcontrol::validate_conditions(object));
        errors
    }

    fn validate_update(&self, write: Write<'_>, object: &Value, old: &Value) -> Vec<FieldError> {
        let mut errors = meta::common_update(object, old);
        if write.subresource == "status" {
            errors.extend(flowcontrol::validate_conditions(object));
            return errors;
        }
        errors.extend(self.validate_create(object));
        let name = text(object, "metadata.name");
        let spec = at(object, "spec");
        if flowcontrol::is_mandatory(name) && spec != at(old, "spec") {
            let words = format!("spec of '{name}' must equal the fixed value");
            errors.push(FieldError::invalid(&Path::new("spec"), spec.clone(), words));
        }
        errors
    }

    fn has_generation(&self) -> bool {
        true
    }
}

fn validate_spec(name: &str, spec: &Value) -> Vec<FieldError> {
    let path = Path::new("spec");
    let mut errors = Vec::new();
    let precedence = int(spec, "matchingPrecedence");
    let wrong = [
        (precedence <= 0, "must be a positive value"),
        (precedence > 10_000, "must not be greater than 10000"),
        (
            precedence == 1 && name != "exempt",
            "only the schema named 'exempt' may have matchingPrecedence 1",
        ),
    ];
    for (_, words) in wrong.into_iter().filter(|(is_wrong, _)| *is_wrong) {
        errors.push(FieldError::invalid(
            &path.child("matchingPrecedence"),
            precedence,
            words,
        ));
    }
    let methods = ["ByNamespace", "ByUser"];
    if let Some(method) = given(spec, "distinguisherMethod")
        && !methods.contains(&text(method, "type"))
    {
        // The internal type is shown, whose fields have the names that they have in Go.
        let shown = serde_json::json!({"Type": text(method, "type")});
        let path = path.child("distinguisherMethod.type");
        errors.push(FieldError::not_supported(&path, shown, &methods));
    }
    let level = text(spec, "priorityLevelConfiguration.name");
    let level_path = path.child("priorityLevelConfiguration.name");
    if level.is_empty() {
        errors.push(FieldError::required(
            &level_path,
            "must reference a priority level",
        ));
    } else {
        errors.extend(check::invalid_each(
            &level_path,
            level,
            names::dns1123_subdomain(level),
        ));
    }
    for (index, rule) in items(spec, "rules").iter().enumerate() {
        errors.extend(validate_rule(rule, &path.child("rules").index(index)));
    }
    errors
}

fn validate_rule(rule: &Value, path: &Path) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let subjects = items(rule, "subjects");
    let subjects_path = path.child("subjects");
    if subjects.is_empty() {
        errors.push(FieldError::required(
            &subjects_path,
            "subjects must contain at least one value",
        ));
    }
    for (index, subject) in subjects.iter().enumerate() {
        errors.extend(validate_subject(subject, &subjects_path.index(index)));
    }
    let (resources, others) = (
        items(rule, "resourceRules"),
        items(rule, "nonResourceRules"),
    );
    if resources.is_empty() && others.is_empty() {
        let words = "at least one of resourceRules and nonResourceRules has to be non-empty";
        errors.push(FieldError::required(path, words));
    }
    for (index, rule) in resources.iter().enumerate() {
        errors.extend(validate_resources(
            rule,
            &path.child("resourceRules").index(index),
        ));
    }
    for (index, rule) in others.iter().enumerate() {
        errors.extend(validate_others(
            rule,
            &path.child("nonResourceRules").index(index),
        ));
    }
    errors
}

fn validate_subject(subject: &Value, path: &Path) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let kinds = [
        ("Group", "group"),
        ("ServiceAccount", "serviceAccount"),
        ("User", "user"),
    ];
    let kind = text(subject, "kind");
    let Some((_, field)) = kinds.iter().find(|(known, _)| *known == kind) else {
        let supported = kinds.map(|(known, _)| known);
        return vec![FieldError::not_supported(
            &path.child("kind"),
            kind,
            &supported,
        )];
    };
    let own_path = path.child(field);
    match given(subject, field) {
        None => {
            let words = format!("{field} is required when subject kind is '{kind}'");
            errors.push(FieldError::required(&own_path, words));
        }
        Some(account) if kind == "ServiceAccount" => {
            errors.extend(validate_account(account, &own_path));
        }
        Some(own) if text(own, "name").is_empty() => {
            errors.push(FieldError::required(&own_path.child("name"), ""));
        }
        Some(_) => {}
    }
    for (other, field) in [kinds[1], kinds[2], kinds[0]] {
        if other != kind && given(subject, field).is_some() {
            let words = format!("{field} is forbidden when subject kind is not '{other}'");
            errors.push(FieldError::forbidden(&path.child(field), words));
        }
    }
    errors
}

fn validate_account(account: &Value, path: &Path) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let name_path = path.child("name");
    match text(account, "name") {
        "" => errors.push(FieldError::required(&name_path, "")),
        "*" => {}
        name => errors.extend(check::invalid_each(
            &name_path,
            name,
            names::dns1123_subdomain(name),
        )),
    }
    let namespace = text(account, "namespace");
    let path = path.child("namespace");
    if namespace.is_empty() {
        let words = "must specify namespace for service account";
        errors.push(FieldError::required(&path, words));
    } else {
        errors.extend(check::invalid_each(
            &path,
            namespace,
            names::dns1123_label(namespace),
        ));
    }
    errors
}

fn validate_verbs(rule: &Value, path: &Path) -> Option<FieldError> {
    let path = path.child("verbs");
    let verbs = texts(rule, "verbs");
    let shown = || at(rule, "verbs").clone();
    if verbs.is_empty() {
        return Some(FieldError::required(
            &path,
            "verbs must contain at least one value",
        ));
    }
    if verbs.contains(&"*") {
        let words = "if '*' is present, must not specify other verbs";
        return (verbs.len() > 1).then(|| FieldError::invalid(&path, shown(), words));
    }
    let is_known = verbs.iter().all(|verb| VERBS.contains(verb));
    (!is_known).then(|| FieldError::not_supported(&path, shown(), &VERBS))
}

fn validate_resources(rule: &Value, path: &Path) -> Vec<FieldError> {
    let mut errors: Vec<FieldError> = validate_verbs(rule, path).into_iter().collect();
    for (field, one, several) in [
        ("apiGroups", "api group", "api groups"),
        ("resources", "resource", "resources"),
    ] {
        let path = path.child(field);
        let values = texts(rule, field);
        if values.is_empty() {
            let words = format!("resource rules must supply at least one {one}");
            errors.push(FieldError::required(&path, words));
        } else if values.len() > 1 && values.contains(&"*") {
            let words = format!("if '*' is present, must not specify other {several}");
            errors.push(FieldError::invalid(&path, at(rule, field).clone(), words));
        }
    }
    let namespaces = texts(rule, "namespaces");
    let path = path.child("namespaces");
    if namespaces.is_empty() && !flag(rule, "clusterScope") {
        let words = "resource rules that are not cluster scoped must supply at least one namespace";
        errors.push(FieldError::required(&path, words));
    } else if namespaces.contains(&"*") {
        if namespaces.len() > 1 {
            let words = "if '*' is present, must not specify other namespaces";
            errors.push(FieldError::invalid(
                &path,
                at(rule, "namespaces").clone(),
                words,
            ));
        }
    } else {
        for (index, namespace) in namespaces.into_iter().enumerate() {
            let wrong = names::dns1123_label(namespace).into_iter().map(|words| {
                format!("each member of this list must be '*' or a DNS-1123 label; {words}")
            });
            errors.extend(check::invalid_each(
                &path.index(index),
                namespace,
                wrong.collect(),
            ));
        }
    }
    errors
}

fn validate_others(rule: &Value, path: &Path) -> Vec<FieldError> {
    let mut errors: Vec<FieldError> = validate_verbs(rule, path).into_iter().collect();
    let path = path.child("nonResourceURLs");
    let urls = texts(rule, "nonResourceURLs");
    if urls.is_empty() {
        let words = "nonResourceURLs must contain at least one value";
        errors.push(FieldError::required(&path, words));
    } else if urls.contains(&"*") {
        if urls.len() > 1 {
            let words = "if '*' is present, must not specify other non-resource URLs";
            errors.push(FieldError::invalid(
                &path,
                at(rule, "nonResourceURLs").clone(),
                words,
            ));
        }
    } else {
        for (index, url) in urls.into_iter().enumerate() {
            let wrong = wrong_url(url);
            errors.extend(wrong.map(|words| FieldError::invalid(&path.index(index), url, words)));
        }
    }
    errors
}

fn wrong_url(url: &str) -> Option<&'static str> {
    let stars = url.matches('*').count();
    let wrong = [
        (url.is_empty(), "must not be empty"),
        (!url.starts_with('/'), "must start with slash"),
        (url.contains(' '), "must not contain white-space"),
        (url.contains("//"), "must not contain double slash"),
        (
            stars > 1 || (stars == 1 && !url.ends_with("/*")),
            "wildcard can only do suffix matching",
        ),
    ];
    wrong
        .into_iter()
        .find(|(is_wrong, _)| *is_wrong)
        .map(|(_, words)| words)
}

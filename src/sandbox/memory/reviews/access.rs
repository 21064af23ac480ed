//! Who may do what (`pkg/registry/authorization`).

use k8s_openapi::api::rbac::v1::PolicyRule;
use serde_json::{Map, Value, json};

use super::user_of;
use crate::sandbox::memory::authn::{MASTERS, User};
use crate::sandbox::memory::authz::{Attributes, Decision};
use crate::sandbox::memory::field::{FieldError, Path};
use crate::sandbox::memory::status::Status;
use crate::sandbox::memory::verbs::Call;

pub(super) fn of_self(call: &Call<'_>, review: &mut Value) -> Result<(), Status> {
    let mut errors = one_kind(&review["spec"]);
    errors.extend(nameless(review));
    refuse(errors)?;
    decide(call, review, &call.request.user.clone());
    Ok(())
}

pub(super) fn of_subject(call: &Call<'_>, review: &mut Value) -> Result<(), Status> {
    let mut errors = one_kind(&review["spec"]);
    errors.extend(somebody(&review["spec"]));
    errors.extend(nameless(review));
    refuse(errors)?;
    let user = user_of(&review["spec"]);
    decide(call, review, &user);
    Ok(())
}

pub(super) fn of_subject_here(call: &Call<'_>, review: &mut Value) -> Result<(), Status> {
    let spec = &review["spec"];
    let mut errors = one_kind(spec);
    errors.extend(somebody(spec));
    let namespace = spec["resourceAttributes"]["namespace"]
        .as_str()
        .unwrap_or_default();
    if spec["resourceAttributes"].is_object() && namespace != call.target.namespace {
        let path = Path::new("spec.resourceAttributes.namespace");
        let why = "must match metadata.namespace";
        errors.push(FieldError::invalid(&path, namespace, why));
    }
    if !spec["nonResourceAttributes"].is_null() {
        let path = Path::new("spec.nonResourceAttributes");
        let why = "disallowed on this kind of request";
        errors.push(FieldError::invalid(
            &path,
            spec["nonResourceAttributes"].clone(),
            why,
        ));
    }
    refuse(errors)?;
    let user = user_of(spec);
    decide(call, review, &user);
    Ok(())
}

fn refuse(errors: Vec<FieldError>) -> Result<(), Status> {
    if errors.is_empty() {
        return Ok(());
    }
    // The real server looks for the kind in an object that has none any more.
    Err(Status::invalid("authorization.k8s.io", "", "", &errors))
}

fn one_kind(spec: &Value) -> Vec<FieldError> {
    let path = Path::new("spec.resourceAttributes");
    let (resource, other) = (&spec["resourceAttributes"], &spec["nonResourceAttributes"]);
    match (resource.is_null(), other.is_null()) {
        (true, true) => {
            let why =
                "exactly one of nonResourceAttributes or resourceAttributes must be specified";
            vec![FieldError::invalid(&path, Value::Null, why)]
        }
        (false, false) => {
            let path = Path::new("spec.nonResourceAttributes");
            let why = "cannot be specified in combination with resourceAttributes";
            let text = |field: &str| other[field].as_str().unwrap_or_default();
            // Go shows the fields of the type itself.
            let shown = json!({"Path": text("path"), "Verb": text("verb")});
            vec![FieldError::invalid(&path, shown, why)]
        }
        _ => Vec::new(),
    }
}

fn nameless(review: &Value) -> Option<FieldError> {
    let metadata = review["metadata"].as_object()?;
    let has_more = metadata.keys().any(|field| field != "managedFields");
    let path = Path::new("metadata");
    has_more.then(|| FieldError::invalid(&path, review["metadata"].clone(), "must be empty"))
}

fn somebody(spec: &Value) -> Option<FieldError> {
    let user = user_of(spec);
    let why = "at least one of user or group must be specified";
    let is_nobody = user.name.is_empty() && user.groups.is_empty();
    is_nobody.then(|| FieldError::invalid(&Path::new("spec.user"), "", why))
}

fn decide(call: &Call<'_>, review: &mut Value, user: &User) {
    let spec = &review["spec"];
    let resource = &spec["resourceAttributes"];
    let text = |value: &Value, field: &str| value[field].as_str().unwrap_or_default().to_owned();
    let decision = if resource.is_object() {
        let [verb, group, version, plural, subresource, namespace, name] = [
            "verb",
            "group",
            "version",
            "resource",
            "subresource",
            "namespace",
            "name",
        ]
        .map(|field| text(resource, field));
        let attributes = Attributes {
            verb: &verb,
            group: &group,
            version: &version,
            resource: &plural,
            subresource: &subresource,
            namespace: &namespace,
            name: &name,
            ..Attributes::of(user)
        };
        call.api.authorizer.decide(&call.api.store, &attributes)
    } else {
        let other = &spec["nonResourceAttributes"];
        let (verb, path) = (text(other, "verb"), text(other, "path"));
        let attributes = Attributes {
            verb: &verb,
            path: &path,
            ..Attributes::of(user)
        };
        call.api.authorizer.decide(&call.api.store, &attributes)
    };
    let Decision { allowed, reason } = decision;
    let mut status = json!({ "allowed": allowed });
    if !reason.is_empty() {
        status["reason"] = json!(reason);
    }
    review["status"] = status;
}

pub(super) fn rules_of_self(call: &Call<'_>, review: &mut Value) -> Result<(), Status> {
    let namespace = review["spec"]["namespace"]
        .as_str()
        .unwrap_or_default()
        .to_owned();
    if namespace.is_empty() {
        return Err(Status::bad_request("no namespace on request"));
    }
    let user = &call.request.user;
    let authorizer = &call.api.authorizer;
    let everything = PolicyRule {
        verbs: vec!["*".to_owned()],
        api_groups: Some(vec!["*".to_owned()]),
        resources: Some(vec!["*".to_owned()]),
        resource_names: None,
        non_resource_urls: None,
    };
    let all_paths = PolicyRule {
        verbs: vec!["*".to_owned()],
        non_resource_urls: Some(vec!["*".to_owned()]),
        ..PolicyRule::default()
    };
    let mut rules = authorizer.rules(&call.api.store, user, &namespace);
    let is_master = user.groups.iter().any(|group| group == MASTERS);
    let sees_all = rules.contains(&everything);
    if (!authorizer.enforces() || is_master) && !sees_all {
        rules.extend([everything, all_paths]);
    }
    let (mut resources, mut others) = (Vec::new(), Vec::new());
    for rule in &rules {
        if rule.resources.iter().flatten().next().is_some() {
            resources.push(entry(
                rule,
                &[
                    ("apiGroups", &rule.api_groups),
                    ("resources", &rule.resources),
                    ("resourceNames", &rule.resource_names),
                ],
            ));
        }
        if rule.non_resource_urls.iter().flatten().next().is_some() {
            others.push(entry(rule, &[("nonResourceURLs", &rule.non_resource_urls)]));
        }
    }
    *review = json!({
        "kind": "SelfSubjectRulesReview",
        "apiVersion": "authorization.k8s.io/v1",
        "metadata": {},
        "spec": {},
        "status": {"resourceRules": resources, "nonResourceRules": others, "incomplete": false},
    });
    Ok(())
}

fn entry(rule: &PolicyRule, lists: &[(&str, &Option<Vec<String>>)]) -> Value {
    let mut entry = Map::new();
    entry.insert("verbs".to_owned(), json!(rule.verbs));
    for (name, words) in lists {
        if words.iter().flatten().next().is_some() {
            entry.insert((*name).to_owned(), json!(words));
        }
    }
    Value::Object(entry)
}

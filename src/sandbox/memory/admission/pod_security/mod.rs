//! The PodSecurity plugin (`k8s.io/pod-security-admission`): the labels of a namespace say which
//! standard its pods are held to, in which version; privileged where they say nothing. Nobody is
//! exempt, and nothing is audited.

mod baseline;
mod check;
mod existing;
mod policy;
mod restricted;

use serde_json::Value;

use crate::sandbox::memory::object::meta;
use crate::sandbox::memory::status::Status;
use crate::sandbox::memory::verbs::write::Writer;
use policy::{Level, Policy, Rule};

/// Whether a write is as the namespace wants pods to be, and what its client is to be warned of.
///
/// Errors: 403 for a pod that violates what is enforced, 422 for labels of a namespace that say
/// nothing known.
pub(super) fn validate(
    writer: &Writer<'_>,
    object: &Value,
    old: Option<&Value>,
) -> Result<Vec<String>, Status> {
    let resource = &writer.served.resource;
    let (group, plural) = (resource.group.as_str(), resource.plural.as_str());
    match (group, plural, writer.subresource) {
        ("", "namespaces", "") => namespace(writer, object, old),
        ("", "pods", "" | "ephemeralcontainers" | "resize") => {
            if old.is_some_and(|old| !changes_images(object, old)) {
                return Ok(Vec::new());
            }
            let policy = policy_of(writer);
            let wrong = violations(policy.enforce, object);
            if !wrong.is_empty() {
                let why = format!("violates PodSecurity \"{}\": {wrong}", policy.enforce);
                return Err(Status::forbidden(group, plural, meta(object, "name"), &why));
            }
            Ok(warnings(policy.warn, object))
        }
        // Of what makes pods nothing is enforced.
        (_, _, "") => Ok(
            template(group, plural, object).map_or_else(Vec::new, |template| {
                warnings(policy_of(writer).warn, template)
            }),
        ),
        _ => Ok(Vec::new()),
    }
}

fn namespace(
    writer: &Writer<'_>,
    object: &Value,
    old: Option<&Value>,
) -> Result<Vec<String>, Status> {
    let read = |object: &Value| {
        let labels = &object["metadata"]["labels"];
        Policy::read(|label| labels[label].as_str())
    };
    let (new, errors) = read(object);
    let before = old.map(read);
    let were_wrong = before.as_ref().is_some_and(|(_, before)| *before == errors);
    if !errors.is_empty() && !were_wrong {
        let kind = &writer.served.resource.kind;
        return Err(Status::invalid("", kind, meta(object, "name"), &errors));
    }
    let Some((before, _)) = before else {
        return Ok(Vec::new());
    };
    let (new, before) = (new.enforce, before.enforce);
    let is_stricter = new.version != before.version || new.level > before.level;
    if new.level == Level::Privileged || !is_stricter {
        return Ok(Vec::new());
    }
    Ok(existing::warnings(
        &writer.api.store,
        meta(object, "name"),
        new,
    ))
}

fn policy_of(writer: &Writer<'_>) -> Policy {
    let found = writer
        .api
        .store
        .get(writer.api.namespaces, writer.namespace);
    let labels = found.as_ref().map(|found| &found.facts.labels);
    let read = |label: &str| {
        let mut all = labels?.iter();
        all.find(|(key, _)| **key == *label)
            .map(|(_, value)| &**value)
    };
    Policy::read(read).0
}

/// What of a pod or template violates a rule; empty if nothing does.
fn violations(rule: Rule, pod: &Value) -> String {
    let found: Vec<String> = check::violations(rule, pod)
        .map(|violation| format!("{} ({})", violation.reason, violation.detail))
        .collect();
    found.join(", ")
}

fn warnings(rule: Rule, pod: &Value) -> Vec<String> {
    let wrong = violations(rule, pod);
    match wrong.is_empty() {
        true => Vec::new(),
        false => vec![format!("would violate PodSecurity \"{rule}\": {wrong}")],
    }
}

/// The template in an object of which pods are made.
fn template<'a>(group: &str, plural: &str, object: &'a Value) -> Option<&'a Value> {
    let spec = &object["spec"];
    let template = match (group, plural) {
        ("", "podtemplates") => &object["template"],
        ("", "replicationcontrollers")
        | ("apps", "daemonsets" | "deployments" | "replicasets" | "statefulsets")
        | ("batch", "jobs") => &spec["template"],
        ("batch", "cronjobs") => &spec["jobTemplate"]["spec"]["template"],
        _ => return None,
    };
    template.is_object().then_some(template)
}

/// Whether an update of a pod is one that is looked at (`isSignificantPodUpdate`).
fn changes_images(pod: &Value, old: &Value) -> bool {
    let list = |pod: &Value, list: &str| -> Vec<(Value, Value)> {
        let containers = pod["spec"][list].as_array().into_iter().flatten();
        containers
            .map(|container| (container["name"].clone(), container["image"].clone()))
            .collect()
    };
    let changes = |name: &str| {
        let (new, old) = (list(pod, name), list(old, name));
        new.len() != old.len() || new.iter().zip(&old).any(|(new, old)| new.1 != old.1)
    };
    // Those that were there and are not any more are no matter.
    let before = list(old, "ephemeralContainers");
    changes("containers")
        || changes("initContainers")
        || list(pod, "ephemeralContainers")
            .iter()
            .any(|one| !before.contains(one))
}

#[cfg(test)]
mod tests;

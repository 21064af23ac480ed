//! What the real server's admission plugins add to objects, and what they refuse: NamespaceLifecycle,
//! Priority, DefaultTolerationSeconds, PersistentVolumeClaim and the like, as far as they are on by
//! default and mean something here.

use serde_json::{Value, json};

use super::field::{FieldError, Path};
use super::kinds;
use super::object::{self, meta};
use super::registry::Served;
use super::status::{Cause, Details, Status};
use super::store::Stored;
use super::verbs::write::{Writer, key};

/// Namespaces that nobody may delete.
const IMMORTAL: [&str; 3] = ["default", "kube-public", "kube-system"];

/// Before an object is created: what is added to it, and whether it may be.
///
/// Errors: 404 for a namespace that is not there, 403 for one that goes, and what else is refused.
pub fn create(writer: &Writer<'_>, object: &mut Value) -> Result<(), Status> {
    let resource = &writer.served.resource;
    let (group, plural) = (resource.group.as_str(), resource.plural.as_str());
    if resource.namespaced {
        let api = writer.api;
        let found = api.store.get(api.namespaces, writer.namespace);
        let name = meta(object, "name");
        namespace_takes(found.as_deref(), writer.namespace, group, plural, name)?;
    }
    if let Some(why) = kinds::refused(group, plural) {
        return Err(Status::not_built(why));
    }
    if (group, plural) == ("", "pods") {
        priority(writer, object)?;
    }
    Ok(())
}

/// Before an object is changed.
///
/// Errors: 403 for finalizers that are added to what goes already.
pub fn update(writer: &Writer<'_>, object: &mut Value, old: &Value) -> Result<(), Status> {
    if !object::is_deleting(old) {
        return Ok(());
    }
    let before: Vec<&str> = object::finalizers(old).collect();
    let added: Vec<String> = object::finalizers(object)
        .filter(|name| !before.contains(name))
        .map(|name| format!("{name:?}"))
        .collect();
    if added.is_empty() {
        return Ok(());
    }
    let path = Path::new("metadata").child("finalizers");
    let why = format!(
        "no new finalizers can be added if the object is being deleted, found new finalizers []string{{{}}}",
        added.join(", ")
    );
    let error = FieldError::forbidden(&path, why);
    let resource = &writer.served.resource;
    Err(Status::invalid(
        &resource.group,
        &resource.kind,
        meta(old, "name"),
        &[error],
    ))
}

/// Before an object is deleted.
///
/// Errors: 403 for namespaces that a cluster cannot be without.
pub fn delete(served: &Served, name: &str) -> Result<(), Status> {
    let is_namespace = served.resource.group.is_empty() && served.resource.plural == "namespaces";
    if is_namespace && IMMORTAL.contains(&name) {
        let why = "this namespace may not be deleted";
        return Err(Status::forbidden("", "namespaces", name, why));
    }
    Ok(())
}

/// Whether a namespace takes new objects.
///
/// Errors: 404 when it is not there, 403 when it is going.
pub fn namespace_takes(
    found: Option<&Stored>,
    namespace: &str,
    group: &str,
    plural: &str,
    name: &str,
) -> Result<(), Status> {
    let Some(found) = found else {
        return Err(Status::not_found("", "namespaces", namespace));
    };
    if !found.facts.is_deleting {
        return Ok(());
    }
    let why = format!(
        "unable to create new content in namespace {namespace} because it is being terminated"
    );
    let mut status = Status::forbidden(group, plural, name, &why);
    let cause = Cause {
        reason: "NamespaceTerminating",
        message: format!("namespace {namespace} is being terminated"),
        field: "metadata.namespace".to_owned(),
    };
    status.details = Some(Details {
        causes: vec![cause],
        ..status.details.unwrap_or_default()
    });
    Err(status)
}

/// The Priority plugin: the number of a pod's class.
fn priority(writer: &Writer<'_>, pod: &mut Value) -> Result<(), Status> {
    let api = writer.api;
    let shelf = api.store.shelf("scheduling.k8s.io", "priorityclasses");
    let named = pod["spec"]["priorityClassName"].as_str().unwrap_or_default().to_owned();
    let mut class = None;
    if named.is_empty() {
        let all = api.store.list(shelf, &super::store::Query::everything());
        let all = all.map(|page| page.items).unwrap_or_default();
        let defaults = all.iter().map(|stored| stored.value());
        class = defaults.filter(|class| class["globalDefault"] == true).max_by_key(|class| {
            class["value"].as_i64().unwrap_or(0)
        });
    } else {
        class = class.or_else(|| api.store.get(shelf, &key("", &named)).map(|s| s.value()));
        if class.is_none() {
            let why = format!("no PriorityClass with name {named} was found");
            return Err(Status::forbidden("", "pods", meta(pod, "name"), &why));
        }
    }
    let Some(spec) = pod["spec"].as_object_mut() else {
        return Ok(());
    };
    let value = class.as_ref().map_or(0, |c| c["value"].as_i64().unwrap_or(0));
    spec.insert("priority".to_owned(), json!(value));
    if let Some(class) = &class {
        let name = meta(class, "name");
        if named.is_empty() {
            spec.insert("priorityClassName".to_owned(), json!(name));
        }
    }
    let policy = class.as_ref().and_then(|c| c["preemptionPolicy"].as_str());
    let policy = policy.unwrap_or("PreemptLowerPriority");
    spec.insert("preemptionPolicy".to_owned(), json!(policy));
    Ok(())
}

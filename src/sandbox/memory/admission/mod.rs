//! What the real server's admission plugins add to objects, and what they refuse: NamespaceLifecycle,
//! Priority, DefaultTolerationSeconds, PersistentVolumeClaim and the like, as far as they are on by
//! default and mean something here.

mod default_class;
mod expansion;
mod limits;
mod pod_security;
mod quota;
mod runtime;

use serde_json::{Map, Value, json};

use crate::sandbox::memory::authn::User;
use crate::sandbox::memory::crd;
use crate::sandbox::memory::field::{FieldError, Path};
use crate::sandbox::memory::kinds;
use crate::sandbox::memory::kinds::core::pod::{self, PriorityClass};
use crate::sandbox::memory::object::{self, meta};
use crate::sandbox::memory::registry::Served;
use crate::sandbox::memory::status::{Cause, Details, Status};
use crate::sandbox::memory::store::{Query, Stored};
use crate::sandbox::memory::verbs::write::{Writer, key};

pub use quota::Charge;

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
    if writer.served.is_custom() {
        let definitions = writer
            .api
            .store
            .shelf("apiextensions.k8s.io", "customresourcedefinitions");
        let definition = writer
            .api
            .store
            .get(definitions, &format!("{plural}.{group}"));
        if definition.is_some_and(|definition| definition.facts.is_deleting) {
            let name = meta(object, "name");
            return Err(Status::forbidden(group, plural, name, crd::TERMINATING));
        }
    }
    if let Some(why) = kinds::refused(group, plural)
        && (plural != "apiservices" || object["spec"]["service"].is_object())
    {
        return Err(Status::not_built(why));
    }
    if (group, plural) == ("", "pods") {
        limits::set(writer, object, None);
        priority(writer, object)?;
        runtime::admit(&writer.api.store, object)
            .map_err(|why| Status::forbidden("", "pods", meta(object, "name"), &why))?;
    }
    default_class::set(&writer.api.store, group, plural, object);
    Ok(())
}

/// The last word before an object is stored: whether it is within the limits of its namespace, and as
/// safe as that wants it. What it uses is charged; hold what is given until it is stored.
///
/// Errors: 403, and 422 for a namespace whose labels say no known standard.
pub fn validate<'a>(
    writer: &mut Writer<'a>,
    object: &Value,
    old: Option<&Value>,
) -> Result<Charge<'a>, Status> {
    limits::check(writer, object, old)?;
    let warnings = pod_security::validate(writer, object, old)?;
    writer.warnings.extend(warnings);
    if let Some(old) = old {
        expansion::check(writer, object, old)?;
    }
    quota::charge(writer, object, old)
}

/// Notes in a new object who made it: in the request for a certificate, as its kind has nothing of
/// that left (`PrepareForCreate` in pkg/registry/certificates/certificates/strategy.go).
pub fn sign(served: &Served, user: &User, object: &mut Value) {
    let names = (
        served.resource.group.as_str(),
        served.resource.plural.as_str(),
    );
    let Some(spec) = object.get_mut("spec").and_then(Value::as_object_mut) else {
        return;
    };
    if names != ("certificates.k8s.io", "certificatesigningrequests") {
        return;
    }
    let extra: Map<String, Value> = user
        .extra
        .iter()
        .map(|(key, values)| (key.clone(), json!(values)))
        .collect();
    for (field, value, is_empty) in [
        ("username", json!(user.name), user.name.is_empty()),
        ("uid", json!(user.uid), user.uid.is_empty()),
        ("groups", json!(user.groups), user.groups.is_empty()),
        ("extra", json!(extra), extra.is_empty()),
    ] {
        match is_empty {
            true => spec.shift_remove(field),
            false => spec.insert(field.to_owned(), value),
        };
    }
}

/// Before an object is changed.
///
/// Errors: 403 for finalizers that are added to what goes already.
pub fn update(writer: &Writer<'_>, object: &mut Value, old: &Value) -> Result<(), Status> {
    limits::set(writer, object, Some(old));
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
        // The real server finds it twice.
        &[error.clone(), error],
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
fn priority(writer: &Writer<'_>, object: &mut Value) -> Result<(), Status> {
    let api = writer.api;
    let shelf = api.store.shelf("scheduling.k8s.io", "priorityclasses");
    let read = |class: &Value| PriorityClass {
        name: meta(class, "name").to_owned(),
        value: class["value"]
            .as_i64()
            .and_then(|v| i32::try_from(v).ok())
            .unwrap_or(0),
        preemption_policy: class["preemptionPolicy"]
            .as_str()
            .unwrap_or_default()
            .to_owned(),
    };
    let find = |name: &str| {
        if !name.is_empty() {
            let stored = api.store.get(shelf, &key("", name))?;
            return Some(read(&stored.value()));
        }
        let page = api.store.list(shelf, &Query::everything()).ok()?;
        let all = page.items.iter().map(|stored| stored.value());
        let defaults = all.filter(|class| class["globalDefault"] == true);
        defaults
            .map(|class| read(&class))
            .min_by_key(|class| class.value)
    };
    let name = meta(object, "name").to_owned();
    pod::admit_priority(object, find).map_err(|why| Status::forbidden("", "pods", &name, &why))
}

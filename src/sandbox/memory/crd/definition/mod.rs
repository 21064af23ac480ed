//! CustomResourceDefinitions themselves: defaults, what is reset when they are written, what is wrong
//! with them, and their status.

mod approval;
mod conditions;
mod defaults;
mod deletion;
mod naming;
mod paths;
mod root;
mod schema_rules;
mod spec;
#[cfg(test)]
mod tests;
mod validate;

use serde_json::{Value, json};

use super::format;
use super::go;
use crate::sandbox::memory::field::FieldError;
use crate::sandbox::memory::status::Status;

pub(super) use defaults::prune_defaults;
pub use deletion::{Deletion, FINALIZER, mark, mark_terminating};
pub use naming::settle;
pub(super) use paths::find as find_path;
use spec::Spec;
pub(super) use spec::{Column, Names, Scale};

/// The condition that a definition's resources are served.
const ESTABLISHED: &str = "Established";
/// The condition that it has all names that it wants.
const NAMES_ACCEPTED: &str = "NamesAccepted";
/// The condition that its objects are being deleted.
const TERMINATING: &str = "Terminating";

/// Whether what it defines is served.
pub fn is_established(definition: &Value) -> bool {
    conditions::is_true(definition, ESTABLISHED)
}

/// Whether it has all names that it wants.
pub fn has_its_names(definition: &Value) -> bool {
    conditions::is_true(definition, NAMES_ACCEPTED)
}

/// Whether it is going, so that no further objects may be created.
pub fn is_terminating(definition: &Value) -> bool {
    conditions::is_true(definition, TERMINATING)
}

/// Sets defaults (`SetDefaults_CustomResourceDefinition` of apiextensions/v1).
pub fn set_defaults(definition: &mut Value) {
    let spec = &mut definition["spec"];
    if let Value::Object(spec) = spec {
        let names = spec.entry("names").or_insert_with(|| json!({}));
        let kind = names["kind"].as_str().unwrap_or_default().to_owned();
        if let Value::Object(names) = names {
            let is_empty = |value: Option<&Value>| {
                value.and_then(Value::as_str).unwrap_or_default().is_empty()
            };
            if is_empty(names.get("singular")) && !kind.is_empty() {
                names.insert("singular".to_owned(), json!(kind.to_lowercase()));
            }
            if is_empty(names.get("listKind")) && !kind.is_empty() {
                names.insert("listKind".to_owned(), json!(format!("{kind}List")));
            }
        }
        if spec.get("conversion").is_none_or(Value::is_null) {
            spec.insert("conversion".to_owned(), json!({"strategy": "None"}));
        }
        // A webhook of which nothing is said is none.
        if let Some(Value::Object(conversion)) = spec.get_mut("conversion") {
            conversion.retain(|field, value| field != "webhook" || *value != json!({}));
        }
    }
    store_version(definition, true);
}

/// Adds the version in which objects are stored to those in which there may be some. With
/// `only_first`, only when there are none.
fn store_version(definition: &mut Value, only_first: bool) {
    let versions = definition["spec"]["versions"]
        .as_array()
        .into_iter()
        .flatten();
    let storage = versions
        .into_iter()
        .find(|version| version["storage"] == true);
    let Some(name) = storage.and_then(|version| version["name"].as_str()) else {
        return;
    };
    let name = json!(name);
    let status = &mut definition["status"];
    if !status.is_object() {
        *status = json!({});
    }
    match status["storedVersions"].as_array_mut() {
        Some(stored) if !stored.is_empty() => {
            if !only_first && !stored.contains(&name) {
                stored.push(name);
            }
        }
        _ => status["storedVersions"] = json!([name]),
    }
}

/// Resets what a client does not decide about a new definition: its status and generation.
pub fn prepare_create(definition: &mut Value) {
    if let Value::Object(definition) = definition {
        let status = json!({"conditions": null, "acceptedNames": {"plural": "", "kind": ""}});
        definition.insert("status".to_owned(), status);
    }
    if definition["metadata"].is_object() {
        definition["metadata"]["generation"] = json!(1);
    }
    store_version(definition, false);
}

/// The same for a change: the status stays, the generation counts changes of the spec.
pub fn prepare_update(definition: &mut Value, old: &Value) {
    definition["status"] = old["status"].clone();
    let generation = old["metadata"]["generation"].as_i64().unwrap_or_default();
    let is_changed = definition["spec"] != old["spec"];
    if definition["metadata"].is_object() {
        definition["metadata"]["generation"] = json!(generation + i64::from(is_changed));
    }
    store_version(definition, false);
}

/// The same for a change of the status: the spec stays. Metadata may change this way, which is how
/// the real server's controllers remove the finalizer.
pub fn prepare_status_update(definition: &mut Value, old: &Value) {
    definition["spec"] = old["spec"].clone();
}

/// What is wrong with a new definition; a refusal when it asks for what is not built. Defaults must
/// have been set and [`prepare_create`] called.
pub fn validate_create(definition: &Value) -> Result<Vec<FieldError>, Status> {
    let spec = read(definition)?;
    Ok(validate::create(definition, &spec))
}

/// What is wrong with a change.
pub fn validate_update(definition: &Value, old: &Value) -> Result<Vec<FieldError>, Status> {
    let (spec, old_spec) = (read(definition)?, read(old)?);
    Ok(validate::update(definition, &spec, old, &old_spec))
}

/// What is wrong with a change of the status.
pub fn validate_status_update(definition: &Value, old: &Value) -> Vec<FieldError> {
    validate::update_status(definition, old)
}

fn read(definition: &Value) -> Result<Spec, Status> {
    if definition["spec"]["conversion"]["strategy"] == "Webhook" {
        return Err(Status::not_built(
            "conversion of custom resources by a webhook",
        ));
    }
    let too_deep = || Status::not_built("a schema that is nested more than 64 levels deep");
    Spec::read(definition).ok_or_else(too_deep)
}

/// Texts of `Warning` headers: formats that mean nothing, unless the old definition has them.
pub fn warnings(definition: &Value, old: Option<&Value>) -> Vec<String> {
    let known = old.map(unrecognized).unwrap_or_default();
    let new = unrecognized(definition).into_iter();
    let new = new.filter(|format| !known.contains(format));
    new.map(|format| format!("unrecognized format {}", go::quote(&format)))
        .collect()
}

fn unrecognized(definition: &Value) -> Vec<String> {
    let mut found = Vec::new();
    let Some(spec) = Spec::read(definition) else {
        return found;
    };
    for schema in spec.schemas() {
        schema.any(&mut |schema| {
            if !schema.format.is_empty() && !format::is_recognized(&schema.type_, &schema.format) {
                found.push(schema.format.clone());
            }
            false
        });
    }
    found
}

fn texts(value: &Value) -> Vec<&str> {
    let all = value.as_array().into_iter().flatten();
    all.filter_map(Value::as_str).collect()
}

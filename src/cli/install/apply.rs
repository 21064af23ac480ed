//! One object made so, and what that changed.

use http::StatusCode;
use serde_json::Value;

use super::found::is_ours;
use super::object::{Kind, Object};
use super::refused;
use super::request::{self, Write, get};
use crate::cluster::{Error, Server};

/// What became of an object; kubectl's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Created,
    Configured,
    Unchanged,
}

impl Outcome {
    pub(super) fn word(self) -> &'static str {
        match self {
            Outcome::Created => "created",
            Outcome::Configured => "configured",
            Outcome::Unchanged => "unchanged",
        }
    }
}

/// How objects are applied.
#[derive(Clone, Copy, Debug)]
pub(super) struct Way<'a> {
    pub(super) write: Write,
    /// The namespace that is created if it is missing
    pub(super) home: &'a str,
    /// Take over fields that others have set otherwise
    pub(super) force: bool,
}

/// Applies an object. A namespace that is there and not ours stays as it is: it may have a level of
/// Pod Security that others rely on.
///
/// Errors: what the server does not take, explained.
pub(super) async fn apply(
    server: &Server,
    object: &Object,
    way: Way<'_>,
) -> anyhow::Result<(Outcome, Value)> {
    let before = get(server, &object.id)
        .await
        .map_err(|problem| refused::explain(problem.into(), object, way.write))?;
    if let Some(before) = &before {
        if !before["metadata"]["deletionTimestamp"].is_null() {
            anyhow::bail!(
                "{} is being deleted. Wait until it is gone, and run this again.",
                object.id
            );
        }
        if object.id.kind == Kind::Namespace && !is_ours(before) {
            return Ok((Outcome::Unchanged, before.clone()));
        }
    }
    match request::apply(server, object, way.write, way.force).await {
        Ok((true, after)) => Ok((Outcome::Created, after)),
        Ok((false, after)) => {
            let same = before.is_some_and(|before| essence(before) == essence(after.clone()));
            let outcome = match same {
                true => Outcome::Unchanged,
                false => Outcome::Configured,
            };
            Ok((outcome, after))
        }
        Err(problem)
            if way.write == Write::Trial
                && before.is_none()
                && lacks_a_trial(&problem, way.home) =>
        {
            Ok((Outcome::Created, object.value.clone()))
        }
        Err(problem) => Err(refused::explain(problem, object, way.write)),
    }
}

/// Whether what is missing is what another trial did not leave behind: the namespace, or the role of
/// a binding.
fn lacks_a_trial(problem: &anyhow::Error, home: &str) -> bool {
    let failure = problem.downcast_ref::<Error>().and_then(Error::failure);
    let missing = failure
        .filter(|failure| failure.code == StatusCode::NOT_FOUND)
        .and_then(|failure| failure.status.as_ref()?.details.as_ref());
    missing.is_some_and(|missing| match missing.kind.as_str() {
        "namespaces" => missing.name == home,
        // The server tells of a missing role in the name of its binding.
        "rolebindings" | "clusterrolebindings" => true,
        _ => false,
    })
}

/// What a person would call the object: without the server's bookkeeping, and without what
/// controllers write into it meanwhile.
fn essence(mut object: Value) -> Value {
    if let Some(fields) = object.as_object_mut() {
        fields.shift_remove("status");
    }
    if let Some(metadata) = object["metadata"].as_object_mut() {
        for bookkeeping in ["managedFields", "resourceVersion", "generation"] {
            metadata.shift_remove(bookkeeping);
        }
        if let Some(annotations) = metadata
            .get_mut("annotations")
            .and_then(Value::as_object_mut)
        {
            annotations.retain(|key, _| !key.starts_with("deployment.kubernetes.io/"));
        }
        let is_empty = |value: &Value| value.as_object().is_some_and(serde_json::Map::is_empty);
        metadata.retain(|_, value| !is_empty(value));
    }
    object
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn bookkeeping_is_no_change() {
        let before = json!({
            "metadata": { "name": "x", "resourceVersion": "1", "generation": 1 },
            "spec": { "a": 1 },
        });
        let mut after = before.clone();
        after["metadata"]["resourceVersion"] = json!("2");
        after["metadata"]["annotations"] = json!({ "deployment.kubernetes.io/revision": "1" });
        after["status"] = json!({ "replicas": 1 });
        assert_eq!(essence(before.clone()), essence(after.clone()));
        after["spec"]["a"] = json!(2);
        assert_ne!(essence(before), essence(after));
    }
}

//! The subresource `scale` of Deployments, ReplicaSets, StatefulSets and ReplicationControllers
//! (`ScaleREST` in `pkg/registry/apps/*/storage` and `pkg/registry/core/replicationcontroller`).

use serde_json::{Map, Value, json};

use crate::sandbox::memory::field::{FieldError, Path};
use crate::sandbox::memory::kinds::meta;
use crate::sandbox::memory::kinds::workloads::read::{at, int, put, remove, text};
use crate::sandbox::memory::selector::LabelSelector;
use crate::sandbox::memory::status::Status;

/// Whether a resource has that subresource in this form.
pub fn has_scale(group: &str, plural: &str) -> bool {
    match group {
        "" => plural == "replicationcontrollers",
        "apps" => ["deployments", "replicasets", "statefulsets"].contains(&plural),
        _ => false,
    }
}

/// The Scale of an object: an autoscaling/v1 Scale.
///
/// # Errors
///
/// 400 when the object's selector cannot be read.
pub fn of(group: &str, object: &Value) -> Result<Value, Status> {
    let mut metadata = Map::new();
    for field in [
        "name",
        "namespace",
        "uid",
        "resourceVersion",
        "creationTimestamp",
    ] {
        let value = at(at(object, "metadata"), field);
        if !value.is_null() {
            metadata.insert(field.to_owned(), value.clone());
        }
    }
    let replicas = int(object, "spec.replicas");
    let mut scale = json!({
        "kind": "Scale",
        "apiVersion": "autoscaling/v1",
        "metadata": metadata,
        "spec": {},
        "status": {"replicas": int(object, "status.replicas")},
    });
    if replicas != 0 {
        put(&mut scale, "spec.replicas", replicas);
    }
    let selector = selector(group, at(object, "spec.selector")).map_err(Status::bad_request)?;
    if !selector.is_empty() {
        put(&mut scale, "status.selector", selector);
    }
    Ok(scale)
}

/// The object with what a Scale asks for: its number of replicas, and its version, on which the write
/// relies where there is one.
///
/// # Errors
///
/// 422 for a Scale that is wrong, 409 for one of another object of that name.
pub fn apply(group: &str, plural: &str, object: &Value, scale: &Value) -> Result<Value, Status> {
    let name = text(object, "metadata.name");
    let mut errors = meta::validate_create(scale, true, meta::dns_subdomain);
    let replicas = int(scale, "spec.replicas");
    if replicas < 0 {
        let words = "must be greater than or equal to 0";
        errors.push(FieldError::invalid(
            &Path::new("spec.replicas"),
            replicas,
            words,
        ));
    }
    if !errors.is_empty() {
        return Err(Status::invalid("autoscaling", "Scale", name, &errors));
    }
    let (asked, uid) = (text(scale, "metadata.uid"), text(object, "metadata.uid"));
    if !asked.is_empty() && asked != uid {
        let why =
            format!("Precondition failed: UID in precondition: {asked}, UID in object meta: {uid}");
        return Err(Status::conflict(
            group,
            &format!("{plural}/scale"),
            name,
            &why,
        ));
    }
    let mut object = object.clone();
    put(&mut object, "spec.replicas", replicas);
    match text(scale, "metadata.resourceVersion") {
        "" => remove(&mut object, "metadata.resourceVersion"),
        version => put(&mut object, "metadata.resourceVersion", version),
    }
    Ok(object)
}

/// The selector as text; a ReplicationController's is a plain map of labels.
fn selector(group: &str, selector: &Value) -> Result<String, String> {
    let selector = match selector.as_object() {
        Some(labels) if group.is_empty() => LabelSelector::of_labels(labels),
        _ => LabelSelector::of(selector)?,
    };
    Ok(selector.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn deployment() -> Value {
        json!({
            "metadata": {"name": "a", "namespace": "x", "uid": "u", "resourceVersion": "7"},
            "spec": {
                "replicas": 0,
                "selector": {
                    "matchLabels": {"app": "a"},
                    "matchExpressions": [
                        {"key": "q", "operator": "DoesNotExist"},
                        {"key": "app", "operator": "In", "values": ["b", "a"]},
                    ],
                },
            },
            "status": {"replicas": 2},
        })
    }

    #[test]
    fn a_scale_tells_numbers_and_selector() {
        let mut object = deployment();
        let scale = of("apps", &object).unwrap();
        // As the real server does it: no replicas are not written.
        assert_eq!(scale["spec"], json!({}));
        assert_eq!(
            scale["status"],
            json!({"replicas": 2, "selector": "app=a,app in (a,b),!q"})
        );
        assert_eq!(scale["metadata"], object["metadata"]);
        object["spec"]["selector"] = json!({"b": "c", "a": "b"});
        assert_eq!(of("", &object).unwrap()["status"]["selector"], "a=b,b=c");
    }

    #[test]
    fn a_scale_changes_numbers_and_names_a_version() {
        let object = deployment();
        let scale = |uid: &str, version: &str, replicas: i64| {
            let metadata =
                json!({"name": "a", "namespace": "x", "uid": uid, "resourceVersion": version});
            json!({"metadata": metadata, "spec": {"replicas": replicas}})
        };
        let apply = |scale: &Value| apply("apps", "deployments", &object, scale);
        let made = apply(&scale("u", "", 3)).unwrap();
        assert_eq!(
            (
                int(&made, "spec.replicas"),
                text(&made, "metadata.resourceVersion")
            ),
            (3, "")
        );
        let made = apply(&scale("", "5", 0)).unwrap();
        assert_eq!(
            (
                int(&made, "spec.replicas"),
                text(&made, "metadata.resourceVersion")
            ),
            (0, "5")
        );
        let refused = apply(&scale("", "", -1)).unwrap_err();
        assert_eq!(
            (refused.code, refused.message.as_str()),
            (
                422,
                "Scale.autoscaling \"a\" is invalid: spec.replicas: Invalid value: -1: must be greater \
                 than or equal to 0"
            )
        );
        let refused = apply(&scale("v", "", 1)).unwrap_err();
        assert_eq!(
            (refused.code, refused.message.as_str()),
            (
                409,
                "Operation cannot be fulfilled on deployments/scale.apps \"a\": Precondition failed: \
                 UID in precondition: v, UID in object meta: u"
            )
        );
    }
}

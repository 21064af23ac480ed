//! Kinds that are served in several versions, or groups, of one stored object.
//!
//! Of what the real server serves by default these are HorizontalPodAutoscaler (autoscaling/v1 and
//! v2) and Event (v1 and events.k8s.io/v1): their versions have one `storageVersionHash` each.
//! [`scale`] is another form of the kinds that have replicas.

mod autoscaler;
mod event;
mod metric;
pub mod scale;

use serde_json::{Value, json};

use crate::sandbox::memory::kinds::workloads::read::text;
use crate::sandbox::memory::status::Status;

/// The group and version in which a resource's objects are stored, for those that have several.
pub fn stored(group: &str, plural: &str) -> Option<(&'static str, &'static str)> {
    match (group, plural) {
        ("autoscaling", "horizontalpodautoscalers") => Some(("autoscaling", "v2")),
        ("" | "events.k8s.io", "events") => Some(("", "v1")),
        _ => None,
    }
}

/// An object in that version, from whichever it has; `apiVersion` of the object tells.
///
/// # Errors
///
/// 400 when there is no way from the one to the other.
pub fn to(group: &str, version: &str, kind: &str, mut object: Value) -> Result<Value, Status> {
    let target = match group {
        "" => version.to_owned(),
        group => format!("{group}/{version}"),
    };
    let source = text(&object, "apiVersion");
    if source == target {
        return Ok(object);
    }
    match (kind, source, target.as_str()) {
        ("HorizontalPodAutoscaler", "autoscaling/v1", "autoscaling/v2") => {
            autoscaler::to_v2(&mut object);
        }
        ("HorizontalPodAutoscaler", "autoscaling/v2", "autoscaling/v1") => {
            autoscaler::to_v1(&mut object);
        }
        ("Event", "events.k8s.io/v1", "v1") => event::to_core(&mut object),
        ("Event", "v1", "events.k8s.io/v1") => event::to_events(&mut object),
        _ => {
            let message = format!("{kind} of {source:?} cannot be converted to {target:?}");
            return Err(Status::bad_request(message));
        }
    }
    if let Some(map) = object.as_object_mut() {
        map.insert("apiVersion".to_owned(), json!(target));
    }
    Ok(object)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_served_twice_is_converted() {
        let object = json!({"apiVersion": "apps/v1", "kind": "Deployment"});
        assert_eq!(
            to("apps", "v1", "Deployment", object.clone()),
            Ok(object.clone())
        );
        let refused = to("apps", "v2", "Deployment", object).map_err(|status| status.code);
        assert_eq!(refused, Err(400));
        assert_eq!(stored("events.k8s.io", "events"), Some(("", "v1")));
        assert_eq!(stored("apps", "deployments"), None);
    }
}

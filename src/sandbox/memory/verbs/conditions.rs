//! Conditions of pods that the server itself sets (`UpdatePodCondition` in pkg/api/pod/util.go).

use serde_json::{Value, json};

/// Makes a condition true, with a reason and a message, or without.
pub(super) fn set(pod: &mut Value, type_: &str, why: Option<[&str; 2]>, now: &str) {
    if !pod["status"]["conditions"].is_array() {
        pod["status"]["conditions"] = json!([]);
    }
    let Some(conditions) = pod["status"]["conditions"].as_array_mut() else {
        return;
    };
    let mut condition = json!({
        "type": type_, "status": "True", "lastProbeTime": null, "lastTransitionTime": now,
    });
    if let Some([reason, message]) = why {
        condition["reason"] = reason.into();
        condition["message"] = message.into();
    }
    match conditions.iter_mut().find(|known| known["type"] == type_) {
        Some(known) => {
            if known["status"] == "True" {
                condition["lastTransitionTime"] = known["lastTransitionTime"].take();
            }
            *known = condition;
        }
        None => conditions.push(condition),
    }
}

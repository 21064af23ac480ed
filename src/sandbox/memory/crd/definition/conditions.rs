//! Conditions of a CustomResourceDefinition (`pkg/apihelpers`).

use serde_json::{Value, json};

/// A condition as it is to be.
pub(super) struct Condition<'a> {
    pub(super) type_: &'a str,
    pub(super) status: &'a str,
    pub(super) reason: &'a str,
    pub(super) message: &'a str,
}

pub(super) fn find<'a>(definition: &'a Value, type_: &str) -> Option<&'a Value> {
    let all = definition["status"]["conditions"].as_array()?;
    all.iter().find(|condition| condition["type"] == type_)
}

pub(super) fn is_true(definition: &Value, type_: &str) -> bool {
    find(definition, type_).is_some_and(|condition| condition["status"] == "True")
}

/// Sets a condition; its time of transition changes with its status only.
pub(super) fn set(definition: &mut Value, condition: &Condition<'_>, now: &str) {
    let old = find(definition, condition.type_);
    let since = old
        .filter(|old| old["status"] == condition.status)
        .and_then(|old| old["lastTransitionTime"].as_str())
        .unwrap_or(now);
    let new = json!({
        "type": condition.type_,
        "status": condition.status,
        "lastTransitionTime": since,
        "reason": condition.reason,
        "message": condition.message,
    });
    let status = &mut definition["status"];
    if !status.is_object() {
        *status = json!({});
    }
    if !status["conditions"].is_array() {
        status["conditions"] = json!([]);
    }
    if let Some(all) = status["conditions"].as_array_mut() {
        match all.iter_mut().find(|old| old["type"] == condition.type_) {
            Some(old) => *old = new,
            None => all.push(new),
        }
    }
}

/// Whether a condition says all that already.
pub(super) fn says(definition: &Value, condition: &Condition<'_>) -> bool {
    find(definition, condition.type_).is_some_and(|old| {
        old["status"] == condition.status
            && old["reason"] == condition.reason
            && old["message"] == condition.message
    })
}

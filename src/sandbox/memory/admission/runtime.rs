//! The RuntimeClass plugin: what a pod's class adds to it
//! (k8s.io/kubernetes/plugin/pkg/admission/runtimeclass).

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::sandbox::memory::kinds::core::pod;
use crate::sandbox::memory::quantity::Quantity;
use crate::sandbox::memory::store::Store;

/// Gives a new pod the overhead, the node selector and the tolerations of its class.
///
/// Errors: why it may not be.
pub(super) fn admit(store: &Store, object: &mut Value) -> Result<(), String> {
    let class = match object["spec"]["runtimeClassName"].as_str() {
        None => Value::Null,
        Some(name) => {
            let shelf = store.shelf("node.k8s.io", "runtimeclasses");
            let found = store.get(shelf, name).map(|stored| stored.value());
            found.ok_or_else(|| format!("pod rejected: RuntimeClass {name:?} not found"))?
        }
    };
    let spec = &mut object["spec"];
    if class["overhead"].is_object() {
        let overhead = &class["overhead"]["podFixed"];
        let own = &spec["overhead"];
        if own.as_object().is_some_and(|own| !own.is_empty()) && !same(own, overhead) {
            let why = "pod rejected: Pod's Overhead doesn't match RuntimeClass's defined Overhead";
            return Err(why.to_owned());
        }
        if !overhead.is_null() {
            spec["overhead"] = overhead.clone();
        }
    } else if spec["overhead"].is_object() {
        let why =
            "pod rejected: Pod Overhead set without corresponding RuntimeClass defined Overhead";
        return Err(why.to_owned());
    }
    let scheduling = &class["scheduling"];
    for (key, value) in scheduling["nodeSelector"].as_object().into_iter().flatten() {
        let own = &spec["nodeSelector"][key];
        if !own.is_null() && own != value {
            let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
            return Err(format!(
                "conflict: runtimeClass.scheduling.nodeSelector[{key}] = {}; \
                 pod.spec.nodeSelector[{key}] = {}",
                text(value),
                text(own)
            ));
        }
        spec["nodeSelector"][key] = value.clone();
    }
    if scheduling.is_object() {
        // Which another plugin gives it before this one.
        let own = serde_json::from_value(spec["tolerations"].take());
        let mut own = own.unwrap_or_default();
        pod::tolerate(&mut own);
        let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
        let all = [list(&json!(own)), list(&scheduling["tolerations"])].concat();
        let merged = merge(&all);
        if !merged.is_empty() {
            spec["tolerations"] = json!(merged);
        }
    }
    Ok(())
}

fn same(one: &Value, other: &Value) -> bool {
    let amounts = |value: &Value| -> BTreeMap<String, Option<Quantity>> {
        let amounts = value.as_object().into_iter().flatten();
        let parsed = amounts.map(|(name, text)| {
            let text = text.as_str().unwrap_or_default();
            (name.clone(), Quantity::parse(text))
        });
        parsed.collect()
    };
    amounts(one) == amounts(other)
}

/// Without those that others say already.
fn merge(all: &[Value]) -> Vec<Value> {
    let mut merged: Vec<Value> = Vec::new();
    for (at, toleration) in all.iter().enumerate() {
        let said = merged.iter().any(|other| covers(other, toleration));
        let is_said_later = all[at + 1..]
            .iter()
            .any(|other| other != toleration && covers(other, toleration));
        if !said && !is_said_later {
            merged.push(toleration.clone());
        }
    }
    merged
}

/// Whether whatever `other` tolerates, `one` does, too.
fn covers(one: &Value, other: &Value) -> bool {
    let text = |value: &Value, field: &str| value[field].as_str().unwrap_or_default().to_owned();
    if one == other {
        return true;
    }
    let (key, operator, effect) = (text(one, "key"), text(one, "operator"), text(one, "effect"));
    if key != text(other, "key") && !(key.is_empty() && operator == "Exists") {
        return false;
    }
    if !effect.is_empty() && effect != text(other, "effect") {
        return false;
    }
    if effect == "NoExecute"
        && let Some(seconds) = one["tolerationSeconds"].as_i64()
        && other["tolerationSeconds"]
            .as_i64()
            .is_none_or(|other| other > seconds)
    {
        return false;
    }
    match operator.as_str() {
        "" | "Equal" => {
            text(other, "operator") == "Equal" && text(one, "value") == text(other, "value")
        }
        "Exists" => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tolerations_that_others_cover_are_left_out() {
        let one = json!({"key": "a", "operator": "Equal", "value": "1", "effect": "NoSchedule"});
        let every = json!({"key": "a", "operator": "Exists"});
        let other = json!({"key": "b", "operator": "Exists"});
        let all = [one.clone(), other.clone(), every.clone(), one];
        assert_eq!(merge(&all), [other, every]);
    }
}

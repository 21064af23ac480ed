//! Replays writes that a real server of version 1.36.3 answered, from the files in `cases`.
//!
//! A file begins with the plural. Then come writes: `create: ` with the object, and `update: ` or
//! `update status: ` with a merge patch to the object in the last line `old`. Indented below is what
//! the server said: errors in the order of their texts, `warning:` texts, and behind `=` the merge
//! patch that makes the answered object of the sent one, both without what is empty or zero.

use serde_json::{Map, Value, json};

use super::service::{self, Failure, Pools};
use crate::sandbox::memory::kinds::workloads::read::{keep, put, remove};
use crate::sandbox::memory::kinds::{Kind, Write};

/// Replays a file; every difference is in the message of the failure.
pub(super) fn replay(file: &str) {
    let mut lines = file.lines().peekable();
    let plural = lines.next().unwrap();
    let kind = super::of("", plural).unwrap();
    let mut old = Value::Null;
    let mut wrong = Vec::new();
    let mut count = 0;
    while let Some(line) = lines.next() {
        if let Some(text) = line.strip_prefix("old ") {
            old = serde_json::from_str(text).unwrap();
            continue;
        }
        let mut expected = Vec::new();
        while let Some(answer) = lines.peek().and_then(|line| line.strip_prefix("  ")) {
            expected.push(answer.to_owned());
            lines.next();
        }
        let (verb, text) = line.split_once(": ").unwrap();
        let change: Value = serde_json::from_str(text).unwrap();
        let is_service = plural == "services";
        let (sent, mut answers) = match verb.split_once(' ').unwrap_or((verb, "")) {
            ("create", _) => (change.clone(), create(kind, is_service, change)),
            (_, subresource) => {
                let mut object = old.clone();
                merge(&mut object, &change);
                let sent = object.clone();
                (sent, update(kind, is_service, subresource, object, &old))
            }
        };
        for answer in &mut expected {
            if let Some(text) = answer.strip_prefix("= ") {
                let mut made = plain(&sent);
                merge(&mut made, &serde_json::from_str(text).unwrap());
                *answer = format!("= {}", plain(&made));
            }
        }
        answers.sort();
        expected.sort();
        count += 1;
        if answers != expected {
            wrong.push(format!(
                "{line}\n  server {expected:#?}\n  here {answers:#?}"
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(count > 1, "no cases");
}

/// What the pipeline around a kind does, as far as kinds see it.
fn create(kind: &dyn Kind, is_service: bool, mut object: Value) -> Vec<String> {
    kind.default(&mut object);
    if is_service && let Err(answers) = allocate(&mut object, None) {
        return answers;
    }
    if kind.has_generation() {
        put(&mut object, "metadata.generation", 1);
    }
    kind.prepare_create(&mut object);
    let errors = kind.validate_create(&object);
    if !errors.is_empty() {
        return errors
            .iter()
            .map(|error| shown(error.to_string()))
            .collect();
    }
    made(kind, &object, None)
}

fn update(
    kind: &dyn Kind,
    is_service: bool,
    subresource: &str,
    mut object: Value,
    old: &Value,
) -> Vec<String> {
    kind.default(&mut object);
    if is_service && let Err(answers) = allocate(&mut object, Some(old)) {
        return answers;
    }
    put(&mut object, "metadata.resourceVersion", "1");
    keep(&mut object, old, "metadata.generation");
    let write = Write {
        subresource,
        is_patch: false,
    };
    kind.prepare_update(write, &mut object, old);
    let errors = kind.validate_update(write, &object, old);
    if !errors.is_empty() {
        return errors
            .iter()
            .map(|error| shown(error.to_string()))
            .collect();
    }
    made(kind, &object, Some(old))
}

/// Gives a Service its addresses as a dry run does, with one address and one port taken.
fn allocate(object: &mut Value, old: Option<&Value>) -> Result<(), Vec<String>> {
    let taken = json!({"spec": {"clusterIPs": ["127.96.9.9"], "ports": [{"nodePort": 30999}]}});
    let mut pools = Pools::new();
    pools.replace(None, Some(&taken));
    pools.replace(None, old);
    service::allocate(&pools, object, old, true).map_err(|failure| match failure {
        Failure::Invalid(errors) => errors
            .iter()
            .map(|error| shown(error.to_string()))
            .collect(),
        Failure::Internal(text) => vec![format!("Internal error occurred: {text}")],
    })
}

fn made(kind: &dyn Kind, object: &Value, old: Option<&Value>) -> Vec<String> {
    let warnings = kind.warnings(object, old).into_iter();
    let mut answers: Vec<String> = warnings.map(|text| format!("warning: {text}")).collect();
    answers.push(format!("= {}", plain(object)));
    answers
}

fn shown(error: String) -> String {
    error.replace('\n', "\\n")
}

/// An object without what is empty and what only a server knows, fields in the order of their names.
fn plain(object: &Value) -> Value {
    let mut object = object.clone();
    for field in ["uid", "creationTimestamp", "resourceVersion", "generation"] {
        remove(&mut object, &format!("metadata.{field}"));
    }
    strip(&mut object);
    object.sort_all_objects();
    object
}

fn strip(value: &mut Value) {
    match value {
        Value::Object(map) => strip_fields(map),
        Value::Array(items) => items.iter_mut().for_each(strip),
        _ => {}
    }
}

fn strip_fields(map: &mut Map<String, Value>) {
    const TIMES: [&str; 2] = ["lastTransitionTime", "lastPhaseTransitionTime"];
    const ZEROS: [&str; 3] = [
        "terminationGracePeriodSeconds",
        "priority",
        "tolerationSeconds",
    ];
    map.values_mut().for_each(strip);
    map.retain(|name, value| {
        let is_zero = [json!(0), json!(false)].contains(value) && !ZEROS.contains(&&**name);
        let is_empty = [json!(null), json!(""), json!([]), json!({})].contains(value);
        !is_zero && !is_empty && !TIMES.contains(&&**name)
    });
}

fn merge(value: &mut Value, patch: &Value) {
    let Some(fields) = patch.as_object() else {
        *value = patch.clone();
        return;
    };
    if !value.is_object() {
        *value = json!({});
    }
    let map = value.as_object_mut().unwrap();
    for (name, change) in fields {
        if change.is_null() {
            map.remove(name);
        } else {
            merge(map.entry(name.clone()).or_insert(Value::Null), change);
        }
    }
}

//! Replays writes that a real server of version 1.36.3 answered, from the files in `cases`.
//!
//! A file begins with the resource and an object that is well. Then come writes, each as the changes
//! to that object, such as `create spec.replicas=-1` (JSON behind the sign; nothing removes a field),
//! or to the object in the last line `old`, such as `update status: status.replicas=-1`. Indented
//! below is what the server said: errors, `warning:` texts, and `=` the object that it made of it.

use serde_json::{Value, json};

use super::read::{at, is_empty, keep, put, remove, slot};
use crate::sandbox::memory::kinds::{Kind, Write};

type Of = fn(&str, &str) -> Option<&'static dyn Kind>;

/// Replays a file; every difference is in the message of the failure.
pub(crate) fn replay(of: Of, file: &str) {
    let mut lines = file.lines().peekable();
    let head: Vec<&str> = lines.next().unwrap().split(' ').collect();
    let kind = of(head[0].trim_start_matches('-'), head[1]).unwrap();
    let base: Value = serde_json::from_str(lines.next().unwrap()).unwrap();
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
        let answers = match line.split_once(' ').unwrap_or((line, "")) {
            ("create", changes) => create(kind, changed(&base, changes)),
            (_, rest) => {
                let (subresource, changes) = rest.split_once(':').unwrap();
                update(kind, subresource, changed(&old, changes.trim_start()), &old)
            }
        };
        count += 1;
        let (made, answers) = answers.split_last().unwrap();
        let (results, expected): (Vec<String>, Vec<String>) = expected
            .into_iter()
            .partition(|line| line.starts_with("= "));
        let result = results
            .first()
            .map(|text| serde_json::from_str::<Value>(&text[2..]).unwrap());
        let is_made = result.is_none_or(|result| plain(result) == *made);
        if answers != expected || !is_made {
            wrong.push(format!(
                "{line}\n  server {expected:#?}\n  here {answers:#?}\n  {made}"
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(count > 1, "no cases");
}

fn changed(base: &Value, changes: &str) -> Value {
    let mut object = base.clone();
    for change in changes.split(" ; ").filter(|change| !change.is_empty()) {
        let (path, value) = change.split_once('=').unwrap();
        let place =
            path.split('.')
                .try_fold(&mut object, |value, name| match name.parse::<usize>() {
                    Ok(index) => value.get_mut(index),
                    Err(_) => slot(value, name),
                });
        match value {
            "" => remove(&mut object, path),
            value => *place.unwrap() = serde_json::from_str(value).unwrap(),
        }
    }
    object
}

/// What the pipeline around a kind does, as far as kinds see it; the last answer is the object.
fn create(kind: &dyn Kind, mut object: Value) -> Vec<String> {
    kind.default(&mut object);
    remove(&mut object, "status");
    put(&mut object, "metadata.uid", "UID");
    if kind.has_generation() {
        put(&mut object, "metadata.generation", 1);
    }
    kind.prepare_create(&mut object);
    let errors = kind.validate_create(&object);
    answers(
        kind,
        errors.iter().map(ToString::to_string).collect(),
        object,
        None,
    )
}

fn update(kind: &dyn Kind, subresource: &str, mut object: Value, old: &Value) -> Vec<String> {
    kind.default(&mut object);
    keep(&mut object, old, "metadata.generation");
    if subresource.is_empty() {
        keep(&mut object, old, "status");
    } else {
        let fields = old.as_object().unwrap().keys();
        for field in fields.filter(|field| !["metadata", "status"].contains(&field.as_str())) {
            keep(&mut object, old, field);
        }
    }
    let write = Write {
        subresource,
        is_patch: false,
    };
    kind.prepare_update(write, &mut object, old);
    let content = |object: &Value| {
        let mut content = object.clone();
        remove(&mut content, "metadata");
        remove(&mut content, "status");
        plain(content)
    };
    if kind.has_generation() && content(&object) != content(old) {
        let generation = at(old, "metadata.generation").as_i64().unwrap_or_default();
        put(&mut object, "metadata.generation", generation + 1);
    }
    let errors = kind.validate_update(write, &object, old);
    answers(
        kind,
        errors.iter().map(ToString::to_string).collect(),
        object,
        Some(old),
    )
}

fn answers(
    kind: &dyn Kind,
    mut answers: Vec<String>,
    object: Value,
    old: Option<&Value>,
) -> Vec<String> {
    if answers.is_empty() {
        let warnings = kind.warnings(&object, old).into_iter();
        answers.extend(warnings.map(|warning| format!("warning: {warning}")));
    }
    answers.push(plain(object));
    answers
}

/// An object without what is empty and what only a server knows, fields in the order of their names.
fn plain(mut object: Value) -> String {
    for field in ["uid", "creationTimestamp", "resourceVersion"] {
        remove(&mut object, &format!("metadata.{field}"));
    }
    strip(&mut object);
    object.sort_all_objects();
    object.to_string()
}

fn strip(value: &mut Value) {
    match value {
        Value::Object(map) => {
            map.values_mut().for_each(strip);
            map.retain(|_, value| !is_empty(value) && *value != json!(""));
        }
        Value::Array(items) => items.iter_mut().for_each(strip),
        _ => {}
    }
}

//! Checks that many kinds share, with the messages of `pkg/apis/core/validation`,
//! `pkg/apis/apps/validation` and apimachinery's `pkg/apis/meta/v1/validation`.

use serde_json::{Map, Value, json};

use super::read::{at, entries, int, items, number, same, text, texts};
use crate::sandbox::memory::field::{FieldError, Path, Wrong};
use crate::sandbox::memory::kinds::meta;
use crate::sandbox::memory::kinds::pod::resources;
use crate::sandbox::memory::names;
use crate::sandbox::memory::selector::LabelSelector;

const NEGATIVE: &str = "must be greater than or equal to 0";
const IMMUTABLE: &str = "field is immutable";

/// One error for each thing that is wrong with a value.
pub(crate) fn invalid_each(path: &Path, value: &str, wrong: Vec<String>) -> Vec<FieldError> {
    let errors = wrong.into_iter();
    errors
        .map(|detail| FieldError::invalid(path, value, detail))
        .collect()
}

/// An object that is wrong as a whole; its value is not shown.
pub(crate) fn invalid_whole(path: &Path, detail: &str) -> FieldError {
    FieldError {
        wrong: Wrong::Invalid,
        path: path.clone(),
        value: String::new(),
        detail: detail.to_owned(),
    }
}

/// A number that is below 0.
pub(crate) fn nonnegative(value: i64, path: &Path) -> Option<FieldError> {
    (value < 0).then(|| FieldError::invalid(path, value, NEGATIVE))
}

/// Fields of an object that are below 0.
pub(crate) fn nonnegatives(object: &Value, fields: &[&str], path: &Path) -> Vec<FieldError> {
    let numbers = fields
        .iter()
        .filter_map(|field| Some((field, number(object, field)?)));
    numbers
        .filter_map(|(field, value)| nonnegative(value, &path.child(field)))
        .collect()
}

/// Counts of a status that are above another count.
pub(crate) fn not_above(
    status: &Value,
    fields: &[&str],
    limit: &str,
    words: &str,
    path: &Path,
) -> Vec<FieldError> {
    let most = int(status, limit);
    let counts = fields.iter().map(|field| (field, int(status, field)));
    let above = counts.filter(|(_, count)| *count > most);
    above
        .map(|(field, count)| FieldError::invalid(&path.child(field), count, words))
        .collect()
}

/// `status.collisionCount` that went down.
pub(crate) fn collisions_counted_down(object: &Value, old: &Value) -> Option<FieldError> {
    let count = "status.collisionCount";
    let before = number(old, count)?;
    let now = number(object, count);
    let words = "cannot be decremented";
    (now.is_none_or(|now| now < before))
        .then(|| FieldError::invalid(&Path::new(count), now.unwrap_or_default(), words))
}

/// A field that changed and may not (`ValidateImmutableField`).
pub(crate) fn immutable(object: &Value, old: &Value, field: &str) -> Option<FieldError> {
    immutable_value(at(object, field), at(old, field), &Path::new(field))
}

/// See [`immutable`].
pub(crate) fn immutable_value(new: &Value, old: &Value, path: &Path) -> Option<FieldError> {
    (!same(new, old)).then(|| FieldError::invalid(path, new.clone(), IMMUTABLE))
}

/// A label selector that changed and may not.
pub(crate) fn immutable_selector(object: &Value, old: &Value, field: &str) -> Option<FieldError> {
    let new = at(object, field);
    (new != at(old, field))
        .then(|| FieldError::invalid(&Path::new(field), shown_selector(new), IMMUTABLE))
}

/// `ValidateLabelSelector`. Nothing is wrong with a selector that is not there.
pub(crate) fn selector(selector: &Value, path: &Path) -> Vec<FieldError> {
    let mut errors = meta::labels(selector, "matchLabels", &path.child("matchLabels"));
    for (index, term) in items(selector, "matchExpressions").iter().enumerate() {
        let path = path.child("matchExpressions").index(index);
        let values = texts(term, "values");
        let operator = text(term, "operator");
        match operator {
            "In" | "NotIn" if values.is_empty() => errors.push(FieldError::required(
                &path.child("values"),
                "must be specified when `operator` is 'In' or 'NotIn'",
            )),
            "Exists" | "DoesNotExist" if !values.is_empty() => errors.push(FieldError::forbidden(
                &path.child("values"),
                "may not be specified when `operator` is 'Exists' or 'DoesNotExist'",
            )),
            "In" | "NotIn" | "Exists" | "DoesNotExist" => {}
            _ => errors.push(FieldError::invalid(
                &path.child("operator"),
                operator,
                "not a valid selector operator",
            )),
        }
        let key = text(term, "key");
        errors.extend(invalid_each(
            &path.child("key"),
            key,
            names::qualified_name(key),
        ));
        for (index, value) in values.into_iter().enumerate() {
            let path = path.child("values").index(index);
            errors.extend(invalid_each(&path, value, names::label_value(value)));
        }
    }
    errors
}

/// Whether a selector has no terms.
pub(crate) fn selects_all(selector: &Value) -> bool {
    items(selector, "matchExpressions").is_empty() && entries(selector, "matchLabels").is_empty()
}

/// Whether a selector without errors selects these labels; one that is not there selects nothing.
pub(crate) fn selects(selector: &Value, labels: &Value) -> bool {
    LabelSelector::of(selector).is_ok_and(|selector| selector.matches(labels))
}

/// A selector as Go writes it: fields and keys in its order.
pub(crate) fn shown_selector(selector: &Value) -> Value {
    if selector.is_null() {
        return Value::Null;
    }
    let mut shown = Map::new();
    if !entries(selector, "matchLabels").is_empty() {
        shown.insert(
            "matchLabels".to_owned(),
            shown_map(at(selector, "matchLabels")),
        );
    }
    let terms = items(selector, "matchExpressions").iter().map(|term| {
        let mut shown = json!({"key": at(term, "key"), "operator": at(term, "operator")});
        if !items(term, "values").is_empty() {
            shown["values"] = at(term, "values").clone();
        }
        shown
    });
    let terms: Vec<Value> = terms.collect();
    if !terms.is_empty() {
        shown.insert("matchExpressions".to_owned(), Value::Array(terms));
    }
    Value::Object(shown)
}

/// A map as Go writes it: keys in order, and null for none.
pub(crate) fn shown_map(map: &Value) -> Value {
    let Some(map) = map.as_object() else {
        return Value::Null;
    };
    let mut keys: Vec<&String> = map.keys().collect();
    keys.sort_unstable();
    let sorted = keys
        .into_iter()
        .filter_map(|key| Some((key.clone(), map.get(key)?.clone())));
    Value::Object(sorted.collect())
}

/// `ValidatePositiveIntOrPercent`.
pub(crate) fn int_or_percent(value: &Value, path: &Path) -> Vec<FieldError> {
    match value {
        Value::String(text) => invalid_each(path, text, names::percent(text)),
        _ => nonnegative(value.as_i64().unwrap_or_default(), path)
            .into_iter()
            .collect(),
    }
}

/// `IsNotMoreThan100Percent`.
pub(crate) fn above_100_percent(value: &Value, path: &Path) -> Option<FieldError> {
    (value.is_string() && amount(value) > 100)
        .then(|| FieldError::invalid(path, value.clone(), "must not be greater than 100%"))
}

/// An amount or share that is no pointer in Go: 0 where it is not given.
pub(crate) fn shown_int_or_text(value: &Value) -> Value {
    if value.is_null() {
        json!(0)
    } else {
        value.clone()
    }
}

/// The number in an amount or a share, 0 where it is none (`getIntOrPercentValue`).
pub(crate) fn amount(value: &Value) -> i64 {
    match value {
        Value::String(text) if names::percent(text).is_empty() => {
            // More digits than fit are the largest number to Go.
            text.trim_end_matches('%').parse().unwrap_or(i64::MAX)
        }
        Value::String(text) => text.parse().unwrap_or_default(),
        _ => value.as_i64().unwrap_or_default(),
    }
}

/// The warning for names that become names of pods.
pub(crate) fn pod_name_warning(object: &Value) -> Option<String> {
    let wrong = names::dns1123_label(text(object, "metadata.name"));
    (!wrong.is_empty()).then(|| {
        format!(
            "metadata.name: this is used in Pod names and hostnames, which can result in surprising \
             behavior; a DNS label is recommended: [{}]",
            wrong.join(" ")
        )
    })
}

/// `ValidateConditions` of meta/v1 conditions.
pub(crate) fn conditions(status: &Value, path: &Path) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let mut seen = std::collections::HashSet::new();
    for (index, condition) in items(status, "conditions").iter().enumerate() {
        let path = path.child("conditions").index(index);
        let type_ = text(condition, "type");
        if !seen.insert(type_) {
            errors.push(FieldError::duplicate(&path.child("type"), type_));
        }
        errors.extend(invalid_each(
            &path.child("type"),
            type_,
            names::qualified_name(type_),
        ));
        let state = text(condition, "status");
        if !["False", "True", "Unknown"].contains(&state) {
            let supported = ["False", "True", "Unknown"];
            errors.push(FieldError::not_supported(
                &path.child("status"),
                state,
                &supported,
            ));
        }
        if let Some(generation) = number(condition, "observedGeneration").filter(|g| *g < 0) {
            errors.push(FieldError::invalid(
                &path.child("observedGeneration"),
                generation,
                "must be greater than or equal to zero",
            ));
        }
        if at(condition, "lastTransitionTime").is_null() {
            errors.push(FieldError::required(&path.child("lastTransitionTime"), ""));
        }
        errors.extend(condition_reason(
            text(condition, "reason"),
            &path.child("reason"),
        ));
        if text(condition, "message").len() > 32 * 1024 {
            errors.push(FieldError::too_long(&path.child("message"), 32 * 1024));
        }
    }
    errors
}

fn condition_reason(reason: &str, path: &Path) -> Vec<FieldError> {
    if reason.is_empty() {
        return vec![FieldError::required(path, "")];
    }
    let mut errors = Vec::new();
    let is_fine = reason.starts_with(|c: char| c.is_ascii_alphabetic())
        && reason
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"_,:".contains(&b))
        && !reason.ends_with([',', ':']);
    if !is_fine {
        let words = names::regex_error(
            "a condition reason must start with alphabetic character, optionally followed by a \
             string of alphanumeric characters or '_,:', and must end with an alphanumeric \
             character or '_'",
            "[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?",
            &[
                "my_name",
                "MY_NAME",
                "MyName",
                "ReasonA,ReasonB",
                "ReasonA:ReasonB",
            ],
        );
        errors.push(FieldError::invalid(path, reason, words));
    }
    if reason.len() > 1024 {
        errors.push(FieldError::too_long(path, 1024));
    }
    errors
}

/// `IsDomainPrefixedPath`.
pub(crate) fn domain_prefixed_path(value: &str, path: &Path) -> Vec<FieldError> {
    if value.is_empty() {
        return vec![FieldError::required(path, "")];
    }
    let Some((host, rest)) = value
        .split_once('/')
        .filter(|(h, r)| !h.is_empty() && !r.is_empty())
    else {
        let words = "must be a domain-prefixed path (such as \"acme.io/foo\")";
        return vec![FieldError::invalid(path, value, words)];
    };
    let mut errors = invalid_each(path, host, names::dns1123_subdomain(host));
    let is_fine = |b: u8| b.is_ascii_alphanumeric() || b"/-._~%!$&'()*+,;=:".contains(&b);
    if !rest.bytes().all(is_fine) {
        let words = names::regex_error("Invalid path", "[A-Za-z0-9/\\-._~%!$&'()*+,;=:]+", &[]);
        errors.push(FieldError::invalid(path, rest, words));
    }
    errors
}

/// `ValidateContainerResourceName`.
pub(crate) fn container_resource_name(name: &str, path: &Path) -> Vec<FieldError> {
    let mut errors = Vec::new();
    resources::resource_name(&mut errors, name, path);
    let of_containers = ["cpu", "memory", "ephemeral-storage"];
    if !name.contains('/') {
        if !of_containers.contains(&name) && !name.starts_with("hugepages-") {
            let words = "must be a standard resource for containers";
            errors.push(FieldError::invalid(path, name, words));
        }
    } else if !resources::is_native(name) && !resources::is_extended(name) {
        let words = "doesn't follow extended resource name standard";
        errors.push(FieldError::invalid(path, name, words));
    }
    errors
}

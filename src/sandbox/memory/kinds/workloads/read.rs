//! Reading and filling decoded objects, the way Go's structs read: what is absent or null is the
//! zero value of what is asked for. Paths are names joined by dots.

use serde_json::{Map, Value};

static NULL: Value = Value::Null;

/// The value at a path; null where there is none.
pub(crate) fn at<'a>(value: &'a Value, path: &str) -> &'a Value {
    path.split('.')
        .try_fold(value, |value, name| value.get(name))
        .unwrap_or(&NULL)
}

/// The value at a path, where one is given: a pointer that is not nil.
pub(crate) fn given<'a>(value: &'a Value, path: &str) -> Option<&'a Value> {
    Some(at(value, path)).filter(|value| !value.is_null())
}

/// Text; empty where there is none.
pub(crate) fn text<'a>(value: &'a Value, path: &str) -> &'a str {
    at(value, path).as_str().unwrap_or_default()
}

/// A whole number where one is given.
pub(crate) fn number(value: &Value, path: &str) -> Option<i64> {
    at(value, path).as_i64()
}

/// A whole number; 0 where there is none.
pub(crate) fn int(value: &Value, path: &str) -> i64 {
    number(value, path).unwrap_or_default()
}

/// Whether it is true.
pub(crate) fn flag(value: &Value, path: &str) -> bool {
    at(value, path).as_bool().unwrap_or_default()
}

/// A list's items.
pub(crate) fn items<'a>(value: &'a Value, path: &str) -> &'a [Value] {
    at(value, path)
        .as_array()
        .map(Vec::as_slice)
        .unwrap_or_default()
}

/// A list of text.
pub(crate) fn texts<'a>(value: &'a Value, path: &str) -> Vec<&'a str> {
    items(value, path)
        .iter()
        .map(|item| item.as_str().unwrap_or_default())
        .collect()
}

/// A map of text, by its keys in order, as Go writes maps.
pub(crate) fn entries<'a>(value: &'a Value, path: &str) -> Vec<(&'a str, &'a str)> {
    let map = at(value, path).as_object().into_iter().flatten();
    let mut all: Vec<(&str, &str)> = map
        .map(|(key, value)| (key.as_str(), value.as_str().unwrap_or_default()))
        .collect();
    all.sort_unstable();
    all
}

/// One entry of a map, whose keys may contain dots.
pub(crate) fn entry<'a>(value: &'a Value, path: &str, key: &str) -> Option<&'a str> {
    at(value, path).get(key).and_then(Value::as_str)
}

/// Whether two values are the same to Kubernetes: nothing and an empty list or map are.
pub(crate) fn same(one: &Value, other: &Value) -> bool {
    one == other || (is_empty(one) && is_empty(other))
}

/// Whether there is nothing: null, or a list or map without items.
pub(crate) fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(items) => items.is_empty(),
        Value::Object(map) => map.is_empty(),
        _ => false,
    }
}

/// The place at a path, made where it is missing; `None` where something else is in the way.
pub(crate) fn slot<'a>(value: &'a mut Value, path: &str) -> Option<&'a mut Value> {
    path.split('.')
        .try_fold(value, |value, name| slot_of(value, name))
}

/// The place of one key, which may contain dots.
pub(crate) fn slot_of<'a>(value: &'a mut Value, key: &str) -> Option<&'a mut Value> {
    if value.is_null() {
        *value = Value::Object(Map::new());
    }
    Some(
        value
            .as_object_mut()?
            .entry(key.to_owned())
            .or_insert(Value::Null),
    )
}

/// The place at a path where something is given.
pub(crate) fn given_mut<'a>(value: &'a mut Value, path: &str) -> Option<&'a mut Value> {
    let place = path
        .split('.')
        .try_fold(value, |value, name| value.get_mut(name));
    place.filter(|value| !value.is_null())
}

/// A list's items, to change.
pub(crate) fn items_mut<'a>(value: &'a mut Value, path: &str) -> &'a mut [Value] {
    given_mut(value, path)
        .and_then(Value::as_array_mut)
        .map(Vec::as_mut_slice)
        .unwrap_or_default()
}

/// Sets what is not given.
pub(crate) fn fill(value: &mut Value, path: &str, default: impl Into<Value>) {
    if let Some(place) = slot(value, path)
        && place.is_null()
    {
        *place = default.into();
    }
}

/// Sets text that is not given or empty.
pub(crate) fn fill_text(value: &mut Value, path: &str, default: &str) {
    if text(value, path).is_empty() {
        put(value, path, default);
    }
}

/// Sets a number that is not given or 0.
pub(crate) fn fill_zero(value: &mut Value, path: &str, default: i64) {
    if int(value, path) == 0 {
        put(value, path, default);
    }
}

/// Sets a value.
pub(crate) fn put(value: &mut Value, path: &str, new: impl Into<Value>) {
    if let Some(place) = slot(value, path) {
        *place = new.into();
    }
}

/// Removes a value, if it is there.
pub(crate) fn remove(value: &mut Value, path: &str) {
    let (parent, name) = match path.rsplit_once('.') {
        Some((parent, name)) => (given_mut(value, parent), name),
        None => (Some(value), path),
    };
    if let Some(map) = parent.and_then(Value::as_object_mut) {
        map.shift_remove(name);
    }
}

/// Puts back what stands at a path in the old object, or nothing where nothing does.
pub(crate) fn keep(value: &mut Value, old: &Value, path: &str) {
    match given(old, path) {
        Some(old) => put(value, path, old.clone()),
        None => remove(value, path),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn absence_reads_as_zero_and_fills() {
        let mut object = json!({"spec": {"a": null, "b": [], "c": 0, "d": "x"}});
        assert_eq!(
            (
                int(&object, "spec.c"),
                number(&object, "spec.a"),
                text(&object, "spec.d")
            ),
            (0, None, "x")
        );
        assert!(items(&object, "spec.d").is_empty() && entries(&object, "spec.b").is_empty());
        assert!(same(at(&object, "spec.a"), at(&object, "spec.b")));
        assert!(!same(at(&object, "spec.a"), at(&object, "spec.c")));
        fill(&mut object, "spec.a", 1);
        fill(&mut object, "spec.c", 1);
        fill(&mut object, "spec.e.f", 1);
        fill(&mut object, "spec.d.f", 1);
        remove(&mut object, "spec.b");
        remove(&mut object, "spec.d.f");
        assert_eq!(
            object,
            json!({"spec": {"a": 1, "c": 0, "d": "x", "e": {"f": 1}}})
        );
        keep(&mut object, &json!({"spec": {"a": 2}}), "spec.a");
        keep(&mut object, &json!({"spec": {"a": 2}}), "spec.c");
        assert_eq!(object, json!({"spec": {"a": 2, "d": "x", "e": {"f": 1}}}));
    }
}

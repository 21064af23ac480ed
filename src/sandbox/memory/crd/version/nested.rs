//! Values at paths without lists (`NestedInt64` and its like of `unstructured`).

use serde_json::{Map, Value};

use super::super::go;

/// The steps of a path such as `.spec.replicas`.
pub(super) fn steps(path: &str) -> Vec<&str> {
    path.strip_prefix('.').unwrap_or(path).split('.').collect()
}

/// The integer at a path; `None` when nothing is there.
pub(super) fn integer(object: &Value, path: &str) -> Result<Option<i64>, String> {
    let Some(value) = find(object, path)? else {
        return Ok(None);
    };
    let integer = value.as_number().and_then(go::integer);
    integer
        .map(Some)
        .ok_or_else(|| wrong(&steps(path), value, "int64"))
}

/// The text at a path; `None` when nothing is there.
pub(super) fn text<'a>(object: &'a Value, path: &str) -> Result<Option<&'a str>, String> {
    let Some(value) = find(object, path)? else {
        return Ok(None);
    };
    value
        .as_str()
        .map(Some)
        .ok_or_else(|| wrong(&steps(path), value, "string"))
}

/// Puts a value at a path, making what is missing on the way.
pub(super) fn set(object: &mut Value, path: &str, value: Value) -> Result<(), String> {
    let mut at = object;
    for step in steps(path) {
        let Value::Object(fields) = at else {
            let (value, type_) = (go::sprint(at), go_type(at));
            return Err(format!(
                "value cannot be set because {value} is not a map[string]interface{{}}: {type_}"
            ));
        };
        at = fields
            .entry(step)
            .or_insert_with(|| Value::Object(Map::new()));
    }
    *at = value;
    Ok(())
}

fn find<'a>(object: &'a Value, path: &str) -> Result<Option<&'a Value>, String> {
    let steps = steps(path);
    let mut at = object;
    for (number, step) in steps.iter().enumerate() {
        match at {
            Value::Null => return Ok(None),
            Value::Object(fields) => match fields.get(*step) {
                Some(value) => at = value,
                None => return Ok(None),
            },
            value => return Err(wrong(&steps[..=number], value, "map[string]interface{}")),
        }
    }
    Ok(Some(at))
}

fn wrong(steps: &[&str], value: &Value, expected: &str) -> String {
    let (path, type_, value) = (steps.join("."), go_type(value), go::sprint(value));
    format!(".{path} accessor error: {value} is of the type {type_}, expected {expected}")
}

fn go_type(value: &Value) -> &'static str {
    match value {
        Value::Null => "<nil>",
        Value::Bool(_) => "bool",
        Value::Number(number) if go::integer(number).is_some() => "int64",
        Value::Number(_) => "float64",
        Value::String(_) => "string",
        Value::Array(_) => "[]interface {}",
        Value::Object(_) => "map[string]interface {}",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// The sentences are those of apimachinery.
    #[test]
    fn values_are_read() {
        let object = json!({"a": {"b": 5, "c": "x", "n": null, "f": 1.5}, "n": null});
        for (path, expected) in [
            (".a.b", Ok(Some(5))),
            (".a.x", Ok(None)),
            (".n.x", Ok(None)),
            (
                ".a.c",
                Err(".a.c accessor error: x is of the type string, expected int64"),
            ),
            (
                ".a.f",
                Err(".a.f accessor error: 1.5 is of the type float64, expected int64"),
            ),
            (
                ".a.n",
                Err(".a.n accessor error: <nil> is of the type <nil>, expected int64"),
            ),
            (
                ".a.b.c",
                Err(
                    ".a.b.c accessor error: 5 is of the type int64, expected map[string]interface{}",
                ),
            ),
        ] {
            assert_eq!(
                integer(&object, path),
                expected.map_err(str::to_owned),
                "{path}"
            );
        }
        assert_eq!(text(&object, ".a.c"), Ok(Some("x")));
    }

    #[test]
    fn values_are_set() {
        let mut object = json!({"a": {"b": 5}});
        assert_eq!(set(&mut object, ".a.c.d", json!(1)), Ok(()));
        assert_eq!(object, json!({"a": {"b": 5, "c": {"d": 1}}}));
        assert!(set(&mut object, ".a.b.d", json!(1)).is_err());
    }
}

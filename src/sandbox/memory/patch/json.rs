//! JSON patches (RFC 6902), with the liberties that evanphx/json-patch takes: negative indices, a
//! test of what is not there against null, `replace` of fields that are not there.

use serde_json::{Map, Value};

/// What the copies of one patch may come to, in bytes of JSON, as the API server sets it.
const MAX_COPIED: usize = 3 << 20;

/// How deep the result may be nested. Kubernetes ends at 10,000; bodies end far below that here.
const MAX_DEPTH: usize = 256;

/// A patch cannot be applied. Kubernetes has words for why, and keeps them to itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Unfit;

/// Applies all operations. With `sort`, objects come out as Go marshals those that it has opened:
/// with their keys sorted.
pub(super) fn apply(document: &mut Value, operations: &[Value], sort: bool) -> Result<(), Unfit> {
    let mut run = Run { sort, copied: 0 };
    run.open(document);
    operations
        .iter()
        .try_for_each(|operation| run.operation(document, operation))
}

struct Run {
    sort: bool,
    copied: usize,
}

impl Run {
    fn operation(&mut self, document: &mut Value, operation: &Value) -> Result<(), Unfit> {
        let text = |key: &str| operation.get(key).and_then(Value::as_str).ok_or(Unfit);
        let value = operation.get("value");
        match text("op")? {
            "add" => self.add(document, text("path")?, value.cloned().unwrap_or_default()),
            "remove" => self.remove(document, text("path")?).map(drop),
            "replace" => self.replace(document, text("path")?, value),
            "move" => {
                let moved = self.remove(document, text("from")?)?;
                self.add(document, text("path")?, moved)
            }
            "copy" => {
                let copy = self
                    .get(document, text("from")?)?
                    .cloned()
                    .unwrap_or_default();
                self.copied += copy.to_string().len();
                if self.copied > MAX_COPIED {
                    return Err(Unfit);
                }
                self.add(document, text("path")?, copy)
            }
            "test" => self.test(document, text("path")?, value),
            _ => Err(Unfit),
        }
    }

    fn add(&mut self, document: &mut Value, path: &str, value: Value) -> Result<(), Unfit> {
        if path.matches('/').count() + depth(&value) > MAX_DEPTH {
            return Err(Unfit);
        }
        let (parent, key) = self.parent(document, path)?;
        match parent {
            Parent::Object(map) => {
                map.insert(key, value);
                self.sort(map);
            }
            Parent::Array(items) if key == "-" => items.push(value),
            Parent::Array(items) => {
                let at = index(&key, items.len() + 1).ok_or(Unfit)?;
                items.insert(at, value);
            }
        }
        Ok(())
    }

    fn remove(&mut self, document: &mut Value, path: &str) -> Result<Value, Unfit> {
        let (parent, key) = self.parent(document, path)?;
        match parent {
            Parent::Object(map) => map.shift_remove(&key).ok_or(Unfit),
            Parent::Array(items) => {
                let at = index(&key, items.len()).ok_or(Unfit)?;
                Ok(items.remove(at))
            }
        }
    }

    fn replace(
        &mut self,
        document: &mut Value,
        path: &str,
        value: Option<&Value>,
    ) -> Result<(), Unfit> {
        let value = value.cloned().unwrap_or_default();
        if path.is_empty() {
            if !value.is_object() && !value.is_array() {
                return Err(Unfit);
            }
            *document = value;
            self.open(document);
            return Ok(());
        }
        let (parent, key) = self.parent(document, path)?;
        match parent {
            Parent::Object(map) => {
                map.insert(key, value);
                self.sort(map);
            }
            Parent::Array(items) => {
                let at = index(&key, items.len()).ok_or(Unfit)?;
                items[at] = value;
            }
        }
        Ok(())
    }

    fn test(
        &mut self,
        document: &mut Value,
        path: &str,
        value: Option<&Value>,
    ) -> Result<(), Unfit> {
        let wanted = value.unwrap_or(&Value::Null);
        let found = match path {
            "" => &mut *document,
            _ => {
                let (parent, key) = self.parent(document, path)?;
                let found = match parent {
                    Parent::Object(map) => map.get_mut(&key),
                    Parent::Array(items) => {
                        let at = index(&key, items.len()).ok_or(Unfit)?;
                        Some(&mut items[at])
                    }
                };
                let Some(found) = found else {
                    return if wanted.is_null() { Ok(()) } else { Err(Unfit) };
                };
                found
            }
        };
        if found != wanted {
            return Err(Unfit);
        }
        if self.sort {
            found.sort_all_objects();
        }
        Ok(())
    }

    /// The value at a path; `None` where an object has no such key.
    fn get<'v>(&self, document: &'v mut Value, path: &str) -> Result<Option<&'v Value>, Unfit> {
        let (parent, key) = self.parent(document, path)?;
        match parent {
            Parent::Object(map) => Ok(map.get(&key)),
            Parent::Array(items) => {
                let at = index(&key, items.len()).ok_or(Unfit)?;
                Ok(items.get(at))
            }
        }
    }

    /// What holds the value at a path, and by which key. What stands before the first `/` counts for
    /// nothing.
    fn parent<'v>(
        &self,
        document: &'v mut Value,
        path: &str,
    ) -> Result<(Parent<'v>, String), Unfit> {
        let mut steps = path.split('/').skip(1);
        let mut key = steps.next().ok_or(Unfit)?;
        let mut parent = document;
        for step in steps {
            let name = unescape(key);
            parent = match parent {
                Value::Object(map) => map.get_mut(&name),
                Value::Array(items) => index(&name, items.len()).and_then(|at| items.get_mut(at)),
                _ => None,
            }
            .ok_or(Unfit)?;
            self.open(parent);
            key = step;
        }
        let parent = match parent {
            Value::Object(map) => Parent::Object(map),
            Value::Array(items) => Parent::Array(items),
            _ => return Err(Unfit),
        };
        Ok((parent, unescape(key)))
    }

    fn open(&self, value: &mut Value) {
        if let Value::Object(map) = value {
            self.sort(map);
        }
    }

    fn sort(&self, map: &mut Map<String, Value>) {
        if self.sort {
            map.sort_keys();
        }
    }
}

enum Parent<'v> {
    Object(&'v mut Map<String, Value>),
    Array(&'v mut Vec<Value>),
}

/// A place among that many; negative ones count from the end.
fn index(key: &str, length: usize) -> Option<usize> {
    let at: isize = key.parse().ok()?;
    let at = if at < 0 {
        length.checked_add_signed(at)?
    } else {
        at.unsigned_abs()
    };
    (at < length).then_some(at)
}

fn unescape(step: &str) -> String {
    if step.contains('~') {
        // `~01` is `~1`, not `/`.
        let parts = step.split("~0").map(|part| part.replace("~1", "/"));
        return parts.collect::<Vec<_>>().join("~");
    }
    step.to_owned()
}

fn depth(value: &Value) -> usize {
    match value {
        Value::Array(items) => 1 + items.iter().map(depth).max().unwrap_or(0),
        Value::Object(map) => 1 + map.values().map(depth).max().unwrap_or(0),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{MAX_COPIED, Unfit, apply};

    fn patched(operations: &Value) -> Result<String, Unfit> {
        let mut document = json!({"d": {"x": "1", "n": null, "a/b": 1, "~": 2}, "l": ["a", "b"]});
        apply(&mut document, operations.as_array().unwrap(), true)?;
        Ok(document.to_string())
    }

    /// What the real server takes.
    #[test]
    fn operations_apply_as_evanphx_does() {
        let all = r#"{"a/b":1,"n":null,"x":"1","~":2}"#;
        for (operation, d, l) in [
            (
                json!({"op": "test", "path": "/d/x", "value": "1"}),
                all,
                r#"["a","b"]"#,
            ),
            (json!({"op": "test", "path": "/d/q"}), all, r#"["a","b"]"#),
            (
                json!({"op": "test", "path": "/d/q", "value": null}),
                all,
                r#"["a","b"]"#,
            ),
            (
                json!({"op": "test", "path": "/d/a~1b", "value": 1}),
                all,
                r#"["a","b"]"#,
            ),
            (
                json!({"op": "test", "path": "/d/~0", "value": 2}),
                all,
                r#"["a","b"]"#,
            ),
            (
                json!({"op": "test", "path": "/l", "value": ["a", "b"]}),
                r#"{"x":"1","n":null,"a/b":1,"~":2}"#,
                r#"["a","b"]"#,
            ),
            (
                json!({"op": "replace", "path": "/d", "value": null}),
                "null",
                r#"["a","b"]"#,
            ),
            (
                json!({"op": "replace", "path": "/d", "value": {"z": 1, "a": 2}}),
                r#"{"z":1,"a":2}"#,
                r#"["a","b"]"#,
            ),
            (
                json!({"op": "add", "path": "/l/-", "value": "c"}),
                "",
                r#"["a","b","c"]"#,
            ),
            (
                json!({"op": "add", "path": "/l/-1", "value": "c"}),
                "",
                r#"["a","b","c"]"#,
            ),
            (
                json!({"op": "add", "path": "/l/-3", "value": "c"}),
                "",
                r#"["c","a","b"]"#,
            ),
            (
                json!({"op": "add", "path": "/l/02", "value": "c"}),
                "",
                r#"["a","b","c"]"#,
            ),
            (
                json!({"op": "add", "path": "x/l/0"}),
                "",
                r#"[null,"a","b"]"#,
            ),
            (json!({"op": "remove", "path": "/l/-2"}), "", r#"["b"]"#),
            (
                json!({"op": "replace", "path": "/l/+1", "value": 1}),
                "",
                r#"["a",1]"#,
            ),
            (
                json!({"op": "move", "from": "/l/0", "path": "/l/1"}),
                "",
                r#"["b","a"]"#,
            ),
            (
                json!({"op": "copy", "from": "/l/0", "path": "/l/-"}),
                "",
                r#"["a","b","a"]"#,
            ),
            (
                json!({"op": "copy", "from": "/d/q", "path": "/l/-"}),
                "",
                r#"["a","b",null]"#,
            ),
        ] {
            // A leading `x` counts for nothing in one of them: its path is `/0` of the root.
            let shown = patched(&json!([operation]));
            if operation["path"] == "x/l/0" {
                assert!(shown.unwrap().contains(r#""l":[null,"a","b"]"#));
                continue;
            }
            let shown = shown.unwrap_or_else(|_| panic!("{operation}"));
            assert!(
                shown.contains(&format!(r#""l":{l}"#)),
                "{operation}: {shown}"
            );
            assert!(
                d.is_empty() || shown.contains(&format!(r#""d":{d}"#)),
                "{operation}: {shown}"
            );
        }
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        for operation in [
            json!(null),
            json!({}),
            json!({"op": "nope", "path": "/d"}),
            json!({"op": "add", "value": 1}),
            json!({"op": "add", "path": 1}),
            json!({"op": "add", "path": "", "value": {}}),
            json!({"op": "add", "path": "/q/q", "value": 1}),
            json!({"op": "add", "path": "/d/x/y", "value": 1}),
            json!({"op": "add", "path": "/d/n/y", "value": 1}),
            json!({"op": "add", "path": "/l/3", "value": 1}),
            json!({"op": "add", "path": "/l/-4", "value": 1}),
            json!({"op": "add", "path": "/l/x", "value": 1}),
            json!({"op": "remove", "path": "/d/q"}),
            json!({"op": "remove", "path": "/l/-"}),
            json!({"op": "remove", "path": ""}),
            json!({"op": "replace", "path": "/l/2", "value": 1}),
            json!({"op": "replace", "path": "", "value": 1}),
            json!({"op": "replace", "path": ""}),
            json!({"op": "move", "path": "/d/y", "from": "/d/q"}),
            json!({"op": "move", "path": "/d/y/z", "from": "/d"}),
            json!({"op": "move", "path": "/d/y"}),
            json!({"op": "copy", "path": "/d/y", "from": "/q/q"}),
            json!({"op": "copy", "from": "/d/x"}),
            json!({"op": "test", "path": "/d/x"}),
            json!({"op": "test", "path": "/d/x", "value": 1}),
            json!({"op": "test", "path": "", "value": {}}),
            json!({"op": "test", "path": "/l/2", "value": null}),
        ] {
            assert_eq!(patched(&json!([operation])), Err(Unfit), "{operation}");
        }
    }

    #[test]
    fn copies_cannot_grow_without_end() {
        let mut document = json!({"a": {"x": "y".repeat(64)}});
        let copy = json!({"op": "copy", "from": "/a", "path": "/a/b"});
        let deep: Vec<Value> = vec![copy.clone(); 300];
        assert_eq!(apply(&mut document.clone(), &deep, false), Err(Unfit));
        document["a"]["x"] = json!("y".repeat(MAX_COPIED / 2));
        assert_eq!(
            apply(&mut document, &[copy.clone(), copy], false),
            Err(Unfit)
        );
    }
}

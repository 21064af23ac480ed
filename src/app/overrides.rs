//! Merging a fragment of a PodTemplateSpec into one, by Kubernetes' strategic merge.
//!
//! As in k8s.io/apimachinery/pkg/util/strategicpatch: objects are merged, lists are replaced unless
//! they have a merge key, null takes a field away, and `$patch: replace` and `$patch: delete` do
//! what they say. Merge keys are those of the API's list map keys where they differ from the older
//! patch merge keys (ports by number and protocol), because the result is sent by server-side apply.

use std::sync::LazyLock;

use serde_json::{Map, Value};

/// The lists of a PodTemplateSpec that are merged, and what their items are known by.
const MERGE_KEYS: &[(&str, &[&str])] = &[
    ("containers", &["name"]),
    ("initContainers", &["name"]),
    ("ephemeralContainers", &["name"]),
    ("volumes", &["name"]),
    ("env", &["name"]),
    ("ports", &["containerPort", "protocol"]),
    ("volumeMounts", &["mountPath"]),
    ("volumeDevices", &["devicePath"]),
    ("imagePullSecrets", &["name"]),
    ("hostAliases", &["ip"]),
    (
        "topologySpreadConstraints",
        &["topologyKey", "whenUnsatisfiable"],
    ),
    ("schedulingGates", &["name"]),
    ("resourceClaims", &["name"]),
];

/// The directive that says how an object or a list is merged.
const DIRECTIVE: &str = "$patch";

/// Why `podOverrides` cannot be merged. Each says where, from `podOverrides` on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OverrideError {
    /// Something else stands where an object or a list belongs.
    #[error("{path} must be {wanted}")]
    Shape {
        /// Where, such as `podOverrides.spec.containers[0]`.
        path: String,
        /// `an object` or `a list`.
        wanted: &'static str,
    },
    /// An item of a merged list does not say which one it is.
    #[error("{path} needs a {key}: the items of this list are told apart by it")]
    Key {
        /// Where, such as `podOverrides.spec.containers[0]`.
        path: String,
        /// The field that is missing.
        key: &'static str,
    },
    /// A directive of strategic merge that is unknown, or of no use here.
    #[error("{path}: {directive} is not understood; {DIRECTIVE} may be merge, replace or delete")]
    Directive {
        /// Where, such as `podOverrides.spec`.
        path: String,
        /// The directive as written.
        directive: String,
    },
}

/// Merges `fragment` into `template`, both of the shape of a PodTemplateSpec.
///
/// # Errors
/// When the fragment has not that shape; `template` is then half merged and of no use.
pub(super) fn merge(
    template: &mut Value,
    fragment: &Map<String, Value>,
) -> Result<(), OverrideError> {
    let path = "podOverrides";
    match directive(fragment, path)? {
        Directive::Merge => merge_object(as_object(template, path)?, fragment, path),
        Directive::Replace => {
            *template = Value::Object(bare(fragment, path)?);
            Ok(())
        }
        Directive::Delete => {
            *template = Value::Object(Map::new());
            Ok(())
        }
    }
}

enum Directive {
    Merge,
    Replace,
    Delete,
}

fn directive(patch: &Map<String, Value>, path: &str) -> Result<Directive, OverrideError> {
    let wrong = |directive: String| OverrideError::Directive {
        path: path.to_owned(),
        directive,
    };
    let unknown = patch
        .keys()
        .find(|key| key.starts_with('$') && *key != DIRECTIVE);
    if let Some(key) = unknown {
        return Err(wrong(key.clone()));
    }
    match patch.get(DIRECTIVE) {
        None => Ok(Directive::Merge),
        Some(value) => match value.as_str() {
            Some("merge") => Ok(Directive::Merge),
            Some("replace") => Ok(Directive::Replace),
            Some("delete") => Ok(Directive::Delete),
            _ => Err(wrong(format!("{DIRECTIVE}: {value}"))),
        },
    }
}

fn merge_object(
    base: &mut Map<String, Value>,
    patch: &Map<String, Value>,
    path: &str,
) -> Result<(), OverrideError> {
    for (key, value) in patch.iter().filter(|(key, _)| *key != DIRECTIVE) {
        let path = format!("{path}.{key}");
        match (base.get_mut(key), value) {
            (_, Value::Null) => {
                base.shift_remove(key);
            }
            (Some(Value::Array(_)), other) if !other.is_array() => {
                return Err(shape(&path, "a list"));
            }
            (old, Value::Object(patch)) => match (directive(patch, &path)?, old) {
                (Directive::Merge, Some(old)) => {
                    merge_object(as_object(old, &path)?, patch, &path)?;
                }
                (Directive::Delete, _) => {
                    base.shift_remove(key);
                }
                (Directive::Merge | Directive::Replace, _) => {
                    base.insert(key.clone(), Value::Object(bare(patch, &path)?));
                }
            },
            (Some(Value::Object(_)), _) => return Err(shape(&path, "an object")),
            (old, Value::Array(items)) => {
                let old = match old {
                    None => Vec::new(),
                    Some(Value::Array(old)) => std::mem::take(old),
                    Some(_) => Vec::new(),
                };
                let merged = match merge_keys(key) {
                    Some(keys) => merge_list(old, items, keys, &path)?,
                    None => bare_list(items, &path)?,
                };
                base.insert(key.clone(), Value::Array(merged));
            }
            (_, scalar) => {
                base.insert(key.clone(), scalar.clone());
            }
        }
    }
    Ok(())
}

fn merge_keys(list: &str) -> Option<&'static [&'static str]> {
    let found = MERGE_KEYS.iter().find(|(name, _)| *name == list);
    found.map(|(_, keys)| *keys)
}

/// New items come after the old ones, in their order; an item that is there keeps its place.
fn merge_list(
    mut old: Vec<Value>,
    items: &[Value],
    keys: &'static [&'static str],
    path: &str,
) -> Result<Vec<Value>, OverrideError> {
    let mut patches = Vec::with_capacity(items.len());
    for (index, item) in items.iter().enumerate() {
        let path = format!("{path}[{index}]");
        let patch = item.as_object().ok_or_else(|| shape(&path, "an object"))?;
        match directive(patch, &path)? {
            // In a list, replace is about the whole list, and its item says nothing else.
            Directive::Replace => old.clear(),
            directive => patches.push((path, directive, item, patch)),
        }
    }
    for (path, directive, item, patch) in patches {
        if item[keys[0]].is_null() {
            return Err(OverrideError::Key { path, key: keys[0] });
        }
        let same = |other: &Value| {
            keys.iter()
                .all(|key| key_of(other, key) == key_of(item, key))
        };
        let place = old.iter().position(same);
        match (directive, place) {
            (Directive::Delete, Some(place)) => {
                old.remove(place);
            }
            (Directive::Delete, None) => {}
            (_, Some(place)) => merge_object(as_object(&mut old[place], &path)?, patch, &path)?,
            (_, None) => old.push(Value::Object(bare(patch, &path)?)),
        }
    }
    Ok(old)
}

/// One part of what an item is known by, with the default that the server would give it.
fn key_of<'a>(item: &'a Value, key: &str) -> Option<&'a Value> {
    static TCP: LazyLock<Value> = LazyLock::new(|| Value::from("TCP"));
    match item.get(key).filter(|value| !value.is_null()) {
        None if key == "protocol" => Some(&TCP),
        found => found,
    }
}

/// A patch of something that is not there: what it says, without nulls and directives.
fn bare(patch: &Map<String, Value>, path: &str) -> Result<Map<String, Value>, OverrideError> {
    let mut made = Map::new();
    merge_object(&mut made, patch, path)?;
    Ok(made)
}

fn bare_list(items: &[Value], path: &str) -> Result<Vec<Value>, OverrideError> {
    let items = items.iter().enumerate();
    items
        .map(|(index, item)| match item {
            Value::Object(item) => Ok(Value::Object(bare(item, &format!("{path}[{index}]"))?)),
            other => Ok(other.clone()),
        })
        .collect()
}

fn as_object<'a>(
    value: &'a mut Value,
    path: &str,
) -> Result<&'a mut Map<String, Value>, OverrideError> {
    value
        .as_object_mut()
        .ok_or_else(|| shape(path, "an object"))
}

fn shape(path: &str, wanted: &'static str) -> OverrideError {
    OverrideError::Shape {
        path: path.to_owned(),
        wanted,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn base() -> Value {
        json!({
            "metadata": {"labels": {"a": "1"}},
            "spec": {"containers": [{
                "name": "web",
                "image": "nginx",
                "env": [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}],
                "ports": [{"containerPort": 80, "protocol": "TCP"}],
                "command": ["run", "it"],
            }]},
        })
    }

    fn merged(fragment: Value) -> Result<Value, String> {
        let mut template = base();
        let done = merge(&mut template, fragment.as_object().unwrap());
        done.map(|()| template).map_err(|error| error.to_string())
    }

    fn container(fragment: Value) -> Value {
        let spec = json!({"spec": {"containers": [fragment]}});
        merged(spec).unwrap()["spec"]["containers"][0].clone()
    }

    #[test]
    fn objects_are_merged_and_new_fields_come_in() {
        let template = merged(json!({
            "metadata": {"labels": {"b": "2"}, "annotations": {"c": "3"}},
            "spec": {"nodeSelector": {"disk": "ssd"}, "terminationGracePeriodSeconds": 5},
        }));
        let template = template.unwrap();
        assert_eq!(template["metadata"]["labels"], json!({"a": "1", "b": "2"}));
        assert_eq!(template["metadata"]["annotations"], json!({"c": "3"}));
        assert_eq!(template["spec"]["nodeSelector"], json!({"disk": "ssd"}));
        assert_eq!(template["spec"]["containers"], base()["spec"]["containers"]);
    }

    #[test]
    fn a_container_of_the_same_name_is_merged_and_another_is_added_after_it() {
        let spec = json!({"spec": {"containers": [
            {"name": "proxy", "image": "envoy"},
            {"name": "web", "workingDir": "/srv"},
        ]}});
        let containers = merged(spec).unwrap()["spec"]["containers"].clone();
        assert_eq!(containers[0]["workingDir"], "/srv");
        assert_eq!(containers[0]["image"], "nginx");
        assert_eq!(containers[1], json!({"name": "proxy", "image": "envoy"}));
    }

    #[test]
    fn env_is_merged_by_name_and_keeps_its_order() {
        let web = container(json!({"name": "web", "env": [
            {"name": "C", "value": "3"},
            {"name": "A", "value": "one"},
        ]}));
        assert_eq!(
            web["env"],
            json!([
                {"name": "A", "value": "one"},
                {"name": "B", "value": "2"},
                {"name": "C", "value": "3"},
            ])
        );
    }

    #[test]
    fn ports_are_told_apart_by_number_and_protocol() {
        let web = container(json!({"name": "web", "ports": [
            {"containerPort": 80, "name": "http"},
            {"containerPort": 80, "protocol": "UDP"},
        ]}));
        assert_eq!(
            web["ports"],
            json!([
                {"containerPort": 80, "protocol": "TCP", "name": "http"},
                {"containerPort": 80, "protocol": "UDP"},
            ])
        );
    }

    #[test]
    fn lists_without_a_key_are_replaced() {
        let web = container(json!({"name": "web", "command": ["other"]}));
        assert_eq!(web["command"], json!(["other"]));
        let tolerations = json!([{"key": "a", "value": null}]);
        let template = merged(json!({"spec": {"tolerations": tolerations}})).unwrap();
        assert_eq!(template["spec"]["tolerations"], json!([{"key": "a"}]));
    }

    #[test]
    fn null_takes_a_field_away_and_never_gets_into_the_result() {
        let web = container(json!({"name": "web", "image": null, "lifecycle": {"preStop": null}}));
        assert_eq!(web.get("image"), None);
        assert_eq!(web["lifecycle"], json!({}));
    }

    #[test]
    fn delete_takes_an_item_or_an_object_away() {
        let web = container(json!({"name": "web", "env": [
            {"name": "A", "$patch": "delete"},
            {"name": "none", "$patch": "delete"},
        ]}));
        assert_eq!(web["env"], json!([{"name": "B", "value": "2"}]));
        let template = merged(json!({"metadata": {"labels": {"$patch": "delete"}}})).unwrap();
        assert_eq!(template["metadata"], json!({}));
    }

    #[test]
    fn replace_replaces_an_object_or_a_whole_list() {
        let web = container(json!({"name": "web", "env": [
            {"name": "C", "value": "3"},
            {"$patch": "replace"},
        ]}));
        assert_eq!(web["env"], json!([{"name": "C", "value": "3"}]));
        let labels = json!({"$patch": "replace", "only": "this"});
        let template = merged(json!({"metadata": {"labels": labels}})).unwrap();
        assert_eq!(template["metadata"]["labels"], json!({"only": "this"}));
        let whole = merged(json!({"$patch": "replace", "spec": {}})).unwrap();
        assert_eq!(whole, json!({"spec": {}}));
    }

    #[test]
    fn what_cannot_be_merged_says_where() {
        for (fragment, words) in [
            (json!({"spec": []}), "podOverrides.spec must be an object"),
            (
                json!({"spec": {"containers": {}}}),
                "podOverrides.spec.containers must be a list",
            ),
            (
                json!({"spec": {"containers": "web"}}),
                "podOverrides.spec.containers must be a list",
            ),
            (
                json!({"spec": {"volumes": ["data"]}}),
                "podOverrides.spec.volumes[0] must be an object",
            ),
            (
                json!({"spec": {"containers": [{"name": "web"}, {"image": "x"}]}}),
                "podOverrides.spec.containers[1] needs a name: the items of this list are told \
                 apart by it",
            ),
            (
                json!({"spec": {"$retainKeys": ["a"]}}),
                "podOverrides.spec: $retainKeys is not understood; $patch may be merge, replace \
                 or delete",
            ),
            (
                json!({"$patch": "remove"}),
                "podOverrides: $patch: \"remove\" is not understood; $patch may be merge, \
                 replace or delete",
            ),
        ] {
            assert_eq!(merged(fragment.clone()).unwrap_err(), words, "{fragment}");
        }
    }
}

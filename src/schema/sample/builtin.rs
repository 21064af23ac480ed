//! What the server asks of built-in kinds beyond their schemas.

use serde_json::{Map, Value};

use crate::schema::Gvk;

/// One object a kind, as small as the server takes it.
const EXAMPLES: &str = include_str!("builtin.yaml");

/// The smallest object of a kind, if it is known. Another version of a known kind gets the same;
/// what its schema does not know is left out by the caller.
pub(super) fn of(gvk: &Gvk) -> Option<Map<String, Value>> {
    let mut objects = all();
    let is = |object: &Value, api_version: &dyn Fn(&str) -> bool| {
        object["kind"] == gvk.kind.as_str()
            && object["apiVersion"].as_str().is_some_and(api_version)
    };
    let same_group = |api_version: &str| {
        let group = api_version.split_once('/').map_or("", |(group, _)| group);
        group == gvk.group
    };
    let exact = gvk.api_version();
    let at = objects
        .iter()
        .position(|o| is(o, &|v| v == exact))
        .or_else(|| objects.iter().position(|o| is(o, &same_group)))?;
    match objects.swap_remove(at) {
        Value::Object(map) => Some(map),
        _ => None,
    }
}

fn all() -> Vec<Value> {
    serde_saphyr::from_multiple(EXAMPLES).expect("a test reads the file")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_examples_are_read_and_each_kind_is_there_once() {
        let all = all();
        assert!(all.len() > 40);
        let mut seen = std::collections::HashSet::new();
        for object in &all {
            let is = (object["apiVersion"].to_string(), object["kind"].to_string());
            assert!(seen.insert(is.clone()), "{is:?} is there twice");
        }
        assert!(of(&Gvk::new("apps", "v1", "Deployment")).is_some());
        assert!(of(&Gvk::new("apps", "v1beta1", "Deployment")).is_some());
        assert!(of(&Gvk::new("example.com", "v1", "Deployment")).is_none());
    }
}

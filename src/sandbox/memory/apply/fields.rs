//! Sets of fields as JSON: FieldsV1 of meta/v1.

use serde_json::{Map, Value};

use super::element::Element;
use super::set::{Node, Set};

/// Reads FieldsV1. Errors are words of the place where reading stopped.
pub(super) fn decode(fields: &Value) -> Result<Set<'_>, String> {
    Ok(decode_node(fields)?.1)
}

/// Whether the field itself is a member, and what is below it.
fn decode_node(fields: &Value) -> Result<(bool, Set<'_>), String> {
    let map = match fields {
        Value::Object(map) => map,
        Value::Null => return Ok((true, Set::new())),
        _ => return Err("expect { or n in FieldsV1".to_owned()),
    };
    let mut nodes = Vec::with_capacity(map.len());
    let mut member = false;
    for (key, below) in map {
        if key == "." {
            member = true;
            continue;
        }
        let Some(element) = Element::parse(key)? else {
            continue;
        };
        let (member, children) = decode_node(below)?;
        nodes.push(Node {
            element,
            member,
            children,
        });
    }
    let set = Set::of_nodes(nodes);
    Ok((member || set.is_empty(), set))
}

/// Whether any field of the set is in FieldsV1 that is in canonical form, without reading all of it.
pub(super) fn meets(fields: &Value, set: &Set<'_>) -> bool {
    let Some(map) = fields.as_object() else {
        return false;
    };
    set.nodes().iter().any(|node| {
        map.get(&node.element.to_key()).is_some_and(|below| {
            let is_member = || match below.as_object() {
                Some(below) => below.is_empty() || below.contains_key("."),
                None => true,
            };
            node.member && is_member() || meets(below, &node.children)
        })
    })
}

/// Writes FieldsV1.
pub(super) fn encode(set: &Set<'_>) -> Value {
    encode_node(false, set)
}

fn encode_node(member: bool, set: &Set<'_>) -> Value {
    // Most are leaves: an empty map allocates nothing.
    if set.is_empty() {
        return Value::Object(Map::new());
    }
    let mut map = Map::with_capacity(set.nodes().len() + usize::from(member));
    if member {
        map.insert(".".to_owned(), Value::Object(Map::new()));
    }
    for node in set.nodes() {
        map.insert(
            node.element.to_key(),
            encode_node(node.member, &node.children),
        );
    }
    Value::Object(map)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::set::Set;
    use super::{decode, encode, meets};

    #[test]
    fn fields_come_back_sorted() {
        let given =
            json!({"f:b": {"f:x": {}}, "f:a": {"f:y": {}, ".": {}, "x:z": {}}, "f:c": null});
        let set = decode(&given).unwrap();
        assert_eq!(set.paths(), [".a", ".c", ".a.y", ".b.x"]);
        let written = r#"{"f:a":{".":{},"f:y":{}},"f:b":{"f:x":{}},"f:c":{}}"#;
        assert_eq!(encode(&set).to_string(), written);
        assert!(decode(&json!({})).unwrap().is_empty());
        assert!(decode(&json!({"f:a": 1})).is_err());
    }

    #[test]
    fn the_algebra_tells_a_field_from_what_is_below_it() {
        let (a, b) = (
            json!({"f:a": {".": {}, "f:x": {}, "f:y": {}}, "f:b": {}}),
            json!({"f:a": {}, "f:c": {"f:z": {}}}),
        );
        let set = |json| decode(json).unwrap();
        let shown = |set: Set<'_>| encode(&set).to_string();
        assert_eq!(
            shown(set(&a).difference(&set(&b))),
            r#"{"f:a":{"f:x":{},"f:y":{}},"f:b":{}}"#
        );
        assert_eq!(
            shown(set(&a).recursive_difference(&set(&b))),
            r#"{"f:b":{}}"#
        );
        assert_eq!(shown(set(&a).intersection(&set(&b))), r#"{"f:a":{}}"#);
        assert_eq!(
            shown(set(&a).union(set(&b))),
            r#"{"f:a":{".":{},"f:x":{},"f:y":{}},"f:b":{},"f:c":{"f:z":{}}}"#
        );
        assert!(meets(&a, &set(&b)) && !meets(&b, &Set::of_paths(&["c", "a/x"])));
        assert!(set(&a).meets(&set(&b)) && !set(&a).is_within(&set(&b)));
        assert!(Set::of_paths(&["a", "a/x"]).is_within(&set(&a)));
        assert_eq!(Set::of_paths(&["a/x", "b"]).paths(), [".b", ".a.x"]);
    }
}

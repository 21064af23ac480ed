//! Fields taken out of an object.

use serde_json::{Map, Value};

use crate::sandbox::memory::types::{TypeId, Types};

use super::element::Element;
use super::set::Set;
use super::typed::{View, view};

/// The object without these fields and items. A map or list that loses its last content this way
/// becomes null, as in structured-merge-diff.
pub(super) fn remove(types: &Types, type_: TypeId, value: Value, gone: &Set<'_>) -> Value {
    match (view(types, type_, &value), value) {
        (View::Scalar(_), value) => value,
        (View::Map(fields), Value::Object(map)) => {
            let mut left = Map::with_capacity(map.len());
            for (key, value) in map {
                let value = match gone.get(&Element::field(&key)) {
                    Some(node) if node.member => continue,
                    Some(node) => match fields.type_of(&key) {
                        Some(type_) => remove(types, type_, value, &node.children),
                        None => value,
                    },
                    None => value,
                };
                left.insert(key, value);
            }
            if left.is_empty() {
                Value::Null
            } else {
                Value::Object(left)
            }
        }
        (View::List(items), Value::Array(values)) => {
            let mut left = Vec::with_capacity(values.len());
            for value in values {
                let element = items.element(&value).unwrap_or(Element::Nowhere);
                let node = gone.get(&element);
                drop(element);
                match node {
                    Some(node) if node.member => {}
                    Some(node) => left.push(remove(types, items.item, value, &node.children)),
                    None => left.push(value),
                }
            }
            if left.is_empty() {
                Value::Null
            } else {
                Value::Array(left)
            }
        }
        _ => Value::Null,
    }
}

//! The fields that an object has, as server-side apply counts them.

use serde_json::Value;

use crate::sandbox::memory::types::{TypeId, Types};

use super::element::Element;
use super::set::{Node, Set};
use super::typed::{Items, View, view};

/// Every single value and item that a valid object has. Objects count where they are empty, null,
/// or the value of a map's key.
pub(super) fn field_set<'a>(types: &'a Types, type_: TypeId, value: &'a Value) -> Set<'a> {
    Walk { types }.place(type_, value).1
}

struct Walk<'a> {
    types: &'a Types,
}

impl<'a> Walk<'a> {
    /// Whether the place itself is in the set, and what is below it.
    fn place(&self, id: TypeId, value: &'a Value) -> (bool, Set<'a>) {
        match (view(self.types, id, value), value) {
            (View::Map(fields), Value::Object(map)) => {
                let mut nodes = Vec::with_capacity(map.len());
                for (key, value) in map {
                    let Some(type_) = fields.type_of(key) else {
                        continue;
                    };
                    let (leaf, children) = self.place(type_, value);
                    let empty = match value {
                        Value::Null => true,
                        Value::Object(map) => map.is_empty(),
                        _ => false,
                    };
                    let member = leaf || empty || !fields.declares(key);
                    nodes.push(Node {
                        element: Element::field(key),
                        member,
                        children,
                    });
                }
                (false, Set::of_nodes(nodes))
            }
            (View::List(items), Value::Array(values)) => (false, self.items(items, values)),
            (View::Map(_) | View::List(_), _) => (false, Set::new()),
            _ => (true, Set::new()),
        }
    }

    fn items(&self, items: Items<'a>, values: &'a [Value]) -> Set<'a> {
        let mut elements: Vec<_> = values
            .iter()
            .map(|value| (items.element(value).unwrap_or(Element::Nowhere), value))
            .collect();
        elements.sort_by(|(a, _), (b, _)| a.cmp(b));
        let mut nodes: Vec<Node<'a>> = Vec::with_capacity(elements.len());
        for (element, value) in elements {
            match nodes.last_mut().filter(|last| last.element == element) {
                // Items that cannot be told apart are owned together, as a single value.
                Some(last) => last.children = Set::new(),
                None => {
                    let children = self.place(items.item, value).1;
                    nodes.push(Node {
                        element,
                        member: true,
                        children,
                    });
                }
            }
        }
        Set::of_nodes(nodes)
    }
}

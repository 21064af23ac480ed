//! An applied object merged into the one that is there.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use serde_json::{Map, Value};

use crate::sandbox::memory::types::{TypeId, Types};

use super::element::Element;
use super::typed::{Items, View, view};

/// The object with what is applied put in; both are valid. Nothing goes: what is applied as empty
/// leaves alone what is there.
pub fn merge(types: &Types, type_: TypeId, live: &Value, applied: &Value) -> Value {
    Walk { types }
        .both(type_, live, applied)
        .unwrap_or(Value::Null)
}

struct Walk<'t> {
    types: &'t Types,
}

impl Walk<'_> {
    /// `None` where nothing is left, which cannot be with a value on either side that has content.
    fn both(&self, id: TypeId, live: &Value, applied: &Value) -> Option<Value> {
        match view(self.types, id, applied) {
            View::Map(fields) => match (content(live), content(applied)) {
                (None, _) => Some(applied.clone()),
                (Some(_), None) => Some(live.clone()),
                (Some(live), Some(applied)) => {
                    let mut out = live.clone();
                    for (key, value) in applied {
                        let merged = match (live.get(key), fields.type_of(key)) {
                            (Some(live), Some(type_)) => self.both(type_, live, value),
                            _ => Some(value.clone()),
                        };
                        match merged {
                            Some(merged) => out.insert(key.clone(), merged),
                            None => out.shift_remove(key),
                        };
                    }
                    Some(Value::Object(out))
                }
            },
            View::List(items) => match (list(live), list(applied)) {
                ([], _) => Some(applied.clone()),
                (_, []) => Some(live.clone()),
                (live, applied) => {
                    let merged = self.items(items, live, applied);
                    (!merged.is_empty()).then_some(Value::Array(merged))
                }
            },
            View::AtomicMap(_) | View::AtomicList(_) | View::Scalar(_) => Some(applied.clone()),
        }
    }

    /// Items that both have come in the applied order, and those that only the live object has stay
    /// before the shared item that they precede.
    fn items(&self, items: Items<'_>, live: &[Value], applied: &[Value]) -> Vec<Value> {
        let (Ok(left), Ok(right)) = (items.elements(live), items.elements(applied)) else {
            // Both are valid, so that all items have steps.
            return applied.to_vec();
        };
        let mut in_live: BTreeMap<&Element<'_>, Option<&Value>> = BTreeMap::new();
        for (element, value) in &left {
            // What cannot be told apart is not merged, it is replaced.
            in_live
                .entry(element)
                .and_modify(|first| *first = None)
                .or_insert(Some(value));
        }
        let in_applied: BTreeSet<&Element<'_>> = right.iter().map(|(element, _)| element).collect();
        let mut shared: VecDeque<&Element<'_>> = right
            .iter()
            .map(|(element, _)| element)
            .filter(|e| in_live.contains_key(e))
            .collect();
        let mut next_shared = shared.pop_front();
        let mut merged: BTreeSet<&Element<'_>> = BTreeSet::new();
        let mut out = Vec::with_capacity(left.len().max(right.len()));
        let together = |element: &Element<'_>, value: &Value| match in_live.get(element) {
            Some(Some(live)) => self.both(items.item, live, value),
            _ => Some(value.clone()),
        };
        let (mut l, mut r) = (0, 0);
        while l < left.len() || r < right.len() {
            if let (Some((element, _)), Some((other, value))) = (left.get(l), right.get(r)) {
                if element == other {
                    merged.insert(other);
                    out.extend(together(other, value));
                    (l, r) = (l + 1, r + 1);
                    next_shared = shared.pop_front();
                    continue;
                }
                if in_applied.contains(element) && next_shared.is_some_and(|next| next != element) {
                    l += 1;
                    continue;
                }
            }
            if let Some((element, value)) = left.get(l) {
                if !in_applied.contains(element) {
                    out.push((*value).clone());
                    l += 1;
                    continue;
                }
                if merged.contains(element) {
                    l += 1;
                }
            }
            if let Some((element, value)) = right.get(r) {
                merged.insert(element);
                out.extend(together(element, value));
                r += 1;
                if next_shared == Some(element) {
                    next_shared = shared.pop_front();
                }
            }
        }
        out
    }
}

fn content(value: &Value) -> Option<&Map<String, Value>> {
    value.as_object().filter(|map| !map.is_empty())
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

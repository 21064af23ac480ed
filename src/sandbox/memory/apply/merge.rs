//! An applied object merged into the one that is there.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use serde_json::Value;

use crate::sandbox::memory::types::{TypeId, Types};

use super::element::Element;
use super::typed::{Items, View, view};

/// Puts what is applied into an object; both are valid. Nothing goes: what is applied as empty
/// leaves alone what is there.
pub(super) fn merge(types: &Types, type_: TypeId, live: &mut Value, applied: &Value) {
    match (view(types, type_, applied), &mut *live, applied) {
        (View::Map(fields), Value::Object(live), Value::Object(applied))
            if !live.is_empty() && !applied.is_empty() =>
        {
            for (key, value) in applied {
                match (live.get_mut(key), fields.type_of(key)) {
                    (Some(live), Some(type_)) => merge(types, type_, live, value),
                    _ => {
                        live.insert(key.clone(), value.clone());
                    }
                }
            }
        }
        (View::List(items), Value::Array(live), Value::Array(applied))
            if !live.is_empty() && !applied.is_empty() =>
        {
            merge_items(types, items, live, applied);
        }
        // What has content stays where nothing is applied.
        (View::Map(_), Value::Object(live), _) if !live.is_empty() => {}
        (View::List(_), Value::Array(live), _) if !live.is_empty() => {}
        _ => *live = applied.clone(),
    }
}

/// Where an item of the merged list comes from.
enum From {
    /// The live list
    Live(usize),
    /// The applied list, merged into that item of the live one
    Both(Option<usize>, usize),
}

fn merge_items(types: &Types, items: Items<'_>, live: &mut Vec<Value>, applied: &[Value]) {
    let Some(order) = order(items, live, applied) else {
        // Both are valid, so that all items have steps.
        return;
    };
    let mut before: Vec<Option<Value>> = live.drain(..).map(Some).collect();
    live.extend(order.into_iter().filter_map(|from| match from {
        From::Live(at) => before[at].take(),
        From::Both(Some(at), with) => {
            let mut item = before[at].take()?;
            merge(types, items.item, &mut item, &applied[with]);
            Some(item)
        }
        From::Both(None, with) => Some(applied[with].clone()),
    }));
}

/// Items that both have come in the applied order, and those that only the live list has stay
/// before the shared item that they precede.
fn order(items: Items<'_>, live: &[Value], applied: &[Value]) -> Option<Vec<From>> {
    let (left, right) = (items.elements(live).ok()?, items.elements(applied).ok()?);
    let mut in_live: BTreeMap<&Element<'_>, Option<usize>> = BTreeMap::new();
    for (at, (element, _)) in left.iter().enumerate() {
        // What cannot be told apart is not merged, it is replaced.
        in_live
            .entry(element)
            .and_modify(|first| *first = None)
            .or_insert(Some(at));
    }
    let in_applied: BTreeSet<&Element<'_>> = right.iter().map(|(element, _)| element).collect();
    let shared = right.iter().map(|(element, _)| element);
    let mut shared: VecDeque<&Element<'_>> = shared.filter(|e| in_live.contains_key(e)).collect();
    let mut next_shared = shared.pop_front();
    let mut merged: BTreeSet<&Element<'_>> = BTreeSet::new();
    let mut out = Vec::with_capacity(left.len().max(right.len()));
    let both =
        |element: &Element<'_>, at: usize| From::Both(in_live.get(element).copied().flatten(), at);
    let (mut l, mut r) = (0, 0);
    while l < left.len() || r < right.len() {
        if let (Some((element, _)), Some((other, _))) = (left.get(l), right.get(r)) {
            if element == other {
                merged.insert(other);
                out.push(both(other, r));
                (l, r) = (l + 1, r + 1);
                next_shared = shared.pop_front();
                continue;
            }
            if in_applied.contains(element) && next_shared.is_some_and(|next| next != element) {
                l += 1;
                continue;
            }
        }
        if let Some((element, _)) = left.get(l) {
            if !in_applied.contains(element) {
                out.push(From::Live(l));
                l += 1;
                continue;
            }
            if merged.contains(element) {
                l += 1;
            }
        }
        if let Some((element, _)) = right.get(r) {
            merged.insert(element);
            out.push(both(element, r));
            r += 1;
            if next_shared == Some(element) {
                next_shared = shared.pop_front();
            }
        }
    }
    Some(out)
}

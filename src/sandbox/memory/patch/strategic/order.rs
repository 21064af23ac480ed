//! The order of merged lists: that of `$setElementOrder` first, then that of the patch, then that
//! of what is there.

use std::collections::HashMap;

use serde_json::{Map, Value};

use crate::sandbox::memory::apply::go;

use super::lists::{are_objects, merge, object};
use super::lookup::Schema;
use super::{PATCH, Problem, Result, SET_ORDER, directive_key, drop_directives};

/// How items are told apart.
#[derive(Clone, Copy)]
pub(super) enum Identity<'k> {
    /// By this field
    Key(&'k str),
    /// By what they are
    Item,
}

impl Identity<'_> {
    fn of(self, item: &Value) -> Option<String> {
        match self {
            Identity::Key(key) => item.get(key).map(Value::to_string),
            Identity::Item => Some(item.to_string()),
        }
    }
}

/// Where each item is first.
struct Places(HashMap<Option<String>, usize>);

impl Places {
    fn new(identity: Identity<'_>, items: &[Value]) -> Self {
        let mut places = HashMap::with_capacity(items.len());
        for (at, item) in items.iter().enumerate() {
            places.entry(identity.of(item)).or_insert(at);
        }
        Places(places)
    }

    fn of(&self, item: &(Option<String>, Value)) -> Option<usize> {
        self.0.get(&item.0).copied()
    }
}

/// Obeys every `$setElementOrder` of a patch, and merges the lists that they are about.
pub(super) fn set_element_orders(
    schema: Schema<'_>,
    target: &mut Map<String, Value>,
    patch: &mut Map<String, Value>,
) -> Result<()> {
    let is_order = |key: &&String| key.starts_with(SET_ORDER);
    let keys: Vec<String> = patch.keys().filter(is_order).cloned().collect();
    for key in keys {
        let Some(order) = patch.shift_remove(&key) else {
            continue;
        };
        let Value::Array(order) = order else {
            return Err(Problem::wrong_type("[]interface {}", &order));
        };
        let field = directive_key(&key, SET_ORDER)
            .ok_or(Problem::Bad("invalid patch format of setElementOrder list"))?;
        set_element_order(schema, target, patch, field, &order)?;
    }
    Ok(())
}

fn set_element_order(
    schema: Schema<'_>,
    target: &mut Map<String, Value>,
    patch: &mut Map<String, Value>,
    field: &str,
    order: &[Value],
) -> Result<()> {
    let present = list(target.get(field))?;
    let patched = list(patch.get(field))?;
    let (items, how) = schema.items(field)?;
    let identity = how.key.map_or(Identity::Item, |key| Identity::Key(key));
    check_order(identity, patched.map_or(&[], Vec::as_slice), order)?;
    let before = present.cloned().unwrap_or_default();
    let merged = match (present, patched) {
        (None, None) => return Ok(()),
        (Some(present), None) => present.clone(),
        (None, Some(patched)) => {
            let mut added = patched.clone();
            added.retain_mut(drop_directives);
            added
        }
        (Some(_), Some(patched)) if !how.merge => patched.clone(),
        (Some(present), Some(patched)) => {
            merge(items, how.key, present.clone(), patched.clone(), false)?
        }
    };
    if how.key.is_some() {
        check_items(identity, &merged, &[], &[])?;
    }
    let empty = Vec::new();
    if are_objects(&[&before, patched.unwrap_or(&empty)])? && how.key.is_none() {
        return Err(match (merged.iter().chain(order).next(), before.first()) {
            (Some(item), _) => Problem::incomparable(item),
            (None, Some(item)) => Problem::no_key(object(item)?, ""),
            (None, None) => return Ok(()),
        });
    }
    let arranged = arrange(identity, merged, order, &before)?;
    target.insert(field.to_owned(), Value::Array(arranged));
    patch.shift_remove(field);
    Ok(())
}

fn list(value: Option<&Value>) -> Result<Option<&Vec<Value>>> {
    match value {
        None => Ok(None),
        Some(Value::Array(items)) => Ok(Some(items)),
        Some(other) => Err(Problem::wrong_type("[]interface {}", other)),
    }
}

/// Whether the patch's items come in this order, and no others.
fn check_order(identity: Identity<'_>, patched: &[Value], order: &[Value]) -> Result<()> {
    if patched.is_empty() || order.is_empty() {
        return Ok(());
    }
    let mut left = patched.iter().peekable();
    if let Identity::Key(_) = identity {
        patched.iter().try_for_each(|item| object(item).map(drop))?;
    }
    let is_deleted = |item: &Value| {
        item.get(PATCH)
            .is_some_and(|directive| directive == "delete")
    };
    let mut wanted = order.iter().peekable();
    while let (Some(item), Some(next)) = (left.peek(), wanted.peek()) {
        if item.get(PATCH).is_some() {
            left.next();
            continue;
        }
        if let Identity::Key(key) = identity {
            for item in [item, next] {
                let map = object(item)?;
                map.get(key).ok_or_else(|| Problem::no_key(map, key))?;
            }
        }
        if identity.of(item) == identity.of(next) {
            left.next();
        }
        wanted.next();
    }
    // Other directives that stand behind the last item count as items that are not named.
    if left.any(|item| !is_deleted(item)) {
        let (patched, order) = (shown(patched), shown(order));
        return Err(Problem::Plain(format!(
            "The order in patch list:\n{patched}\n doesn't match {SET_ORDER} list:\n{order}\n"
        )));
    }
    Ok(())
}

fn shown(list: &[Value]) -> String {
    go::plain(&Value::Array(list.to_vec()))
}

/// Puts the items that the patch names into its order, and lets the others keep theirs: each comes
/// before the first of the patch's items that it was before.
pub(super) fn arrange(
    identity: Identity<'_>,
    items: Vec<Value>,
    patch_order: &[Value],
    present_order: &[Value],
) -> Result<Vec<Value>> {
    check_items(identity, &items, patch_order, present_order)?;
    let (wanted, before) = (
        Places::new(identity, patch_order),
        Places::new(identity, present_order),
    );
    let items = items.into_iter().map(|item| (identity.of(&item), item));
    let (patched, others): (Vec<_>, Vec<_>) = items.partition(|item| wanted.of(item).is_some());
    let patched = sorted(patched, &wanted);
    let others = sorted(others, &before);
    let mut out = Vec::with_capacity(patched.len() + others.len());
    let mut others = others.into_iter().peekable();
    for item in patched {
        while let Some(other) = others.peek() {
            let is_before = matches!(
                (before.of(other), before.of(&item)),
                (Some(other), Some(item)) if other < item
            );
            if !is_before {
                break;
            }
            out.extend(others.next().map(|(_, other)| other));
        }
        out.push(item.1);
    }
    out.extend(others.map(|(_, other)| other));
    Ok(out)
}

fn check_items(
    identity: Identity<'_>,
    items: &[Value],
    order: &[Value],
    present_order: &[Value],
) -> Result<()> {
    match identity {
        Identity::Key(key) => {
            for item in items {
                let map = object(item)?;
                map.get(key).ok_or_else(|| Problem::no_key(map, key))?;
            }
            for (at, item) in order.iter().enumerate() {
                let Some(map) = item.as_object() else {
                    return Err(Problem::Plain(format!("value for key {at} is not a map")));
                };
                map.get(key).ok_or_else(|| Problem::no_key(map, key))?;
            }
            for item in present_order {
                let map = object(item)?;
                map.get(key).ok_or_else(|| Problem::no_key(map, key))?;
            }
        }
        Identity::Item => {
            if let Some(item) = order
                .iter()
                .chain(items)
                .find(|i| i.is_object() || i.is_array())
            {
                return Err(Problem::incomparable(item));
            }
        }
    }
    Ok(())
}

/// By place. Items without one come first, the last of them before the others: so it is when Go
/// sorts with an order that calls each of them the smallest.
fn sorted(
    mut items: Vec<(Option<String>, Value)>,
    places: &Places,
) -> Vec<(Option<String>, Value)> {
    if items.iter().all(|item| places.of(item).is_some()) {
        items.sort_by_key(|item| places.of(item));
        return items;
    }
    let mut out: Vec<(Option<String>, Value)> = Vec::with_capacity(items.len());
    for item in items {
        let place = places.of(&item);
        let comes_before = |other: &(Option<String>, Value)| match (place, places.of(other)) {
            (Some(place), Some(other)) => place < other,
            _ => true,
        };
        let at = out
            .iter()
            .rposition(|other| !comes_before(other))
            .map_or(0, |at| at + 1);
        out.insert(at, item);
    }
    out
}

//! Following a path.

use std::borrow::Cow;
use std::cmp::Ordering;

use serde_json::Value;

use super::super::go;
use super::{Filter, Node, Slice};

/// More results than any path that makes sense has: unions of everything multiply.
const MOST: usize = 100_000;

type Found<'a> = Vec<Cow<'a, Value>>;

pub(super) fn walk_all<'a>(from: Found<'a>, nodes: &[Node]) -> Option<Found<'a>> {
    nodes.iter().try_fold(from, |values, node| {
        walk(values, node).filter(|found| found.len() <= MOST)
    })
}

fn walk<'a>(values: Found<'a>, node: &Node) -> Option<Found<'a>> {
    match node {
        Node::Field(name) => Some(values.into_iter().filter_map(|v| field(v, name)).collect()),
        Node::Wildcard => Some(values.into_iter().flat_map(children).collect()),
        Node::Recursive => {
            let mut all = Vec::new();
            values
                .into_iter()
                .try_for_each(|value| recurse(value, &mut all))?;
            Some(all)
        }
        Node::Literal(value) => match value {
            Value::String(_) => Some(vec![Cow::Owned(value.clone())]),
            _ => Some(values.iter().map(|_| Cow::Owned(value.clone())).collect()),
        },
        Node::Union(parts) => {
            let mut all = Vec::new();
            for part in parts {
                all.extend(walk_all(values.clone(), part)?);
            }
            Some(all)
        }
        Node::Slice(slice) => {
            let mut all = Vec::new();
            for value in values.into_iter().filter(|value| !value.is_null()) {
                if !slice_of(value, slice, &mut all)? {
                    break;
                }
            }
            Some(all)
        }
        Node::Filter(filter) => {
            let mut all = Vec::new();
            for value in values {
                let items = items(value)?;
                for item in items {
                    if passes(&item, filter)? {
                        all.push(item);
                    }
                }
            }
            Some(all)
        }
        Node::Word => None,
    }
}

fn field<'a>(value: Cow<'a, Value>, name: &str) -> Option<Cow<'a, Value>> {
    match value {
        Cow::Borrowed(value) => value.as_object()?.get(name).map(Cow::Borrowed),
        // Only single values are owned.
        Cow::Owned(_) => None,
    }
}

fn items(value: Cow<'_, Value>) -> Option<Found<'_>> {
    match value {
        Cow::Borrowed(value) => Some(value.as_array()?.iter().map(Cow::Borrowed).collect()),
        Cow::Owned(_) => None,
    }
}

fn children(value: Cow<'_, Value>) -> Found<'_> {
    match value {
        Cow::Borrowed(Value::Object(map)) => map.values().map(Cow::Borrowed).collect(),
        Cow::Borrowed(Value::Array(items)) => items.iter().map(Cow::Borrowed).collect(),
        value => {
            let bytes = value.as_str().unwrap_or_default().bytes();
            bytes.map(|byte| Cow::Owned(byte.into())).collect()
        }
    }
}

/// Adds a value that has others in it, and all of these that have.
fn recurse<'a>(value: Cow<'a, Value>, all: &mut Found<'a>) -> Option<()> {
    if all.len() > MOST {
        return None;
    }
    let children = match &value {
        Cow::Borrowed(Value::Object(_) | Value::Array(_)) => children(value.clone()),
        _ if value.as_str().is_some_and(|text| !text.is_empty()) => {
            all.push(value);
            return Some(());
        }
        _ => return Some(()),
    };
    if children.is_empty() {
        return Some(());
    }
    all.push(value);
    children
        .into_iter()
        .try_for_each(|child| recurse(child, all))
}

/// False when the slice is of no items, which ends everything, as in client-go.
fn slice_of<'a>(value: Cow<'a, Value>, slice: &Slice, all: &mut Found<'a>) -> Option<bool> {
    let items = items(value)?;
    let length = i64::try_from(items.len()).ok()?;
    let mut from = slice.from.unwrap_or(0);
    if from < 0 {
        from += length;
    }
    let mut to = slice.to.unwrap_or(length);
    if to < 0 || (to == 0 && slice.is_single) {
        to += length;
    }
    if from == to {
        return Some(false);
    }
    if from < 0 || from >= length || to < 0 || to > length || from > to {
        return None;
    }
    let step = usize::try_from(slice.step.unwrap_or(1))
        .ok()
        .filter(|step| *step > 0)?;
    let (from, to) = (usize::try_from(from).ok()?, usize::try_from(to).ok()?);
    all.extend(items.into_iter().take(to).skip(from).step_by(step));
    Some(true)
}

fn passes(item: &Value, filter: &Filter) -> Option<bool> {
    let left = walk_all(vec![Cow::Borrowed(item)], &filter.left);
    if filter.operator.is_empty() {
        return Some(left.is_some_and(|found| !found.is_empty()));
    }
    let left = left?;
    let right = match left.as_slice() {
        [] => return Some(false),
        [_] => walk_all(vec![Cow::Borrowed(item)], &filter.right)?,
        _ => return None,
    };
    let (left, right) = match (left.as_slice(), right.as_slice()) {
        (_, []) => return Some(false),
        ([left], [right]) => (left, right),
        _ => return None,
    };
    let is_equal = |left: &Value, right: &Value| match (left, right) {
        (Value::Bool(a), Value::Bool(b)) => Some(a == b),
        _ => order(left, right).map(Ordering::is_eq),
    };
    match filter.operator.as_str() {
        "==" => is_equal(left, right),
        "!=" => is_equal(left, right).map(|is_equal| !is_equal),
        "<" => order(left, right).map(Ordering::is_lt),
        "<=" => order(left, right).map(Ordering::is_le),
        ">" => order(left, right).map(Ordering::is_gt),
        ">=" => order(left, right).map(Ordering::is_ge),
        _ => None,
    }
}

/// Only texts, integers and floats have an order, and only among their like.
fn order(left: &Value, right: &Value) -> Option<Ordering> {
    match (left, right) {
        (Value::String(a), Value::String(b)) => Some(a.cmp(b)),
        (Value::Number(a), Value::Number(b)) => match (go::integer(a), go::integer(b)) {
            (Some(a), Some(b)) => Some(a.cmp(&b)),
            (None, None) => a.as_f64()?.partial_cmp(&b.as_f64()?),
            _ => None,
        },
        _ => None,
    }
}

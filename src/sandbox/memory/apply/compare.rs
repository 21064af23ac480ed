//! What is different between two objects, as sets of fields.

use serde_json::{Map, Value};

use crate::sandbox::memory::types::{TypeId, Types};

use super::element::Element;
use super::set::{Node, Set};
use super::typed::{Items, View, equal, view, zip};

/// On how many levels values are first looked at whether they are equal at all, which is much faster
/// than to walk them by their types, and wasted where they are not.
const QUICK_LEVELS: u8 = 6;

/// What changes from one object to another. No field is in more than one of the sets.
#[derive(Clone, Debug, Default)]
pub(super) struct Comparison<'a> {
    /// Only the old object has it
    pub removed: Set<'a>,
    /// Both have it, with different values
    pub modified: Set<'a>,
    /// Only the new object has it
    pub added: Set<'a>,
}

/// Compares two objects of a type. An error is a list whose items cannot be told apart.
pub(super) fn compare<'a>(
    types: &'a Types,
    type_: TypeId,
    old: &'a Value,
    new: &'a Value,
) -> Result<Comparison<'a>, String> {
    let diff = Walk { types }.pair(type_, old, new, QUICK_LEVELS)?;
    Ok(Comparison {
        removed: diff.removed.below,
        modified: diff.modified.below,
        added: diff.added.below,
    })
}

/// The same below one place.
#[derive(Default)]
struct Diff<'a> {
    removed: Branch<'a>,
    modified: Branch<'a>,
    added: Branch<'a>,
}

/// A place: whether it is in a set, and what is below it.
#[derive(Default)]
struct Branch<'a> {
    member: bool,
    below: Set<'a>,
}

/// What is below a place, while it is being found.
#[derive(Default)]
struct Below<'a> {
    removed: Vec<Node<'a>>,
    modified: Vec<Node<'a>>,
    added: Vec<Node<'a>>,
}

struct Walk<'a> {
    types: &'a Types,
}

impl<'a> Walk<'a> {
    fn pair(
        &self,
        id: TypeId,
        old: &'a Value,
        new: &'a Value,
        quick: u8,
    ) -> Result<Diff<'a>, String> {
        if quick > 0 && equal(old, new) {
            return Ok(Diff::default());
        }
        let quick = quick.saturating_sub(1);
        let (before, after) = (view(self.types, id, old), view(self.types, id, new));
        if before.is_like(&after) {
            return self.pair_as(after, old, new, quick);
        }
        // A value that may be anything became another kind of thing: both ways to own it count.
        let mut diff = self.pair_as(before, old, new, quick)?;
        diff.merge(self.pair_as(after, old, new, quick)?);
        Ok(diff)
    }

    fn pair_as(
        &self,
        view: View<'a>,
        old: &'a Value,
        new: &'a Value,
        quick: u8,
    ) -> Result<Diff<'a>, String> {
        match view {
            View::Map(fields) => {
                let (old_map, new_map) = (map(old), map(new));
                if old_map.is_none() && new_map.is_none() {
                    return Ok(Diff::leaf(old, new));
                }
                let mut below = Below::default();
                let mut failed = None;
                let mut visit = |key: &'a str, old: Option<&'a Value>, new: Option<&'a Value>| {
                    let Some(type_) = fields.type_of(key) else {
                        return true;
                    };
                    match self.either(type_, old, new, quick) {
                        Ok(diff) => below.push(&Element::field(key), diff),
                        Err(error) => failed = Some(error),
                    }
                    failed.is_none()
                };
                match (old_map, new_map) {
                    (Some(old), Some(new)) => zip(old, new, visit),
                    (Some(old), None) => {
                        old.iter().all(|(key, value)| visit(key, Some(value), None));
                    }
                    (None, Some(new)) => {
                        new.iter().all(|(key, value)| visit(key, None, Some(value)));
                    }
                    (None, None) => {}
                }
                failed.map_or_else(|| Ok(below.into()), Err)
            }
            View::List(items) => {
                let (old_items, new_items) = (list(old), list(new));
                if old_items.is_empty() && new_items.is_empty() {
                    return Ok(Diff::leaf(old, new));
                }
                self.lists(items, old_items, new_items, quick)
            }
            View::AtomicMap(_) | View::AtomicList(_) | View::Scalar(_) => Ok(Diff::leaf(old, new)),
        }
    }

    fn either(
        &self,
        id: TypeId,
        old: Option<&'a Value>,
        new: Option<&'a Value>,
        quick: u8,
    ) -> Result<Diff<'a>, String> {
        match (old, new) {
            (Some(old), Some(new)) => self.pair(id, old, new, quick),
            (Some(old), None) => Ok(Diff {
                removed: self.single(id, old)?,
                ..Diff::default()
            }),
            (None, Some(new)) => Ok(Diff {
                added: self.single(id, new)?,
                ..Diff::default()
            }),
            (None, None) => Ok(Diff::default()),
        }
    }

    /// All there is of a value that only one object has.
    fn single(&self, id: TypeId, value: &'a Value) -> Result<Branch<'a>, String> {
        let below = match (view(self.types, id, value), value) {
            (View::Map(fields), Value::Object(map)) => {
                let mut nodes = Vec::with_capacity(map.len());
                for (key, value) in map {
                    let Some(type_) = fields.type_of(key) else {
                        continue;
                    };
                    let Branch { member, below } = self.single(type_, value)?;
                    nodes.push(Node {
                        element: Element::field(key),
                        member,
                        children: below,
                    });
                }
                Set::of_nodes(nodes)
            }
            (View::List(items), Value::Array(values)) => {
                self.lists(items, &[], values, 0)?.added.below
            }
            _ => Set::new(),
        };
        Ok(Branch {
            member: true,
            below,
        })
    }

    fn lists(
        &self,
        items: Items<'a>,
        old: &'a [Value],
        new: &'a [Value],
        quick: u8,
    ) -> Result<Diff<'a>, String> {
        let (old, new) = (sorted(items.elements(old)?), sorted(items.elements(new)?));
        let mut below = Below::default();
        let (mut old, mut new) = (old.as_slice(), new.as_slice());
        while let Some((element, _)) = first(old, new) {
            let element = element.clone();
            let before = take(&mut old, &element);
            let after = take(&mut new, &element);
            let diff = match (before, after) {
                ([] | [_], [] | [_]) => {
                    let value =
                        |of: &[(Element<'a>, &'a Value)]| of.first().map(|(_, value)| *value);
                    self.either(items.item, value(before), value(after), quick)?
                }
                // Items that cannot be told apart are owned together, as a single value.
                ([_, _, ..], [_, _, ..]) => {
                    let same = before.len() == after.len()
                        && before
                            .iter()
                            .zip(after)
                            .all(|((_, old), (_, new))| equal(old, new));
                    Diff {
                        modified: Branch {
                            member: !same,
                            below: Set::new(),
                        },
                        ..Diff::default()
                    }
                }
                ([_, _, ..], _) => {
                    let new = after.first().map(|(_, value)| *value);
                    let mut diff = self.either(items.item, None, new, 0)?;
                    diff.removed.member = true;
                    diff
                }
                (_, _) => {
                    let old = before.first().map(|(_, value)| *value);
                    let mut diff = self.either(items.item, old, None, 0)?;
                    diff.added.member = true;
                    diff
                }
            };
            below.push(&element, diff);
        }
        Ok(below.into())
    }
}

/// The content of a map; `None` where there is none.
fn map(value: &Value) -> Option<&Map<String, Value>> {
    value.as_object().filter(|map| !map.is_empty())
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

type Item<'a> = (Element<'a>, &'a Value);

/// By element; items of the same one stay in their order.
fn sorted(mut items: Vec<Item<'_>>) -> Vec<Item<'_>> {
    if !items.is_sorted_by(|(a, _), (b, _)| a <= b) {
        items.sort_by(|(a, _), (b, _)| a.cmp(b));
    }
    items
}

fn first<'s, 'a>(old: &'s [Item<'a>], new: &'s [Item<'a>]) -> Option<&'s Item<'a>> {
    match (old.first(), new.first()) {
        (Some(old), Some(new)) => Some(if old.0 <= new.0 { old } else { new }),
        (old, new) => old.or(new),
    }
}

/// Takes the items of that element from the front.
fn take<'s, 'a>(items: &mut &'s [Item<'a>], element: &Element<'a>) -> &'s [Item<'a>] {
    let count = items
        .iter()
        .take_while(|(other, _)| other == element)
        .count();
    let (taken, rest) = items.split_at(count);
    *items = rest;
    taken
}

impl<'a> Diff<'a> {
    fn leaf(old: &Value, new: &Value) -> Self {
        let member = !equal(old, new);
        Diff {
            modified: Branch {
                member,
                below: Set::new(),
            },
            ..Diff::default()
        }
    }

    fn merge(&mut self, other: Diff<'a>) {
        let pairs = [
            (&mut self.removed, other.removed),
            (&mut self.modified, other.modified),
            (&mut self.added, other.added),
        ];
        for (branch, other) in pairs {
            branch.member |= other.member;
            branch.below = std::mem::take(&mut branch.below).union(other.below);
        }
    }
}

impl<'a> Below<'a> {
    fn push(&mut self, element: &Element<'a>, diff: Diff<'a>) {
        let pairs = [
            (&mut self.removed, diff.removed),
            (&mut self.modified, diff.modified),
            (&mut self.added, diff.added),
        ];
        for (nodes, Branch { member, below }) in pairs {
            if member || !below.is_empty() {
                nodes.push(Node {
                    element: element.clone(),
                    member,
                    children: below,
                });
            }
        }
    }
}

impl<'a> From<Below<'a>> for Diff<'a> {
    fn from(below: Below<'a>) -> Self {
        let branch = |nodes| Branch {
            member: false,
            below: Set::of_nodes(nodes),
        };
        Diff {
            removed: branch(below.removed),
            modified: branch(below.modified),
            added: branch(below.added),
        }
    }
}

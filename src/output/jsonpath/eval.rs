//! Trees followed in a value: `jsonpath.go` of `k8s.io/client-go/util/jsonpath`.

use serde_json::Value;

use super::parse::{Filter, Node, Part, Slice};
use super::{Error, Item, compare};

/// What each part of the template finds, in order; ranges are unrolled.
pub(super) fn results<'a>(
    parts: &'a [Part],
    value: &'a Value,
) -> Result<Vec<Vec<Item<'a>>>, Error> {
    let mut walk = Walk {
        parts,
        begun: 0,
        depth: 0,
        ended: 0,
        last_end: None,
    };
    let mut found = Vec::new();
    walk.from(0, Item::Json(value), Some(&mut found))?;
    Ok(found)
}

/// `range` and `end` are found in the middle of a path; they are noted here and take effect when
/// the action that holds them is done.
struct Walk<'a> {
    parts: &'a [Part],
    /// Ranges that the current action begins.
    begun: usize,
    /// Ranges that are open.
    depth: usize,
    /// Ranges that the current action ends.
    ended: usize,
    /// The part that ended a range last; going on after the range means going on after it.
    last_end: Option<usize>,
}

impl<'a> Walk<'a> {
    /// Walks the parts from `first` on, up to the end of the range that they are in. Without a place
    /// to put the results they are dropped: a range over nothing is walked once to find its end.
    fn from(
        &mut self,
        first: usize,
        current: Item<'a>,
        mut found: Option<&mut Vec<Vec<Item<'a>>>>,
    ) -> Result<(), Error> {
        let parts = self.parts;
        let mut at = first;
        while let Some(part) = parts.get(at) {
            let results = match part {
                Part::Text(text) => vec![Item::Text(text)],
                Part::Action(nodes) => self.path(vec![current], nodes)?,
            };
            if self.ended > 0 && self.ended <= self.depth {
                self.ended -= 1;
                self.last_end = Some(at);
                return Ok(());
            }
            if self.begun > 0 {
                self.begun -= 1;
                self.depth += 1;
                if results.is_empty() {
                    self.from(at + 1, Item::Nothing, None)?;
                }
                for item in results {
                    let item = match item {
                        Item::Json(Value::Null) => Item::Nothing,
                        item => item,
                    };
                    self.from(at + 1, item, found.as_deref_mut())?;
                }
                self.depth -= 1;
                at = self.last_end.filter(|end| *end > at).unwrap_or(at) + 1;
                continue;
            }
            if let Some(found) = found.as_deref_mut() {
                found.push(results);
            }
            at += 1;
        }
        Ok(())
    }

    fn path(
        &mut self,
        mut items: Vec<Item<'a>>,
        nodes: &'a [Node],
    ) -> Result<Vec<Item<'a>>, Error> {
        for node in nodes {
            items = self.step(items, node)?;
        }
        Ok(items)
    }

    fn step(&mut self, items: Vec<Item<'a>>, node: &'a Node) -> Result<Vec<Item<'a>>, Error> {
        Ok(match node {
            Node::Text(text) => vec![Item::Text(text)],
            Node::Int(int) => vec![Item::Int(*int); items.len()],
            Node::Float(float) => vec![Item::Float(*float); items.len()],
            Node::Bool(bool) => vec![Item::Bool(*bool); items.len()],
            Node::Field(name) => items
                .into_iter()
                .filter_map(|item| field(item, name))
                .collect(),
            Node::Wildcard => items.into_iter().flat_map(children).collect(),
            Node::Recursive => {
                let mut found = Vec::new();
                items.into_iter().for_each(|item| descend(item, &mut found));
                found
            }
            Node::Slice(slice) => sliced(&items, slice)?,
            Node::Filter(filter) => self.filtered(&items, filter)?,
            Node::Union(members) => {
                let mut found = Vec::new();
                for member in members {
                    found.extend(self.path(items.clone(), member)?);
                }
                found
            }
            Node::Word(word) => match word.as_str() {
                "range" => {
                    self.begun += 1;
                    items
                }
                "end" if self.depth > 0 => {
                    self.ended += 1;
                    Vec::new()
                }
                "end" => return Err(Error::EndWithoutRange),
                word => return Err(Error::Word(word.to_owned())),
            },
        })
    }

    fn filtered(&mut self, items: &[Item<'a>], filter: &'a Filter) -> Result<Vec<Item<'a>>, Error> {
        let mut found = Vec::new();
        for item in items {
            let list = match item {
                Item::Json(Value::Array(list)) => list,
                Item::Nothing => continue,
                other => return Err(Error::NotFilterable(other.type_name())),
            };
            for member in list {
                if self.passes(Item::Json(member), filter)? {
                    found.push(Item::Json(member));
                }
            }
        }
        Ok(found)
    }

    fn passes(&mut self, member: Item<'a>, filter: &'a Filter) -> Result<bool, Error> {
        let Some((operator, right)) = &filter.compare else {
            return Ok(self.exists(member, &filter.left));
        };
        let left = match self.path(vec![member], &filter.left)?.as_slice() {
            [] => return Ok(false),
            [one] => *one,
            _ => return Err(Error::SeveralValues),
        };
        match self.path(vec![member], right)?.as_slice() {
            [] => Ok(false),
            [one] => compare::compare(left, operator, *one),
            _ => Err(Error::SeveralValues),
        }
    }

    /// Whether a path finds something. kubectl ignores that a step fails and counts what the step
    /// was given.
    fn exists(&mut self, member: Item<'a>, path: &'a [Node]) -> bool {
        let mut items = vec![member];
        for node in path {
            let given = !items.is_empty();
            items = match self.step(items, node) {
                Ok(items) => items,
                Err(Error::EndWithoutRange) => return false,
                Err(_) => return given,
            };
        }
        !items.is_empty()
    }
}

fn field<'a>(item: Item<'a>, name: &str) -> Option<Item<'a>> {
    match item {
        Item::Json(Value::Object(fields)) => fields.get(name).map(Item::Json),
        _ => None,
    }
}

/// What is directly inside.
fn children(item: Item<'_>) -> Vec<Item<'_>> {
    match item {
        Item::Json(Value::Object(fields)) => fields.values().map(Item::Json).collect(),
        Item::Json(Value::Array(list)) => list.iter().map(Item::Json).collect(),
        Item::Json(Value::String(text)) => text.bytes().map(Item::Byte).collect(),
        Item::Text(text) => text.bytes().map(Item::Byte).collect(),
        _ => Vec::new(),
    }
}

/// The item and all inside of it that has something inside itself, parents first.
fn descend<'a>(item: Item<'a>, found: &mut Vec<Item<'a>>) {
    let inside = children(item);
    if !inside.is_empty() {
        found.push(item);
        inside.into_iter().for_each(|child| descend(child, found));
    }
}

fn sliced<'a>(items: &[Item<'a>], slice: &Slice) -> Result<Vec<Item<'a>>, Error> {
    let mut found = Vec::new();
    for item in items {
        let list = match item {
            Item::Json(Value::Array(list)) => list,
            Item::Json(Value::Null) | Item::Nothing => continue,
            other => {
                let (found, index) = (other.type_name(), slice.text.clone());
                return Err(Error::NotAList { found, index });
            }
        };
        let Some((start, end)) = bounds(list.len(), slice)? else {
            return Ok(found);
        };
        let step = match slice.step {
            None => 1,
            Some(step) if step > 0 => usize::try_from(step).unwrap_or(usize::MAX),
            Some(step) => return Err(Error::Step(step)),
        };
        found.extend(list[start..end].iter().step_by(step).map(Item::Json));
    }
    Ok(found)
}

/// Where a slice starts and ends in a list of that length; none when it is empty.
fn bounds(items: usize, slice: &Slice) -> Result<Option<(usize, usize)>, Error> {
    let length = i64::try_from(items).unwrap_or(i64::MAX);
    let from_end = |at: i64| if at < 0 { at + length } else { at };
    let start = from_end(slice.start.unwrap_or(0));
    let end = match slice.end {
        None => length,
        Some(0) if slice.end_derived => length,
        Some(end) => from_end(end),
    };
    if start == end {
        return Ok(None);
    }
    let outside = |index| Error::OutOfBounds {
        index,
        length: items,
    };
    let place = |at: i64| usize::try_from(at).ok().filter(|at| *at <= items);
    let first = place(start)
        .filter(|at| *at < items)
        .ok_or_else(|| outside(start))?;
    let last = place(end).ok_or_else(|| outside(end - 1))?;
    if first > last {
        return Err(Error::Backwards { start, end });
    }
    Ok(Some((first, last)))
}

//! Functions of lists: Kubernetes' own, and cel-go's extensions for lists and sets.

use std::cmp::Ordering;
use std::rc::Rc;

use super::arithmetic;
use super::eval::{Evaluated, Failure};
use super::library::no_such_overload;
use super::value::{List, Val};

pub(super) fn call<'a>(name: &str, args: &[Val<'a>]) -> Option<Evaluated<'a>> {
    if let ("lists.range", [Val::Int(count)]) = (name, args) {
        return Some(range(*count));
    }
    let (Val::List(list), rest) = args.split_first()? else {
        return None;
    };
    let items = match list.items() {
        Ok(items) => items,
        Err(error) => return Some(Err(Failure::Error(error))),
    };
    Some(match (name, rest) {
        ("isSorted", []) => {
            Ok(Val::Bool(items.is_sorted_by(|a, b| {
                a.compare(b) != Some(Ordering::Greater)
            })))
        }
        ("sum", []) => sum(items),
        ("min", []) => extreme(items, "min", Ordering::Less),
        ("max", []) => extreme(items, "max", Ordering::Greater),
        ("indexOf", [value]) => find(items.iter(), value, |at| at),
        ("lastIndexOf", [value]) => {
            let last = items.len().saturating_sub(1);
            find(items.iter().rev(), value, |at| last - at)
        }
        ("slice", [Val::Int(from), Val::Int(to)]) => slice(&items, *from, *to),
        ("flatten", []) => flatten(items, 1),
        ("flatten", [Val::Int(depth)]) if *depth < 0 => Err("level must be non-negative".into()),
        ("flatten", [Val::Int(depth)]) => flatten(items, *depth),
        ("sort", []) => {
            let mut items = items;
            items.sort_by(|a, b| a.compare(b).unwrap_or(Ordering::Equal));
            Ok(Val::list(items))
        }
        ("first", []) => Ok(Val::Optional(items.into_iter().next().map(Rc::new))),
        ("last", []) => Ok(Val::Optional(items.into_iter().next_back().map(Rc::new))),
        ("optional.unwrap" | "unwrapOpt", []) => unwrap(items),
        ("reverse", []) => Ok(Val::list(items.into_iter().rev().collect())),
        ("distinct", []) => distinct(items),
        ("sets.contains", [Val::List(other)]) => contains_all(list, other),
        ("sets.equivalent", [Val::List(other)]) => {
            match (contains_all(list, other), contains_all(other, list)) {
                (Ok(Val::Bool(a)), Ok(Val::Bool(b))) => Ok(Val::Bool(a && b)),
                (Err(failure), _) | (_, Err(failure)) => Err(failure),
                _ => no_such_overload(),
            }
        }
        ("sets.intersects", [Val::List(other)]) => intersects(list, other),
        _ => return None,
    })
}

/// What optional items hold, without those that hold nothing.
fn unwrap(items: Vec<Val<'_>>) -> Evaluated<'_> {
    let mut held = Vec::new();
    for item in items {
        match item {
            Val::Optional(inner) => held.extend(inner.map(|inner| (*inner).clone())),
            _ => return no_such_overload(),
        }
    }
    Ok(Val::list(held))
}

fn range<'a>(count: i64) -> Evaluated<'a> {
    /// Nothing useful is longer, and costs are counted by items only afterwards.
    const LONGEST: i64 = 1_000_000;
    if count > LONGEST {
        return Err(Failure::TooCostly);
    }
    Ok(Val::list((0..count).map(Val::Int).collect()))
}

fn sum<'a>(items: Vec<Val<'a>>) -> Evaluated<'a> {
    let mut items = items.into_iter();
    let Some(first) = items.next() else {
        // The type of nothing is not known here; an int compares with all numbers.
        return Ok(Val::Int(0));
    };
    items.try_fold(first, |sum, item| arithmetic::call("_+_", &[sum, item]))
}

fn extreme<'a>(items: Vec<Val<'a>>, name: &str, wanted: Ordering) -> Evaluated<'a> {
    let best = items.into_iter().reduce(|best, item| {
        if item.compare(&best) == Some(wanted) {
            item
        } else {
            best
        }
    });
    best.ok_or_else(|| Failure::Error(format!("{name} called on empty list")))
}

fn find<'i, 'a: 'i>(
    items: impl Iterator<Item = &'i Val<'a>>,
    value: &Val<'a>,
    place: impl Fn(usize) -> usize,
) -> Evaluated<'a> {
    for (at, item) in items.enumerate() {
        if item.equals(value)? {
            return Ok(Val::Int(i64::try_from(place(at)).unwrap_or(i64::MAX)));
        }
    }
    Ok(Val::Int(-1))
}

fn slice<'a>(items: &[Val<'a>], from: i64, to: i64) -> Evaluated<'a> {
    let wrong = |what: String| Err(Failure::Error(what));
    let length = i64::try_from(items.len()).unwrap_or(i64::MAX);
    if from < 0 || to < 0 {
        return wrong(format!(
            "cannot slice({from}, {to}), negative indexes not supported"
        ));
    }
    if from > to {
        return wrong(format!(
            "cannot slice({from}, {to}), start index must be less than or equal to end index"
        ));
    }
    if to > length {
        return wrong(format!(
            "cannot slice({from}, {to}), list is length {length}"
        ));
    }
    let (from, to) = (usize::try_from(from), usize::try_from(to));
    match (from, to) {
        (Ok(from), Ok(to)) => Ok(Val::list(items[from..to].to_vec())),
        _ => no_such_overload(),
    }
}

fn flatten<'a>(items: Vec<Val<'a>>, depth: i64) -> Evaluated<'a> {
    let mut flat = items;
    for _ in 0..depth.min(50) {
        if !flat.iter().any(|item| matches!(item, Val::List(_))) {
            break;
        }
        let mut next = Vec::with_capacity(flat.len());
        for item in flat {
            match item {
                Val::List(list) => next.extend(list.items()?),
                other => next.push(other),
            }
        }
        flat = next;
    }
    Ok(Val::list(flat))
}

fn distinct<'a>(items: Vec<Val<'a>>) -> Evaluated<'a> {
    let mut distinct: Vec<Val<'a>> = Vec::new();
    for item in items {
        let mut is_known = false;
        for known in &distinct {
            is_known |= known.equals(&item)?;
        }
        if !is_known {
            distinct.push(item);
        }
    }
    Ok(Val::list(distinct))
}

fn contains_all<'a>(list: &List<'a>, other: &List<'a>) -> Evaluated<'a> {
    for item in other.items()? {
        if !list.contains(&item)? {
            return Ok(Val::Bool(false));
        }
    }
    Ok(Val::Bool(true))
}

fn intersects<'a>(list: &List<'a>, other: &List<'a>) -> Evaluated<'a> {
    for item in other.items()? {
        if list.contains(&item)? {
            return Ok(Val::Bool(true));
        }
    }
    Ok(Val::Bool(false))
}

//! Functions and operators: which one a name stands for, and what all kinds of values share.

use std::cmp::Ordering;
use std::rc::Rc;

use super::eval::{Evaluated, Failure, Scope};
use super::value::{List, Map, Text, Val};
use super::{arithmetic, convert, formats, lists, moments, net, quantities, semver, text, url};

/// Calls a function with arguments that have been evaluated, the receiver first.
pub(super) fn call<'a>(scope: &mut Scope<'a>, name: &str, args: Vec<Val<'a>>) -> Evaluated<'a> {
    charge(scope, name, &args)?;
    if let Some(result) = operator(name, &args) {
        return result;
    }
    let libraries = [
        convert::call,
        text::call,
        lists::call,
        moments::call,
        optional,
        quantities::call,
        net::call,
        url::call,
        semver::call,
        formats::call,
    ];
    let result = libraries
        .into_iter()
        .find_map(|library| library(name, &args));
    result.unwrap_or_else(no_such_overload)
}

/// An error of types that only show when an expression runs.
pub(super) fn no_such_overload<'a>() -> Evaluated<'a> {
    Err(Failure::from("no such overload"))
}

/// What grows with its arguments costs more: a tenth of a character, or one for each item.
fn charge(scope: &mut Scope<'_>, name: &str, args: &[Val<'_>]) -> Result<(), Failure> {
    if matches!(name, "size" | "_[_]" | "_[?_]") {
        return Ok(());
    }
    let size = |arg: &Val<'_>| match arg {
        Val::Text(text) => text.as_str().len() / 10,
        Val::Bytes(bytes) => bytes.len() / 10,
        Val::List(list) => list.len(),
        Val::Map(map) if matches!(name, "_==_" | "_!=_") => map.len(),
        _ => 0,
    };
    let total: usize = match (name, args) {
        // Each item of one is compared with each of the other.
        ("distinct", [list]) => size(list) * size(list),
        (name, [a, b]) if name.starts_with("sets.") => size(a) * size(b),
        _ => args.iter().map(size).sum(),
    };
    scope.spend(u64::try_from(total).unwrap_or(u64::MAX))
}

fn operator<'a>(name: &str, args: &[Val<'a>]) -> Option<Evaluated<'a>> {
    let is = |is: bool| Ok(Val::Bool(is));
    let compare = |wanted: fn(Ordering) -> bool| match args {
        [a, b] => match a.compare(b) {
            Some(order) => is(wanted(order)),
            None => no_such_overload(),
        },
        _ => no_such_overload(),
    };
    Some(match (name, args) {
        ("_==_", [a, b]) => a.equals(b).map(Val::Bool).map_err(Failure::Error),
        ("_!=_", [a, b]) => a
            .equals(b)
            .map(|same| Val::Bool(!same))
            .map_err(Failure::Error),
        ("_<_", _) => compare(Ordering::is_lt),
        ("_<=_", _) => compare(Ordering::is_le),
        ("_>_", _) => compare(Ordering::is_gt),
        ("_>=_", _) => compare(Ordering::is_ge),
        ("!_", [Val::Bool(value)]) => is(!value),
        ("@in", [value, Val::List(list)]) => {
            list.contains(value).map(Val::Bool).map_err(Failure::Error)
        }
        ("@in", [value, Val::Map(map)]) => match value.to_key() {
            Some(key) => is(map.get(&key).is_some()),
            None => is(false),
        },
        ("_[_]", [container, index]) => index_of(container, index, false),
        ("_[?_]", [container, index]) => index_of(container, index, true),
        ("size", [value]) => size(value),
        ("type", [value]) => Ok(Val::Type(Rc::from(value.type_name()))),
        ("dyn", [value]) => Ok(value.clone()),
        ("_+_", [Val::List(a), Val::List(b)]) => a.join(b).map_err(Failure::Error),
        ("_+_" | "_-_" | "_*_" | "_/_" | "_%_" | "-_", _) => arithmetic::call(name, args),
        _ => return None,
    })
}

fn index_of<'a>(container: &Val<'a>, index: &Val<'a>, is_optional: bool) -> Evaluated<'a> {
    let (container, is_optional) = match container {
        Val::Optional(None) => return Ok(Val::Optional(None)),
        Val::Optional(Some(inner)) => (&**inner, true),
        other => (other, is_optional),
    };
    let found = match container {
        Val::List(list) => {
            let at = match index {
                Val::Int(at) => *at,
                Val::Uint(at) => i64::try_from(*at).unwrap_or(i64::MAX),
                Val::Double(at) if at.fract() == 0.0 => *at as i64,
                _ => return no_such_overload(),
            };
            let found = usize::try_from(at)
                .ok()
                .and_then(|at| list.get(at))
                .transpose()?;
            found.ok_or_else(|| format!("index out of bounds: {at}"))
        }
        Val::Map(map) => {
            let Some(key) = index.to_key() else {
                return no_such_overload();
            };
            map.get(&key)
                .transpose()?
                .ok_or_else(|| format!("no such key: {key}"))
        }
        _ => return no_such_overload(),
    };
    if is_optional {
        return Ok(Val::Optional(found.ok().map(Rc::new)));
    }
    found.map_err(Failure::Error)
}

fn size<'a>(value: &Val<'a>) -> Evaluated<'a> {
    let size = match value {
        Val::Text(text) => text.as_str().chars().count(),
        Val::Bytes(bytes) => bytes.len(),
        Val::List(list) => list.len(),
        Val::Map(map) => map.len(),
        _ => return no_such_overload(),
    };
    Ok(Val::Int(i64::try_from(size).unwrap_or(i64::MAX)))
}

fn optional<'a>(name: &str, args: &[Val<'a>]) -> Option<Evaluated<'a>> {
    Some(Ok(match (name, args) {
        ("optional.none", []) => Val::Optional(None),
        ("optional.of", [value]) => Val::some(value.clone()),
        ("optional.ofNonZeroValue", [value]) => {
            if is_zero(value) {
                Val::Optional(None)
            } else {
                Val::some(value.clone())
            }
        }
        ("hasValue", [Val::Optional(inner)]) => Val::Bool(inner.is_some()),
        ("value", [Val::Optional(Some(inner))]) => (**inner).clone(),
        ("value", [Val::Optional(None)]) => {
            return Some(Err("optional.none() dereference".into()));
        }
        _ => return None,
    }))
}

fn is_zero(value: &Val<'_>) -> bool {
    match value {
        Val::Null | Val::Bool(false) | Val::Int(0) | Val::Uint(0) | Val::Optional(None) => true,
        Val::Double(number) => *number == 0.0,
        Val::Text(text) => text.as_str().is_empty(),
        Val::Bytes(bytes) => bytes.is_empty(),
        Val::List(list) => list.len() == 0,
        Val::Map(map) => map.len() == 0,
        Val::Duration(duration) => duration.is_zero(),
        _ => false,
    }
}

/// The texts in a list of nothing else.
pub(super) fn texts(list: &List<'_>) -> Option<Vec<String>> {
    let items = list.items().ok()?;
    let text = |item: &Val<'_>| match item {
        Val::Text(text) => Some(text.as_str().to_owned()),
        _ => None,
    };
    items.iter().map(text).collect()
}

/// A list of texts.
pub(super) fn text_list<'a>(texts: impl IntoIterator<Item = impl AsRef<str>>) -> Val<'a> {
    Val::list(texts.into_iter().map(Val::text).collect())
}

/// The text of an argument.
pub(super) fn as_text<'t>(value: &'t Val<'_>) -> Option<&'t str> {
    match value {
        Val::Text(text) => Some(Text::as_str(text)),
        _ => None,
    }
}

/// A map of its own.
pub(super) fn owned_map<'a>(
    entries: impl IntoIterator<Item = (super::value::Key, Val<'a>)>,
) -> Val<'a> {
    Val::Map(Map::Owned(Rc::new(entries.into_iter().collect())))
}

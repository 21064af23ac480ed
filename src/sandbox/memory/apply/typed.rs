//! Values seen through their types, as structured-merge-diff sees them.

use std::borrow::Cow;

use serde_json::{Map, Value};

use crate::sandbox::memory::types::{ListKind, Object, Scalar, Type, TypeId, Types};

use super::element::{Atom, Element};
use super::go;

/// How fields of a type are owned.
#[derive(Clone, Copy, Debug)]
pub(super) enum View<'t> {
    /// Field by field, or key by key
    Map(Fields<'t>),
    /// As a whole; with what its fields may be
    AtomicMap(Fields<'t>),
    /// Item by item
    List(Items<'t>),
    /// As a whole; with the type of its items
    AtomicList(TypeId),
    /// As the single value that it is
    Scalar(Scalar),
}

/// The fields of an object or a map.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fields<'t> {
    object: Option<&'t Object>,
    others: Option<TypeId>,
}

/// The items of a list that are told apart: by keys, or by their values where there are none.
#[derive(Clone, Copy, Debug)]
pub(super) struct Items<'t> {
    keys: &'t [std::sync::Arc<str>],
    object: Option<&'t Object>,
    /// What every item is
    pub item: TypeId,
}

/// The type of this value. What may be anything is taken for what the value is.
pub(super) fn view<'t>(types: &'t Types, id: TypeId, value: &Value) -> View<'t> {
    match types.get(id) {
        Type::Any => match value {
            Value::Array(_) => View::AtomicList(id),
            Value::Null | Value::Object(_) => View::Map(Fields {
                object: None,
                others: Some(id),
            }),
            _ => View::Scalar(Scalar::Untyped),
        },
        _ => declared(types, id),
    }
}

/// The type where there is no value: what may be anything counts as a map.
pub(super) fn declared(types: &Types, id: TypeId) -> View<'_> {
    match types.get(id) {
        Type::Object(object) => {
            let fields = Fields {
                object: Some(object),
                others: object.others,
            };
            if object.atomic {
                View::AtomicMap(fields)
            } else {
                View::Map(fields)
            }
        }
        Type::Map(map) => {
            let fields = Fields {
                object: None,
                others: Some(map.value),
            };
            if map.atomic {
                View::AtomicMap(fields)
            } else {
                View::Map(fields)
            }
        }
        Type::List(list) => match &list.kind {
            ListKind::Atomic => View::AtomicList(list.item),
            ListKind::Set => View::List(Items {
                keys: &[],
                object: None,
                item: list.item,
            }),
            ListKind::Map(keys) => View::List(Items {
                keys,
                object: match types.get(list.item) {
                    Type::Object(object) => Some(object),
                    _ => None,
                },
                item: list.item,
            }),
        },
        Type::Scalar(scalar) => View::Scalar(*scalar),
        Type::Any => View::Map(Fields {
            object: None,
            others: Some(id),
        }),
    }
}

impl View<'_> {
    /// Whether both own their fields in the same way.
    pub(super) fn is_like(&self, other: &View<'_>) -> bool {
        std::mem::discriminant(self) == std::mem::discriminant(other)
    }
}

impl Fields<'_> {
    /// What a field or key of that name holds; `None` where there can be none.
    pub(super) fn type_of(&self, name: &str) -> Option<TypeId> {
        let declared = self.object.and_then(|object| object.field(name));
        declared.map(|field| field.type_).or(self.others)
    }

    /// Whether nothing is said about any field.
    pub(super) fn is_untyped(&self, types: &Types) -> bool {
        let any = self
            .others
            .is_some_and(|others| matches!(types.get(others), Type::Any));
        any && self.object.is_none_or(|object| object.fields.is_empty())
    }

    /// Whether the name is that of a field, not a key of a map.
    pub(super) fn declares(&self, name: &str) -> bool {
        self.object
            .is_some_and(|object| object.field(name).is_some())
    }
}

impl<'t> Items<'t> {
    /// The step that leads to this item.
    pub(super) fn element<'a>(&self, item: &'a Value) -> Result<Element<'a>, String>
    where
        't: 'a,
    {
        if self.keys.is_empty() {
            return match item {
                Value::Object(_) => {
                    Err("associative list without keys has an element that's a map type".to_owned())
                }
                Value::Array(_) => {
                    Err("not supported: associative list with lists as elements".to_owned())
                }
                Value::Null => Err(
                    "associative list without keys has an element that's an explicit null"
                        .to_owned(),
                ),
                _ => Ok(Element::Value(Atom::of(item))),
            };
        }
        let map = match item {
            Value::Object(map) => map,
            Value::Null => {
                return Err("associative list with keys may not have a null element".to_owned());
            }
            _ => {
                return Err("associative list with keys may not have non-map elements".to_owned());
            }
        };
        let mut fields: Vec<(Cow<'a, str>, Atom<'a>)> = Vec::with_capacity(self.keys.len());
        for key in self.keys {
            let value = map.get(&**key).or_else(|| self.default(key));
            fields.extend(value.map(|value| (Cow::Borrowed(&**key), Atom::of(value))));
        }
        if fields.is_empty() {
            let keys: Vec<String> = self.keys.iter().map(|key| go::quote(key)).collect();
            return Err(format!(
                "associative list with keys has an element that omits all key fields [{}] \
                 (and doesn't have default values for any key fields)",
                keys.join(" ")
            ));
        }
        fields.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
        Ok(Element::Key(fields.into()))
    }

    fn default(&self, key: &str) -> Option<&'t Value> {
        let default = self.object?.field(key)?.default.as_ref();
        default.filter(|default| !default.is_null())
    }

    /// All items with the steps that lead to them.
    pub(super) fn elements<'a>(
        &self,
        items: &'a [Value],
    ) -> Result<Vec<(Element<'a>, &'a Value)>, String>
    where
        't: 'a,
    {
        items
            .iter()
            .map(|item| Ok((self.element(item)?, item)))
            .collect()
    }
}

/// Whether two values are equal; numbers are by what they are worth.
pub(super) fn equal(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => match (a.as_i64(), b.as_i64()) {
            (Some(a), Some(b)) => a == b,
            _ => a.as_f64() == b.as_f64(),
        },
        (Value::Array(a), Value::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| equal(a, b))
        }
        (Value::Object(a), Value::Object(b)) => {
            let mut same = a.len() == b.len();
            zip(a, b, |_, a, b| {
                same = same && matches!((a, b), (Some(a), Some(b)) if equal(a, b));
                same
            });
            same
        }
        _ => a == b,
    }
}

/// Whether two values are equal, with the same keys in the same order.
pub(super) fn is_identical(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Array(a), Value::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| is_identical(a, b))
        }
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len()
                && a.iter()
                    .zip(b)
                    .all(|((k, a), (l, b))| k == l && is_identical(a, b))
        }
        _ => a == b,
    }
}

/// Calls with every key of two maps and its values, until one call returns false. Maps that have
/// their keys in the same order, as almost all do, are walked without a look-up.
pub(super) fn zip<'a>(
    left: &'a Map<String, Value>,
    right: &'a Map<String, Value>,
    mut call: impl FnMut(&'a str, Option<&'a Value>, Option<&'a Value>) -> bool,
) {
    let mut matched = 0;
    let mut side = right.iter();
    for (key, l) in left {
        let next = side.clone().next().filter(|(name, _)| *name == key);
        let r = match next {
            Some((_, r)) => {
                side.next();
                Some(r)
            }
            None => right.get(key),
        };
        matched += usize::from(r.is_some());
        if !call(key, Some(l), r) {
            return;
        }
    }
    if matched < right.len() {
        for (key, r) in right {
            if !left.contains_key(key) && !call(key, None, Some(r)) {
                return;
            }
        }
    }
}

//! Comparisons in filters: `third_party/forked/golang/template/funcs.go` of `k8s.io/client-go`.

use std::cmp::Ordering;

use serde_json::Value;

use super::{Error, Item, Number};

/// A value as Go's types see it; different ones do not compare, but for the two integer types.
enum Basic<'a> {
    Bool(bool),
    Int(i64),
    Byte(u8),
    Float(f64),
    String(&'a str),
}

/// Whether `left operator right` holds.
pub(super) fn compare(left: Item<'_>, operator: &str, right: Item<'_>) -> Result<bool, Error> {
    let holds: fn(Ordering) -> bool = match operator {
        "==" => Ordering::is_eq,
        "!=" => Ordering::is_ne,
        "<" => Ordering::is_lt,
        "<=" => Ordering::is_le,
        ">" => Ordering::is_gt,
        ">=" => Ordering::is_ge,
        _ => return Err(Error::Operator(operator.to_owned())),
    };
    let ordered = !matches!(operator, "==" | "!=");
    match order(left, right, ordered) {
        Some(order) => Ok(holds(order)),
        None => Err(Error::Comparison {
            left: left.type_name(),
            right: right.type_name(),
            operator: operator.to_owned(),
        }),
    }
}

fn order(left: Item<'_>, right: Item<'_>, ordered: bool) -> Option<Ordering> {
    Some(match (basic(left)?, basic(right)?) {
        (Basic::Bool(_), Basic::Bool(_)) if ordered => return None,
        (Basic::Bool(a), Basic::Bool(b)) => a.cmp(&b),
        (Basic::Int(a), Basic::Int(b)) => a.cmp(&b),
        (Basic::Int(a), Basic::Byte(b)) => a.cmp(&b.into()),
        (Basic::Byte(a), Basic::Int(b)) => i64::from(a).cmp(&b),
        (Basic::Byte(a), Basic::Byte(b)) => a.cmp(&b),
        (Basic::Float(a), Basic::Float(b)) => a.total_cmp(&b),
        (Basic::String(a), Basic::String(b)) => a.cmp(b),
        _ => return None,
    })
}

fn basic(item: Item<'_>) -> Option<Basic<'_>> {
    Some(match item {
        Item::Json(Value::Bool(bool)) => Basic::Bool(*bool),
        Item::Json(Value::String(text)) => Basic::String(text),
        Item::Json(Value::Number(number)) => match Number::from(number) {
            Number::Int(int) => Basic::Int(int),
            Number::Float(float) => Basic::Float(float),
        },
        Item::Json(Value::Null | Value::Array(_) | Value::Object(_)) | Item::Nothing => {
            return None;
        }
        Item::Text(text) => Basic::String(text),
        Item::Int(int) => Basic::Int(int),
        Item::Float(float) => Basic::Float(float),
        Item::Bool(bool) => Basic::Bool(bool),
        Item::Byte(byte) => Basic::Byte(byte),
    })
}

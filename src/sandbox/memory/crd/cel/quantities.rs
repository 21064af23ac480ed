//! Resource quantities (`pkg/cel/library/quantity.go` of apiserver).

use std::rc::Rc;

use super::eval::Evaluated;
use super::library::as_text;
use super::value::Val;
use crate::sandbox::memory::quantity::{Format, Quantity};

const MALFORMED: &str = "quantities must match the regular expression \
    '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";

pub(super) fn call<'a>(name: &str, args: &[Val<'a>]) -> Option<Evaluated<'a>> {
    let made = |quantity: Quantity| Ok(Val::Quantity(Rc::new(quantity)));
    let of_int = |number: i64| Quantity::from_i64(number, Format::DecimalSi);
    Some(match (name, args) {
        ("quantity", [text]) => match Quantity::parse(as_text(text)?) {
            Some(quantity) => made(quantity),
            None => Err(MALFORMED.into()),
        },
        ("isQuantity", [text]) => Ok(Val::Bool(Quantity::parse(as_text(text)?).is_some())),
        ("sign", [Val::Quantity(a)]) => Ok(Val::Int(i64::from(a.sign()))),
        ("asApproximateFloat", [Val::Quantity(a)]) => Ok(Val::Double(a.to_f64())),
        ("asInteger", [Val::Quantity(a)]) if a.is_integer() => Ok(Val::Int(a.value())),
        ("asInteger", [Val::Quantity(_)]) => Err("cannot convert value to integer".into()),
        ("isInteger", [Val::Quantity(a)]) => Ok(Val::Bool(a.is_integer())),
        ("isGreaterThan", [Val::Quantity(a), Val::Quantity(b)]) => Ok(Val::Bool(a > b)),
        ("isLessThan", [Val::Quantity(a), Val::Quantity(b)]) => Ok(Val::Bool(a < b)),
        ("compareTo", [Val::Quantity(a), Val::Quantity(b)]) => {
            Ok(Val::Int(i64::from(a.cmp(b) as i8)))
        }
        ("add", [Val::Quantity(a), Val::Quantity(b)]) => made(a.add(b)),
        ("add", [Val::Quantity(a), Val::Int(b)]) => made(a.add(&of_int(*b))),
        ("sub", [Val::Quantity(a), Val::Quantity(b)]) => made(a.sub(b)),
        ("sub", [Val::Quantity(a), Val::Int(b)]) => made(a.sub(&of_int(*b))),
        _ => return None,
    })
}

//! `+ - * / %`, without overflow.

use std::rc::Rc;

use jiff::{SignedDuration, Timestamp};

use super::eval::{Evaluated, Failure};
use super::library::no_such_overload;
use super::value::Val;

const OVERFLOW: &str = "integer overflow";
const UNSIGNED: &str = "unsigned integer overflow";

pub(super) fn call<'a>(name: &str, args: &[Val<'a>]) -> Evaluated<'a> {
    match args {
        [Val::Int(a), Val::Int(b)] => int(name, *a, *b),
        [Val::Uint(a), Val::Uint(b)] => uint(name, *a, *b),
        [Val::Double(a), Val::Double(b)] => Ok(Val::Double(match name {
            "_+_" => a + b,
            "_-_" => a - b,
            "_*_" => a * b,
            "_/_" => a / b,
            _ => return no_such_overload(),
        })),
        [Val::Text(a), Val::Text(b)] if name == "_+_" => {
            Ok(Val::text(format!("{}{}", a.as_str(), b.as_str())))
        }
        [Val::Bytes(a), Val::Bytes(b)] if name == "_+_" => {
            Ok(Val::Bytes(Rc::from([&**a, &**b].concat())))
        }
        [Val::Duration(a), Val::Duration(b)] => {
            let sum = match name {
                "_+_" => a.checked_add(*b),
                "_-_" => a.checked_sub(*b),
                _ => return no_such_overload(),
            };
            duration(sum)
        }
        [Val::Timestamp(time), Val::Duration(by)] if name == "_+_" => time_plus(*time, *by),
        [Val::Duration(by), Val::Timestamp(time)] if name == "_+_" => time_plus(*time, *by),
        [Val::Timestamp(time), Val::Duration(by)] if name == "_-_" => match by.checked_neg() {
            Some(by) => time_plus(*time, by),
            None => Err("timestamp overflow".into()),
        },
        [Val::Timestamp(a), Val::Timestamp(b)] if name == "_-_" => {
            duration(Some(a.duration_since(*b)))
        }
        [Val::Int(number)] if name == "-_" => number
            .checked_neg()
            .map(Val::Int)
            .ok_or(Failure::from(OVERFLOW)),
        [Val::Double(number)] if name == "-_" => Ok(Val::Double(-number)),
        _ => no_such_overload(),
    }
}

fn int<'a>(name: &str, a: i64, b: i64) -> Evaluated<'a> {
    let result = match name {
        "_+_" => a.checked_add(b),
        "_-_" => a.checked_sub(b),
        "_*_" => a.checked_mul(b),
        "_/_" if b == 0 => return Err("division by zero".into()),
        "_/_" => a.checked_div(b),
        "_%_" if b == 0 => return Err("modulus by zero".into()),
        "_%_" => a.checked_rem(b),
        _ => return no_such_overload(),
    };
    result.map(Val::Int).ok_or(Failure::from(OVERFLOW))
}

fn uint<'a>(name: &str, a: u64, b: u64) -> Evaluated<'a> {
    let result = match name {
        "_+_" => a.checked_add(b),
        "_-_" => a.checked_sub(b),
        "_*_" => a.checked_mul(b),
        "_/_" if b == 0 => return Err("division by zero".into()),
        "_/_" => a.checked_div(b),
        "_%_" if b == 0 => return Err("modulus by zero".into()),
        "_%_" => a.checked_rem(b),
        _ => return no_such_overload(),
    };
    result.map(Val::Uint).ok_or(Failure::from(UNSIGNED))
}

/// Durations are Go's: as many nanoseconds as fit 64 bits.
fn duration<'a>(duration: Option<SignedDuration>) -> Evaluated<'a> {
    let duration = duration.filter(|d| i64::try_from(d.as_nanos()).is_ok());
    duration
        .map(Val::Duration)
        .ok_or(Failure::from("duration overflow"))
}

fn time_plus<'a>(time: Timestamp, by: SignedDuration) -> Evaluated<'a> {
    let sum = time.checked_add(by).ok().filter(|time| in_range(*time));
    sum.map(Val::Timestamp)
        .ok_or(Failure::from("timestamp overflow"))
}

/// The years 1 to 9999.
pub(super) fn in_range(time: Timestamp) -> bool {
    (-62_135_596_800..=253_402_300_799).contains(&time.as_second())
}

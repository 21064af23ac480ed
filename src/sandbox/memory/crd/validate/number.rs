//! Bounds of numbers.

use serde_json::{Number, Value};

use super::failure::{Failure, Failures};
use super::node::{Node, Type};
use super::place::Place;
use crate::sandbox::memory::crd::go;

/// Up to here JSON's integers are exact.
const MAX_EXACT: f64 = 9_007_199_254_740_991.0;
const EPSILON: f64 = 1e-9;

/// Whether a value is a float that stands for an integer.
pub(super) fn is_whole(value: &Value) -> bool {
    match value {
        Value::Number(number) if go::integer(number).is_none() => {
            number.as_f64().is_some_and(is_whole_float)
        }
        _ => false,
    }
}

/// swag's `IsFloat64AJSONInteger`: nearly an integer is one.
fn is_whole_float(float: f64) -> bool {
    if !float.is_finite() || !(-MAX_EXACT..=MAX_EXACT).contains(&float) {
        return false;
    }
    if float == float.trunc() {
        return true;
    }
    let whole = float.max(0.0).trunc();
    if whole == 0.0 {
        return false;
    }
    (float - whole).abs() / (float.abs() + whole.abs()) < EPSILON
}

/// A number as Go has it.
struct Checked {
    integer: Option<i64>,
    float: f64,
    shown: String,
}

type Judge<'a> = &'a dyn Fn(Option<i64>, f64) -> Option<String>;

pub(super) fn check(node: &Node, place: &Place<'_>, number: &Number) -> Failures {
    let checked = Checked {
        integer: go::integer(number),
        float: number.as_f64().unwrap_or_default(),
        shown: go::number_verb(number),
    };
    let text = match checked.integer {
        Some(integer) => integer.to_string(),
        None => go::float_plain(checked.float),
    };
    let mut failures = range(node, place, &text, "Checked");
    if let Some(factor) = node.multiple_of {
        failures.merge(multiple(node, place, &checked, factor));
    }
    if let Some(min) = node.minimum {
        let judge: Judge<'_> = &|integer, float| below(integer, float, min, node.exclusive_minimum);
        failures.merge(bound(
            node,
            place,
            &checked,
            (min, "Minimum boundary"),
            judge,
        ));
    }
    if let Some(max) = node.maximum {
        let judge: Judge<'_> = &|integer, float| above(integer, float, max, node.exclusive_maximum);
        failures.merge(bound(
            node,
            place,
            &checked,
            (max, "Maximum boundary"),
            judge,
        ));
    }
    failures.matches += 1;
    failures
}

/// Integers are compared as such unless the bound is none.
fn bound(
    node: &Node,
    place: &Place<'_>,
    checked: &Checked,
    (bound, name): (f64, &str),
    judge: Judge<'_>,
) -> Failures {
    let mut failures = range(node, place, &go::float_plain(bound), name);
    let integer = checked.integer.filter(|_| failures.is_empty());
    if let Some(words) = judge(integer, checked.float) {
        failures.push(Failure::invalid(place, checked.shown.clone(), words));
    }
    failures
}

fn multiple(node: &Node, place: &Place<'_>, checked: &Checked, factor: f64) -> Failures {
    let mut failures = range(node, place, &go::float_plain(factor), "MultipleOf");
    let integer = checked.integer.filter(|_| failures.is_empty());
    let (is_positive, shown) = match integer {
        Some(_) => (factor as i64 > 0, (factor as i64).to_string()),
        None => (factor > 0.0, go::float_verb(factor)),
    };
    if !is_positive {
        let message = format!("factor MultipleOf declared for {place} must be positive: {shown}");
        failures.push(Failure::about(place, shown, message));
    } else if !is_multiple(integer, checked.float, factor) {
        let words = format!("should be a multiple of {shown}");
        failures.push(Failure::invalid(place, checked.shown.clone(), words));
    }
    failures
}

fn is_multiple(integer: Option<i64>, float: f64, factor: f64) -> bool {
    match integer {
        Some(integer) => integer % (factor as i64) == 0,
        None if factor < 1.0 => is_whole_float(1.0 / factor * float),
        None => is_whole_float(float / factor),
    }
}

/// Whether a number, written plainly, fits the format of the schema.
fn range(node: &Node, place: &Place<'_>, text: &str, what: &str) -> Failures {
    let type_ = node.single_type();
    let is_fine = match (type_, node.format.as_str()) {
        (Some(Type::Integer), "int32") => text.parse::<i32>().is_ok(),
        (Some(Type::Integer), _) => text.parse::<i64>().is_ok(),
        (Some(Type::Number), "float") => text.parse::<f32>().is_ok_and(f32::is_finite),
        _ => true,
    };
    if is_fine {
        return Failures::default();
    }
    let type_ = type_.map_or("", Type::word);
    let format = match node.format.as_str() {
        "" => "(default format)".to_owned(),
        format => format!("with format {format}"),
    };
    Failure::general(format!(
        "{what} value must be of type {type_} {format} in {place}"
    ))
    .into()
}

fn below(integer: Option<i64>, float: f64, min: f64, is_exclusive: bool) -> Option<String> {
    let (is_below, shown) = match integer {
        Some(integer) => {
            let min = min as i64;
            (
                integer < min || (is_exclusive && integer == min),
                min.to_string(),
            )
        }
        None => (
            float < min || (is_exclusive && float == min),
            go::float_verb(min),
        ),
    };
    let than = if is_exclusive {
        "greater than"
    } else {
        "greater than or equal to"
    };
    is_below.then(|| format!("should be {than} {shown}"))
}

fn above(integer: Option<i64>, float: f64, max: f64, is_exclusive: bool) -> Option<String> {
    let (is_above, shown) = match integer {
        Some(integer) => {
            let max = max as i64;
            (
                integer > max || (is_exclusive && integer == max),
                max.to_string(),
            )
        }
        None => (
            float > max || (is_exclusive && float == max),
            go::float_verb(max),
        ),
    };
    let than = if is_exclusive {
        "less than"
    } else {
        "less than or equal to"
    };
    is_above.then(|| format!("should be {than} {shown}"))
}

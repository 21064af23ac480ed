//! Whether a value is what its schema says (kube-openapi's `pkg/validation/validate`, in the form
//! that apiextensions-apiserver gives it).

mod failure;
mod node;
mod number;
mod place;

use serde_json::Value;

use super::correlate::Correlated;
use super::go;
use crate::sandbox::memory::field::{FieldError, Path};

use failure::{Failure, Failures};
pub(super) use node::Node;
use node::{Additional, Type};
use place::Place;

/// What is wrong with a value; errors' fields are below `path`, if any.
pub(super) fn validate(node: &Node, path: Option<&Path>, value: &Value) -> Vec<FieldError> {
    let failures = check(node, &Place::Root, value, Ratchet::Off);
    failures.into_errors(path)
}

/// The same for a change: what is wrong with values that have not changed does not count.
pub(super) fn validate_update(
    node: &Node,
    path: Option<&Path>,
    value: Correlated<'_>,
) -> Vec<FieldError> {
    let failures = check(node, &Place::Root, value.new, Ratchet::On(value));
    failures.into_errors(path)
}

/// Whether errors of unchanged values are let pass, and what the value was.
#[derive(Clone, Copy)]
enum Ratchet<'a> {
    Off,
    On(Correlated<'a>),
}

impl<'a> Ratchet<'a> {
    fn of(value: Option<Correlated<'a>>) -> Self {
        value.map_or(Ratchet::Off, Ratchet::On)
    }
}

fn check(node: &Node, place: &Place<'_>, value: &Value, ratchet: Ratchet<'_>) -> Failures {
    let failures = check_value(node, place, value, ratchet);
    match ratchet {
        Ratchet::On(correlated) if !failures.is_empty() && correlated.is_equal() => {
            failures.forgiven()
        }
        _ => failures,
    }
}

fn check_value(node: &Node, place: &Place<'_>, value: &Value, ratchet: Ratchet<'_>) -> Failures {
    let mut failures = Failures::default();
    if value.is_null() {
        failures.merge(check_type(node, place, value));
        failures.merge(check_enum(node, place, value));
        return failures;
    }
    // Each check that applies counts, whatever it finds; the count tells which alternative of a
    // junctor came nearest.
    if node.has_type_check() {
        failures.merge(check_type(node, place, value));
        failures.matches += 1;
    }
    failures.merge(check_junctors(node, place, value));
    failures.matches += 1;
    match value {
        Value::String(text) => {
            failures.merge(check_text(node, place, text));
            failures.matches += 1;
            if let Some(format) = node.format_check {
                if !format(text) {
                    failures.push(Failure::type_(place, &node.format, Some(text)));
                }
                failures.matches += 1;
            }
        }
        Value::Number(number) => {
            failures.merge(number::check(node, place, number));
            failures.matches += 1;
        }
        Value::Array(items) => {
            failures.merge(check_list(node, place, items, ratchet));
            failures.matches += 1;
        }
        _ => {}
    }
    failures.merge(check_enum(node, place, value));
    failures.matches += 1;
    if let Value::Object(map) = value {
        failures.merge(check_object(node, place, map, ratchet));
        failures.matches += 1;
    }
    failures.matches += 1;
    failures
}

fn check_type(node: &Node, place: &Place<'_>, value: &Value) -> Failures {
    let fine = Failures::counted();
    let types = node.type_words();
    if value.is_null() {
        return if node.types.is_empty() || node.nullable {
            fine
        } else {
            Failure::type_(place, types, Some("null")).into()
        };
    }
    let (type_, format) = Type::of(value);
    let is_text_or_list = matches!(value, Value::String(_) | Value::Array(_));
    let fits = node.types.contains(&type_)
        || (type_ == Type::Integer && node.types.contains(&Type::Number))
        || (node.types.contains(&Type::Integer) && number::is_whole(value));
    if !(is_text_or_list || node.format.is_empty() || fits || format == node.format) {
        return Failure::type_(place, &node.format, Some(format)).into();
    }
    let is_number = node.types.contains(&Type::Number) || node.types.contains(&Type::Integer);
    if fits || (!is_number && !node.format.is_empty() && is_text_or_list) {
        return fine;
    }
    Failure::type_(place, types, Some(type_.word())).into()
}

fn check_junctors(node: &Node, place: &Place<'_>, value: &Value) -> Failures {
    let mut failures = Failures::default();
    let quoted = || go::quote(&place.to_string());
    if !node.any_of.is_empty() {
        let mut nearest: Option<Failures> = None;
        for junctor in &node.any_of {
            let result = check_value(junctor, place, value, Ratchet::Off);
            if result.is_empty() {
                nearest = Some(result);
                break;
            }
            if nearest
                .as_ref()
                .is_none_or(|nearest| result.matches > nearest.matches)
            {
                nearest = Some(result);
            }
        }
        let nearest = nearest.unwrap_or_default();
        if !nearest.is_empty() {
            let message = format!("{} must validate at least one schema (anyOf)", quoted());
            failures.push(Failure::general(message));
        }
        failures.merge(nearest);
    }
    if !node.one_of.is_empty() {
        let (mut nearest, mut first): (Option<Failures>, Option<Failures>) = (None, None);
        let mut valid = 0;
        for junctor in &node.one_of {
            let result = check_value(junctor, place, value, Ratchet::Off);
            if result.is_empty() {
                valid += 1;
                nearest = None;
                first = first.or(Some(result));
            } else if valid == 0
                && nearest
                    .as_ref()
                    .is_none_or(|nearest| result.matches > nearest.matches)
            {
                nearest = Some(result);
            }
        }
        if valid != 1 {
            let found = match valid {
                0 => "Found none valid".to_owned(),
                valid => format!("Found {valid} valid alternatives"),
            };
            let message = format!(
                "{} must validate one and only one schema (oneOf). {found}",
                quoted()
            );
            failures.push(Failure::general(message));
        }
        failures.merge(if valid == 1 { first } else { nearest }.unwrap_or_default());
    }
    let mut valid = 0;
    for junctor in &node.all_of {
        let result = check_value(junctor, place, value, Ratchet::Off);
        valid += usize::from(result.is_empty());
        failures.merge(result);
    }
    if valid != node.all_of.len() {
        let none = if valid == 0 { ". None validated" } else { "" };
        let message = format!("{} must validate all the schemas (allOf){none}", quoted());
        failures.push(Failure::general(message));
    }
    if let Some(not) = &node.not
        && check_value(not, place, value, Ratchet::Off).is_empty()
    {
        let message = format!("{} must not validate the schema (not)", quoted());
        failures.push(Failure::general(message));
    }
    failures.matches += 1;
    failures
}

fn check_text(node: &Node, place: &Place<'_>, text: &str) -> Failures {
    if let Some(max) = node.max_length
        && length(text) > max
    {
        return Failure::too_long(place, max).into();
    }
    if let Some(min) = node.min_length
        && length(text) < min
    {
        let words = format!("should be at least {min} chars long");
        return Failure::invalid(place, go::quote(text), words).into();
    }
    if let Some((pattern, regex)) = &node.pattern {
        let words = match regex {
            Ok(regex) if regex.is_match(text) => return Failures::default(),
            Ok(_) => format!("should match '{pattern}'"),
            Err(error) => format!("should match '{pattern}, but pattern is invalid: {error}'"),
        };
        return Failure::invalid(place, go::quote(text), words).into();
    }
    Failures::default()
}

fn length(text: &str) -> i64 {
    i64::try_from(text.chars().count()).unwrap_or(i64::MAX)
}

fn check_list(node: &Node, place: &Place<'_>, items: &[Value], ratchet: Ratchet<'_>) -> Failures {
    let mut failures = Failures::default();
    if let Some(item_node) = &node.item {
        let before = match ratchet {
            Ratchet::On(list) => Some(list.items()),
            Ratchet::Off => None,
        };
        for (at, item) in items.iter().enumerate() {
            let ratchet = Ratchet::of(before.as_ref().and_then(|before| before.get(at)));
            failures.merge(check(item_node, &Place::Index(place, at), item, ratchet));
        }
    }
    let size = i64::try_from(items.len()).unwrap_or(i64::MAX);
    if let Some(min) = node.min_items
        && size < min
    {
        let words = format!("should have at least {min} items");
        failures.push(Failure::invalid(place, size.to_string(), words));
    }
    if let Some(max) = node.max_items
        && size > max
    {
        failures.push(Failure::too_many(place, "items", size, max));
    }
    failures.matches += 1;
    failures
}

fn check_enum(node: &Node, place: &Place<'_>, value: &Value) -> Failures {
    if node.enum_.is_empty() || node.enum_.iter().any(|one| is_enum_value(value, one)) {
        return Failures::default();
    }
    Failure::not_supported(place, value, &node.enum_).into()
}

/// Go converts a value to the type of the one it is compared with, numbers to text included.
fn is_enum_value(value: &Value, one: &Value) -> bool {
    match (value, one) {
        (Value::Null, _) | (_, Value::Null) => false,
        (Value::Number(value), Value::Number(one)) => {
            match (go::integer(value), go::integer(one)) {
                (Some(value), Some(one)) => value == one,
                (None, Some(one)) => value.as_f64().unwrap_or_default() as i64 == one,
                _ => value.as_f64() == one.as_f64(),
            }
        }
        (Value::Number(value), Value::String(one)) => {
            let scalar = go::integer(value).and_then(|value| u32::try_from(value).ok());
            let text = scalar.map(|value| char::from_u32(value).unwrap_or('\u{fffd}'));
            text.is_some_and(|text| one.strip_prefix(text) == Some(""))
        }
        (value, one) => value == one,
    }
}

fn check_object(
    node: &Node,
    place: &Place<'_>,
    map: &serde_json::Map<String, Value>,
    ratchet: Ratchet<'_>,
) -> Failures {
    let mut failures = Failures::default();
    let size = i64::try_from(map.len()).unwrap_or(i64::MAX);
    if let Some(min) = node.min_properties
        && size < min
    {
        let words = format!("should have at least {min} properties");
        failures.push(Failure::invalid(place, size.to_string(), words));
    }
    if let Some(max) = node.max_properties
        && size > max
    {
        failures.push(Failure::too_many(place, "properties", size, max));
    }
    let ratchet_of = |name: &str| match ratchet {
        // The root's type cannot be seen to change: both were converted to it.
        Ratchet::On(_) if place.is_root() && matches!(name, "kind" | "apiVersion") => Ratchet::Off,
        Ratchet::On(object) => Ratchet::of(object.key(name)),
        Ratchet::Off => Ratchet::Off,
    };
    match &node.additional {
        Additional::Forbidden => {
            for name in map
                .keys()
                .filter(|name| !node.properties.contains_key(*name))
            {
                failures.push(Failure::forbidden_property(place, name));
            }
        }
        Additional::Of(additional) => {
            let others = map.iter();
            let others = others.filter(|(name, _)| !node.properties.contains_key(*name));
            for (name, value) in others {
                let place = Place::Additional(place, name);
                failures.merge(check(additional, &place, value, ratchet_of(name)));
            }
        }
        Additional::Any => {}
    }
    for (name, property) in &node.properties {
        if let Some(value) = map.get(name) {
            let place = Place::Field(place, name);
            failures.merge(check(property, &place, value, ratchet_of(name)));
        }
    }
    for name in node.required.iter().filter(|name| !map.contains_key(*name)) {
        failures.push(Failure::required(&Place::Additional(place, name)));
    }
    failures
}

#[cfg(test)]
mod tests;

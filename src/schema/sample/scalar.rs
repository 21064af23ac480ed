//! A value that a field without fields takes.

use regex::Regex;
use serde_json::{Number, Value, json};

use super::pattern::examples;
use super::rules::Checker;
use crate::schema::Field;

/// Words to try where a schema asks for more than any string, the most telling first.
const WORDS: [&str; 20] = [
    "example",
    "Example",
    "EXAMPLE",
    "example.com",
    "example.com/name",
    "/example",
    "1",
    "10s",
    "1Gi",
    "100m",
    "50%",
    "v1",
    "1.0.0",
    "10.0.0.1",
    "10.0.0.0/24",
    "https://example.com",
    "ex",
    "key=value",
    "*",
    "",
];

/// A value, and whether the schema could be satisfied as far as this knows.
pub(super) struct Scalar {
    pub(super) value: Value,
    pub(super) fits: bool,
}

/// `seed` makes the items of one list differ.
pub(super) fn scalar(field: &Field, seed: u64) -> Scalar {
    let mut values = candidates(field, seed);
    let readable = field.patterns.iter().all(|p| Regex::new(p).is_ok());
    if let Some(checker) = Checker::of(field) {
        let met = values.iter().position(|v| checker.unmet(v).is_empty());
        let fits = met.is_some() && readable;
        return Scalar {
            value: match values.is_empty() {
                true => fallback(field),
                false => values.swap_remove(met.unwrap_or(0)),
            },
            fits,
        };
    }
    match values.is_empty() {
        true => Scalar {
            value: fallback(field),
            fits: false,
        },
        false => Scalar {
            value: values.swap_remove(0),
            fits: readable,
        },
    }
}

/// Values that keep to the enum, bounds, format and patterns of a field; the best first.
pub(super) fn candidates(field: &Field, seed: u64) -> Vec<Value> {
    if !field.enum_.is_empty() {
        // An empty string in an enum means "none", which is a poor example.
        let is_said = |v: &&Value| v.as_str() != Some("") && !v.is_null();
        let (mut said, unsaid): (Vec<&Value>, Vec<&Value>) = field.enum_.iter().partition(is_said);
        if !said.is_empty() {
            let at = usize::try_from(seed).unwrap_or_default() % said.len();
            said.rotate_left(at);
        }
        return said.into_iter().chain(unsaid).cloned().collect();
    }
    if let Some(value) = known_type(field) {
        return vec![value];
    }
    let types = field.alternative_types();
    let one_of = |wanted: &str| types.contains(&wanted);
    match field.json_type() {
        "boolean" => vec![json!(false), json!(true)],
        "integer" => numbers(field, seed, true),
        "number" => numbers(field, seed, false),
        "string" => strings(field, seed),
        "array" => vec![json!([])],
        "" if field.int_or_string => {
            let mut both = numbers(field, seed, true);
            both.extend(strings(field, seed));
            both
        }
        "" if one_of("integer") => numbers(field, seed, true),
        "" if one_of("string") => strings(field, seed),
        _ => vec![json!({})],
    }
}

/// For a schema that nothing satisfies, or nothing that is tried.
fn fallback(field: &Field) -> Value {
    match field.json_type() {
        "integer" | "number" => json!(0),
        _ => json!("example"),
    }
}

/// Types of the Kubernetes libraries whose schemas do not say what their strings look like.
fn known_type(field: &Field) -> Option<Value> {
    let name = field.schema_name.as_deref()?;
    let is = |suffix: &str| name.starts_with("io.k8s.apimachinery.") && name.ends_with(suffix);
    Some(if is(".Quantity") {
        json!("1")
    } else if is(".MicroTime") {
        json!("2025-01-01T00:00:00.000000Z")
    } else if is(".Duration") {
        json!("10s")
    } else {
        return None;
    })
}

fn numbers(field: &Field, seed: u64, integer: bool) -> Vec<Value> {
    let bounds = &field.bounds;
    let value = |n: &Option<Number>| n.as_ref().and_then(Number::as_f64);
    let (low, high) = (value(&bounds.minimum), value(&bounds.maximum));
    let step = value(&bounds.multiple_of).filter(|s| *s > 0.0);
    let above = |low: f64, n: f64| n > low || (n == low && !bounds.exclusive_minimum);
    let below = |high: f64, n: f64| n < high || (n == high && !bounds.exclusive_maximum);
    let is_good = |n: &f64| {
        low.is_none_or(|low| above(low, *n))
            && high.is_none_or(|high| below(high, *n))
            && step.is_none_or(|s| (n / s - (n / s).round()).abs() < 1e-9)
            && (!integer || n.fract() == 0.0)
    };
    #[expect(clippy::cast_precision_loss, reason = "lists of examples are short")]
    let offset = seed as f64 * step.unwrap_or(1.0);
    let up = |n: f64| step.map_or(n, |s| (n / s).ceil() * s);
    let down = |n: f64| step.map_or(n, |s| (n / s).floor() * s);
    let mut found = vec![up(1.0) + offset];
    found.extend(
        low.map(|n| [up(n.ceil()), up(n.floor() + 1.0)])
            .into_iter()
            .flatten(),
    );
    found.extend(
        high.map(|n| [down(n.floor()), down(n.ceil() - 1.0)])
            .into_iter()
            .flatten(),
    );
    found.extend(low.zip(high).map(|(low, high)| (low + high) / 2.0));
    found.extend(low.into_iter().chain(high));
    found.extend([
        0.0, 2.0, 3.0, 5.0, 10.0, 80.0, 100.0, 443.0, 1000.0, 8080.0, 1e6, -1.0,
    ]);
    // The first is the best for the first item; others begin further on.
    let later = found
        .clone()
        .into_iter()
        .flat_map(|n| [n + offset, n - offset]);
    let mut good: Vec<f64> = later.chain(found).filter(is_good).collect();
    let mut seen = Vec::new();
    good.retain(|n| {
        !seen.contains(n) && {
            seen.push(*n);
            true
        }
    });
    good.into_iter().map(to_json).collect()
}

fn to_json(n: f64) -> Value {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "checked to be whole and small"
    )]
    match n.fract() == 0.0 && n.abs() < 9e15 {
        true => json!(n as i64),
        false => json!(n),
    }
}

fn strings(field: &Field, seed: u64) -> Vec<Value> {
    let patterns = field.patterns.iter().filter_map(|p| Regex::new(p).ok());
    let patterns: Vec<Regex> = patterns.collect();
    let by_format = field.format.as_deref().and_then(of_format);
    let least = field.bounds.min_length.unwrap_or(0);
    let most = field.bounds.max_length.unwrap_or(u64::MAX);
    let is_good = |text: &String| {
        let length = text.chars().count() as u64;
        (least..=most).contains(&length) && patterns.iter().all(|p| p.is_match(text))
    };
    let numbered = |word: &&str| match seed {
        0 => vec![(*word).to_owned()],
        seed => vec![
            format!("{word}-{}", seed + 1),
            format!("{word}{seed}"),
            (*word).to_owned(),
        ],
    };
    // No sample should be longer than a screen, whatever a schema asks for.
    let missing = usize::try_from(least)
        .unwrap_or(usize::MAX)
        .saturating_sub("example".len());
    let long = format!("example{}", "x".repeat(missing.min(4096)));
    if let Some(format) = by_format {
        // Words would not be of that format.
        return vec![json!(format)];
    }
    WORDS
        .iter()
        .flat_map(numbered)
        .chain(field.patterns.iter().flat_map(|p| examples(p)))
        .chain([long])
        .filter(is_good)
        .map(Value::from)
        .collect()
}

/// The string formats that the server checks.
/// Source: k8s.io/apiextensions-apiserver/pkg/apiserver/validation/formats.go.
fn of_format(format: &str) -> Option<&'static str> {
    Some(match format {
        "date-time" | "datetime" => "2025-01-01T00:00:00Z",
        "date" => "2025-01-01",
        "duration" => "10s",
        "byte" => "ZXhhbXBsZQ==",
        "email" => "name@example.com",
        "hostname" => "example.com",
        "ipv4" => "10.0.0.1",
        "ipv6" => "2001:db8::1",
        "cidr" => "10.0.0.0/24",
        "mac" => "02:00:00:00:00:01",
        "uri" => "https://example.com",
        "uuid" | "uuid4" => "3f2504e0-4f89-41d3-9a0c-0305e82c3301",
        "uuid3" => "6fa459ea-ee8a-3ca4-894e-db77e160355e",
        "uuid5" => "886313e1-3b8a-5372-9b90-0c9aee199e5d",
        "bsonobjectid" => "507f1f77bcf86cd799439011",
        "isbn" | "isbn10" => "0321751043",
        "isbn13" => "9780321751041",
        "creditcard" => "4111111111111111",
        "ssn" => "111-22-3333",
        "hexcolor" => "#ffffff",
        "rgbcolor" => "rgb(255,255,255)",
        "quantity" => "1",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(schema: Value) -> Value {
        let made = scalar(&Field::from_crd(&schema).unwrap(), 0);
        assert!(made.fits, "{schema}");
        made.value
    }

    #[test]
    fn values_keep_to_their_bounds() {
        assert_eq!(value(json!({"type": "integer"})), json!(1));
        assert_eq!(value(json!({"type": "integer", "minimum": 5})), json!(5));
        assert_eq!(value(json!({"type": "integer", "maximum": -3})), json!(-3));
        let even = json!({"type": "integer", "minimum": 3, "multipleOf": 2});
        assert_eq!(value(even), json!(4));
        let open =
            json!({"type": "number", "minimum": 0, "exclusiveMinimum": true, "maximum": 0.5});
        assert_eq!(value(open), json!(0.25));
        assert_eq!(value(json!({"type": "string"})), json!("example"));
        assert_eq!(value(json!({"type": "string", "maxLength": 2})), json!("1"));
        assert_eq!(
            value(json!({"type": "string", "minLength": 9})),
            json!("example.com")
        );
        assert_eq!(
            value(json!({"type": "string", "pattern": "^[0-9]{3}$"})),
            json!("111")
        );
        assert_eq!(
            value(json!({"type": "string", "enum": ["", "b"]})),
            json!("b")
        );
        assert_eq!(
            value(json!({"type": "string", "format": "date-time"})),
            json!("2025-01-01T00:00:00Z")
        );
    }

    #[test]
    fn what_cannot_be_satisfied_is_told() {
        let schema = json!({"type": "string", "pattern": "^a$", "minLength": 2});
        assert!(!scalar(&Field::from_crd(&schema).unwrap(), 0).fits);
        let schema = json!({"type": "integer", "minimum": 2, "maximum": 1});
        assert!(!scalar(&Field::from_crd(&schema).unwrap(), 0).fits);
    }
}

//! A value that a field without fields takes.

use regex::Regex;
use serde_json::{Number, Value, json};

use super::pattern::examples;
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
    let fitting = |value| Scalar { value, fits: true };
    if !field.enum_.is_empty() {
        let at = usize::try_from(seed).unwrap_or_default() % field.enum_.len();
        // An empty string in an enum means "none", which is a poor example.
        let said = |v: &&Value| v.as_str() != Some("") && !v.is_null();
        let said: Vec<&Value> = field.enum_.iter().filter(said).collect();
        let value = said.get(at).or(said.first()).copied();
        return fitting(value.unwrap_or(&field.enum_[0]).clone());
    }
    if let Some(value) = known_type(field) {
        return fitting(value);
    }
    let types = field.alternative_types();
    let one_of = |wanted: &str| types.contains(&wanted);
    match field.json_type() {
        "boolean" => fitting(json!(false)),
        "integer" => number(field, seed, true),
        "number" => number(field, seed, false),
        "string" => string(field, seed),
        "array" => fitting(json!([])),
        "" if field.int_or_string || one_of("integer") => number(field, seed, true),
        "" if one_of("string") => string(field, seed),
        _ => fitting(json!({})),
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

fn number(field: &Field, seed: u64, integer: bool) -> Scalar {
    let bounds = &field.bounds;
    let low = bounds.minimum.as_ref().and_then(Number::as_f64);
    let high = bounds.maximum.as_ref().and_then(Number::as_f64);
    let step = bounds
        .multiple_of
        .as_ref()
        .and_then(Number::as_f64)
        .filter(|s| *s > 0.0);
    let is_good = |n: f64| {
        low.is_none_or(|low| {
            if bounds.exclusive_minimum {
                n > low
            } else {
                n >= low
            }
        }) && high.is_none_or(|high| {
            if bounds.exclusive_maximum {
                n < high
            } else {
                n <= high
            }
        }) && step.is_none_or(|s| (n / s - (n / s).round()).abs() < 1e-9)
            && (!integer || n.fract() == 0.0)
    };
    #[expect(clippy::cast_precision_loss, reason = "lists of examples are short")]
    let offset = seed as f64;
    let unit = step.unwrap_or(1.0);
    let up = |n: f64| step.map_or(n, |s| (n / s).ceil() * s);
    let middle = || Some((low? + high?) / 2.0);
    let candidates = [
        Some(up(1.0) + offset * unit),
        low.map(|n| up(n.ceil()) + offset * unit),
        low.map(|n| up(n.floor() + 1.0) + offset * unit),
        high.map(|n| n.floor() - offset * unit),
        high.map(|n| n.ceil() - 1.0 - offset * unit),
        high.map(|n| step.map_or(n, |s| (n / s).floor() * s) - offset * unit),
        middle(),
        low,
        high,
        Some(0.0),
    ];
    let found = candidates.into_iter().flatten().find(|n| is_good(*n));
    Scalar {
        value: found.map_or(json!(0), |n| {
            #[expect(
                clippy::cast_possible_truncation,
                reason = "checked to be whole and small"
            )]
            match n.fract() == 0.0 && n.abs() < 9e15 {
                true => json!(n as i64),
                false => json!(n),
            }
        }),
        fits: found.is_some(),
    }
}

fn string(field: &Field, seed: u64) -> Scalar {
    let patterns: Vec<Regex> = field
        .patterns
        .iter()
        .filter_map(|p| Regex::new(p).ok())
        .collect();
    let by_format = field.format.as_deref().and_then(of_format);
    let least = field.bounds.min_length.unwrap_or(0);
    let most = field.bounds.max_length.unwrap_or(u64::MAX);
    let is_good = |text: &str| {
        let length = text.chars().count() as u64;
        (least..=most).contains(&length) && patterns.iter().all(|p| p.is_match(text))
    };
    let number = |word: &str| match seed {
        0 => word.to_owned(),
        seed => format!("{word}-{}", seed + 1),
    };
    let long = |word: &str| {
        let missing = usize::try_from(least)
            .unwrap_or(usize::MAX)
            .saturating_sub(word.len());
        // No sample should be longer than a screen, whatever a schema asks for.
        format!("{word}{}", "x".repeat(missing.min(4096)))
    };
    let seeded = |word: &str| {
        format!(
            "{word}{}",
            if seed == 0 {
                String::new()
            } else {
                seed.to_string()
            }
        )
    };
    let found = by_format
        .map(str::to_owned)
        .into_iter()
        .chain(WORDS.iter().flat_map(|w| [number(w), seeded(w)]))
        .chain(field.patterns.iter().flat_map(|p| examples(p)))
        .chain([long("example")])
        .find(|text| is_good(text));
    let fits = found.is_some() && patterns.len() == field.patterns.len();
    Scalar {
        value: json!(found.unwrap_or_else(|| by_format.unwrap_or("example").to_owned())),
        fits,
    }
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
        assert_eq!(value(open), json!(0.5));
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

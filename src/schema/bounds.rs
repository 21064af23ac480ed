//! How large, long or many a value may be.

use serde::Serialize;
use serde_json::Number;

use super::raw::Raw;

/// Limits of numbers, strings, lists and maps, as JSON Schema has them.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Bounds {
    /// The smallest number
    #[serde(skip_serializing_if = "Option::is_none")]
    pub minimum: Option<Number>,
    /// The largest number
    #[serde(skip_serializing_if = "Option::is_none")]
    pub maximum: Option<Number>,
    /// Whether `minimum` itself is too small
    #[serde(skip_serializing_if = "is_false")]
    pub exclusive_minimum: bool,
    /// Whether `maximum` itself is too large
    #[serde(skip_serializing_if = "is_false")]
    pub exclusive_maximum: bool,
    /// The number is a multiple of this
    #[serde(skip_serializing_if = "Option::is_none")]
    pub multiple_of: Option<Number>,
    /// The fewest characters of a string
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_length: Option<u64>,
    /// The most characters of a string
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_length: Option<u64>,
    /// The fewest items of a list
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_items: Option<u64>,
    /// The most items of a list
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_items: Option<u64>,
    /// The fewest keys of an object
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_properties: Option<u64>,
    /// The most keys of an object
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_properties: Option<u64>,
    /// Whether no two items of a list may be equal
    #[serde(skip_serializing_if = "is_false")]
    pub unique_items: bool,
}

pub(super) fn is_false(b: &bool) -> bool {
    !b
}

impl Bounds {
    pub(super) fn of(raw: &Raw) -> Self {
        Bounds {
            minimum: raw.minimum.clone(),
            maximum: raw.maximum.clone(),
            exclusive_minimum: raw.exclusive_minimum.unwrap_or_default(),
            exclusive_maximum: raw.exclusive_maximum.unwrap_or_default(),
            multiple_of: raw.multiple_of.clone(),
            min_length: raw.min_length,
            max_length: raw.max_length,
            min_items: raw.min_items,
            max_items: raw.max_items,
            min_properties: raw.min_properties,
            max_properties: raw.max_properties,
            unique_items: raw.unique_items.unwrap_or_default(),
        }
    }

    /// Both must hold: of each pair the tighter.
    pub(super) fn tighten(&mut self, other: Bounds) {
        if tighter(&self.minimum, &other.minimum, |mine, theirs| theirs > mine) {
            (self.minimum, self.exclusive_minimum) = (other.minimum, other.exclusive_minimum);
        }
        if tighter(&self.maximum, &other.maximum, |mine, theirs| theirs < mine) {
            (self.maximum, self.exclusive_maximum) = (other.maximum, other.exclusive_maximum);
        }
        self.multiple_of = self.multiple_of.take().or(other.multiple_of);
        for (mine, theirs) in [
            (&mut self.min_length, other.min_length),
            (&mut self.min_items, other.min_items),
            (&mut self.min_properties, other.min_properties),
        ] {
            *mine = (*mine).max(theirs);
        }
        for (mine, theirs) in [
            (&mut self.max_length, other.max_length),
            (&mut self.max_items, other.max_items),
            (&mut self.max_properties, other.max_properties),
        ] {
            *mine = match (*mine, theirs) {
                (Some(a), Some(b)) => Some(a.min(b)),
                (a, b) => a.or(b),
            };
        }
        self.unique_items |= other.unique_items;
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        *self == Bounds::default()
    }

    /// The bounds as a person says them, such as `1 to 9`, `at most 20 characters`.
    pub fn words(&self) -> Vec<String> {
        let mut words = Vec::new();
        let low = self.minimum.as_ref().map(|n| (n, self.exclusive_minimum));
        let high = self.maximum.as_ref().map(|n| (n, self.exclusive_maximum));
        words.extend(match (low, high) {
            (Some((low, false)), Some((high, false))) if low == high => Some(format!("only {low}")),
            (Some((low, false)), Some((high, false))) => Some(format!("{low} to {high}")),
            (Some(low), Some(high)) => Some(format!("{}, {}", above(low), below(high))),
            (Some(low), None) => Some(above(low)),
            (None, Some(high)) => Some(below(high)),
            (None, None) => None,
        });
        words.extend(
            self.multiple_of
                .as_ref()
                .map(|n| format!("a multiple of {n}")),
        );
        words.extend(count(
            self.min_length,
            self.max_length,
            "character",
            "characters",
        ));
        words.extend(count(self.min_items, self.max_items, "item", "items"));
        if self.unique_items {
            words.push("no two items equal".to_owned());
        }
        words.extend(count(
            self.min_properties,
            self.max_properties,
            "key",
            "keys",
        ));
        words
    }
}

fn tighter(
    mine: &Option<Number>,
    theirs: &Option<Number>,
    is_tighter: fn(f64, f64) -> bool,
) -> bool {
    let value = |n: &Option<Number>| n.as_ref().and_then(Number::as_f64);
    match (value(mine), value(theirs)) {
        (_, None) => false,
        (None, Some(_)) => true,
        (Some(mine), Some(theirs)) => is_tighter(mine, theirs),
    }
}

fn above((low, exclusive): (&Number, bool)) -> String {
    format!("{} {low}", if exclusive { "more than" } else { "at least" })
}

fn below((high, exclusive): (&Number, bool)) -> String {
    format!("{} {high}", if exclusive { "less than" } else { "at most" })
}

fn count(low: Option<u64>, high: Option<u64>, one: &str, many: &str) -> Option<String> {
    let noun = |n: u64| if n == 1 { one } else { many };
    Some(match (low.filter(|low| *low > 0), high) {
        (Some(low), Some(high)) if low == high => format!("exactly {low} {}", noun(low)),
        (Some(low), Some(high)) => format!("{low} to {high} {}", noun(high)),
        (Some(low), None) => format!("at least {low} {}", noun(low)),
        (None, Some(high)) => format!("at most {high} {}", noun(high)),
        (None, None) => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::raw::Node;

    fn bounds(json: serde_json::Value) -> Bounds {
        Bounds::of(&Node::read(&json).unwrap())
    }

    #[test]
    fn bounds_read_well() {
        let words = |json| bounds(json).words().join("; ");
        assert_eq!(
            words(serde_json::json!({"minimum": 1, "maximum": 9})),
            "1 to 9"
        );
        assert_eq!(
            words(serde_json::json!({"minimum": 0, "exclusiveMinimum": true, "maximum": 9})),
            "more than 0, at most 9"
        );
        assert_eq!(
            words(serde_json::json!({"minLength": 0, "maxLength": 1, "minItems": 2})),
            "at most 1 character; at least 2 items"
        );
        assert_eq!(
            words(serde_json::json!({"minProperties": 3, "maxProperties": 3})),
            "exactly 3 keys"
        );
        assert!(bounds(serde_json::json!({})).is_empty());
    }

    #[test]
    fn of_two_bounds_the_tighter_holds() {
        let mut one = bounds(serde_json::json!({"minimum": 1, "maxLength": 9, "maximum": 5}));
        one.tighten(bounds(serde_json::json!(
            {"minimum": 3, "exclusiveMinimum": true, "maxLength": 20, "minLength": 2, "maximum": 7}
        )));
        assert_eq!(
            one.words().join("; "),
            "more than 3, at most 5; 2 to 9 characters"
        );
    }
}

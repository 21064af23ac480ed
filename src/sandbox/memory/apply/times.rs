//! Writes that change nothing (apiserver's `pkg/endpoints/handlers/fieldmanager/equality.go`).

use serde_json::Value;

use super::managed;
use super::typed::{equal, zip};

/// Puts back the times of managedFields where they are all that a write changes, and says whether
/// that is so: what is left is then equal to what is stored, and is not to be stored again.
/// To be called last, just before objects are compared.
pub fn keep_times(new: &mut Value, old: &Value) -> bool {
    let (Some(Value::Array(before)), Some(Value::Array(after))) =
        (managed::of(old), managed::of(new))
    else {
        return false;
    };
    let same = before.len() == after.len()
        && !after.is_empty()
        && before
            .iter()
            .zip(after)
            .all(|(before, after)| equal_without(before, after, &["time"]))
        && before
            .iter()
            .zip(after)
            .any(|(before, after)| before.get("time") != after.get("time"))
        && equal_without(new, old, &["metadata", "managedFields"]);
    if same {
        managed::put(new, managed::of(old).cloned());
    }
    same
}

/// Whether two objects are equal but for what is at that path.
fn equal_without(left: &Value, right: &Value, path: &[&str]) -> bool {
    let Some((first, rest)) = path.split_first() else {
        return true;
    };
    let (Some(left), Some(right)) = (left.as_object(), right.as_object()) else {
        return equal(left, right);
    };
    let mut same = true;
    zip(left, right, |key, left, right| {
        same = match (left, right) {
            _ if key == *first && rest.is_empty() => true,
            (Some(left), Some(right)) if key == *first => equal_without(left, right, rest),
            (Some(left), Some(right)) => equal(left, right),
            _ => false,
        };
        same
    });
    same
}

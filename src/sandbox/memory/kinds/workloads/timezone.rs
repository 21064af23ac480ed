//! The time zone of a CronJob (`validateTimeZone`).

use serde_json::Value;

use crate::sandbox::memory::field::{FieldError, Path};

/// What is wrong with a time zone that is given.
pub(super) fn validate(zone: &Value, path: &Path) -> Vec<FieldError> {
    let Some(zone) = zone.as_str() else {
        return Vec::new();
    };
    let wrong = |words: &str| FieldError::invalid(path, zone, words);
    if zone.is_empty() {
        return vec![wrong("timeZone must be nil or non-empty string")];
    }
    if !zone.split('/').all(is_part) {
        return vec![wrong(&format!("unknown time zone {zone}"))];
    }
    let mut errors = Vec::new();
    if zone.eq_ignore_ascii_case("local") {
        errors.push(wrong(
            "timeZone must be an explicit time zone as defined in https://www.iana.org/time-zones",
        ));
    }
    errors.extend(check(zone).err().map(|error| wrong(&error)));
    errors
}

/// Whether there is such a time zone; case matters. All are where the machine knows of none.
///
/// # Errors
///
/// Go's words.
pub(super) fn check(zone: &str) -> Result<(), String> {
    if ["", "UTC", "Local"].contains(&zone) || jiff::tz::db().is_definitively_empty() {
        return Ok(());
    }
    match jiff::tz::TimeZone::get(zone) {
        Ok(found) if found.iana_name() == Some(zone) => Ok(()),
        _ => Err(format!("unknown time zone {zone}")),
    }
}

fn is_part(part: &str) -> bool {
    let is_fine = |b: u8| b.is_ascii_alphanumeric() || b"._-+".contains(&b);
    !(part == "." || part == ".." || part.starts_with('-'))
        && (1..=14).contains(&part.len())
        && part.bytes().all(is_fine)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn zones_are_those_of_iana() {
        let cases = [
            (json!(null), ""),
            (json!("Etc/UTC"), ""),
            (json!("Europe/Berlin"), ""),
            (json!(""), "timeZone must be nil or non-empty string"),
            (json!("europe/berlin"), "unknown time zone europe/berlin"),
            (json!("../etc"), "unknown time zone ../etc"),
            (json!("No/Where"), "unknown time zone No/Where"),
            (
                json!("Local"),
                "timeZone must be an explicit time zone as defined in https://www.iana.org/time-zones",
            ),
        ];
        for (zone, expected) in cases {
            let errors = validate(&zone, &Path::new("z"));
            let words = errors
                .first()
                .map(|error| error.detail.as_str())
                .unwrap_or_default();
            assert_eq!((errors.len() < 2, words), (true, expected), "{zone}");
        }
    }
}

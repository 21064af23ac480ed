//! Ages as the tables of custom resources show them.

use jiff::Timestamp;

use crate::sandbox::memory::table;

/// The age of a time in RFC 3339, as a cell of a table.
pub(super) fn cell(text: &str, now: Timestamp) -> String {
    if text.is_empty() || text == "null" {
        return "<unknown>".to_owned();
    }
    // The lenient parser of jiff takes more than RFC 3339: a space for the T, and no zone.
    let is_strict = text.len() >= 20 && text.as_bytes()[10] == b'T' && text.is_ascii();
    match text.parse::<Timestamp>() {
        Ok(time) if is_strict => {
            let zero = time.as_second() == -62_135_596_800 && time.subsec_nanosecond() == 0;
            if zero {
                return "<unknown>".to_owned();
            }
            table::human(now.duration_since(time).as_secs())
        }
        _ => "<invalid>".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_ages() {
        let now: Timestamp = "2026-01-02T00:00:00Z".parse().unwrap();
        for (text, expected) in [
            ("2026-01-01T23:59:00Z", "60s"),
            ("2026-01-02T01:00:00+01:30", "30m"),
            ("2026-01-02T00:00:30Z", "<invalid>"),
            ("", "<unknown>"),
            ("null", "<unknown>"),
            ("0001-01-01T00:00:00Z", "<unknown>"),
            ("yesterday", "<invalid>"),
            ("2026-01-01 23:59:00Z", "<invalid>"),
        ] {
            assert_eq!(cell(text, now), expected, "{text}");
        }
    }
}

//! Durations as Go writes them.

use std::time::Duration;

/// What Go's durations reach to; a moment so far away can still be computed.
const LONGEST: Duration = Duration::from_nanos(i64::MAX as u64);

/// Reads `5s`, `1m30s`, `1.5h` or `250ms`; a number alone counts seconds. `None` when it is nothing
/// of the kind, negative, or longer than Go's durations reach.
pub fn parse_duration(text: &str) -> Option<Duration> {
    if let Ok(seconds) = text.parse::<u32>() {
        return Some(Duration::from_secs(u64::from(seconds)));
    }
    if text.is_empty() {
        return None;
    }
    let mut total = Duration::ZERO;
    let mut rest = text;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let number: f64 = rest[..digits].parse().ok()?;
        let unit = rest[digits..]
            .find(|c: char| c.is_ascii_digit())
            .map_or(rest.len(), |n| digits + n);
        let factor = match &rest[digits..unit] {
            "ns" => 1e-9,
            "us" | "µs" => 1e-6,
            "ms" => 0.001,
            "s" => 1.0,
            "m" => 60.0,
            "h" => 3600.0,
            _ => return None,
        };
        total = Duration::try_from_secs_f64(number * factor)
            .ok()
            .and_then(|part| total.checked_add(part))
            .filter(|total| *total <= LONGEST)?;
        rest = &rest[unit..];
    }
    Some(total)
}

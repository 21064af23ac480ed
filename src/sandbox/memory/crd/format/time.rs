//! Dates, times and durations.

const MICROSECOND: i128 = 1_000;
const MILLISECOND: i128 = 1_000 * MICROSECOND;
const SECOND: i128 = 1_000 * MILLISECOND;
const MINUTE: i128 = 60 * SECOND;
const HOUR: i128 = 60 * MINUTE;
const DAY: i128 = 24 * HOUR;

/// `2006-01-02`, a day that there is.
pub(crate) fn is_date(text: &str) -> bool {
    let bytes = text.as_bytes();
    let digits = |from: usize, to: usize| bytes[from..to].iter().all(u8::is_ascii_digit);
    if bytes.len() != 10
        || bytes[4] != b'-'
        || bytes[7] != b'-'
        || !(digits(0, 4) && digits(5, 7) && digits(8, 10))
    {
        return false;
    }
    let number = |from: usize, to: usize| text[from..to].parse::<i16>().unwrap_or(0);
    let (year, month, day) = (number(0, 4), number(5, 7), number(8, 10));
    jiff::civil::Date::new(year, month as i8, day as i8).is_ok()
}

/// A date, a `T`, a time of day, and a zone; case does not matter.
pub(super) fn is_date_time(text: &str) -> bool {
    let lower = text.to_lowercase();
    let mut parts = lower.split('t');
    let (Some(date), Some(time)) = (parts.next(), parts.next()) else {
        return false;
    };
    is_date(date) && is_time(time)
}

fn is_time(text: &str) -> bool {
    let bytes = text.as_bytes();
    let two = |at: usize, most: u8| match bytes.get(at..at + 2) {
        Some([a, b]) if a.is_ascii_digit() && b.is_ascii_digit() => {
            (a - b'0') * 10 + (b - b'0') <= most
        }
        _ => false,
    };
    if !(two(0, 23) && two(3, 59) && two(6, 59)) || bytes[2] != b':' || bytes[5] != b':' {
        return false;
    }
    let Some(rest) = text.get(8..) else {
        return false;
    };
    is_zone(rest) || {
        // The expression in Kubernetes takes any character before the fraction.
        let mut chars = rest.chars();
        chars.next();
        let fraction = chars.as_str();
        let zone = fraction.trim_start_matches(|c: char| c.is_ascii_digit());
        zone.len() < fraction.len() && is_zone(zone)
    }
}

fn is_zone(text: &str) -> bool {
    match text.as_bytes() {
        b"z" => true,
        [b'+' | b'-', a, b, b':', c, d] => [a, b, c, d].into_iter().all(u8::is_ascii_digit),
        _ => false,
    }
}

/// A Go duration, or numbers with units in words, such as `2 days`. Nanoseconds.
pub(crate) fn parse_duration(text: &str) -> Option<i128> {
    go_duration(text).or_else(|| worded_duration(text))
}

/// A Go duration, in nanoseconds.
pub(crate) fn go_duration(text: &str) -> Option<i128> {
    let (text, sign) = match text.strip_prefix('-') {
        Some(rest) => (rest, -1),
        None => (text.strip_prefix('+').unwrap_or(text), 1),
    };
    if text == "0" {
        return Some(0);
    }
    let mut rest = text;
    let mut total: i128 = 0;
    while !rest.is_empty() {
        let end = rest.find(|c: char| !(c.is_ascii_digit() || c == '.'))?;
        let (number, tail) = rest.split_at(end);
        let end = tail
            .find(|c: char| c.is_ascii_digit() || c == '.')
            .unwrap_or(tail.len());
        let (unit, tail) = tail.split_at(end);
        let factor = match unit {
            "ns" => 1,
            "us" | "\u{b5}s" | "\u{3bc}s" => MICROSECOND,
            "ms" => MILLISECOND,
            "s" => SECOND,
            "m" => MINUTE,
            "h" => HOUR,
            _ => return None,
        };
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        if (whole.is_empty() && fraction.is_empty()) || fraction.contains('.') {
            return None;
        }
        let whole: i128 = if whole.is_empty() {
            0
        } else {
            whole.parse().ok()?
        };
        let part: f64 = format!("0.{fraction}0").parse().ok()?;
        total = total
            .checked_add(whole.checked_mul(factor)?)?
            .checked_add((part * factor as f64) as i128)?;
        if total > i128::from(i64::MAX) {
            return None;
        }
        rest = tail;
    }
    (!text.is_empty()).then_some(sign * total)
}

/// Sums what is found of `NUMBER UNIT`; the last name of each unit may go on, as in `hours`.
fn worded_duration(text: &str) -> Option<i128> {
    let units: [(&[&str], i128); 8] = [
        (&["ns", "nano"], 1),
        (&["us", "\u{b5}s", "micro"], MICROSECOND),
        (&["ms", "milli"], MILLISECOND),
        (&["s", "sec"], SECOND),
        (&["m", "min"], MINUTE),
        (&["h", "hr", "hour"], HOUR),
        (&["d", "day"], DAY),
        (&["w", "wk", "week"], 7 * DAY),
    ];
    let mut total: Option<i128> = None;
    let mut rest = text;
    while let Some(start) = rest.find(|c: char| c.is_ascii_digit()) {
        rest = &rest[start..];
        let end = rest
            .find(|c: char| !c.is_ascii_digit())
            .unwrap_or(rest.len());
        let (number, tail) = rest.split_at(end);
        let tail = tail.trim_start_matches(|c: char| c.is_ascii_whitespace());
        let end = tail
            .find(|c: char| !(c.is_ascii_alphabetic() || c == '\u{b5}'))
            .unwrap_or(tail.len());
        let (unit, tail) = tail.split_at(end);
        rest = tail;
        if unit.is_empty() {
            continue;
        }
        let number: i64 = number.parse().ok()?;
        let unit = unit.to_lowercase();
        for (names, factor) in units {
            for (at, name) in names.iter().enumerate() {
                let is_last = at + 1 == names.len();
                if unit == *name || (is_last && unit.starts_with(name)) {
                    let more = i128::from(number) * factor;
                    total = Some(total.unwrap_or(0) + more);
                }
            }
        }
    }
    total
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_and_times() {
        for (text, is) in [
            ("2024-02-29", true),
            ("2023-02-29", false),
            ("2024-2-29", false),
            ("0000-01-01", true),
            ("2024-01-01é", false),
        ] {
            assert_eq!(is_date(text), is, "{text}");
        }
        for (text, is) in [
            ("2024-01-01T00:00:00Z", true),
            ("2024-01-01t23:59:59.123+01:00", true),
            ("2024-01-01T24:00:00Z", false),
            ("2024-01-01T00:00:60Z", false),
            ("2024-01-01 00:00:00Z", false),
            ("2024-01-01T00:00:00", false),
            ("2024-01-01T00:00:00é1z", true),
            ("2024-01-01T00:00:00+1:00", false),
            ("T", false),
        ] {
            assert_eq!(is_date_time(text), is, "{text}");
        }
    }

    #[test]
    fn durations() {
        for (text, nanoseconds) in [
            ("1h30m", Some(90 * MINUTE)),
            ("-1.5s", Some(-1500 * MILLISECOND)),
            ("0", Some(0)),
            (".5s", Some(500 * MILLISECOND)),
            ("2 days", Some(2 * DAY)),
            ("3w", Some(21 * DAY)),
            ("1 hour 5min", Some(65 * MINUTE)),
            ("", None),
            ("5", None),
            ("5x", None),
            ("1.s.", None),
        ] {
            assert_eq!(parse_duration(text), nanoseconds, "{text}");
        }
    }
}

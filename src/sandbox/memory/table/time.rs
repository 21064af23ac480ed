//! Durations for people (`apimachinery/pkg/util/duration`).

use jiff::Timestamp;

use super::row::UNKNOWN;

const MINUTE: i64 = 60;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;
const YEAR: i64 = 365 * DAY;

/// The longest duration of Go, some 292 years; longer ones count as this.
const LONGEST: i64 = i64::MAX / 1_000_000_000;

/// The time of Go that stands for none.
const ZERO: i64 = -62_135_596_800;

/// A time as it stands in an object; `None` for none, and for what is no time.
pub(super) fn read(text: &str) -> Option<Timestamp> {
    let time: Timestamp = text.parse().ok()?;
    (time.as_second() != ZERO).then_some(time)
}

/// From a time to now.
pub(super) fn since(time: Option<Timestamp>, now: Timestamp) -> String {
    time.map_or_else(|| UNKNOWN.to_owned(), |time| between(time, now))
}

/// From one time to another.
pub(super) fn between(from: Timestamp, to: Timestamp) -> String {
    human(to.duration_since(from).as_secs())
}

/// Seconds with two or three significant figures, such as `2m3s`. What lies more than a second
/// ahead is `<invalid>`.
pub fn human(seconds: i64) -> String {
    let seconds = seconds.clamp(-LONGEST, LONGEST);
    let with = |whole: i64, unit: &str, rest: i64, part: &str| match rest {
        0 => format!("{whole}{unit}"),
        rest => format!("{whole}{unit}{rest}{part}"),
    };
    match seconds {
        ..-1 => "<invalid>".to_owned(),
        -1 => "0s".to_owned(),
        s if s < 2 * MINUTE => format!("{s}s"),
        s if s < 10 * MINUTE => with(s / MINUTE, "m", s % MINUTE, "s"),
        s if s < 3 * HOUR => format!("{}m", s / MINUTE),
        s if s < 8 * HOUR => with(s / HOUR, "h", s % HOUR / MINUTE, "m"),
        s if s < 2 * DAY => format!("{}h", s / HOUR),
        s if s < 8 * DAY => with(s / DAY, "d", s % DAY / HOUR, "h"),
        s if s < 2 * YEAR => format!("{}d", s / DAY),
        s if s < 8 * YEAR => with(s / YEAR, "y", s % YEAR / DAY, "d"),
        s => format!("{}y", s / YEAR),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_short() {
        for (seconds, expected) in [
            (-2, "<invalid>"),
            (-1, "0s"),
            (0, "0s"),
            (119, "119s"),
            (120, "2m"),
            (123, "2m3s"),
            (12_060, "3h21m"),
            (176_400, "2d1h"),
            (252_374_400, "8y"),
            (599, "9m59s"),
            (601, "10m"),
            (10_799, "179m"),
            (10_800, "3h"),
            (10_919, "3h1m"),
            (28_799, "7h59m"),
            (28_800, "8h"),
            (172_799, "47h"),
            (172_800, "2d"),
            (504_000, "5d20h"),
            (691_199, "7d23h"),
            (691_200, "8d"),
            (63_071_999, "729d"),
            (63_072_000, "2y"),
            (63_158_400, "2y1d"),
            (252_288_000, "8y"),
            (i64::MAX, "292y"),
            (i64::MIN, "<invalid>"),
        ] {
            assert_eq!(human(seconds), expected, "{seconds}");
        }
    }

    #[test]
    fn no_time_is_unknown() {
        let now = Timestamp::from_second(1_000_000_000).unwrap();
        for text in ["", "x", "0001-01-01T00:00:00Z"] {
            assert_eq!(since(read(text), now), "<unknown>", "{text}");
        }
        for (text, expected) in [
            ("2001-09-09T01:46:30Z", "10s"),
            ("2001-09-09T01:46:30.900000Z", "9s"),
            ("2001-09-09T01:46:41.900000Z", "0s"),
            ("2001-09-09T01:46:42Z", "<invalid>"),
            ("1000-01-01T00:00:00Z", "292y"),
        ] {
            assert_eq!(since(read(text), now), expected, "{text}");
        }
    }
}

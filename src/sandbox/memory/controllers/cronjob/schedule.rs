//! Cron expressions of five fields, and the descriptors that Kubernetes knows (robfig/cron v3).

use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan, Zoned};

/// A schedule within a time zone.
#[derive(Clone, Debug)]
pub(super) struct Schedule {
    zone: TimeZone,
    rule: Rule,
}

#[derive(Clone, Debug, PartialEq)]
enum Rule {
    Every(SignedDuration),
    /// One bit for each value; whether days of the month and of the week are not restricted
    Fields {
        minute: u64,
        hour: u64,
        day: u64,
        month: u64,
        weekday: u64,
        any_day: bool,
        any_weekday: bool,
    },
}

/// Years after which a time that has not come is taken to never come, as in robfig/cron.
const YEARS: i16 = 5;
const MONTHS: [&str; 12] = [
    "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
];
const WEEKDAYS: [&str; 7] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

impl Schedule {
    /// Understands an expression; a zone within it, as `TZ=Asia/Tokyo`, wins.
    pub(super) fn parse(text: &str, zone: TimeZone) -> Result<Self, String> {
        let mut text = text.trim();
        let mut zone = zone;
        if let Some(rest) = text
            .strip_prefix("TZ=")
            .or_else(|| text.strip_prefix("CRON_TZ="))
        {
            let (name, rest) = rest
                .split_once(' ')
                .ok_or("no schedule after the time zone")?;
            zone = TimeZone::get(name)
                .map_err(|problem| format!("provided bad location {name}: {problem}"))?;
            text = rest.trim();
        }
        let rule = match text.strip_prefix('@') {
            Some(descriptor) => descriptor_rule(descriptor)?,
            None => fields(text)?,
        };
        Ok(Schedule { zone, rule })
    }

    /// The first time after that one.
    pub(super) fn next(&self, after: Timestamp) -> Option<Timestamp> {
        match &self.rule {
            Rule::Every(delay) => {
                let whole = Timestamp::from_second(after.as_second()).ok()?;
                whole.checked_add(*delay).ok()
            }
            Rule::Fields { .. } => self.next_by_fields(after),
        }
    }

    /// A time as it is written in the zone (RFC 3339).
    pub(super) fn text(&self, at: Timestamp) -> String {
        let zoned = at.to_zoned(self.zone.clone());
        if zoned.offset().is_zero() {
            return at.to_string();
        }
        zoned.strftime("%Y-%m-%dT%H:%M:%S%:z").to_string()
    }

    fn next_by_fields(&self, after: Timestamp) -> Option<Timestamp> {
        let Rule::Fields {
            minute,
            hour,
            month,
            ..
        } = &self.rule
        else {
            return None;
        };
        let has = |set: &u64, value: i8| u32::try_from(value).is_ok_and(|v| set >> v & 1 == 1);
        let minutes = after.as_second().div_euclid(60).checked_add(1)?;
        let mut time = Timestamp::from_second(minutes.checked_mul(60)?)
            .ok()?
            .to_zoned(self.zone.clone());
        let last_year = time.year().saturating_add(YEARS);
        loop {
            if time.year() > last_year {
                return None;
            }
            if !has(month, time.month()) {
                let first = time.date().first_of_month().checked_add(1.month()).ok()?;
                time = self.start_of(first, &time)?;
            } else if !self.is_day(time.date()) {
                time = self.start_of(time.date().tomorrow().ok()?, &time)?;
            } else if !has(hour, time.hour()) {
                // By absolute time, so that an hour that comes twice is seen twice.
                let left = 60 - i64::from(time.minute());
                time = time.checked_add(left.minutes()).ok()?;
            } else if !has(minute, time.minute()) {
                time = time.checked_add(1.minute()).ok()?;
            } else {
                return Some(time.timestamp());
            }
        }
    }

    /// The beginning of a day, which must be later than `before`.
    fn start_of(&self, date: Date, before: &Zoned) -> Option<Zoned> {
        let start = date
            .to_datetime(Time::midnight())
            .to_zoned(self.zone.clone())
            .ok()?;
        (start > *before).then_some(start)
    }

    fn is_day(&self, date: Date) -> bool {
        let Rule::Fields {
            day,
            weekday,
            any_day,
            any_weekday,
            ..
        } = &self.rule
        else {
            return false;
        };
        let has = |set: &u64, value: i8| u32::try_from(value).is_ok_and(|v| set >> v & 1 == 1);
        let by_month = has(day, date.day());
        let by_week = has(weekday, date.weekday().to_sunday_zero_offset());
        // Where both are restricted, either is enough.
        if *any_day || *any_weekday {
            by_month && by_week
        } else {
            by_month || by_week
        }
    }
}

fn descriptor_rule(descriptor: &str) -> Result<Rule, String> {
    let text = match descriptor {
        "yearly" | "annually" => "0 0 1 1 *",
        "monthly" => "0 0 1 * *",
        "weekly" => "0 0 * * 0",
        "daily" | "midnight" => "0 0 * * *",
        "hourly" => "0 * * * *",
        _ => {
            let unknown = || format!("unrecognized descriptor: @{descriptor}");
            let duration = descriptor.strip_prefix("every ").ok_or_else(unknown)?;
            let delay = go_duration(duration)
                .ok_or_else(|| format!("failed to parse duration @{descriptor}"))?;
            let whole = SignedDuration::from_secs(delay.as_secs().max(1));
            return Ok(Rule::Every(whole));
        }
    };
    fields(text)
}

/// A Go duration such as `1h30m`.
fn go_duration(text: &str) -> Option<SignedDuration> {
    let mut total = 0.0;
    let mut rest = text;
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let end = rest.find(|letter: char| !letter.is_ascii_digit() && letter != '.')?;
        let number: f64 = rest[..end].parse().ok()?;
        rest = &rest[end..];
        let end = rest
            .find(|letter: char| letter.is_ascii_digit())
            .unwrap_or(rest.len());
        total += number
            * match &rest[..end] {
                "ns" => 1e-9,
                "us" | "µs" => 1e-6,
                "ms" => 1e-3,
                "s" => 1.0,
                "m" => 60.0,
                "h" => 3600.0,
                _ => return None,
            };
        rest = &rest[end..];
    }
    SignedDuration::try_from_secs_f64(total).ok()
}

fn fields(text: &str) -> Result<Rule, String> {
    let all: Vec<&str> = text.split_whitespace().collect();
    let [minute, hour, day, month, weekday] = all.as_slice() else {
        let found = all.len();
        return Err(format!("expected exactly 5 fields, found {found}: {all:?}"));
    };
    let (day, any_day) = field(day, 1, 31, &[])?;
    let (weekday, any_weekday) = field(weekday, 0, 6, &WEEKDAYS)?;
    Ok(Rule::Fields {
        minute: field(minute, 0, 59, &[])?.0,
        hour: field(hour, 0, 23, &[])?.0,
        day,
        month: field(month, 1, 12, &MONTHS)?.0,
        weekday,
        any_day,
        any_weekday,
    })
}

/// The values of a field, and whether it restricts nothing.
fn field(text: &str, least: u32, most: u32, names: &[&str]) -> Result<(u64, bool), String> {
    let mut bits = 0;
    let mut any = false;
    for part in text.split(',').filter(|part| !part.is_empty()) {
        let (range, step) = match part.split_once('/') {
            Some((range, step)) => (range, Some(number(step, &[])?)),
            None => (part, None),
        };
        let (first, last) = match range {
            "*" | "?" => {
                any |= step.is_none_or(|step| step <= 1);
                (least, most)
            }
            _ => match range.split_once('-') {
                Some((first, last)) => (number(first, names)?, number(last, names)?),
                None => {
                    let first = number(range, names)?;
                    // `5/10` goes on to the end.
                    (first, if step.is_some() { most } else { first })
                }
            },
        };
        if first < least {
            return Err(format!(
                "beginning of range ({first}) below minimum ({least}): {part}"
            ));
        }
        if last > most {
            return Err(format!(
                "end of range ({last}) above maximum ({most}): {part}"
            ));
        }
        if first > last {
            return Err(format!(
                "beginning of range ({first}) beyond end of range ({last}): {part}"
            ));
        }
        let step = step.unwrap_or(1);
        if step == 0 {
            return Err(format!("step of range should be a positive number: {part}"));
        }
        let mut value = first;
        while value <= last {
            bits |= 1_u64 << value;
            value = value.saturating_add(step);
        }
    }
    if bits == 0 {
        return Err(format!("no values in field: {text:?}"));
    }
    Ok((bits, any))
}

fn number(text: &str, names: &[&str]) -> Result<u32, String> {
    let name = text.to_ascii_lowercase();
    if let Some(at) = names.iter().position(|known| *known == name) {
        // Months are counted from 1, days from 0.
        let first = usize::from(names.len() == MONTHS.len());
        return u32::try_from(at + first).map_err(|problem| problem.to_string());
    }
    text.parse()
        .map_err(|problem| format!("failed to parse int from {text}: {problem}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn next(text: &str, after: &str) -> Option<String> {
        let schedule = Schedule::parse(text, TimeZone::UTC).unwrap();
        schedule
            .next(after.parse().unwrap())
            .map(|next| next.to_string())
    }

    #[test]
    fn the_next_time() {
        for (text, after, wanted) in [
            ("* * * * *", "2026-01-01T00:00:00Z", "2026-01-01T00:01:00Z"),
            (
                "*/15 * * * *",
                "2026-01-01T00:01:30Z",
                "2026-01-01T00:15:00Z",
            ),
            (
                "5/20 * * * *",
                "2026-01-01T00:26:00Z",
                "2026-01-01T00:45:00Z",
            ),
            ("30 2 * * *", "2026-01-01T02:30:00Z", "2026-01-02T02:30:00Z"),
            ("0 0 29 2 *", "2026-01-01T00:00:00Z", "2028-02-29T00:00:00Z"),
            (
                "0 9 * * mon-fri",
                "2026-01-02T10:00:00Z",
                "2026-01-05T09:00:00Z",
            ),
            (
                "0 0 13 * fri",
                "2026-02-01T00:00:00Z",
                "2026-02-06T00:00:00Z",
            ),
            (
                "0 0 ? jan 0",
                "2026-01-01T00:00:00Z",
                "2026-01-04T00:00:00Z",
            ),
            ("@monthly", "2026-01-15T00:00:00Z", "2026-02-01T00:00:00Z"),
            (
                "@every 1h30m",
                "2026-01-01T00:00:00.5Z",
                "2026-01-01T01:30:00Z",
            ),
            (
                "TZ=Asia/Tokyo 0 9 * * *",
                "2026-01-01T00:00:00Z",
                "2026-01-02T00:00:00Z",
            ),
        ] {
            assert_eq!(next(text, after).as_deref(), Some(wanted), "{text}");
        }
        assert_eq!(next("0 0 31 2 *", "2026-01-01T00:00:00Z"), None);
    }

    #[test]
    fn clocks_that_change() {
        // In Berlin there is no 02:30 on 29 March 2026, and 02:30 comes twice on 25 October.
        let text = "TZ=Europe/Berlin 30 2 * * *";
        assert_eq!(
            next(text, "2026-03-28T12:00:00Z").as_deref(),
            Some("2026-03-30T00:30:00Z")
        );
        assert_eq!(
            next(text, "2026-10-24T12:00:00Z").as_deref(),
            Some("2026-10-25T00:30:00Z")
        );
        assert_eq!(
            next(text, "2026-10-25T00:30:00Z").as_deref(),
            Some("2026-10-25T01:30:00Z")
        );
    }

    #[test]
    fn what_is_no_schedule() {
        for text in [
            "",
            "* * * *",
            "60 * * * *",
            "* * 0 * *",
            "5-2 * * * *",
            "*/0 * * * *",
            "@often",
            "@every x",
            "x * * * *",
            "* * * * * *",
            "TZ=Nowhere/There * * * * *",
        ] {
            assert!(Schedule::parse(text, TimeZone::UTC).is_err(), "{text}");
        }
    }
}

//! The parts of timestamps and durations.

use jiff::tz::{Offset, TimeZone};
use jiff::{SignedDuration, Timestamp};

use super::eval::{Evaluated, Failure};
use super::library::as_text;
use super::value::Val;

pub(super) fn call<'a>(name: &str, args: &[Val<'a>]) -> Option<Evaluated<'a>> {
    let part = name.strip_prefix("get")?;
    Some(match args {
        [Val::Timestamp(time)] => Ok(Val::Int(of_time(part, *time, TimeZone::UTC)?)),
        [Val::Timestamp(time), zone] => match time_zone(as_text(zone)?) {
            Ok(zone) => Ok(Val::Int(of_time(part, *time, zone)?)),
            Err(error) => Err(Failure::Error(error)),
        },
        [Val::Duration(duration)] => Ok(Val::Int(of_duration(part, *duration)?)),
        _ => return None,
    })
}

fn of_time(part: &str, time: Timestamp, zone: TimeZone) -> Option<i64> {
    let time = time.to_zoned(zone);
    Some(match part {
        "FullYear" => i64::from(time.year()),
        "Month" => i64::from(time.month()) - 1,
        "DayOfYear" => i64::from(time.day_of_year()) - 1,
        "Date" => i64::from(time.day()),
        "DayOfMonth" => i64::from(time.day()) - 1,
        "DayOfWeek" => i64::from(time.weekday().to_sunday_zero_offset()),
        "Hours" => i64::from(time.hour()),
        "Minutes" => i64::from(time.minute()),
        "Seconds" => i64::from(time.second()),
        "Milliseconds" => i64::from(time.subsec_nanosecond() / 1_000_000),
        _ => return None,
    })
}

fn of_duration(part: &str, duration: SignedDuration) -> Option<i64> {
    Some(match part {
        "Hours" => duration.as_secs() / 3600,
        "Minutes" => duration.as_secs() / 60,
        "Seconds" => duration.as_secs(),
        "Milliseconds" => i64::try_from(duration.as_millis()).unwrap_or(i64::MAX),
        _ => return None,
    })
}

/// A name such as `Europe/Berlin`, or an offset such as `-02:30`.
fn time_zone(text: &str) -> Result<TimeZone, String> {
    let Some((hours, minutes)) = text.split_once(':') else {
        return match text {
            "" | "UTC" => Ok(TimeZone::UTC),
            name => TimeZone::get(name).map_err(|_| format!("unknown time zone {name}")),
        };
    };
    let number = |text: &str| {
        let quoted = super::super::go::quote(text);
        text.parse::<i32>()
            .map_err(|_| format!("strconv.Atoi: parsing {quoted}: invalid syntax"))
    };
    let (whole, part) = (number(hours)?, number(minutes)?);
    let minutes = if hours.starts_with('-') {
        whole * 60 - part
    } else {
        whole * 60 + part
    };
    let offset = minutes
        .checked_mul(60)
        .and_then(|seconds| Offset::from_seconds(seconds).ok());
    offset
        .map(TimeZone::fixed)
        .ok_or_else(|| format!("unknown time zone {text}"))
}

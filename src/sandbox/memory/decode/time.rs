//! Times as Go's `time.Parse` reads them and meta/v1 writes them.

use std::fmt::Write;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

/// The layout of meta/v1 Time.
const SECONDS: &str = "2006-01-02T15:04:05Z07:00";
/// The layout of meta/v1 MicroTime.
const MICROS: &str = "2006-01-02T15:04:05.000000Z07:00";

/// A meta/v1 Time, rewritten: in UTC, whole seconds. `None` is the zero time, which is written as
/// null. The error is Go's sentence.
pub(super) fn seconds(text: &str) -> Result<Option<String>, String> {
    let Parsed { time, .. } = Reader::read(text, SECONDS, false)?;
    Ok(time.map(|time| time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()))
}

/// A meta/v1 MicroTime, the same with six digits of a second.
pub(super) fn micros(text: &str) -> Result<Option<String>, String> {
    let Parsed { time, nanos } = Reader::read(text, MICROS, true)?;
    Ok(time.map(|time| {
        let whole = time.strftime("%Y-%m-%dT%H:%M:%S");
        format!("{whole}.{:06}Z", nanos / 1_000)
    }))
}

struct Parsed {
    time: Option<Timestamp>,
    nanos: u32,
}

/// Reads a text part by part. A part that does not fit is told with its name in the layout.
struct Reader<'a> {
    text: &'a str,
    layout: &'static str,
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    fn read(text: &'a str, layout: &'static str, has_fraction: bool) -> Result<Parsed, String> {
        let mut reader = Reader {
            text,
            layout,
            rest: text.as_bytes(),
        };
        let year = reader.year()?;
        reader.mark("-")?;
        let month = reader.number("01", true)?;
        reader.within("month", (1..=12).contains(&month))?;
        reader.mark("-")?;
        let day = reader.number("02", true)?;
        reader.mark("T")?;
        let hour = reader.number("15", false)?;
        reader.within("hour", hour < 24)?;
        reader.mark(":")?;
        let minute = reader.number("04", true)?;
        reader.within("minute", minute < 60)?;
        reader.mark(":")?;
        let second = reader.number("05", true)?;
        reader.within("second", second < 60)?;
        let nanos = if has_fraction {
            reader.fraction()?
        } else {
            reader.any_fraction()
        };
        let offset = reader.offset()?;
        if !reader.rest.is_empty() {
            let extra = quoted(reader.rest);
            return Err(format!(
                "parsing time {}: extra text: {extra}",
                quoted(text.as_bytes())
            ));
        }
        let small = |number: u32| i8::try_from(number).unwrap_or_default();
        let date = i16::try_from(year)
            .ok()
            .and_then(|y| Date::new(y, small(month), small(day)).ok());
        reader.within("day", date.is_some())?;
        let time = date
            .map(|date| date.at(small(hour), small(minute), small(second), 0))
            .and_then(|time| time.to_zoned(TimeZone::UTC).ok())
            .and_then(|time| Timestamp::from_second(time.timestamp().as_second() - offset).ok());
        let is_zero = time.is_some_and(|time| time.as_second() == ZERO) && nanos == 0;
        Ok(Parsed {
            time: time.filter(|_| !is_zero),
            nanos,
        })
    }

    /// What Go says of a part that is not there.
    fn bad(&self, part: &str) -> String {
        let (text, rest) = (quoted(self.text.as_bytes()), quoted(self.rest));
        format!(
            "parsing time {text} as \"{}\": cannot parse {rest} as \"{part}\"",
            self.layout
        )
    }

    fn within(&self, part: &str, is: bool) -> Result<(), String> {
        if is {
            return Ok(());
        }
        Err(format!(
            "parsing time {}: {part} out of range",
            quoted(self.text.as_bytes())
        ))
    }

    fn digit(&self, at: usize) -> Option<u32> {
        char::from(*self.rest.get(at)?).to_digit(10)
    }

    fn year(&mut self) -> Result<u32, String> {
        let mut year = 0;
        for at in 0..4 {
            year = year * 10 + self.digit(at).ok_or_else(|| self.bad("2006"))?;
        }
        self.rest = &self.rest[4..];
        Ok(year)
    }

    fn mark(&mut self, mark: &str) -> Result<(), String> {
        self.rest = self
            .rest
            .strip_prefix(mark.as_bytes())
            .ok_or_else(|| self.bad(mark))?;
        Ok(())
    }

    /// Two digits, or one where that is enough.
    fn number(&mut self, part: &str, needs_two: bool) -> Result<u32, String> {
        let first = self.digit(0).ok_or_else(|| self.bad(part))?;
        match self.digit(1) {
            Some(second) => {
                self.rest = &self.rest[2..];
                Ok(first * 10 + second)
            }
            None if needs_two => Err(self.bad(part)),
            None => {
                self.rest = &self.rest[1..];
                Ok(first)
            }
        }
    }

    fn has_point(&self) -> bool {
        matches!(self.rest.first(), Some(b'.' | b','))
    }

    /// The six digits of a layout that has them; gives nanoseconds.
    fn fraction(&mut self) -> Result<u32, String> {
        let part = ".000000";
        if self.rest.len() < part.len() || !self.has_point() {
            return Err(self.bad(part));
        }
        let mut micros = 0;
        for at in 1..part.len() {
            micros = micros * 10 + self.digit(at).ok_or_else(|| self.bad(part))?;
        }
        self.rest = &self.rest[part.len()..];
        Ok(micros * 1_000)
    }

    /// Any digits after a point, where the layout has none.
    fn any_fraction(&mut self) -> u32 {
        if !self.has_point() || self.digit(1).is_none() {
            return 0;
        }
        let mut nanos = 0;
        let mut unit = 100_000_000;
        let mut at = 1;
        while let Some(digit) = self.digit(at) {
            nanos += digit * unit;
            unit /= 10;
            at += 1;
        }
        self.rest = &self.rest[at..];
        nanos
    }

    /// `Z` or an offset; gives seconds east of UTC.
    fn offset(&mut self) -> Result<i64, String> {
        let part = "Z07:00";
        if self.rest.first() == Some(&b'Z') {
            self.rest = &self.rest[1..];
            return Ok(0);
        }
        let two = |at: usize| Some(self.digit(at)? * 10 + self.digit(at + 1)?);
        let sign = match self.rest.first() {
            Some(b'+') => 1,
            Some(b'-') => -1,
            _ => return Err(self.bad(part)),
        };
        let (Some(hours), Some(b':'), Some(minutes)) = (two(1), self.rest.get(3), two(4)) else {
            return Err(self.bad(part));
        };
        self.within("time zone offset hour", hours <= 24)?;
        self.within("time zone offset minute", minutes <= 60)?;
        self.rest = &self.rest[6..];
        Ok(sign * i64::from(hours * 3_600 + minutes * 60))
    }
}

/// 0001-01-01T00:00:00Z
const ZERO: i64 = -62_135_596_800;

/// Text as the time package quotes it: byte by byte where it is not ASCII.
fn quoted(text: &[u8]) -> String {
    let mut quoted = String::from("\"");
    for byte in text {
        // Writing into a String does not fail.
        let _ = match byte {
            b'"' | b'\\' => write!(quoted, "\\{}", char::from(*byte)),
            b' '..=b'\x7f' => write!(quoted, "{}", char::from(*byte)),
            _ => write!(quoted, "\\x{byte:02x}"),
        };
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use super::{micros, seconds};

    #[test]
    fn times_are_rewritten() {
        for (text, expected) in [
            ("2020-01-01T01:00:00.9+01:00", Some("2020-01-01T00:00:00Z")),
            ("1960-01-01T00:00:00.5Z", Some("1960-01-01T00:00:00Z")),
            ("2020-02-20T1:00:00Z", Some("2020-02-20T01:00:00Z")),
            ("2020-02-20T00:00:00,5Z", Some("2020-02-20T00:00:00Z")),
            ("2020-02-29T23:59:59-00:30", Some("2020-03-01T00:29:59Z")),
            ("0001-01-01T00:00:00Z", None),
        ] {
            assert_eq!(seconds(text), Ok(expected.map(str::to_owned)), "{text}");
        }
        for (text, expected) in [
            (
                "2020-01-01T00:00:00.000001Z",
                Some("2020-01-01T00:00:00.000001Z"),
            ),
            (
                "2020-01-01T00:00:00.123456+02:00",
                Some("2019-12-31T22:00:00.123456Z"),
            ),
            ("0001-01-01T00:00:00.000000Z", None),
        ] {
            assert_eq!(micros(text), Ok(expected.map(str::to_owned)), "{text}");
        }
    }

    /// The sentences are the real server's.
    #[test]
    fn what_is_no_time_is_refused_as_go_does() {
        let cannot = |rest: &str, part: &str| {
            format!(" as \"2006-01-02T15:04:05Z07:00\": cannot parse \"{rest}\" as \"{part}\"")
        };
        for (text, expected) in [
            ("x", cannot("x", "2006")),
            ("", cannot("", "2006")),
            ("2020-01-01", cannot("", "T")),
            ("2020-1-01", cannot("1-01", "01")),
            ("2020-13-01T00:00:00Z", ": month out of range".to_owned()),
            ("2020-01-01T00:00:00z", cannot("z", "Z07:00")),
            ("20200-01-01T00:00:00Z", cannot("0-01-01T00:00:00Z", "-")),
            ("2020-01-01T24:00:00Z", ": hour out of range".to_owned()),
            ("2020-02-30T00:00:00Z", ": day out of range".to_owned()),
            ("2020-02-20 00:00:00Z", cannot(" 00:00:00Z", "T")),
            ("2020-02-20T00:00:00", cannot("", "Z07:00")),
            (
                "2020-02-20T00:00:00+25:00",
                ": time zone offset hour out of range".to_owned(),
            ),
            ("2020-02-20T00:00:00Zx", ": extra text: \"x\"".to_owned()),
        ] {
            assert_eq!(
                seconds(text),
                Err(format!("parsing time \"{text}\"{expected}"))
            );
        }
        let cannot = |text: &str, rest: &str, part: &str| {
            let layout = "2006-01-02T15:04:05.000000Z07:00";
            format!(
                "parsing time \"{text}\" as \"{layout}\": cannot parse \"{rest}\" as \"{part}\""
            )
        };
        for (text, rest, part) in [
            ("2020-01-01T01:00:00.1234567+01:00", "7+01:00", "Z07:00"),
            ("2020-01-01T00:00:00Z", "Z", ".000000"),
            ("", "", "2006"),
        ] {
            assert_eq!(micros(text), Err(cannot(text, rest, part)));
        }
        assert!(
            seconds("é\"")
                .unwrap_err()
                .starts_with(r#"parsing time "\xc3\xa9\"" as"#)
        );
    }
}

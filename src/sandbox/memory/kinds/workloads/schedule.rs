//! The schedule of a CronJob: what github.com/robfig/cron/v3 says about one that is wrong
//! (`ParseStandard`).

struct Bounds {
    min: u64,
    max: u64,
    names: &'static [&'static str],
}

const MONTHS: [&str; 12] = [
    "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
];
const DAYS: [&str; 7] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];
const FIELDS: [Bounds; 5] = [
    Bounds {
        min: 0,
        max: 59,
        names: &[],
    },
    Bounds {
        min: 0,
        max: 23,
        names: &[],
    },
    Bounds {
        min: 1,
        max: 31,
        names: &[],
    },
    Bounds {
        min: 1,
        max: 12,
        names: &MONTHS,
    },
    Bounds {
        min: 0,
        max: 6,
        names: &DAYS,
    },
];

/// Checks a schedule.
///
/// # Errors
///
/// The real server's words.
pub(super) fn check(schedule: &str) -> Result<(), String> {
    if schedule.is_empty() {
        return Err("empty spec string".to_owned());
    }
    let schedule = without_zone(schedule)?;
    if schedule.starts_with('@') {
        return descriptor(schedule);
    }
    let fields: Vec<&str> = schedule.split_whitespace().collect();
    if fields.len() != FIELDS.len() {
        let (count, shown) = (fields.len(), fields.join(" "));
        return Err(format!(
            "expected exactly 5 fields, found {count}: [{shown}]"
        ));
    }
    for (field, bounds) in fields.iter().zip(&FIELDS) {
        for range in field.split(',').filter(|range| !range.is_empty()) {
            bounds.check(range)?;
        }
    }
    Ok(())
}

/// The schedule behind a time zone, which has to be there.
fn without_zone(schedule: &str) -> Result<&str, String> {
    let zoned = ["TZ=", "CRON_TZ="]
        .iter()
        .find_map(|prefix| schedule.strip_prefix(prefix));
    let Some(zoned) = zoned else {
        return Ok(schedule);
    };
    let Some((zone, rest)) = zoned.split_once(' ') else {
        // The parser fails on this; its failure is caught and put into words.
        return Err(
            "invalid schedule format: runtime error: slice bounds out of range [:-1]".to_owned(),
        );
    };
    match super::timezone::check(zone) {
        Ok(()) => Ok(rest.trim()),
        Err(error) => Err(format!("provided bad location {zone}: {error}")),
    }
}

fn descriptor(text: &str) -> Result<(), String> {
    let known = [
        "@yearly",
        "@annually",
        "@monthly",
        "@weekly",
        "@daily",
        "@midnight",
        "@hourly",
    ];
    if known.contains(&text) {
        return Ok(());
    }
    match text.strip_prefix("@every ") {
        Some(duration) => go_duration(duration)
            .map_err(|error| format!("failed to parse duration {text}: {error}")),
        None => Err(format!("unrecognized descriptor: {text}")),
    }
}

impl Bounds {
    fn check(&self, range: &str) -> Result<(), String> {
        let steps: Vec<&str> = range.split('/').collect();
        let ends: Vec<&str> = steps[0].split('-').collect();
        let (start, mut end) = match ends[..] {
            ["*" | "?", ..] => (self.min, self.max),
            [start] => {
                let start = self.number(start)?;
                (start, start)
            }
            [start, end] => (self.number(start)?, self.number(end)?),
            [start, ..] => {
                self.number(start)?;
                return Err(format!("too many hyphens: {range}"));
            }
            [] => return Ok(()),
        };
        let step = match steps[..] {
            [_] => 1,
            [_, step] => {
                let step = number(step)?;
                if ends.len() == 1 {
                    end = self.max;
                }
                step
            }
            _ => return Err(format!("too many slashes: {range}")),
        };
        let (min, max) = (self.min, self.max);
        if start < min {
            return Err(format!(
                "beginning of range ({start}) below minimum ({min}): {range}"
            ));
        }
        if end > max {
            return Err(format!(
                "end of range ({end}) above maximum ({max}): {range}"
            ));
        }
        if start > end {
            return Err(format!(
                "beginning of range ({start}) beyond end of range ({end}): {range}"
            ));
        }
        if step == 0 {
            return Err(format!(
                "step of range should be a positive number: {range}"
            ));
        }
        Ok(())
    }

    fn number(&self, text: &str) -> Result<u64, String> {
        let lower = text.to_lowercase();
        match self.names.iter().position(|name| *name == lower) {
            Some(at) => Ok(self.min + at as u64),
            None => number(text),
        }
    }
}

fn number(text: &str) -> Result<u64, String> {
    let failed =
        |why| format!("failed to parse int from {text}: strconv.Atoi: parsing {text:?}: {why}");
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return Err(failed("invalid syntax"));
    }
    let number: i64 = text.parse().map_err(|_| failed("value out of range"))?;
    u64::try_from(number).map_err(|_| format!("negative number ({number}) not allowed: {text}"))
}

/// What Go's `time.ParseDuration` says.
fn go_duration(text: &str) -> Result<(), String> {
    let invalid = || Err(format!("time: invalid duration {text:?}"));
    let rest = text.strip_prefix(['+', '-']).unwrap_or(text);
    if rest == "0" {
        return Ok(());
    }
    if rest.is_empty() {
        return invalid();
    }
    let mut rest = rest;
    let mut nanoseconds = 0f64;
    while !rest.is_empty() {
        let is_number = |c: char| c.is_ascii_digit() || c == '.';
        let end = rest.find(|c| !is_number(c)).unwrap_or(rest.len());
        let (amount, behind) = rest.split_at(end);
        if !amount.contains(|c: char| c.is_ascii_digit()) || amount.matches('.').count() > 1 {
            return invalid();
        }
        let end = behind.find(is_number).unwrap_or(behind.len());
        let (unit, behind) = behind.split_at(end);
        let size = match unit {
            "" => return Err(format!("time: missing unit in duration {text:?}")),
            "ns" => 1.0,
            "us" | "µs" | "μs" => 1e3,
            "ms" => 1e6,
            "s" => 1e9,
            "m" => 60e9,
            "h" => 3600e9,
            _ => return Err(format!("time: unknown unit {unit:?} in duration {text:?}")),
        };
        nanoseconds += amount.parse::<f64>().unwrap_or(f64::INFINITY) * size;
        if nanoseconds >= 9_223_372_036_854_775_808.0 {
            return invalid();
        }
        rest = behind;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn schedules_are_judged_as_by_cron() {
        let cases: &[(&str, &str)] = &[
            ("*/5 0-3,7 1 jan-MAR mon", ""),
            ("? * * * 0", ""),
            ("@hourly", ""),
            ("@every 1h30m", ""),
            ("TZ=UTC 0 * * * *", ""),
            ("* * * *", "expected exactly 5 fields, found 4: [* * * *]"),
            ("60 * * * *", "end of range (60) above maximum (59): 60"),
            ("* * 0 * *", "beginning of range (0) below minimum (1): 0"),
            (
                "5-3 * * * *",
                "beginning of range (5) beyond end of range (3): 5-3",
            ),
            ("1-2-3 * * * *", "too many hyphens: 1-2-3"),
            ("1/2/3 * * * *", "too many slashes: 1/2/3"),
            (
                "*/0 * * * *",
                "step of range should be a positive number: */0",
            ),
            ("*/-1 * * * *", "negative number (-1) not allowed: -1"),
            (
                "a * * * *",
                "failed to parse int from a: strconv.Atoi: parsing \"a\": invalid syntax",
            ),
            ("@never", "unrecognized descriptor: @never"),
            (
                "@every 5",
                "failed to parse duration @every 5: time: missing unit in duration \"5\"",
            ),
            (
                "@every x",
                "failed to parse duration @every x: time: invalid duration \"x\"",
            ),
            (
                "TZ=UTC",
                "invalid schedule format: runtime error: slice bounds out of range [:-1]",
            ),
            (
                "TZ=No/Where * * * * *",
                "provided bad location No/Where: unknown time zone No/Where",
            ),
        ];
        for (schedule, expected) in cases {
            assert_eq!(
                check(schedule).err().unwrap_or_default(),
                *expected,
                "{schedule}"
            );
        }
    }
}

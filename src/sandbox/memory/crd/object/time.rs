//! RFC 3339 as Go's `time.Parse` reads it, with its words for what is wrong.

use jiff::Timestamp;

/// The time in UTC, to the second, as it is written; or what is wrong.
pub(super) fn canonical(text: &str) -> Result<String, String> {
    parse(text)?;
    let time: Timestamp = text
        .parse()
        .map_err(|_| format!("parsing time {text:?}: day out of range"))?;
    Ok(time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string())
}

fn parse(text: &str) -> Result<(), String> {
    let quoted = super::super::go::quote(text);
    let unread = |rest: &str, element: &str| {
        Err(format!(
            "parsing time {quoted} as \"2006-01-02T15:04:05Z07:00\": cannot parse {} as {element:?}",
            super::super::go::quote(rest)
        ))
    };
    let out_of_range = |what: &str| Err(format!("parsing time {quoted}: {what} out of range"));
    let mut rest = text;
    let mut numbers = [0_u32; 6];
    let elements = [
        ("2006", 4, "-"),
        ("01", 2, "-"),
        ("02", 2, "T"),
        ("15", 2, ":"),
        ("04", 2, ":"),
        ("05", 2, ""),
    ];
    for (at, (element, digits, separator)) in elements.into_iter().enumerate() {
        match rest
            .get(..digits)
            .filter(|d| d.bytes().all(|b| b.is_ascii_digit()))
        {
            Some(number) => numbers[at] = number.parse().unwrap_or(0),
            None => return unread(rest, element),
        }
        rest = &rest[digits..];
        let most = [9999, 12, 31, 23, 59, 59][at];
        let least = u32::from(at == 1 || at == 2);
        let names = ["year", "month", "day", "hour", "minute", "second"];
        if !(least..=most).contains(&numbers[at]) {
            return out_of_range(names[at]);
        }
        rest = match rest.strip_prefix(separator) {
            Some(rest) => rest,
            None => return unread(rest, separator),
        };
    }
    if let Some(fraction) = rest.strip_prefix(['.', ',']) {
        let digits = fraction.trim_start_matches(|c: char| c.is_ascii_digit());
        if digits.len() < fraction.len() {
            rest = digits;
        }
    }
    let after = match rest.as_bytes() {
        [b'Z', ..] => &rest[1..],
        [b'+' | b'-', a, b, b':', c, d, ..] if [a, b, c, d].into_iter().all(u8::is_ascii_digit) => {
            let number = |from: usize| rest[from..from + 2].parse::<u32>().unwrap_or(0);
            if number(1) > 24 {
                return out_of_range("time zone offset hour");
            }
            if number(4) > 60 {
                return out_of_range("time zone offset minute");
            }
            &rest[6..]
        }
        _ => return unread(rest, "Z07:00"),
    };
    if !after.is_empty() {
        let extra = super::super::go::quote(after);
        return Err(format!("parsing time {quoted}: extra text: {extra}"));
    }
    let date = jiff::civil::Date::new(numbers[0] as i16, numbers[1] as i8, numbers[2] as i8);
    if date.is_err() {
        return out_of_range("day");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_in_utc() {
        for (text, canonical_form) in [
            ("2020-01-01T01:00:00+01:00", "2020-01-01T00:00:00Z"),
            ("2020-01-01T00:00:00.999Z", "2020-01-01T00:00:00Z"),
        ] {
            assert_eq!(canonical(text).as_deref(), Ok(canonical_form));
        }
    }

    /// Answers of kube-apiserver 1.36.3.
    #[test]
    fn errors_read_as_in_go() {
        let layout = "as \"2006-01-02T15:04:05Z07:00\": cannot parse";
        for (text, words) in [
            ("xyz", format!("{layout} \"xyz\" as \"2006\"")),
            ("", format!("{layout} \"\" as \"2006\"")),
            (
                "2020-01-01T00:00:00",
                format!("{layout} \"\" as \"Z07:00\""),
            ),
            ("2020-01-01", format!("{layout} \"\" as \"T\"")),
            (
                "2020-1-1T00:00:00Z",
                format!("{layout} \"1-1T00:00:00Z\" as \"01\""),
            ),
        ] {
            assert_eq!(
                canonical(text),
                Err(format!("parsing time {text:?} {words}"))
            );
        }
        for (text, words) in [
            ("2020-13-01T00:00:00Z", "month out of range"),
            ("2020-01-01T25:00:00Z", "hour out of range"),
            ("2020-01-01T00:00:00Zx", "extra text: \"x\""),
            ("2020-02-30T00:00:00+01:00", "day out of range"),
            (
                "2020-01-01T00:00:00.5+25:00",
                "time zone offset hour out of range",
            ),
        ] {
            assert_eq!(
                canonical(text),
                Err(format!("parsing time {text:?}: {words}"))
            );
        }
    }
}

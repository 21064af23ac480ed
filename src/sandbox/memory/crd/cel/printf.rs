//! `format` of texts: `"%s: %d".format([a, b])` (cel-go's `ext/formatting.go`).

use std::fmt::Write as _;

use super::super::go;
use super::convert;
use super::eval::{Evaluated, Failure};
use super::value::{List, Map, Val};

pub(super) fn format<'a>(pattern: &str, list: &List<'a>) -> Evaluated<'a> {
    let args = list.items()?;
    let mut args = args.iter().enumerate();
    let mut out = String::new();
    let mut rest = pattern;
    while let Some(at) = rest.find('%') {
        out.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        if let Some(tail) = rest.strip_prefix('%') {
            out.push('%');
            rest = tail;
            continue;
        }
        let (precision, tail) = precision(rest)?;
        let Some(verb) = tail.chars().next() else {
            return Err("could not parse formatting clause: unexpected end of string".into());
        };
        rest = &tail[verb.len_utf8()..];
        let Some((index, arg)) = args.next() else {
            let index = list.len();
            return Err(format!("index {index} out of range").into());
        };
        let _ = index;
        clause(&mut out, verb, precision, arg)
            .map_err(|error| Failure::Error(format!("error during formatting: {error}")))?;
    }
    out.push_str(rest);
    Ok(Val::text(out))
}

fn precision(text: &str) -> Result<(usize, &str), Failure> {
    /// cel-go's default, and more than any double has.
    const DEFAULT: usize = 6;
    const MOST: usize = 1000;
    let Some(rest) = text.strip_prefix('.') else {
        return Ok((DEFAULT, text));
    };
    let end = rest
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(rest.len());
    match rest[..end].parse::<usize>() {
        Ok(digits) if digits <= MOST => Ok((digits, &rest[end..])),
        _ => Err("error while parsing precision: not an integer".into()),
    }
}

fn clause(out: &mut String, verb: char, precision: usize, arg: &Val<'_>) -> Result<(), String> {
    let type_ = arg.type_name();
    let written = match (verb, arg) {
        ('s', _) => text(arg)?,
        ('d', Val::Int(number)) => number.to_string(),
        ('d', Val::Uint(number)) => number.to_string(),
        ('d', _) => {
            return Err(format!(
                "decimal clause can only be used on integers, was given {type_}"
            ));
        }
        ('f' | 'e', _) => return float(out, verb, precision, arg),
        ('b', Val::Int(number)) => signed(*number, &|number| format!("{number:b}")),
        ('b', Val::Uint(number)) => format!("{number:b}"),
        ('b', Val::Bool(is)) => u8::from(*is).to_string(),
        ('b', _) => {
            return Err(format!(
                "only integers and bools can be formatted as binary, was given {type_}"
            ));
        }
        ('o', Val::Int(number)) => signed(*number, &|number| format!("{number:o}")),
        ('o', Val::Uint(number)) => format!("{number:o}"),
        ('o', _) => {
            return Err(format!(
                "octal clause can only be used on integers, was given {type_}"
            ));
        }
        ('x' | 'X', _) => {
            let hex = hexadecimal(arg)?;
            if verb == 'X' { hex.to_uppercase() } else { hex }
        }
        (verb, _) => return Err(format!("unrecognized formatting clause {verb:?}")),
    };
    out.push_str(&written);
    Ok(())
}

fn signed(number: i64, write: &dyn Fn(u64) -> String) -> String {
    let sign = if number < 0 { "-" } else { "" };
    format!("{sign}{}", write(number.unsigned_abs()))
}

fn hexadecimal(arg: &Val<'_>) -> Result<String, String> {
    let bytes = |bytes: &[u8]| {
        let mut out = String::with_capacity(bytes.len() * 2);
        for byte in bytes {
            let _ = write!(out, "{byte:02x}");
        }
        out
    };
    Ok(match arg {
        Val::Text(text) => bytes(text.as_str().as_bytes()),
        Val::Bytes(data) => bytes(data),
        Val::Int(number) => signed(*number, &|number| format!("{number:x}")),
        Val::Uint(number) => format!("{number:x}"),
        _ => {
            return Err(format!(
                "only integers, byte buffers, and strings can be formatted as hex, was given {}",
                arg.type_name()
            ));
        }
    })
}

fn float(out: &mut String, verb: char, precision: usize, arg: &Val<'_>) -> Result<(), String> {
    let number = match arg {
        Val::Double(number) => *number,
        Val::Text(text) => match text.as_str() {
            "NaN" => f64::NAN,
            "Infinity" => f64::INFINITY,
            "-Infinity" => f64::NEG_INFINITY,
            _ => return Err(not_double(verb, arg)),
        },
        _ => return Err(not_double(verb, arg)),
    };
    let infinity = if number > 0.0 {
        "\u{221e}"
    } else {
        "-\u{221e}"
    };
    let special = if number.is_nan() { "NaN" } else { infinity };
    if verb == 'e' {
        // cel-go takes the precision for a width.
        let written = match number.is_finite() {
            true => scientific(number),
            false => special.to_owned(),
        };
        let _ = write!(out, "{written:>precision$}");
        return Ok(());
    }
    if !number.is_finite() {
        out.push_str(special);
        return Ok(());
    }
    let text = format!("{number:.precision$}");
    let (whole, part) = match text.split_once('.') {
        Some((whole, part)) => (whole, format!(".{part}")),
        None => (text.as_str(), String::new()),
    };
    out.push_str(&grouped(whole));
    out.push_str(&part);
    Ok(())
}

fn not_double(verb: char, arg: &Val<'_>) -> String {
    let clause = if verb == 'e' {
        "scientific"
    } else {
        "fixed-point"
    };
    format!(
        "{clause} clause can only be used on doubles, was given {}",
        arg.type_name()
    )
}

/// A number as `1.500000×10⁰⁰`.
fn scientific(number: f64) -> String {
    const ABOVE: [char; 10] = [
        '\u{2070}', '\u{b9}', '\u{b2}', '\u{b3}', '\u{2074}', '\u{2075}', '\u{2076}', '\u{2077}',
        '\u{2078}', '\u{2079}',
    ];
    let text = format!("{number:.6e}");
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let exponent: i32 = exponent.parse().unwrap_or_default();
    let sign = if exponent < 0 { "\u{207b}" } else { "" };
    let digits = format!("{:02}", exponent.abs());
    let digits = digits
        .chars()
        .filter_map(|c| ABOVE.get(c.to_digit(10)? as usize));
    format!("{mantissa}\u{d7}10{sign}{}", digits.collect::<String>())
}

/// Thousands apart, as in English.
fn grouped(whole: &str) -> String {
    let (sign, digits) = match whole.strip_prefix('-') {
        Some(digits) => ("-", digits),
        None => ("", whole),
    };
    let mut out = String::from(sign);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// `%s`: any value that can be written.
fn text(value: &Val<'_>) -> Result<String, String> {
    Ok(match value {
        Val::List(list) => {
            let items = list.items()?;
            let items: Vec<String> = items.iter().map(literal).collect::<Result<_, String>>()?;
            format!("[{}]", items.join(", "))
        }
        Val::Map(map) => of_map(map)?,
        Val::Null => "null".to_owned(),
        Val::Type(name) => name.to_string(),
        value => convert::string(value).ok_or_else(|| {
            format!(
                "string clause can only be used on strings, bools, bytes, ints, doubles, maps, \
                 lists, types, durations, and timestamps, was given {}",
                value.type_name()
            )
        })?,
    })
}

/// A value within a list or map, as it could stand in CEL.
fn literal(value: &Val<'_>) -> Result<String, String> {
    let quoted = |value: &Val<'_>| text(value).map(|text| go::quote(&text));
    Ok(match value {
        Val::Text(_) => quoted(value)?,
        Val::Bytes(_) => format!("b{}", quoted(value)?),
        Val::Timestamp(_) => format!("timestamp({})", quoted(value)?),
        Val::Duration(_) => format!("duration({})", quoted(value)?),
        Val::Double(number) if number.is_finite() => format!("{number:.6}"),
        Val::Double(number) if number.is_nan() => "\"NaN\"".to_owned(),
        Val::Double(number) => if *number > 0.0 {
            "\"+Inf\""
        } else {
            "\"-Inf\""
        }
        .to_owned(),
        value => text(value)?,
    })
}

fn of_map(map: &Map<'_>) -> Result<String, String> {
    let mut entries = Vec::new();
    for key in map.keys() {
        if let Some(value) = map.get(&key).transpose()? {
            entries.push((literal(&key.to_val())?, literal(&value)?));
        }
    }
    entries.sort_by(|(a, _), (b, _)| a.cmp(b));
    let entries: Vec<String> = entries
        .into_iter()
        .map(|(key, value)| format!("{key}:{value}"))
        .collect();
    Ok(format!("{{{}}}", entries.join(", ")))
}

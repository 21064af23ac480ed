//! Resource quantities, as apimachinery's `pkg/api/resource` reads, writes and compares them.
//!
//! A number is a mantissa and a power of ten, so that a huge exponent costs nothing. Numbers of more
//! than 38 significant digits, and exponents beyond a million, which Go would compute with at length,
//! are refused as if they were malformed.

use std::cmp::Ordering;
use std::fmt::{self, Write};

/// The smallest power of ten that is kept: one billionth.
const NANO: i32 = -9;
/// Exponents beyond it are refused.
const EXPONENT_MAX: i64 = 1_000_000;

const BINARY: [(&str, u32); 6] = [
    ("Ki", 10),
    ("Mi", 20),
    ("Gi", 30),
    ("Ti", 40),
    ("Pi", 50),
    ("Ei", 60),
];
const DECIMAL: [(&str, i32); 10] = [
    ("n", -9),
    ("u", -6),
    ("m", -3),
    ("", 0),
    ("k", 3),
    ("M", 6),
    ("G", 9),
    ("T", 12),
    ("P", 15),
    ("E", 18),
];

/// The family of a quantity's suffix, which it keeps when it is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// `12e6`
    DecimalExponent,
    /// `12Mi`
    BinarySi,
    /// `12M`
    DecimalSi,
}

/// A number with the way in which it is written. Equality and order are those of the numbers.
#[derive(Clone, Debug)]
pub struct Quantity {
    mantissa: i128,
    exponent: i32,
    format: Format,
    /// The text as it was given, where Kubernetes keeps that instead of the canonical form.
    text: Option<Box<str>>,
}

/// The parts of a quantity's text, as Go's scanner cuts them.
struct Parts<'a> {
    is_negative: bool,
    whole: &'a str,
    fraction: &'a str,
    suffix: &'a str,
}

impl Quantity {
    /// A quantity from its text; white space around it is skipped, as in JSON.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        if text.is_empty() {
            return None;
        }
        let parts = split(text)?;
        let digits = format!("{}{}", parts.whole, parts.fraction);
        if digits.len() > 1_000 {
            return None;
        }
        let mut number = number_of(&digits)?;
        let decimals = i32::try_from(parts.fraction.len()).ok()?;
        if parts.is_negative {
            number = -number;
        }
        match interpret(parts.suffix)? {
            (Format::BinarySi, shift) => Self::binary(number, decimals, shift, &parts, text),
            (format, exponent) => Self::decimal(
                number,
                exponent.checked_sub(decimals)?,
                format,
                &digits,
                text,
            ),
        }
    }

    /// An integer, to be written in that format.
    pub fn from_i64(value: i64, format: Format) -> Self {
        Quantity {
            mantissa: value.into(),
            exponent: 0,
            format,
            text: None,
        }
    }

    fn decimal(
        number: i128,
        exponent: i32,
        format: Format,
        digits: &str,
        text: &str,
    ) -> Option<Self> {
        let is_short = digits.len() <= 18 && exponent >= NANO;
        let keeps_text =
            is_short && exponent % 3 == 0 && !digits.ends_with("000") && !digits.starts_with('0');
        let (mantissa, exponent) = round_up(number, exponent, NANO);
        let text = keeps_text.then(|| Box::from(text));
        Some(Quantity {
            mantissa,
            exponent,
            format,
            text,
        })
    }

    fn binary(
        number: i128,
        decimals: i32,
        shift: i32,
        parts: &Parts<'_>,
        text: &str,
    ) -> Option<Self> {
        let scaled = number.checked_mul(1_i128.checked_shl(shift.unsigned_abs())?)?;
        // Whether Go computes with an int64 here; what it keeps as text depends on that.
        let precision = 15 - i64::try_from(parts.whole.len()).ok()? - i64::from(shift * 3 / 10) - 1;
        if precision >= 0 && parts.fraction.is_empty() {
            let text = (number & 0x07 != 0).then(|| Box::from(text));
            return Some(Quantity {
                mantissa: scaled,
                exponent: 0,
                format: Format::BinarySi,
                text,
            });
        }
        let (mantissa, exponent) = round_up(scaled, -decimals, NANO);
        let mut made = Quantity {
            mantissa,
            exponent,
            format: Format::BinarySi,
            text: None,
        };
        let max = Quantity::from_i64(i64::MAX, Format::BinarySi);
        let magnitude = made.magnitude();
        if magnitude > max {
            made.mantissa = if mantissa < 0 {
                -max.mantissa
            } else {
                max.mantissa
            };
            made.exponent = 0;
        } else if mantissa != 0 && magnitude < Quantity::from_i64(1, Format::BinarySi) {
            made.format = Format::DecimalSi;
        }
        Some(made)
    }

    fn magnitude(&self) -> Quantity {
        Quantity {
            mantissa: self.mantissa.saturating_abs(),
            exponent: self.exponent,
            format: self.format,
            text: None,
        }
    }

    /// The family of its suffix.
    pub fn format(&self) -> Format {
        self.format
    }

    /// The text that the real server stores and answers.
    pub fn canonical(&self) -> String {
        if let Some(text) = &self.text {
            return text.to_string();
        }
        if self.mantissa == 0 {
            return "0".to_owned();
        }
        if self.format == Format::BinarySi
            && let Some(text) = self.canonical_binary()
        {
            return text;
        }
        let (mut mantissa, mut exponent) = without_zeros(self.mantissa, self.exponent);
        while exponent % 3 != 0 {
            match mantissa.checked_mul(10) {
                Some(next) => mantissa = next,
                // 38 digits; nothing of that size is ever written
                None => break,
            }
            exponent -= 1;
        }
        let mut text = mantissa.to_string();
        if self.format == Format::DecimalExponent {
            if exponent != 0 {
                // Writing to a String does not fail.
                let _ = write!(text, "e{exponent}");
            }
        } else if let Some((suffix, _)) = DECIMAL.iter().find(|(_, e)| *e == exponent) {
            // Beyond E Go writes no suffix at all, and so loses the size.
            text.push_str(suffix);
        }
        text
    }

    /// `None` where Go falls back to a decimal suffix: below 1024, and with a fraction.
    fn canonical_binary(&self) -> Option<String> {
        let whole = self.scaled_exactly(0)?;
        if whole.abs() < 1024 {
            return None;
        }
        let (mut mantissa, mut shift) = (whole, 0);
        while mantissa.abs() >= 1024 && mantissa % 1024 == 0 {
            mantissa /= 1024;
            shift += 10;
        }
        let suffix = BINARY
            .iter()
            .find(|(_, s)| *s == shift)
            .map_or("", |(suffix, _)| *suffix);
        Some(format!("{mantissa}{suffix}"))
    }

    /// The integer, rounded away from zero, at the bounds of an `i64` where it lies beyond.
    pub fn value(&self) -> i64 {
        self.scaled(0)
    }

    /// The number of thousandths, rounded away from zero; see [`value`](Self::value).
    pub fn milli_value(&self) -> i64 {
        self.scaled(-3)
    }

    /// The same without digits below that power of ten, rounded away from zero.
    #[must_use]
    pub fn round_up(&self, exponent: i32) -> Quantity {
        if self.exponent >= exponent {
            return self.clone();
        }
        let (mantissa, exponent) = round_up(self.mantissa, self.exponent, exponent);
        Quantity {
            mantissa,
            exponent,
            format: self.format,
            text: None,
        }
    }

    /// Whether it has no fraction.
    pub fn is_integer(&self) -> bool {
        self.scaled_exactly(0).is_some() || self.exponent >= 0
    }

    /// The nearest floating-point number.
    pub fn to_f64(&self) -> f64 {
        format!("{}e{}", self.mantissa, self.exponent)
            .parse()
            .unwrap_or(f64::NAN)
    }

    /// -1, 0 or 1.
    pub fn sign(&self) -> i32 {
        match self.mantissa.cmp(&0) {
            Ordering::Less => -1,
            Ordering::Equal => 0,
            Ordering::Greater => 1,
        }
    }

    /// Whether it is 0.
    pub fn is_zero(&self) -> bool {
        self.mantissa == 0
    }

    /// The sum, in this one's format unless this one is 0.
    #[must_use]
    pub fn add(&self, other: &Quantity) -> Quantity {
        let format = if self.is_zero() {
            other.format
        } else {
            self.format
        };
        let exponent = self.exponent.min(other.exponent);
        let sum = at_exponent(self.mantissa, self.exponent, exponent)
            .zip(at_exponent(other.mantissa, other.exponent, exponent))
            .and_then(|(a, b)| a.checked_add(b));
        let (mantissa, exponent) = match sum {
            Some(sum) => (sum, exponent),
            // They are so far apart that the larger one is the sum in all digits that are kept.
            None if self.magnitude() >= other.magnitude() => (self.mantissa, self.exponent),
            None => (other.mantissa, other.exponent),
        };
        Quantity {
            mantissa,
            exponent,
            format,
            text: None,
        }
    }

    /// The difference, in this one's format unless this one is 0.
    #[must_use]
    pub fn sub(&self, other: &Quantity) -> Quantity {
        self.add(&Quantity {
            mantissa: -other.mantissa,
            ..other.clone()
        })
    }

    fn scaled(&self, exponent: i32) -> i64 {
        let (mantissa, from) = round_up(self.mantissa, self.exponent, exponent);
        let bound = if self.mantissa < 0 {
            i64::MIN
        } else {
            i64::MAX
        };
        let scaled = at_exponent(mantissa, from, exponent);
        scaled
            .and_then(|scaled| i64::try_from(scaled).ok())
            .unwrap_or(bound)
    }

    fn scaled_exactly(&self, exponent: i32) -> Option<i128> {
        let (mantissa, from) = without_zeros(self.mantissa, self.exponent);
        at_exponent(mantissa, from, exponent)
    }
}

impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.canonical())
    }
}

impl PartialEq for Quantity {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Quantity {}

impl PartialOrd for Quantity {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Quantity {
    fn cmp(&self, other: &Self) -> Ordering {
        let signs = self.sign().cmp(&other.sign());
        if signs != Ordering::Equal || self.mantissa == 0 {
            return signs;
        }
        let exponent = self.exponent.min(other.exponent);
        let ours = at_exponent(self.mantissa, self.exponent, exponent);
        let theirs = at_exponent(other.mantissa, other.exponent, exponent);
        match (ours, theirs) {
            (Some(ours), Some(theirs)) => ours.cmp(&theirs),
            // Only the one with the larger exponent is scaled; it does not fit, so it is the larger.
            (None, _) => 0.cmp(&-self.sign()),
            (_, None) => 0.cmp(&other.sign()),
        }
    }
}

/// The number at a lower exponent; `None` where it does not fit, and at a higher one.
fn at_exponent(mantissa: i128, from: i32, to: i32) -> Option<i128> {
    if mantissa == 0 {
        return Some(0);
    }
    let power = u32::try_from(i64::from(from) - i64::from(to)).ok()?;
    mantissa.checked_mul(10_i128.checked_pow(power)?)
}

/// The number at that exponent or a higher one, rounded away from zero.
fn round_up(mantissa: i128, exponent: i32, lowest: i32) -> (i128, i32) {
    if exponent >= lowest {
        return (mantissa, exponent);
    }
    let power = u32::try_from(i64::from(lowest) - i64::from(exponent)).ok();
    let rounded = match power.and_then(|power| 10_i128.checked_pow(power)) {
        Some(divisor) => {
            let rest = i128::from(mantissa % divisor != 0);
            mantissa / divisor + rest * mantissa.signum()
        }
        None => mantissa.signum(),
    };
    (rounded, lowest)
}

fn without_zeros(mut mantissa: i128, mut exponent: i32) -> (i128, i32) {
    while mantissa != 0 && mantissa % 10 == 0 {
        mantissa /= 10;
        exponent += 1;
    }
    (mantissa, exponent)
}

/// Digits as a number; zeros at the end beyond what fits are not worth the trouble.
fn number_of(digits: &str) -> Option<i128> {
    if digits.is_empty() {
        Some(0)
    } else {
        digits.parse().ok()
    }
}

fn split(text: &str) -> Option<Parts<'_>> {
    let (is_negative, rest) = match text.as_bytes()[0] {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    let rest = rest.trim_start_matches('0');
    let digits = |text: &str| text.bytes().take_while(u8::is_ascii_digit).count();
    let (whole, rest) = rest.split_at(digits(rest));
    let whole = if whole.is_empty() { "0" } else { whole };
    let (fraction, suffix) = match rest.strip_prefix('.') {
        Some(rest) => rest.split_at(digits(rest)),
        None => ("", rest),
    };
    let letters = suffix
        .bytes()
        .take_while(|b| b"eEinumkKMGTP".contains(b))
        .count();
    let number = &suffix[letters..];
    let number = number.strip_prefix(['-', '+']).unwrap_or(number);
    number.bytes().all(|b| b.is_ascii_digit()).then_some(Parts {
        is_negative,
        whole,
        fraction,
        suffix,
    })
}

/// The power of two of a binary suffix, and of ten of another.
fn interpret(suffix: &str) -> Option<(Format, i32)> {
    if let Some((_, exponent)) = DECIMAL.iter().find(|(known, _)| *known == suffix) {
        return Some((Format::DecimalSi, *exponent));
    }
    if let Some((_, shift)) = BINARY.iter().find(|(known, _)| *known == suffix) {
        return Some((Format::BinarySi, i32::try_from(*shift).ok()?));
    }
    let exponent: i64 = suffix.strip_prefix(['e', 'E'])?.parse().ok()?;
    let exponent = i32::try_from(exponent).ok()?;
    (i64::from(exponent).abs() <= EXPONENT_MAX).then_some((Format::DecimalExponent, exponent))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn quantity(text: &str) -> Quantity {
        Quantity::parse(text).unwrap_or_else(|| panic!("{text:?} is no quantity"))
    }

    #[test]
    fn canonical_forms() {
        let cases = [
            ("0", "0"),
            ("-0", "0"),
            ("-", "0"),
            (".", "0"),
            ("0Ki", "0"),
            ("1", "1"),
            ("+5", "+5"),
            ("05", "05"),
            ("1.", "1."),
            ("1.Ki", "1.Ki"),
            ("1000e3", "1e6"),
            ("1e1000", "10e999"),
            ("1.00Ki", "1Ki"),
            ("3.1415926535897932384626", "3141592654n"),
            ("12345678901234567890123", "12345678901234567890123"),
            ("0.5", "500m"),
            ("00.5", "500m"),
            ("1.5", "1500m"),
            ("100m", "100m"),
            ("1000m", "1"),
            ("1500m", "1500m"),
            ("0.1m", "100u"),
            ("1000", "1k"),
            ("1500", "1500"),
            ("10000k", "10M"),
            ("1e3", "1e3"),
            ("1e2", "100"),
            ("1E", "1E"),
            ("1000E", "1"),
            ("1e31", "10e30"),
            ("1e-1", "100e-3"),
            ("1024", "1024"),
            ("1024Ki", "1Mi"),
            ("1025Ki", "1025Ki"),
            ("1.5Gi", "1536Mi"),
            ("0.5Ki", "512"),
            ("8Ki", "8Ki"),
            ("1000Ki", "1000Ki"),
            ("1.1Ki", "1126400m"),
            ("0.0001Ki", "102400u"),
            ("1024Ei", "9223372036854775807"),
            ("-1024Ei", "-9223372036854775807"),
            ("0.0000000001", "1n"),
            ("-0.0000000001", "-1n"),
            ("1e-1000000", "1e-9"),
            (" 1 ", "1"),
        ];
        for (text, canonical) in cases {
            assert_eq!(quantity(text).canonical(), canonical, "{text:?}");
        }
    }

    #[test]
    fn what_is_no_quantity() {
        for text in [
            "",
            "a",
            "1a",
            "1 Gi",
            "1Kii",
            "1gi",
            "1e",
            "--1",
            "1.2.3",
            "1e9999999999",
            "é",
        ] {
            assert!(Quantity::parse(text).is_none(), "{text:?}");
        }
        assert!(Quantity::parse(&"9".repeat(100)).is_none());
    }

    #[test]
    fn numbers_are_compared_whatever_their_form() {
        let ascending = [
            "-1e30", "-1Ki", "-1", "0", "1n", "999m", "1", "1000", "1Ki", "1M", "1Mi", "1e30",
            "1e900",
        ];
        for (at, low) in ascending.iter().enumerate() {
            for high in &ascending[at + 1..] {
                assert!(quantity(low) < quantity(high), "{low} {high}");
                assert!(quantity(high) > quantity(low), "{low} {high}");
            }
        }
        for (a, b) in [("1", "1000m"), ("1Ki", "1024"), ("1k", "1e3")] {
            assert_eq!(quantity(a), quantity(b));
        }
    }

    #[test]
    fn arithmetic() {
        assert_eq!(quantity("1.0001").round_up(-3).canonical(), "1001m");
        assert_eq!(quantity("+5").round_up(-3).canonical(), "+5");
        assert!(quantity("1000m").is_integer() && quantity("1e40").is_integer());
        assert!(!quantity("1m").is_integer());
        assert_eq!(quantity("1.5").value(), 2);
        assert_eq!(quantity("-1.5").value(), -2);
        assert_eq!(quantity("1").milli_value(), 1000);
        assert_eq!(quantity("0.0001").milli_value(), 1);
        assert_eq!(quantity("1e30").value(), i64::MAX);
        assert_eq!(quantity("1Gi").add(&quantity("1Gi")).canonical(), "2Gi");
        assert_eq!(quantity("0").add(&quantity("1Gi")).canonical(), "1Gi");
        assert_eq!(quantity("2").sub(&quantity("500m")).canonical(), "1500m");
        assert_eq!(quantity("1").sub(&quantity("1")).sign(), 0);
        assert_eq!(quantity("1e900").sub(&quantity("1")).canonical(), "1e900");
    }
}

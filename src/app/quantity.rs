//! Quantities, compared as the numbers that they are.

/// A quantity as a number in its shortest decimal form, digits and power of ten, so that `0.1` and
/// `100m`, or `1Gi` and `1024Mi`, come out the same; `None` when the text is no quantity.
///
/// By the grammar of k8s.io/apimachinery/pkg/api/resource. What is finer than a nano unit is rounded
/// up there; it is kept here, and then merely compares as different.
pub(super) fn canonical(text: &str) -> Option<String> {
    let (negative, text) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let end = text
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(text.len());
    let (number, suffix) = text.split_at(end);
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if whole.len() + fraction.len() == 0 || fraction.contains('.') {
        return None;
    }
    let digits: i128 = format!("{whole}{fraction}").parse().ok()?;
    let exponent = -i32::try_from(fraction.len()).ok()?;
    let (mut digits, mut exponent) = match suffix {
        "Ki" => (digits.checked_mul(1 << 10)?, exponent),
        "Mi" => (digits.checked_mul(1 << 20)?, exponent),
        "Gi" => (digits.checked_mul(1 << 30)?, exponent),
        "Ti" => (digits.checked_mul(1 << 40)?, exponent),
        "Pi" => (digits.checked_mul(1 << 50)?, exponent),
        "Ei" => (digits.checked_mul(1 << 60)?, exponent),
        "n" => (digits, exponent - 9),
        "u" => (digits, exponent - 6),
        "m" => (digits, exponent - 3),
        "" => (digits, exponent),
        "k" => (digits, exponent + 3),
        "M" => (digits, exponent + 6),
        "G" => (digits, exponent + 9),
        "T" => (digits, exponent + 12),
        "P" => (digits, exponent + 15),
        "E" => (digits, exponent + 18),
        _ => {
            let power = suffix.strip_prefix(['e', 'E'])?;
            (digits, exponent.checked_add(power.parse().ok()?)?)
        }
    };
    if digits == 0 {
        return Some("0".to_owned());
    }
    while digits % 10 == 0 {
        digits /= 10;
        exponent += 1;
    }
    let sign = if negative { "-" } else { "" };
    Some(format!("{sign}{digits}e{exponent}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_number_is_the_same() {
        for (a, b) in [
            ("0.1", "100m"),
            ("1000m", "1"),
            ("1Gi", "1024Mi"),
            ("1.5Gi", "1536Mi"),
            ("1e3", "1k"),
            ("1E3", "1000"),
            ("1E", "1e18"),
            ("+1", "1.0"),
            (".5", "500m"),
            ("0", "0Mi"),
            ("-0", "0"),
            ("100000u", "0.1"),
            ("5.", "5"),
        ] {
            assert_eq!(canonical(a), canonical(b), "{a} {b}");
            assert!(canonical(a).is_some(), "{a}");
        }
    }

    #[test]
    fn other_numbers_are_not() {
        for (a, b) in [("1M", "1Mi"), ("1", "1m"), ("-1", "1"), ("10", "100")] {
            assert_ne!(canonical(a), canonical(b), "{a} {b}");
        }
    }

    #[test]
    fn what_is_no_quantity_is_none() {
        for text in [
            "", "-", ".", "Mi", "1.2.3", "1 Mi", "1mi", "1e", "1ee3", "ten",
        ] {
            assert_eq!(canonical(text), None, "{text}");
        }
    }
}

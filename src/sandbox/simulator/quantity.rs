//! Kubernetes' quantities, such as `500m`, `1Gi` or `2e3`, as numbers that can be added.

use k8s_openapi::apimachinery::pkg::api::resource::Quantity;

/// Thousandths of the unit: as fine as a request for CPU can be. Parts of them are rounded up, as
/// apimachinery's `resource.Quantity.MilliValue` does.
pub(super) type Milli = i128;

/// Reads a quantity. One that is not well-formed counts as nothing; the server lets none through.
pub(super) fn milli(quantity: &Quantity) -> Milli {
    parse(&quantity.0).unwrap_or(0)
}

/// A count, such as that of pods.
pub(super) fn count(quantity: &Quantity) -> u32 {
    u32::try_from(milli(quantity) / 1000).unwrap_or(0)
}

fn parse(text: &str) -> Option<Milli> {
    let (negative, text) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let split = text.find(|c: char| !c.is_ascii_digit() && c != '.');
    let (number, suffix) = text.split_at(split.unwrap_or(text.len()));
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let digits: i128 = format!("{whole}{fraction}").parse().ok()?;
    // The value is digits * multiplier / 10^scale.
    let mut scale = i32::try_from(fraction.len()).ok()?;
    let mut multiplier: i128 = 1;
    match suffix {
        "" => {}
        "n" => scale += 9,
        "u" => scale += 6,
        "m" => scale += 3,
        "k" => scale -= 3,
        "M" => scale -= 6,
        "G" => scale -= 9,
        "T" => scale -= 12,
        "P" => scale -= 15,
        "E" => scale -= 18,
        "Ki" => multiplier = 1 << 10,
        "Mi" => multiplier = 1 << 20,
        "Gi" => multiplier = 1 << 30,
        "Ti" => multiplier = 1 << 40,
        "Pi" => multiplier = 1 << 50,
        "Ei" => multiplier = 1 << 60,
        exponent => scale -= exponent.strip_prefix(['e', 'E'])?.parse::<i32>().ok()?,
    }
    let power = |exponent: i32| 10i128.checked_pow(exponent.unsigned_abs());
    let scale = scale - 3;
    let value = digits.checked_mul(multiplier)?;
    let value = if scale <= 0 {
        value.checked_mul(power(scale)?)?
    } else {
        let divisor = power(scale)?;
        value / divisor + i128::from(value % divisor != 0)
    };
    Some(if negative { -value } else { value })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_forms_are_read() {
        for (text, value) in [
            ("1", 1_000),
            ("0", 0),
            ("500m", 500),
            ("0.1", 100),
            ("1.5", 1_500),
            (".5", 500),
            ("100n", 1),
            ("1u", 1),
            ("2k", 2_000_000),
            ("1Ki", 1_024_000),
            ("1.5Gi", 1_610_612_736_000),
            ("1e3", 1_000_000),
            ("1E", 1_000_000_000_000_000_000_000),
            ("1E2", 100_000),
            ("25e-3", 25),
            ("-1", -1_000),
        ] {
            assert_eq!(parse(text), Some(value), "{text}");
        }
    }

    #[test]
    fn nonsense_is_nothing() {
        for text in ["", "x", "1X", "1e", "--1", "1e999999999"] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}

//! Counts that are given as a number or as a percentage of another.

use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

/// The value for this total; `None` when the text is no percentage
/// (`intstr.GetScaledValueFromIntOrPercent`).
pub(super) fn scaled(value: &IntOrString, total: i32, round_up: bool) -> Option<i32> {
    match value {
        IntOrString::Int(count) => Some(*count),
        IntOrString::String(text) => {
            let percent: i32 = text.strip_suffix('%')?.parse().ok()?;
            let product = i64::from(percent) * i64::from(total);
            let quotient = match round_up {
                true => (product + 99).div_euclid(100),
                false => product.div_euclid(100),
            };
            i32::try_from(quotient).ok()
        }
    }
}

/// A count as Kubernetes stores it where it leaves zeros out.
pub(super) fn count(count: usize) -> Option<i32> {
    nonzero(number(count))
}

/// The same of a number that is counted already.
pub(super) fn nonzero(count: i32) -> Option<i32> {
    (count != 0).then_some(count)
}

/// A length as the API's integers hold it.
pub(super) fn number(count: usize) -> i32 {
    i32::try_from(count).unwrap_or(i32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentages_are_rounded_as_asked() {
        let text = |text: &str| IntOrString::String(text.to_owned());
        for (value, total, up, wanted) in [
            (IntOrString::Int(3), 10, true, Some(3)),
            (text("25%"), 10, true, Some(3)),
            (text("25%"), 10, false, Some(2)),
            (text("100%"), 7, false, Some(7)),
            (text("0%"), 7, true, Some(0)),
            (text("3"), 7, true, None),
            (text("2000000000%"), i32::MAX, true, None),
        ] {
            assert_eq!(scaled(&value, total, up), wanted, "{value:?} of {total}");
        }
    }
}

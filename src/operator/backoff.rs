//! How long to wait after a failure.

use std::time::Duration;

/// The first wait; doubled with each failure in a row.
const FIRST: Duration = Duration::from_millis(250);
/// No wait is longer, so that what was mended is seen within a minute.
const CAP: Duration = Duration::from_secs(60);

/// The wait after the `failures`-th failure in a row (from 1), before jitter.
pub(super) fn base(failures: u32) -> Duration {
    let doubled = FIRST.saturating_mul(1 << failures.saturating_sub(1).min(16));
    doubled.min(CAP)
}

/// Takes up to a quarter off, so that what failed together does not return together. `random` is
/// any number; only its lower bits count.
pub(super) fn jittered(wait: Duration, random: u32) -> Duration {
    let share = f64::from(random & 0xffff) / f64::from(0x1_0000);
    wait.mul_f64(1.0 - share / 4.0)
}

/// The wait after the `failures`-th failure in a row, with jitter, and no shorter than what the
/// server asks for.
pub(super) fn wait(failures: u32, asked: Option<Duration>) -> Duration {
    // Where there is no randomness, an even spread is lost, nothing else.
    let random = getrandom::u32().unwrap_or_default();
    jittered(base(failures), random).max(asked.unwrap_or_default().min(CAP))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_the_cap() {
        let millis: Vec<u128> = (1..=4).map(|n| base(n).as_millis()).collect();
        assert_eq!(millis, [250, 500, 1000, 2000]);
        assert_eq!(base(9), CAP);
        assert_eq!(base(u32::MAX), CAP);
        assert_eq!(base(0), FIRST);
    }

    #[test]
    fn jitter_only_shortens_and_by_a_quarter_at_most() {
        assert_eq!(jittered(CAP, 0), CAP);
        assert_eq!(jittered(CAP, 0x8000), CAP.mul_f64(0.875));
        for random in [0xffff, u32::MAX, 12345] {
            let wait = jittered(CAP, random);
            assert!(wait <= CAP && wait >= CAP.mul_f64(0.75), "{wait:?}");
        }
    }

    #[test]
    fn a_servers_wish_counts_within_the_cap() {
        assert!(wait(1, Some(Duration::from_secs(5))) >= Duration::from_secs(5));
        assert_eq!(wait(1, Some(Duration::from_secs(3600))), CAP);
    }
}

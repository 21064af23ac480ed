//! Two writers that put each other right, and would for ever at full speed.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use super::queue::Key;

/// So many corrections are made at once: nobody edits one App by hand more often.
const FREE: u32 = 20;
/// Each of them is free again after so long, which is the pace of a quarrel that goes on.
const PACE: Duration = Duration::from_secs(6);

/// Who has been put right lately, and how often. Pure.
#[derive(Debug, Default)]
pub(super) struct Quarrels {
    /// When all corrections will be free again
    by_key: HashMap<Key, Instant>,
}

impl Quarrels {
    /// Notes that somebody else's change was undone; gives how long to leave things as they are
    /// now, if this has happened too often.
    pub(super) fn corrected(&mut self, key: &Key, now: Instant) -> Option<Duration> {
        self.by_key.retain(|_, free| *free > now);
        let free = self.by_key.entry(key.clone()).or_insert(now);
        *free += PACE;
        let taken = free.saturating_duration_since(now);
        taken
            .checked_sub(PACE * FREE)
            .map(|more| more + PACE)
            .filter(|more| !more.is_zero())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quarrel_slows_down_to_its_pace_and_is_forgotten() {
        let (mut quarrels, now, key) = (Quarrels::default(), Instant::now(), Key::new("n", "a"));
        for _ in 1..FREE {
            assert_eq!(quarrels.corrected(&key, now), None);
        }
        let rest = quarrels.corrected(&key, now);
        assert_eq!(rest, Some(PACE));
        let next = now + PACE;
        assert_eq!(quarrels.corrected(&key, next), Some(PACE));
        assert_eq!(quarrels.corrected(&Key::new("n", "b"), next), None);
        assert_eq!(quarrels.corrected(&key, next + PACE * FREE), None);
        assert_eq!(quarrels.by_key.len(), 1);
    }
}

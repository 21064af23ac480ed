//! What a connection has under way, and whether there is any sense in keeping it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use super::patience::Patience;

/// The exchanges of one connection.
#[derive(Clone)]
pub(super) struct Activity(Arc<Mutex<State>>);

struct State {
    /// Of each exchange: since when the client has not taken the part of the answer that it was
    /// last given
    exchanges: HashMap<u64, Option<Instant>>,
    begun: u64,
    quiet_since: Instant,
}

/// A request and its answer; over when it is dropped.
pub(super) struct Exchange {
    of: Activity,
    id: u64,
}

impl Activity {
    pub(super) fn new() -> Self {
        Activity(Arc::new(Mutex::new(State {
            exchanges: HashMap::new(),
            begun: 0,
            quiet_since: Instant::now(),
        })))
    }

    /// A request has come.
    pub(super) fn begin(&self) -> Exchange {
        let mut state = self.state();
        state.begun += 1;
        let id = state.begun;
        state.exchanges.insert(id, None);
        drop(state);
        Exchange {
            of: self.clone(),
            id,
        }
    }

    /// Whether the connection is to end: nobody asks, or nobody takes the answers.
    pub(super) fn is_over(&self, now: Instant, patience: &Patience) -> bool {
        let state = self.state();
        let has_passed = |since: Instant, most| now.saturating_duration_since(since) > most;
        if state.exchanges.is_empty() {
            let most = match state.begun {
                0 => patience.first,
                _ => patience.idle,
            };
            return has_passed(state.quiet_since, most);
        }
        let mut given = state.exchanges.values().flatten();
        given.any(|since| has_passed(*since, patience.stalled))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set(&self, id: u64, given: Option<Instant>) {
        self.state().exchanges.insert(id, given);
    }
}

impl Exchange {
    /// A part of the answer was given on to be sent.
    pub(super) fn given(&self) {
        self.of.set(self.id, Some(Instant::now()));
    }

    /// It was taken: the next part is asked for.
    pub(super) fn taken(&self) {
        self.of.set(self.id, None);
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        let mut state = self.of.state();
        state.exchanges.remove(&self.id);
        state.quiet_since = Instant::now();
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn is_over(activity: &Activity, later: u64) -> bool {
        let now = Instant::now() + Duration::from_secs(later);
        activity.is_over(now, &Patience::default())
    }

    #[test]
    fn a_quiet_connection_ends_sooner_when_it_never_asked() {
        let activity = Activity::new();
        assert!(!is_over(&activity, 30));
        assert!(is_over(&activity, 40));
        drop(activity.begin());
        assert!(!is_over(&activity, 80));
        assert!(is_over(&activity, 91));
    }

    #[test]
    fn an_answer_may_last_but_not_lie_there() {
        let activity = Activity::new();
        let watch = activity.begin();
        assert!(!is_over(&activity, 3600));
        watch.given();
        assert!(!is_over(&activity, 0));
        assert!(is_over(&activity, 3600));
        watch.taken();
        assert!(!is_over(&activity, 3600));
        let other = activity.begin();
        other.given();
        assert!(is_over(&activity, 3600));
        drop(other);
        assert!(!is_over(&activity, 3600));
    }
}

//! Whether this process may write now.
//!
//! The lease opens the gate for a while at a time; whoever writes asks it first, at the last moment
//! before a request leaves.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

/// A write was not sent: the lease is not ours, or may no longer be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not sent: this process does not hold the lease (any more)")]
pub(super) struct Closed;

/// Shared by the one who opens it and those who ask. Cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct Gate {
    state: Arc<Mutex<State>>,
}

#[derive(Clone, Copy, Debug)]
enum State {
    Always,
    Never,
    Until(Term),
}

/// Both clocks: the steady one does not count the time in which a machine sleeps, the other one may
/// be set back.
#[derive(Clone, Copy, Debug)]
struct Term {
    steady: Instant,
    wall: SystemTime,
}

impl Gate {
    /// Never closed: for a process that needs no lease.
    pub(super) fn open() -> Self {
        Gate::with(State::Always)
    }

    /// Closed until somebody opens it.
    pub(super) fn closed() -> Self {
        Gate::with(State::Never)
    }

    fn with(state: State) -> Self {
        Gate {
            state: Arc::new(Mutex::new(state)),
        }
    }

    /// Open for `time` from `start` on, a moment that both clocks saw.
    pub(super) fn open_for(&self, start: Moment, time: Duration) {
        self.set(State::Until(Term {
            steady: start.steady + time,
            wall: start.wall + time,
        }));
    }

    /// Closed at once.
    pub(super) fn close(&self) {
        self.set(State::Never);
    }

    /// Whether a write may leave now.
    ///
    /// Errors: it may not.
    pub(super) fn check(&self) -> Result<(), Closed> {
        self.check_at(Moment::now())
    }

    /// How long the gate stays open if nobody prolongs it; `None`: for ever.
    pub(super) fn time_left(&self) -> Option<Duration> {
        match self.get() {
            State::Always => None,
            State::Never => Some(Duration::ZERO),
            State::Until(term) => Some(term.steady.saturating_duration_since(Instant::now())),
        }
    }

    fn check_at(&self, now: Moment) -> Result<(), Closed> {
        match self.get() {
            State::Always => Ok(()),
            State::Until(term) if now.steady < term.steady && now.wall < term.wall => Ok(()),
            State::Until(_) | State::Never => Err(Closed),
        }
    }

    fn get(&self) -> State {
        *self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set(&self, state: State) {
        *self.state.lock().unwrap_or_else(PoisonError::into_inner) = state;
    }
}

/// A point in time on both clocks.
#[derive(Clone, Copy, Debug)]
pub(super) struct Moment {
    steady: Instant,
    wall: SystemTime,
}

impl Moment {
    pub(super) fn now() -> Self {
        Moment {
            steady: Instant::now(),
            wall: SystemTime::now(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn later(start: Moment, steady: Duration, wall: Duration) -> Moment {
        Moment {
            steady: start.steady + steady,
            wall: start.wall + wall,
        }
    }

    #[test]
    fn a_gate_closes_when_either_clock_says_so() {
        let (gate, start) = (Gate::closed(), Moment::now());
        assert_eq!(gate.check_at(start), Err(Closed));
        gate.open_for(start, 10 * SECOND);
        assert_eq!(gate.check_at(later(start, 9 * SECOND, 9 * SECOND)), Ok(()));
        assert_eq!(
            gate.check_at(later(start, 10 * SECOND, SECOND)),
            Err(Closed)
        );
        // The machine slept: only the wall clock went on.
        assert_eq!(
            gate.check_at(later(start, SECOND, 60 * SECOND)),
            Err(Closed)
        );
    }

    #[test]
    fn whoever_has_a_copy_sees_it_close() {
        let gate = Gate::closed();
        let copy = gate.clone();
        gate.open_for(Moment::now(), 10 * SECOND);
        assert_eq!(copy.check(), Ok(()));
        gate.close();
        assert_eq!(copy.check(), Err(Closed));
        assert_eq!(copy.time_left(), Some(Duration::ZERO));
        assert_eq!(Gate::open().time_left(), None);
    }
}

//! What is to be reconciled, and when.

use std::collections::{BTreeSet, HashMap, HashSet, VecDeque};
use std::hash::Hash;
use std::time::Duration;

use jiff::Timestamp;

/// Tries of one item that follow at once when a write met another's.
const CONFLICTS: u32 = 5;
/// The first pause after a failure, doubled with each further one, as in client-go.
const FIRST_PAUSE: Duration = Duration::from_millis(5);
/// Shorter than the 1,000 s of client-go: nobody waits that long for a sandbox.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// Unique items: due now, or at a time.
#[derive(Debug)]
pub(super) struct Queue<I> {
    ready: VecDeque<I>,
    queued: HashSet<I>,
    timers: BTreeSet<(Timestamp, I)>,
    timer_of: HashMap<I, Timestamp>,
    failures: HashMap<I, u32>,
    /// Not again before
    resting: HashMap<I, Timestamp>,
}

impl<I> Default for Queue<I> {
    fn default() -> Self {
        Queue {
            ready: VecDeque::new(),
            queued: HashSet::new(),
            timers: BTreeSet::new(),
            timer_of: HashMap::new(),
            failures: HashMap::new(),
            resting: HashMap::new(),
        }
    }
}

impl<I: Clone + Eq + Hash + Ord> Queue<I> {
    /// Due as soon as possible.
    pub(super) fn add(&mut self, item: I) {
        if self.queued.insert(item.clone()) {
            self.ready.push_back(item);
        }
    }

    /// Due at that time at the latest.
    pub(super) fn add_at(&mut self, item: I, at: Timestamp) {
        if let Some(before) = self.timer_of.get(&item) {
            if *before <= at {
                return;
            }
            self.timers.remove(&(*before, item.clone()));
        }
        self.timer_of.insert(item.clone(), at);
        self.timers.insert((at, item));
    }

    /// It went wrong: again after a pause that grows.
    pub(super) fn failed(&mut self, item: I, now: Timestamp) {
        let failures = self.failures.entry(item.clone()).or_default();
        let pause = FIRST_PAUSE
            .saturating_mul(1 << (*failures).min(20))
            .min(LONGEST_PAUSE);
        *failures += 1;
        self.add_at(item, later(now, pause));
    }

    /// Another wrote at the same time: again at once, a few times.
    pub(super) fn conflicted(&mut self, item: I, now: Timestamp) {
        let failures = self.failures.entry(item.clone()).or_default();
        if *failures >= CONFLICTS {
            self.failed(item, now);
        } else {
            *failures += 1;
            self.add(item);
        }
    }

    /// It went well.
    pub(super) fn succeeded(&mut self, item: &I) {
        self.failures.remove(item);
    }

    /// It took long: not again before that time, however much changes.
    pub(super) fn rest(&mut self, item: I, until: Timestamp) {
        self.resting.insert(item, until);
    }

    /// The next item that is due. Its timer is gone: who still wants one sets it again.
    pub(super) fn pop(&mut self, now: Timestamp) -> Option<I> {
        while let Some((at, _)) = self.timers.first()
            && *at <= now
            && let Some((_, item)) = self.timers.pop_first()
        {
            self.timer_of.remove(&item);
            self.add(item);
        }
        while let Some(item) = self.ready.pop_front() {
            self.queued.remove(&item);
            match self.resting.get(&item) {
                Some(until) if *until > now => {
                    let until = *until;
                    self.add_at(item, until);
                    continue;
                }
                Some(_) => {
                    self.resting.remove(&item);
                }
                None => {}
            }
            if let Some(at) = self.timer_of.remove(&item) {
                self.timers.remove(&(at, item.clone()));
            }
            return Some(item);
        }
        None
    }

    /// How long until something is due; `None` when nothing is.
    pub(super) fn wait(&self, now: Timestamp) -> Option<Duration> {
        if !self.ready.is_empty() {
            return Some(Duration::ZERO);
        }
        let (at, _) = self.timers.first()?;
        Some(Duration::try_from(at.duration_since(now)).unwrap_or_default())
    }
}

/// That much later; the latest time there is when it would be after it.
pub(super) fn later(time: Timestamp, by: Duration) -> Timestamp {
    time.checked_add(by).unwrap_or(Timestamp::MAX)
}

/// The earlier of two times at which to look again.
pub(super) fn earlier(one: Option<Timestamp>, other: Option<Timestamp>) -> Option<Timestamp> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(seconds).unwrap()
    }

    #[test]
    fn an_item_is_there_once() {
        let mut queue = Queue::default();
        queue.add("a");
        queue.add("b");
        queue.add("a");
        assert_eq!(queue.pop(at(0)), Some("a"));
        queue.add("a");
        assert_eq!(queue.pop(at(0)), Some("b"));
        assert_eq!(queue.pop(at(0)), Some("a"));
        assert_eq!(queue.pop(at(0)), None);
        assert_eq!(queue.wait(at(0)), None);
    }

    #[test]
    fn the_earlier_timer_wins_and_goes_with_the_item() {
        let mut queue = Queue::default();
        queue.add_at("a", at(9));
        queue.add_at("a", at(5));
        queue.add_at("a", at(7));
        assert_eq!(queue.wait(at(1)), Some(Duration::from_secs(4)));
        assert_eq!(queue.pop(at(4)), None);
        queue.add("a");
        assert_eq!(queue.pop(at(4)), Some("a"));
        assert_eq!(queue.pop(at(9)), None);
    }

    #[test]
    fn failures_pause_longer_each_time_and_are_forgotten() {
        let mut queue = Queue::default();
        for wanted in [5, 10, 20] {
            queue.failed("a", at(0));
            assert_eq!(queue.wait(at(0)), Some(Duration::from_millis(wanted)));
            assert_eq!(queue.pop(at(1)), Some("a"));
        }
        for _ in 0..40 {
            queue.failed("a", at(0));
            queue.pop(at(60));
        }
        queue.failed("a", at(0));
        assert_eq!(queue.wait(at(0)), Some(LONGEST_PAUSE));
        queue.pop(at(60));
        queue.succeeded(&"a");
        queue.failed("a", at(0));
        assert_eq!(queue.wait(at(0)), Some(FIRST_PAUSE));
    }

    #[test]
    fn conflicts_do_not_spin() {
        let mut queue = Queue::default();
        let mut at_once = 0;
        loop {
            queue.conflicted("a", at(0));
            if queue.pop(at(0)).is_none() {
                break;
            }
            at_once += 1;
        }
        assert_eq!(at_once, CONFLICTS);
    }

    #[test]
    fn what_rests_waits() {
        let mut queue = Queue::default();
        queue.rest("a", at(3));
        queue.add("a");
        queue.add("b");
        assert_eq!(queue.pop(at(1)), Some("b"));
        assert_eq!(queue.pop(at(1)), None);
        assert_eq!(queue.wait(at(1)), Some(Duration::from_secs(2)));
        assert_eq!(queue.pop(at(3)), Some("a"));
        assert!(queue.resting.is_empty());
    }
}

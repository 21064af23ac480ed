//! What is to be done next: each key at most once at a time, in turn, failures later.
//!
//! The rules are those of client-go's workqueue: a key that is added while it is worked on waits
//! until that is over; a key that waits is not added twice.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::backoff;

/// An App's namespace and name.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key {
    /// The namespace
    pub namespace: Arc<str>,
    /// The name
    pub name: Arc<str>,
}

impl Key {
    /// Of a namespace and a name.
    pub fn new(namespace: &str, name: &str) -> Self {
        Key {
            namespace: namespace.into(),
            name: name.into(),
        }
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.namespace, self.name)
    }
}

/// How the work on a key ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ended {
    /// Done; earlier failures are forgotten
    Well,
    /// Somebody else was faster: to be tried again at once, a few times; then as a failure
    Again,
    /// Failed: to be tried again after a while, no sooner than the server asks
    Failed(Option<Duration>),
    /// Failed, and only a change can help
    Refused,
    /// Done, but not to be looked at again for a while unless the wish changes
    Rest(Duration),
    /// Its namespace is going: there is nothing to do
    Leaving,
    /// Nothing may be written any more
    Closed,
}

/// One in so many is taken from those who only wait for words, while others wait for deeds.
const WORDS: u32 = 8;
/// How often in a row a key is tried again at once.
const AT_ONCE: u32 = 5;

/// Why a key is added.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cause {
    /// What is wished has changed: do not wait for the end of a backoff
    Wish,
    /// Something else was seen: a backoff goes on
    News,
}

/// A key that was taken, and how long it had waited.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Taken {
    pub(super) key: Key,
    pub(super) waited: Duration,
    /// How often in a row it has failed
    pub(super) failures: u32,
}

#[derive(Debug, Default)]
struct Item {
    /// In one of the lines since then
    queued: Option<Instant>,
    /// And that is the one of those who can wait
    patient: bool,
    /// To be added then
    due: Option<Instant>,
    /// And not before, whatever is seen
    holds: bool,
    running: bool,
    /// Added while it ran
    dirty: Option<Cause>,
    failures: u32,
}

/// The line. Pure: time is passed in.
#[derive(Debug, Default)]
pub(super) struct Queue {
    line: VecDeque<Key>,
    /// Those who can wait; some may have gone over to the line since
    patient: VecDeque<Key>,
    /// How many of the line were taken in a row
    in_a_row: u32,
    later: BTreeSet<(Instant, Key)>,
    items: HashMap<Key, Item>,
}

impl Queue {
    /// Puts a key at the end of the line. Gives whether that is news: it was not in the line.
    pub(super) fn add(&mut self, key: &Key, cause: Cause, now: Instant) -> bool {
        let item = self.items.entry(key.clone()).or_default();
        if item.running {
            let is_news = item.dirty.is_none();
            if item.dirty != Some(Cause::Wish) {
                item.dirty = Some(cause);
            }
            return is_news;
        }
        if item.queued.is_some() {
            if std::mem::take(&mut item.patient) {
                self.line.push_back(key.clone());
            }
            return false;
        }
        if let Some(due) = item.due {
            if cause == Cause::News && item.holds {
                return false;
            }
            item.due = None;
            self.later.remove(&(due, key.clone()));
        }
        item.queued = Some(now);
        self.line.push_back(key.clone());
        true
    }

    /// Puts a key that neither waits nor runs behind all others. Gives whether it is there now.
    pub(super) fn add_patient(&mut self, key: &Key, now: Instant) -> bool {
        let item = self.items.entry(key.clone()).or_default();
        if item.running || item.queued.is_some() || item.due.is_some() {
            return false;
        }
        item.queued = Some(now);
        item.patient = true;
        self.patient.push_back(key.clone());
        true
    }

    /// Takes the first key whose turn it is; it counts as running until [`Queue::done`].
    pub(super) fn take(&mut self, now: Instant) -> Option<Taken> {
        self.promote(now);
        let key = self.next()?;
        let item = self.items.get_mut(&key)?;
        item.running = true;
        item.patient = false;
        let queued = item.queued.take().unwrap_or(now);
        Some(Taken {
            waited: now.saturating_duration_since(queued),
            failures: item.failures,
            key,
        })
    }

    fn next(&mut self) -> Option<Key> {
        if !self.line.is_empty() && self.in_a_row < WORDS - 1 {
            self.in_a_row += 1;
            return self.line.pop_front();
        }
        self.in_a_row = 0;
        while let Some(key) = self.patient.pop_front() {
            if self.items.get(&key).is_some_and(|item| item.patient) {
                return Some(key);
            }
        }
        self.line.pop_front()
    }

    /// The work on a key has ended. Gives the number of its failures in a row.
    pub(super) fn done(&mut self, key: &Key, ended: Ended, now: Instant) -> u32 {
        let Some(item) = self.items.get_mut(key) else {
            return 0;
        };
        item.running = false;
        let dirty = item.dirty.take();
        item.failures = match ended {
            Ended::Again | Ended::Failed(_) => item.failures.saturating_add(1),
            _ => 0,
        };
        let failures = item.failures;
        match (ended, dirty) {
            (Ended::Again, _) if failures <= AT_ONCE => {
                self.add(key, Cause::Wish, now);
            }
            (Ended::Failed(_) | Ended::Again, dirty) if dirty != Some(Cause::Wish) => {
                let asked = if let Ended::Failed(asked) = ended {
                    asked
                } else {
                    None
                };
                self.add_later(key, now + backoff::wait(failures, asked), true);
            }
            (Ended::Rest(time), dirty) if dirty != Some(Cause::Wish) => {
                self.add_later(key, now + time, true);
            }
            (_, Some(cause)) => {
                self.add(key, cause, now);
            }
            (_, None) => {
                self.items.remove(key);
            }
        }
        failures
    }

    /// Adds a key that neither waits nor runs, later; what is due sooner stays so. `holds`: only a
    /// changed wish shortens that, not other news.
    pub(super) fn add_later(&mut self, key: &Key, due: Instant, holds: bool) {
        let item = self.items.entry(key.clone()).or_default();
        if item.queued.is_some() || item.due.is_some_and(|sooner| sooner <= due) {
            return;
        }
        if let Some(old) = item.due.replace(due) {
            self.later.remove(&(old, key.clone()));
        }
        item.holds = holds;
        self.later.insert((due, key.clone()));
    }

    /// When the next key that waits for its time is due.
    pub(super) fn next_due(&self) -> Option<Instant> {
        self.later.first().map(|(due, _)| *due)
    }

    /// How many keys are in the lines.
    pub(super) fn depth(&self) -> usize {
        self.line.len() + self.patient.len()
    }

    /// Whether somebody waits who cannot wait well.
    pub(super) fn is_pressed(&self) -> bool {
        !self.line.is_empty()
    }

    /// Whether nothing is in the line or runs. What has been tried may wait for its time.
    pub(super) fn is_idle(&self) -> bool {
        self.items.len() == self.later.len()
    }

    fn promote(&mut self, now: Instant) {
        while self.later.first().is_some_and(|(due, _)| *due <= now) {
            let Some((due, key)) = self.later.pop_first() else {
                break;
            };
            if let Some(item) = self.items.get_mut(&key) {
                item.due = None;
                item.queued = Some(due);
                self.line.push_back(key);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn key(name: &str) -> Key {
        Key::new("ns", name)
    }

    fn taken(queue: &mut Queue, now: Instant) -> Option<String> {
        queue.take(now).map(|taken| taken.key.name.to_string())
    }

    #[test]
    fn a_key_is_in_the_line_once_and_in_turn() {
        let (mut queue, now) = (Queue::default(), Instant::now());
        assert!(queue.add(&key("a"), Cause::News, now));
        assert!(queue.add(&key("b"), Cause::News, now));
        assert!(!queue.add(&key("a"), Cause::Wish, now));
        assert_eq!(queue.depth(), 2);
        assert_eq!(taken(&mut queue, now).unwrap(), "a");
        assert_eq!(taken(&mut queue, now).unwrap(), "b");
        assert_eq!(taken(&mut queue, now), None);
    }

    #[test]
    fn what_changes_under_work_is_done_again_and_never_twice_at_once() {
        let (mut queue, now) = (Queue::default(), Instant::now());
        queue.add(&key("a"), Cause::News, now);
        queue.take(now);
        assert!(queue.add(&key("a"), Cause::News, now));
        assert!(!queue.add(&key("a"), Cause::News, now));
        assert_eq!(taken(&mut queue, now), None);
        queue.done(&key("a"), Ended::Well, now);
        assert_eq!(taken(&mut queue, now).unwrap(), "a");
        queue.done(&key("a"), Ended::Well, now);
        assert!(queue.is_idle());
    }

    #[test]
    fn a_failure_rests_and_only_a_new_wish_ends_the_rest() {
        let (mut queue, now) = (Queue::default(), Instant::now());
        queue.add(&key("a"), Cause::News, now);
        queue.take(now);
        assert!(!queue.is_idle());
        assert_eq!(queue.done(&key("a"), Ended::Failed(None), now), 1);
        assert!(queue.is_idle(), "one that fails does not keep all busy");
        assert!(!queue.add(&key("a"), Cause::News, now));
        assert_eq!(taken(&mut queue, now), None);
        let due = queue.next_due().unwrap();
        assert!(due > now && due <= now + SECOND);
        assert!(queue.add(&key("a"), Cause::Wish, now));
        assert_eq!(queue.next_due(), None);
        assert_eq!(taken(&mut queue, now).unwrap(), "a");
        assert_eq!(queue.done(&key("a"), Ended::Failed(None), now), 2);
        let later = now + SECOND;
        let back = queue.take(later).unwrap();
        assert_eq!(back.key, key("a"));
        assert!(back.waited < SECOND);
        assert_eq!(queue.done(&key("a"), Ended::Well, later), 0);
        assert!(queue.is_idle());
    }

    #[test]
    fn news_during_a_failing_try_do_not_shorten_its_rest_but_a_wish_does() {
        let (mut queue, now) = (Queue::default(), Instant::now());
        queue.add(&key("a"), Cause::News, now);
        queue.take(now);
        queue.add(&key("a"), Cause::News, now);
        queue.done(&key("a"), Ended::Failed(None), now);
        assert_eq!(queue.depth(), 0);
        let later = now + SECOND;
        queue.take(later);
        queue.add(&key("a"), Cause::Wish, later);
        queue.add(&key("a"), Cause::News, later);
        queue.done(&key("a"), Ended::Failed(None), later);
        assert_eq!(queue.depth(), 1);
    }

    #[test]
    fn the_slower_of_two_writers_tries_again_at_once_but_not_for_ever() {
        let (mut queue, now) = (Queue::default(), Instant::now());
        queue.add(&key("a"), Cause::News, now);
        for _ in 0..AT_ONCE {
            queue.take(now).unwrap();
            queue.done(&key("a"), Ended::Again, now);
            assert_eq!(queue.depth(), 1);
        }
        queue.take(now).unwrap();
        queue.done(&key("a"), Ended::Again, now);
        assert_eq!(queue.depth(), 0);
        assert!(queue.next_due().unwrap() > now);
    }

    #[test]
    fn a_refusal_waits_for_a_change() {
        let (mut queue, now) = (Queue::default(), Instant::now());
        queue.add(&key("a"), Cause::News, now);
        queue.take(now);
        queue.done(&key("a"), Ended::Refused, now);
        assert!(queue.is_idle());
        assert!(queue.add(&key("a"), Cause::News, now));
    }

    #[test]
    fn a_rest_holds_against_news_and_a_second_look_does_not() {
        let (mut queue, now) = (Queue::default(), Instant::now());
        queue.add(&key("a"), Cause::News, now);
        queue.take(now);
        queue.add(&key("a"), Cause::News, now);
        queue.done(&key("a"), Ended::Rest(SECOND), now);
        assert!(!queue.add(&key("a"), Cause::News, now));
        queue.add_later(&key("b"), now + SECOND, false);
        assert!(queue.add(&key("b"), Cause::News, now));
        assert_eq!(taken(&mut queue, now).unwrap(), "b");
        assert_eq!(taken(&mut queue, now + SECOND).unwrap(), "a");
    }

    #[test]
    fn who_can_wait_does_so_but_not_for_ever() {
        let (mut queue, now) = (Queue::default(), Instant::now());
        assert!(queue.add_patient(&key("patient"), now));
        assert!(queue.add_patient(&key("hurried"), now));
        assert!(!queue.add_patient(&key("patient"), now));
        for n in 0..2 * WORDS {
            queue.add(&key(&n.to_string()), Cause::News, now);
        }
        assert!(!queue.add(&key("hurried"), Cause::News, now));
        let order: Vec<String> = std::iter::from_fn(|| taken(&mut queue, now)).collect();
        assert_eq!(order.len() as u32, 2 * WORDS + 2, "each once: {order:?}");
        let place = |name: &str| order.iter().position(|n| n == name).unwrap() as u32;
        assert_eq!(place("patient"), WORDS - 1);
        assert_eq!(place("hurried"), 2 * WORDS + 1, "behind those before it");
        assert_eq!(queue.depth(), 0);
    }

    #[test]
    fn the_sooner_time_counts() {
        let (mut queue, now) = (Queue::default(), Instant::now());
        queue.add_later(&key("a"), now + 9 * SECOND, false);
        queue.add_later(&key("a"), now + 3 * SECOND, false);
        queue.add_later(&key("a"), now + 5 * SECOND, false);
        assert_eq!(queue.next_due(), Some(now + 3 * SECOND));
        assert_eq!(taken(&mut queue, now + 3 * SECOND).unwrap(), "a");
        assert_eq!(queue.next_due(), None);
    }
}

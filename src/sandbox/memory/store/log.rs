//! What has happened on a shelf lately.

use std::collections::VecDeque;
use std::sync::Arc;

use super::TooOld;
use super::draft::Stored;

/// Enough for a client that was away for a moment, however busy the shelf is; the real server's
/// watch cache keeps between 100 and 102,400.
const MOST: usize = 10_000;
/// What is held only by the log, in bytes of JSON: bounds its memory when objects are large.
const MOST_BYTES: usize = 16 << 20;

/// Something that happened to an object.
#[derive(Debug)]
pub struct Event {
    /// What became of it
    pub what: What,
    /// The object afterwards; of one that was deleted, how it was at the end, in the version of
    /// its deletion.
    pub object: Arc<Stored>,
    /// The object before, unless it is new
    pub previous: Option<Arc<Stored>>,
}

/// See [`Event`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// It is new
    Added,
    /// It is another
    Modified,
    /// It is gone
    Deleted,
}

impl Event {
    /// That an object is there.
    pub fn added(object: Arc<Stored>) -> Self {
        Event {
            what: What::Added,
            object,
            previous: None,
        }
    }

    /// The resourceVersion of the change.
    pub fn version(&self) -> u64 {
        self.object.version
    }

    /// What the log alone may hold: all but an object that is new.
    fn weight(&self) -> usize {
        let last = match self.what {
            What::Deleted => self.object.json().len(),
            What::Added | What::Modified => 0,
        };
        last + self.previous.as_ref().map_or(0, |p| p.json().len())
    }
}

#[derive(Debug)]
pub(super) struct Log {
    limits: Limits,
    events: VecDeque<Arc<Event>>,
    weight: usize,
    /// All that happened after this version is in `events`.
    complete_after: u64,
}

/// How much a log remembers.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    pub(super) events: usize,
    /// Bytes of JSON that only the log still has
    pub(super) bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            events: MOST,
            bytes: MOST_BYTES,
        }
    }
}

impl Log {
    /// Of a shelf on which something may have happened up to a version, but nothing after it.
    pub(super) fn new(limits: Limits, version: u64) -> Self {
        Log {
            limits,
            events: VecDeque::new(),
            weight: 0,
            complete_after: version,
        }
    }

    pub(super) fn record(&mut self, event: Arc<Event>) {
        self.weight += event.weight();
        self.events.push_back(event);
        while self.events.len() > self.limits.events || self.weight > self.limits.bytes {
            let Some(oldest) = self.events.pop_front() else {
                return;
            };
            self.weight -= oldest.weight();
            self.complete_after = oldest.version();
        }
    }

    pub(super) fn since(
        &self,
        version: u64,
    ) -> Result<impl DoubleEndedIterator<Item = &Arc<Event>>, TooOld> {
        if version < self.complete_after {
            return Err(TooOld(self.complete_after));
        }
        let from = self
            .events
            .partition_point(|event| event.version() <= version);
        Ok(self.events.range(from..))
    }

    pub(super) fn forget_before(&mut self, version: u64) {
        self.complete_after = self.complete_after.max(version);
        self.events.retain(|event| event.version() > version);
        self.weight = self.events.iter().map(|event| event.weight()).sum();
    }
}

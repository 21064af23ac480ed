//! Watches: what happens to the objects of a resource, as it happens.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use bytes::{BufMut, Bytes, BytesMut};
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

use super::list::Selection;
use super::render::Renderer;
use crate::sandbox::memory::api::Api;
use crate::sandbox::memory::status::Status;
use crate::sandbox::memory::store::{Event, Stored, TooOld, What};

/// How often a watch that asks for it is told that nothing happened.
const BOOKMARKS: Duration = Duration::from_secs(60);
/// How long before its end a watch gets its last bookmark, so that the next one can begin there.
const BEFORE_THE_END: Duration = Duration::from_secs(2);

/// A watch that has begun.
pub struct Watch {
    api: Arc<Api>,
    selection: Selection,
    renderer: Renderer,
    /// Everything up to this version was sent
    at: u64,
    changes: watch::Receiver<u64>,
    ready: VecDeque<Bytes>,
    bookmarks: bool,
    next_bookmark: Instant,
    ends: Instant,
    has_failed: bool,
}

/// How a watch is to be.
pub struct Plan {
    /// What is watched
    pub selection: Selection,
    /// In which form
    pub renderer: Renderer,
    /// From where on
    pub from: From,
    /// Whether the client understands bookmarks
    pub bookmarks: bool,
    /// How long it lasts
    pub lasts: Duration,
}

/// Where a watch begins.
pub enum From {
    /// With what happened after this version
    Version(u64),
    /// With all that there is; `end` says when that is over
    Everything {
        /// The state
        version: u64,
        /// The objects
        objects: Vec<Arc<Stored>>,
        /// Whether a bookmark follows
        end: bool,
    },
}

impl Watch {
    /// Begins a watch.
    pub fn new(api: Arc<Api>, plan: Plan) -> Self {
        let now = Instant::now();
        let ends = now + plan.lasts;
        let changes = api.store.changes(plan.selection.served.shelf);
        let mut watch = Watch {
            api,
            selection: plan.selection,
            renderer: plan.renderer,
            at: 0,
            changes,
            ready: VecDeque::new(),
            bookmarks: plan.bookmarks,
            next_bookmark: next_bookmark(now, ends),
            ends,
            has_failed: false,
        };
        match plan.from {
            From::Version(version) => watch.at = version,
            From::Everything {
                version,
                objects,
                end,
            } => {
                watch.at = version;
                for object in &objects {
                    watch.push(What::Added, object);
                }
                if end && watch.bookmarks {
                    let bookmark = watch.renderer.bookmark(version, true);
                    watch.ready.push_back(bookmark);
                }
            }
        }
        watch
    }

    /// The next piece of the answer; `None` at the end.
    pub async fn next(&mut self) -> Option<Bytes> {
        loop {
            if let Some(ready) = self.gather() {
                return Some(ready);
            }
            if self.has_failed {
                return None;
            }
            // Before reading: what happens in between is not missed.
            self.changes.mark_unchanged();
            self.read();
            if !self.ready.is_empty() {
                continue;
            }
            tokio::select! {
                biased;
                () = sleep_until(self.ends) => return None,
                changed = self.changes.changed() => changed.ok()?,
                () = sleep_until(self.next_bookmark), if self.bookmarks => {
                    let now = Instant::now();
                    self.next_bookmark = next_bookmark(now, self.ends);
                    let bookmark = self.renderer.bookmark(self.at, false);
                    self.ready.push_back(bookmark);
                }
            }
        }
    }

    /// What is ready, as one piece: a chunk for each event would cost more than the events.
    fn gather(&mut self) -> Option<Bytes> {
        /// Enough to fill several packets; a reader that is slow holds back no more than that.
        const ENOUGH: usize = 64 << 10;
        let first = self.ready.pop_front()?;
        let Some(second) = self.ready.pop_front() else {
            return Some(first);
        };
        let mut piece = BytesMut::with_capacity(ENOUGH);
        piece.put(first);
        piece.put(second);
        while piece.len() < ENOUGH
            && let Some(next) = self.ready.pop_front()
        {
            piece.put(next);
        }
        Some(piece.freeze())
    }

    fn read(&mut self) {
        let shelf = self.selection.served.shelf;
        match self.api.store.since(shelf, self.at) {
            Ok((events, version)) => {
                self.at = version;
                for event in &events {
                    self.event(event);
                }
            }
            Err(TooOld(begins)) => {
                let message = format!("too old resource version: {} ({begins})", self.at);
                self.fail(&Status::expired(message));
            }
        }
    }

    fn fail(&mut self, status: &Status) {
        self.has_failed = true;
        let failure = self.renderer.failure(status);
        self.ready.push_back(failure);
    }

    /// As apiserver's cacher: who leaves the selection is deleted, who enters is added.
    fn event(&mut self, event: &Event) {
        let selects = |object: &Stored| self.selection.selects(object);
        let before = event.previous.as_deref().is_some_and(selects);
        let after = event.what != What::Deleted && selects(&event.object);
        match (before, after, &event.previous) {
            (false, true, _) => self.push(What::Added, &event.object),
            (true, true, _) => self.push(What::Modified, &event.object),
            (true, false, _) if event.what == What::Deleted => {
                self.push(What::Deleted, &event.object);
            }
            (true, false, Some(previous)) => {
                let version = event.version();
                let last = self.renderer.event_at(What::Deleted, previous, version);
                self.ready.push_back(last);
            }
            _ => {}
        }
    }

    fn push(&mut self, what: What, object: &Stored) {
        let event = self.renderer.event(what, object);
        self.ready.push_back(event);
    }
}

fn next_bookmark(now: Instant, ends: Instant) -> Instant {
    let last = ends.checked_sub(BEFORE_THE_END).unwrap_or(ends);
    let next = now + BOOKMARKS;
    if now < last { next.min(last) } else { next }
}

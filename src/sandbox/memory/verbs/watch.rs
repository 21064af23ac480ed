//! Watches: what happens to the objects of a resource, as it happens.
//!
//! A watch makes its answer as it is read. One that is read slowly holds a piece of it, a few events
//! and its place in the log, however much happens meanwhile; when the log has moved on, it is told so.

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

/// How long a watch rests after it was told something: what happens meanwhile follows together, since
/// sending costs far more than an event that is sent along. What happens after a while goes at once.
const REST: Duration = Duration::from_millis(2);
/// How often a watch that asks for it is told that nothing happened.
const BOOKMARKS: Duration = Duration::from_secs(60);
/// How long before its end a watch gets its last bookmark, so that the next one can begin there.
const BEFORE_THE_END: Duration = Duration::from_secs(2);

/// As much of the answer as is made before it is read: enough to fill several packets.
const ENOUGH: usize = 64 << 10;
/// How many events are taken from the log at a time.
const AT_ONCE: usize = 256;

/// A watch that has begun.
pub struct Watch {
    api: Arc<Api>,
    selection: Selection,
    renderer: Renderer,
    /// What there was when it began, and is still to be told
    initial: std::vec::IntoIter<Arc<Stored>>,
    /// Whether a bookmark says that all that there was is told
    ends_initial: bool,
    /// What has happened since, and is still to be told
    events: VecDeque<Arc<Event>>,
    /// Everything up to this version was told, or is about to be
    at: u64,
    changes: watch::Receiver<u64>,
    /// Of what is custom: told when it is served otherwise
    redefined: Option<watch::Receiver<u64>>,
    ready: BytesMut,
    rests_until: Instant,
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
        let served = &plan.selection.served;
        let changes = api.store.changes(served.shelf);
        let redefined = served.is_custom().then(|| api.registry.redefined());
        let mut watch = Watch {
            api,
            selection: plan.selection,
            renderer: plan.renderer,
            initial: Vec::new().into_iter(),
            ends_initial: false,
            events: VecDeque::new(),
            at: 0,
            changes,
            redefined,
            ready: BytesMut::new(),
            rests_until: now,
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
                watch.initial = objects.into_iter();
                watch.ends_initial = end && watch.bookmarks;
            }
        }
        watch
    }

    /// The next piece of the answer; `None` at the end.
    pub async fn next(&mut self) -> Option<Bytes> {
        loop {
            self.gather();
            if !self.ready.is_empty() {
                // Who is behind has waited long enough.
                if self.ready.len() < ENOUGH {
                    self.rests_until = Instant::now() + REST;
                }
                return Some(self.ready.split().freeze());
            }
            if self.has_failed {
                return None;
            }
            if *self.changes.borrow() > self.at {
                sleep_until(self.rests_until.min(self.ends)).await;
            }
            // Before reading: what happens in between is not missed.
            self.changes.mark_unchanged();
            if let Some(redefined) = &mut self.redefined {
                redefined.mark_unchanged();
            }
            self.read();
            // After reading: who writes otherwise has said so before.
            if !self.has_failed
                && let Some(last) = self.last()
            {
                self.events.retain(|event| event.version() <= last);
                if self.events.is_empty() {
                    return None;
                }
            }
            if self.has_failed || !self.events.is_empty() {
                continue;
            }
            tokio::select! {
                biased;
                () = sleep_until(self.ends) => return None,
                changed = self.changes.changed() => changed.ok()?,
                () = changed(&mut self.redefined) => {}
                () = sleep_until(self.next_bookmark), if self.bookmarks => {
                    let now = Instant::now();
                    self.next_bookmark = next_bookmark(now, self.ends);
                    let bookmark = self.renderer.bookmark(self.at, false);
                    self.ready.put(bookmark);
                }
            }
        }
    }

    /// The last version that can be told of, when the resource is served otherwise by now, or not at
    /// all: then a client is to begin anew (`updateCustomResourceDefinition` in apiextensions'
    /// customresource_handler.go).
    fn last(&self) -> Option<u64> {
        self.redefined.as_ref()?;
        let own = &self.selection.served;
        let resource = &own.resource;
        let registry = &self.api.registry;
        match registry.find(&resource.group, &resource.version, &resource.plural) {
            None => Some(u64::MAX),
            Some(now) if Arc::ptr_eq(&now, own) => None,
            Some(now) => Some(now.since),
        }
    }

    /// Makes one piece of what is to be told: a chunk for each event would cost more than the events.
    fn gather(&mut self) {
        while self.ready.len() < ENOUGH {
            if let Some(object) = self.initial.next() {
                self.push(What::Added, &object);
            } else if self.ends_initial {
                self.ends_initial = false;
                let bookmark = self.renderer.bookmark(self.at, true);
                self.ready.put(bookmark);
            } else if let Some(event) = self.events.pop_front() {
                self.event(&event);
            } else {
                return;
            }
        }
    }

    fn read(&mut self) {
        let shelf = self.selection.served.shelf;
        match self.api.store.since(shelf, self.at, AT_ONCE) {
            Ok((events, version)) => {
                self.at = version;
                self.events.extend(events);
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
        self.ready.put(failure);
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
                self.ready.put(last);
            }
            _ => {}
        }
    }

    fn push(&mut self, what: What, object: &Stored) {
        let event = self.renderer.event(what, object);
        self.ready.put(event);
    }
}

async fn changed(receiver: &mut Option<watch::Receiver<u64>>) {
    // The sender is the server's, and lasts.
    if let Some(receiver) = receiver
        && receiver.changed().await.is_ok()
    {
        return;
    }
    std::future::pending().await
}

fn next_bookmark(now: Instant, ends: Instant) -> Instant {
    let last = ends.checked_sub(BEFORE_THE_END).unwrap_or(ends);
    let next = now + BOOKMARKS;
    if now < last { next.min(last) } else { next }
}

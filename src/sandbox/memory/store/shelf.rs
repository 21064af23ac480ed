//! The objects of one resource and their log.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::sync::watch;

use super::TooOld;
use super::draft::Stored;
use super::log::{Event, Limits, Log};

#[derive(Debug)]
pub(super) struct Shelf {
    objects: BTreeMap<Arc<str>, Arc<Stored>>,
    log: Log,
    latest: watch::Sender<u64>,
}

impl Shelf {
    /// An empty one; what was on it up to a version, if anything, is forgotten.
    pub(super) fn new(limits: Limits, version: u64) -> Self {
        Shelf {
            objects: BTreeMap::new(),
            log: Log::new(limits, version),
            latest: watch::Sender::new(0),
        }
    }

    pub(super) fn get(&self, key: &str) -> Option<&Arc<Stored>> {
        self.objects.get(key)
    }

    pub(super) fn len(&self) -> usize {
        self.objects.len()
    }

    pub(super) fn all(&self) -> impl Iterator<Item = &Arc<Stored>> {
        self.objects.values()
    }

    /// From that key on, in the order of keys, which is that of etcd.
    pub(super) fn from(&self, key: &str) -> impl Iterator<Item = (&Arc<str>, &Arc<Stored>)> {
        use std::ops::Bound::{Included, Unbounded};
        self.objects.range::<str, _>((Included(key), Unbounded))
    }

    pub(super) fn take(&mut self, key: &str) -> Option<Arc<Stored>> {
        self.objects.remove(key)
    }

    pub(super) fn insert(&mut self, object: Arc<Stored>) {
        self.objects.insert(Arc::clone(&object.key), object);
    }

    pub(super) fn record(&mut self, event: Arc<Event>) {
        self.latest.send_replace(event.version());
        self.log.record(event);
    }

    pub(super) fn since(
        &self,
        version: u64,
    ) -> Result<impl DoubleEndedIterator<Item = &Arc<Event>>, TooOld> {
        self.log.since(version)
    }

    pub(super) fn forget_before(&mut self, version: u64) {
        self.log.forget_before(version);
    }

    pub(super) fn subscribe(&self) -> watch::Receiver<u64> {
        self.latest.subscribe()
    }
}

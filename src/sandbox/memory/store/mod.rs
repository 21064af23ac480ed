//! Where objects are, in memory: each in one stored version, as the JSON that is answered.
//!
//! One lock covers "bump the version, store, write the log". Watchers read the log from where they
//! are, so that a slow one holds nothing back and nothing grows for its sake: when the log has lost
//! what it did not read yet, it is told so. Knows no HTTP.

mod draft;
mod log;
mod page;
#[cfg(test)]
mod races;
mod shelf;
#[cfg(test)]
mod tests;

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use tokio::sync::{mpsc, watch};

pub use draft::{Draft, Facts, Stored};
pub use log::{Event, What};
pub use page::{Page, Query};

use log::Limits;
use shelf::Shelf;

/// Where the objects of one resource are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ShelfId(u32);

/// The objects, and what has happened to them lately.
#[derive(Debug)]
pub struct Store {
    state: RwLock<State>,
}

#[derive(Debug)]
struct State {
    version: u64,
    shelves: Vec<Shelf>,
    ids: HashMap<(String, String), ShelfId>,
    uids: HashMap<Arc<str>, Place>,
    owned: HashMap<Arc<str>, BTreeSet<Place>>,
    followers: Vec<mpsc::UnboundedSender<(ShelfId, Arc<Event>)>>,
    /// What happened up to this version is known of no shelf
    forgotten: u64,
    /// Of the log of each shelf
    limits: Limits,
}

/// Where an object is.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Place {
    /// Among which objects
    pub shelf: ShelfId,
    /// Its key there: `namespace/name`, or the name of an object that lives in none.
    pub key: Arc<str>,
}

/// What must be so for a write to happen.
#[derive(Clone, Copy, Debug)]
pub enum Expect {
    /// Nothing has the key.
    Absent,
    /// The object is still in this version.
    Version(u64),
}

/// The write did not happen: what it expected is not so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Raced;

/// The log does not reach back that far; it begins after this version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooOld(pub u64);

/// What is stored, while nothing can change.
#[derive(Clone, Copy)]
pub struct Look<'a>(&'a State);

impl Default for Store {
    fn default() -> Self {
        Store::keeping(Limits::default())
    }
}

impl Store {
    fn keeping(limits: Limits) -> Self {
        Store {
            state: RwLock::new(State {
                // 0 means "any version" to clients, so no write may have it.
                version: 1,
                shelves: Vec::new(),
                ids: HashMap::new(),
                uids: HashMap::new(),
                owned: HashMap::new(),
                followers: Vec::new(),
                forgotten: 0,
                limits,
            }),
        }
    }

    /// The shelf of a resource; made when it is asked for first.
    pub fn shelf(&self, group: &str, plural: &str) -> ShelfId {
        let id = (group.to_owned(), plural.to_owned());
        if let Some(shelf) = self.read().ids.get(&id) {
            return *shelf;
        }
        let mut state = self.write();
        if let Some(shelf) = state.ids.get(&id) {
            return *shelf;
        }
        // Resources are never served in such numbers.
        let shelf = ShelfId(u32::try_from(state.shelves.len()).unwrap_or(u32::MAX));
        let new = Shelf::new(state.limits, state.forgotten);
        state.shelves.push(new);
        state.ids.insert(id, shelf);
        shelf
    }

    /// The version of the latest write.
    pub fn version(&self) -> u64 {
        self.read().version
    }

    /// One object.
    pub fn get(&self, shelf: ShelfId, key: &str) -> Option<Arc<Stored>> {
        Look(&self.read()).get(shelf, key).cloned()
    }

    /// The object with this uid.
    pub fn by_uid(&self, uid: &str) -> Option<Place> {
        self.read().uids.get(uid).cloned()
    }

    /// The objects that name this uid among their owners.
    pub fn owned_by(&self, uid: &str) -> Vec<Place> {
        let state = self.read();
        state
            .owned
            .get(uid)
            .into_iter()
            .flatten()
            .cloned()
            .collect()
    }

    /// How many objects there are.
    pub fn count(&self, shelf: ShelfId) -> usize {
        self.read().shelf(shelf).len()
    }

    /// A page of a list.
    ///
    /// Errors: [`TooOld`] when the version asked for is no longer known.
    pub fn list(&self, shelf: ShelfId, query: &Query<'_>) -> Result<Page, TooOld> {
        let state = self.read();
        page::read(state.shelf(shelf), state.version, query)
    }

    /// Writes an object. `guard` is asked under the lock, when nothing can change any more.
    ///
    /// Errors: [`Raced`], or what the guard says.
    pub fn put<E: From<Raced>>(
        &self,
        shelf: ShelfId,
        draft: Draft,
        expect: Expect,
        guard: impl FnOnce(Look<'_>) -> Result<(), E>,
    ) -> Result<Arc<Stored>, E> {
        let mut state = self.write();
        let found = state.shelf(shelf).get(draft.key()).map(|old| old.version);
        let holds = match expect {
            Expect::Absent => found.is_none(),
            Expect::Version(version) => found == Some(version),
        };
        if !holds {
            return Err(Raced.into());
        }
        guard(Look(&state))?;
        Ok(state.commit(shelf, draft, false))
    }

    /// Removes an object; `last` is how it was at the end, which watchers are shown.
    ///
    /// Errors: [`Raced`] when it is no longer in that version.
    pub fn remove(&self, shelf: ShelfId, last: Draft, version: u64) -> Result<Arc<Stored>, Raced> {
        let mut state = self.write();
        let found = state.shelf(shelf).get(last.key()).map(|old| old.version);
        if found != Some(version) {
            return Err(Raced);
        }
        Ok(state.commit(shelf, last, true))
    }

    /// What happened after that version, the oldest first, `most` of it at the most, and the version
    /// up to which this is all.
    ///
    /// Errors: [`TooOld`] when some of it is no longer known.
    pub fn since(
        &self,
        shelf: ShelfId,
        version: u64,
        most: usize,
    ) -> Result<(Vec<Arc<Event>>, u64), TooOld> {
        let state = self.read();
        let mut events = state.shelf(shelf).since(version)?;
        let some: Vec<_> = events.by_ref().take(most).cloned().collect();
        let upto = match (events.next(), some.last()) {
            (Some(_), last) => last.map_or(version, |last| last.version()),
            // Not before where it began: that may be a version which is still to come.
            (None, _) => state.version.max(version),
        };
        Ok((some, upto))
    }

    /// Tells when something has happened on that shelf: the value is the version of the latest.
    pub fn changes(&self, shelf: ShelfId) -> watch::Receiver<u64> {
        self.read().shelf(shelf).subscribe()
    }

    /// The version of the latest write on that shelf; 0 before the first.
    pub fn latest(&self, shelf: ShelfId) -> u64 {
        *self.read().shelf(shelf).subscribe().borrow()
    }

    /// Everything that happens from now on, on all shelves, in order; before it, all that there is.
    /// Whoever follows must keep up: what is not read is held.
    pub fn follow(&self) -> mpsc::UnboundedReceiver<(ShelfId, Arc<Event>)> {
        let (sender, receiver) = mpsc::unbounded_channel();
        let mut state = self.write();
        for (shelf, place) in (0..).zip(&state.shelves) {
            for object in place.all() {
                let event = Event::added(Arc::clone(object));
                // The receiver is in this function.
                let _ = sender.send((ShelfId(shelf), Arc::new(event)));
            }
        }
        state.followers.push(sender);
        receiver
    }

    /// Takes over objects that were written elsewhere, with their versions, before anything else
    /// is stored.
    pub fn restore(&self, version: u64, objects: impl IntoIterator<Item = (ShelfId, Draft, u64)>) {
        let mut state = self.write();
        state.version = state.version.max(version);
        for (shelf, draft, version) in objects {
            let stored = Arc::new(draft.stamp(version));
            state.index(shelf, &stored);
            state.shelf_mut(shelf).insert(stored);
            // Objects may have been written while others were saved.
            state.version = state.version.max(version);
        }
        let version = state.version;
        state.forgotten = version;
        for shelf in &mut state.shelves {
            shelf.forget_before(version);
        }
    }

    // A writer that panicked has not begun to change anything: stamping comes first.
    fn read(&self) -> RwLockReadGuard<'_, State> {
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, State> {
        self.state.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Look<'_> {
    /// One object.
    pub fn get(&self, shelf: ShelfId, key: &str) -> Option<&Arc<Stored>> {
        self.0.shelf(shelf).get(key)
    }
}

impl State {
    fn shelf(&self, shelf: ShelfId) -> &Shelf {
        &self.shelves[shelf.0 as usize]
    }

    fn shelf_mut(&mut self, shelf: ShelfId) -> &mut Shelf {
        &mut self.shelves[shelf.0 as usize]
    }

    fn commit(&mut self, shelf: ShelfId, draft: Draft, removes: bool) -> Arc<Stored> {
        let stored = Arc::new(draft.stamp(self.version + 1));
        self.version += 1;
        let previous = self.shelf_mut(shelf).take(&stored.key);
        if let Some(previous) = &previous {
            self.unindex(shelf, previous);
        }
        if !removes {
            self.index(shelf, &stored);
            self.shelf_mut(shelf).insert(Arc::clone(&stored));
        }
        let what = match (&previous, removes) {
            (_, true) => What::Deleted,
            (None, _) => What::Added,
            (Some(_), _) => What::Modified,
        };
        let event = Arc::new(Event {
            what,
            object: Arc::clone(&stored),
            previous,
        });
        self.followers
            .retain(|follower| follower.send((shelf, Arc::clone(&event))).is_ok());
        self.shelf_mut(shelf).record(event);
        stored
    }

    fn index(&mut self, shelf: ShelfId, object: &Stored) {
        let place = Place {
            shelf,
            key: Arc::clone(&object.key),
        };
        for owner in &object.facts.owners {
            self.owned
                .entry(Arc::clone(owner))
                .or_default()
                .insert(place.clone());
        }
        self.uids.insert(Arc::clone(&object.facts.uid), place);
    }

    fn unindex(&mut self, shelf: ShelfId, object: &Stored) {
        let place = Place {
            shelf,
            key: Arc::clone(&object.key),
        };
        for owner in &object.facts.owners {
            if let Some(owned) = self.owned.get_mut(owner) {
                owned.remove(&place);
                if owned.is_empty() {
                    self.owned.remove(owner);
                }
            }
        }
        if self.uids.get(&object.facts.uid) == Some(&place) {
            self.uids.remove(&object.facts.uid);
        }
    }
}

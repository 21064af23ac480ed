//! Random histories: whatever is written, read and watched in whatever order, everybody is told the
//! same story. The seeds are fixed; a failure names the one that it happened with.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

use serde_json::json;

use super::log::{Limits, What};
use super::*;

/// What happened to one shelf: version, what, key and the number that was written.
type History = Vec<(u64, What, String, u64)>;
type State = BTreeMap<String, u64>;

/// SplitMix64: good enough to be unforeseen, and the same everywhere.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, most: u64) -> u64 {
        self.next() % most.max(1)
    }

    fn one_in(&mut self, of: u64) -> bool {
        self.below(of) == 0
    }
}

fn draft(key: &str, number: u64) -> Draft {
    let (namespace, name) = key.split_once('/').unwrap();
    let facts = Facts {
        namespace: namespace.into(),
        name: name.into(),
        uid: key.into(),
        ..Facts::default()
    };
    Draft::new(&mut json!({"metadata": {}, "number": number}), facts).unwrap()
}

fn number(object: &Stored) -> u64 {
    object.value()["number"].as_u64().unwrap()
}

fn told(event: &Event) -> (u64, What, String, u64) {
    let object = &event.object;
    (
        object.version,
        event.what,
        object.key.to_string(),
        number(object),
    )
}

fn state_at(history: &History, version: u64) -> State {
    let mut state = State::new();
    for (_, what, key, number) in history.iter().take_while(|(at, ..)| *at <= version) {
        match what {
            What::Deleted => state.remove(key),
            What::Added | What::Modified => state.insert(key.clone(), *number),
        };
    }
    state
}

fn after(history: &History, version: u64) -> History {
    let later = history.iter().filter(|(at, ..)| *at > version);
    later.cloned().collect()
}

/// Writes or deletes something, perhaps over what somebody else has written by now; tells what
/// happened if anything did.
fn write(store: &Store, shelf: ShelfId, random: &mut Random) -> Option<(u64, What, String, u64)> {
    let key = format!("n{}/x{}", random.below(3), random.below(6));
    let value = random.below(1000);
    let found = store.get(shelf, &key);
    let found = found.filter(|_| !random.one_in(8));
    let Some(found) = found else {
        let made = store.put(shelf, draft(&key, value), Expect::Absent, |_| {
            Ok::<_, Raced>(())
        });
        return Some((made.ok()?.version, What::Added, key, value));
    };
    let version = match random.one_in(8) {
        true => found.version.saturating_sub(random.below(3)),
        false => found.version,
    };
    if random.one_in(3) {
        let gone = store.remove(shelf, draft(&key, value), version).ok()?;
        return Some((gone.version, What::Deleted, key, value));
    }
    let put = store.put(shelf, draft(&key, value), Expect::Version(version), |_| {
        Ok::<_, Raced>(())
    });
    Some((put.ok()?.version, What::Modified, key, value))
}

/// Reads a shelf in pages of a size, with `between` after each; the version and what there is, or
/// nothing when the log has lost the version on the way.
fn in_pages(
    store: &Store,
    shelf: ShelfId,
    namespace: Option<&str>,
    limit: usize,
    mut between: impl FnMut(),
) -> Option<(u64, State)> {
    let mut state = State::new();
    let (mut after, mut at): (Option<String>, _) = (None, None);
    loop {
        let page = store.list(
            shelf,
            &Query {
                namespace,
                after: after.as_deref(),
                limit: Some(limit),
                at,
                only: None,
            },
        );
        let Ok(page) = page else {
            assert!(at.is_some(), "the first page is of now");
            return None;
        };
        assert_eq!(at.unwrap_or(page.version), page.version);
        at = Some(page.version);
        let count = page.items.len();
        for item in &page.items {
            state.insert(item.key.to_string(), number(item));
        }
        if !page.has_more {
            return Some((page.version, state));
        }
        assert_eq!(count, limit, "a page that is not the last is full");
        assert!(page.remaining.is_some_and(|rest| rest > 0));
        after = page.items.last().map(|last| last.key.to_string());
        between();
    }
}

fn within(state: State, namespace: Option<&str>) -> State {
    let prefix = namespace.map(|n| format!("{n}/")).unwrap_or_default();
    state
        .into_iter()
        .filter(|(key, _)| key.starts_with(&prefix))
        .collect()
}

/// A watcher in the middle of its work.
struct Watcher {
    from: u64,
    at: u64,
    seen: History,
}

impl Watcher {
    /// Reads on; what is lost is read as a client does: all that there is, and on from there.
    fn read(&mut self, store: &Store, shelf: ShelfId, most: usize, history: &History) {
        match store.since(shelf, self.at, most) {
            Ok((events, upto)) => {
                self.seen.extend(events.iter().map(|event| told(event)));
                assert!(upto >= self.at && upto <= store.version());
                self.at = upto;
                let so_far = after(history, self.from);
                let so_far: History = so_far.into_iter().filter(|(at, ..)| *at <= upto).collect();
                assert_eq!(self.seen, so_far, "from {} up to {upto}", self.from);
            }
            Err(TooOld(begins)) => {
                assert!(self.at < begins, "{} is not before {begins}", self.at);
                assert!(store.since(shelf, begins, most).is_ok());
                let page = store.list(shelf, &Query::everything()).unwrap();
                let there: State = page
                    .items
                    .iter()
                    .map(|item| (item.key.to_string(), number(item)))
                    .collect();
                assert_eq!(there, state_at(history, page.version));
                *self = Watcher {
                    from: page.version,
                    at: page.version,
                    seen: History::new(),
                };
            }
        }
    }
}

fn one_history(seed: u64) {
    const STEPS: usize = 300;
    let mut random = Random(seed);
    let store = Store::keeping(Limits {
        events: 5 + random.below(60) as usize,
        bytes: 500 + random.below(10_000) as usize,
    });
    let shelves = [store.shelf("", "things"), store.shelf("", "others")];
    let mut histories = [History::new(), History::new()];
    let mut watchers: Vec<(usize, Watcher)> = Vec::new();
    let (mut lost, mut pages) = (0, 0);
    for _ in 0..STEPS {
        let which = random.below(2) as usize;
        match random.below(10) {
            0..=4 => histories[which].extend(write(&store, shelves[which], &mut random)),
            5 => {
                let from = random.below(store.version() + 1);
                watchers.push((
                    which,
                    Watcher {
                        from,
                        at: from,
                        seen: History::new(),
                    },
                ));
            }
            6 | 7 if !watchers.is_empty() => {
                let chosen = random.below(watchers.len() as u64) as usize;
                let (of, watcher) = &mut watchers[chosen];
                let most = 1 + random.below(7) as usize;
                watcher.read(&store, shelves[*of], most, &histories[*of]);
            }
            8 => {
                let limit = 1 + random.below(5) as usize;
                let namespace = [None, Some("n0"), Some("n1")][random.below(3) as usize];
                let history = &mut histories[which];
                let read = in_pages(&store, shelves[which], namespace, limit, || {
                    for _ in 0..random.below(4) {
                        history.extend(write(&store, shelves[which], &mut random));
                    }
                });
                match read {
                    Some((version, state)) => {
                        pages += 1;
                        assert_eq!(state, within(state_at(history, version), namespace));
                    }
                    None => lost += 1,
                }
            }
            _ => {
                let at = random.below(store.version() + 1).max(1);
                let query = Query {
                    at: Some(at),
                    ..Query::everything()
                };
                let Ok(page) = store.list(shelves[which], &query) else {
                    assert!(store.since(shelves[which], at, 1).is_err());
                    continue;
                };
                let there: State = page
                    .items
                    .iter()
                    .map(|item| (item.key.to_string(), number(item)))
                    .collect();
                assert_eq!(there, state_at(&histories[which], at), "at {at}");
            }
        }
    }
    for (of, mut watcher) in watchers {
        while watcher.at < store.version() {
            watcher.read(&store, shelves[of], 3, &histories[of]);
        }
        let mut state = state_at(&histories[of], watcher.from);
        for (_, what, key, number) in &watcher.seen {
            match what {
                What::Deleted => state.remove(key),
                What::Added | What::Modified => state.insert(key.clone(), *number),
            };
        }
        assert_eq!(state, state_at(&histories[of], store.version()));
    }
    assert!(pages + lost > 0, "nothing was read in pages");
}

#[test]
fn everybody_is_told_the_same_story_in_every_order() {
    for seed in 0..80 {
        let told = std::panic::catch_unwind(|| one_history(seed));
        assert!(told.is_ok(), "with the seed {seed}");
    }
}

/// The same with threads that really race; what they have seen is compared afterwards.
fn one_race(seed: u64) {
    const WRITERS: u64 = 3;
    const WRITES: usize = 300;
    let store = Arc::new(Store::keeping(Limits {
        events: 10_000,
        bytes: 1 << 24,
    }));
    let shelf = store.shelf("", "things");
    let other = store.shelf("", "others");
    let begin = store.version();
    let over = Arc::new(AtomicBool::new(false));
    let history = Arc::new(Mutex::new(History::new()));
    let writers: Vec<_> = (0..WRITERS)
        .map(|writer| {
            let (store, history) = (Arc::clone(&store), Arc::clone(&history));
            thread::spawn(move || {
                let mut random = Random(seed * 100 + writer);
                for _ in 0..WRITES {
                    if random.one_in(5) {
                        write(&store, other, &mut random);
                    }
                    let done = write(&store, shelf, &mut random);
                    history.lock().unwrap().extend(done);
                }
            })
        })
        .collect();
    let watchers: Vec<_> = (0..4)
        .map(|watcher| {
            let (store, over) = (Arc::clone(&store), Arc::clone(&over));
            thread::spawn(move || {
                let mut random = Random(seed * 100 + 50 + watcher);
                let mut watches = Vec::new();
                // Each begins where it pleases and follows to the end, beside the ones before it.
                while !over.load(Ordering::SeqCst) || watches.len() < 3 {
                    let from = begin + random.below(store.version() - begin + 1);
                    watches.push((from, from, History::new()));
                    for (_, at, seen) in &mut watches {
                        let most = 1 + random.below(20) as usize;
                        let (events, upto) = store.since(shelf, *at, most).unwrap();
                        seen.extend(events.iter().map(|event| told(event)));
                        *at = upto;
                    }
                    thread::yield_now();
                    if watches.len() > 40 {
                        break;
                    }
                }
                while !over.load(Ordering::SeqCst) {
                    thread::yield_now();
                }
                for (_, at, seen) in &mut watches {
                    while *at < store.version() {
                        let (events, upto) = store.since(shelf, *at, 50).unwrap();
                        seen.extend(events.iter().map(|event| told(event)));
                        *at = upto;
                    }
                }
                watches
            })
        })
        .collect();
    let readers: Vec<_> = (1..4)
        .map(|limit| {
            let (store, over) = (Arc::clone(&store), Arc::clone(&over));
            thread::spawn(move || {
                let mut read = Vec::new();
                while !over.load(Ordering::SeqCst) || read.is_empty() {
                    read.extend(in_pages(&store, shelf, None, limit, thread::yield_now));
                }
                read
            })
        })
        .collect();
    for writer in writers {
        writer.join().unwrap();
    }
    over.store(true, Ordering::SeqCst);
    let mut history = history.lock().unwrap().clone();
    history.sort_unstable_by_key(|(at, ..)| *at);
    for watcher in watchers {
        for (from, _, seen) in watcher.join().unwrap() {
            assert_eq!(seen, after(&history, from), "from {from}");
        }
    }
    for reader in readers {
        for (version, state) in reader.join().unwrap() {
            assert_eq!(state, state_at(&history, version), "at {version}");
        }
    }
}

#[test]
fn everybody_is_told_the_same_story_by_threads_that_race() {
    for seed in 0..4 {
        let told = std::panic::catch_unwind(|| one_race(seed));
        assert!(told.is_ok(), "with the seed {seed}");
    }
}

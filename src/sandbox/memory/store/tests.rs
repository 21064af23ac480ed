//! The store as its callers see it, and under many at once.

use std::sync::Arc;
use std::thread;

use serde_json::json;

use super::*;

fn draft(namespace: &str, name: &str, number: u64) -> Draft {
    let facts = Facts {
        namespace: namespace.into(),
        name: name.into(),
        uid: format!("{namespace}-{name}").into(),
        ..Facts::default()
    };
    let mut object = json!({"metadata": {"name": name}, "number": number});
    Draft::new(&mut object, facts).unwrap()
}

fn put(store: &Store, shelf: ShelfId, draft: Draft, expect: Expect) -> Result<u64, Raced> {
    store
        .put(shelf, draft, expect, |_| Ok(()))
        .map(|stored| stored.version)
}

fn names(page: &Page) -> Vec<String> {
    page.items.iter().map(|item| item.key.to_string()).collect()
}

#[test]
fn an_object_bears_the_version_of_its_write() {
    let store = Store::default();
    let shelf = store.shelf("", "things");
    let version = put(&store, shelf, draft("a", "x", 1), Expect::Absent).unwrap();
    let stored = store.get(shelf, "a/x").unwrap();
    assert_eq!(stored.version, version);
    assert_eq!(
        stored.value(),
        json!({"metadata": {"name": "x", "resourceVersion": version.to_string()}, "number": 1})
    );
}

#[test]
fn a_write_that_expects_another_version_does_nothing() {
    let store = Store::default();
    let shelf = store.shelf("", "things");
    let first = put(&store, shelf, draft("a", "x", 1), Expect::Absent).unwrap();
    assert_eq!(
        put(&store, shelf, draft("a", "x", 2), Expect::Absent),
        Err(Raced)
    );
    let second = put(&store, shelf, draft("a", "x", 2), Expect::Version(first)).unwrap();
    assert_eq!(
        put(&store, shelf, draft("a", "x", 3), Expect::Version(first)),
        Err(Raced)
    );
    assert_eq!(store.version(), second);
    assert_eq!(
        store.remove(shelf, draft("a", "x", 2), first).err(),
        Some(Raced)
    );
    assert!(store.remove(shelf, draft("a", "x", 2), second).is_ok());
    assert!(store.get(shelf, "a/x").is_none());
}

#[test]
fn pages_are_of_the_version_of_the_first() {
    let store = Store::default();
    let shelf = store.shelf("", "things");
    for name in ["a", "b", "c", "d"] {
        put(&store, shelf, draft("n", name, 0), Expect::Absent).unwrap();
    }
    put(&store, shelf, draft("n-other", "a", 0), Expect::Absent).unwrap();
    let first = store
        .list(
            shelf,
            &Query {
                namespace: Some("n"),
                limit: Some(2),
                ..Query::everything()
            },
        )
        .unwrap();
    assert_eq!(names(&first), ["n/a", "n/b"]);
    assert_eq!(first.remaining, Some(2));
    // What happens meanwhile is not in the rest.
    let c = store.get(shelf, "n/c").unwrap().version;
    put(&store, shelf, draft("n", "c", 7), Expect::Version(c)).unwrap();
    let d = store.get(shelf, "n/d").unwrap().version;
    store.remove(shelf, draft("n", "d", 0), d).unwrap();
    put(&store, shelf, draft("n", "e", 0), Expect::Absent).unwrap();
    let rest = Query {
        namespace: Some("n"),
        after: Some("n/b"),
        limit: Some(2),
        at: Some(first.version),
        ..Query::everything()
    };
    let rest = store.list(shelf, &rest).unwrap();
    assert_eq!(names(&rest), ["n/c", "n/d"]);
    assert_eq!(rest.items[0].value()["number"], 0);
    assert!(!rest.has_more);
}

#[test]
fn what_the_log_has_lost_is_too_old() {
    let store = Store::default();
    let shelf = store.shelf("", "things");
    let first = put(&store, shelf, draft("a", "x", 0), Expect::Absent).unwrap();
    let mut version = first;
    for number in 1..20_000 {
        let next = draft("a", "x", number);
        version = put(&store, shelf, next, Expect::Version(version)).unwrap();
    }
    let TooOld(begins) = store.since(shelf, first, usize::MAX).unwrap_err();
    let (events, now) = store.since(shelf, begins, usize::MAX).unwrap();
    assert_eq!(now, version);
    assert_eq!(events.len() as u64, version - begins);
    let old = Query {
        at: Some(first),
        ..Query::everything()
    };
    assert!(store.list(shelf, &old).is_err());
}

#[test]
fn owners_and_uids_are_found() {
    let store = Store::default();
    let shelf = store.shelf("", "things");
    let facts = Facts {
        name: "child".into(),
        uid: "c".into(),
        owners: Box::new(["o".into()]),
        ..Facts::default()
    };
    let child = Draft::new(&mut json!({"metadata": {}}), facts).unwrap();
    let version = put(&store, shelf, child.clone(), Expect::Absent).unwrap();
    let place = store.by_uid("c").unwrap();
    assert_eq!(&*place.key, "child");
    assert_eq!(store.owned_by("o"), [place]);
    store.remove(shelf, child, version).unwrap();
    assert!(store.owned_by("o").is_empty());
    assert!(store.by_uid("c").is_none());
}

/// Writers that race for the same few objects; watchers that must each see every change once, in
/// order, and end with what is stored.
#[test]
fn every_watcher_sees_every_change_once_and_in_order() {
    const WRITERS: u64 = 4;
    const WRITES: u64 = 500;
    let store = Arc::new(Store::default());
    let shelf = store.shelf("", "things");
    let begin = store.version();
    let watchers: Vec<_> = (0..8)
        .map(|_| {
            let store = Arc::clone(&store);
            thread::spawn(move || {
                let (mut seen, mut at) = (Vec::new(), begin);
                while (seen.len() as u64) < WRITERS * WRITES {
                    let (events, now) = store.since(shelf, at, 100).unwrap();
                    seen.extend(events.iter().map(|event| event.version()));
                    at = now;
                    thread::yield_now();
                }
                seen
            })
        })
        .collect();
    let writers: Vec<_> = (0..WRITERS)
        .map(|writer| {
            let store = Arc::clone(&store);
            thread::spawn(move || {
                let mut done = 0;
                while done < WRITES {
                    let name = format!("x{}", (writer + done) % 3);
                    let key = format!("a/{name}");
                    let expect = store
                        .get(shelf, &key)
                        .map_or(Expect::Absent, |old| Expect::Version(old.version));
                    if put(&store, shelf, draft("a", &name, done), expect).is_ok() {
                        done += 1;
                    }
                }
            })
        })
        .collect();
    for writer in writers {
        writer.join().unwrap();
    }
    let all: Vec<u64> = (begin + 1..=begin + WRITERS * WRITES).collect();
    for watcher in watchers {
        assert_eq!(watcher.join().unwrap(), all);
    }
}

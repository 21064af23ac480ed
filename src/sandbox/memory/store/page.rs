//! Lists, in pages, now or as it was at an earlier version.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::TooOld;
use super::draft::Stored;
use super::shelf::Shelf;

/// What is to be listed.
pub struct Query<'a> {
    /// Only in this namespace
    pub namespace: Option<&'a str>,
    /// Only after this key
    pub after: Option<&'a str>,
    /// At most so many
    pub limit: Option<usize>,
    /// As it was at this version; now, when there is none
    pub at: Option<u64>,
    /// Only what this says yes to; everything, when there is none
    pub only: Option<&'a dyn Fn(&Stored) -> bool>,
}

impl Query<'_> {
    /// All objects, as they are now.
    pub fn everything() -> Self {
        Query {
            namespace: None,
            after: None,
            limit: None,
            at: None,
            only: None,
        }
    }
}

/// What was found.
#[derive(Debug)]
pub struct Page {
    /// The version of which this is the state
    pub version: u64,
    /// In the order of keys
    pub items: Vec<Arc<Stored>>,
    /// Whether there is more
    pub has_more: bool,
    /// How many more, where nothing was left out by [`Query::only`]
    pub remaining: Option<usize>,
}

/// Reads a page of a shelf whose store is at `version`.
pub(super) fn read(shelf: &Shelf, version: u64, query: &Query<'_>) -> Result<Page, TooOld> {
    let prefix = query.namespace.map(|n| format!("{n}/")).unwrap_or_default();
    let from = match query.after {
        // The next key that is possible at all.
        Some(after) => format!("{after}\0"),
        None => prefix.clone(),
    };
    match query.at.filter(|at| *at != version) {
        None => {
            let now = shelf.from(&from).map(|(key, object)| (&**key, object));
            Ok(cut(now, &prefix, version, query))
        }
        Some(at) => {
            let then = at_version(shelf, &from, at)?;
            let then = then.iter().map(|(key, object)| (&**key, object));
            Ok(cut(then, &prefix, at, query))
        }
    }
}

/// The objects from that key on as they were: for each that has changed since, what it was before
/// its first change.
fn at_version(
    shelf: &Shelf,
    from: &str,
    at: u64,
) -> Result<BTreeMap<Arc<str>, Arc<Stored>>, TooOld> {
    let changed = shelf.since(at)?;
    let mut objects: BTreeMap<Arc<str>, Arc<Stored>> = shelf
        .from(from)
        .map(|(key, object)| (Arc::clone(key), Arc::clone(object)))
        .collect();
    for event in changed.rev() {
        let key = &event.object.key;
        if &**key < from {
            continue;
        }
        match &event.previous {
            Some(previous) => objects.insert(Arc::clone(key), Arc::clone(previous)),
            None => objects.remove(key),
        };
    }
    Ok(objects)
}

fn cut<'a>(
    objects: impl Iterator<Item = (&'a str, &'a Arc<Stored>)>,
    prefix: &str,
    version: u64,
    query: &Query<'_>,
) -> Page {
    let mut objects = objects.take_while(|(key, _)| key.starts_with(prefix));
    let mut wanted = objects
        .by_ref()
        .filter(|(_, object)| query.only.is_none_or(|only| only(object)))
        .map(|(_, object)| Arc::clone(object));
    let Some(limit) = query.limit else {
        return Page {
            version,
            items: wanted.collect(),
            has_more: false,
            remaining: None,
        };
    };
    let items: Vec<_> = wanted.by_ref().take(limit).collect();
    let has_more = wanted.next().is_some();
    let remaining = (has_more && query.only.is_none()).then(|| 1 + objects.count());
    Page {
        version,
        items,
        has_more,
        remaining,
    }
}

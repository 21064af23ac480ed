//! Who manages what after a write that is no server-side apply.

use std::borrow::Cow;

use serde_json::Value;

use super::compare::{Comparison, compare};
use super::context::{Context, strip};
use super::managed::{self, Entry, Managed, Operation};
use super::typed::is_identical;
use super::zero::zero;

/// Sets `metadata.managedFields` of an object that is created (`live` is `None`) or changed by
/// anything but server-side apply: what changed is `manager`'s from now on.
///
/// `new` is decoded, with its defaults, and has managedFields as the client sent them, an empty list
/// included: by that a client asks to forget all managers. To be called before admission and before
/// what the write may not change is put back.
pub fn update(context: &Context<'_>, live: Option<&Value>, new: &mut Value, manager: &str) {
    let sent = managed::take(new);
    let stored = live.and_then(managed::of);
    // Most clients send back what they have read.
    let is_stored =
        matches!((&sent, stored), (Some(sent), Some(stored)) if is_identical(sent, stored));
    let (foreign, spare) = if is_stored {
        (None, sent)
    } else {
        (sent, None)
    };
    let foreign = foreign.as_ref().filter(|_| context.subresource.is_empty());
    let nothing;
    let before = match live {
        Some(live) => live,
        None => {
            nothing = zero(context.types, context.type_);
            &nothing
        }
    };
    let mut managed = starting_point(stored, foreign);
    let exists = live.and_then(|live| live.get("metadata")?.get("uid")?.as_str());
    let list = if managed.entries.is_empty() && exists.is_some_and(|uid| !uid.is_empty()) {
        // Nobody is known, and who made the object cannot be told any more.
        None
    } else {
        // An object whose items cannot be told apart is kept without managers.
        let done = advance(context, before, new, &mut managed, manager);
        done.ok().and_then(|()| managed.encode(spare))
    };
    managed::put(new, list);
}

/// The managers before the write: those that the client sent, where it sent others.
fn starting_point<'a>(stored: Option<&'a Value>, foreign: Option<&'a Value>) -> Managed<'a> {
    if let Some(foreign) = foreign {
        if managed::is_reset(foreign) {
            return Managed::default();
        }
        if let Ok(managed) = Managed::decode(foreign)
            && !managed.entries.is_empty()
        {
            return managed;
        }
    }
    stored
        .and_then(|stored| Managed::stored(stored).ok())
        .unwrap_or_default()
}

/// Gives what changed between two objects to `manager`, and takes it from everybody else.
pub(super) fn advance<'a>(
    context: &Context<'a>,
    live: &'a Value,
    new: &'a Value,
    managed: &mut Managed<'a>,
    manager: &'a str,
) -> Result<(), String> {
    context.refresh(managed);
    let Comparison {
        removed,
        modified,
        added,
    } = compare(context.types, context.type_, live, new)?;
    let removed = context.filtered(strip(removed));
    let changed = context.filtered(strip(modified.union(added)));
    for entry in &mut managed.entries {
        entry.lose(&changed);
        entry.lose(&removed);
    }
    managed.entries.retain(|entry| !entry.is_empty());
    if !changed.is_empty() {
        let manager = context.manager(manager, Operation::Update);
        let time = Some(Cow::Borrowed(context.now));
        match managed.position(&manager) {
            Some(at) => {
                let entry = &mut managed.entries[at];
                entry.time = time;
                entry.change(|set| set.union(changed));
            }
            None => managed.entries.push(Entry::new(manager, time, changed)),
        }
    }
    managed.cap();
    Ok(())
}

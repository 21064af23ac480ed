//! Who manages what after a write that is no server-side apply.

use std::borrow::Cow;

use serde_json::Value;

use super::compare::{Comparison, compare};
use super::context::{Context, strip};
use super::managed::{self, Entry, Managed, Operation};
use super::zero::zero;

/// Sets `metadata.managedFields` of an object that is created (`live` is `None`) or changed by
/// anything but server-side apply: what changed is `manager`'s from now on.
///
/// `new` is decoded, with its defaults, and has managedFields as the client sent them, an empty list
/// included: by that a client asks to forget all managers. To be called before admission and before
/// what the write may not change is put back.
pub fn update(context: &Context<'_>, live: Option<&Value>, new: &mut Value, manager: &str) {
    let sent = managed::take(new);
    let list = managed_after(context, live, new, sent.as_ref(), manager);
    managed::put(new, list);
}

fn managed_after(
    context: &Context<'_>,
    live: Option<&Value>,
    new: &Value,
    sent: Option<&Value>,
    manager: &str,
) -> Option<Value> {
    let mut managed = starting_point(context, live, sent);
    let exists = live.and_then(|live| live.get("metadata")?.get("uid")?.as_str());
    if managed.entries.is_empty() && exists.is_some_and(|uid| !uid.is_empty()) {
        // Nobody is known, and who made the object cannot be told any more.
        return None;
    }
    let nothing;
    let live = match live {
        Some(live) => live,
        None => {
            nothing = zero(context.types, context.type_);
            &nothing
        }
    };
    // An object whose items cannot be told apart is kept without managers.
    advance(context, live, new, &mut managed, manager).ok()?;
    managed.encode()
}

/// The managers before the write: those that the client sent, where it may send any.
fn starting_point<'a>(
    context: &Context<'_>,
    live: Option<&'a Value>,
    sent: Option<&'a Value>,
) -> Managed<'a> {
    let stored = live.and_then(managed::of);
    if let Some(sent) = sent
        && context.subresource.is_empty()
        && stored != Some(sent)
    {
        if managed::is_reset(sent) {
            return Managed::default();
        }
        if let Ok(managed) = Managed::decode(sent, false)
            && !managed.entries.is_empty()
        {
            return managed;
        }
    }
    stored
        .and_then(|stored| Managed::decode(stored, true).ok())
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
        for taken in [&changed, &removed] {
            if entry.set.meets(taken) {
                entry.change(|set| set.difference(taken));
            }
        }
    }
    managed.entries.retain(|entry| !entry.set.is_empty());
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

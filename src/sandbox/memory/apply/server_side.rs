//! Server-side apply.

use std::borrow::Cow;

use serde_json::Value;

use crate::sandbox::memory::status::Status;

use super::compare::compare;
use super::conflict::Conflicts;
use super::context::{Context, kind_name, strip};
use super::fieldset::field_set;
use super::last_applied;
use super::managed::{self, Entry, Managed, Operation};
use super::merge::merge;
use super::remove::remove;
use super::schema::with_parents;
use super::set::Set;
use super::typed::equal;
use super::update::advance;
use super::validate::validate;
use super::zero::zero;

/// Whose fields become what they are before the first apply to an object without managers.
const BEFORE_FIRST_APPLY: &str = "before-first-apply";

/// What an apply makes.
#[derive(Clone, Debug)]
pub struct Applied {
    /// The object with its managedFields, to be decoded and defaulted. `Context::object_name` of
    /// what was applied names it should that fail.
    pub object: Value,
    /// Whether nothing but managedFields may differ from what was there.
    pub is_same: bool,
}

/// Applies a configuration. `live` is the object in the version of the request, `None` when there is
/// none; `applied` is the body as it was sent.
///
/// # Errors
/// 400 for another kind or for managedFields in the body, 409 for fields of other managers without
/// `force`, and 500 with the words of structured-merge-diff for what does not fit the type.
pub fn apply(
    context: &Context<'_>,
    live: Option<&Value>,
    applied: &Value,
    manager: &str,
    force: bool,
) -> Result<Applied, Status> {
    check_kind(context, applied)?;
    let stored = live.and_then(managed::of);
    let mut managed = match stored.map(Managed::stored) {
        Some(Ok(managed)) => managed,
        Some(Err(problem)) => {
            return Err(plain(format!("failed to decode managed fields: {problem}")));
        }
        None => Managed::default(),
    };
    let is_new = managed.entries.is_empty();
    let nothing = if is_new {
        zero(context.types, context.type_)
    } else {
        Value::Null
    };
    let live = live.unwrap_or(&nothing);
    if is_new {
        begin(context, &nothing, live, &mut managed)?;
    }
    check_objects(context, live, applied)?;
    context.refresh(&mut managed);

    let own = context.filtered(field_set(context.types, context.type_, applied));
    let mut merged = live.clone();
    merge(context.types, context.type_, &mut merged, applied);
    let me = context.manager(manager, Operation::Apply);
    let last = managed
        .position(&me)
        .map(|at| managed.entries.swap_remove(at));
    let mut time = None;
    if let Some(mut last) = last {
        time = last.time.take();
        let last = last.into_set();
        if let Some(pruned) = prune(context, &merged, applied, &mut managed, &own, &last) {
            merged = pruned;
        }
    }
    let is_same = equal(live, &merged);
    if !is_same {
        take_over(context, live, &merged, &mut managed, manager, force)?;
        time = Some(Cow::Borrowed(context.now));
    }
    managed.entries.retain(|entry| !entry.is_empty());
    let own = strip(own);
    if !own.is_empty() {
        managed.entries.push(Entry::new(me, time, own));
    }
    let list = managed.encode(None);
    let mut object = merged;
    managed::put(&mut object, list);
    if manager == last_applied::MANAGER {
        last_applied::refresh(&mut object, applied);
    }
    Ok(Applied { object, is_same })
}

/// Finds a manager for what is there already.
fn begin<'a>(
    context: &Context<'a>,
    zero: &'a Value,
    live: &'a Value,
    managed: &mut Managed<'a>,
) -> Result<(), Status> {
    let failed = |problem: String| {
        let name = context.object_name(live);
        plain(format!(
            "failed to create manager for existing fields: failed to convert new object ({name}) \
             to smd typed: {problem}"
        ))
    };
    validate(context.types, context.type_, live, true)
        .map_err(|problems| failed(problems.to_string()))?;
    advance(context, zero, live, managed, BEFORE_FIRST_APPLY).map_err(failed)
}

/// Takes what others manage and the merged object has otherwise.
fn take_over<'a>(
    context: &Context<'a>,
    live: &'a Value,
    merged: &'a Value,
    managed: &mut Managed<'a>,
    manager: &str,
    force: bool,
) -> Result<(), Status> {
    let comparison = compare(context.types, context.type_, live, merged)
        .map_err(|problem| plain(format!("failed to compare objects: {problem}")))?;
    let changed = context.filtered(comparison.modified.union(comparison.added));
    let removed = context.filtered(comparison.removed);
    let taken = managed
        .entries
        .iter_mut()
        .filter(|entry| entry.meets(&changed));
    let taken = taken.map(|entry| (entry.manager.clone(), entry.set().intersection(&changed)));
    let conflicts = Conflicts::new(taken.collect());
    if !force && !conflicts.is_empty() {
        let left = match manager {
            last_applied::MANAGER => last_applied::spare(context, live, conflicts),
            _ => conflicts,
        };
        if !left.is_empty() {
            return Err(left.status());
        }
    }
    for entry in &mut managed.entries {
        entry.lose(&changed);
        entry.lose(&removed);
    }
    Ok(())
}

/// Removes what this manager applied the last time and does not apply any more, unless somebody else
/// manages it. `None` when nothing goes.
fn prune(
    context: &Context<'_>,
    merged: &Value,
    applied: &Value,
    others: &mut Managed<'_>,
    own: &Set<'_>,
    last: &Set<'_>,
) -> Option<Value> {
    let (types, type_) = (context.types, context.type_);
    let goes_nothing = last.is_within(own);
    if goes_nothing && !has_empty(applied) {
        return None;
    }
    let all = field_set(types, type_, merged);
    // What is applied as empty, while others have put something there, goes although it is applied
    // again: so it is in Kubernetes.
    if goes_nothing && !has_hollow(last, &all) {
        return None;
    }
    let fields_of = |value| with_parents(types, type_, &field_set(types, type_, value));
    let last = with_parents(types, type_, last);
    let all = with_parents(types, type_, &all);

    let without_last = remove(types, type_, merged.clone(), &last);
    let mut owned = own.clone();
    for entry in &mut others.entries {
        owned = owned.union(entry.set().clone());
    }
    let kept = fields_of(&without_last).union(with_parents(types, type_, &owned));
    let unowned = all.clone().difference(&kept);

    // What is below a list's item or a map's key that goes was never applied by this manager, and
    // stays. It keeps its item.
    let without_unowned = remove(types, type_, merged.clone(), &unowned);
    let gone = all
        .difference(&fields_of(&without_unowned))
        .intersection(&last);
    Some(remove(types, type_, merged.clone(), &gone))
}

/// Whether there is null or an object without fields in it.
fn has_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Object(map) => map.is_empty() || map.values().any(has_empty),
        Value::Array(items) => items.iter().any(has_empty),
        _ => false,
    }
}

/// Whether the set has a field without anything below it, below which there are fields.
fn has_hollow(set: &Set<'_>, all: &Set<'_>) -> bool {
    set.nodes().iter().any(|node| {
        all.get(&node.element).is_some_and(|there| {
            node.children.is_empty() && !there.children.is_empty()
                || has_hollow(&node.children, &there.children)
        })
    })
}

fn check_objects(context: &Context<'_>, live: &Value, applied: &Value) -> Result<(), Status> {
    if managed::of(applied).is_some_and(Value::is_array) {
        return Err(Status::bad_request("metadata.managedFields must be nil"));
    }
    let check = |what: &str, object: &Value, allow_duplicates: bool| {
        validate(context.types, context.type_, object, allow_duplicates).map_err(|problems| {
            let name = context.object_name(object);
            plain(format!(
                "failed to create typed {what} object ({name}): {problems}"
            ))
        })
    };
    check("patch", applied, false)?;
    // What is stored of Kubernetes' own kinds fits their types, which never change.
    if context.is_built_in() {
        Ok(())
    } else {
        check("live", live, true)
    }
}

/// An error that Kubernetes gives no reason for.
fn plain(message: String) -> Status {
    Status::new(500, "", message)
}

fn check_kind(context: &Context<'_>, applied: &Value) -> Result<(), Status> {
    let text = |key: &str| applied.get(key).and_then(Value::as_str).unwrap_or_default();
    let (mut api_version, mut kind) = (text("apiVersion"), text("kind"));
    if api_version.matches('/').count() > 1 {
        (api_version, kind) = ("", "");
    }
    if (api_version, kind) == (context.api_version, context.kind) {
        return Ok(());
    }
    let kind = kind_name(api_version, kind);
    Err(Status::bad_request(format!("invalid object type: {kind}")))
}

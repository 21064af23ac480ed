//! Deletions: at once, after a time of grace, or once the finalizers are gone (apiserver's
//! `pkg/registry/rest/delete.go` and `pkg/registry/generic/registry/store.go`).

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::Call;
use super::render::Written;
use super::write::key;
use crate::sandbox::memory::api::{Api, seconds};
use crate::sandbox::memory::object::{self, meta, set_meta};
use crate::sandbox::memory::registry::Served;
use crate::sandbox::memory::route::answer::Answer;
use crate::sandbox::memory::route::options::{DeleteOptions, ListOptions, Propagation};
use crate::sandbox::memory::status::Status;
use crate::sandbox::memory::store::{Expect, Raced, Stored};
use crate::sandbox::memory::{admission, crd};

const ORPHAN: &str = "orphan";
const FOREGROUND: &str = "foregroundDeletion";
const TRIES: usize = 50;

/// What became of a deletion.
pub enum Deleted {
    /// It is gone; how it was at the end
    Gone(Written),
    /// It is marked, and goes later
    Marked(Written),
}

impl Call<'_> {
    /// DELETE of an object.
    pub(super) fn delete(&self) -> Result<Answer, Status> {
        let options = self.delete_options()?;
        let (served, name) = (&self.served, &self.target.name);
        let namespace = self.namespace();
        let deleted = delete(self.api, served, namespace, name, &options)?;
        match deleted {
            Deleted::Gone(written) if served.returns_deleted() => {
                self.renderer()?.object(200, &written)
            }
            Deleted::Gone(written) => {
                let uid = match &written {
                    Written::Stored(stored) => stored.facts.uid.to_string(),
                    Written::Dry(object) => meta(object, "uid").to_owned(),
                };
                Ok(Answer::value(200, &success(served, name, &uid), &self.form))
            }
            Deleted::Marked(written) => {
                let code = match options.orphan_dependents {
                    Some(false) => 202,
                    _ => 200,
                };
                self.renderer()?.object(code, &written)
            }
        }
    }

    /// DELETE of a collection.
    pub(super) fn delete_collection(&self) -> Result<Answer, Status> {
        let list = ListOptions::read(&self.request.query, false)?;
        let options = self.delete_options()?;
        let selected = self.selected(&list)?;
        for stored in &selected {
            let facts = &stored.facts;
            match delete(
                self.api,
                &self.served,
                &facts.namespace,
                &facts.name,
                &options,
            ) {
                Ok(_) => {}
                Err(status) if status.code == 404 => {}
                Err(status) => return Err(status),
            }
        }
        let page = crate::sandbox::memory::store::Page {
            version: self.api.store.version(),
            items: selected,
            has_more: false,
            remaining: None,
        };
        self.renderer()?.list(&page, None)
    }

    fn delete_options(&self) -> Result<DeleteOptions, Status> {
        let query = &self.request.query;
        if self.request.body.is_empty() {
            return DeleteOptions::read(query, None);
        }
        let body = self.plain_body()?;
        match body["kind"].as_str() {
            None | Some("" | "DeleteOptions") => DeleteOptions::read(query, Some(&body)),
            Some(kind) => {
                let api = body["apiVersion"].as_str().unwrap_or_default();
                let message = format!(
                    "no kind {kind:?} is registered for version {api:?} in scheme \"pkg/runtime/scheme.go:111\""
                );
                Err(Status::bad_request(message))
            }
        }
    }
}

fn success(served: &Served, name: &str, uid: &str) -> Value {
    let resource = &served.resource;
    let mut details = json!({"name": name});
    if !resource.group.is_empty() {
        details["group"] = json!(resource.group);
    }
    details["kind"] = json!(resource.plural);
    details["uid"] = json!(uid);
    json!({
        "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success",
        "details": details,
    })
}

/// Deletes an object, or marks it as deleted.
///
/// Errors: 404, 409 for preconditions, 403 for what may not be deleted.
pub fn delete(
    api: &Api,
    served: &Served,
    namespace: &str,
    name: &str,
    options: &DeleteOptions,
) -> Result<Deleted, Status> {
    let (group, plural) = (&served.resource.group, &served.resource.plural);
    admission::delete(served, name)?;
    let key = key(namespace, name);
    for _ in 0..TRIES {
        let live = api.store.get(served.shelf, &key);
        let live = live.ok_or_else(|| Status::not_found(group, plural, name))?;
        let version = live.version.to_string();
        check(served, name, options, &live.facts.uid, &version)?;
        if let Ok(done) = step(api, served, &live, options) {
            return done;
        }
    }
    Err(Status::conflict(
        group,
        plural,
        name,
        super::write::MODIFIED,
    ))
}

/// Whether an object with this uid, in this version, is the one that is to be deleted.
///
/// Errors: 409.
pub(super) fn check(
    served: &Served,
    name: &str,
    options: &DeleteOptions,
    uid: &str,
    version: &str,
) -> Result<(), Status> {
    let resource = &served.resource;
    // Namespaces are asked with the storage's words, all others with those of the strategy, which
    // names the kind where a resource is expected.
    let is_namespace = resource.group.is_empty() && resource.plural == "namespaces";
    let conflict = |why: String| match is_namespace {
        true => Status::conflict("", "namespaces", name, &why),
        false => Status::conflict(&resource.group, &resource.kind, name, &why),
    };
    if let Some(wanted) = &options.uid
        && wanted != uid
    {
        return Err(conflict(match is_namespace {
            true => format!(
                "Precondition failed: UID in precondition: {wanted}, UID in object meta: {uid}"
            ),
            false => format!(
                "the UID in the precondition ({wanted}) does not match the UID in record ({uid}). The object might have been deleted and then recreated"
            ),
        }));
    }
    if let Some(wanted) = &options.resource_version
        && wanted != version
    {
        return Err(conflict(match is_namespace {
            true => format!(
                "Precondition failed: ResourceVersion in precondition: {wanted}, ResourceVersion in object meta: {version}"
            ),
            false => format!(
                "the ResourceVersion in the precondition ({wanted}) does not match the ResourceVersion in record ({version}). The object might have been modified"
            ),
        }));
    }
    Ok(())
}

/// One try.
fn step(
    api: &Api,
    served: &Served,
    live: &Arc<Stored>,
    options: &DeleteOptions,
) -> Result<Result<Deleted, Status>, Raced> {
    let mut object = served.live(live);
    let now = Timestamp::now();
    let grace = match graceful(served, &mut object, options, now) {
        Grace::Pending => return Ok(Ok(Deleted::Marked(Written::Stored(Arc::clone(live))))),
        Grace::None => None,
        Grace::Seconds(seconds) => Some(seconds),
    };
    set_finalizers(served, &mut object, options);
    if served.is_definition() {
        crd::mark(&mut object, &crd::Deletion::Pending, &seconds(now));
    }
    let waits = object::finalizers(&object).next().is_some();
    let stays = served.stays_after_deletion(&object);
    if grace.is_none() && (waits || stays) {
        mark(&mut object, now, stays && !waits);
        if stays {
            terminate(served, &mut object);
        }
    }
    let goes = !waits && !stays && grace.is_none_or(|seconds| seconds == 0);
    served.normalise(&mut object);
    let draft = match served.draft(&mut object) {
        Ok(draft) => draft,
        Err(problem) => return Ok(Err(problem)),
    };
    if options.dry_run {
        let written = Written::Dry(object);
        return Ok(Ok(if goes {
            Deleted::Gone(written)
        } else {
            Deleted::Marked(written)
        }));
    }
    if goes {
        let mut allocation = api.allocator.begin(served);
        let last = api.store.remove(served.shelf, draft, live.version)?;
        allocation.done(Some(&object), None);
        let written = Written::Stored(last);
        return Ok(Ok(Deleted::Gone(written)));
    }
    if draft.is_same_as(live) {
        return Ok(Ok(Deleted::Marked(Written::Stored(Arc::clone(live)))));
    }
    let expect = Expect::Version(live.version);
    let stored = api
        .store
        .put(served.shelf, draft, expect, |_| Ok::<(), Raced>(()))?;
    Ok(Ok(Deleted::Marked(Written::Stored(stored))))
}

enum Grace {
    /// The kind knows no grace
    None,
    /// It is going already, and no sooner
    Pending,
    /// It goes after so many seconds
    Seconds(i64),
}

fn graceful(served: &Served, object: &mut Value, options: &DeleteOptions, now: Timestamp) -> Grace {
    let Some(usual) = served.grace_period(object) else {
        return Grace::None;
    };
    // Less than nothing counts as one second.
    let asked = options
        .grace
        .map(|seconds| if seconds < 0 { 1 } else { seconds });
    if object::is_deleting(object) {
        let left = object["metadata"]["deletionGracePeriodSeconds"].as_i64();
        let Some(left) = left.filter(|left| *left != 0) else {
            return Grace::None;
        };
        let Some(asked) = asked else {
            return Grace::Pending;
        };
        if asked >= left {
            return Grace::Pending;
        }
        let until = meta(object, "deletionTimestamp").parse::<Timestamp>();
        let began = until.map(|until| until - SignedDuration::from_secs(clamped(left)));
        let until = began.unwrap_or(now) + SignedDuration::from_secs(clamped(asked));
        set_meta(object, "deletionTimestamp", Some(json!(seconds(until))));
        set_meta(object, "deletionGracePeriodSeconds", Some(json!(asked)));
        return Grace::Seconds(asked);
    }
    let time = served.shortened(object, asked.unwrap_or(usual));
    let until = now + SignedDuration::from_secs(clamped(time));
    set_meta(object, "deletionTimestamp", Some(json!(seconds(until))));
    set_meta(object, "deletionGracePeriodSeconds", Some(json!(time)));
    next_generation(object);
    Grace::Seconds(time)
}

/// At most a century: times must stay within what a calendar has.
fn clamped(seconds: i64) -> i64 {
    const MOST: i64 = 100 * 366 * 24 * 60 * 60;
    seconds.clamp(0, MOST)
}

fn next_generation(object: &mut Value) {
    if let Some(generation) = object["metadata"]["generation"].as_i64().filter(|g| *g > 0) {
        set_meta(object, "generation", Some(json!(generation + 1)));
    }
}

fn mark(object: &mut Value, now: Timestamp, is_namespace: bool) {
    if !object::is_deleting(object) {
        if !is_namespace {
            next_generation(object);
        }
        set_meta(object, "deletionTimestamp", Some(json!(seconds(now))));
    }
    if !is_namespace {
        set_meta(object, "deletionGracePeriodSeconds", Some(json!(0)));
    }
}

fn terminate(served: &Served, object: &mut Value) {
    if served.resource.plural == "namespaces" {
        object["status"]["phase"] = json!("Terminating");
    }
}

/// Adds the finalizer that the garbage collector is to act upon, or takes it away.
fn set_finalizers(served: &Served, object: &mut Value, options: &DeleteOptions) {
    if served.is_collected_by_nobody() {
        return;
    }
    let has = |name: &str| object::finalizers(object).any(|f| f == name);
    let (orphan, foreground) = match (options.orphan_dependents, options.propagation) {
        (Some(orphans), _) => (orphans, false),
        (None, Some(Propagation::Orphan)) => (true, false),
        (None, Some(Propagation::Foreground)) => (false, true),
        (None, Some(Propagation::Background)) => (false, false),
        (None, None) => (has(ORPHAN), !has(ORPHAN) && has(FOREGROUND)),
    };
    let mut wanted: Vec<&str> = object::finalizers(object)
        .filter(|f| ![ORPHAN, FOREGROUND].contains(f))
        .collect();
    if orphan {
        wanted.push(ORPHAN);
    }
    if foreground {
        wanted.push(FOREGROUND);
    }
    let same =
        wanted.len() == object::finalizers(object).count() && wanted.iter().all(|name| has(name));
    if same {
        return;
    }
    let value = (!wanted.is_empty()).then(|| json!(wanted));
    set_meta(object, "finalizers", value);
}

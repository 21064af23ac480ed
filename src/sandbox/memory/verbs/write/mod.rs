//! The path that every write takes, whoever asks: defaults, who manages what, what may not be
//! changed, what is wrong, and then the store (apiserver's `pkg/registry/rest` and
//! `pkg/registry/generic/registry/store.go`).

mod kept;
mod rights;

use std::sync::Arc;

use serde_json::{Value, json};

use super::render::Written;
use crate::sandbox::memory::admission;
use crate::sandbox::memory::api::Api;
use crate::sandbox::memory::apply;
use crate::sandbox::memory::authn::User;
use crate::sandbox::memory::kinds::Write;
use crate::sandbox::memory::object::{self, meta, set_meta};
use crate::sandbox::memory::registry::Served;
use crate::sandbox::memory::status::Status;
use crate::sandbox::memory::store::{Draft, Expect, Look, Place, Raced, Stored};
use crate::sandbox::uuid;

/// How often a write is tried when others are faster: a client that loses that often is told.
const TRIES: usize = 50;
/// How often a name is generated when it is taken.
const NAMES: usize = 8;

/// What somebody else's optimistic lock says.
pub const MODIFIED: &str =
    "the object has been modified; please apply your changes to the latest version and try again";

/// A write of one object.
pub struct Writer<'a> {
    /// The server
    pub api: &'a Api,
    /// The resource, in the version of the request
    pub served: &'a Served,
    /// Empty where objects live in none
    pub namespace: &'a str,
    /// Empty for the object itself
    pub subresource: &'a str,
    /// Who writes
    pub user: &'a User,
    /// Under which name it manages fields
    pub manager: &'a str,
    /// Whether nothing is to be stored
    pub dry_run: bool,
    /// Whether it is a patch
    pub is_patch: bool,
    /// Whether what is to be changed is not there, and is made
    pub is_upsert: bool,
    /// Texts of warnings, for the client
    pub warnings: Vec<String>,
}

/// What an object is to become.
pub struct Change {
    /// In the stored version, decoded, with defaults
    pub object: Value,
    /// Whether its managedFields are right already, as after an apply
    pub is_managed: bool,
}

/// Why a write did not happen.
enum Stop {
    Raced,
    Refused(Status),
}

impl From<Raced> for Stop {
    fn from(_: Raced) -> Self {
        Stop::Raced
    }
}

impl From<Status> for Stop {
    fn from(status: Status) -> Self {
        Stop::Refused(status)
    }
}

impl Writer<'_> {
    /// Creates an object.
    ///
    /// Errors: what is wrong with it, or 409 when its name is taken.
    pub fn create(&mut self, change: Change) -> Result<Written, Status> {
        let generates = meta(&change.object, "name").is_empty()
            && !meta(&change.object, "generateName").is_empty();
        if !generates {
            return match self.try_create(change) {
                Ok(written) => Ok(written),
                Err(Stop::Refused(status)) => Err(status),
                Err(Stop::Raced) => unreachable!("a name that is taken is a refusal"),
            };
        }
        let mut taken = None;
        for _ in 0..NAMES {
            let mut object = change.object.clone();
            let name = object::generate_name(meta(&object, "generateName"));
            set_meta(&mut object, "name", Some(json!(name)));
            let made = self.try_create(Change {
                object,
                is_managed: change.is_managed,
            });
            match made {
                Ok(written) => return Ok(written),
                Err(Stop::Refused(status)) if status.reason == "AlreadyExists" => {
                    taken = Some(status);
                }
                Err(Stop::Refused(status)) => return Err(status),
                Err(Stop::Raced) => unreachable!("a name that is taken is a refusal"),
            }
        }
        Err(taken.unwrap_or_else(|| Status::internal("no name could be generated")))
    }

    fn try_create(&mut self, change: Change) -> Result<Written, Stop> {
        let served = self.served;
        let Change {
            mut object,
            is_managed,
        } = change;
        let now = self.api.now();
        self.place(&mut object)?;
        let sent_version = !matches!(meta(&object, "resourceVersion"), "" | "0");
        let wiped = [
            "resourceVersion",
            "selfLink",
            "deletionTimestamp",
            "deletionGracePeriodSeconds",
            "uid",
            "creationTimestamp",
        ];
        for field in wiped {
            set_meta(&mut object, field, None);
        }
        if !is_managed {
            self.manage(None, &mut object, &now);
        }
        admission::create(self, &mut object)?;
        set_meta(&mut object, "uid", Some(json!(uuid::random())));
        set_meta(&mut object, "creationTimestamp", Some(json!(now)));
        if served.has_status()
            && !served.takes_status()
            && let Some(fields) = object.as_object_mut()
        {
            fields.shift_remove("status");
        }
        let mut allocation = self.api.allocator.begin(served);
        allocation.give(&mut object, None, self.dry_run)?;
        served.prepare_create(&mut object);
        admission::sign(served, self.user, &mut object);
        if served.has_generation() {
            set_meta(&mut object, "generation", Some(json!(1)));
        }
        // It has its place among the fields before it has its value.
        set_meta(&mut object, "resourceVersion", Some(json!("0")));
        served.normalise(&mut object);
        let errors = served.validate_create(&object);
        if !errors.is_empty() {
            return Err(served.invalid(&object, &errors).into());
        }
        self.check_grant(&object, None)?;
        if self.is_upsert {
            self.check_creation(&object)?;
        }
        self.warnings.extend(served.warnings(&object, None));
        let _charge = admission::validate(self, &object, None)?;
        if sent_version && !is_managed {
            let message = "resourceVersion should not be set on objects to be created";
            return Err(Status::new(500, "", message).into());
        }
        let (group, plural) = (&served.resource.group, &served.resource.plural);
        let name = meta(&object, "name").to_owned();
        let taken = || {
            let mut status = Status::already_exists(group, plural, &name);
            let found = self
                .api
                .store
                .get(served.shelf, &key(self.namespace, &name));
            if found.is_some_and(|found| found.facts.is_deleting) {
                status.message = format!("object is being deleted: {}", status.message);
            }
            status
        };
        let draft = served.draft(&mut object)?;
        if self.dry_run {
            if self.api.store.get(served.shelf, draft.key()).is_some() {
                return Err(taken().into());
            }
            set_meta(&mut object, "resourceVersion", None);
            return Ok(Written::Dry(object));
        }
        let namespaces = self.api.namespaces;
        let namespace = self.namespace;
        let checks = served.resource.namespaced;
        let guard = |look: Look<'_>| {
            if !checks {
                return Ok(());
            }
            let found = look.get(namespaces, namespace).map(|stored| &**stored);
            admission::namespace_takes(found, namespace, group, plural, &name).map_err(Stop::from)
        };
        match self
            .api
            .store
            .put(served.shelf, draft, Expect::Absent, guard)
        {
            Ok(stored) => {
                allocation.done(None, Some(&object));
                Ok(Written::Stored(stored))
            }
            Err(Stop::Raced) => Err(taken().into()),
            Err(refused) => Err(refused),
        }
    }

    /// Changes an object, or creates it where that is allowed; tells which. `change` is asked for
    /// the new object, again when somebody else was faster.
    ///
    /// Errors: what `change` says, what is wrong with the new object, 404, 409.
    pub fn update(
        &mut self,
        name: &str,
        may_create: bool,
        mut change: impl FnMut(Option<&Value>, &mut Vec<String>) -> Result<Change, Status>,
    ) -> Result<(Written, bool), Status> {
        let key = key(self.namespace, name);
        for _ in 0..TRIES {
            let live = self.api.store.get(self.served.shelf, &key);
            self.warnings.clear();
            let Some(live) = live else {
                if !may_create {
                    return Err(self.not_found(name));
                }
                let mut change = change(None, &mut self.warnings)?;
                // Only who creates by POST must not name a version.
                set_meta(&mut change.object, "resourceVersion", None);
                let uid = meta(&change.object, "uid");
                if !uid.is_empty() {
                    let why = format!(
                        "uid mismatch: the provided object specified uid {uid}, and no existing object was found"
                    );
                    return Err(self.conflict(name, &why));
                }
                self.is_upsert = true;
                match self.try_create(change) {
                    Ok(written) => return Ok((written, true)),
                    Err(Stop::Refused(status)) if status.reason == "AlreadyExists" => continue,
                    Err(Stop::Refused(status)) => return Err(status),
                    Err(Stop::Raced) => continue,
                }
            };
            let old = self.served.live(&live);
            let change = change(Some(&old), &mut self.warnings)?;
            match self.try_update(&live, old, change) {
                Ok(written) => return Ok((written, false)),
                Err(Stop::Refused(status)) => return Err(status),
                Err(Stop::Raced) => {}
            }
        }
        Err(self.conflict(name, MODIFIED))
    }

    /// `old` is the live object's value.
    fn try_update(
        &mut self,
        live: &Arc<Stored>,
        mut old: Value,
        change: Change,
    ) -> Result<Written, Stop> {
        let served = self.served;
        let Change {
            mut object,
            is_managed,
        } = change;
        let name = live.facts.name.to_string();
        let now = self.api.now();
        self.place(&mut object)?;
        let uid = meta(&object, "uid");
        // Of what a patch makes, the validation tells.
        if !uid.is_empty() && *uid != *live.facts.uid && !self.is_patch {
            let why = format!(
                "StorageError: invalid object, Code: 4, Key: /registry/{}/{}, ResourceVersion: 0, AdditionalErrorMsg: Precondition failed: UID in precondition: {uid}, UID in object meta: {}",
                served.resource.plural, live.key, live.facts.uid
            );
            return Err(self.conflict(&name, &why).into());
        }
        self.check_version(&object, live, &name)?;
        if !is_managed {
            self.manage(Some(&old), &mut object, &now);
        }
        admission::update(self, &mut object, &old)?;
        self.keep(&mut object, &old);
        let mut allocation = self.api.allocator.begin(served);
        if self.subresource.is_empty() {
            allocation.give(&mut object, Some(&old), self.dry_run)?;
        }
        let write = Write {
            subresource: self.subresource,
            is_patch: self.is_patch,
        };
        if self.subresource != "binding" {
            served.prepare_update(write, &mut object, &old);
        }
        if meta(&object, "resourceVersion").is_empty() {
            set_meta(
                &mut object,
                "resourceVersion",
                Some(json!(live.version.to_string())),
            );
        }
        served.normalise(&mut object);
        if served.has_generation() && kept::counts(served, &object, &old) {
            let before = old["metadata"]["generation"].as_i64().unwrap_or(0);
            set_meta(&mut object, "generation", Some(json!(before + 1)));
            served.normalise(&mut object);
        }
        let errors = match self.subresource {
            // A binding changes what no update may.
            "binding" => Vec::new(),
            _ => served.validate_update(write, &object, &old, &mut self.warnings),
        };
        if !errors.is_empty() {
            return Err(served.invalid(&object, &errors).into());
        }
        self.check_grant(&object, Some(&old))?;
        self.warnings.extend(served.warnings(&object, Some(&old)));
        let _charge = admission::validate(self, &object, Some(&old))?;
        apply::keep_times(&mut object, &old);
        let ends = object::is_deleting(&object)
            && object::finalizers(&object).next().is_none()
            && served.ends_without_finalizers(&object);
        let draft = served.draft(&mut object)?;
        if self.dry_run {
            return Ok(Written::Dry(object));
        }
        if ends {
            // Watchers are shown how it was before its last change, who made it how it is now.
            let last = served.draft(&mut old)?;
            self.api.store.remove(served.shelf, last, live.version)?;
            allocation.done(Some(&old), None);
            set_meta(
                &mut object,
                "resourceVersion",
                Some(json!(live.version.to_string())),
            );
            return Ok(Written::Dry(object));
        }
        if draft.is_same_as(live) {
            return Ok(Written::Stored(Arc::clone(live)));
        }
        let expect = Expect::Version(live.version);
        let stored = self
            .api
            .store
            .put(served.shelf, draft, expect, |_| Ok::<(), Stop>(()))?;
        allocation.done(Some(&old), Some(&object));
        Ok(Written::Stored(stored))
    }

    fn manage(&self, live: Option<&Value>, object: &mut Value, now: &str) {
        self.served
            .managing(self.api, self.subresource, now, |context| {
                apply::update(context, live, object, self.manager);
            });
    }

    fn conflict(&self, name: &str, why: &str) -> Status {
        let resource = &self.served.resource;
        Status::conflict(&resource.group, &resource.plural, name, why)
    }

    fn not_found(&self, name: &str) -> Status {
        let resource = &self.served.resource;
        Status::not_found(&resource.group, &resource.plural, name)
    }
}

/// The key of an object on its shelf.
pub fn key(namespace: &str, name: &str) -> String {
    match namespace {
        "" => name.to_owned(),
        namespace => format!("{namespace}/{name}"),
    }
}

impl Api {
    /// The object at a place, with its resource in the version that controllers use.
    pub fn at(&self, place: &Place) -> Option<Arc<Stored>> {
        self.store.get(place.shelf, &place.key)
    }
}

impl Served {
    /// Calls `tell` with what it takes to say who manages which field of an object.
    pub(super) fn managing<T>(
        &self,
        api: &Api,
        subresource: &str,
        now: &str,
        tell: impl FnOnce(&apply::Context<'_>) -> T,
    ) -> T {
        let resource = &self.resource;
        let (group, plural) = (&resource.group, &resource.plural);
        let versions = self.versions_of(api);
        let versions: Vec<&str> = versions.iter().map(String::as_str).collect();
        tell(&apply::Context {
            types: &resource.types,
            type_: resource.type_,
            api_version: &resource.api_version(),
            kind: &resource.kind,
            subresource,
            served: &versions,
            filter: apply::filter(group, plural, subresource, self.has_status()).as_ref(),
            now,
        })
    }

    /// An object on its way into the store.
    ///
    /// Errors: 500 when it has no metadata, which decoding has seen to.
    pub fn draft(&self, object: &mut Value) -> Result<Draft, Status> {
        let fields = self.fields(object);
        let facts = object::facts(object, &self.stored_version, fields);
        Draft::new(object, facts).map_err(Status::internal)
    }
}

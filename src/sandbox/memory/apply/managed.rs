//! `metadata.managedFields`: who manages which fields, read and written
//! (apimachinery's `pkg/util/managedfields/internal/managedfields.go` and `capmanagers.go`).

use std::borrow::Cow;

use serde_json::{Map, Value, json};

use super::fields;
use super::go;
use super::set::Set;

/// How many entries of updates an object keeps before the oldest are merged.
const MAX_UPDATE_MANAGERS: usize = 10;

/// Who the fields of merged entries belong to.
const ANCIENT: &str = "ancient-changes";

/// What a manager did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Operation {
    /// Server-side apply
    Apply,
    /// Everything else
    Update,
}

impl Operation {
    fn word(self) -> &'static str {
        match self {
            Operation::Apply => "Apply",
            Operation::Update => "Update",
        }
    }
}

/// Who an entry belongs to. An applier is the same whatever version it applies.
#[derive(Clone, Debug)]
pub(super) struct Manager<'a> {
    /// The name that the request gave
    pub name: Cow<'a, str>,
    /// What it did
    pub operation: Operation,
    /// The version in which it did
    pub api_version: Cow<'a, str>,
    /// The subresource by which it did; empty for the object itself
    pub subresource: Cow<'a, str>,
}

impl PartialEq for Manager<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
            && self.operation == other.operation
            && self.subresource == other.subresource
            && (self.operation == Operation::Apply || self.api_version == other.api_version)
    }
}

/// An entry of managedFields.
#[derive(Clone, Debug)]
pub(super) struct Entry<'a> {
    /// Whose
    pub manager: Manager<'a>,
    /// RFC 3339, when it changed last; not every entry has one
    pub time: Option<Cow<'a, str>>,
    fields: Fields<'a>,
}

/// Which fields. Most entries are only looked at by a write, and need not be read for it.
#[derive(Clone, Debug)]
enum Fields<'a> {
    /// As stored, in canonical form: at that place of the list, and FieldsV1
    Stored(usize, &'a Value),
    /// Read, or new
    Read(Set<'a>),
}

/// All entries, in no order.
#[derive(Clone, Debug, Default)]
pub(super) struct Managed<'a> {
    /// Each manager once
    pub entries: Vec<Entry<'a>>,
}

impl<'a> Manager<'a> {
    /// How Kubernetes sorts managers and names them within: JSON of what makes them one.
    pub(super) fn identifier(&self) -> String {
        let mut map = Map::new();
        let api_version = match self.operation {
            Operation::Apply => "",
            Operation::Update => &self.api_version,
        };
        for (key, text) in [
            ("manager", &*self.name),
            ("operation", self.operation.word()),
            ("apiVersion", api_version),
            ("subresource", &*self.subresource),
        ] {
            if !text.is_empty() {
                map.insert(key.to_owned(), json!(text));
            }
        }
        Value::Object(map).to_string()
    }

    /// As conflicts name it: `"kubectl-edit" with subresource "scale" using apps/v1`.
    pub(super) fn shown(&self) -> String {
        let mut shown = go::quote(&self.name);
        if !self.subresource.is_empty() {
            shown.push_str(&format!(
                " with subresource {}",
                go::quote(&self.subresource)
            ));
        }
        if self.operation == Operation::Update {
            shown.push_str(&format!(" using {}", self.api_version));
        }
        shown
    }
}

impl<'a> Entry<'a> {
    /// A new entry.
    pub(super) fn new(manager: Manager<'a>, time: Option<Cow<'a, str>>, set: Set<'a>) -> Self {
        Entry {
            manager,
            time,
            fields: Fields::Read(set),
        }
    }

    /// Its fields.
    pub(super) fn set(&mut self) -> &Set<'a> {
        self.set_mut()
    }

    fn set_mut(&mut self) -> &mut Set<'a> {
        if let Fields::Stored(_, fields) = self.fields {
            // What is stored was written here, or checked when it came.
            self.fields = Fields::Read(fields::decode(fields).unwrap_or_default());
        }
        match &mut self.fields {
            Fields::Read(set) => set,
            Fields::Stored(..) => unreachable!("it was just read"),
        }
    }

    /// Its fields, to keep.
    pub(super) fn into_set(mut self) -> Set<'a> {
        std::mem::take(self.set_mut())
    }

    /// Changes its fields.
    pub(super) fn change(&mut self, change: impl FnOnce(Set<'a>) -> Set<'a>) {
        let set = self.set_mut();
        *set = change(std::mem::take(set));
    }

    /// Whether any of these fields is among its own.
    pub(super) fn meets(&self, set: &Set<'_>) -> bool {
        match &self.fields {
            _ if set.is_empty() => false,
            Fields::Stored(_, fields) => fields::meets(fields, set),
            Fields::Read(own) => own.meets(set),
        }
    }

    /// Takes fields from it.
    pub(super) fn lose(&mut self, set: &Set<'_>) {
        if self.meets(set) {
            self.change(|own| own.difference(set));
        }
    }

    /// Whether it has no fields.
    pub(super) fn is_empty(&self) -> bool {
        match &self.fields {
            Fields::Stored(_, fields) => fields.as_object().is_none_or(Map::is_empty),
            Fields::Read(set) => set.is_empty(),
        }
    }

    /// Whether it is as it is stored.
    pub(super) fn is_stored(&self) -> bool {
        matches!(self.fields, Fields::Stored(..))
    }

    fn seconds(&self) -> i64 {
        let time = self
            .time
            .as_ref()
            .and_then(|time| time.parse::<jiff::Timestamp>().ok());
        time.map_or(0, jiff::Timestamp::as_second)
    }

    /// The entry, taken from the stored list where it is the same.
    fn encode(&self, stored: &mut [Value]) -> Value {
        let fields = match &self.fields {
            Fields::Stored(at, fields) => match stored.get_mut(*at) {
                Some(entry) => return entry.take(),
                None => (*fields).clone(),
            },
            Fields::Read(set) => fields::encode(set),
        };
        let mut map = Map::with_capacity(7);
        let mut put = |key: &str, text: &str| {
            if !text.is_empty() {
                map.insert(key.to_owned(), json!(text));
            }
        };
        put("manager", &self.manager.name);
        put("operation", self.manager.operation.word());
        put("apiVersion", &self.manager.api_version);
        put("time", self.time.as_deref().unwrap_or_default());
        put("fieldsType", "FieldsV1");
        map.insert("fieldsV1".to_owned(), fields);
        if !self.manager.subresource.is_empty() {
            map.insert("subresource".to_owned(), json!(self.manager.subresource));
        }
        Value::Object(map)
    }
}

impl<'a> Managed<'a> {
    /// Takes over `metadata.managedFields` as it is stored, in canonical form, without reading the
    /// fields.
    pub(super) fn stored(list: &'a Value) -> Result<Self, String> {
        let mut managed = Managed::default();
        for (at, entry) in list.as_array().into_iter().flatten().enumerate() {
            let (manager, time, fields) = decode_entry(at, entry)?;
            let fields = Fields::Stored(at, fields);
            managed.put(Entry {
                manager,
                time,
                fields,
            });
        }
        Ok(managed)
    }

    /// Adds an entry, in place of one of the same manager: writes of the scale leave two of them.
    fn put(&mut self, entry: Entry<'a>) {
        match self.position(&entry.manager) {
            Some(at) => self.entries[at] = entry,
            None => self.entries.push(entry),
        }
    }

    /// Reads `metadata.managedFields` as somebody sent it.
    pub(super) fn decode(list: &'a Value) -> Result<Self, String> {
        let mut managed = Managed::default();
        for (at, entry) in list.as_array().into_iter().flatten().enumerate() {
            let (manager, time, fields) = decode_entry(at, entry)?;
            let entry = Entry::new(manager, time, fields::decode(fields)?);
            managed.put(entry);
        }
        Ok(managed)
    }

    /// Where that manager's entry is.
    pub(super) fn position(&self, manager: &Manager<'_>) -> Option<usize> {
        self.entries
            .iter()
            .position(|entry| entry.manager == *manager)
    }

    /// The list for `metadata.managedFields`, in the order of Kubernetes; `None` without entries.
    /// Entries that have not changed are taken out of `stored`, a copy of the list that was taken
    /// over, where there is one at hand.
    pub(super) fn encode(mut self, stored: Option<Value>) -> Option<Value> {
        let mut stored = match stored {
            Some(Value::Array(stored)) => stored,
            _ => Vec::new(),
        };
        if self.entries.is_empty() {
            return None;
        }
        self.entries.sort_by(|a, b| {
            let (left, right) = (&a.manager, &b.manager);
            left.operation
                .cmp(&right.operation)
                .then_with(|| a.seconds().cmp(&b.seconds()))
                .then_with(|| left.name.cmp(&right.name))
                .then_with(|| left.api_version.cmp(&right.api_version))
                .then_with(|| left.subresource.cmp(&right.subresource))
        });
        let entries = self.entries.iter().map(|entry| entry.encode(&mut stored));
        Some(Value::Array(entries.collect()))
    }

    /// Merges the oldest entries of updates while there are too many, version by version.
    pub(super) fn cap(&mut self) {
        let updates = self
            .entries
            .iter()
            .filter(|e| e.manager.operation == Operation::Update);
        let mut count = updates.clone().count();
        if count <= MAX_UPDATE_MANAGERS {
            return;
        }
        let mut oldest: Vec<(i64, String, Manager<'a>)> = updates
            .map(|e| (e.seconds(), e.manager.identifier(), e.manager.clone()))
            .collect();
        oldest.sort_by(|a, b| (a.0, &a.1).cmp(&(b.0, &b.1)));
        // The first entry of a version waits until a second one comes to be merged with it.
        let mut first: Vec<Manager<'a>> = Vec::new();
        for (_, _, manager) in oldest {
            if count <= MAX_UPDATE_MANAGERS {
                break;
            }
            let version = &manager.api_version;
            let Some(at) = first.iter().position(|first| first.api_version == *version) else {
                first.push(manager);
                continue;
            };
            let bucket = Manager {
                name: Cow::Borrowed(ANCIENT),
                subresource: Cow::Borrowed(""),
                ..manager.clone()
            };
            if self.position(&bucket).is_none()
                && let Some(at) = self.position(&first[at])
            {
                let first = &mut self.entries[at];
                first.manager = bucket.clone();
                // It is read, for it is not as it is stored any more.
                first.change(|set| set);
            }
            // When the bucket itself comes after others it is lost here, as it is in Kubernetes.
            let Some(taken) = self
                .position(&manager)
                .map(|at| self.entries.swap_remove(at))
            else {
                continue;
            };
            if let Some(at) = self.position(&bucket) {
                let bucket = &mut self.entries[at];
                bucket.time = taken.time.clone();
                bucket.change(|set| set.union(taken.into_set()));
            }
            count -= 1;
        }
    }
}

/// Who, when, and FieldsV1.
type Parts<'a> = (Manager<'a>, Option<Cow<'a, str>>, &'a Value);

fn decode_entry(at: usize, entry: &Value) -> Result<Parts<'_>, String> {
    let text = |key: &str| entry.get(key).and_then(Value::as_str);
    let borrowed = |key: &str| Cow::Borrowed(text(key).unwrap_or_default());
    let operation = match text("operation") {
        Some("Apply") => Operation::Apply,
        Some("Update") => Operation::Update,
        _ => return Err("operation must be `Apply` or `Update`".to_owned()),
    };
    if text("apiVersion").is_none_or(str::is_empty) {
        return Err("apiVersion must not be empty".to_owned());
    }
    match text("fieldsType") {
        Some("FieldsV1") => {}
        None | Some("") => {
            return Err(format!("missing fieldsType in managed fields entry {at}"));
        }
        Some(other) => {
            let other = go::quote(other);
            return Err(format!(
                "invalid fieldsType {other} in managed fields entry {at}"
            ));
        }
    }
    let manager = Manager {
        name: borrowed("manager"),
        operation,
        api_version: borrowed("apiVersion"),
        subresource: borrowed("subresource"),
    };
    let fields = entry.get("fieldsV1").unwrap_or(&Value::Null);
    Ok((manager, text("time").map(Cow::Borrowed), fields))
}

/// The list of an object, if it has one.
pub(super) fn of(object: &Value) -> Option<&Value> {
    object
        .get("metadata")?
        .get("managedFields")
        .filter(|list| !list.is_null())
}

/// Takes the list out of an object.
pub(super) fn take(object: &mut Value) -> Option<Value> {
    let metadata = object.get_mut("metadata")?.as_object_mut()?;
    metadata
        .shift_remove("managedFields")
        .filter(|list| !list.is_null())
}

/// Puts a list into an object, in place of the one that it has.
pub(super) fn put(object: &mut Value, list: Option<Value>) {
    let Some(list) = list else {
        take(object);
        return;
    };
    let Some(object) = object.as_object_mut() else {
        return;
    };
    let metadata = object
        .entry("metadata")
        .or_insert_with(|| Value::Object(Map::new()));
    if !metadata.is_object() {
        *metadata = Value::Object(Map::new());
    }
    if let Some(metadata) = metadata.as_object_mut() {
        metadata.insert("managedFields".to_owned(), list);
    }
}

/// Whether a client asks by this list that managers be forgotten.
pub(super) fn is_reset(list: &Value) -> bool {
    match list.as_array().map(Vec::as_slice) {
        Some([]) => true,
        Some([Value::Object(entry)]) => entry.values().all(|value| match value {
            Value::Null => true,
            Value::String(text) => text.is_empty(),
            _ => false,
        }),
        _ => false,
    }
}

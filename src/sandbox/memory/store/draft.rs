//! An object on its way into the store, and in it.

use std::borrow::Cow;
use std::fmt;
use std::sync::{Arc, LazyLock};

use bytes::Bytes;
use serde::de::{IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value, json};

/// What is known of an object without reading its JSON.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// Empty where it lives in none
    pub namespace: Arc<str>,
    /// Its name
    pub name: Arc<str>,
    /// Its uid
    pub uid: Arc<str>,
    /// The group's version in which it is stored, such as `v1`
    pub version: Arc<str>,
    /// Its labels, ordered
    pub labels: Box<[(Arc<str>, Arc<str>)]>,
    /// By which fields it can be selected, beside name and namespace; without those that are empty
    pub fields: Box<[(Cow<'static, str>, Arc<str>)]>,
    /// The uids in its ownerReferences
    pub owners: Box<[Arc<str>]>,
    /// Whether it is marked as deleted
    pub is_deleting: bool,
}

/// An object that is stored. Never changes.
#[derive(Debug)]
pub struct Stored {
    /// Its key on the shelf
    pub key: Arc<str>,
    /// The resourceVersion
    pub version: u64,
    /// See [`Facts`]
    pub facts: Facts,
    json: Bytes,
}

/// An object that is to be stored, as JSON that lacks nothing but its resourceVersion.
#[derive(Clone, Debug)]
pub struct Draft {
    key: Arc<str>,
    facts: Facts,
    before: Vec<u8>,
    after: usize,
}

/// Stands for the resourceVersion until there is one. Nobody can know it, so that nothing in an
/// object can be taken for it.
static SENTINEL: LazyLock<String> = LazyLock::new(|| {
    let secret = getrandom::u64().unwrap_or(0x5eed_0f5a_11d5_ca1e);
    format!("@{secret:016x}@")
});

impl Draft {
    /// Writes an object, whose `metadata.resourceVersion` may hold anything, and leaves it as it
    /// was. The facts must be the object's.
    ///
    /// Errors: when the object has no `metadata`, which decoding has seen to.
    pub fn new(object: &mut Value, facts: Facts) -> Result<Self, serde_json::Error> {
        use serde::de::Error;
        const VERSION: &str = "resourceVersion";
        let none = || serde_json::Error::custom("no metadata");
        let metadata = object.get_mut("metadata").and_then(Value::as_object_mut);
        let own = metadata
            .ok_or_else(none)?
            .insert(VERSION.to_owned(), SENTINEL.as_str().into());
        let json = serde_json::to_vec(object);
        let metadata = object.get_mut("metadata").and_then(Value::as_object_mut);
        let metadata = metadata.ok_or_else(none)?;
        match own {
            Some(own) => metadata.insert(VERSION.to_owned(), own),
            None => metadata.shift_remove(VERSION),
        };
        let json = json?;
        let mark = format!("\"resourceVersion\":\"{}\"", *SENTINEL);
        let at = memchr::memmem::find(&json, mark.as_bytes());
        let at = at.ok_or_else(|| serde_json::Error::custom("no resourceVersion"))?;
        let value = at + mark.len() - 1 - SENTINEL.len();
        let mut before = json;
        before.drain(value..value + SENTINEL.len());
        let key = match &*facts.namespace {
            "" => Arc::clone(&facts.name),
            namespace => format!("{namespace}/{}", facts.name).into(),
        };
        Ok(Draft {
            key,
            facts,
            before,
            after: value,
        })
    }

    /// See [`Stored::key`].
    pub fn key(&self) -> &str {
        &self.key
    }

    /// Whether storing it would change nothing but the version.
    pub fn is_same_as(&self, stored: &Stored) -> bool {
        let digits = stored.version.to_string();
        let (before, after) = self.before.split_at(self.after);
        let rest = stored.json.strip_prefix(before);
        let rest = rest.and_then(|rest| rest.strip_prefix(digits.as_bytes()));
        rest == Some(after)
    }

    pub(super) fn stamp(self, version: u64) -> Stored {
        let digits = version.to_string();
        let (before, after) = self.before.split_at(self.after);
        let mut json = Vec::with_capacity(self.before.len() + digits.len());
        json.extend_from_slice(before);
        json.extend_from_slice(digits.as_bytes());
        json.extend_from_slice(after);
        Stored {
            key: self.key,
            version,
            facts: self.facts,
            json: json.into(),
        }
    }
}

impl Stored {
    /// The object as it is answered.
    pub fn json(&self) -> &Bytes {
        &self.json
    }

    /// The object, parsed.
    pub fn value(&self) -> Value {
        // It was written by serde_json and never changed.
        serde_json::from_slice(&self.json).unwrap_or(Value::Null)
    }

    /// The object with nothing but its metadata, and that without managedFields.
    pub fn metadata(&self) -> Value {
        let read = serde_json::from_slice(&self.json);
        let metadata = read.map(|Partial { metadata }| metadata.0);
        json!({"metadata": metadata.unwrap_or_default()})
    }
}

#[derive(Deserialize)]
struct Partial {
    metadata: Metadata,
}

struct Metadata(Map<String, Value>);

impl<'de> Deserialize<'de> for Metadata {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Fields;
        impl<'de> Visitor<'de> for Fields {
            type Value = Metadata;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("metadata")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Metadata, A::Error> {
                let mut read = Map::new();
                while let Some(name) = fields.next_key::<String>()? {
                    if name == "managedFields" {
                        fields.next_value::<IgnoredAny>()?;
                    } else {
                        read.insert(name, fields.next_value()?);
                    }
                }
                Ok(Metadata(read))
            }
        }
        deserializer.deserialize_map(Fields)
    }
}

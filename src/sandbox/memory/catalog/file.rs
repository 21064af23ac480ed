//! The file that is in the binary: three gzip members, each one line of JSON.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;
use std::io::Read;
use std::sync::OnceLock;

use flate2::bufread::GzDecoder;
use serde::de::{Error, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use sha2::{Digest, Sha512};

static FILE: &[u8] = include_bytes!("catalog.json.gz");

/// The first member.
#[derive(Deserialize)]
pub(super) struct Facts<'a> {
    pub(super) kubernetes: &'a str,
    pub(super) version: Value,
    pub(super) paths: Vec<&'a str>,
    #[serde(borrow)]
    pub(super) types: Vec<TypeFacts<'a>>,
    pub(super) kinds: HashMap<&'a str, Vec<usize>>,
    pub(super) core: Vec<GroupFacts<'a>>,
    pub(super) groups: Vec<GroupFacts<'a>>,
    pub(super) hashes: HashMap<&'a str, &'a str>,
    pub(super) columns: HashMap<&'a str, Vec<ColumnFacts<'a>>>,
}

/// A named type.
#[derive(Deserialize)]
pub(super) struct TypeFacts<'a> {
    #[serde(rename = "n")]
    pub(super) name: &'a str,
    #[serde(default)]
    pub(super) any: bool,
    #[serde(default, rename = "a")]
    pub(super) atomic: bool,
    #[serde(default, rename = "f", borrow)]
    pub(super) fields: Vec<FieldFacts<'a>>,
}

/// A field; the generator's `types.go` says how types and flags are written.
pub(super) struct FieldFacts<'a> {
    pub(super) name: &'a str,
    pub(super) type_: &'a str,
    pub(super) flags: u32,
    pub(super) merge_key: &'a str,
    pub(super) default: Option<Value>,
}

impl<'de: 'a, 'a> Deserialize<'de> for FieldFacts<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Parts;
        impl<'de> Visitor<'de> for Parts {
            type Value = FieldFacts<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("[name, type, flags, merge key, default]")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut parts: A) -> Result<Self::Value, A::Error> {
                let missing = || A::Error::custom("a field without name, type and flags");
                Ok(FieldFacts {
                    name: parts.next_element()?.ok_or_else(missing)?,
                    type_: parts.next_element()?.ok_or_else(missing)?,
                    flags: parts.next_element()?.ok_or_else(missing)?,
                    merge_key: parts.next_element()?.unwrap_or_default(),
                    default: parts.next_element()?,
                })
            }
        }
        deserializer.deserialize_seq(Parts)
    }
}

/// A group of aggregated discovery.
#[derive(Deserialize)]
pub(super) struct GroupFacts<'a> {
    pub(super) name: &'a str,
    #[serde(borrow)]
    pub(super) versions: Vec<VersionFacts<'a>>,
}

#[derive(Deserialize)]
pub(super) struct VersionFacts<'a> {
    pub(super) version: &'a str,
    #[serde(borrow)]
    pub(super) resources: Vec<ResourceFacts<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ResourceFacts<'a> {
    pub(super) resource: &'a str,
    #[serde(borrow)]
    pub(super) response_kind: KindFacts<'a>,
    pub(super) scope: &'a str,
    pub(super) singular_resource: &'a str,
    pub(super) verbs: Vec<&'a str>,
    #[serde(default)]
    pub(super) short_names: Vec<&'a str>,
    #[serde(default)]
    pub(super) categories: Vec<&'a str>,
    #[serde(default)]
    pub(super) subresources: Vec<SubresourceFacts<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct SubresourceFacts<'a> {
    pub(super) subresource: &'a str,
    #[serde(borrow)]
    pub(super) response_kind: KindFacts<'a>,
    pub(super) verbs: Vec<&'a str>,
}

#[derive(Deserialize)]
pub(super) struct KindFacts<'a> {
    pub(super) group: &'a str,
    pub(super) version: &'a str,
    pub(super) kind: &'a str,
}

/// Name, type, format, priority, and where its description is.
#[derive(Deserialize)]
pub(super) struct ColumnFacts<'a>(
    pub(super) &'a str,
    pub(super) &'a str,
    pub(super) &'a str,
    pub(super) i32,
    #[serde(borrow)] pub(super) Cow<'a, str>,
);

/// What is needed always.
pub(super) const FACTS: usize = 0;
/// The objects of a fresh server.
pub(super) const BOOTSTRAP: usize = 1;
/// What OpenAPI documents are made of.
pub(super) const OPENAPI: usize = 2;

/// One of the members.
pub(super) fn member(number: usize) -> String {
    let mut rest = FILE;
    let mut text = String::new();
    for _ in 0..=number {
        text.clear();
        let mut member = GzDecoder::new(rest);
        let read = member.read_to_string(&mut text);
        debug_assert!(read.is_ok(), "{read:?}");
        rest = member.into_inner();
    }
    text
}

/// What a member holds. The file is in the binary and tests read all of it, so that a failure here is
/// a defect of the build.
#[expect(clippy::panic)]
pub(super) fn parse<'a, T: Deserialize<'a>>(text: &'a str) -> T {
    serde_json::from_str(text).unwrap_or_else(|e| panic!("the catalog in this binary: {e}"))
}

/// Tells one content of the file from another.
pub(super) fn digest() -> &'static [u8] {
    static DIGEST: OnceLock<Vec<u8>> = OnceLock::new();
    DIGEST.get_or_init(|| Sha512::digest(FILE).to_vec())
}

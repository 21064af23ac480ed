//! An object whose row is made, as printers read it.

use std::borrow::Cow;

use jiff::Timestamp;
use serde_json::Value;

use super::time;
use crate::sandbox::memory::kinds::workloads::read;

/// Stands for what is empty.
pub(super) const NONE: &str = "<none>";
/// Stands for what is not set.
pub(super) const UNSET: &str = "<unset>";
/// Stands for what nobody knows.
pub(super) const UNKNOWN: &str = "<unknown>";

/// See the module. Paths are names joined by dots; what is absent reads as the zero value.
pub(super) struct Row<'a> {
    pub(super) object: &'a Value,
    /// When ages end
    pub(super) now: Timestamp,
}

/// Cells of texts, numbers and booleans.
macro_rules! cells {
    ($($cell:expr),* $(,)?) => {
        vec![$(serde_json::Value::from($cell)),*]
    };
}
pub(super) use cells;

impl<'a> Row<'a> {
    pub(super) fn text(&self, path: &str) -> &'a str {
        read::text(self.object, path)
    }

    /// A text, or the word for an empty one.
    pub(super) fn text_or(&self, path: &str, word: &'static str) -> &'a str {
        match self.text(path) {
            "" => word,
            text => text,
        }
    }

    /// A text, or the word where none is given; an empty one is given too.
    pub(super) fn given_or(&self, path: &str, word: &'static str) -> &'a str {
        let text = read::given(self.object, path).and_then(Value::as_str);
        text.unwrap_or(word)
    }

    pub(super) fn int(&self, path: &str) -> i64 {
        read::int(self.object, path)
    }

    pub(super) fn flag(&self, path: &str) -> bool {
        read::flag(self.object, path)
    }

    pub(super) fn items(&self, path: &str) -> &'a [Value] {
        read::items(self.object, path)
    }

    pub(super) fn given(&self, path: &str) -> Option<&'a Value> {
        read::given(self.object, path)
    }

    /// How many entries a map has.
    pub(super) fn entries(&self, path: &str) -> usize {
        read::at(self.object, path)
            .as_object()
            .map_or(0, |map| map.len())
    }

    pub(super) fn name(&self) -> &'a str {
        self.text("metadata.name")
    }

    pub(super) fn annotation(&self, key: &str) -> Option<&'a str> {
        read::entry(self.object, "metadata.annotations", key)
    }

    /// The name, marked when an annotation says that the object is what is used by default.
    pub(super) fn name_or_default(&self, annotations: &[&str]) -> Cow<'a, str> {
        let is_default = |key: &&str| self.annotation(key) == Some("true");
        match annotations.iter().any(is_default) {
            true => Cow::Owned(format!("{} (default)", self.name())),
            false => Cow::Borrowed(self.name()),
        }
    }

    pub(super) fn is_deleting(&self) -> bool {
        !self.text("metadata.deletionTimestamp").is_empty()
    }

    pub(super) fn age(&self) -> String {
        self.since("metadata.creationTimestamp")
    }

    /// How long ago something was.
    pub(super) fn since(&self, path: &str) -> String {
        time::since(time::read(self.text(path)), self.now)
    }
}

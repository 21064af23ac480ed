//! How Go's errors name fields and their types.

use std::collections::HashMap;

use serde::Deserialize;

use super::Catalog;
use super::file;

/// By schema and field.
type ByField = HashMap<String, HashMap<String, String>>;

/// What only errors need.
#[derive(Debug, Deserialize)]
pub(super) struct Words {
    /// Go types, only where they cannot be told from the field's type
    words: ByField,
    /// The Go structs that are embedded on the way to the field
    embedded: ByField,
    /// Kinds of group-versions that are not served
    others: HashMap<String, Vec<String>>,
}

impl Catalog {
    /// The Go type of a field, such as `v1.PullPolicy`, where the field's type in
    /// [`types`](Catalog::types) does not tell: it is a Go type with a name of its own that holds
    /// text, a list or a map.
    pub fn go_type(&self, schema: &str, field: &str) -> Option<&str> {
        Some(self.words().words.get(schema)?.get(field)?)
    }

    /// The Go structs that are embedded on the way from a struct to its field, such as
    /// `VolumeSource` for `emptyDir` of a volume.
    pub fn embedded(&self, schema: &str, field: &str) -> Option<&str> {
        Some(self.words().embedded.get(schema)?.get(field)?)
    }

    /// Whether Kubernetes has that kind, in a version that is served or in another one.
    pub fn knows(&self, group: &str, version: &str, kind: &str) -> bool {
        if self.serves(group, version) {
            return self.type_of(group, version, kind).is_some();
        }
        let others = self.words().others.get(&format!("{group}/{version}"));
        others.is_some_and(|kinds| kinds.iter().any(|known| known == kind))
    }

    fn serves(&self, group: &str, version: &str) -> bool {
        let mut groups = self.groups().iter();
        groups.any(|g| g.name == group && g.versions.iter().any(|v| v == version))
    }

    fn words(&self) -> &Words {
        self.words
            .get_or_init(|| file::parse(&file::member(file::OPENAPI)))
    }
}

//! How Go's errors name the types of fields.

use std::collections::HashMap;

use serde::Deserialize;

use super::Catalog;
use super::file;

/// By schema and field, only where it cannot be told from the field's type.
pub(super) type Words = HashMap<String, HashMap<String, String>>;

#[derive(Deserialize)]
struct Part {
    words: Words,
}

impl Catalog {
    /// The Go type of a field, such as `v1.PullPolicy`, where the field's type in
    /// [`types`](Catalog::types) does not tell: it is a Go type with a name of its own that holds
    /// text, a list or a map.
    pub fn go_type(&self, schema: &str, field: &str) -> Option<&str> {
        let words = self
            .words
            .get_or_init(|| file::parse::<Part>(&file::member(file::OPENAPI)).words);
        words.get(schema)?.get(field).map(String::as_str)
    }
}

//! The columns of Tables.

use std::collections::HashMap;
use std::sync::OnceLock;

use super::descriptions;
use super::file::ColumnFacts;

/// A column of a Table of built-in objects (`columnDefinitions`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    /// The heading
    pub name: String,
    /// Such as `string`
    pub type_: String,
    /// `name` for the column of names; mostly empty
    pub format: String,
    /// 0 for what is always shown, 1 for `-o wide`
    pub priority: i32,
    description: String,
    shown: OnceLock<String>,
}

impl Column {
    /// What the column shows: a text of its own, or that of the field that it is about.
    pub fn description(&self) -> &str {
        match self.description.strip_prefix('=') {
            Some(text) => text,
            // Tables are asked for far more often than there are columns.
            None => self
                .shown
                .get_or_init(|| descriptions::of_place(&self.description).unwrap_or_default()),
        }
    }
}

/// By group and plural, such as `apps/deployments`: what is shown does not depend on the version.
pub(super) fn build(facts: HashMap<&str, Vec<ColumnFacts<'_>>>) -> HashMap<String, Vec<Column>> {
    let mut columns = HashMap::new();
    for (key, all) in facts {
        let mut parts = key.rsplitn(3, '/');
        let (plural, _version, group) = (parts.next(), parts.next(), parts.next());
        let key = format!(
            "{}/{}",
            group.unwrap_or_default(),
            plural.unwrap_or_default()
        );
        let all =
            all.into_iter().map(
                |ColumnFacts(name, type_, format, priority, description)| Column {
                    name: name.to_owned(),
                    type_: type_.to_owned(),
                    format: format.to_owned(),
                    priority,
                    description: description.into_owned(),
                    shown: OnceLock::new(),
                },
            );
        columns.insert(key, all.collect());
    }
    columns
}

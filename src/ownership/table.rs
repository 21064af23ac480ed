//! The server's answers to lists: Tables, or Lists where it knows no Tables.

use serde::{Deserialize, Deserializer};
use serde_json::Value;

use super::object::Metadata;

/// `meta.k8s.io/v1` Table, with the objects' metadata in its rows; or a List.
/// Source: k8s.io/apimachinery/pkg/apis/meta/v1/types.go.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Page {
    pub(super) metadata: ListMetadata,
    #[serde(deserialize_with = "or_default")]
    pub(super) column_definitions: Vec<Column>,
    #[serde(deserialize_with = "or_default")]
    pub(super) rows: Vec<Row>,
    /// What came in place of rows
    #[serde(deserialize_with = "or_default")]
    pub(super) items: Vec<Value>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct ListMetadata {
    #[serde(rename = "continue", deserialize_with = "or_default")]
    pub(super) next: String,
    #[serde(deserialize_with = "or_default")]
    pub(super) resource_version: String,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Column {
    pub(super) name: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Row {
    pub(super) cells: Vec<Value>,
    pub(super) object: Meta,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Meta {
    pub(super) metadata: Metadata,
}

/// The default in place of null, which Go writes where nobody made the list.
pub(super) fn or_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de> + Default,
{
    Ok(Option::<T>::deserialize(deserializer)?.unwrap_or_default())
}

/// The cells of a row by the names of their columns.
pub(super) struct Cells<'a> {
    columns: &'a [Column],
    cells: &'a [Value],
}

impl<'a> Cells<'a> {
    pub(super) fn new(columns: &'a [Column], cells: &'a [Value]) -> Self {
        Cells { columns, cells }
    }

    /// A cell as text; nothing where the column is missing or the cell has no value.
    pub(super) fn get(&self, column: &str) -> Option<String> {
        let mut columns = self.columns.iter();
        let at = columns.position(|c| c.name.eq_ignore_ascii_case(column))?;
        let text = match self.cells.get(at)? {
            Value::Null => return None,
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        (!text.is_empty() && !matches!(text.as_str(), "<none>" | "<unknown>" | "<unset>"))
            .then_some(text)
    }

    /// A cell that is a number.
    pub(super) fn number(&self, column: &str) -> Option<i64> {
        let text = self.get(column)?;
        let digits = text.split_whitespace().next()?;
        digits.parse().ok()
    }
}

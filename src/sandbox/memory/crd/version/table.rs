//! Rows of Tables (`pkg/registry/customresource/tableconvertor`).

use std::sync::OnceLock;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::super::definition::Column;
use super::super::go;
use super::super::jsonpath::JsonPath;
use super::{Version, age};
use crate::sandbox::memory::catalog::catalog;

/// Where columns without a path of their own look.
const CREATED: &str = ".metadata.creationTimestamp";

impl Version {
    /// `columnDefinitions` of a Table of its objects.
    pub fn columns(&self) -> Value {
        let mut all = vec![json!({
            "name": "Name",
            "type": "string",
            "format": "name",
            "description": description("name"),
            "priority": 0,
        })];
        // A column whose path makes no sense ends the table.
        let columns = self
            .columns
            .iter()
            .take_while(|c| JsonPath::parse(&c.json_path).is_some());
        all.extend(columns.map(definition));
        if self.columns.is_empty() {
            all.push(json!({
                "name": "Age",
                "type": "date",
                "format": "",
                "description": description("creationTimestamp"),
                "priority": 0,
            }));
        }
        Value::Array(all)
    }

    /// `cells` of an object's row, in the order of the columns.
    pub fn cells(&self, object: &Value, now: Timestamp) -> Vec<Value> {
        let name = object["metadata"]["name"].as_str().unwrap_or_default();
        let mut cells = vec![json!(name)];
        for column in &self.columns {
            match JsonPath::parse(&column.json_path) {
                Some(path) => cells.push(cell(&path, &column.type_, object, now)),
                None => break,
            }
        }
        if self.columns.is_empty()
            && let Some(path) = JsonPath::parse(CREATED)
        {
            cells.push(cell(&path, "date", object, now));
        }
        cells
    }
}

fn definition(column: &Column) -> Value {
    let description = match column.description.as_str() {
        "" => format!(
            "Custom resource definition column (in JSONPath format): {}",
            column.json_path
        ),
        own => own.to_owned(),
    };
    json!({
        "name": column.name,
        "type": column.type_,
        "format": column.format,
        "description": description,
        "priority": column.priority,
    })
}

/// What is said about a field of ObjectMeta.
fn description(field: &str) -> Value {
    static OBJECT_META: OnceLock<Value> = OnceLock::new();
    let meta = OBJECT_META.get_or_init(|| catalog().object_meta());
    meta["properties"][field]["description"].clone()
}

fn cell(path: &JsonPath, type_: &str, object: &Value, now: Timestamp) -> Value {
    let found = path.find(object).unwrap_or_default();
    let Some(value) = found.first() else {
        return Value::Null;
    };
    let value = value.as_ref();
    if type_ == "string" {
        return match value {
            Value::Null => json!("<no value>"),
            Value::Array(_) | Value::Object(_) => json!(go::json(value)),
            value => json!(go::sprint(value)),
        };
    }
    match (type_, value) {
        ("integer", Value::Number(number)) => match go::integer(number) {
            Some(integer) => json!(integer),
            None => json!(truncated(number.as_f64().unwrap_or_default())),
        },
        ("number", Value::Number(_)) | ("boolean", Value::Bool(_)) => value.clone(),
        ("date", Value::String(text)) => json!(age::cell(text, now)),
        _ => Value::Null,
    }
}

/// An integer as Go makes it of a float on amd64.
#[expect(clippy::cast_possible_truncation)]
fn truncated(float: f64) -> i64 {
    if float.abs() < 9.2e18 {
        float as i64
    } else {
        i64::MIN
    }
}

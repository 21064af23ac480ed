//! Rows as the real server makes them. `cases.txt` has three lines for each: the resource and when
//! it was asked; what the cells are made of; the cells.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::cells::{cells, precedes, row_conditions};
use super::plain_cells;
use crate::sandbox::memory::catalog::catalog;

struct Case {
    group: &'static str,
    plural: &'static str,
    now: Timestamp,
    object: Value,
    cells: Value,
}

impl Case {
    fn all() -> Vec<Case> {
        let lines: Vec<&str> = include_str!("cases.txt").lines().collect();
        let read = |lines: &[&'static str]| {
            let (resource, now) = lines[0].split_once(' ').unwrap();
            let (group, plural) = resource.split_once('/').unwrap();
            Case {
                group,
                plural,
                now: now.parse().unwrap(),
                object: serde_json::from_str(lines[1]).unwrap(),
                cells: serde_json::from_str(lines[2]).unwrap(),
            }
        };
        lines.chunks(3).map(read).collect()
    }

    fn made(&self) -> Vec<Value> {
        let made = cells(self.group, self.plural, &self.object, self.now);
        made.unwrap_or_else(|| panic!("{}/{} has no cells", self.group, self.plural))
    }
}

#[test]
fn cells_are_those_of_the_real_server() {
    let cases = Case::all();
    assert!(cases.len() > 100);
    let wrong: Vec<String> = cases
        .iter()
        .map(|case| (case, Value::Array(case.made())))
        .filter(|(case, made)| *made != case.cells)
        .map(|(case, made)| format!("{}: {}\n{made}\n{}", case.plural, case.object, case.cells))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn each_kind_with_columns_of_its_own_is_tried() {
    let tried: BTreeSet<(&str, &str)> = Case::all().iter().map(|c| (c.group, c.plural)).collect();
    for resource in catalog().resources() {
        let (group, plural) = (resource.group.as_str(), resource.plural.as_str());
        let columns = catalog().columns(group, plural);
        if columns.is_empty() {
            continue;
        }
        let made = cells(group, plural, &json!({}), Timestamp::UNIX_EPOCH);
        let is_plain = columns[1].name == "Created At";
        assert_eq!(made.is_none(), is_plain, "{group}/{plural}");
        assert_ne!(
            tried.contains(&(group, plural)),
            is_plain,
            "{group}/{plural}"
        );
        // An age without a column is a slip of the real server.
        let more = usize::from(plural == "ipaddresses");
        let made = made.unwrap_or_else(|| plain_cells(&json!({})));
        assert_eq!(made.len(), columns.len() + more, "{group}/{plural}");
    }
}

/// Whatever stands where, there are as many cells as ever, and nothing breaks.
#[test]
fn junk_is_harmless() {
    fn spoil(value: &Value, at: &mut usize, junk: &Value) -> Value {
        if *at == 0 {
            *at = usize::MAX;
            return junk.clone();
        }
        *at -= 1;
        match value {
            Value::Object(map) => map
                .iter()
                .map(|(key, value)| (key.clone(), spoil(value, at, junk)))
                .collect(),
            Value::Array(items) => items.iter().map(|item| spoil(item, at, junk)).collect(),
            value => value.clone(),
        }
    }
    let junk = [
        Value::Null,
        json!(""),
        json!(i64::MAX),
        json!(-1.5e300),
        json!([[null], "x", {}]),
        json!({"a": {}}),
        json!("1e9"),
    ];
    for case in Case::all() {
        let count = case.made().len();
        for junk in &junk {
            for place in 0.. {
                let mut left = place;
                let object = spoil(&case.object, &mut left, junk);
                if left < usize::MAX / 2 {
                    break;
                }
                let made = cells(case.group, case.plural, &object, case.now);
                assert_eq!(made.map(|made| made.len()), Some(count), "{object}");
                row_conditions(case.group, case.plural, &object);
            }
        }
    }
}

#[test]
fn rows_of_pods_that_have_ended_say_so() {
    let of = |phase: &str| {
        let conditions = row_conditions("", "pods", &json!({"status": {"phase": phase}}));
        conditions.first().map(Value::to_string)
    };
    assert_eq!(of("Running"), None);
    let expected = r#"{"type":"Completed","status":"True","reason":"Succeeded","message":"The pod has completed successfully."}"#;
    assert_eq!(of("Succeeded").as_deref(), Some(expected));
    let expected =
        r#"{"type":"Completed","status":"True","reason":"Failed","message":"The pod failed."}"#;
    assert_eq!(of("Failed").as_deref(), Some(expected));
    let job = json!({"status": {"phase": "Failed"}});
    assert!(row_conditions("batch", "jobs", &job).is_empty());
}

#[test]
fn flow_schemas_are_shown_in_the_order_of_matching() {
    let schema = |name: &str, precedence: i64| json!({"metadata": {"name": name}, "spec": {"matchingPrecedence": precedence}});
    let group = "flowcontrol.apiserver.k8s.io";
    let mut all = [schema("b", 9), schema("a", 10), schema("a", 9)];
    all.sort_by(|a, b| precedes(group, "flowschemas", a, b));
    assert_eq!(all, [schema("a", 9), schema("b", 9), schema("a", 10)]);
    let unsorted = all.clone();
    all.sort_by(|a, b| precedes("apps", "deployments", b, a));
    assert_eq!(all, unsorted);
}

#[test]
fn kinds_without_columns_show_when_they_were_made() {
    let role = json!({"metadata": {"name": "a", "creationTimestamp": "2026-11-28T16:40:00Z"}});
    assert_eq!(plain_cells(&role), ["a", "2026-11-28T16:40:00Z"]);
    assert_eq!(plain_cells(&json!({})), ["", "0001-01-01T00:00:00Z"]);
}

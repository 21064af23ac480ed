//! Answers without what differs from run to run: versions, uids, times, addresses and random
//! names. Equal values get equal words, so that what must be the same, or follow, still shows.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde_json::{Map, Value};

use super::answer::{Answer, Body};
use super::replay::Replayed;
use super::scenario::{Scenario, Step};
use super::words::{self, Words};

/// The headers that clients read.
const HEADERS: &[&str] = &[
    "allow",
    "cache-control",
    "content-encoding",
    "content-type",
    "etag",
    "last-modified",
    "location",
    "retry-after",
    "vary",
    "warning",
    "www-authenticate",
];

/// What a server is known by, so that its names do not count.
#[derive(Clone, Debug, Default)]
pub(super) struct Known {
    /// Its host and port.
    pub(super) host: String,
    /// Names of its nodes.
    pub(super) nodes: Vec<String>,
}

/// The answers of a scenario's steps that are compared, with their titles.
pub(super) fn normalised<'s>(
    scenario: &'s Scenario,
    replayed: Replayed,
    known: &Known,
) -> Vec<(&'s Step, Answer)> {
    let Replayed { id, answers } = replayed;
    let mut answers: Vec<Answer> = answers.into_iter().map(sorted).collect();
    let versions = Versions::seen_in(&answers);
    let mut words = Words::new(&scenario.text, &id, known);
    for answer in &answers {
        if let Body::Json(body) = &answer.body {
            words.learn(body);
        }
    }
    versions.replace(&scenario.steps, &mut answers);
    let steps = scenario.steps.iter().zip(answers);
    steps
        .filter(|(step, _)| !step.setup)
        .map(|(step, answer)| (step, shown(step, answer, &id, &mut words)))
        .collect()
}

/// The parts that are compared, in words.
fn shown(step: &Step, answer: Answer, id: &str, words: &mut Words) -> Answer {
    let mut headers: Vec<(String, String)> = answer
        .headers
        .into_iter()
        .filter(|(name, _)| HEADERS.contains(&&**name))
        .map(|(name, value)| {
            let value = match &*name {
                "etag" => words.etag(&value),
                "last-modified" => "<date>".to_owned(),
                _ => words.text(&value),
            };
            (name, value)
        })
        .collect();
    headers.sort_by(|a, b| a.0.cmp(&b.0));
    let body = match answer.body {
        Body::Json(mut body) => {
            for path in &step.hide {
                path.within(id).hide(&mut body);
            }
            if !step.show.is_empty() {
                let parts = step.show.iter().map(|path| {
                    let found = path.within(id).find(&body).into_iter().cloned();
                    let part = match path.is_many() {
                        true => Value::Array(found.collect()),
                        false => found.into_iter().next().unwrap_or_else(|| "<none>".into()),
                    };
                    (path.text.clone(), part)
                });
                body = Value::Object(parts.collect::<Map<_, _>>());
            }
            words.json(&mut body);
            Body::Json(body)
        }
        Body::Text(text) => {
            let text = match step.head {
                Some(lines) => text.lines().take(lines).collect::<Vec<_>>().join("\n"),
                None => text,
            };
            match text.is_empty() {
                true => Body::Empty,
                false => Body::Text(words.text(&text)),
            }
        }
        // How well it compresses is no matter.
        Body::Bytes(_) => Body::Bytes(0),
        Body::Empty => Body::Empty,
    };
    Answer {
        status: answer.status,
        headers,
        body,
    }
}

/// The same with the keys of all objects, and the entries of managedFields, in order: neither is
/// anything that clients rely on, and the latter depends on which second a write fell into. Ages in
/// Tables and continue tokens are words already: they are known by the fields around them.
fn sorted(mut answer: Answer) -> Answer {
    if let Body::Json(body) = &mut answer.body {
        body.sort_all_objects();
        settle(body);
    }
    answer
}

fn settle(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(settle),
        Value::Object(fields) => {
            for (name, field) in fields {
                match field {
                    Value::Array(entries) if name == "managedFields" => {
                        let word = |entry: &Value, key: &str| entry[key].to_string();
                        entries.sort_by_cached_key(|entry| {
                            ["manager", "operation", "subresource", "apiVersion"]
                                .map(|key| word(entry, key))
                        });
                    }
                    Value::Array(cells) if name == "cells" => {
                        for cell in cells.iter_mut() {
                            if cell.as_str().is_some_and(words::is_age) {
                                *cell = "<age>".into();
                            }
                        }
                    }
                    Value::String(token) if name == "continue" && !token.is_empty() => {
                        *token = "<continue>".to_owned();
                    }
                    field => settle(field),
                }
            }
        }
        _ => {}
    }
}

/// All resourceVersions of each object, by its uid.
struct Versions(HashMap<String, BTreeSet<u64>>);

impl Versions {
    fn seen_in(answers: &[Answer]) -> Self {
        let mut seen = HashMap::new();
        for answer in answers {
            if let Body::Json(body) = &answer.body {
                visit(body, &mut |uid, version| {
                    let versions: &mut BTreeSet<u64> = seen.entry(uid.to_owned()).or_default();
                    versions.insert(version);
                });
            }
        }
        Versions(seen)
    }

    /// An object's versions become `<v1>`, `<v2>`: equal when they are, in the order in which they
    /// grew. That of a list or a bookmark becomes `<list>`. What is older than it may be is said.
    fn replace(&self, steps: &[Step], answers: &mut [Answer]) {
        let mut newest = 0;
        let mut known: BTreeMap<String, u64> = BTreeMap::new();
        for (step, answer) in steps.iter().zip(answers) {
            let Body::Json(body) = &mut answer.body else {
                continue;
            };
            let mut inside = 0;
            visit(body, &mut |_, version| inside = inside.max(version));
            let is_events = matches!(step.action, super::scenario::Action::Events { .. });
            let is_write = matches!(&step.action, super::scenario::Action::Send { method, .. }
                if method != "GET" && method != "HEAD");
            let mut floor = if is_events { 0 } else { newest };
            let mut lists = 0;
            self.walk(body, &mut floor, &mut lists);
            if is_write && let Some((uid, version)) = own(body) {
                let grew = known.get(&uid).is_none_or(|before| version > *before);
                let is_new = !known.values().any(|other| *other == version) && grew;
                if is_new && version <= newest {
                    body["metadata"]["resourceVersion"] = "<older than what was seen>".into();
                }
                known.insert(uid, version);
            }
            newest = newest.max(inside).max(lists);
            self.number(body);
        }
    }

    /// Replaces the versions of lists and bookmarks.
    fn walk(&self, value: &mut Value, floor: &mut u64, lists: &mut u64) {
        match value {
            Value::Array(items) => items
                .iter_mut()
                .for_each(|item| self.walk(item, floor, lists)),
            Value::Object(fields) => {
                let is_list = fields.contains_key("items") || fields.contains_key("rows");
                // A Table may be of one object, and then has that one's version.
                if fields.contains_key("rows") {
                    *floor = 0;
                }
                let is_bookmark = fields.get("type").is_some_and(|kind| kind == "BOOKMARK");
                for name in ["items", "rows"] {
                    if let Some(items) = fields.get(name) {
                        visit(items, &mut |_, version| *floor = (*floor).max(version));
                    }
                }
                let metadata = match (is_list, is_bookmark) {
                    (true, _) => fields.get_mut("metadata"),
                    (_, true) => fields.get_mut("object").and_then(|o| o.get_mut("metadata")),
                    _ => None,
                };
                if let Some(metadata) = metadata
                    && let Some(version) = version_of(metadata)
                {
                    *lists = (*lists).max(version);
                    let word = if version >= *floor {
                        "<list>"
                    } else {
                        "<stale list>"
                    };
                    metadata["resourceVersion"] = word.into();
                }
                if let Some(object) = fields.get("object") {
                    visit(object, &mut |_, version| *floor = (*floor).max(version));
                }
                for field in fields.values_mut() {
                    if field.is_object() || field.is_array() {
                        self.walk(field, floor, lists);
                    }
                }
            }
            _ => {}
        }
    }

    fn number(&self, value: &mut Value) {
        match value {
            Value::Array(items) => items.iter_mut().for_each(|item| self.number(item)),
            Value::Object(_) => {
                if let Some(version) = version_of(value) {
                    let rank = value["uid"]
                        .as_str()
                        .and_then(|uid| self.0.get(uid))
                        .and_then(|versions| versions.iter().position(|seen| *seen == version));
                    value["resourceVersion"] = match rank {
                        Some(rank) => format!("<v{}>", rank + 1).into(),
                        None => "<version>".into(),
                    };
                }
                if let Value::Object(fields) = value {
                    fields.values_mut().for_each(|field| self.number(field));
                }
            }
            _ => {}
        }
    }
}

/// Calls `seen` with uid and version of every object that has both.
fn visit(value: &Value, seen: &mut impl FnMut(&str, u64)) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| visit(item, seen)),
        Value::Object(fields) => {
            if let (Some(uid), Some(version)) = (value["uid"].as_str(), version_of(value)) {
                seen(uid, version);
            }
            fields.values().for_each(|field| visit(field, seen));
        }
        _ => {}
    }
}

fn version_of(value: &Value) -> Option<u64> {
    value.get("resourceVersion")?.as_str()?.parse().ok()
}

/// The uid and version of the object that an answer is.
fn own(body: &Value) -> Option<(String, u64)> {
    let metadata = body.get("metadata")?;
    Some((
        metadata.get("uid")?.as_str()?.to_owned(),
        version_of(metadata)?,
    ))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::scenario::parse_for_tests;
    use super::{Answer, Body, Known, Replayed, normalised};

    fn answered(bodies: impl IntoIterator<Item = Value>) -> Vec<Value> {
        let bodies: Vec<Value> = bodies.into_iter().collect();
        let mut text = "# s\n".to_owned();
        for n in 0..bodies.len() {
            text.push_str(&format!("\n### {n}\nPUT /x\n"));
        }
        let answers = bodies.into_iter().map(|body| Answer {
            status: 200,
            headers: Vec::new(),
            body: Body::Json(body),
        });
        let scenario = parse_for_tests(&text);
        let replayed = Replayed {
            id: "fabc".into(),
            answers: answers.collect(),
        };
        let normal = normalised(&scenario, replayed, &Known::default());
        normal
            .into_iter()
            .map(|(_, answer)| match answer.body {
                Body::Json(body) => body,
                other => panic!("{other:?}"),
            })
            .collect()
    }

    fn object(uid: u8, version: &str) -> Value {
        json!({"metadata": {"uid": format!("00000000-0000-0000-0000-0000000000{uid:02}"), "resourceVersion": version}})
    }

    fn versions(bodies: &[Value]) -> Vec<String> {
        let versions = bodies
            .iter()
            .map(|body| &body["metadata"]["resourceVersion"]);
        versions.map(|v| v.as_str().unwrap().to_owned()).collect()
    }

    #[test]
    fn versions_keep_their_order_within_an_object() {
        let bodies = answered([
            object(1, "7"),
            object(2, "8"),
            object(1, "12"),
            object(1, "12"),
            json!({"metadata": {"resourceVersion": "12"}, "items": [object(2, "8")]}),
        ]);
        assert_eq!(
            versions(&bodies),
            ["<v1>", "<v1>", "<v2>", "<v2>", "<list>"]
        );
        assert_eq!(bodies[4]["items"][0]["metadata"]["resourceVersion"], "<v1>");
        assert_eq!(bodies[1]["metadata"]["uid"], "<uid-2>");
    }

    #[test]
    fn what_goes_back_is_told() {
        let bodies = answered([
            object(1, "7"),
            object(2, "5"),
            json!({"metadata": {"resourceVersion": "6"}, "items": []}),
        ]);
        assert_eq!(
            versions(&bodies),
            ["<v1>", "<older than what was seen>", "<stale list>"]
        );
    }
}

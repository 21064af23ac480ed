//! Values for fields: what is given, else the default, else something that the schema takes.

use std::collections::HashSet;
use std::sync::LazyLock;

use regex::Regex;
use serde_json::{Map, Value, json};

use super::{Entry, Object, Tree, choose, scalar};
use crate::schema::facts::value_text;
use crate::schema::field::{ElementKind, Field};

/// Objects within objects that all require each other come to an end here.
const DEEPEST: usize = 24;
/// And a sample that has grown to so many values, here.
const MOST: usize = 10_000;
/// No sample needs more items than this, whatever a schema asks for.
const MOST_ITEMS: u64 = 16;
/// More values than these make a comment too long to read.
const MOST_VALUES: usize = 8;

/// Makes the values of one sample.
#[derive(Default)]
pub(super) struct Maker {
    /// Types whose optional fields have been listed
    listed: HashSet<String>,
    made: usize,
}

impl Maker {
    /// `given`: a value to use; null where it is only known that there must be one. `seed` makes
    /// the items of a list differ.
    pub(super) fn make(
        &mut self,
        field: &Field,
        given: Option<&Value>,
        seed: u64,
        depth: usize,
    ) -> Tree {
        self.made += 1;
        if depth >= DEEPEST || self.made > MOST {
            return Tree::Value(json!({}));
        }
        let given = given.filter(|v| !v.is_null()).or(field.default.as_ref());
        match (given, field.element(), field.element_kind()) {
            (Some(Value::Array(items)), Some(element), Some(ElementKind::Item))
                if !items.is_empty() =>
            {
                let item = |item| self.make(element, Some(item), 0, depth + 1);
                Tree::List(items.iter().map(item).collect())
            }
            (Some(Value::Object(map)), Some(element), Some(ElementKind::Value))
                if !map.is_empty() && !field.has_own_children() =>
            {
                let entries = map.iter().map(|(key, value)| Entry {
                    key: key.clone(),
                    value: self.make(element, Some(value), 0, depth + 1),
                    note: String::new(),
                });
                Tree::object(entries.collect())
            }
            (Some(Value::Object(map)), ..) if field.has_own_children() => {
                self.object(field, Some(map), depth)
            }
            (Some(value), ..) => plain(value.clone()),
            (None, ..) if field.embedded => plain(json!(
                {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "example"}}
            )),
            (None, ..) if field.has_own_children() => self.object(field, None, depth),
            (None, Some(element), Some(ElementKind::Value)) => self.values(field, element, depth),
            (None, Some(element), _) => self.items(field, element, depth),
            (None, None, _) => Tree::Value(scalar::scalar(field, seed).value),
        }
    }

    fn items(&mut self, field: &Field, element: &Field, depth: usize) -> Tree {
        let most = field.bounds.max_items.unwrap_or(u64::MAX);
        let least = field.bounds.min_items.unwrap_or(0);
        match least.max(1).min(most).min(MOST_ITEMS) {
            0 => Tree::Value(json!([])),
            wanted => {
                let item = |seed| self.item(element, seed, depth + 1);
                Tree::List((0..wanted).map(item).collect())
            }
        }
    }

    /// An item that differs from those with another seed, at least in its plain fields.
    fn item(&mut self, element: &Field, seed: u64, depth: usize) -> Tree {
        let mut made = self.make(element, None, seed, depth);
        if let Tree::Object(object) = &mut made
            && seed > 0
        {
            for entry in &mut object.entries {
                let plain = element
                    .child(&entry.key)
                    .filter(|c| !c.has_children() && c.element().is_none() && c.default.is_none());
                if let Some(child) = plain {
                    entry.value = self.make(child, None, seed, depth + 1);
                }
            }
        }
        made
    }

    fn values(&mut self, field: &Field, element: &Field, depth: usize) -> Tree {
        let entry = |seed: u64| Entry {
            key: match seed {
                0 => "key".to_owned(),
                seed => format!("key{}", seed + 1),
            },
            value: self.item(element, seed, depth + 1),
            note: String::new(),
        };
        match field.bounds.min_properties.unwrap_or(0).min(MOST_ITEMS) {
            0 => Tree::Value(json!({})),
            wanted => Tree::object((0..wanted).map(entry).collect()),
        }
    }

    pub(super) fn object(
        &mut self,
        field: &Field,
        given: Option<&Map<String, Value>>,
        depth: usize,
    ) -> Tree {
        let chosen = choose::children(field, given);
        let mut object = Object {
            rules: field.rules.iter().map(|r| r.words()).collect(),
            ..Object::default()
        };
        let is_new = match &field.schema_name {
            Some(name) => self.listed.insert(name.clone()),
            None => true,
        };
        for child in field.children() {
            if !chosen.contains(child.name.as_str()) {
                if is_new && !is_the_servers(child) {
                    object.optional.push(child.name.clone());
                }
                continue;
            }
            let value = given.and_then(|g| g.get(&child.name));
            object.entries.push(Entry {
                key: child.name.clone(),
                value: self.make(child, value, 0, depth + 1),
                note: note(child, value),
            });
        }
        // Keys of the user's choice that stand beside named fields.
        let free = field.takes_any_key() || field.preserve_unknown;
        for (key, value) in given.into_iter().flatten().filter(|_| free) {
            if field.child(key).is_none() {
                object.entries.push(Entry {
                    key: key.clone(),
                    value: plain(value.clone()),
                    note: String::new(),
                });
            }
        }
        Tree::Object(object)
    }
}

impl Tree {
    fn object(entries: Vec<Entry>) -> Self {
        Tree::Object(Object {
            entries,
            ..Object::default()
        })
    }
}

/// A value without comments.
pub(super) fn plain(value: Value) -> Tree {
    match value {
        Value::Object(map) if !map.is_empty() => {
            let entry = |(key, value)| Entry {
                key,
                value: plain(value),
                note: String::new(),
            };
            Tree::object(map.into_iter().map(entry).collect())
        }
        Value::Array(items) if !items.is_empty() => {
            Tree::List(items.into_iter().map(plain).collect())
        }
        value => Tree::Value(value),
    }
}

/// Whether the server alone sets a field, by what its description says.
fn is_the_servers(field: &Field) -> bool {
    #[expect(clippy::unwrap_used, reason = "the expression is a constant")]
    static SAYS: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r"(?i)\bread-only\b|populated by the system|internal housekeeping").unwrap()
    });
    SAYS.is_match(&field.description)
}

/// What holds for a field of a sample, as a comment.
pub(super) fn note(field: &Field, given: Option<&Value>) -> String {
    let mut words = Vec::new();
    if field.required {
        words.push("required".to_owned());
    }
    let given = given.filter(|v| !v.is_null());
    if field.default.is_some() && given.is_none_or(|g| Some(g) == field.default.as_ref()) {
        words.push("this is the default".to_owned());
    }
    if !field.enum_.is_empty() {
        let mut values: Vec<String> = field.enum_.iter().map(value_text).collect();
        if values.len() > MOST_VALUES {
            values.truncate(MOST_VALUES);
            values.push("...".to_owned());
        }
        words.push(format!("one of {}", values.join(", ")));
    }
    words.extend(field.bounds.words());
    words.extend(field.patterns.iter().map(|p| format!("pattern {p}")));
    if let Some(element) = field.element().filter(|e| !e.has_children()) {
        let each = if field.type_.starts_with("[]") {
            "each item"
        } else {
            "each value"
        };
        words.extend(
            element
                .brief()
                .into_iter()
                .map(|fact| format!("{each} {fact}")),
        );
    }
    if field.json_type() == "string" {
        words.extend(field.format.clone());
    }
    if field.immutable.is_some() {
        words.push("cannot be changed once set".to_owned());
    }
    let is_scalar = field.element().is_none() && !field.has_children();
    if is_scalar && given.is_none() && field.default.is_none() && !scalar::scalar(field, 0).fits {
        words.push("REPLACE: no value that fits could be made up".to_owned());
    }
    // A line end in a pattern would end the comment.
    let note = words.join("; ");
    note.split_whitespace().collect::<Vec<_>>().join(" ")
}

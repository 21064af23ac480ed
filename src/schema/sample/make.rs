//! Values for fields: what is given, else the default, else something that the schema takes.

use std::collections::HashSet;
use std::sync::LazyLock;

use regex::Regex;
use serde_json::{Map, Value, json};

use super::rules::Checker;
use super::{Entry, Object, Tree, choose, scalar};
use crate::schema::facts::value_text;
use crate::schema::field::{ElementKind, Field, Rule};

/// Objects within objects that all require each other come to an end here.
const DEEPEST: usize = 24;
/// And a sample that has grown to so many values, here.
const MOST: usize = 10_000;
/// No sample needs more items than this, whatever a schema asks for.
const MOST_ITEMS: u64 = 16;
/// More values than these make a comment too long to read.
const MOST_VALUES: usize = 8;

/// So many steps towards meeting the rules of one object are enough; each may need some tries.
const MOST_REPAIRS: usize = 6;
const MOST_TRIES: usize = 24;
/// What a comment says where no step helped.
pub(super) const UNMET: &str = "REPLACE: this does not meet the rule";

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
            rules: field.rules.iter().map(brief).collect(),
            ..Object::default()
        };
        for child in field
            .children()
            .iter()
            .filter(|c| chosen.contains(c.name.as_str()))
        {
            let value = given.and_then(|g| g.get(&child.name));
            object.entries.push(self.entry(child, value, depth));
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
        self.repair(field, &mut object, depth);
        let is_new = match &field.schema_name {
            Some(name) => self.listed.insert(name.clone()),
            None => true,
        };
        if is_new {
            let is_there = |name: &str| object.entries.iter().any(|e| e.key == name);
            let rest = field
                .children()
                .iter()
                .filter(|c| !is_there(&c.name) && !is_the_servers(c));
            object.optional = rest.map(|c| c.name.clone()).collect();
        }
        Tree::Object(object)
    }

    fn entry(&mut self, child: &Field, given: Option<&Value>, depth: usize) -> Entry {
        let value = self.make(child, given, 0, depth + 1);
        let mut note = note(child, given);
        if matches!(
            value,
            Tree::List(_) | Tree::Value(Value::Array(_) | Value::Object(_))
        ) {
            for rule in Checker::of(child)
                .map(|c| c.unmet(&value.to_value()))
                .unwrap_or_default()
            {
                note.push_str(&format!("; {UNMET}: {rule}"));
            }
        }
        Entry {
            key: child.name.clone(),
            value,
            note: one_line(note.trim_start_matches("; ")),
        }
    }

    /// Tries what the rules that are not met speak of: a field that is missing, one that is too
    /// many, another value. What helps stays.
    fn repair(&mut self, field: &Field, object: &mut Object, depth: usize) {
        let Some(checker) = Checker::of(field) else {
            return;
        };
        let unmet = |object: &Object| checker.unmet(&Tree::Object(object.clone()).to_value());
        let mut wrong = unmet(object);
        for _ in 0..MOST_REPAIRS {
            let mut changes = wrong
                .iter()
                .flat_map(|rule| self.changes(field, object, rule, depth));
            let better = changes.find_map(|change| {
                let mut tried = object.clone();
                change.apply(field, &mut tried);
                let left = unmet(&tried);
                (left.len() < wrong.len()).then_some((tried, left))
            });
            match better {
                Some((tried, left)) => (*object, wrong) = (tried, left),
                None => break,
            }
        }
        object.unmet = wrong;
    }

    fn changes(&self, field: &Field, object: &Object, rule: &str, depth: usize) -> Vec<Change> {
        let mut changes = Vec::new();
        for child in field.children().iter().filter(|c| mentions(rule, &c.name)) {
            let entry = object.entries.iter().find(|e| e.key == child.name);
            let Some(entry) = entry else {
                // What is made for a try does not count as listed.
                changes.push(Change::Put(Maker::default().entry(child, None, depth)));
                continue;
            };
            if let Tree::Value(now) = &entry.value {
                let others = scalar::candidates(child, 0)
                    .into_iter()
                    .filter(|v| v != now);
                changes.extend(others.take(MOST_TRIES).map(|value| {
                    Change::Put(Entry {
                        note: note(child, Some(&value)),
                        value: Tree::Value(value),
                        key: child.name.clone(),
                    })
                }));
            }
            if !child.required && child.default.is_none() {
                changes.push(Change::Remove(child.name.clone()));
            }
        }
        changes
    }
}

/// A step that may make an object meet its rules.
enum Change {
    Put(Entry),
    Remove(String),
}

impl Change {
    fn apply(self, field: &Field, object: &mut Object) {
        let name = match &self {
            Change::Put(entry) => &entry.key,
            Change::Remove(name) => name,
        };
        object.entries.retain(|e| e.key != *name);
        if let Change::Put(entry) = self {
            object.entries.push(entry);
            let place = |e: &Entry| field.children().iter().position(|c| c.name == e.key);
            // Free keys have no place and stay at the end.
            object
                .entries
                .sort_by_key(|e| place(e).unwrap_or(usize::MAX));
        }
    }
}

/// Whether a rule speaks of `self.name`.
fn mentions(rule: &str, name: &str) -> bool {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    rule.match_indices("self.").any(|(at, dot)| {
        rule[at + dot.len()..]
            .strip_prefix(name)
            .is_some_and(|rest| !rest.starts_with(is_word))
    })
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
    static SAYS: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r"(?i)\bread-only\b|populated by the system|internal housekeeping")
            .expect("a constant expression")
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
    if !field.has_children() {
        let rules = field.rules.iter().filter(|r| !r.rule.contains("oldSelf"));
        words.extend(rules.map(|r| format!("rule: {}", brief(r))));
    }
    let is_scalar = field.element().is_none() && !field.has_children();
    if is_scalar && given.is_none() && field.default.is_none() && !scalar::scalar(field, 0).fits {
        words.push("REPLACE: no value that fits could be made up".to_owned());
    }
    one_line(&words.join("; "))
}

/// What the server says where a rule is not met, which is easier to read than the rule.
fn brief(rule: &Rule) -> String {
    rule.message
        .as_ref()
        .map_or_else(|| rule.words(), |m| m.trim().to_owned())
}

/// A line end in a pattern would end the comment.
fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

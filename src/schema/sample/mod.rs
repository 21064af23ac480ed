//! An object to start from: what a schema requires and defaults, with comments on the rest.

mod builtin;
mod choose;
mod pattern;
mod scalar;
mod write;

use serde_json::{Map, Value, json};

use super::document::Gvk;
use super::facts::value_text;
use super::field::{ElementKind, Field};

/// An object, or a part of one, that satisfies a schema as far as a schema says it all.
#[derive(Clone, Debug)]
pub struct Sample {
    root: Tree,
}

impl Sample {
    /// YAML with comments that say what is required, what is a default, what else may be set, and
    /// which CEL rules hold. Text from the server is as it came.
    pub fn to_yaml(&self) -> String {
        write::yaml(&self.root)
    }

    /// The object without comments.
    pub fn to_value(&self) -> Value {
        self.root.to_value()
    }
}

#[derive(Clone, Debug)]
enum Tree {
    Value(Value),
    Object(Object),
    List(Vec<Tree>),
}

#[derive(Clone, Debug, Default)]
struct Object {
    entries: Vec<Entry>,
    /// CEL rules, in words
    rules: Vec<String>,
    /// The names of fields that may be set too
    optional: Vec<String>,
}

#[derive(Clone, Debug)]
struct Entry {
    key: String,
    value: Tree,
    /// What holds for it, `; ` between
    note: String,
}

impl Tree {
    fn to_value(&self) -> Value {
        match self {
            Tree::Value(value) => value.clone(),
            Tree::List(items) => items.iter().map(Tree::to_value).collect(),
            Tree::Object(object) => {
                let entries = object.entries.iter();
                entries
                    .map(|e| (e.key.clone(), e.value.to_value()))
                    .collect()
            }
        }
    }
}

/// Objects within objects that all require each other come to an end here.
const DEEPEST: usize = 24;
/// No sample needs more items than this, whatever a schema asks for.
const MOST_ITEMS: u64 = 16;

impl Field {
    /// A whole object of kind `gvk` whose schema this is. For built-in kinds, whose validation is
    /// not in their schemas, what the server asks for besides is put in too.
    pub fn sample(&self, gvk: &Gvk) -> Sample {
        let mut given = builtin::of(gvk).unwrap_or_default();
        given.insert("apiVersion".into(), json!(gvk.api_version()));
        given.insert("kind".into(), json!(gvk.kind));
        let metadata = given.entry("metadata").or_insert_with(|| json!({}));
        if let Some(metadata) = metadata.as_object_mut()
            && !metadata.contains_key("name")
            && self.child("metadata").is_none_or(|_| !is_review(gvk))
        {
            metadata.insert("name".into(), json!("example"));
        }
        Sample {
            root: self.root(given),
        }
    }

    /// The field under its name, as a part of an object.
    pub fn sample_part(&self) -> Sample {
        let entry = Entry {
            key: self.name.clone(),
            value: make(self, None, 0, 0),
            note: note(self, None),
        };
        Sample {
            root: Tree::Object(Object {
                entries: vec![entry],
                ..Object::default()
            }),
        }
    }

    fn root(&self, mut given: Map<String, Value>) -> Tree {
        let mut head = Vec::new();
        for key in ["apiVersion", "kind", "metadata"] {
            let Some(value) = given.remove(key).filter(|v| *v != json!({})) else {
                continue;
            };
            head.push(Entry {
                key: key.to_owned(),
                value: plain(value),
                note: String::new(),
            });
        }
        if let Some(spec) = self.child("spec") {
            // An empty spec is where a person starts to write.
            given.entry(&spec.name).or_insert(Value::Null);
        }
        let is_head = |name: &str| matches!(name, "apiVersion" | "kind" | "metadata" | "status");
        let Tree::Object(mut object) = object(self, Some(&given), 0) else {
            return Tree::Value(Value::Null);
        };
        object.entries.retain(|e| !is_head(&e.key));
        object.optional.retain(|name| !is_head(name));
        head.append(&mut object.entries);
        object.entries = head;
        Tree::Object(object)
    }
}

/// Reviews are questions, not objects: they have no name.
fn is_review(gvk: &Gvk) -> bool {
    gvk.kind.ends_with("Review") && gvk.group.ends_with(".k8s.io")
}

/// A value without comments.
fn plain(value: Value) -> Tree {
    match value {
        Value::Object(map) if !map.is_empty() => {
            let entry = |(key, value)| Entry {
                key,
                value: plain(value),
                note: String::new(),
            };
            Tree::Object(Object {
                entries: map.into_iter().map(entry).collect(),
                ..Object::default()
            })
        }
        Value::Array(items) if !items.is_empty() => {
            Tree::List(items.into_iter().map(plain).collect())
        }
        value => Tree::Value(value),
    }
}

/// `given`: a value to use; null where it is only known that there must be one.
fn make(field: &Field, given: Option<&Value>, seed: u64, depth: usize) -> Tree {
    let given = given.filter(|v| !v.is_null());
    match (given.or(field.default.as_ref()), field.element()) {
        (Some(Value::Object(map)), _) if field.has_children() => object(field, Some(map), depth),
        (Some(Value::Array(items)), Some(element)) if !items.is_empty() => {
            let item = |item| make(element, Some(item), 0, depth + 1);
            Tree::List(items.iter().map(item).collect())
        }
        (Some(value), _) => plain(value.clone()),
        (None, _) if depth >= DEEPEST => Tree::Value(json!({})),
        (None, _) if field.embedded => plain(json!(
            {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "example"}}
        )),
        (None, Some(element)) => match field.element_kind() {
            Some(ElementKind::Value) => values(field, element, depth),
            _ => items(field, element, depth),
        },
        (None, None) if field.has_children() => object(field, None, depth),
        (None, None) => Tree::Value(scalar::scalar(field, seed).value),
    }
}

fn items(field: &Field, element: &Field, depth: usize) -> Tree {
    let most = field.bounds.max_items.unwrap_or(u64::MAX);
    let wanted = field
        .bounds
        .min_items
        .unwrap_or(0)
        .max(1)
        .min(most)
        .min(MOST_ITEMS);
    match wanted {
        0 => Tree::Value(json!([])),
        n => Tree::List((0..n).map(|seed| item(element, seed, depth + 1)).collect()),
    }
}

/// An item that differs from those with another seed, at least in its required fields.
fn item(element: &Field, seed: u64, depth: usize) -> Tree {
    let mut made = make(element, None, seed, depth);
    if let Tree::Object(object) = &mut made
        && seed > 0
    {
        for entry in &mut object.entries {
            let plain = element
                .child(&entry.name())
                .filter(|c| !c.has_children() && c.element().is_none() && c.default.is_none());
            if let Some(child) = plain {
                entry.value = make(child, None, seed, depth + 1);
            }
        }
    }
    made
}

fn values(field: &Field, element: &Field, depth: usize) -> Tree {
    let wanted = field.bounds.min_properties.unwrap_or(0).min(MOST_ITEMS);
    let entry = |seed: u64| Entry {
        key: match seed {
            0 => "key".to_owned(),
            seed => format!("key{}", seed + 1),
        },
        value: item(element, seed, depth + 1),
        note: String::new(),
    };
    match wanted {
        0 => Tree::Value(json!({})),
        n => Tree::Object(Object {
            entries: (0..n).map(entry).collect(),
            ..Object::default()
        }),
    }
}

fn object(field: &Field, given: Option<&Map<String, Value>>, depth: usize) -> Tree {
    let chosen = choose::children(field, given);
    let mut object = Object {
        rules: field.rules.iter().map(|r| r.words()).collect(),
        ..Object::default()
    };
    for child in field.children() {
        if !chosen.contains(child.name.as_str()) {
            object.optional.push(child.name.clone());
            continue;
        }
        let value = given.and_then(|g| g.get(&child.name));
        object.entries.push(Entry {
            key: child.name.clone(),
            value: make(child, value, 0, depth + 1),
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

impl Entry {
    fn name(&self) -> String {
        self.key.clone()
    }
}

/// More values than these make a comment too long to read.
const MOST_VALUES: usize = 8;

fn note(field: &Field, given: Option<&Value>) -> String {
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
    words.join("; ")
}

#[cfg(test)]
mod tests;

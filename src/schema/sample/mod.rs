//! An object to start from: what a schema requires and defaults, with comments on the rest.

mod builtin;
mod choose;
mod make;
mod pattern;
mod rules;
mod scalar;
mod write;

use serde_json::{Map, Value, json};

use super::document::Gvk;
use super::field::Field;
use make::{Maker, note, plain};

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
    /// Those that this sample does not meet
    unmet: Vec<String>,
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
            value: Maker::default().make(self, None, 0, 0),
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
        if let Some(spec) = self.child("spec") {
            // An empty spec is where a person starts to write.
            given.entry(&spec.name).or_insert(Value::Null);
        }
        let Tree::Object(mut object) = Maker::default().object(self, Some(&given), 0) else {
            return Tree::Value(Value::Null);
        };
        let is_head = |name: &str| matches!(name, "apiVersion" | "kind" | "metadata" | "status");
        object.entries.retain(|e| !is_head(&e.key));
        object.optional.retain(|name| !is_head(name));
        let mut entries = Vec::new();
        for key in ["apiVersion", "kind", "metadata"] {
            if let Some(value) = given.remove(key).filter(|v| *v != json!({})) {
                entries.push(Entry {
                    key: key.to_owned(),
                    value: plain(value),
                    note: String::new(),
                });
            }
        }
        entries.append(&mut object.entries);
        object.entries = entries;
        Tree::Object(object)
    }
}

/// Reviews are questions, not objects: they have no name.
fn is_review(gvk: &Gvk) -> bool {
    gvk.kind.ends_with("Review") && gvk.group.ends_with(".k8s.io")
}

#[cfg(test)]
mod tests;

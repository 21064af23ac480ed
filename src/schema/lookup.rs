//! Finding a field by its path, and saying what is near when it is not there.

use std::fmt;

use super::field::{ElementKind, Field};
use super::walk::escaped;
use crate::discovery::nearest::{did_you_mean, nearest};

/// A field that is not there, and what may have been meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotFound {
    /// The names up to the field that has no such child; empty for the root
    pub parent: Vec<String>,
    /// That field's type
    pub parent_type: String,
    /// The name that it does not have
    pub missing: String,
    /// Why it cannot have any, where that is so
    pub because: Option<Because>,
    /// Paths from the root that may have been meant, best first, at most three
    pub suggestions: Vec<String>,
}

/// Why a field has no such field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Because {
    /// It is a map: its keys are the user's
    FreeKeys,
    /// The schema does not name it, but fields that it does not name are kept
    Unknown,
    /// The schema does not say what is in it
    Unsaid,
    /// It is a plain value
    Plain,
}

impl std::error::Error for NotFound {}

impl fmt::Display for NotFound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.sentence(""))
    }
}

impl NotFound {
    /// What is not there and what is near, in a sentence. `root` stands before each path, such as
    /// the `pods` of `pods.spec.containers`.
    pub fn sentence(&self, root: &str) -> String {
        let from_root = |path: &str| match (root, path) {
            ("", path) => path.to_owned(),
            (root, "") => root.to_owned(),
            (root, path) => format!("{root}.{path}"),
        };
        let parent = from_root(&self.parent.join("."));
        let mut text = format!("there is no field {:?}", self.missing);
        if !parent.is_empty() {
            text.push_str(&format!(" in {parent}"));
        }
        if !self.parent_type.is_empty() {
            text.push_str(&format!(" <{}>", self.parent_type));
        }
        text.push_str(match self.because {
            Some(Because::FreeKeys) => ": it is a map, whose keys are yours to choose.",
            Some(Because::Unknown) => {
                ": the schema does not name it, though the server keeps fields that it does not name."
            }
            Some(Because::Unsaid) => ": its schema does not say what is in it.",
            Some(Because::Plain) => ": it is a plain value and has no fields.",
            None => ".",
        });
        let near: Vec<String> = self.suggestions.iter().map(|p| from_root(p)).collect();
        if let Some(sentence) = did_you_mean(&near) {
            text.push_str(&format!(" {sentence}"));
        }
        text
    }
}

impl Field {
    /// The field at the end of `path`, names from here on; this one for an empty path.
    ///
    /// Errors: which name is not there, and which paths may have been meant.
    pub fn look_up(&self, path: &[impl AsRef<str>]) -> Result<&Field, NotFound> {
        let mut field = self;
        for (at, name) in path.iter().enumerate() {
            let name = name.as_ref();
            field = field.child(name).ok_or_else(|| NotFound {
                parent: path[..at].iter().map(|n| n.as_ref().to_owned()).collect(),
                parent_type: field.type_.clone(),
                missing: name.to_owned(),
                because: field.why_not(),
                suggestions: self.suggest(field, &path[..at], name),
            })?;
        }
        Ok(field)
    }

    fn why_not(&self) -> Option<Because> {
        let innermost = self.element().unwrap_or(self);
        if innermost.preserve_unknown || innermost.takes_any_key() {
            return Some(Because::Unknown);
        }
        if self.has_children() {
            return None;
        }
        Some(if self.element_kind() == Some(ElementKind::Value) {
            Because::FreeKeys
        } else if matches!(innermost.json_type(), "object" | "")
            && !innermost.int_or_string
            && innermost.alternative_types().is_empty()
        {
            Because::Unsaid
        } else {
            Because::Plain
        })
    }

    /// Near names in the same place first, then the same name anywhere, then near names anywhere.
    fn suggest(&self, parent: &Field, before: &[impl AsRef<str>], name: &str) -> Vec<String> {
        let prefix: String = before
            .iter()
            .map(|n| format!("{}.", escaped(n.as_ref())))
            .collect();
        let here = nearest(name, parent.children().iter().map(|c| c.name.as_str()));
        if !here.is_empty() {
            return here
                .into_iter()
                .map(|n| format!("{prefix}{}", escaped(n)))
                .collect();
        }
        let mut all = self.flatten();
        // What lies under the same beginning is likelier, and so is what is not deep.
        all.sort_by_key(|f| (!f.path.starts_with(&prefix), f.depth));
        let paths_of = |wanted: &str| {
            let same = all
                .iter()
                .filter(|f| f.field.name.eq_ignore_ascii_case(wanted));
            same.take(3).map(|f| f.path.clone()).collect::<Vec<_>>()
        };
        let same = paths_of(name);
        if !same.is_empty() {
            return same;
        }
        let near = nearest(name, all.iter().map(|f| f.field.name.as_str()));
        let mut paths: Vec<String> = near.first().map(|n| paths_of(n)).unwrap_or_default();
        paths.truncate(3);
        paths
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn tree() -> Field {
        Field::from_crd(&json!({"type": "object", "properties": {
            "spec": {"type": "object", "properties": {
                "replicas": {"type": "integer"},
                "free": {"type": "object", "x-kubernetes-preserve-unknown-fields": true},
                "labels": {"type": "object", "additionalProperties": {"type": "string"}},
                "template": {"type": "object", "properties": {
                    "containers": {"type": "array", "items": {"type": "object", "properties": {
                        "image": {"type": "string"}, "name": {"type": "string"}}}}}}}},
            "status": {"type": "object", "properties": {"replicas": {"type": "integer"}}}}}))
        .unwrap()
    }

    #[test]
    fn lists_are_see_through() {
        let tree = tree();
        let image = tree
            .look_up(&["spec", "template", "containers", "image"])
            .unwrap();
        assert_eq!(image.type_, "string");
        assert_eq!(tree.look_up(&[] as &[&str]).unwrap().type_, "Object");
    }

    #[test]
    fn what_is_not_there_says_what_is_near() {
        let tree = tree();
        let miss = |path: &[&str]| tree.look_up(path).unwrap_err();
        assert_eq!(miss(&["spec", "replicsa"]).suggestions, ["spec.replicas"]);
        assert_eq!(
            miss(&["spec", "image"]).suggestions,
            ["spec.template.containers.image"]
        );
        assert_eq!(
            miss(&["replicas"]).suggestions,
            ["spec.replicas", "status.replicas"]
        );
        assert_eq!(
            miss(&["spec", "imgae"]).suggestions,
            ["spec.template.containers.image"]
        );
        assert!(miss(&["zebra"]).suggestions.is_empty());
        assert_eq!(
            miss(&["spec", "replicsa"]).to_string(),
            "there is no field \"replicsa\" in spec <Object>. Did you mean spec.replicas?"
        );
        assert_eq!(
            miss(&["spec", "labels", "x"]).because,
            Some(Because::FreeKeys)
        );
        assert_eq!(miss(&["spec", "free", "x"]).because, Some(Because::Unknown));
        assert_eq!(
            miss(&["spec", "replicas", "x"]).because,
            Some(Because::Plain)
        );
    }
}

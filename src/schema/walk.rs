//! A tree of fields as a list, with an end even where the schema contains itself.

use std::borrow::Cow;

use super::field::Field;

/// No real kind has a tenth of this. A hostile document whose types multiply is cut here.
const MOST: usize = 100_000;
/// Deeper than any real schema; what the stack and the eye can take.
const DEEPEST: usize = 64;

/// A field with its place in the tree.
#[derive(Clone, Debug)]
pub struct Flat<'a> {
    /// The field
    pub field: &'a Field,
    /// The names on the way to it from the root of the walk, joined with dots, as explain takes
    /// them (see [`escaped`]); lists and maps leave no mark
    pub path: String,
    /// The field that it is in
    pub parent: &'a Field,
    /// How many names that are, less one: 0 for a field directly in the root
    pub depth: usize,
    /// Why its children are not in the list, though it has some
    pub cut: Option<Cut>,
}

/// Why a walk does not go further down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    /// The type is one that the walk is in already: it contains itself
    Recursion,
    /// The tree is deeper or larger than any real one
    Size,
}

/// A name as it stands in a path: a dot within it has a backslash before it, as in kubectl's
/// jsonpath.
pub fn escaped(name: &str) -> Cow<'_, str> {
    if name.contains(['.', '\\']) {
        Cow::Owned(name.replace('\\', "\\\\").replace('.', "\\."))
    } else {
        Cow::Borrowed(name)
    }
}

impl Field {
    /// Every field below this one, each before its own, as `kubectl explain --recursive` lists
    /// them. A type that contains itself is not entered a second time.
    pub fn flatten(&self) -> Vec<Flat<'_>> {
        let mut found = Vec::new();
        walk(self, "", 0, &mut Vec::new(), &mut found);
        found
    }

    /// The names of the types that are entered with this field.
    pub(super) fn type_names(&self) -> Vec<&str> {
        let mut names: Vec<&str> = self.schema_name.as_deref().into_iter().collect();
        let mut next = self.element();
        // Lists of lists of lists end here in the same way as everything else.
        for _ in 0..DEEPEST {
            let Some(element) = next else { break };
            names.extend(element.schema_name.as_deref());
            next = element.element();
        }
        names
    }
}

fn walk<'a>(
    field: &'a Field,
    path: &str,
    depth: usize,
    entered: &mut Vec<&'a str>,
    found: &mut Vec<Flat<'a>>,
) {
    for child in field.children() {
        let name = escaped(&child.name);
        let path = match path {
            "" => name.into_owned(),
            path => format!("{path}.{name}"),
        };
        let names = child.type_names();
        let has_children = child.has_children();
        let recursion = names.iter().any(|n| entered.contains(n));
        let size = depth >= DEEPEST || found.len() >= MOST;
        let cut = match (has_children, recursion, size) {
            (false, ..) => None,
            (_, true, _) => Some(Cut::Recursion),
            (_, _, true) => Some(Cut::Size),
            _ => None,
        };
        found.push(Flat {
            field: child,
            parent: field,
            path: path.clone(),
            depth,
            cut,
        });
        if cut.is_none() && has_children {
            let before = entered.len();
            entered.extend(names);
            walk(child, &path, depth + 1, entered, found);
            entered.truncate(before);
        }
        if found.len() >= MOST {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::{Depth, Document, Gvk};

    #[test]
    fn a_type_that_contains_itself_is_entered_once() {
        let json = br##"{"components":{"schemas":{
            "x.Kind":{"properties":{"root":{"$ref":"#/components/schemas/x.Node"}},
                "x-kubernetes-group-version-kind":[{"group":"x","version":"v1","kind":"Kind"}]},
            "x.Node":{"type":"object","properties":{
                "name":{"type":"string"},
                "next":{"allOf":[{"$ref":"#/components/schemas/x.Node"}]},
                "all":{"type":"array","items":{"$ref":"#/components/schemas/x.Node"}}}}}}}"##;
        let document = Document::parse(json).unwrap();
        let kind = Field::from_openapi(&document, &Gvk::new("x", "v1", "Kind")).unwrap();
        let flat = kind.flatten();
        let list: Vec<String> = flat
            .iter()
            .map(|f| {
                format!(
                    "{}:{}{}",
                    f.path,
                    f.field.type_,
                    if f.cut.is_some() { "!" } else { "" }
                )
            })
            .collect();
        assert_eq!(
            list,
            [
                "root:Node",
                "root.all:[]Node!",
                "root.name:string",
                "root.next:Node!"
            ]
        );
        let deep = kind
            .look_up(&["root", "next", "all", "next", "name"])
            .unwrap();
        assert_eq!(deep.type_, "string");
    }

    #[test]
    fn types_that_multiply_come_to_an_end() {
        let mut schemas = String::from(
            r##""t.Kind":{"x-kubernetes-group-version-kind":[{"group":"","version":"v1","kind":"Kind"}],
            "properties":{"t":{"$ref":"#/components/schemas/t0"}}}"##,
        );
        for i in 0..40 {
            let next = i + 1;
            schemas.push_str(&format!(
                r##","t{i}":{{"properties":{{"a":{{"$ref":"#/components/schemas/t{next}"}},
                "b":{{"$ref":"#/components/schemas/t{next}"}}}}}}"##
            ));
        }
        let json = format!(r#"{{"components":{{"schemas":{{{schemas}}}}}}}"#);
        let document = Document::parse(json.as_bytes()).unwrap();
        let kind = Field::from_openapi(&document, &Gvk::new("", "v1", "Kind")).unwrap();
        let flat = kind.flatten();
        assert!(flat.len() >= MOST && flat.len() < MOST + DEEPEST * 2);
        assert_eq!(flat.last().unwrap().cut, Some(Cut::Size));
        // What else goes down the tree ends too.
        assert!(kind.to_json(Depth::All).is_object());
        assert!(crate::schema::diff(&kind, &kind).is_empty());
        assert!(kind.sample_part().to_value().is_object());
    }

    #[test]
    fn a_list_that_contains_itself_comes_to_an_end() {
        let json = br##"{"components":{"schemas":{
            "x.Kind":{"properties":{"all":{"$ref":"#/components/schemas/x.List"}},
                "x-kubernetes-group-version-kind":[{"group":"x","version":"v1","kind":"Kind"}]},
            "x.List":{"type":"array","maxItems":2,"items":{"$ref":"#/components/schemas/x.List"},
                "allOf":[{"$ref":"#/components/schemas/x.List"}]}}}}"##;
        let document = Document::parse(json).unwrap();
        let kind = Field::from_openapi(&document, &Gvk::new("x", "v1", "Kind")).unwrap();
        let all = kind.child("all").unwrap();
        assert!(!all.has_children());
        assert!(all.facts().len() < 20);
        assert!(kind.flatten().len() == 1 && all.to_json(Depth::All).is_object());
        assert!(all.sample_part().to_value().is_object());
    }
}

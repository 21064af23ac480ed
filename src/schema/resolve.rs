//! The schemas that say something of one value: its own, and those it refers to.

use super::document::Document;
use super::raw::Node;

/// One of the schemas that hold for a value.
#[derive(Clone, Debug)]
pub(super) struct Layer {
    /// The schema
    pub(super) node: Node,
    /// Its name, if it was reached by one
    pub(super) name: Option<String>,
}

/// A schema, then what it refers to by `$ref` and `allOf`, nearest first. Never empty.
pub(super) fn layers(node: &Node, document: &Document) -> Vec<Layer> {
    let mut found = Vec::new();
    collect(node, None, document, &mut found);
    found
}

fn collect(node: &Node, name: Option<&str>, document: &Document, found: &mut Vec<Layer>) {
    found.push(Layer {
        node: node.clone(),
        name: name.map(str::to_owned),
    });
    if let Some((name, target)) = node.reference.as_deref().and_then(|r| document.resolve(r)) {
        // A schema that refers to itself says nothing new.
        if !found.iter().any(|l| l.name.as_deref() == Some(name)) {
            collect(target, Some(name), document, found);
        }
    }
    for part in node.all_of() {
        // A part of a named schema belongs to that name.
        collect(part, name, document, found);
    }
}

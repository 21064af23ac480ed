//! What is made of a schema.

use super::super::cel::Rules;
use super::super::definition::prune_defaults;
use super::super::schema::{self, Schema};
use super::super::validate::Node;

/// A schema ready for pruning, defaulting and validation.
#[derive(Debug)]
pub(super) struct Compiled {
    /// Its defaults hold nothing unknown.
    pub(super) schema: Schema,
    pub(super) node: Node,
    /// Of `status`, where that is written by itself
    pub(super) status: Option<Node>,
    pub(super) rules: Rules,
}

impl Compiled {
    /// Compiles a schema that was accepted with its definition.
    pub(super) fn new(json: &str, has_status: bool) -> Self {
        let json = serde_json::from_str(json).unwrap_or_default();
        let mut schema = schema::read(&json).unwrap_or_default();
        prune_defaults(&mut schema);
        let status = schema.properties.get("status").filter(|_| has_status);
        Compiled {
            node: Node::new(&schema),
            status: status.map(Node::new),
            rules: Rules::new(&schema, true),
            schema,
        }
    }
}

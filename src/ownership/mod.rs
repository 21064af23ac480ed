//! Who owns whom: objects that name their owners by uid, and the tree that follows from it.
//!
//! [`list`] asks the server for objects as rows of its Tables, which carry what `kubectl get` prints
//! and the metadata in one; [`state`] makes words of the rows; [`tree`] puts the objects in order,
//! purely; [`follow`] keeps up with what changes.

pub mod events;
pub mod follow;
mod kind;
pub mod list;
mod object;
pub mod state;
mod table;
pub mod tree;

pub use events::Event;
pub use kind::Kind;
pub use object::{Object, Owner};
pub use state::{Health, State};
pub use tree::{Link, Node, Tree, build};

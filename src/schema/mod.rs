//! OpenAPI v3 and CRD schemas as one tree of fields: look up, explain, sample, diff, search.

mod bounds;
mod diff;
mod document;
mod facts;
mod field;
mod immutable;
mod json;
mod load;
mod lookup;
mod raw;
mod resolve;
mod sample;
mod type_text;
mod walk;
mod yaml;

pub use bounds::Bounds;
pub use diff::{Change, What, diff};
pub use document::{Document, Gvk};
pub use facts::{Fact, value_text};
pub use field::{
    Condition, ElementKind, Field, Immutable, ListSemantics, PatchSemantics, Rule, Union,
};
pub use json::Depth;
pub use load::{Index, LoadError, kept};
pub use lookup::{Because, NotFound};
pub use raw::ExternalDocs;
pub use sample::Sample;
pub use walk::{Cut, Flat, escaped};

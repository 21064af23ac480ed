//! CustomResourceDefinitions and custom resources, as apiextensions-apiserver has them.
//!
//! All of it is computed from JSON: nothing is stored here. `definition` is about the definitions
//! themselves, [`Version`] about the objects of one.

#[cfg(test)]
mod cases;
mod cel;
mod correlate;
mod definition;
mod format;
mod go;
mod jsonpath;
mod list_type;
mod object;
mod openapi;
mod regexp;
mod schema;
mod structural;
mod validate;
mod version;

pub use definition::{
    Deletion, FINALIZER, has_its_names, is_established, is_terminating, mark, mark_terminating,
    prepare_create, prepare_status_update, prepare_update, set_defaults, settle, validate_create,
    validate_status_update, validate_update, warnings,
};
pub use openapi::document as openapi;
pub use version::{NOT_SET, Version, compare_versions, versions};

/// Why nothing is created while its definition goes: 403, with `create` refused for the resource.
pub const TERMINATING: &str = "create not allowed while custom resource definition is terminating";

//! A CustomResourceDefinition as a person wants to see it: listed without its schemas, judged,
//! drawn in detail.
//!
//! All is pure but `fetch`, which asks the server.

pub mod backend;
pub mod changes;
pub mod detail;
pub mod fetch;
pub mod model;
pub mod names;
pub mod problems;
mod resolve;
pub mod row;
mod state;
pub mod stored;
mod summary;
pub mod table;
#[cfg(test)]
pub(crate) mod testing;
mod tree;
pub mod usage;

pub use model::Crd;
pub use problems::{Problem, problems};
pub use resolve::{Meant, resolve};
pub use row::Row;
pub use state::State;
pub use summary::{add_backend, add_problems, summary};

/// The path of the list of CRDs.
pub const PATH: &str = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";

//! What a server serves: groups, versions, resources; how it is asked, kept, and found again.

mod aggregated;
pub mod cache;
pub mod complete;
pub mod explain;
mod find;
mod legacy;
pub mod lifecycle;
mod load;
mod model;
pub mod nearest;
pub mod origin;
#[cfg(test)]
pub(crate) mod testing;

pub use cache::Cache;
pub use find::{Candidate, Found, NotFound, is_version};
pub use legacy::storage_hash;
pub use load::{CacheMode, cached, load};
pub use model::{
    Discovery, Form, Group, GroupVersionFailure, Resource, Subresource, Version, group_version,
    group_version_path,
};

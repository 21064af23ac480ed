//! What is done to a custom object before it is validated: unknown fields go, metadata gets its
//! form, defaults are set.

mod coerce;
mod default;
mod embedded;
mod metadata;
mod prune;
mod time;

pub(super) use coerce::{Coercion, coerce};
pub(super) use default::{apply_defaults, drop_nulls};
pub(super) use embedded::validate as validate_embedded;
pub(super) use metadata::decode as decode_metadata;
pub(super) use prune::{prune, prune_resource};

/// The fields that every resource has beside its own.
pub(super) fn is_meta(name: &str) -> bool {
    matches!(name, "apiVersion" | "kind" | "metadata")
}

//! Who manages which fields of an object, and server-side apply, as structured-merge-diff v6 and
//! apimachinery's `pkg/util/managedfields` do it.
//!
//! - [`update`] after every create, update and patch that is no apply;
//! - [`apply`] for server-side apply;
//! - [`Replicas`] around a write of the scale subresource;
//! - [`keep_times`] last, before the new object is compared with the stored one;
//! - [`filter`] for what a write does not decide, [`names`] for how managers are called.
//!
//! Fields are of the version in which the object is given, whatever version an entry of
//! managedFields names: kinds whose versions differ in their fields are not converted here.

mod compare;
mod conflict;
mod context;
mod element;
mod fields;
mod fieldset;
pub(crate) mod go;
mod last_applied;
mod managed;
mod merge;
pub mod names;
#[cfg(test)]
mod property;
mod remove;
mod reset;
mod scale;
mod schema;
mod server_side;
mod set;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
mod times;
mod typed;
mod update;
mod validate;
mod zero;

pub use context::Context;
pub use reset::{Filter, filter};
pub use scale::Replicas;
pub use server_side::{Applied, apply};
pub use times::keep_times;
pub use update::update;
pub use zero::zero;

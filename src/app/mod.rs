//! The App resource, pure: nothing here knows a client, does I/O or reads a clock.
//!
//! - [`App`], [`AppSpec`], [`AppStatus`]: the resource; [`crd::crd`] is the CRD made from them.
//! - [`labels`], [`names`]: what the children and their ports are called.
//! - [`children`]: App in, object out; exactly the fields that are sent by server-side apply.
//! - [`live`]: what is kept of the children that exist, small enough for thousands of them.
//! - [`drift`]: whether a child already is as it would be sent.
//! - [`pods`]: what keeps a pod from becoming ready, in words.
//! - [`status`]: what was observed in, status out.
//! - [`plan`] and [`report`]: what was observed in, [`Action`]s out.
//! - [`reaction`]: what it means that the server did not take one.
//!
//! An operator visits an App so: [`plan`] says what to write; the answers go into
//! [`Observed::applied`], a failure through [`reaction`] into [`Observed::failure`]; then [`report`]
//! says what is to be told.

mod actions;
pub mod children;
mod conditions;
pub mod crd;
pub mod drift;
mod events;
mod failure;
pub mod labels;
pub mod live;
pub mod names;
mod observed;
mod overrides;
pub mod pods;
mod quantity;
pub mod reason;
mod rules;
mod schema;
pub mod status;
#[cfg(test)]
pub mod testing;
mod types;
mod verdict;

pub use actions::{Action, plan, report};
pub use children::Child;
pub use events::Note;
pub use failure::{Failure, Reaction, reaction};
pub use live::{LiveDeployment, LiveService, Ownership};
pub use observed::{Observed, Settled};
pub use overrides::OverrideError;
pub use types::{App, AppSpec, AppStatus};

/// The field manager of everything that is applied.
pub const MANAGER: &str = "appop";

/// The field manager that holds a Deployment's replicas from the moment an autoscaler appears until
/// that one writes them, because a field that nobody owns any more falls back to its default.
pub const HANDOVER: &str = "appop-handover";

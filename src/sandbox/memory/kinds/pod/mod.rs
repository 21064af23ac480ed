//! What pods and templates of pods have in common: defaults and checks
//! (`pkg/apis/core/v1/defaults.go`, `pkg/apis/core/validation` and `pkg/api/pod`).

mod annotations;
pub(crate) mod check;
pub(crate) mod claim;
mod container;
mod defaults;
mod env;
mod ephemeral;
mod image;
mod level;
mod mounts;
mod network;
mod network_volume;
mod os;
mod overlaps;
mod probe;
pub(crate) mod resources;
pub(crate) mod scheduling;
mod security;
mod spec;
mod template;
mod volume;
mod warnings;

pub use defaults::{default_pod, default_spec};
pub use template::validate_template;
pub use warnings::template_warnings;

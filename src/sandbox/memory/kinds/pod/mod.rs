//! What pods and templates of pods have in common: defaults and checks
//! (`pkg/apis/core/v1/defaults.go`, `pkg/apis/core/validation` and `pkg/api/pod`).

pub(crate) mod annotations;
pub(crate) mod check;
pub(crate) mod claim;
mod container;
mod defaults;
mod difflib;
mod env;
mod ephemeral;
mod image;
pub(crate) mod internal;
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
pub(crate) mod volume;
pub(crate) mod warnings;

pub(crate) use container::image_has_no_edges;
pub(crate) use defaults::round_up;
pub use defaults::{default_pod, default_spec};
pub(crate) use spec::{Owner, validate as validate_spec};
pub use template::validate_template;
pub use warnings::template_warnings;

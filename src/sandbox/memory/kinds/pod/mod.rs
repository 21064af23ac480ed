//! What pods and templates of pods have in common: defaults and checks
//! (`pkg/apis/core/v1/defaults.go`, `pkg/apis/core/validation` and `pkg/api/pod`).

mod defaults;
mod image;
mod level;

pub use defaults::{default_pod, default_spec};

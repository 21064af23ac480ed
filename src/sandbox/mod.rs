//! A Kubernetes API on this machine.
//!
//! - [`real`]: etcd, kube-apiserver and kube-controller-manager as processes of their own.
//! - [`memory`]: an API server within this process, held to the answers of the real one.
//! - [`simulator`]: nodes that exist only in the API, and pods that become ready on them.
//!
//! Both are reached over HTTP alone, like any server; nothing here prints or catches signals.

mod correlate;
mod directory;
mod error;
mod kubeconfig;
pub mod memory;
mod notice;
mod pki;
#[cfg(unix)]
pub mod real;
pub mod simulator;
mod uuid;

pub use error::{ASSETS_VARIABLE, Ended, Error};
pub use kubeconfig::CONTEXT;
pub use notice::{Kind, Notice, running};

//! The real servers: etcd, kube-apiserver and kube-controller-manager, started on loopback in a
//! directory of their own and gone without a trace afterwards.
//!
//! There is no kubelet and no kube-scheduler; [`simulator`](super::simulator) stands in for both.

mod binaries;
mod control_plane;
mod credentials;
mod directory;
mod error;
mod flags;
mod kubeconfig;
mod orphans;
mod pki;
mod process;
mod startup;

pub use binaries::{ASSETS_VARIABLE, Binaries};
pub use control_plane::{ControlPlane, Options};
pub use error::{Ended, Error};
pub use kubeconfig::CONTEXT;

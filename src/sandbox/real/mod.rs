//! The real servers: etcd, kube-apiserver and kube-controller-manager, started on loopback in a
//! directory of their own and gone without a trace afterwards.
//!
//! There is no kubelet and no kube-scheduler; [`simulator`](super::simulator) stands in for both.

mod binaries;
mod control_plane;
mod credentials;
mod flags;
mod orphans;
mod process;
mod startup;

pub use binaries::Binaries;
pub use control_plane::{ControlPlane, Options};

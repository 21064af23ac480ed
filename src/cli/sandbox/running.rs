//! A sandbox of either kind, running.

use std::path::Path;

use crate::sandbox::Ended;
use crate::sandbox::memory::host::Sandbox;
use crate::sandbox::real::ControlPlane;

/// See the module.
pub(super) enum Running {
    /// The server in memory
    Memory(Box<Sandbox>),
    /// The real servers
    Real(Box<ControlPlane>),
}

impl Running {
    /// The kubeconfig that was written.
    pub(super) fn kubeconfig(&self) -> &Path {
        match self {
            Running::Memory(sandbox) => sandbox.kubeconfig_path(),
            Running::Real(control_plane) => control_plane.kubeconfig_path(),
        }
    }

    /// The directory of everything that belongs to it.
    pub(super) fn directory(&self) -> &Path {
        match self {
            Running::Memory(sandbox) => sandbox.directory(),
            Running::Real(control_plane) => control_plane.directory(),
        }
    }

    /// What it is, for people.
    pub(super) fn name(&self) -> String {
        match self {
            Running::Memory(sandbox) => {
                format!(
                    "Kubernetes {} in memory at {}",
                    sandbox.version(),
                    sandbox.url()
                )
            }
            Running::Real(control_plane) => {
                format!(
                    "Kubernetes {} at {}",
                    control_plane.version(),
                    control_plane.url()
                )
            }
        }
    }

    /// Waits until a server has ended by itself; what runs in this process does not.
    pub(super) async fn ended(&mut self) -> Ended {
        match self {
            Running::Memory(_) => std::future::pending().await,
            Running::Real(control_plane) => control_plane.ended().await,
        }
    }

    /// Ends it.
    ///
    /// Errors: when what is to be kept cannot be.
    pub(super) async fn stop(self) -> anyhow::Result<()> {
        match self {
            Running::Memory(sandbox) => Ok(sandbox.stop().await?),
            Running::Real(control_plane) => {
                control_plane.stop().await;
                Ok(())
            }
        }
    }
}

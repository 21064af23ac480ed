//! One server, and requests to it.

use crate::output::Printer;

use super::ConnectFlags;

/// A server that can be asked.
#[derive(Debug)]
pub struct Server {}

impl Server {
    /// Resolves the flags and the kubeconfig.
    pub fn connect(_flags: &ConnectFlags, _verbose: u8, _printer: Printer) -> anyhow::Result<Self> {
        Ok(Server {})
    }
}

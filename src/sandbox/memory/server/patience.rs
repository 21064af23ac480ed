//! How long clients are waited for.

use std::time::Duration;

/// See the module.
#[derive(Clone, Copy, Debug)]
pub(super) struct Patience {
    /// For the handshake; who takes longer is no client
    pub(super) handshake: Duration,
    /// From the handshake to the end of the first request's headers (kube-apiserver's
    /// ReadHeaderTimeout)
    pub(super) first: Duration,
    /// From the end of an answer to the next request (kube-apiserver's IdleTimeout)
    pub(super) idle: Duration,
    /// For somebody to take what there is for them
    pub(super) stalled: Duration,
    /// How often it is looked whether a connection still has a use
    pub(super) looks: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Patience {
            handshake: Duration::from_secs(10),
            first: Duration::from_secs(32),
            idle: Duration::from_secs(90),
            stalled: Duration::from_secs(20),
            looks: Duration::from_secs(5),
        }
    }
}

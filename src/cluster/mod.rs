//! Reaching a server: kubeconfig by kubectl's rules, flags to a client, one request sent and its
//! answer streamed, a failure explained.

mod flags;
mod server;

pub use flags::ConnectFlags;
pub use server::Server;

//! Sockets: TLS, HTTP/1.1 and HTTP/2, bodies that are read with limits, answers that are sent.

mod activity;
mod body;
mod connection;
mod files;
mod patience;
mod refuse;
mod socket;
#[cfg(test)]
mod tests;
mod tls;

use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::{Semaphore, watch};
use tokio::time::sleep;

use super::api::Api;
use patience::Patience;

pub use body::AnswerBody;
pub use connection::{Inside, respond};
pub use tls::acceptor;

/// More connections than that wait for one to end: each may hold a body of 3 MiB.
const CONNECTIONS: usize = 4096;
/// After a failure to accept, such as too many open files, nothing is gained by trying at once.
const REST: Duration = Duration::from_millis(50);

/// Serves a listener until `stop` is true.
pub async fn serve(
    api: Arc<Api>,
    listener: TcpListener,
    tls: tokio_rustls::TlsAcceptor,
    mut stop: watch::Receiver<bool>,
) {
    files::allow();
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    // Said once, not 20 times a second.
    let mut was_full = false;
    loop {
        let Ok(place) = Arc::clone(&places).acquire_owned().await else {
            return;
        };
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = stop.wait_for(|stop| *stop) => return,
        };
        match accepted {
            Ok((stream, _)) => {
                was_full = false;
                // Small answers must not wait for more to send.
                let _ = stream.set_nodelay(true);
                let (api, tls, stop) = (Arc::clone(&api), tls.clone(), stop.clone());
                tokio::spawn(async move {
                    connection::serve(api, stream, tls, Patience::default(), stop).await;
                    drop(place);
                });
            }
            Err(problem) => {
                let is_full = files::are_used_up(&problem);
                if is_full && !was_full {
                    tracing::warn!(
                        %problem,
                        "the sandbox takes no more connections until some end; the limit is that \
                         of `ulimit -n`",
                    );
                }
                was_full = is_full;
                tracing::debug!(%problem, "a connection could not be accepted");
                sleep(REST).await;
            }
        }
    }
}

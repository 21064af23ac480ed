//! An answer's body as it arrives.

use bytes::Bytes;
use futures::FutureExt;
use http::Method;
use http_body_util::BodyExt;
use kube::client::Body;
use tokio::time::{Instant, timeout_at};

use super::error::{Error, Transport};
use super::server::Server;

/// A body that is read piece by piece, however long it is and however slowly it comes.
///
/// Only `--request-timeout` ends it early, counted from [`Server::stream`]'s `began`.
pub struct Stream {
    server: Server,
    method: Method,
    path: String,
    body: Body,
    deadline: Option<Instant>,
}

impl Server {
    /// The body of the answer to a request of `method` and `path` that was sent at `began`.
    pub fn stream(&self, method: &Method, path: &str, began: Instant, body: Body) -> Stream {
        Stream {
            server: self.clone(),
            method: method.clone(),
            path: path.to_owned(),
            body,
            deadline: self.settings().timeout.map(|limit| began + limit),
        }
    }
}

impl Stream {
    /// The next bytes, waiting for them; `None` at the end. May be dropped while it waits.
    ///
    /// Errors: the connection broke, or the time allowed is over.
    pub async fn next(&mut self) -> Result<Option<Bytes>, Error> {
        loop {
            let frame = match self.deadline {
                Some(deadline) => match timeout_at(deadline, self.body.frame()).await {
                    Ok(frame) => frame,
                    Err(_) => return Err(self.timed_out()),
                },
                None => self.body.frame().await,
            };
            let Some(frame) = frame else { return Ok(None) };
            let frame = frame
                .map_err(|problem| self.server.transport(&self.method, &self.path, &problem))?;
            // Trailers are not for anybody here.
            if let Ok(data) = frame.into_data() {
                return Ok(Some(data));
            }
        }
    }

    fn timed_out(&self) -> Error {
        let limit = self.server.settings().timeout.unwrap_or_default();
        let why = Transport::Other(format!(
            "the answer was not complete after the {limit:?} that --request-timeout allows."
        ));
        Error::Transport {
            method: self.method.to_string(),
            url: format!("{}{}", self.server.url(), self.path),
            why: Box::new(why),
        }
    }

    /// What [`Stream::next`] would say at once; `None` when it would wait.
    pub fn ready(&mut self) -> Option<Result<Option<Bytes>, Error>> {
        self.next().now_or_never()
    }
}

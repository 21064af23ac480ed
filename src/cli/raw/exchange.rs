//! One request of the command line and its answer, good or bad.

use std::process::ExitCode;

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode, Uri};
use kube::client::Body;
use tokio::time::Instant;

use super::answer::Answer;
use super::explain;
use crate::cli::Context;
use crate::cluster::Server;
use crate::output::Printer;

/// The exit code of a failure whose Status was printed in place of words.
const FAILED: u8 = 1;

/// What all requests of one command line have in common.
pub(super) struct Exchange<'a> {
    pub(super) context: &'a Context,
    pub(super) server: &'a Server,
    /// `-i`: status and headers are shown
    pub(super) include: bool,
    /// `-o status`: a failure is printed as the server said it
    pub(super) raw_status: bool,
}

/// An answer by its code.
pub(super) enum Sent {
    Good(Response<Body>),
    Bad(Response<Body>),
}

impl Exchange<'_> {
    pub(super) fn printer(&self) -> Printer {
        self.context.printer
    }

    /// Sends a request and waits for the answer's headers.
    ///
    /// Errors: there was no answer.
    pub(super) async fn send(&self, request: Request<Bytes>) -> anyhow::Result<Sent> {
        let response = self.server.send(request).await?;
        if self.include {
            self.show_head(&response);
        }
        let code = response.status();
        // 304 is what a request with If-None-Match wants to hear.
        Ok(if code.is_success() || code == StatusCode::NOT_MODIFIED {
            Sent::Good(response)
        } else {
            Sent::Bad(response)
        })
    }

    /// Ends the command after a failure.
    ///
    /// Errors: the failure explained, unless its Status is printed.
    pub(super) async fn fail(
        &self,
        method: &Method,
        uri: &Uri,
        response: Response<Body>,
    ) -> anyhow::Result<ExitCode> {
        if !self.raw_status {
            return Err(self.error(method, uri, response).await);
        }
        let answer = Answer::new(self.server, method, uri, Instant::now(), response);
        answer.show(self.printer()).await?;
        Ok(ExitCode::from(FAILED))
    }

    /// A failure in words: what the server said, and what discovery adds to it.
    pub(super) async fn error(
        &self,
        method: &Method,
        uri: &Uri,
        response: Response<Body>,
    ) -> anyhow::Error {
        let path = uri.to_string();
        match self.server.failure(method, &path, response).await {
            Ok(failure) => explain::explain(self.context, self.server, &failure).await,
            Err(problem) => problem.into(),
        }
    }

    fn show_head(&self, response: &Response<Body>) {
        let printer = self.printer();
        let code = response.status();
        let reason = code.canonical_reason().unwrap_or_default();
        let line = format!("{:?} {} {reason}", response.version(), code.as_u16());
        printer.say(line.trim_end());
        for (name, value) in response.headers() {
            let value = String::from_utf8_lossy(value.as_bytes());
            printer.say(&format!("{name}: {value}"));
        }
        printer.say("");
    }
}

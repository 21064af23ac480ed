//! `/metrics`, `/healthz` and `/readyz`, on a listener that is passed in.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use http::{Method, Request, Response, StatusCode, header};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::time::sleep;

use super::metrics::Metrics;

/// Connections at the same time: a few scrapers and probes. More wait.
const AT_ONCE: usize = 32;
/// Who sends no request for so long is let go.
const PATIENCE: Duration = Duration::from_secs(10);

/// Whether the operator can do its work. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub(super) struct Readiness {
    synced: Arc<AtomicBool>,
}

impl Readiness {
    /// What there is has been read once.
    pub(super) fn set_synced(&self) {
        self.synced.store(true, Ordering::Relaxed);
    }

    pub(super) fn is_synced(&self) -> bool {
        self.synced.load(Ordering::Relaxed)
    }
}

/// Answers until it is dropped.
pub(super) async fn serve(listener: TcpListener, metrics: Arc<Metrics>, readiness: Readiness) {
    let places = Arc::new(Semaphore::new(AT_ONCE));
    loop {
        let Ok(place) = Arc::clone(&places).acquire_owned().await else {
            return;
        };
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            Err(problem) => {
                // Out of file descriptors, most likely: what is open will end.
                tracing::warn!(%problem, "a connection to the metrics port failed");
                sleep(Duration::from_secs(1)).await;
                continue;
            }
        };
        let (metrics, readiness) = (Arc::clone(&metrics), readiness.clone());
        tokio::spawn(async move {
            let answer = service_fn(|request: Request<Incoming>| {
                let answer = answer(request.method(), request.uri().path(), &metrics, &readiness);
                async { Ok::<_, Infallible>(answer) }
            });
            // A client that goes away in the middle is its own affair.
            let _ = http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(PATIENCE)
                .serve_connection(TokioIo::new(stream), answer)
                .await;
            drop(place);
        });
    }
}

fn answer(
    method: &Method,
    path: &str,
    metrics: &Metrics,
    readiness: &Readiness,
) -> Response<String> {
    if !matches!(*method, Method::GET | Method::HEAD) {
        return plain(StatusCode::METHOD_NOT_ALLOWED, "only GET\n");
    }
    match path {
        "/metrics" => {
            let mut response = Response::new(metrics.text());
            let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
            let kind = header::HeaderValue::from_static(kind);
            response.headers_mut().insert(header::CONTENT_TYPE, kind);
            response
        }
        // Everything runs on the thread that answers: an answer says that nothing blocks it.
        "/healthz" => plain(StatusCode::OK, "ok\n"),
        "/readyz" if readiness.is_synced() => plain(StatusCode::OK, "ok\n"),
        "/readyz" => plain(
            StatusCode::SERVICE_UNAVAILABLE,
            "the Apps and what they own have not been read yet\n",
        ),
        _ => plain(
            StatusCode::NOT_FOUND,
            "there are /metrics, /healthz and /readyz\n",
        ),
    }
}

fn plain(code: StatusCode, text: &str) -> Response<String> {
    let mut response = Response::new(text.to_owned());
    *response.status_mut() = code;
    let kind = header::HeaderValue::from_static("text/plain; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ready_means_that_what_there_is_was_read() {
        let (metrics, readiness) = (Metrics::new(1), Readiness::default());
        let code = |path: &str| {
            answer(&Method::GET, path, &metrics, &readiness)
                .status()
                .as_u16()
        };
        assert_eq!((code("/healthz"), code("/readyz")), (200, 503));
        readiness.set_synced();
        assert_eq!(
            (code("/readyz"), code("/metrics"), code("/")),
            (200, 200, 404)
        );
        let posted = answer(&Method::POST, "/metrics", &metrics, &readiness);
        assert_eq!(posted.status(), StatusCode::METHOD_NOT_ALLOWED);
    }
}

//! The gate once more, where bytes leave the process.
//!
//! A request that has passed the gate is still in this process for a while: in the connection's
//! buffers, half encrypted, half sent. A process that is frozen then, and wakes when its lease is
//! somebody else's, would send the rest. So each write to the socket asks the gate first. What is
//! left is the moment between that question and the system call.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use futures::future::BoxFuture;
use http::{HeaderValue, Request, Response, Uri};
use hyper::body::Incoming;
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_util::client::legacy::Builder;
use hyper_util::client::legacy::connect::proxy::{SocksV5, Tunnel};
use hyper_util::client::legacy::connect::{Connected, Connection, HttpConnector};
use hyper_util::rt::TokioExecutor;
use kube::Config;
use kube::client::{Body, ConfigExt};
use percent_encoding::percent_decode_str;
use tower::util::BoxService;
use tower::{BoxError, Service, ServiceBuilder, ServiceExt};

use super::gate::Gate;

/// Sends requests as kube's own client would, but for the timeouts: whoever calls has one.
pub(super) type Transport = BoxService<Request<Body>, Response<Incoming>, BoxError>;

/// What sends nothing while `gate` is closed.
///
/// Errors: the configuration is of no use.
pub(super) fn transport(config: &Config, gate: Gate) -> Result<Transport, kube::Error> {
    let mut plain = HttpConnector::new();
    plain.enforce_http(false);
    let fenced = Fenced { inner: plain, gate };
    let Some(proxy) = config.proxy_url.clone() else {
        return over(fenced, config);
    };
    match proxy.scheme_str() {
        Some("socks5") => over(SocksV5::new(proxy, fenced), config),
        Some("http") => {
            let tunnel = Tunnel::new(proxy.clone(), fenced);
            match credentials(&proxy) {
                Some(credentials) => over(tunnel.with_auth(credentials), config),
                None => over(tunnel, config),
            }
        }
        _ => Err(kube::Error::ProxyProtocolUnsupported {
            proxy_url: Box::new(proxy),
        }),
    }
}

/// The proxy's user and password, as its address has them.
fn credentials(proxy: &Uri) -> Option<HeaderValue> {
    let (userinfo, _) = proxy.authority()?.as_str().split_once('@')?;
    let plain: Vec<u8> = percent_decode_str(userinfo).collect();
    let mut value =
        HeaderValue::from_str(&format!("Basic {}", BASE64_STANDARD.encode(plain))).ok()?;
    value.set_sensitive(true);
    Some(value)
}

fn over<C>(connector: C, config: &Config) -> Result<Transport, kube::Error>
where
    C: Service<Uri> + Clone + Send + Sync + 'static,
    C::Response: Connection + Read + Write + Send + Unpin + 'static,
    C::Future: Send + 'static,
    C::Error: std::error::Error + Send + Sync + 'static,
{
    let secure = config.rustls_https_connector_with_connector(connector)?;
    let client = Builder::new(TokioExecutor::new()).build::<_, Body>(secure);
    let service = ServiceBuilder::new()
        .layer(config.base_uri_layer())
        .option_layer(config.auth_layer()?)
        .layer(config.extra_headers_layer()?)
        .map_err(BoxError::from)
        .service(client);
    Ok(service.boxed())
}

/// Makes connections that ask the gate.
#[derive(Clone, Debug)]
struct Fenced<C> {
    inner: C,
    gate: Gate,
}

impl<C> Service<Uri> for Fenced<C>
where
    C: Service<Uri>,
    C::Future: Send + 'static,
{
    type Response = Stream<C::Response>;
    type Error = C::Error;
    type Future = BoxFuture<'static, Result<Self::Response, C::Error>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), C::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, to: Uri) -> Self::Future {
        let (connecting, gate) = (self.inner.call(to), self.gate.clone());
        Box::pin(async move {
            let inner = connecting.await?;
            Ok(Stream { inner, gate })
        })
    }
}

/// A connection that asks the gate before each write.
#[derive(Debug)]
struct Stream<T> {
    inner: T,
    gate: Gate,
}

impl<T: Connection> Connection for Stream<T> {
    fn connected(&self) -> Connected {
        self.inner.connected()
    }
}

impl<T: Read + Unpin> Read for Stream<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_read(cx, buffer)
    }
}

impl<T: Write + Unpin> Write for Stream<T> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.gate.check().map_err(io::Error::other)?;
        Pin::new(&mut self.inner).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.gate.check().map_err(io::Error::other)?;
        Pin::new(&mut self.inner).poll_write_vectored(cx, parts)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use hyper_util::rt::TokioIo;
    use tokio::io::AsyncReadExt;

    use super::super::gate::Closed;
    use super::*;

    #[tokio::test]
    async fn what_was_not_sent_when_the_gate_closed_is_never_sent() {
        let (near, mut far) = tokio::io::duplex(4);
        let gate = Gate::closed();
        gate.open_for(
            super::super::gate::Moment::now(),
            std::time::Duration::from_secs(60),
        );
        let mut stream = Stream {
            inner: TokioIo::new(near),
            gate: gate.clone(),
        };
        let mut send = async |bytes: &'static [u8]| {
            poll_fn(|cx| Pin::new(&mut stream).poll_write(cx, bytes)).await
        };
        // The other side has room for the beginning alone.
        assert_eq!(send(b"delete everything").await.unwrap(), 4);
        gate.close();
        let mut begun = [0; 4];
        far.read_exact(&mut begun).await.unwrap();
        let refused = send(b"te everything").await.unwrap_err();
        assert!(refused.get_ref().is_some_and(|cause| cause.is::<Closed>()));
        drop(stream);
        let mut rest = Vec::new();
        far.read_to_end(&mut rest).await.unwrap();
        assert_eq!(rest, b"");
    }

    #[test]
    fn a_proxys_password_is_decoded() {
        let value = credentials(&"http://user:p%40ss@proxy:3128".parse().unwrap()).unwrap();
        assert_eq!(value, "Basic dXNlcjpwQHNz");
        assert_eq!(credentials(&"http://proxy:3128".parse().unwrap()), None);
    }
}

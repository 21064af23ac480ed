//! A TCP stream whose first bytes were looked at, and that ends when the other side stops reading.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep, sleep};

/// As much as tells TLS from plain HTTP: what Go's server looks at.
const HEAD: usize = 5;
/// What Go's server says to plain HTTP.
const PLAIN: &[u8] =
    b"HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n";

/// See the module.
pub(super) struct Socket {
    stream: TcpStream,
    head: [u8; HEAD],
    /// How much of `head` was given on
    given: usize,
    /// How long nothing may be taken of what is written
    patience: Duration,
    stall: Option<Pin<Box<Sleep>>>,
}

impl Socket {
    /// Takes a stream over when TLS begins on it; to plain HTTP it is said what is wrong.
    ///
    /// Errors: when the stream ends, and for plain HTTP.
    pub(super) async fn take(mut stream: TcpStream, patience: Duration) -> io::Result<Self> {
        let mut head = [0; HEAD];
        stream.read_exact(&mut head).await?;
        if is_http(head) {
            stream.write_all(PLAIN).await?;
            stream.shutdown().await?;
            // What it still sends is taken, lest a reset overtake the answer.
            let mut rest = [0; 1024];
            while stream.read(&mut rest).await? > 0 {}
            return Err(io::ErrorKind::InvalidData.into());
        }
        Ok(Socket {
            stream,
            head,
            given: 0,
            patience,
            stall: None,
        })
    }

    /// What became of a write, unless none has been possible for too long.
    fn checked<T>(
        &mut self,
        context: &mut Context<'_>,
        written: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.stall = None;
            return written;
        }
        let patience = self.patience;
        let stall = self.stall.get_or_insert_with(|| Box::pin(sleep(patience)));
        ready!(stall.as_mut().poll(context));
        stall.as_mut().reset(Instant::now() + patience);
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

/// Whether it is the beginning of a request in plain HTTP, by which Go's server knows one.
fn is_http(head: [u8; HEAD]) -> bool {
    matches!(&head, b"GET /" | b"HEAD " | b"POST " | b"PUT /" | b"OPTIO")
}

impl AsyncRead for Socket {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.given < HEAD {
            let count = into.remaining().min(HEAD - self.given);
            into.put_slice(&self.head[self.given..self.given + count]);
            self.given += count;
            return Poll::Ready(Ok(()));
        }
        Pin::new(&mut self.stream).poll_read(context, into)
    }
}

impl AsyncWrite for Socket {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.checked(context, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, bytes);
        self.checked(context, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

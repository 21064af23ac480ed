//! Bodies: of requests, read whole within limits; of answers, sent in pieces.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures::future::BoxFuture;
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt;
use tokio::time::timeout;

use super::activity::Exchange;
use crate::sandbox::memory::route::answer;
use crate::sandbox::memory::status::{Details, Status};
use crate::sandbox::memory::verbs::watch::Watch;

/// The most that a request may hold (`MaxRequestBodyBytes`).
const MOST: usize = 3 << 20;
/// Beyond that nothing is read any more.
const DRAINED: usize = 16 << 20;
/// A client that is slower than this is not sending any more (`--request-timeout`).
pub(super) const PATIENCE: Duration = Duration::from_secs(60);

/// Reads a body.
///
/// Errors: 413, 504 when it does not come, 500 when it breaks off.
pub(super) async fn read<B>(body: B, patience: Duration) -> Result<Bytes, Status>
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: Into<BoxError>,
{
    let too_large = || {
        let message = format!("Request entity too large: limit is {MOST}");
        Status::new(413, "RequestEntityTooLarge", message)
    };
    if body.size_hint().lower() > DRAINED as u64 {
        return Err(too_large());
    }
    let reading = async {
        let mut body = body;
        let mut whole = BytesMut::new();
        let mut length = 0;
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|problem| broken(&problem.into()))?;
            let Ok(data) = frame.into_data() else {
                continue;
            };
            length += data.len();
            if length > DRAINED {
                break;
            }
            // What is too much is read on and dropped: a client that still sends would not see the
            // answer.
            if length <= MOST {
                whole.extend_from_slice(&data);
            }
        }
        if length > MOST {
            return Err(too_large());
        }
        Ok(whole.freeze())
    };
    let late = || {
        let message = "Timeout: request did not complete within the allotted timeout";
        Status::new(504, "Timeout", message).with(Details::default())
    };
    timeout(patience, reading).await.map_err(|_| late())?
}

pub(super) type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// A body that is not what its headers say, as Go's reader puts it.
fn broken(problem: &BoxError) -> Status {
    let problem = problem.downcast_ref::<hyper::Error>();
    let is_cut = problem.is_none_or(hyper::Error::is_incomplete_message);
    let message = match is_cut {
        true => "unexpected EOF",
        false => "invalid byte in chunk length",
    };
    Status::new(500, "", message)
}

/// The body of an answer.
pub struct AnswerBody {
    rest: Rest,
    exchange: Option<Exchange>,
}

enum Rest {
    /// What is left of it
    Whole(VecDeque<Bytes>),
    /// Events as they come; `None` after the last
    Watch(Option<Turn>),
}

type Turn = BoxFuture<'static, (Box<Watch>, Option<Bytes>)>;

impl AnswerBody {
    /// A body without anything in it.
    pub(super) fn empty() -> Self {
        AnswerBody {
            rest: Rest::Whole(VecDeque::new()),
            exchange: None,
        }
    }

    /// The same, as the answer of an exchange, which lasts as long as the body.
    pub(super) fn of(mut self, exchange: Exchange) -> Self {
        self.exchange = Some(exchange);
        self
    }
}

impl From<answer::Body> for AnswerBody {
    fn from(body: answer::Body) -> Self {
        let rest = match body {
            answer::Body::Whole(pieces) => {
                let pieces = pieces.into_iter().filter(|piece| !piece.is_empty());
                Rest::Whole(pieces.collect())
            }
            answer::Body::Watch(watch) => Rest::Watch(Some(turn(watch))),
        };
        AnswerBody {
            rest,
            exchange: None,
        }
    }
}

fn turn(mut watch: Box<Watch>) -> Turn {
    Box::pin(async move {
        let next = watch.next().await;
        (watch, next)
    })
}

impl Body for AnswerBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let AnswerBody { rest, exchange } = &mut *self;
        if let Some(exchange) = exchange {
            exchange.taken();
        }
        let next = match rest {
            Rest::Whole(pieces) => gather(pieces),
            Rest::Watch(waiting) => {
                let Some(future) = waiting else {
                    return Poll::Ready(None);
                };
                let Poll::Ready((watch, next)) = future.as_mut().poll(context) else {
                    return Poll::Pending;
                };
                *waiting = next.is_some().then(|| turn(watch));
                next
            }
        };
        if let Some(exchange) = exchange.as_ref().filter(|_| next.is_some()) {
            exchange.given();
        }
        Poll::Ready(next.map(|piece| Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        match &self.rest {
            Rest::Whole(pieces) => pieces.is_empty(),
            Rest::Watch(waiting) => waiting.is_none(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.rest {
            Rest::Whole(pieces) => {
                SizeHint::with_exact(pieces.iter().map(|piece| piece.len() as u64).sum())
            }
            Rest::Watch(_) => SizeHint::default(),
        }
    }
}

/// The next part of a body, put together of small pieces: a list is made of two or three for each
/// object, and each frame costs a write.
fn gather(pieces: &mut VecDeque<Bytes>) -> Option<Bytes> {
    /// As much as TLS and HTTP/2 pass on at a time, several times.
    const ENOUGH: usize = 64 << 10;
    let first = pieces.pop_front()?;
    if first.len() >= ENOUGH || pieces.is_empty() {
        return Some(first);
    }
    let mut whole = BytesMut::with_capacity(ENOUGH + first.len());
    whole.extend_from_slice(&first);
    while whole.len() < ENOUGH
        && let Some(next) = pieces.pop_front()
    {
        whole.extend_from_slice(&next);
    }
    Some(whole.freeze())
}

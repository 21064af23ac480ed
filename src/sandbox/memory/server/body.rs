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

use crate::sandbox::memory::route::answer;
use crate::sandbox::memory::status::{Details, Status};
use crate::sandbox::memory::verbs::watch::Watch;

/// The most that a request may hold (`MaxRequestBodyBytes`).
const MOST: usize = 3 << 20;
/// Beyond that nothing is read any more.
const DRAINED: usize = 16 << 20;
/// A client that is slower than this is not sending any more.
const PATIENCE: Duration = Duration::from_secs(60);

/// Reads a body.
///
/// Errors: 413, 408 when it does not come, 400 when it breaks off.
pub(super) async fn read<B>(body: B) -> Result<Bytes, Status>
where
    B: Body<Data = Bytes> + Unpin,
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
            let frame = frame.map_err(|_| Status::bad_request("unexpected EOF"))?;
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
    timeout(PATIENCE, reading).await.map_err(|_| late())?
}

/// The body of an answer.
pub enum AnswerBody {
    /// What is left of it
    Whole(VecDeque<Bytes>),
    /// Events as they come
    Watch(WatchBody),
}

type Turn = BoxFuture<'static, (Box<Watch>, Option<Bytes>)>;

/// See [`AnswerBody::Watch`].
pub struct WatchBody(Option<Turn>);

impl From<answer::Body> for AnswerBody {
    fn from(body: answer::Body) -> Self {
        match body {
            answer::Body::Whole(pieces) => {
                let pieces = pieces.into_iter().filter(|piece| !piece.is_empty());
                AnswerBody::Whole(pieces.collect())
            }
            answer::Body::Watch(watch) => AnswerBody::Watch(WatchBody(Some(turn(watch)))),
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
        match &mut *self {
            AnswerBody::Whole(pieces) => Poll::Ready(gather(pieces).map(|p| Ok(Frame::data(p)))),
            AnswerBody::Watch(WatchBody(waiting)) => {
                let Some(future) = waiting else {
                    return Poll::Ready(None);
                };
                let Poll::Ready((watch, next)) = future.as_mut().poll(context) else {
                    return Poll::Pending;
                };
                *waiting = next.is_some().then(|| turn(watch));
                Poll::Ready(next.map(|piece| Ok(Frame::data(piece))))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            AnswerBody::Whole(pieces) => pieces.is_empty(),
            AnswerBody::Watch(WatchBody(waiting)) => waiting.is_none(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            AnswerBody::Whole(pieces) => {
                SizeHint::with_exact(pieces.iter().map(|piece| piece.len() as u64).sum())
            }
            AnswerBody::Watch(_) => SizeHint::default(),
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

//! `--watch`: Apps, or one of them, as they change.

use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use serde_json::Value;
use serde_json::value::RawValue;
use tokio::sync::mpsc::{self, Receiver, Sender};
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep, timeout_at};

use super::operator;
use crate::cluster::{Error, Server};
use crate::ownership::follow::{Change, Listener, follow};
use crate::ownership::list::{Items, Reader};
use crate::ownership::{Event, Kind, Object};

mod list;
mod one;

pub(super) use list::all;
pub(super) use one::one;

/// Changes that come together are shown together: a rollout writes a dozen objects at a time.
const TOGETHER: Duration = Duration::from_millis(100);
/// How often a terminal is drawn anew, for the ages on it.
const TICK: Duration = Duration::from_secs(1);
/// How often it is looked whether there is an operator.
const LOOK: Duration = Duration::from_secs(10);
/// What may wait to be shown; who follows waits when it is full.
const ROOM: usize = 256;

enum Message {
    App(Change<Value>),
    Object(Arc<Kind>, Change<Object>),
    Event(Change<Event>),
    Leases(operator::Leases),
}

/// Those who follow, and what they tell. They end when this is dropped.
struct Feed {
    server: Server,
    messages: Receiver<Message>,
    sender: Sender<Message>,
    followers: JoinSet<()>,
    /// Listened for from the beginning: one that came while something is shown would be lost
    interrupt: BoxFuture<'static, std::io::Result<()>>,
}

impl Feed {
    fn new(server: &Server) -> Self {
        let (sender, messages) = mpsc::channel(ROOM);
        Feed {
            server: server.without_warnings(),
            messages,
            sender,
            followers: JoinSet::new(),
            interrupt: tokio::signal::ctrl_c().boxed(),
        }
    }

    fn follow<R: Reader + 'static>(
        &mut self,
        path: String,
        query: Vec<String>,
        reader: R,
        wrap: impl Fn(Change<R::Item>) -> Message + Send + Sync + 'static,
    ) {
        let server = self.server.clone();
        let listener = Listener::new(&self.sender, wrap);
        self.followers
            .spawn(async move { follow(&server, &path, &query, reader, listener).await });
    }

    fn apps(&mut self, path: String, query: Vec<String>) {
        let reader = Items::new(|json: &RawValue| serde_json::from_str(json.get()).map(Some));
        self.follow(path, query, reader, Message::App);
    }

    fn leases(&mut self) {
        let (server, sender) = (self.server.clone(), self.sender.clone());
        self.followers.spawn(async move {
            loop {
                let leases = operator::leases(&server, server.namespace()).await;
                if sender.send(Message::Leases(leases)).await.is_err() {
                    return;
                }
                sleep(LOOK).await;
            }
        });
    }

    /// Waits for what is to be shown next: messages, or none when only time has passed. `None` when
    /// a person has had enough.
    async fn next(
        &mut self,
        tick: &mut tokio::time::Interval,
        ticks: bool,
    ) -> Option<Vec<Message>> {
        let mut together = Vec::new();
        tokio::select! {
            _ = &mut self.interrupt => return None,
            _ = tick.tick(), if ticks => return Some(together),
            Some(message) = self.messages.recv() => together.push(message),
        }
        let until = Instant::now() + TOGETHER;
        while together.len() < ROOM {
            tokio::select! {
                _ = &mut self.interrupt => return None,
                message = timeout_at(until, self.messages.recv()) => match message {
                    Ok(Some(message)) => together.push(message),
                    _ => break,
                },
            }
        }
        Some(together)
    }
}

fn ticker() -> tokio::time::Interval {
    let mut tick = interval(TICK);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    tick
}

fn is_refused(problem: &Error) -> bool {
    let code = problem.failure().map(|failure| failure.code.as_u16());
    matches!(code, Some(403 | 404))
}

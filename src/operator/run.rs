//! The loop: watches tell, workers work, the lease allows, and all of it ends in good order.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::future::BoxFuture;
use futures::stream::{FuturesUnordered, StreamExt};
use tokio::net::TcpListener;
use tokio::sync::{oneshot, watch as channel};
use tokio::task::JoinHandle;
use tokio::time::{sleep_until, timeout};

use super::cache::{Cache, Effect, Known};
use super::events::{Recorder, Regarding};
use super::gate::Gate;
use super::health::{self, Readiness};
use super::lease::{Elector, Standing};
use super::metrics::{self, Metrics};
use super::quarrel::Quarrels;
use super::queue::{Ended, Key, Queue};
use super::reconcile::{Worked, Worker};
use super::watch::{News, Scope, Source, Watching, streams};
use super::write::Writer;
use super::{Error, Options, connect, connect_fenced, look};
use crate::app::Note;
use crate::cluster::Server;

/// How soon an App is looked at again whose children's names are taken: nobody tells us when the
/// objects that are in the way are gone.
const IN_THE_WAY: Duration = Duration::from_secs(60);
/// How soon an App is tried again whose write was held back. Either the lease is lost, and nothing
/// will be, or the gate was shut by a clock that jumped, and the next renewal opens it.
const HELD_BACK: Duration = Duration::from_secs(2);
/// For Events that are still to be written, and for giving the lease back, at the end.
pub(super) const LAST_WORDS: Duration = Duration::from_secs(3);

/// Why the operator ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// It was asked to, and has finished what it had begun
    Stopped,
    /// It was asked to, and had to abandon work on so many Apps
    Abandoned(usize),
    /// The lease is somebody else's now, or may be; why
    Lost(String),
}

/// Runs until `stop` is ready or the lease is lost.
///
/// `listener` is where `/metrics`, `/healthz` and `/readyz` are answered, if anywhere.
///
/// Errors: Apps cannot be looked at, see [`Error`]. What goes wrong later is logged and tried again.
pub async fn run(
    server: &Server,
    options: &Options,
    listener: Option<TcpListener>,
    stop: impl Future<Output = ()>,
) -> Result<End, Error> {
    let scopes = options.scopes();
    let mut stop = std::pin::pin!(stop);
    tokio::select! {
        looked = look(server, &scopes, options.selector.as_deref()) => looked?,
        () = &mut stop => return Ok(End::Stopped),
    }
    let metrics = Arc::new(Metrics::new(options.workers));
    let gate = match options.lease {
        Some(_) => Gate::closed(),
        None => Gate::open(),
    };
    let readiness = Readiness::default();
    let mut helpers = Helpers::default();
    if let Some(listener) = listener {
        let answers = health::serve(listener, Arc::clone(&metrics), readiness.clone());
        helpers.add(tokio::spawn(answers));
    }
    let reader = connect(server, gate.clone(), &metrics)?;
    let writer = connect_fenced(server, gate.clone(), &metrics)?;
    let lease = match &options.lease {
        Some(lease) => {
            // A client of its own: renewals never wait behind other requests, and pass the gate.
            let client = connect(server, Gate::open(), &metrics)?;
            let (name, namespace) = (&lease.name, &lease.namespace);
            let identity = options.instance.clone();
            let elector = Elector::new(client, namespace, name, identity, gate);
            Some(Leadership::seek(
                elector,
                name.clone(),
                Arc::clone(&metrics),
            ))
        }
        None => None,
    };
    let (events, recorder) = Recorder::new(writer.clone(), &options.name, &options.instance);
    let recorder = tokio::spawn(recorder.run());
    let operator = Operator {
        watching: streams(&reader, &scopes, options.selector.as_deref()),
        cache: Cache::new(scopes.clone()),
        scopes,
        worker: Worker {
            writer: Writer::new(writer, false),
            metrics: Arc::clone(&metrics),
            events,
        },
        queue: Queue::default(),
        quarrels: Quarrels::default(),
        running: FuturesUnordered::new(),
        workers: options.workers.max(1),
        metrics: Arc::clone(&metrics),
        readiness,
        caught_up: false,
        began: Instant::now(),
    };
    let mut lease = lease;
    let end = operator.run(lease.as_mut(), stop, options.grace).await;
    // It ends when the last sender of Events, which the operator held, is gone.
    if timeout(LAST_WORDS, recorder).await.is_err() {
        tracing::debug!("some Events were not written");
    }
    // Last, for until now we may have written.
    if let Some(lease) = lease {
        metrics.leading(&lease.name, false);
        lease.give_back().await;
    }
    drop(helpers);
    Ok(end)
}

/// Tasks that end with whoever holds this.
#[derive(Default)]
struct Helpers(Vec<JoinHandle<()>>);

impl Helpers {
    fn add(&mut self, task: JoinHandle<()>) {
        self.0.push(task);
    }
}

impl Drop for Helpers {
    fn drop(&mut self) {
        self.0.iter().for_each(JoinHandle::abort);
    }
}

/// The lease, kept by a task of its own.
struct Leadership {
    name: String,
    metrics: Arc<Metrics>,
    standing: channel::Receiver<Standing>,
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl Leadership {
    fn seek(elector: Elector, name: String, metrics: Arc<Metrics>) -> Self {
        metrics.leading(&name, false);
        let (tell, standing) = channel::channel(Standing::default());
        let (stop, stopped) = oneshot::channel();
        let task = tokio::spawn(elector.run(tell, stopped));
        Leadership {
            name,
            metrics,
            standing,
            stop,
            task,
        }
    }

    async fn give_back(self) {
        // Its task may have ended: then there is nothing to give back.
        let _ = self.stop.send(());
        if timeout(LAST_WORDS, self.task).await.is_err() {
            tracing::warn!(lease = self.name, "the lease was not given back in time");
        }
    }
}

struct Operator {
    watching: Watching,
    cache: Cache,
    scopes: Vec<Scope>,
    worker: Worker,
    queue: Queue,
    quarrels: Quarrels,
    running: FuturesUnordered<BoxFuture<'static, Done>>,
    workers: usize,
    metrics: Arc<Metrics>,
    readiness: Readiness,
    caught_up: bool,
    began: Instant,
}

struct Done {
    key: Key,
    began: Instant,
    worked: Worked,
}

impl Operator {
    async fn run(
        mut self,
        mut lease: Option<&mut Leadership>,
        stop: impl Future<Output = ()>,
        grace: Duration,
    ) -> End {
        let mut stop = std::pin::pin!(stop);
        let mut leads = lease.is_none();
        let mut stopping: Option<tokio::time::Instant> = None;
        loop {
            if leads && stopping.is_none() {
                self.start_work();
            }
            if stopping.is_some() && self.running.is_empty() {
                return End::Stopped;
            }
            let due = self
                .queue
                .next_due()
                .filter(|_| leads && stopping.is_none());
            tokio::select! {
                Some((source, news)) = self.watching.next() => self.take_in(source, news),
                Some(done) = self.running.next() => self.finish(done),
                () = until(due.map(tokio::time::Instant::from_std)) => {}
                standing = changed(lease.as_deref_mut()) => match standing {
                    Standing::Waiting => {}
                    Standing::Leading => leads = true,
                    Standing::Lost(why) => return End::Lost(why),
                },
                () = &mut stop, if stopping.is_none() => {
                    tracing::info!(running = self.running.len(), "stopping");
                    stopping = Some(tokio::time::Instant::now() + grace);
                }
                () = until(stopping) => return End::Abandoned(self.running.len()),
            }
        }
    }

    /// Gives waiting Apps to free workers.
    fn start_work(&mut self) {
        while self.running.len() < self.workers {
            let now = Instant::now();
            let Some(taken) = self.queue.take(now) else {
                break;
            };
            self.metrics.taken(taken.waited.as_secs_f64());
            let key = taken.key;
            let Some(snapshot) = self.cache.snapshot(&key) else {
                self.queue.done(&key, Ended::Well, now);
                continue;
            };
            let app = match snapshot.app {
                Known::Whole(app) => app,
                Known::Broken(app) => {
                    let problem = &app.problem;
                    tracing::warn!(app = %key, problem, "cannot be read; mend its spec");
                    let note = Note {
                        warning: true,
                        reason: "Unreadable".to_owned(),
                        note: format!("The spec cannot be read: {problem}"),
                    };
                    let regarding = Regarding::new(&key, &app.uid);
                    self.worker.events.send(regarding, note);
                    self.queue.done(&key, Ended::Refused, now);
                    continue;
                }
            };
            let (worker, observed, failures) =
                (self.worker.clone(), snapshot.observed, taken.failures);
            // Pods that start are worth more than words about them; and who has waited has more
            // to say, in one write.
            let pressed = self.queue.is_pressed();
            self.running.push(Box::pin(async move {
                let began = Instant::now();
                let worked = worker
                    .reconcile(&key, app, observed, failures, pressed)
                    .await;
                Done { key, began, worked }
            }));
        }
        self.metrics.working(self.running.len());
        self.metrics.depth(self.queue.depth());
        if !self.caught_up && self.readiness.is_synced() && self.queue.is_idle() {
            self.caught_up = true;
            let seconds = self.began.elapsed().as_secs_f64();
            tracing::info!(apps = self.cache.apps(), seconds, "caught up");
        }
    }

    fn take_in(&mut self, source: Source, news: News) {
        let effect = self.cache.take_in(source, news);
        let (kind, place) = (source.kind.plural(), self.scopes[source.scope].words());
        if let Some(broken) = &effect.broken {
            tracing::warn!(
                kind,
                place,
                problem = broken.words,
                "the watch broke; trying again"
            );
        }
        if effect.mended {
            tracing::info!(kind, place, "the watch goes on");
        }
        if effect.synced {
            tracing::info!(place, apps = self.cache.apps(), "read what there is");
        }
        if !self.readiness.is_synced() && self.cache.is_ready() {
            self.readiness.set_synced();
        }
        self.metrics.apps(self.cache.apps());
        self.look(effect);
    }

    fn look(&mut self, effect: Effect) {
        let now = Instant::now();
        for (key, cause) in effect.look {
            if self.queue.add(&key, cause, now) {
                self.metrics.added();
            }
        }
    }

    fn finish(&mut self, done: Done) {
        let Done { key, began, worked } = done;
        let now = Instant::now();
        let mut ended = worked.ended;
        let result = match ended {
            Ended::Failed(_) => metrics::Outcome::error,
            Ended::Again => metrics::Outcome::requeue,
            _ => metrics::Outcome::success,
        };
        self.metrics
            .reconciled(result, now.saturating_duration_since(began).as_secs_f64());
        if let Some(problem) = &worked.problem {
            match ended {
                Ended::Leaving | Ended::Closed => {
                    tracing::debug!(app = %key, problem, "left alone")
                }
                _ => tracing::warn!(app = %key, problem, "not as it should be"),
            }
        }
        if worked.corrected
            && ended == Ended::Well
            && let Some(time) = self.quarrels.corrected(&key, now)
        {
            let seconds = time.as_secs_f64();
            tracing::warn!(app = %key, seconds, "somebody keeps changing its children; resting");
            ended = Ended::Rest(time);
        }
        let in_the_way = worked.is_in_the_way();
        let effect = self
            .cache
            .merge(&key, &worked.begun, worked.observed, worked.answer);
        self.queue.done(&key, ended, now);
        if ended == Ended::Closed {
            self.queue.add_later(&key, now + HELD_BACK, true);
        } else if worked.untold && ended == Ended::Well {
            if self.queue.add_patient(&key, now) {
                self.metrics.added();
            }
        } else if in_the_way {
            self.queue.add_later(&key, now + IN_THE_WAY, false);
        }
        self.look(effect);
    }
}

/// Waits until then; for ever, if there is no such time.
async fn until(time: Option<tokio::time::Instant>) {
    match time {
        Some(time) => sleep_until(time).await,
        None => std::future::pending().await,
    }
}

/// Waits until the lease stands otherwise; for ever, if none is wanted.
async fn changed(lease: Option<&mut Leadership>) -> Standing {
    let Some(lease) = lease else {
        return std::future::pending().await;
    };
    match lease.standing.changed().await {
        Ok(()) => {
            let standing = lease.standing.borrow_and_update().clone();
            lease
                .metrics
                .leading(&lease.name, standing == Standing::Leading);
            standing
        }
        // The task says how it ended before it goes, once.
        Err(_) => Standing::Lost("nobody keeps it any more".to_owned()),
    }
}

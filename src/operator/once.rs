//! One pass over all Apps: for `--once`, and for `--dry-run`, which only says what it would do.

use std::sync::Arc;

use futures::stream::{self, Stream, StreamExt};
use tokio::time::{sleep, timeout};

use super::backoff;
use super::cache::{Cache, Known, Snapshot};
use super::events::Recorder;
use super::gate::Gate;
use super::metrics::Metrics;
use super::propose::Change;
use super::queue::{Ended, Key};
use super::reconcile::Worker;
use super::run::LAST_WORDS;
use super::watch::{Scope, streams};
use super::write::Writer;
use super::{Error, Options, connect, look};
use crate::app::{App, Child};
use crate::cluster::Server;

/// How often an App is tried.
const TRIES: u32 = 4;

/// What became of an App.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// Which App
    pub key: Key,
    /// The children that were written or deleted
    pub written: Vec<Child>,
    /// Ready replicas of those wished, such as `2/2`
    pub ready: String,
    /// The reason and the message of its condition Ready
    pub why: (String, String),
    /// Why it cannot become ready by itself
    pub problem: Option<String>,
}

/// What would become of an App.
#[derive(Clone, Debug)]
pub struct Proposal {
    /// Which App
    pub key: Key,
    /// What would be written
    pub changes: Vec<Change>,
    /// Why nothing, or not all, can be
    pub problem: Option<String>,
}

/// Brings every App up once and gives what became of each, by name.
///
/// Errors: Apps, or what they own, cannot be looked at.
pub async fn once(server: &Server, options: &Options) -> Result<Vec<Outcome>, Error> {
    let metrics = Arc::new(Metrics::new(options.workers));
    let client = connect(server, Gate::open(), &metrics)?;
    let apps = read(server, options, &client).await?;
    let (events, recorder) = Recorder::new(client.clone(), &options.name, &options.instance);
    let recorder = tokio::spawn(recorder.run());
    let worker = Worker {
        writer: Writer::new(client, false),
        metrics,
        events,
    };
    let outcomes = stream::iter(apps)
        .map(|(key, snapshot)| bring_up(worker.clone(), key, snapshot))
        .buffered(options.workers.max(1))
        .collect()
        .await;
    // It ends when the last sender of Events is gone.
    drop(worker);
    let _ = timeout(LAST_WORDS, recorder).await;
    Ok(outcomes)
}

/// Says of every App, by name, what would be written. The server checks all of it and stores
/// nothing.
///
/// Errors: Apps, or what they own, cannot be looked at.
pub async fn dry_run(
    server: &Server,
    options: &Options,
) -> Result<impl Stream<Item = Proposal> + use<>, Error> {
    let metrics = Arc::new(Metrics::new(options.workers));
    let client = connect(server, Gate::open(), &metrics)?;
    let apps = read(server, options, &client).await?;
    let (events, _) = Recorder::new(client.clone(), &options.name, &options.instance);
    let worker = Worker {
        writer: Writer::new(client, true),
        metrics,
        events,
    };
    Ok(stream::iter(apps)
        .map(move |(key, snapshot)| propose(worker.clone(), key, snapshot))
        .buffered(options.workers.max(1)))
}

/// Reads what there is.
async fn read(
    server: &Server,
    options: &Options,
    client: &kube::Client,
) -> Result<Vec<(Key, Snapshot)>, Error> {
    let scopes = options.scopes();
    look(server, &scopes, options.selector.as_deref()).await?;
    let mut watching = streams(client, &scopes, options.selector.as_deref());
    let mut cache = Cache::new(scopes.clone());
    while !cache.is_complete() {
        let Some((source, news)) = watching.next().await else {
            break;
        };
        let effect = cache.take_in(source, news);
        if let Some(broken) = effect.broken {
            let place = scopes
                .get(source.scope)
                .map(Scope::words)
                .unwrap_or_default();
            let kind = source.kind.plural();
            let is_refused = matches!(broken.code, Some(403 | 404));
            if source.kind.is_needed() || !is_refused {
                return Err(Error::Unread {
                    kind,
                    place,
                    problem: broken.words,
                });
            }
            tracing::warn!(kind, place, problem = broken.words, "cannot be looked at");
        }
    }
    let mut apps = cache.snapshots();
    apps.sort_by(|(a, _), (b, _)| a.cmp(b));
    Ok(apps)
}

async fn bring_up(worker: Worker, key: Key, snapshot: Snapshot) -> Outcome {
    let mut app = match snapshot.app {
        Known::Whole(app) => app,
        Known::Broken(app) => return unreadable(key, &app.problem),
    };
    let mut observed = snapshot.observed;
    let mut written = Vec::new();
    let mut failures = 0;
    loop {
        let mut worked = worker.reconcile(&key, app, observed, failures, false).await;
        written.append(&mut worked.written);
        app = worked.answer.map_or(worked.begun, Arc::new);
        observed = worked.observed;
        failures += 1;
        match worked.ended {
            Ended::Again if failures < TRIES => {}
            Ended::Failed(asked) if failures < TRIES => {
                sleep(backoff::wait(failures, asked)).await;
            }
            _ => {
                written.sort_unstable();
                written.dedup();
                return outcome(key, &app, written, worked.problem);
            }
        }
    }
}

fn outcome(key: Key, app: &App, written: Vec<Child>, problem: Option<String>) -> Outcome {
    let status = app.status.clone().unwrap_or_default();
    let of = |type_: &str| status.conditions.iter().find(|c| c.type_ == type_);
    let stalled = of("Stalled")
        .filter(|c| c.status == "True")
        .map(|c| c.message.clone());
    let why = of("Ready").map(|c| (c.reason.clone(), c.message.clone()));
    Outcome {
        key,
        written,
        ready: status.ready,
        why: why.unwrap_or_default(),
        problem: problem.or(stalled),
    }
}

fn unreadable(key: Key, why: &str) -> Outcome {
    Outcome {
        key,
        written: Vec::new(),
        ready: String::new(),
        why: Default::default(),
        problem: Some(format!("it cannot be read: {why}")),
    }
}

async fn propose(worker: Worker, key: Key, snapshot: Snapshot) -> Proposal {
    let (changes, problem) = match snapshot.app {
        Known::Broken(app) => (
            Vec::new(),
            Some(format!("it cannot be read: {}", app.problem)),
        ),
        Known::Whole(app) => worker.propose(&key, &app, snapshot.observed).await,
    };
    Proposal {
        key,
        changes,
        problem,
    }
}

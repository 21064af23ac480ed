//! The loop: events in, requests out.

use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use jiff::Timestamp;
use k8s_openapi::api::core::v1::{Node, Pod};
use kube::runtime::{WatchStreamExt, watcher};
use kube::{Api, Client};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{MissedTickBehavior, interval, sleep};

use super::actions;
use super::node::{LEASE_SECONDS, Simulated};
use super::options::Options;
use super::recorder::Recorder;
use super::world::{Action, Key, Outcome, What, World};

pub use super::node::MAX_NODES;

/// Requests for pods that are under way at the same time: enough to keep a server on a laptop
/// busy, too few to starve its other clients.
const AT_ONCE: usize = 24;
/// How long a failed request rests before it is tried again.
const REST: Duration = Duration::from_millis(500);
/// As kubelets do it: four renewals while a lease holds.
const HEARTBEAT: Duration = Duration::from_secs(LEASE_SECONDS as u64 / 4);

/// Simulated nodes, for as long as this lives.
#[derive(Debug)]
pub struct Simulator {
    task: JoinHandle<()>,
    ready: watch::Receiver<bool>,
}

impl Simulator {
    /// Registers `nodes` nodes (`node-0`, `node-1`, ... at most [`MAX_NODES`]) and simulates them
    /// from now on. `version` is what their kubelets say they are, such as `v1.36.3`, and
    /// `options` what they make of pods.
    ///
    /// The client needs the rights of a scheduler and of every kubelet. Must be called within a
    /// tokio runtime.
    ///
    /// Errors: the server's, when a node cannot be registered.
    pub async fn start(
        client: Client,
        nodes: u16,
        version: &str,
        options: Options,
    ) -> Result<Self, kube::Error> {
        let nodes: Vec<Simulated> = (0..nodes.min(MAX_NODES)).map(Simulated).collect();
        actions::register(&client, &nodes, version).await?;
        let (announce, ready) = watch::channel(false);
        let task = tokio::spawn(simulate(client, World::new(nodes, options), announce));
        Ok(Simulator { task, ready })
    }

    /// Waits until all nodes take pods: the controllers have seen that they are ready.
    pub async fn ready(&mut self) {
        // The sender lives as long as the task, which has no end of its own.
        let _ = self.ready.wait_for(|ready| *ready).await;
    }
}

impl Drop for Simulator {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn simulate(client: Client, mut world: World, ready: watch::Sender<bool>) {
    let pods = watcher(Api::<Pod>::all(client.clone()), watcher::Config::default());
    let nodes = watcher(Api::<Node>::all(client.clone()), watcher::Config::default());
    let mut pods = pods.default_backoff().boxed();
    let mut nodes = nodes.default_backoff().boxed();
    let recorder = Arc::new(Recorder::start(&client));
    let mut requests: JoinSet<(Key, Outcome)> = JoinSet::new();
    let mut rests: JoinSet<Key> = JoinSet::new();
    let mut renewals: JoinSet<()> = JoinSet::new();
    let mut heartbeat = interval(HEARTBEAT);
    heartbeat.set_missed_tick_behavior(MissedTickBehavior::Delay);
    // The first tick comes at once; the leases are fresh.
    heartbeat.tick().await;
    loop {
        while requests.len() < AT_ONCE
            && let Some(action) = world.next(Timestamp::now())
        {
            if let What::Wait(time) = action.what {
                rests.spawn(rest(action.key, time));
            } else {
                requests.spawn(request(client.clone(), action, Arc::clone(&recorder)));
            }
        }
        tokio::select! {
            Some(event) = pods.next() => match event {
                Ok(event) => world.pod_event(event),
                Err(problem) => tracing::debug!(%problem, "the simulator's watch of pods broke"),
            },
            Some(event) = nodes.next() => match event {
                Ok(event) => {
                    world.node_event(event);
                    if world.is_ready() {
                        ready.send_replace(true);
                    }
                }
                Err(problem) => tracing::debug!(%problem, "the simulator's watch of nodes broke"),
            },
            Some(Ok((key, outcome))) = requests.join_next() => world.done(&key, outcome),
            Some(Ok(key)) = rests.join_next() => world.waited(key),
            Some(_) = renewals.join_next() => {}
            _ = heartbeat.tick(), if renewals.is_empty() => {
                renewals.spawn(actions::renew_all(client.clone(), world.registered()));
            }
        }
    }
}

async fn request(client: Client, action: Action, recorder: Arc<Recorder>) -> (Key, Outcome) {
    let outcome = actions::act(client, &action).await;
    match outcome {
        Outcome::Done => recorder.tell(action.notes),
        Outcome::Refused => {}
        Outcome::Failed => sleep(REST).await,
    }
    (action.key, outcome)
}

async fn rest(key: Key, time: Duration) -> Key {
    sleep(time).await;
    key
}

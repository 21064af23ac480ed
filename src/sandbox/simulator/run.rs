//! The loop: events in, requests out.

use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use futures::stream::BoxStream;
use jiff::Timestamp;
use k8s_openapi::api::core::v1::{
    ConfigMap, Node, PersistentVolume, PersistentVolumeClaim, Pod, Secret,
};
use kube::runtime::watcher::Event;
use kube::runtime::{WatchStreamExt, watcher};
use kube::{Api, Client};
use serde::de::DeserializeOwned;
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{MissedTickBehavior, interval, sleep};

use super::actions;
use super::node::{LEASE_SECONDS, Simulated};
use super::options::Options;
use super::recorder::Recorder;
use super::storage;
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
        let nodes_and_class = futures::future::try_join(
            actions::register(&client, &nodes, version),
            storage::register(&client),
        );
        nodes_and_class.await?;
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
    let mut pods = all::<Pod>(&client);
    let mut nodes = all::<Node>(&client);
    let mut claims = all::<PersistentVolumeClaim>(&client);
    let mut volumes = all::<PersistentVolume>(&client);
    let mut secrets: Lazy<Secret> = Lazy::default();
    let mut config_maps: Lazy<ConfigMap> = Lazy::default();
    let mut deeds: JoinSet<()> = JoinSet::new();
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
                recorder.tell(action.notes);
                rests.spawn(rest(action.key, time));
            } else {
                requests.spawn(request(client.clone(), action, Arc::clone(&recorder)));
            }
        }
        if world.known().wants_secrets() {
            secrets.begin(&client);
        }
        if world.known().wants_config_maps() {
            config_maps.begin(&client);
        }
        tokio::select! {
            Some(event) = claims.next() => match event {
                Ok(event) => {
                    if let Event::Apply(claim) | Event::InitApply(claim) = &event
                        && let Some(deed) = storage::for_claim(claim)
                    {
                        deeds.spawn(storage::act(client.clone(), deed));
                    }
                    world.claim_event(event);
                }
                Err(problem) => tracing::debug!(%problem, "the simulator's watch of claims broke"),
            },
            Some(event) = volumes.next() => match event {
                Ok(Event::Apply(volume) | Event::InitApply(volume)) => {
                    if let Some(deed) = storage::for_volume(&volume) {
                        deeds.spawn(storage::act(client.clone(), deed));
                    }
                }
                Ok(_) => {}
                Err(problem) => tracing::debug!(%problem, "the simulator's watch of volumes broke"),
            },
            event = secrets.next() => world.secret_event(event),
            event = config_maps.next() => world.config_map_event(event),
            Some(_) = deeds.join_next() => {}
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

type Watched<K> = BoxStream<'static, watcher::Result<Event<K>>>;

/// Watches all objects of a kind.
fn all<K>(client: &Client) -> Watched<K>
where
    K: kube::Resource<DynamicType = ()> + DeserializeOwned + Clone + Debug + Send + 'static,
{
    let watch = watcher(Api::<K>::all(client.clone()), watcher::Config::default());
    watch.default_backoff().boxed()
}

/// A watch that begins when somebody needs it.
struct Lazy<K>(Option<Watched<K>>);

impl<K> Default for Lazy<K> {
    fn default() -> Self {
        Lazy(None)
    }
}

impl<K> Lazy<K>
where
    K: kube::Resource<DynamicType = ()> + DeserializeOwned + Clone + Debug + Send + 'static,
{
    fn begin(&mut self, client: &Client) {
        self.0.get_or_insert_with(|| all(client));
    }

    /// The next event; for ever, when it has not begun.
    async fn next(&mut self) -> Event<K> {
        let Some(watch) = &mut self.0 else {
            return std::future::pending().await;
        };
        loop {
            match watch.next().await {
                Some(Ok(event)) => return event,
                Some(Err(problem)) => tracing::debug!(%problem, "a watch of the simulator's broke"),
                None => return std::future::pending().await,
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

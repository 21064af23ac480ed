//! All controllers together: told of changes, called when something is due.

use std::time::{Duration, Instant};

use k8s_openapi::api::apps::v1::ReplicaSet;
use k8s_openapi::api::core::v1::ReplicationController;

use super::cluster::{Change, Cluster, Gvr};
use super::context::{Context, Controller, Name, is_terminating};
use super::events::Recorder;
use super::index::{Index, Kind};
use super::queue::{Queue, later};
use super::{
    accounts, cluster_roles, cronjob, daemonset, deployment, disruption, endpoints, garbage, job,
    namespaces, nodes, quota, replicaset, statefulset, tokens, volumes,
};

/// How long one turn lasts at most, give or take one reconciliation: changes wait meanwhile.
const TURN: Duration = Duration::from_millis(20);
/// A reconciliation that takes longer than this is not repeated at once.
const LONG: Duration = Duration::from_millis(5);
/// It rests for this many times as long as it took, so that an object with thousands of pods, each
/// of which changes, takes a fixed share of the time however many there are.
const REST: u32 = 4;
/// However long it took, it rests no longer than this: people look at what it writes.
const LONGEST_REST: Duration = Duration::from_millis(900);

/// The controllers, with what is due. Synchronous: whoever owns it tells it of changes and lets it
/// work in between.
pub struct Manager {
    controllers: Vec<Box<dyn Controller>>,
    queue: Queue<(usize, Name)>,
    index: Index,
    events: Recorder,
}

/// Whether controllers read more than the metadata of changed objects of that resource.
pub fn reads(resource: &Gvr) -> bool {
    Kind::of(resource).is_read_whole()
}

impl std::fmt::Debug for Manager {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut shown = f.debug_struct("Manager");
        shown
            .field("controllers", &self.controllers.len())
            .finish_non_exhaustive()
    }
}

impl Manager {
    /// All controllers. `root_ca` is the PEM of the server's CA, which every namespace is given.
    /// Everything that exists must come as added, before or after the first turn.
    pub fn new(root_ca: &str) -> Self {
        let controllers: Vec<Box<dyn Controller>> = vec![
            Box::new(deployment::Deployments),
            Box::new(replicaset::Sets::<ReplicaSet>::default()),
            Box::new(replicaset::Sets::<ReplicationController>::default()),
            Box::new(garbage::Garbage::default()),
            Box::new(namespaces::Namespaces),
            Box::new(accounts::Accounts),
            Box::new(accounts::RootCa::new(root_ca)),
            Box::new(tokens::Tokens::new(root_ca)),
            Box::new(statefulset::StatefulSets),
            Box::new(daemonset::DaemonSets::default()),
            Box::new(job::Jobs::default()),
            Box::new(job::Finished),
            Box::new(cronjob::CronJobs),
            Box::new(disruption::Budgets),
            Box::new(endpoints::Slices::default()),
            Box::new(endpoints::Legacy::default()),
            Box::new(volumes::Binder::default()),
            Box::new(volumes::ClaimProtection::default()),
            Box::new(volumes::VolumeProtection),
            Box::new(quota::Quotas::default()),
            Box::new(nodes::Nodes::default()),
            Box::new(cluster_roles::Aggregation::default()),
        ];
        Manager {
            controllers,
            queue: Queue::default(),
            index: Index::default(),
            events: Recorder::default(),
        }
    }

    /// Something changed. Must be told of every change, in order.
    pub fn changed(&mut self, change: &Change) {
        let seen = self.index.see(change);
        for (at, controller) in self.controllers.iter_mut().enumerate() {
            let queue = &mut self.queue;
            controller.due(&seen, &self.index, &mut |name| queue.add((at, name)));
        }
    }

    /// Reconciles what is due, for a short time. Answers when to be called again at the latest, if
    /// no change comes before: at once when more is due, not at all when `None`.
    pub fn turn(&mut self, cluster: &dyn Cluster) -> Option<Duration> {
        let began = Instant::now();
        while began.elapsed() < TURN {
            let now = cluster.now();
            let Some(item) = self.queue.pop(now) else {
                break;
            };
            self.reconcile(cluster, now, item);
        }
        self.queue.wait(cluster.now())
    }

    fn reconcile(&mut self, cluster: &dyn Cluster, now: jiff::Timestamp, item: (usize, Name)) {
        let began = Instant::now();
        let mut context = Context {
            cluster,
            index: &self.index,
            events: &mut self.events,
            now,
            more: false,
        };
        let result = self.controllers[item.0].reconcile(&mut context, &item.1);
        let more = context.more && result.is_ok();
        let took = began.elapsed();
        if took > LONG && !more {
            let rest = took.saturating_mul(REST).min(LONGEST_REST);
            self.queue.rest(item.clone(), later(cluster.now(), rest));
        }
        match result {
            Ok(again) => {
                self.queue.succeeded(&item);
                if more {
                    self.queue.add(item.clone());
                }
                if let Some(at) = again {
                    self.queue.add_at(item, at);
                }
            }
            // Whatever is in it goes with it.
            Err(problem) if is_terminating(&problem) => self.queue.succeeded(&item),
            Err(problem) if problem.reason == "Conflict" => self.queue.conflicted(item, now),
            Err(problem) => {
                tracing::debug!(%problem, object = ?item.1, "a controller failed");
                self.queue.failed(item, now);
            }
        }
    }
}

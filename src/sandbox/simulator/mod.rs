//! Nodes that exist only in the API, and pods that become ready on them.
//!
//! Stands in for kube-scheduler and for the kubelets, over HTTP like both. Nothing runs: no
//! container, no probe, no volume, no log.
//!
//! What it does as they do:
//! - A pod without a node, of the default scheduler and without scheduling gates, is bound to the
//!   node with the fewest pods among those that fit: not cordoned, taints tolerated, `nodeSelector`
//!   and required node affinity matched, room for its requests and below the node's limit of pods.
//!   One that fits nowhere gets the condition `PodScheduled=False` with kube-scheduler's message,
//!   and is tried again when a node changes or a pod goes.
//! - A bound pod is Running with all containers ready, init containers completed, and Ready once
//!   its readiness gates are.
//! - A deleted pod's containers stop at once, then it is gone, unless finalizers hold it.
//!
//! - A pod whose claim is missing or unbound is not scheduled, one that names a Secret or ConfigMap
//!   that is missing does not start, until it is there.
//! - Claims of the default StorageClass, `standard`, get volumes.
//! - Scheduler and kubelets tell of pods in Events, in their words.
//!
//! What it decides, because nothing tells how a program would end: a pod that may complete
//! (`restartPolicy` Never or OnFailure) succeeds a second after it started, which is what Jobs
//! wait for; all others run until they are deleted, and stop with exit code 0. A pod deleted
//! before it could complete has failed with 143, as one ended by SIGTERM. [`Options`] make pods that
//! do not do well: whose image cannot be pulled, or whose containers end with 1 and are started
//! again after the kubelet's back-off.
//!
//! What it does not look at: pod affinity and topology spread, preferences, priorities, host
//! ports, probes, of volumes all but the Secrets, ConfigMaps and claims that they name, and of
//! StorageClasses when they bind.

mod actions;
mod addresses;
mod affinity;
mod changes;
mod conditions;
mod containers;
mod image;
mod known;
mod kubelet;
mod needs;
mod node;
mod note;
mod options;
mod pattern;
mod phase;
mod quantity;
mod recorder;
mod requests;
mod restart;
mod run;
mod scheduler;
mod state;
mod storage;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod troubled;
mod world;

pub use options::Options;
pub use pattern::{EmptyPattern, Pattern};
pub use run::{MAX_NODES, Simulator};

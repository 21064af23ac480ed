//! The controllers of kube-controller-manager, as far as workloads without containers need them.
//!
//! Each decides in a pure function, from an object and what is observed of it, and carries out in
//! one other place. Reads are of what is stored, so there are no caches and no expectations.
//! [`manager::Manager`] knows which objects a change makes due, and when.

pub mod cluster;
pub mod manager;

mod accounts;
mod cluster_roles;
mod context;
mod cronjob;
mod daemonset;
mod deployment;
mod disruption;
mod endpoints;
mod events;
mod garbage;
mod hash;
mod history;
mod index;
mod job;
mod meta;
mod namespaces;
mod nodes;
mod ownership;
mod pods;
mod queue;
mod quota;
mod replicaset;
mod scaled;
mod selector;
mod statefulset;
mod tokens;
mod volumes;

#[cfg(test)]
mod fake;
#[cfg(test)]
mod tests;

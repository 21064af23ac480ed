//! The controllers together, on a fake server.

mod budgets;
mod cronjobs;
mod daemonsets;
mod deployments;
mod endpoints;
mod garbage;
mod jobs;
mod nodes;
mod quotas;
mod replicasets;
mod statefulsets;
mod volumes;

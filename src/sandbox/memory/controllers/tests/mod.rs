//! The controllers together, on a fake server.

mod daemonsets;
mod deployments;
mod endpoints;
mod garbage;
mod replicasets;
mod statefulsets;

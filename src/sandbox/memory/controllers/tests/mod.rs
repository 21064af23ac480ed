//! The controllers together, on a fake server.

mod deployments;
mod endpoints;
mod garbage;
mod replicasets;
mod statefulsets;

//! The controllers together, on a fake server.

mod deployments;
mod garbage;
mod replicasets;

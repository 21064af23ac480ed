//! Integration tests: the built binary, as a person runs it.

// Helpers beside the tests unwrap too: a panic is how a test fails.
#![allow(clippy::unwrap_used)]

mod app_children;
mod app_crd;
mod catalog;
mod clients;
mod connect;
mod crds;
mod crds_health;
mod crds_hostile;
mod discover;
mod explain;
mod facts;
mod fidelity;
mod help;
mod house;
mod install;
mod install_files;
mod operator;
mod raw;
mod raw_hostile;
mod raw_shown;
mod readme;
mod sandbox;
mod sandbox_hostile;
mod sandbox_pods;
mod sandbox_ways;
mod simulator;
mod support;
mod terminal;
mod wire;

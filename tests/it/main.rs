//! Integration tests: the built binary, as a person runs it.

// Helpers beside the tests unwrap too: a panic is how a test fails.
#![allow(clippy::unwrap_used)]

mod connect;
mod discover;
mod explain;
mod facts;
mod help;
mod house;
mod sandbox;
mod simulator;
mod support;

//! The operator on a real control plane, with the rights of its own role.

mod apps;
mod credentials;
mod drift;
mod failures;
mod lab;
mod leader;
mod lifecycle;
mod once;
mod outage;
mod ownership;
mod tree;

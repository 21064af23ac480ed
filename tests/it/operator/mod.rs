//! The operator, with the rights of its own role and no others: on the sandbox in memory, and on a
//! real control plane where there is one.

mod apps;
mod away;
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

pub(crate) use lab::{Admin, wait};

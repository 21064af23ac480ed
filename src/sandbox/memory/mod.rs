//! The sandbox in memory: an API server within this process.
//!
//! `server -> route -> verbs -> {admission, patch, registry} -> store`

pub mod controllers;
pub mod field;
pub mod kinds;
pub mod resource;
pub mod status;
pub mod types;

//! The sandbox in memory: an API server within this process, held to the answers of the real one.
//!
//! `server -> route -> verbs -> {admission, patch, registry} -> store`
//!
//! - [`host`]: a server with everything around it, started and stopped.
//! - [`server`]: sockets; [`route`]: which part answers a path; [`verbs`]: what can be done to
//!   resources; [`store`]: where objects are.
//! - [`catalog`]: the facts of the built-in API; [`registry`]: which resources there are;
//!   [`kinds`]: what is particular to built-in kinds; [`crd`]: custom ones; [`convert`]: between
//!   versions.
//! - [`decode`], [`apply`], [`patch`]: what a write makes of an object.
//! - [`admission`], [`quota`]: what is added to objects, and what may not be.
//! - [`authn`], [`authz`], [`identity`], [`tokens`], [`reviews`]: who asks, and what is allowed.
//! - [`discovery`], [`openapi`], [`table`], [`health`], [`metrics`]: what is told about all this.
//! - [`controllers`]: what happens by itself; [`definitions`], [`working`], [`within`]: how it is
//!   run; [`expiry`]: what goes by itself.

pub mod admission;
pub mod allocate;
pub mod api;
pub mod apply;
pub mod authn;
pub mod authz;
pub mod behave;
pub mod bootstrap;
pub mod catalog;
pub mod controllers;
pub mod convert;
pub mod crd;
pub mod decode;
pub mod definitions;
pub mod discovery;
pub mod expiry;
pub mod field;
pub mod health;
pub mod host;
pub mod identity;
pub mod kinds;
pub mod metrics;
pub mod names;
pub mod object;
pub mod openapi;
pub mod patch;
pub mod persist;
pub mod protobuf;
pub mod quantity;
pub mod quota;
pub mod registry;
pub mod resource;
pub mod reviews;
pub mod route;
pub mod selector;
pub mod server;
pub mod status;
pub mod store;
pub mod table;
pub mod tokens;
pub mod types;
pub mod verbs;
pub mod within;
pub mod working;

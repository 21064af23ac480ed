//! appop: see what a Kubernetes API server offers, speak to it raw, run an operator on it.
//!
//! The map of this house; who may call whom is at the end, and a test holds it.
//!
//! - [`app`]: the App resource, pure: types, CRD, children, drift, status.
//! - [`cli`]: what a person types. One file per subcommand with its arguments and its `run`.
//! - [`cluster`]: reaching a server. kubeconfig by kubectl's rules, flags to a client, one request
//!   sent and its answer streamed, a failure explained.
//! - [`discovery`]: what a server serves. Groups, versions, resources; aggregated and legacy
//!   loading, the cache, lifecycle facts.
//! - [`schema`]: OpenAPI v3 and CRD schemas as one tree of fields.
//! - [`crds`]: a CustomResourceDefinition as a person wants to see it.
//! - [`operator`]: watches, reconcile, server-side apply, lease, events, metrics, health.
//! - [`ownership`]: who owns whom. Objects with their ownerReferences, and the tree of them.
//! - [`output`]: tables, trees, JSON, YAML, names, jsonpath, colour, progress.
//! - [`sandbox`]: a Kubernetes API on this machine, in memory or of the real servers.
//!
//! `main -> cli -> everything below`; `crds, schema, ownership -> discovery -> cluster`;
//! `operator -> app, cluster`; `app`, `output` and `sandbox` know none of the others.

pub mod app;
pub mod cli;
pub mod cluster;
pub mod crds;
pub mod discovery;
pub mod operator;
pub mod output;
pub mod ownership;
pub mod sandbox;
pub mod schema;

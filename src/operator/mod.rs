//! The operator: brings Apps up, keeps them up, and says how they are.
//!
//! `watch` tells `cache` what there is; what changes puts an App into the `queue`; a worker
//! takes it out (`reconcile`), lets [`crate::app`] decide on what the cache knows, and sends what
//! is to be written (`write`). The answers go back into the cache, so that nobody decides on what
//! our own writes have overtaken. `run` turns all of that, on one thread.
//!
//! Every request passes `requests`: there it is counted, and there the `gate` stops writes when
//! the `lease` is not ours.

mod backoff;
mod cache;
mod events;
mod failure;
mod fence;
mod gate;
mod health;
mod lease;
pub mod logs;
mod metrics;
mod once;
mod process;
mod propose;
mod quarrel;
mod queue;
mod rbac;
mod reconcile;
mod requests;
mod room;
mod run;
mod watch;
mod write;

use std::sync::Arc;
use std::time::Duration;

use kube::client::ClientBuilder;
use kube::{Client, Config};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use crate::cluster::{self, Server};
use gate::Gate;
use metrics::Metrics;
use requests::Requests;
use watch::Scope;

pub use once::{Outcome, Proposal, dry_run, once};
pub use propose::Change;
pub use queue::Key;
pub use rbac::{lease_rules, rules};
pub use run::{End, run};

/// Silence after which a connection counts as dead: the server ends every watch sooner.
const SILENCE: Duration = Duration::from_secs(120);

/// What the operator is to do.
#[derive(Clone, Debug)]
pub struct Options {
    /// The namespaces to look for Apps in; all, when there are none
    pub namespaces: Vec<String>,
    /// Of the Apps only those that this label selector takes
    pub selector: Option<String>,
    /// How many Apps are worked on at the same time, at least 1
    pub workers: usize,
    /// The lease to hold before anything is written
    pub lease: Option<LeaseOptions>,
    /// What Events call the operator
    pub name: String,
    /// What Events and the lease call this process
    pub instance: String,
    /// How long work that has begun may go on after the operator was asked to stop
    pub grace: Duration,
}

/// Which lease.
#[derive(Clone, Debug)]
pub struct LeaseOptions {
    /// Its namespace
    pub namespace: String,
    /// Its name
    pub name: String,
}

/// Why the operator cannot work.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The CRD is missing.
    #[error(
        "the server at {url} knows no Apps: the CustomResourceDefinition apps.app.example.com is \
         missing. Install it with: appop install"
    )]
    NotInstalled {
        /// The server's address
        url: String,
    },
    /// The server cannot be reached, or does not let us look.
    #[error("cannot look for Apps {place}: {problem}")]
    Unseen {
        /// Where
        place: String,
        /// Why
        problem: Box<cluster::Error>,
    },
    /// Something that Apps need cannot be read.
    #[error("cannot look for {kind} {place}: {problem}")]
    Unread {
        /// What
        kind: &'static str,
        /// Where
        place: String,
        /// Why
        problem: String,
    },
    /// The connection settings are of no use.
    #[error("the connection settings cannot be used: {0}")]
    Settings(String),
}

impl Options {
    fn scopes(&self) -> Vec<Scope> {
        let mut names: Vec<&String> = self.namespaces.iter().collect();
        names.sort_unstable();
        names.dedup();
        if names.is_empty() {
            return vec![Scope::Cluster];
        }
        names
            .into_iter()
            .map(|name| Scope::Namespace(name.clone()))
            .collect()
    }
}

/// Looks once whether there are Apps to be seen, so that what a person must mend is said at once and
/// in full.
///
/// Errors: the CRD is missing, or no namespace may be looked into.
async fn look(server: &Server, scopes: &[Scope], selector: Option<&str>) -> Result<(), Error> {
    let mut seen = false;
    let mut refused = None;
    for scope in scopes {
        let namespace = match scope {
            Scope::Cluster => String::new(),
            Scope::Namespace(name) => format!("namespaces/{name}/"),
        };
        let mut path = format!("/apis/app.example.com/v1/{namespace}apps?limit=1");
        if let Some(selector) = selector {
            let selector = utf8_percent_encode(selector, NON_ALPHANUMERIC);
            path.push_str(&format!("&labelSelector={selector}"));
        }
        match server.get(&path, "application/json").await {
            Ok(_) => seen = true,
            Err(problem) => {
                let code = problem.failure().map(|failure| failure.code.as_u16());
                if code == Some(404) {
                    return Err(Error::NotInstalled { url: server.url() });
                }
                let place = scope.words();
                let problem = Error::Unseen {
                    place,
                    problem: Box::new(problem),
                };
                if code != Some(403) {
                    return Err(problem);
                }
                refused.get_or_insert(problem);
            }
        }
    }
    match refused {
        Some(problem) if !seen => Err(problem),
        _ => Ok(()),
    }
}

/// A client whose requests are counted, and whose writes pass `gate`.
fn connect(server: &Server, gate: Gate, metrics: &Arc<Metrics>) -> Result<Client, Error> {
    let (config, layer) = around(server, gate, metrics);
    let builder = ClientBuilder::try_from(config).map_err(useless)?;
    Ok(builder.with_layer(&layer).build())
}

/// As [`connect`], for requests that write: not a byte of them leaves while `gate` is closed.
fn connect_fenced(server: &Server, gate: Gate, metrics: &Arc<Metrics>) -> Result<Client, Error> {
    let (config, layer) = around(server, gate.clone(), metrics);
    let transport = fence::transport(&config, gate).map_err(useless)?;
    let builder = ClientBuilder::new(transport, config.default_namespace);
    Ok(builder.with_layer(&layer).build())
}

fn around(server: &Server, gate: Gate, metrics: &Arc<Metrics>) -> (Config, Requests) {
    let settings = server.settings();
    let mut config = settings.lasting();
    config.read_timeout = Some(SILENCE);
    let address = &config.cluster_url;
    let host = address
        .authority()
        .map(http::uri::Authority::as_str)
        .unwrap_or_default();
    let layer = Requests::new(gate, Arc::clone(metrics), host, settings.timeout);
    (config, layer)
}

fn useless(problem: kube::Error) -> Error {
    Error::Settings(cluster::chain(&problem))
}

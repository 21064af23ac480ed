//! A failure in words: what the server said, and what discovery and lifecycle facts add to it.

use std::time::Duration;

use serde::Deserialize;
use tokio::time::timeout;

use crate::cli::Context;
use crate::cluster::{Failure, Server};
use crate::discovery::explain::{Asked, explain as look_up};
use crate::discovery::lifecycle::{self, Release};

/// A person who waits for an error does not want to wait longer for its explanation.
const PATIENCE: Duration = Duration::from_secs(5);

/// The failure as an error to print.
pub(super) async fn explain(
    context: &Context,
    server: &Server,
    failure: &Failure,
) -> anyhow::Error {
    let found = match may_be_explained(failure) {
        true => timeout(PATIENCE, ask(context, server, failure)).await,
        false => Ok(None),
    };
    match (found, failure.code.as_u16()) {
        // What the code means in general stays true beside why it is so here.
        (Ok(Some(more)), 503) => anyhow::anyhow!("{failure}\n{more}"),
        (Ok(Some(more)), _) => anyhow::anyhow!("{}\n{more}", failure.headline()),
        (Ok(None) | Err(_), _) => anyhow::anyhow!("{failure}"),
    }
}

fn may_be_explained(failure: &Failure) -> bool {
    matches!(failure.code.as_u16(), 403 | 404 | 405 | 503)
}

/// What discovery says. That it cannot be had is no news beside the failure itself.
async fn ask(context: &Context, server: &Server, failure: &Failure) -> Option<String> {
    let (discovery, release) = futures::join!(context.discover(server), release(server));
    let details = failure.status.as_ref().and_then(|s| s.details.as_ref());
    let details = details.filter(|details| !details.name.is_empty());
    let asked = Asked {
        method: &failure.method,
        path: &failure.path,
        code: failure.code.as_u16(),
        missing: details.map(|d| (d.kind.as_str(), d.name.as_str())),
        namespace: server.namespace(),
        release,
    };
    look_up(&discovery.ok()?, &asked).map(|explanation| explanation.to_string())
}

/// The server's release, or the one that the facts were recorded from.
async fn release(server: &Server) -> Release {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Version {
        git_version: String,
    }
    let answer = server
        .get_json::<Version>("/version", "application/json")
        .await;
    let release = answer
        .ok()
        .and_then(|version| version.git_version.parse().ok());
    release.unwrap_or_else(lifecycle::recorded)
}

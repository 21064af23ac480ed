//! Waits until a new CRD can be used: a moment passes between its creation and that.

use std::time::Duration;

use serde_json::Value;
use tokio::time::{Instant, sleep};

use super::manifests::crd;
use super::request::{code, get};
use crate::cluster::Server;

/// It takes a server less than a second, unless it is in trouble.
const PATIENCE: Duration = Duration::from_secs(60);
const PAUSE: Duration = Duration::from_millis(100);

/// Returns when the server takes Apps.
///
/// Errors: another CRD has the names, or nothing happens for a minute.
pub(super) async fn wait(server: &Server) -> anyhow::Result<()> {
    let id = crd().id;
    let until = Instant::now() + PATIENCE;
    loop {
        let live = get(server, &id).await?;
        let Some(live) = live else {
            anyhow::bail!("{id} was deleted by somebody else. Run this again.");
        };
        let (established, refusal) = state(&live);
        if let Some(refusal) = refusal {
            anyhow::bail!(
                "{id} is there, but the server does not accept its names: {refusal}\nFind the CRD \
                 that has them with: appop crds --problems"
            );
        }
        if established && is_served(server).await? {
            return Ok(());
        }
        if Instant::now() > until {
            anyhow::bail!(
                "{id} is there, but the server does not serve Apps after {PATIENCE:?}. Look at its \
                 conditions: appop crds {}",
                id.name
            );
        }
        sleep(PAUSE).await;
    }
}

/// Whether the CRD is established, and why its names are not accepted.
fn state(crd: &Value) -> (bool, Option<String>) {
    let conditions = crd["status"]["conditions"].as_array();
    let of = |kind: &str| {
        let mut conditions = conditions.into_iter().flatten();
        conditions.find(|condition| condition["type"] == kind)
    };
    let established = of("Established").is_some_and(|condition| condition["status"] == "True");
    let refusal = of("NamesAccepted").filter(|condition| condition["status"] == "False");
    // The first look comes before the names were judged.
    let refusal = refusal.filter(|condition| condition["reason"] != "InitialNamesAccepted");
    let message = refusal.and_then(|condition| condition["message"].as_str());
    (established, message.map(str::to_owned))
}

async fn is_served(server: &Server) -> anyhow::Result<bool> {
    let path = "/apis/app.example.com/v1/apps?limit=1";
    match server.get(path, "application/json").await {
        Ok(_) => Ok(true),
        Err(problem) => match code(&problem) {
            Some(404 | 429 | 503) => Ok(false),
            // Who may install CRDs may not always list Apps: that it is established must do then.
            Some(403) => Ok(true),
            _ => Err(problem.into()),
        },
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_crd_whose_names_are_taken_is_refused() {
        let with = |kind: &str, status: &str| {
            let condition = json!({ "type": kind, "status": status, "message": "why" });
            json!({ "status": { "conditions": [condition] } })
        };
        assert_eq!(state(&json!({})), (false, None));
        assert_eq!(state(&with("Established", "True")), (true, None));
        let refused = state(&with("NamesAccepted", "False"));
        assert_eq!(refused, (false, Some("why".to_owned())));
    }
}

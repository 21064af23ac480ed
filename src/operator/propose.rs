//! What would be written for an App, asked of the server without storing it.

use k8s_openapi::jiff::Timestamp;
use serde_json::Value;

use super::failure;
use super::queue::Key;
use super::reconcile::{Worker, given, in_the_way};
use super::room;
use crate::app::{self, Action, App, Child, HANDOVER, MANAGER, Observed};

/// A child before and after.
#[derive(Clone, Debug)]
pub struct Change {
    /// Which child
    pub child: Child,
    /// As it is; `None`: it does not exist
    pub before: Option<Value>,
    /// As the server would store it; `None`: it would be deleted
    pub after: Option<Value>,
}

impl Worker {
    /// What would be written, and why nothing or not all can be. The writer is a dry one.
    pub(super) async fn propose(
        &self,
        key: &Key,
        app: &App,
        mut observed: Observed,
    ) -> (Vec<Change>, Option<String>) {
        let mut changes = Vec::new();
        for child in in_the_way(app, &observed) {
            if let Err(problem) = self.look(key, child, &mut observed).await {
                return (changes, Some(failure::words(&problem)));
            }
        }
        // An autoscaler's number, which a real run would hand over before leaving it out.
        let mut kept = None;
        for action in app::plan(app, &observed) {
            let change = match action {
                Action::Apply {
                    manager: HANDOVER,
                    payload,
                    ..
                } => {
                    kept = Some(payload["spec"]["replicas"].clone());
                    continue;
                }
                Action::Apply {
                    child, mut payload, ..
                } => {
                    if let Some(replicas) = kept.take() {
                        payload["spec"]["replicas"] = replicas;
                    }
                    self.propose_apply(key, app, child, &payload, &observed)
                        .await
                }
                Action::Delete { child, .. } => {
                    let before = self.writer.read(key, child).await;
                    before.map(|before| Change {
                        child,
                        before,
                        after: None,
                    })
                }
                Action::PatchStatus(_) | Action::Event(_) => continue,
            };
            match change {
                Ok(change) => changes.push(change),
                Err(problem) => return (changes, Some(failure::words(&problem))),
            }
        }
        (changes, stalled(app, &observed))
    }

    async fn propose_apply(
        &self,
        key: &Key,
        app: &App,
        child: Child,
        payload: &Value,
        observed: &Observed,
    ) -> Result<Change, kube::Error> {
        let before = self.writer.read(key, child).await?;
        let given = given(app, observed.live(child));
        let after = match self.writer.apply(key, child, MANAGER, payload, given).await {
            Err(kube::Error::Api(status)) if status.code == 422 => {
                // A real run would make room and apply again; here that would be refused again. So
                // the ports are shown as they would be, and what else there is only by a real run.
                let live = before.as_ref();
                match live.and_then(|live| room::at_once(child, payload, live)) {
                    Some(patch) => self.writer.patch(key, child, &patch).await?,
                    None => return Err(kube::Error::Api(status)),
                }
            }
            answer => answer?,
        };
        Ok(Change {
            child,
            before,
            after: Some(after),
        })
    }
}

/// Why nothing will happen by itself, if that is so.
fn stalled(app: &App, observed: &Observed) -> Option<String> {
    let status = app::status::status(app, observed, Timestamp::now());
    let stalled = status.conditions.into_iter().find(|c| c.type_ == "Stalled");
    stalled
        .filter(|condition| condition.status == "True")
        .map(|condition| condition.message)
}

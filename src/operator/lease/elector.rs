//! Takes the lease, keeps it, gives it back.

use std::time::{Duration, Instant};

use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::jiff::Timestamp;
use kube::api::{ObjectMeta, PostParams};
use kube::{Api, Client};
use tokio::sync::{oneshot, watch};
use tokio::time::{sleep, timeout};

use super::super::failure;
use super::super::gate::{Gate, Moment};
use super::{Observed, RENEW_DEADLINE, RETRY, Record, Step};

/// No single request takes longer; the next one may find a server that answers.
const PATIENCE: Duration = Duration::from_secs(5);

/// One of those who want the lease.
pub(in super::super) struct Elector {
    leases: Api<Lease>,
    name: String,
    identity: String,
    gate: Gate,
    seen: Option<Observed>,
}

/// Whether the lease is ours.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in super::super) enum Standing {
    /// Somebody else may lead
    #[default]
    Waiting,
    /// It is ours, the gate is open
    Leading,
    /// It was ours, and the gate is closed; why
    Lost(String),
}

impl Elector {
    /// `client` must reach the server when `gate` is closed too.
    pub(in super::super) fn new(
        client: Client,
        namespace: &str,
        name: &str,
        identity: String,
        gate: Gate,
    ) -> Self {
        Elector {
            leases: Api::namespaced(client, namespace),
            name: name.to_owned(),
            identity,
            gate,
            seen: None,
        }
    }

    /// Takes the lease and keeps it until it is lost, or until `stop`; then gives it back. Stop it
    /// when all writes have ended.
    pub(in super::super) async fn run(
        mut self,
        standing: watch::Sender<Standing>,
        mut stop: oneshot::Receiver<()>,
    ) {
        // Whoever has dropped the other end wants the same as who says so.
        let ended = tokio::select! {
            why = self.lead(&standing) => Some(why),
            _ = &mut stop => None,
        };
        match ended {
            Some(why) => {
                standing.send_replace(Standing::Lost(why));
            }
            None => self.release().await,
        }
    }

    async fn lead(&mut self, standing: &watch::Sender<Standing>) -> String {
        self.take().await;
        tracing::info!(lease = self.name, identity = self.identity, "leading");
        standing.send_replace(Standing::Leading);
        self.keep().await
    }

    /// Waits until the lease is ours.
    async fn take(&mut self) {
        let mut told = None;
        loop {
            match self.try_to_take().await {
                Ok(Step::Take) => return,
                Ok(Step::Wait(time)) => {
                    let holder = self.seen.as_ref().map(|seen| seen.record.holder.clone());
                    if holder != told {
                        tracing::info!(lease = self.name, holder, "somebody else leads; waiting");
                        told = holder;
                    }
                    sleep(time).await;
                }
                Err(problem) => {
                    tracing::warn!(lease = self.name, problem, "the lease cannot be reached");
                    sleep(RETRY).await;
                }
            }
        }
    }

    /// Renews the lease for as long as it can; gives why it is lost then.
    async fn keep(&mut self) -> String {
        loop {
            let left = self.gate.time_left().unwrap_or(RETRY);
            sleep(RETRY.min(left)).await;
            let why = match self.renew().await {
                Ok(()) => continue,
                Err(Renewal::Taken(holder)) => format!("{holder} has taken it"),
                Err(Renewal::Failed(problem)) if self.gate.check().is_ok() => {
                    tracing::warn!(lease = self.name, problem, "the lease was not renewed");
                    continue;
                }
                Err(Renewal::Failed(problem)) => {
                    let seconds = RENEW_DEADLINE.as_secs();
                    format!("it could not be renewed for {seconds} s: {problem}")
                }
            };
            self.gate.close();
            return why;
        }
    }

    /// Closes the gate and gives the lease away, so that the next one need not wait for its end.
    async fn release(&mut self) {
        self.gate.close();
        let outcome = match timeout(RETRY, self.give_back()).await {
            Ok(outcome) => outcome,
            Err(_) => Err("no answer in time".to_owned()),
        };
        match outcome {
            Ok(true) => tracing::info!(lease = self.name, "the lease is given back"),
            Ok(false) => {}
            Err(problem) => {
                tracing::warn!(lease = self.name, problem, "the lease was not given back");
            }
        }
    }

    /// Reads it first: whether the last renewal arrived is not known when it was interrupted.
    async fn give_back(&mut self) -> Result<bool, String> {
        let found = in_time(self.leases.get_opt(&self.name)).await?;
        let record = found.as_ref().map(Record::of).unwrap_or_default();
        if record.holder != self.identity {
            return Ok(false);
        }
        in_time(self.write(&record.released(Timestamp::now()))).await?;
        Ok(true)
    }

    async fn try_to_take(&mut self) -> Result<Step, String> {
        let found = in_time(self.leases.get_opt(&self.name)).await?;
        let record = found.as_ref().map(Record::of).unwrap_or_default();
        let now = Instant::now();
        let seen = match &mut self.seen {
            Some(seen) => {
                seen.see(record, now);
                seen
            }
            none => none.insert(Observed::new(record, now)),
        };
        let step = seen.step(&self.identity, now);
        if step != Step::Take {
            return Ok(step);
        }
        let record = seen.record.held_by(&self.identity, Timestamp::now());
        let (start, began) = (Moment::now(), Instant::now());
        match timeout(PATIENCE, self.write(&record)).await {
            Ok(Ok(stored)) => {
                self.seen = Some(Observed::new(stored, began));
                self.gate.open_for(start, RENEW_DEADLINE);
                Ok(Step::Take)
            }
            // Another one was faster: its record is what we see next.
            Ok(Err(kube::Error::Api(status))) if status.code == 409 => Ok(Step::Wait(RETRY)),
            Ok(Err(problem)) => Err(failure::words(&problem)),
            Err(_) => Err(silence()),
        }
    }

    async fn renew(&mut self) -> Result<(), Renewal> {
        let Some(seen) = &self.seen else {
            return Err(Renewal::Failed("it was never ours".to_owned()));
        };
        let record = seen.record.held_by(&self.identity, Timestamp::now());
        let start = Moment::now();
        let limit = PATIENCE.min(self.gate.time_left().unwrap_or(PATIENCE));
        let written = timeout(limit, self.write(&record)).await;
        match written {
            Ok(Ok(stored)) => {
                self.seen = Some(Observed::new(stored, Instant::now()));
                // From before the request: if we were frozen meanwhile, the gate is shut already.
                self.gate.open_for(start, RENEW_DEADLINE);
                Ok(())
            }
            Ok(Err(kube::Error::Api(status))) if status.code == 409 || status.code == 404 => {
                self.look_again().await
            }
            Ok(Err(problem)) => Err(Renewal::Failed(failure::words(&problem))),
            Err(_) => Err(Renewal::Failed(silence())),
        }
    }

    /// After a conflict: is it still ours, and only the object has changed?
    async fn look_again(&mut self) -> Result<(), Renewal> {
        let found = in_time(self.leases.get_opt(&self.name))
            .await
            .map_err(Renewal::Failed)?;
        let record = found.as_ref().map(Record::of).unwrap_or_default();
        if !record.holder.is_empty() && record.holder != self.identity {
            return Err(Renewal::Taken(record.holder));
        }
        self.seen = Some(Observed::new(record, Instant::now()));
        Err(Renewal::Failed(
            "the Lease was changed in between".to_owned(),
        ))
    }

    async fn write(&self, record: &Record) -> Result<Record, kube::Error> {
        let is_new = record.version.is_empty();
        let lease = Lease {
            metadata: ObjectMeta {
                name: Some(self.name.clone()),
                resource_version: (!is_new).then(|| record.version.clone()),
                ..ObjectMeta::default()
            },
            spec: Some(record.to_spec()),
        };
        let params = PostParams {
            field_manager: Some(crate::app::MANAGER.to_owned()),
            ..PostParams::default()
        };
        let stored = if is_new {
            self.leases.create(&params, &lease).await?
        } else {
            self.leases.replace(&self.name, &params, &lease).await?
        };
        Ok(Record::of(&stored))
    }
}

enum Renewal {
    Taken(String),
    Failed(String),
}

fn silence() -> String {
    format!("no answer within {} s", PATIENCE.as_secs())
}

async fn in_time<T>(request: impl Future<Output = Result<T, kube::Error>>) -> Result<T, String> {
    match timeout(PATIENCE, request).await {
        Ok(answer) => answer.map_err(|problem| failure::words(&problem)),
        Err(_) => Err(silence()),
    }
}

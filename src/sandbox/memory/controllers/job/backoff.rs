//! How long a Job waits after failures before it makes pods again (`backoff_utils.go`).

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::core::v1::{ContainerStatus, Pod};

use super::super::pods;
use super::super::queue::later;

const FIRST: Duration = Duration::from_secs(10);
const LONGEST: Duration = Duration::from_secs(600);

/// Failures since the last success.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Record {
    failures: i32,
    last: Option<Timestamp>,
}

impl Record {
    /// The same after some more pods have ended.
    pub(super) fn after(&self, succeeded: &[&Pod], failed: &[&Pod]) -> Self {
        let mut failed: Vec<Timestamp> = failed.iter().map(|pod| finished_at(pod)).collect();
        failed.sort_unstable();
        let count = |failed: &[Timestamp]| super::super::scaled::number(failed.len());
        match succeeded.iter().map(|pod| finished_at(pod)).max() {
            None if failed.is_empty() => self.clone(),
            None => Record {
                failures: self.failures.saturating_add(count(&failed)),
                last: failed.last().copied(),
            },
            Some(success) => {
                failed.retain(|at| *at > success);
                Record {
                    failures: count(&failed),
                    last: failed.last().copied(),
                }
            }
        }
    }

    /// Until when to wait, if that is after `now`.
    pub(super) fn until(&self, now: Timestamp) -> Option<Timestamp> {
        until(self.failures, self.last?, now)
    }
}

/// Until when to wait after so many failures, if that is after `now`.
pub(super) fn until(failures: i32, last: Timestamp, now: Timestamp) -> Option<Timestamp> {
    let doublings = u32::try_from(failures).ok()?.checked_sub(1)?;
    let wait = FIRST.saturating_mul(1 << doublings.min(16)).min(LONGEST);
    Some(later(last, wait)).filter(|until| *until > now)
}

/// When a pod ended: as its containers say, or its conditions, or its deletion.
pub(super) fn finished_at(pod: &Pod) -> Timestamp {
    let by_containers = || {
        let status = pod.status.as_ref()?;
        let inits = pod
            .spec
            .iter()
            .flat_map(|spec| spec.init_containers.iter().flatten());
        let sidecars: Vec<&str> = inits
            .filter(|container| container.restart_policy.as_deref() == Some("Always"))
            .map(|container| container.name.as_str())
            .collect();
        let mut latest = None;
        let sidecar = |c: &&ContainerStatus| sidecars.contains(&c.name.as_str());
        let inits = status
            .init_container_statuses
            .iter()
            .flatten()
            .filter(sidecar);
        for container in status.container_statuses.iter().flatten().chain(inits) {
            let at = container
                .state
                .as_ref()?
                .terminated
                .as_ref()?
                .finished_at
                .as_ref()?
                .0;
            latest = latest.max(Some(at));
        }
        latest
    };
    let by_condition = || {
        let ready = pods::condition(pod, "Ready").filter(|ready| ready.status == "False")?;
        ready.last_transition_time.as_ref().map(|time| time.0)
    };
    let by_deletion = || {
        let deleted = pod.metadata.deletion_timestamp.as_ref()?.0;
        let grace = pod
            .metadata
            .deletion_grace_period_seconds
            .unwrap_or_default();
        deleted.checked_sub(SignedDuration::from_secs(grace)).ok()
    };
    let created = || pod.metadata.creation_timestamp.as_ref().map(|time| time.0);
    let found = by_containers()
        .or_else(by_condition)
        .or_else(by_deletion)
        .or_else(created);
    found.unwrap_or(Timestamp::UNIX_EPOCH)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_a_limit() {
        let at = |seconds: i64| Timestamp::from_second(seconds).unwrap();
        for (failures, wanted) in [
            (0, None),
            (1, Some(10)),
            (2, Some(20)),
            (4, Some(80)),
            (99, Some(600)),
        ] {
            assert_eq!(until(failures, at(0), at(1)), wanted.map(at), "{failures}");
        }
        assert_eq!(until(1, at(0), at(10)), None);
    }
}

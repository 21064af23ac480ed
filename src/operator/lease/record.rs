//! The lease's record, and what to do about one that was seen. Pure.

use std::time::{Duration, Instant};

use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime;
use k8s_openapi::jiff::Timestamp;

use super::{DURATION, RETRY};

/// What a Lease says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in super::super) struct Record {
    pub(super) holder: String,
    pub(super) duration: Duration,
    pub(super) acquired: Option<Timestamp>,
    pub(super) renewed: Option<Timestamp>,
    pub(super) transitions: i32,
    /// The object's resourceVersion; empty when there is no object
    pub(super) version: String,
}

impl Record {
    pub(super) fn of(lease: &Lease) -> Self {
        let spec = lease.spec.clone().unwrap_or_default();
        let seconds = spec.lease_duration_seconds.unwrap_or_default();
        Record {
            holder: spec.holder_identity.unwrap_or_default(),
            duration: Duration::from_secs(u64::try_from(seconds).unwrap_or_default()),
            acquired: spec.acquire_time.map(|time| time.0),
            renewed: spec.renew_time.map(|time| time.0),
            transitions: spec.lease_transitions.unwrap_or_default(),
            version: lease.metadata.resource_version.clone().unwrap_or_default(),
        }
    }

    pub(super) fn to_spec(&self) -> LeaseSpec {
        LeaseSpec {
            holder_identity: Some(self.holder.clone()),
            lease_duration_seconds: i32::try_from(self.duration.as_secs()).ok(),
            acquire_time: self.acquired.map(MicroTime),
            renew_time: self.renewed.map(MicroTime),
            lease_transitions: Some(self.transitions),
            ..LeaseSpec::default()
        }
    }

    /// The record by which `identity` takes or keeps the lease.
    pub(super) fn held_by(&self, identity: &str, now: Timestamp) -> Self {
        let is_ours = self.holder == identity;
        let is_new = self.version.is_empty();
        Record {
            holder: identity.to_owned(),
            duration: DURATION,
            acquired: if is_ours { self.acquired } else { Some(now) },
            renewed: Some(now),
            transitions: self.transitions + i32::from(!is_ours && !is_new),
            version: self.version.clone(),
        }
    }

    /// The record by which its holder gives it away, as client-go's `release` writes it.
    pub(super) fn released(&self, now: Timestamp) -> Self {
        Record {
            holder: String::new(),
            duration: Duration::from_secs(1),
            acquired: Some(now),
            renewed: Some(now),
            ..self.clone()
        }
    }
}

/// A record, and when we saw it change last by our own clock. Clocks of other machines are not
/// trusted: a lease has expired when we have not seen it renewed for as long as it lasts.
#[derive(Clone, Debug)]
pub(in super::super) struct Observed {
    pub(super) record: Record,
    pub(super) since: Instant,
}

/// What one who wants the lease does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Step {
    /// Writes its name into it
    Take,
    /// Looks again after this time
    Wait(Duration),
}

impl Observed {
    pub(super) fn new(record: Record, now: Instant) -> Self {
        Observed { record, since: now }
    }

    /// Notes what was read now. Only a renewal makes it fresh, not any change of the object.
    pub(super) fn see(&mut self, record: Record, now: Instant) {
        let same = self.record.holder == record.holder && self.record.renewed == record.renewed;
        if !same {
            self.since = now;
        }
        self.record = record;
    }

    pub(super) fn step(&self, identity: &str, now: Instant) -> Step {
        if self.record.holder.is_empty() || self.record.holder == identity {
            return Step::Take;
        }
        let expires = self.since + self.record.duration;
        match expires.checked_duration_since(now) {
            None | Some(Duration::ZERO) => Step::Take,
            // Not later than its end: a crashed holder is replaced as soon as may be.
            Some(left) => Step::Wait(left.min(RETRY)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn record(holder: &str, renewed: i64) -> Record {
        Record {
            holder: holder.to_owned(),
            duration: DURATION,
            renewed: Timestamp::from_second(renewed).ok(),
            version: "1".to_owned(),
            ..Record::default()
        }
    }

    #[test]
    fn a_lease_of_another_is_left_until_nobody_renewed_it_for_its_duration() {
        let start = Instant::now();
        // Its own time says that it is long over; that does not count.
        let mut seen = Observed::new(record("other", 0), start);
        assert_eq!(seen.step("me", start), Step::Wait(RETRY));
        assert_eq!(
            seen.step("me", start + 14 * SECOND),
            Step::Wait(SECOND),
            "not later than its end"
        );
        assert_eq!(seen.step("me", start + 15 * SECOND), Step::Take);
        seen.see(record("other", 2), start + 14 * SECOND);
        assert_eq!(
            seen.step("me", start + 15 * SECOND),
            Step::Wait(RETRY),
            "it was renewed"
        );
    }

    #[test]
    fn a_change_that_is_no_renewal_does_not_prolong_it() {
        let start = Instant::now();
        let mut seen = Observed::new(record("other", 0), start);
        let mut labelled = record("other", 0);
        labelled.version = "2".to_owned();
        seen.see(labelled, start + 14 * SECOND);
        assert_eq!(seen.step("me", start + 15 * SECOND), Step::Take);
        assert_eq!(
            seen.record.version, "2",
            "the update needs the newest version"
        );
    }

    #[test]
    fn a_released_lease_and_our_own_are_taken_at_once() {
        let start = Instant::now();
        let held = record("other", 0).held_by("other", Timestamp::UNIX_EPOCH);
        let free = held.released(Timestamp::UNIX_EPOCH);
        assert_eq!(Observed::new(free, start).step("me", start), Step::Take);
        let ours = Observed::new(record("me", 0), start);
        assert_eq!(ours.step("me", start), Step::Take);
    }

    #[test]
    fn transitions_count_changes_of_hands() {
        let now = Timestamp::UNIX_EPOCH;
        let first = Record::default().held_by("a", now);
        assert_eq!((first.transitions, first.acquired), (0, Some(now)));
        let stored = Record {
            version: "1".to_owned(),
            ..first
        };
        let later = Timestamp::from_second(9).unwrap();
        let kept = stored.held_by("a", later);
        assert_eq!(
            (kept.transitions, kept.acquired, kept.renewed),
            (0, Some(now), Some(later))
        );
        let taken = stored.released(later).held_by("b", later);
        assert_eq!((taken.transitions, taken.acquired), (1, Some(later)));
    }

    #[test]
    fn a_record_survives_its_way_through_the_api() {
        let record = record("me", 7).held_by("me", Timestamp::from_second(8).unwrap());
        let mut lease = Lease {
            spec: Some(record.to_spec()),
            ..Lease::default()
        };
        lease.metadata.resource_version = Some("1".to_owned());
        assert_eq!(Record::of(&lease), record);
    }
}

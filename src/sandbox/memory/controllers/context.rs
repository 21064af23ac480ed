//! What every controller is, and what it works with.

use jiff::{Timestamp, Unit};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use crate::sandbox::memory::status::Status;

use super::cluster::{Cluster, Gvr, Key};
use super::events::{Involved, Recorder};
use super::index::{Index, Seen};

/// What is due: an object by its names. The resource is only there for controllers of many.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Name {
    pub(super) namespace: String,
    pub(super) name: String,
    pub(super) resource: Option<Gvr>,
}

impl Name {
    pub(super) fn new(namespace: &str, name: &str) -> Self {
        Name {
            namespace: namespace.to_owned(),
            name: name.to_owned(),
            resource: None,
        }
    }

    pub(super) fn of(key: &Key) -> Self {
        Name {
            namespace: key.namespace.clone(),
            name: key.name.clone(),
            resource: Some(key.resource.clone()),
        }
    }
}

/// When to look at an object again, if nothing changes before.
pub(super) type Again = Option<Timestamp>;

/// One of the controllers.
pub(super) trait Controller: Send {
    /// What a change makes due.
    fn due(&mut self, seen: &Seen<'_>, index: &Index, due: &mut dyn FnMut(Name));

    /// Brings an object to where it should be. A failure is tried again.
    fn reconcile(&mut self, cx: &mut Context<'_>, name: &Name) -> Result<Again, Status>;
}

/// What a controller works with.
pub(super) struct Context<'a> {
    pub(super) cluster: &'a dyn Cluster,
    pub(super) index: &'a Index,
    pub(super) events: &'a mut Recorder,
    /// When this reconciliation began
    pub(super) now: Timestamp,
    /// Set by a controller that has done a part of its work and wants to go on with the rest of it,
    /// after others had their turn
    pub(super) more: bool,
}

impl Context<'_> {
    /// Writes an Event of type Normal.
    pub(super) fn normal(
        &mut self,
        from: &'static str,
        about: &Involved,
        reason: &str,
        message: &str,
    ) {
        self.events
            .record(self.cluster, from, about, "Normal", reason, message);
    }

    /// Writes an Event of type Warning.
    pub(super) fn warning(
        &mut self,
        from: &'static str,
        about: &Involved,
        reason: &str,
        message: &str,
    ) {
        self.events
            .record(self.cluster, from, about, "Warning", reason, message);
    }
}

/// A time as meta/v1 writes it: in seconds.
pub(super) fn time(at: Timestamp) -> Time {
    let rounding = jiff::TimestampRound::new()
        .smallest(Unit::Second)
        .mode(jiff::RoundMode::Floor);
    // Rounding down to seconds only fails at the end of time.
    Time(at.round(rounding).unwrap_or(at))
}

/// Whether the failure is that the object is gone, which is what a deletion wants.
pub(super) fn unless_gone<T>(result: Result<T, Status>) -> Result<Option<T>, Status> {
    match result {
        Ok(done) => Ok(Some(done)),
        Err(status) if status.reason == "NotFound" => Ok(None),
        Err(status) => Err(status),
    }
}

/// Whether a creation failed only because the namespace is being removed.
pub(super) fn is_terminating(status: &Status) -> bool {
    let causes = status.details.iter().flat_map(|details| &details.causes);
    causes
        .into_iter()
        .any(|cause| cause.reason == "NamespaceTerminating")
}

//! All that is known about one App, and which of two pieces of knowledge is newer. Pure.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::super::queue::{Cause, Key};
use crate::app::live::Live;
use crate::app::pods::Trouble;
use crate::app::{App, Child, Failure, LiveDeployment, LiveService, Observed};

/// All about one App, and about objects that bear its name in their label.
#[derive(Debug, Default)]
pub(super) struct Entry {
    pub(super) app: Option<Known>,
    pub(super) observed: Observed,
    /// The pods in trouble, by name
    pub(super) troubles: BTreeMap<String, Trouble>,
}

/// An App, as far as it can be read.
#[derive(Clone, Debug)]
pub(in super::super) enum Known {
    Whole(Arc<App>),
    Broken(Arc<BrokenApp>),
}

/// An App that cannot be read.
#[derive(Debug)]
pub(in super::super) struct BrokenApp {
    pub(in super::super) uid: String,
    /// Why
    pub(in super::super) problem: String,
    pub(super) version: u64,
}

impl Known {
    pub(super) fn version(&self) -> u64 {
        match self {
            Known::Whole(app) => version_of(app),
            Known::Broken(app) => app.version,
        }
    }
}

impl Entry {
    /// Takes in an App; gives why it is to be looked at, if it is.
    pub(super) fn know(&mut self, app: App) -> Option<Cause> {
        let cause = match &self.app {
            Some(Known::Whole(old)) if wish(old) == wish(&app) => {
                // Our own status, mostly; and what else is neither wished nor said.
                let same = old.status == app.status && old.metadata.labels == app.metadata.labels;
                (!same).then_some(Cause::News)
            }
            _ => {
                self.observed.failure = None;
                Some(Cause::Wish)
            }
        };
        self.app = Some(Known::Whole(Arc::new(app)));
        cause
    }

    /// A child was made, changed or is gone: what was refused may be accepted now.
    pub(super) fn renew(&mut self, is_other: bool) {
        if is_other && matches!(self.observed.failure, Some(Failure::Refused { .. })) {
            self.observed.failure = None;
        }
    }

    /// A child is gone; gives whether it was known.
    pub(super) fn lose(&mut self, child: Child) -> bool {
        let was_there = self.observed.live(child).is_some();
        match child {
            Child::Deployment => self.observed.deployment = None,
            Child::Service => self.observed.service = None,
        }
        self.renew(was_there);
        was_there
    }

    /// Takes in what a worker knows of the children in the end, who began with the App `begun`. `seen`
    /// is how far the watches of Deployments and Services have told.
    pub(super) fn merge(&mut self, begun: &App, worked: Observed, seen: [u64; Child::ALL.len()]) {
        let before = std::mem::replace(&mut self.observed, worked);
        let now = &mut self.observed;
        if !matches!(&self.app, Some(Known::Whole(known)) if wish(known) == wish(begun)) {
            // It was the old wish that failed.
            now.failure = None;
        }
        let is_newer = |child: Child, now: &Observed| {
            is_newer(now.live(child), before.live(child), seen[child as usize])
        };
        let (deployment, service) = (
            is_newer(Child::Deployment, now),
            is_newer(Child::Service, now),
        );
        let mut is_other = false;
        if !deployment {
            let of = |d: &LiveDeployment| (d.live.uid.clone(), d.generation);
            is_other |= now.deployment.as_ref().map(of) != before.deployment.as_ref().map(of);
            now.deployment = before.deployment;
        }
        if !service {
            is_other = true;
            now.service = before.service;
        }
        now.troubles = Vec::new();
        now.autoscaler = before.autoscaler;
        self.renew(is_other);
    }

    pub(super) fn news(&self, key: Key, changed: bool) -> Option<(Key, Cause)> {
        (changed && self.app.is_some()).then_some((key, Cause::News))
    }

    pub(super) fn is_empty(&self) -> bool {
        let observed = &self.observed;
        self.app.is_none()
            && observed.deployment.is_none()
            && observed.service.is_none()
            && observed.autoscaler.is_none()
            && self.troubles.is_empty()
    }
}

/// What makes an App another wish: another object, another generation, its deletion.
pub(super) fn wish(app: &App) -> (Option<&str>, Option<i64>, bool) {
    let metadata = &app.metadata;
    (
        metadata.uid.as_deref(),
        metadata.generation,
        metadata.deletion_timestamp.is_some(),
    )
}

pub(super) fn version_of(app: &App) -> u64 {
    let version = app.metadata.resource_version.as_deref();
    version
        .and_then(|version| version.parse().ok())
        .unwrap_or(0)
}

pub(super) fn number(live: &Live) -> u64 {
    live.resource_version.parse().unwrap_or(0)
}

/// Whether a worker knows a child better than the watch, which told of all up to `seen`.
fn is_newer(worked: Option<&Live>, known: Option<&Live>, seen: u64) -> bool {
    match (worked, known) {
        (None, known) => known.is_none(),
        (Some(worked), None) => number(worked) > seen,
        (Some(worked), Some(known)) if worked.uid == known.uid => {
            // The same version: the worker knows in addition that it has deleted it.
            number(worked) >= number(known)
        }
        (Some(worked), Some(known)) => number(worked) > number(known).max(seen),
    }
}

pub(super) fn same_deployment(a: &LiveDeployment, b: &LiveDeployment) -> bool {
    let mut a = a.clone();
    a.live.resource_version.clone_from(&b.live.resource_version);
    a == *b
}

pub(super) fn same_service(a: &LiveService, b: &LiveService) -> bool {
    let mut a = a.clone();
    a.live.resource_version.clone_from(&b.live.resource_version);
    a == *b
}

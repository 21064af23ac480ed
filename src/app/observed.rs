//! What is known about an App's children when it is decided what to do.

use serde_json::Value;

use super::children::{self, Child};
use super::drift::{Digest, digest};
use super::failure::Failure;
use super::live::{Live, LiveDeployment, LiveService, Ownership};
use super::names;
use super::overrides::OverrideError;
use super::pods::Trouble;
use super::types::App;

/// What is known about an App's children.
///
/// A cache of labelled objects does not hold a same-named one of somebody else: what is absent here
/// must be sent so that it is only ever created. When the server then says that it is there
/// ([`super::Reaction::LookAgain`]), it belongs in here, and is left alone.
#[derive(Clone, Debug, Default)]
pub struct Observed {
    /// The Deployment of the App's name, whoever owns it.
    pub deployment: Option<LiveDeployment>,
    /// The Service of the App's name, whoever owns it.
    pub service: Option<LiveService>,
    /// What keeps the App's pods from becoming ready, one for each pod that has a trouble.
    pub troubles: Vec<Trouble>,
    /// The HorizontalPodAutoscaler that is aimed at the App's Deployment, by name.
    pub autoscaler: Option<String>,
    /// Why the last write to a child failed, until one succeeds. What is refused is of one
    /// generation of the App: drop it when there is a newer one.
    pub failure: Option<Failure>,
    /// What was stored for what was last sent; to be kept from visit to visit. Without it a child
    /// that a webhook changes is sent once more.
    pub settled: Settled,
}

/// What the server stored for what was last applied to each child.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Settled([Option<Exchange>; Child::ALL.len()]);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Exchange {
    sent: Digest,
    stored: Digest,
}

/// What an App's children are to be.
pub(super) struct Desired {
    pub(super) deployment: Value,
    pub(super) service: Option<Value>,
}

impl Observed {
    /// What there is of a child.
    pub fn live(&self, child: Child) -> Option<&Live> {
        match child {
            Child::Deployment => self.deployment.as_ref().map(|deployment| &deployment.live),
            Child::Service => self.service.as_ref().map(|service| &service.live),
        }
    }

    /// Takes in the answer to an apply: the child as the server has it now.
    ///
    /// Where a webhook or the server stores something else than what was sent, that pair is
    /// remembered: sending it again would change nothing.
    pub fn applied(&mut self, child: Child, payload: &Value, answer: &Value) {
        let stored = match child {
            Child::Deployment => {
                let read = LiveDeployment::read(answer);
                self.deployment.insert(read).live.digest
            }
            Child::Service => self.service.insert(LiveService::read(answer)).live.digest,
        };
        let sent = digest(payload);
        self.settled.0[child as usize] = Some(Exchange { sent, stored });
    }

    /// Whether a child is as it would be sent.
    pub(super) fn is_settled(&self, child: Child, payload: &Value) -> bool {
        self.live(child).is_some_and(|live| {
            let sent = digest(payload);
            let stored = live.digest;
            sent == stored || self.settled.0[child as usize] == Some(Exchange { sent, stored })
        })
    }

    /// The children that the App's spec asks for.
    pub(super) fn desired(&self, app: &App) -> Result<Desired, OverrideError> {
        let live = self.deployment.as_ref();
        let selector = live.and_then(|live| live.selector.as_ref());
        // A new Deployment starts with the App's number; an autoscaler takes it over from there.
        let left = self.autoscaler.is_some() && live.is_some();
        let replicas = (!left).then_some(app.spec.replicas);
        Ok(Desired {
            deployment: children::deployment(app, selector, replicas)?,
            service: children::service(app),
        })
    }

    /// How many replicas are wished: by the App, or by an autoscaler of its Deployment.
    pub(super) fn wished(&self, app: &App) -> i32 {
        match (&self.autoscaler, &self.deployment) {
            (Some(_), Some(deployment)) => deployment.wished,
            _ => app.spec.replicas,
        }
    }

    /// A wanted child's place that is taken by somebody else's object.
    pub(super) fn foreign(&self, app: &App) -> Option<(Child, Option<String>)> {
        wanted(app).find_map(|child| match self.live(child)?.ownership(app) {
            Ownership::Foreign(owner) => Some((child, owner)),
            _ => None,
        })
    }

    /// A wanted child whose place is free only when its predecessor is gone.
    pub(super) fn going(&self, app: &App) -> Option<Child> {
        wanted(app).find(|child| {
            self.live(*child)
                .is_some_and(|live| live.deleting || live.ownership(app) == Ownership::Predecessor)
        })
    }
}

/// The children that an App is to have.
fn wanted(app: &App) -> impl Iterator<Item = Child> {
    let service = !app.spec.ports.is_empty();
    Child::ALL
        .into_iter()
        .filter(move |child| *child != Child::Service || service)
}

impl Desired {
    /// The payloads, in the order in which they are written.
    pub(super) fn payloads(self) -> impl Iterator<Item = (Child, Value)> {
        let service = self.service.map(|service| (Child::Service, service));
        [(Child::Deployment, self.deployment)]
            .into_iter()
            .chain(service)
    }
}

impl std::fmt::Display for Child {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.kind())
    }
}

/// A child of an App, for sentences: `Deployment "web"`.
pub(super) fn called(child: Child, app: &App) -> String {
    format!("{child} {:?}", names::name(app))
}

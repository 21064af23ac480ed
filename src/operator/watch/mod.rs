//! What is watched: Apps, what they own, their pods, and the autoscalers that may be aimed at them.

mod object;
mod streams;

pub(super) use object::{Object, Thing, read_app};
pub(super) use streams::{Scope, Watching, streams};

/// The kinds that are watched.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Kind {
    App,
    Deployment,
    Service,
    Pod,
    Autoscaler,
}

impl Kind {
    pub(super) const ALL: [Kind; 5] = [
        Kind::App,
        Kind::Deployment,
        Kind::Service,
        Kind::Pod,
        Kind::Autoscaler,
    ];

    /// Without these nothing can be decided. The others only say why, or who else scales.
    pub(super) fn is_needed(self) -> bool {
        matches!(self, Kind::App | Kind::Deployment | Kind::Service)
    }

    /// For logs.
    pub(super) fn plural(self) -> &'static str {
        match self {
            Kind::App => "apps",
            Kind::Deployment => "deployments",
            Kind::Service => "services",
            Kind::Pod => "pods",
            Kind::Autoscaler => "horizontalpodautoscalers",
        }
    }
}

/// One watch: a kind in one of the scopes, by its place among them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Source {
    pub(super) kind: Kind,
    pub(super) scope: usize,
}

/// What a watch tells.
#[derive(Debug)]
pub(super) enum News {
    /// All that there is comes next, anew
    Begin,
    /// It is there, and so
    Put(Object),
    /// It is gone; as it was last
    Gone(Object),
    /// That was all that there is
    Complete,
    /// The watch broke, in words, and tries again
    Broken(Broken),
}

/// Why a watch broke.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Broken {
    pub(super) words: String,
    /// The server's code, if it did answer
    pub(super) code: Option<u16>,
}

//! Which change of a pod or Service has led to the next one of its endpoints, for those who measure
//! how long that takes.

use std::collections::HashMap;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::{Pod, Service};

use super::super::context::Name;
use super::super::{meta, pods};

/// Per Service, what was seen last.
#[derive(Debug, Default)]
pub(super) struct Triggers {
    seen: HashMap<Name, State>,
}

#[derive(Debug)]
struct State {
    service: Option<Timestamp>,
    pods: HashMap<String, Timestamp>,
}

impl Triggers {
    /// The earliest change since the last time; the Service's creation the first time.
    pub(super) fn last_change(
        &mut self,
        name: &Name,
        service: &Service,
        pods: &[Pod],
    ) -> Option<Timestamp> {
        let created = service
            .metadata
            .creation_timestamp
            .as_ref()
            .map(|time| time.0);
        let times = pods.iter().filter_map(|pod| {
            let ready = pods::condition(pod, "Ready")?
                .last_transition_time
                .as_ref()?;
            Some((meta::name(pod).to_owned(), ready.0))
        });
        let pods: HashMap<String, Timestamp> = times.collect();
        let now = State {
            service: created,
            pods,
        };
        let Some(before) = self.seen.get(name) else {
            self.seen.insert(name.clone(), now);
            return created;
        };
        let changed = now
            .pods
            .iter()
            .filter(|(pod, at)| before.pods.get(*pod).is_none_or(|before| before < *at));
        let service = created.filter(|_| before.service < created);
        let first = changed.map(|(_, at)| *at).chain(service).min();
        self.seen.insert(name.clone(), now);
        first
    }

    /// The Service is gone.
    pub(super) fn forget(&mut self, name: &Name) {
        self.seen.remove(name);
    }
}

/// A time as Go's RFC3339Nano writes it.
pub(super) fn text(at: Timestamp) -> String {
    at.to_string()
}

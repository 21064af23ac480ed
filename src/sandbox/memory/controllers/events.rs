//! Events (core/v1), as client-go's recorder writes them: equal ones are counted in one object,
//! similar ones combined once there are many, and an object that gives rise to too many is muted.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::{Event, EventSource, ObjectReference};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use k8s_openapi::{Metadata, Resource};
use serde_json::json;

use super::cluster::{Cluster, Gvr};
use super::context::time;

/// Messages of one reason about one object before they are combined (client-go's default).
const SIMILAR: usize = 10;
/// Messages further apart are not combined (client-go's default).
const INTERVAL: Duration = Duration::from_secs(600);
/// Events about one object before it is muted (client-go's default).
const BURST: f64 = 25.0;
/// Seconds after which a muted object may give rise to one more (client-go's default).
const REFILL: f64 = 300.0;
/// Objects and messages remembered, as in client-go; then all is forgotten, which costs a count.
const REMEMBERED: usize = 4096;

/// The object that an Event is about.
#[derive(Clone, Debug)]
pub(super) struct Involved(ObjectReference);

impl Involved {
    pub(super) fn of<T: Resource + Metadata<Ty = ObjectMeta>>(object: &T) -> Self {
        let meta = object.metadata();
        Involved(ObjectReference {
            api_version: Some(T::API_VERSION.to_owned()),
            kind: Some(T::KIND.to_owned()),
            name: meta.name.clone(),
            namespace: meta.namespace.clone(),
            resource_version: meta.resource_version.clone(),
            uid: meta.uid.clone(),
            field_path: None,
        })
    }

    /// The same of what has no type.
    pub(super) fn new(reference: ObjectReference) -> Self {
        Involved(reference)
    }
}

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Recorder {
    similar: HashMap<String, Similar>,
    written: HashMap<String, Written>,
    budgets: HashMap<String, Budget>,
    /// The last time in a name, so that two Events of one moment have two names
    last: i128,
}

#[derive(Debug)]
struct Similar {
    messages: HashSet<String>,
    last: Timestamp,
}

#[derive(Debug)]
struct Written {
    name: String,
    count: i32,
}

#[derive(Debug)]
struct Budget {
    left: f64,
    at: Timestamp,
}

impl Recorder {
    /// Writes an Event. That it could not be written is no failure of the controller's.
    pub(super) fn record(
        &mut self,
        cluster: &dyn Cluster,
        component: &'static str,
        about: &Involved,
        type_: &str,
        reason: &str,
        message: &str,
    ) {
        let now = cluster.now();
        let about = &about.0;
        let subject = [
            component,
            about.kind.as_deref().unwrap_or_default(),
            about.namespace.as_deref().unwrap_or_default(),
            about.name.as_deref().unwrap_or_default(),
            about.uid.as_deref().unwrap_or_default(),
            about.api_version.as_deref().unwrap_or_default(),
            type_,
        ]
        .join("\0");
        let similar = format!("{subject}\0{reason}");
        let combined = self.combined(&similar, message, now);
        let (key, message) = match combined {
            true => (
                similar,
                format!("(combined from similar events): {message}"),
            ),
            false => (format!("{similar}\0{message}"), message.to_owned()),
        };
        let before = self
            .written
            .get(&key)
            .map(|written| (written.name.clone(), written.count));
        let allowed = self.allowed(subject, now);
        let namespace = about
            .namespace
            .clone()
            .filter(|namespace| !namespace.is_empty());
        let namespace = namespace.unwrap_or_else(|| "default".to_owned());
        let resource = Gvr::of::<Event>();
        if let Some((name, count)) = before {
            let count = count.saturating_add(1);
            if allowed {
                let patch = json!({"count": count, "lastTimestamp": time(now), "message": message});
                if cluster
                    .patch(&resource, "", &namespace, &name, patch)
                    .is_ok()
                {
                    remember(&mut self.written, key, Written { name, count });
                    return;
                }
                // It has expired or was deleted: a new one is written, with the old count.
            } else {
                remember(&mut self.written, key, Written { name, count });
                return;
            }
        }
        let count = before_count(&self.written, &key).saturating_add(1);
        let name = self.name(about.name.as_deref().unwrap_or_default(), now);
        if allowed {
            let event = Event {
                metadata: ObjectMeta {
                    name: Some(name.clone()),
                    namespace: Some(namespace),
                    ..ObjectMeta::default()
                },
                involved_object: about.clone(),
                reason: Some(reason.to_owned()),
                message: Some(message),
                type_: Some(type_.to_owned()),
                count: Some(count),
                first_timestamp: Some(time(now)),
                last_timestamp: Some(time(now)),
                source: Some(EventSource {
                    component: Some(component.to_owned()),
                    host: None,
                }),
                reporting_component: (!combined).then(|| component.to_owned()),
                ..Event::default()
            };
            if let Err(problem) = cluster.create_typed(&event) {
                tracing::debug!(%problem, reason, "an Event could not be written");
                return;
            }
        }
        remember(&mut self.written, key, Written { name, count });
    }

    fn combined(&mut self, key: &str, message: &str, now: Timestamp) -> bool {
        make_room(&mut self.similar);
        let similar = self
            .similar
            .entry(key.to_owned())
            .or_insert_with(|| Similar {
                messages: HashSet::new(),
                last: now,
            });
        if elapsed(similar.last, now) > INTERVAL.as_secs_f64() {
            similar.messages.clear();
        }
        similar.last = now;
        if similar.messages.contains(message) || similar.messages.len() + 1 < SIMILAR {
            similar.messages.insert(message.to_owned());
            return false;
        }
        true
    }

    fn allowed(&mut self, subject: String, now: Timestamp) -> bool {
        make_room(&mut self.budgets);
        let budget = self.budgets.entry(subject).or_insert(Budget {
            left: BURST,
            at: now,
        });
        budget.left = (budget.left + elapsed(budget.at, now) / REFILL).min(BURST);
        budget.at = now;
        if budget.left < 1.0 {
            return false;
        }
        budget.left -= 1.0;
        true
    }

    /// The object's name and the time in hexadecimal, or a random one where that is no name
    /// (client-go's GenerateEventName).
    fn name(&mut self, object: &str, now: Timestamp) -> String {
        self.last = now.as_nanosecond().max(self.last + 1);
        let name = format!("{object}.{:x}", self.last);
        if is_subdomain(&name) {
            name
        } else {
            random_uuid()
        }
    }
}

fn is_subdomain(name: &str) -> bool {
    let alphanumeric = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    name.len() <= 253
        && name.split('.').map(str::as_bytes).all(|part| {
            part.first().is_some_and(alphanumeric)
                && part.last().is_some_and(alphanumeric)
                && part.iter().all(|byte| alphanumeric(byte) || *byte == b'-')
        })
}

fn random_uuid() -> String {
    let mut bytes = [0; 16];
    // Without randomness all such names are one, and the second Event is lost: no harm.
    let _ = getrandom::fill(&mut bytes);
    let number = u128::from_be_bytes(bytes);
    let hex = format!("{number:032x}");
    let (variant, rest) = (&hex[17..20], &hex[20..]);
    format!(
        "{}-{}-4{}-a{variant}-{rest}",
        &hex[..8],
        &hex[8..12],
        &hex[13..16]
    )
}

fn before_count(written: &HashMap<String, Written>, key: &str) -> i32 {
    written.get(key).map_or(0, |written| written.count)
}

fn remember(written: &mut HashMap<String, Written>, key: String, what: Written) {
    make_room(written);
    written.insert(key, what);
}

fn make_room<V>(map: &mut HashMap<String, V>) {
    if map.len() >= REMEMBERED {
        map.clear();
    }
}

fn elapsed(from: Timestamp, to: Timestamp) -> f64 {
    to.duration_since(from).as_secs_f64().max(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_client_go() {
        let mut recorder = Recorder::default();
        let now = Timestamp::from_second(1).unwrap();
        assert_eq!(recorder.name("web", now), "web.3b9aca00");
        assert_eq!(recorder.name("web", now), "web.3b9aca01");
        let uuid = recorder.name("system:node", now);
        let parts: Vec<usize> = uuid.split('-').map(str::len).collect();
        assert_eq!(parts, [8, 4, 4, 4, 12], "{uuid}");
    }
}

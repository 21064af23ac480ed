//! Which Events are written, as client-go's recorder decides it: equal ones are counted in one
//! object, similar ones combined once there are many, and an object that gives rise to too many is
//! muted (k8s.io/client-go/tools/record/events_cache.go).

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use jiff::Timestamp;

use crate::sandbox::uuid;

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

/// What somebody wants to say.
#[derive(Clone, Copy, Debug)]
pub(super) struct Saying<'a> {
    /// Who says it, of which object, and of which type: what is muted as one
    pub(super) subject: &'a [&'a str],
    /// The object's name
    pub(super) name: &'a str,
    /// The part of the object that is meant
    pub(super) field: &'a str,
    pub(super) reason: &'a str,
    pub(super) message: &'a str,
}

/// The Event that is to say it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Told {
    key: String,
    object: String,
    /// The Event's name
    pub(super) name: String,
    /// How often it was said
    pub(super) count: i32,
    /// When it was said first
    pub(super) first: Timestamp,
    /// The message, which for combined ones says so
    pub(super) message: String,
    /// Whether it stands for similar ones
    pub(super) combined: bool,
    /// Whether the Event exists already, as far as is known
    pub(super) exists: bool,
}

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Correlator {
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

#[derive(Clone, Debug)]
struct Written {
    name: String,
    count: i32,
    first: Timestamp,
}

#[derive(Debug)]
struct Budget {
    left: f64,
    at: Timestamp,
}

impl Correlator {
    /// The Event to be written for it; none when the object is muted, which is counted all the
    /// same.
    pub(super) fn tell(&mut self, saying: Saying<'_>, now: Timestamp) -> Option<Told> {
        let subject = saying.subject.join("\0");
        let similar = format!("{subject}\0{}", saying.reason);
        let combined = self.combined(&similar, saying.message, now);
        let (key, message) = match combined {
            true => {
                let message = format!("(combined from similar events): {}", saying.message);
                (similar, message)
            }
            false => {
                let key = format!("{similar}\0{}\0{}", saying.field, saying.message);
                (key, saying.message.to_owned())
            }
        };
        let before = self.written.get(&key).cloned();
        let exists = before.is_some();
        let mut written = before.unwrap_or_else(|| Written {
            name: self.name(saying.name, now),
            count: 0,
            first: now,
        });
        written.count = written.count.saturating_add(1);
        remember(&mut self.written, key.clone(), written.clone());
        self.allowed(subject, now).then(|| Told {
            key,
            object: saying.name.to_owned(),
            name: written.name,
            count: written.count,
            first: written.first,
            message,
            combined,
            exists,
        })
    }

    /// The same under a new name, for an Event that turned out to be gone.
    pub(super) fn renew(&mut self, told: Told, now: Timestamp) -> Told {
        let name = self.name(&told.object, now);
        let written = Written {
            name: name.clone(),
            count: told.count,
            first: told.first,
        };
        remember(&mut self.written, told.key.clone(), written);
        Told {
            name,
            exists: false,
            ..told
        }
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
    pub(super) fn name(&mut self, object: &str, now: Timestamp) -> String {
        self.last = now.as_nanosecond().max(self.last + 1);
        let name = format!("{object}.{:x}", self.last);
        if is_subdomain(&name) {
            name
        } else {
            uuid::random()
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

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn tell(correlator: &mut Correlator, message: &str, second: i64) -> Option<Told> {
        let saying = Saying {
            subject: &["kubelet", "Pod", "web"],
            name: "web",
            field: "",
            reason: "BackOff",
            message,
        };
        correlator.tell(saying, at(second))
    }

    #[test]
    fn names_are_those_of_client_go() {
        let mut correlator = Correlator::default();
        assert_eq!(correlator.name("web", at(1)), "web.3b9aca00");
        assert_eq!(correlator.name("web", at(1)), "web.3b9aca01");
        let uuid = correlator.name("system:node", at(1));
        let parts: Vec<usize> = uuid.split('-').map(str::len).collect();
        assert_eq!(parts, [8, 4, 4, 4, 12], "{uuid}");
    }

    #[test]
    fn equal_ones_are_counted_and_found_again() {
        let mut correlator = Correlator::default();
        let first = tell(&mut correlator, "a", 1).unwrap();
        assert!(!first.exists);
        let second = tell(&mut correlator, "a", 2).unwrap();
        assert_eq!((second.count, second.exists), (2, true));
        assert_eq!((&second.name, second.first), (&first.name, at(1)));
        let renewed = correlator.renew(second, at(3));
        assert!(!renewed.exists && renewed.name != first.name);
        let third = tell(&mut correlator, "a", 4).unwrap();
        assert_eq!((third.count, third.name), (3, renewed.name));
    }

    #[test]
    fn many_are_combined_and_too_many_muted() {
        let mut correlator = Correlator::default();
        let told: Vec<Option<Told>> = (0..40)
            .map(|n| tell(&mut correlator, &n.to_string(), 1))
            .collect();
        assert!(!told[8].as_ref().unwrap().combined);
        let combined = told[9].as_ref().unwrap();
        assert_eq!(combined.message, "(combined from similar events): 9");
        assert_eq!(told[10].as_ref().unwrap().name, combined.name);
        assert!(told[24].is_some() && told[25].is_none());
        assert!(tell(&mut correlator, "x", 302).is_some());
    }
}

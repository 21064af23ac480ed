//! Events about Apps. What happens again within a while is counted on the first Event of its kind,
//! and not more often than every minute.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use k8s_openapi::api::core::v1::ObjectReference;
use k8s_openapi::api::events::v1::{Event, EventSeries};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{MicroTime, ObjectMeta};
use k8s_openapi::jiff::Timestamp;
use kube::api::{Patch, PatchParams, PostParams};
use kube::{Api, Client, Resource};
use serde_json::json;
use tokio::sync::mpsc;

use super::failure::{self, Failure};
use super::queue::Key;
use crate::app::{App, Child, Note};

/// Events that wait to be sent. Beyond that they are dropped: work on Apps is never held up.
const WAITING: usize = 256;
/// For how long something said again counts as the same; client-go's default is 6 minutes.
const SAME: Duration = Duration::from_secs(360);
/// How soon a repetition is written after the last one.
const REPEAT: Duration = Duration::from_secs(60);
/// How many Events are remembered for that.
const REMEMBERED: usize = 1024;
/// The longest note that the API takes, in bytes.
const LONGEST: usize = 1024;

/// What an Event is about.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Regarding {
    namespace: String,
    name: String,
    uid: String,
}

impl Regarding {
    /// The App of that uid.
    pub(super) fn new(key: &Key, uid: &str) -> Self {
        Regarding {
            namespace: key.namespace.to_string(),
            name: key.name.to_string(),
            uid: uid.to_owned(),
        }
    }

    pub(super) fn of(app: &App) -> Self {
        let metadata = app.metadata.clone();
        Regarding {
            namespace: metadata.namespace.unwrap_or_default(),
            name: metadata.name.unwrap_or_default(),
            uid: metadata.uid.unwrap_or_default(),
        }
    }
}

/// Takes Events and never waits. Cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct Sender(mpsc::Sender<(Regarding, Note)>);

impl Sender {
    pub(super) fn send(&self, regarding: Regarding, note: Note) {
        if self.0.try_send((regarding, note)).is_err() {
            tracing::debug!("an Event was dropped: too many wait");
        }
    }
}

/// Writes what it is given.
pub(super) struct Recorder {
    client: Client,
    /// The operator's name and the process', as Events have them
    reporter: (String, String),
    incoming: mpsc::Receiver<(Regarding, Note)>,
    memory: Memory,
}

impl Recorder {
    pub(super) fn new(client: Client, controller: &str, instance: &str) -> (Sender, Self) {
        let (sender, incoming) = mpsc::channel(WAITING);
        let recorder = Recorder {
            client,
            reporter: (controller.to_owned(), instance.to_owned()),
            incoming,
            memory: Memory::default(),
        };
        (Sender(sender), recorder)
    }

    /// Until all senders are gone and what they sent is written.
    pub(super) async fn run(mut self) {
        let mut told = None;
        while let Some((regarding, note)) = self.incoming.recv().await {
            let app = &regarding.name;
            let Err(problem) = self.write(&regarding, &note).await else {
                told = None;
                continue;
            };
            let words = failure::words(&problem);
            // Where a role is missing each Event fails, and once is enough to say so.
            if is_passing(&problem) || told.as_ref() == Some(&words) {
                tracing::debug!(app, problem = words, "an Event was not written");
            } else {
                tracing::warn!(app, problem = words, "an Event was not written");
                told = Some(words);
            }
        }
    }

    async fn write(&mut self, regarding: &Regarding, note: &Note) -> Result<(), kube::Error> {
        let events: Api<Event> = Api::namespaced(self.client.clone(), &regarding.namespace);
        let now = Timestamp::now();
        match self.memory.see(regarding, note, Instant::now()) {
            Seen::Lately => Ok(()),
            Seen::Again { event, count } => {
                let series = EventSeries {
                    count,
                    last_observed_time: MicroTime(now),
                };
                let patch = Patch::Merge(json!({ "series": series }));
                events
                    .patch(&event, &PatchParams::default(), &patch)
                    .await
                    .map(|_| ())
            }
            Seen::New => {
                let event = self.event(regarding, note, now);
                let name = event.metadata.name.clone().unwrap_or_default();
                let params = PostParams {
                    field_manager: Some(crate::app::MANAGER.to_owned()),
                    ..PostParams::default()
                };
                events.create(&params, &event).await?;
                self.memory.remember(regarding, note, name, Instant::now());
                Ok(())
            }
        }
    }

    fn event(&self, regarding: &Regarding, note: &Note, now: Timestamp) -> Event {
        // A name may have 253 characters, and no App that is brought up has more than 63.
        let start: String = regarding.name.chars().take(200).collect();
        let (controller, instance) = self.reporter.clone();
        Event {
            metadata: ObjectMeta {
                name: Some(format!("{start}.{:x}", now.as_nanosecond())),
                namespace: Some(regarding.namespace.clone()),
                ..ObjectMeta::default()
            },
            regarding: Some(ObjectReference {
                api_version: Some(App::api_version(&()).into_owned()),
                kind: Some(App::kind(&()).into_owned()),
                namespace: Some(regarding.namespace.clone()),
                name: Some(regarding.name.clone()),
                uid: Some(regarding.uid.clone()),
                ..ObjectReference::default()
            }),
            type_: Some(if note.warning { "Warning" } else { "Normal" }.to_owned()),
            reason: Some(note.reason.clone()),
            note: Some(shortened(&note.note)),
            action: Some("Reconcile".to_owned()),
            event_time: Some(MicroTime(now)),
            reporting_controller: Some(controller),
            reporting_instance: Some(instance),
            ..Event::default()
        }
    }
}

/// Whether nobody needs to hear of it: the App's namespace goes, or somebody else leads now.
fn is_passing(problem: &kube::Error) -> bool {
    // The kind of failure counts here, not whose it is.
    let failure = failure::classify(Child::Deployment, problem);
    matches!(failure, Failure::Leaving | Failure::Closed)
}

fn shortened(note: &str) -> String {
    if note.len() <= LONGEST {
        return note.to_owned();
    }
    let end = (0..=LONGEST - '…'.len_utf8())
        .rev()
        .find(|end| note.is_char_boundary(*end));
    format!("{}…", &note[..end.unwrap_or(0)])
}

/// What was said lately, by App, reason and words. Pure.
#[derive(Debug, Default)]
struct Memory {
    said: HashMap<(String, String, String), Said>,
}

#[derive(Debug)]
struct Said {
    event: String,
    count: i32,
    seen: Instant,
    written: Instant,
}

#[derive(Debug, PartialEq, Eq)]
enum Seen {
    New,
    /// So often now, the first time included
    Again {
        event: String,
        count: i32,
    },
    /// And written just now
    Lately,
}

impl Memory {
    fn see(&mut self, regarding: &Regarding, note: &Note, now: Instant) -> Seen {
        self.said
            .retain(|_, said| now.saturating_duration_since(said.seen) < SAME);
        let Some(said) = self.said.get_mut(&of(regarding, note)) else {
            return Seen::New;
        };
        said.seen = now;
        said.count = said.count.saturating_add(1);
        if now.saturating_duration_since(said.written) < REPEAT {
            return Seen::Lately;
        }
        said.written = now;
        Seen::Again {
            event: said.event.clone(),
            count: said.count,
        }
    }

    fn remember(&mut self, regarding: &Regarding, note: &Note, event: String, now: Instant) {
        if self.said.len() < REMEMBERED {
            let said = Said {
                event,
                count: 1,
                seen: now,
                written: now,
            };
            self.said.insert(of(regarding, note), said);
        }
    }
}

fn of(regarding: &Regarding, note: &Note) -> (String, String, String) {
    (
        regarding.uid.clone(),
        note.reason.clone(),
        note.note.clone(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn regarding(uid: &str) -> Regarding {
        Regarding {
            namespace: "n".to_owned(),
            name: "a".to_owned(),
            uid: uid.to_owned(),
        }
    }

    fn note(note: &str) -> Note {
        Note {
            warning: true,
            reason: "Refused".to_owned(),
            note: note.to_owned(),
        }
    }

    #[test]
    fn the_same_is_counted_and_another_message_is_new() {
        let (mut memory, now) = (Memory::default(), Instant::now());
        assert_eq!(memory.see(&regarding("1"), &note("x"), now), Seen::New);
        memory.remember(&regarding("1"), &note("x"), "e".to_owned(), now);
        assert_eq!(memory.see(&regarding("1"), &note("x"), now), Seen::Lately);
        assert_eq!(memory.see(&regarding("1"), &note("y"), now), Seen::New);
        assert_eq!(memory.see(&regarding("2"), &note("x"), now), Seen::New);
        let later = now + REPEAT;
        let again = Seen::Again {
            event: "e".to_owned(),
            count: 3,
        };
        assert_eq!(memory.see(&regarding("1"), &note("x"), later), again);
        assert_eq!(
            memory.see(&regarding("1"), &note("x"), later + SAME),
            Seen::New
        );
    }

    #[test]
    fn a_long_note_is_cut_between_characters() {
        assert_eq!(shortened("short"), "short");
        let long = "ä".repeat(600);
        let cut = shortened(&long);
        assert!(cut.len() <= LONGEST && cut.ends_with("ä…"), "{}", cut.len());
    }
}

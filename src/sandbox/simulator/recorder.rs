//! Writes Events as scheduler and kubelets do, never in the way of pods.
//!
//! What is told of one pod is written in order. There are a few lanes, each with one request at a
//! time and with room for some notes; what finds no room is lost, as with client-go's recorders.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

use k8s_openapi::api::core::v1::{Event, EventSource, ObjectReference};
use k8s_openapi::api::events::v1;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{MicroTime, ObjectMeta, Time};
use kube::api::{Patch, PatchParams, PostParams};
use kube::{Api, Client};
use serde_json::{Value, json};
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::note::{By, Note};
use crate::sandbox::correlate::{Correlator, Saying, Told};

/// So many requests at a time: beside the requests for pods, of which there are 24.
const LANES: usize = 4;
/// Notes that a lane holds, as client-go's queue does.
const QUEUED: usize = 1000;
/// How often a request is sent that the server cannot answer, and how long it rests in between.
const TRIES: usize = 3;
const REST: Duration = Duration::from_secs(1);
/// Pods remembered that found no room; then all are forgotten, which costs a count.
const REMEMBERED: usize = 4096;

const SCHEDULER: &str = "default-scheduler";

/// See the module. Ends when it is dropped.
pub(super) struct Recorder {
    lanes: Vec<Sender<Note>>,
    hasher: RandomState,
    _tasks: JoinSet<()>,
}

impl Recorder {
    /// Must be called within a tokio runtime.
    pub(super) fn start(client: &Client) -> Self {
        let mut tasks = JoinSet::new();
        let lanes = (0..LANES).map(|_| {
            let (sender, receiver) = channel(QUEUED);
            tasks.spawn(Lane::new(client.clone()).run(receiver));
            sender
        });
        Recorder {
            lanes: lanes.collect(),
            hasher: RandomState::new(),
            _tasks: tasks,
        }
    }

    /// Has them written, sooner or later.
    pub(super) fn tell(&self, notes: Vec<Note>) {
        for note in notes {
            let hash = self.hasher.hash_one(&note.pod.uid);
            let lane = usize::try_from(hash % LANES as u64).unwrap_or(0);
            if let Some(lane) = self.lanes.get(lane)
                && lane.try_send(note).is_err()
            {
                tracing::debug!("the simulator has more to tell than it can");
            }
        }
    }
}

struct Lane {
    client: Client,
    correlator: Correlator,
    /// The scheduler's series: name and count, by pod, reason and type
    series: HashMap<String, (String, i32)>,
}

impl Lane {
    fn new(client: Client) -> Self {
        Lane {
            client,
            correlator: Correlator::default(),
            series: HashMap::new(),
        }
    }

    async fn run(mut self, mut notes: Receiver<Note>) {
        while let Some(note) = notes.recv().await {
            match note.by.clone() {
                By::Scheduler => self.schedulers(note).await,
                By::Kubelet(node) => self.kubelets(note, &node).await,
            }
        }
    }

    /// core/v1, as `record.EventRecorder` writes it.
    async fn kubelets(&mut self, note: Note, node: &str) {
        let text = |part: &Option<String>| part.clone().unwrap_or_default();
        let (name, namespace) = (text(&note.pod.name), text(&note.pod.namespace));
        let type_ = type_of(&note);
        let uid = text(&note.pod.uid);
        let saying = Saying {
            subject: &["kubelet", node, "Pod", &namespace, &name, &uid, "v1", type_],
            name: &name,
            field: note.field.as_deref().unwrap_or_default(),
            reason: note.reason,
            message: &note.message,
        };
        let Some(mut told) = self.correlator.tell(saying, note.at) else {
            return;
        };
        let events: Api<Event> = Api::namespaced(self.client.clone(), &namespace);
        if told.exists {
            let patch = json!({
                "count": told.count, "message": told.message, "lastTimestamp": Time(note.at),
            });
            if patch_event(&events, &told.name, &patch).await {
                return;
            }
            told = self.correlator.renew(told, note.at);
        }
        create_event(&events, &core_event(&note, told, node)).await;
    }

    /// events.k8s.io/v1, as `events.EventRecorder` writes it: what is told again becomes a series.
    async fn schedulers(&mut self, note: Note) {
        let text = |part: &Option<String>| part.clone().unwrap_or_default();
        let (name, namespace) = (text(&note.pod.name), text(&note.pod.namespace));
        let events: Api<v1::Event> = Api::namespaced(self.client.clone(), &namespace);
        let key = format!(
            "{}\0{}\0{}",
            text(&note.pod.uid),
            note.reason,
            type_of(&note)
        );
        if self.series.len() >= REMEMBERED {
            self.series.clear();
        }
        let before = self.series.get(&key).cloned();
        let count = before
            .as_ref()
            .map_or(1, |(_, count)| count.saturating_add(1));
        if let Some((name, _)) = before {
            let observed = MicroTime(note.at);
            let patch = json!({"series": {"count": count, "lastObservedTime": observed}});
            if patch_event(&events, &name, &patch).await {
                self.series.insert(key, (name, count));
                return;
            }
        }
        let name = self.correlator.name(&name, note.at);
        self.series.insert(key, (name.clone(), count));
        create_event(&events, &scheduler_event(&note, name)).await;
    }
}

fn type_of(note: &Note) -> &'static str {
    match note.is_warning {
        true => "Warning",
        false => "Normal",
    }
}

fn core_event(note: &Note, told: Told, node: &str) -> Event {
    Event {
        metadata: ObjectMeta {
            name: Some(told.name),
            namespace: note.pod.namespace.clone(),
            ..ObjectMeta::default()
        },
        involved_object: ObjectReference {
            field_path: note.field.clone(),
            ..(*note.pod).clone()
        },
        reason: Some(note.reason.to_owned()),
        message: Some(told.message),
        type_: Some(type_of(note).to_owned()),
        count: Some(told.count),
        first_timestamp: Some(Time(told.first)),
        last_timestamp: Some(Time(note.at)),
        source: Some(EventSource {
            component: Some("kubelet".to_owned()),
            host: Some(node.to_owned()),
        }),
        reporting_component: (!told.combined).then(|| "kubelet".to_owned()),
        reporting_instance: (!told.combined).then(|| node.to_owned()),
        ..Event::default()
    }
}

fn scheduler_event(note: &Note, name: String) -> v1::Event {
    let action = match note.is_warning {
        true => "Scheduling",
        false => "Binding",
    };
    v1::Event {
        metadata: ObjectMeta {
            name: Some(name),
            namespace: note.pod.namespace.clone(),
            ..ObjectMeta::default()
        },
        event_time: Some(MicroTime(note.at)),
        action: Some(action.to_owned()),
        reason: Some(note.reason.to_owned()),
        note: Some(note.message.clone()),
        type_: Some(type_of(note).to_owned()),
        regarding: Some((*note.pod).clone()),
        reporting_controller: Some(SCHEDULER.to_owned()),
        reporting_instance: Some(format!("{SCHEDULER}-appop")),
        ..v1::Event::default()
    }
}

async fn create_event<K>(events: &Api<K>, event: &K)
where
    K: kube::Resource + serde::Serialize + serde::de::DeserializeOwned + Clone + std::fmt::Debug,
{
    let parameters = PostParams::default();
    for tries in 1.. {
        let Err(problem) = events.create(&parameters, event).await else {
            return;
        };
        if !is_worth_a_try(&problem, tries) {
            return;
        }
        sleep(REST).await;
    }
}

/// Whether the Event was there to be patched; one that could not be is none the less.
async fn patch_event<K>(events: &Api<K>, name: &str, patch: &Value) -> bool
where
    K: kube::Resource + serde::de::DeserializeOwned + Clone + std::fmt::Debug,
{
    let parameters = PatchParams::default();
    let patch = Patch::Strategic(patch);
    for tries in 1.. {
        match events.patch(name, &parameters, &patch).await {
            Err(kube::Error::Api(status)) if status.code == 404 => return false,
            Err(problem) if is_worth_a_try(&problem, tries) => sleep(REST).await,
            Ok(_) | Err(_) => break,
        }
    }
    true
}

fn is_worth_a_try(problem: &kube::Error, tries: usize) -> bool {
    tracing::debug!(%problem, "the simulator could not write an Event");
    let refused =
        matches!(problem, kube::Error::Api(status) if status.code != 429 && status.code < 500);
    tries < TRIES && !refused
}

//! An object and what it owns, as `apps NAME` and `tree` show it.

use std::collections::HashSet;
use std::sync::Arc;

use serde_json::Value;

use crate::cluster::{Error, Server};
use crate::discovery::NotFound;
use crate::discovery::nearest::{did_you_mean, nearest};
use crate::output::{Format, Printer, clean, value};
use crate::ownership::list::{self, Skipped};
use crate::ownership::{Event, Kind, Object, State, Tree, build, events};

mod draw;
mod json;
pub(super) mod skipped;

pub(super) use draw::{paint, rows, text};

/// So many Events are shown: what fits below a tree.
const EVENTS: usize = 10;

/// An object, what it owns, and what has happened to them.
pub(super) struct Family {
    /// The root, as the server has it
    pub(super) root: Value,
    /// The root among them
    pub(super) objects: Vec<Object>,
    pub(super) tree: Tree,
    /// The latest, the newest first
    pub(super) events: Vec<Event>,
    /// What could not be looked at
    pub(super) skipped: skipped::Notes,
}

/// Which object.
#[derive(Clone, Debug)]
pub(super) struct Subject {
    pub(super) kind: Arc<Kind>,
    /// `None` for what lives in no namespace
    pub(super) namespace: Option<String>,
    pub(super) name: String,
}

impl Family {
    /// The family of `root` among these objects. `state` is what is said of the root.
    pub(super) fn of(
        subject: &Subject,
        root: Value,
        mut objects: Vec<Object>,
        state: Option<State>,
    ) -> Self {
        let mut object = Object::of(&subject.kind, &root);
        let listed = objects.iter().position(|o| o.uid == object.uid);
        if let Some(state) = state {
            object.state = state;
        } else if let Some(listed) = listed {
            object.state = objects[listed].state.clone();
        }
        match listed {
            Some(at) => objects[at] = object,
            None => objects.push(object),
        }
        let uid = root["metadata"]["uid"].as_str().unwrap_or_default();
        let tree = build(uid, &objects);
        Family {
            root,
            objects,
            tree,
            events: Vec::new(),
            skipped: skipped::Notes::default(),
        }
    }

    /// The uids of all that is in the tree.
    pub(super) fn uids(&self) -> HashSet<&str> {
        let uid = |node: &crate::ownership::Node| self.objects[node.object].uid.as_str();
        self.tree.nodes.iter().map(uid).collect()
    }

    /// Takes the latest of those Events that are about somebody in the tree.
    pub(super) fn happened<'a>(&mut self, all: impl Iterator<Item = &'a Event>) {
        let uids = self.uids();
        let ours = all.filter(|event| uids.contains(event.about_uid.as_str()));
        let latest = events::latest(ours, EVENTS);
        self.events = latest.into_iter().cloned().collect();
    }

    /// All that a program gets to read of it, as one text to compare.
    pub(super) fn document(&self) -> String {
        json::of(self).to_string()
    }

    /// Writes it to stdout in the form that was asked for.
    ///
    /// Errors: what writing to stdout says, or a template that does not fit.
    pub(super) fn print(&self, printer: Printer, form: &Form) -> anyhow::Result<()> {
        match form.output {
            Format::Table | Format::Wide => {
                let now = jiff::Timestamp::now();
                Ok(printer.data(&text(self, printer, form, now))?)
            }
            Format::Name => {
                let names = self
                    .tree
                    .nodes
                    .iter()
                    .map(|node| &self.objects[node.object]);
                let mut seen = HashSet::new();
                let lines = names
                    .filter(|object| seen.insert(object.uid.as_str()))
                    .map(|object| format!("{}\n", clean::line(&object.kind.named(&object.name))));
                Ok(printer.data(&lines.collect::<String>())?)
            }
            _ => value::print(printer, &form.output, &json::of(self)),
        }
    }
}

/// How it is to be shown.
#[derive(Clone, Debug)]
pub(super) struct Form {
    pub(super) output: Format,
    pub(super) headers: bool,
}

/// The family of an object, found among the objects of `kinds`.
///
/// Errors: the object itself cannot be read.
pub(super) async fn load(
    server: &Server,
    subject: &Subject,
    kinds: &[Arc<Kind>],
    state: impl Fn(&Value) -> Option<State>,
) -> anyhow::Result<Family> {
    let root = root(server, subject).await?;
    let uid = root["metadata"]["uid"]
        .as_str()
        .unwrap_or_default()
        .to_owned();
    let server = server.without_warnings();
    let namespace = subject.namespace.as_deref();
    // What names no owner is in no tree: of 10,000 pods only those that do are kept.
    let keep = |object: &Object| !object.owners.is_empty() || object.uid == uid;
    let (objects, skipped) = list::survey(&server, kinds, namespace, keep).await;
    let state = state(&root);
    let mut family = Family::of(subject, root, objects, state);
    family.skipped = skipped::Notes::of(skipped, namespace);
    let uids = family.uids();
    let ours = |event: &Event| uids.contains(event.about_uid.as_str());
    match events::read(&server, namespace, ours).await {
        Ok(events) => family.happened(events.iter()),
        Err(problem) => {
            let kind = Arc::new(Kind::known("", "v1", "events", "Event"));
            family.skipped.add(Skipped { kind, problem }, namespace);
        }
    }
    Ok(family)
}

/// The object itself.
///
/// Errors: as [`Server::get`]; where there is no such object, with what was perhaps meant.
pub(super) async fn root(server: &Server, subject: &Subject) -> anyhow::Result<Value> {
    let path = subject
        .kind
        .object_path(subject.namespace.as_deref(), &subject.name);
    match server.get_json(&path, "application/json").await {
        Ok(root) => Ok(root),
        Err(problem) if is_missing(&problem) => Err(missing(server, subject).await.into()),
        Err(problem) => Err(problem.into()),
    }
}

/// Whether the server knows the kind but not the object.
fn is_missing(problem: &Error) -> bool {
    problem.failure().is_some_and(|failure| {
        let details = failure.status.as_ref().and_then(|s| s.details.as_ref());
        failure.code.as_u16() == 404 && details.is_some_and(|d| !d.name.is_empty())
    })
}

async fn missing(server: &Server, subject: &Subject) -> NotFound {
    let Subject {
        kind,
        namespace,
        name,
    } = subject;
    let place = match namespace {
        Some(namespace) => format!(" in the namespace {namespace:?}"),
        None => String::new(),
    };
    let mut text = format!("there is no {} {name:?}{place}.", kind.kind);
    // Words of help; who may not list gets none.
    let server = server.without_warnings();
    let here = list::objects(&server, kind, namespace.as_deref(), |_| true).await;
    let names: Vec<String> = here
        .unwrap_or_default()
        .into_iter()
        .map(|o| o.name)
        .collect();
    let near = nearest(name, names.iter().map(String::as_str));
    if let Some(hint) = did_you_mean(&near) {
        text.push_str(&format!(" {hint}"));
    } else if namespace.is_some() {
        let elsewhere = list::objects(&server, kind, None, |o| o.name == *name).await;
        let places: Vec<String> = elsewhere
            .unwrap_or_default()
            .into_iter()
            .map(|object| object.namespace)
            .collect();
        if let Some((first, others)) = places.split_first() {
            let more = match others.len() {
                0 => String::new(),
                more => format!(", and in {more} more"),
            };
            text.push_str(&format!(" There is one in {first}{more}: add -n {first}"));
        }
    }
    NotFound(text)
}

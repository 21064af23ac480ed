//! One App with what it owns, as they change.

use std::collections::HashMap;
use std::process::ExitCode;
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::Value;
use tokio::time::Instant;

use super::{Feed, Message, is_refused, ticker};
use crate::cli::Context;
use crate::cli::apps::row::Row;
use crate::cli::apps::screen::Screen;
use crate::cli::apps::{Args, children, kind, not_installed, operator, subject};
use crate::cli::exit::PARTIAL;
use crate::cli::family::{self, Family, Subject, skipped};
use crate::cluster::{Error, Server};
use crate::output::{Format, clean};
use crate::ownership::follow::Change;
use crate::ownership::list::{Objects, Skipped};
use crate::ownership::{Event, Health, Kind, Object, State, events};

/// One App with what it owns.
pub(in crate::cli::apps) async fn one(
    args: &Args,
    context: &Context,
    server: &Server,
    name: &str,
) -> anyhow::Result<ExitCode> {
    let subject = subject(server, name);
    // What is wrong with the question is said as without --watch.
    let root = match family::root(server, &subject).await {
        Ok(root) => root,
        Err(problem) => {
            return Err(match problem.downcast::<Error>() {
                Ok(problem) => not_installed(server, problem),
                Err(problem) => problem,
            });
        }
    };
    let mut feed = Feed::new(server);
    let one = format!("fieldSelector=metadata.name%3D{name}");
    let namespace = subject.namespace.as_deref();
    feed.apps(kind().path(namespace), vec![one]);
    let children = children();
    for kind in &children {
        let (path, kind) = (kind.path(namespace), Arc::clone(kind));
        let reader = Objects::new(&kind);
        feed.follow(path, Vec::new(), reader, move |change| {
            Message::Object(Arc::clone(&kind), change)
        });
    }
    feed.follow(
        events::path(namespace),
        Vec::new(),
        events::reader(),
        Message::Event,
    );
    feed.leases();
    let mut view = One {
        args,
        screen: Screen::new(context),
        // The App itself, its children's kinds, and Events.
        awaited: children.len() + 2,
        subject,
        root,
        gone: false,
        objects: HashMap::new(),
        events: HashMap::new(),
        skipped: skipped::Notes::default(),
        shown: None,
        document: None,
        leases: None,
        seen: operator::Seen::default(),
    };
    let mut tick = ticker();
    while let Some(messages) = feed.next(&mut tick, view.screen.is_terminal()).await {
        for message in messages {
            view.take(message);
        }
        if view.awaited == 0 {
            view.show()?;
        }
    }
    Ok(match view.skipped.is_empty() {
        true => ExitCode::SUCCESS,
        false => ExitCode::from(PARTIAL),
    })
}

struct One<'a> {
    args: &'a Args,
    screen: Screen<'a>,
    subject: Subject,
    /// How many of those who follow have not said anything yet
    awaited: usize,
    root: Value,
    gone: bool,
    objects: HashMap<String, Object>,
    events: HashMap<String, Event>,
    skipped: skipped::Notes,
    /// What was shown in a pipe
    shown: Option<HashMap<String, Object>>,
    document: Option<String>,
    leases: Option<operator::Leases>,
    seen: operator::Seen,
}

impl One<'_> {
    fn take(&mut self, message: Message) {
        match message {
            Message::App(change) => self.take_app(change),
            Message::Object(kind, Change::All(all)) => {
                self.heard();
                self.objects.retain(|_, object| object.kind != kind);
                for object in all {
                    self.put(object);
                }
            }
            Message::Object(_, Change::Put(object)) => self.put(object),
            Message::Object(_, Change::Gone(object)) => {
                self.objects.remove(&object.uid);
            }
            Message::Object(kind, Change::Failed(problem)) => self.failed(kind, problem),
            Message::Event(Change::All(all)) => {
                self.heard();
                let all = all.into_iter().map(|event| (event.uid.clone(), event));
                self.events = all.collect();
            }
            Message::Event(Change::Put(event)) => {
                self.events.insert(event.uid.clone(), event);
            }
            Message::Event(Change::Gone(event)) => {
                self.events.remove(&event.uid);
            }
            Message::Event(Change::Failed(problem)) => {
                let kind = Arc::new(Kind::known("", "v1", "events", "Event"));
                self.failed(kind, problem);
            }
            Message::Leases(leases) => self.leases = Some(leases),
        }
    }

    fn take_app(&mut self, change: Change<Value>) {
        match change {
            Change::All(all) => {
                self.heard();
                match all.into_iter().next() {
                    Some(app) => self.take_app(Change::Put(app)),
                    None => self.gone = true,
                }
            }
            Change::Put(app) => {
                self.root = app;
                self.gone = false;
            }
            Change::Gone(_) => self.gone = true,
            Change::Failed(problem) => self.failed(Arc::clone(&self.subject.kind), problem),
        }
    }

    /// What names no owner is in no tree.
    fn put(&mut self, object: Object) {
        if !object.owners.is_empty() {
            self.objects.insert(object.uid.clone(), object);
        } else {
            self.objects.remove(&object.uid);
        }
    }

    fn heard(&mut self) {
        self.awaited = self.awaited.saturating_sub(1);
        self.screen.works();
    }

    fn failed(&mut self, kind: Arc<Kind>, problem: Error) {
        if is_refused(&problem) {
            self.awaited = self.awaited.saturating_sub(1);
            let namespace = self.subject.namespace.as_deref();
            self.skipped.add(Skipped { kind, problem }, namespace);
        } else {
            self.screen.fails(&problem);
        }
    }

    fn family(&self) -> Family {
        let state = match self.gone {
            true => State::new("", "Deleted", Health::Progressing),
            false => Row::of(&self.root).state(),
        };
        let objects = self.objects.values().cloned().collect();
        let mut family = Family::of(&self.subject, self.root.clone(), objects, Some(state));
        family.happened(self.events.values());
        family.skipped = self.skipped.clone();
        family
    }

    fn show(&mut self) -> anyhow::Result<()> {
        let family = self.family();
        let apps = (!self.gone).then_some(&self.root);
        self.seen.note(Instant::now(), apps.into_iter());
        let leases = self.leases.as_ref();
        let verdict = |leases| operator::verdict(apps.into_iter(), leases, &self.seen);
        let words = leases.and_then(verdict);
        let form = self.args.form();
        let printer = self.screen.printer();
        let is_text = matches!(form.output, Format::Table | Format::Wide);
        if self.screen.is_terminal() && is_text {
            let text = family::text(&family, printer, &form, Timestamp::now());
            let notes = words.into_iter().chain(self.skipped.sentences());
            let notes: Vec<String> = notes.collect();
            let notes = (!notes.is_empty()).then(|| notes.join("\n"));
            return self.screen.draw(&text, notes.as_deref());
        }
        let in_tree = family
            .tree
            .nodes
            .iter()
            .map(|node| &family.objects[node.object]);
        let now: HashMap<String, Object> = in_tree
            .map(|object| (object.uid.clone(), object.clone()))
            .collect();
        match &self.shown {
            None => {
                family.print(printer, &form)?;
                self.skipped.say(printer);
            }
            Some(shown) => self.print_changes(&family, shown, &now)?,
        }
        if !is_text {
            self.document = Some(family.document());
        }
        self.shown = Some(now);
        self.screen.say(words);
        Ok(())
    }

    fn print_changes(
        &self,
        family: &Family,
        shown: &HashMap<String, Object>,
        now: &HashMap<String, Object>,
    ) -> anyhow::Result<()> {
        let printer = self.screen.printer();
        let said = |object: &Object| (object.state.clone(), object.deleting);
        let is_news = |object: &&Object| {
            let old = shown.get(&object.uid);
            old.is_none_or(|old| said(old) != said(object))
        };
        let mut seen = std::collections::HashSet::new();
        let in_order = family
            .tree
            .nodes
            .iter()
            .map(|node| &family.objects[node.object]);
        let changed: Vec<&Object> = in_order
            .filter(|object| seen.insert(object.uid.as_str()))
            .filter(is_news)
            .collect();
        let mut gone: Vec<&Object> = shown
            .values()
            .filter(|o| !now.contains_key(&o.uid))
            .collect();
        gone.sort_by_key(|object| object.title());
        match &self.args.output {
            Format::Table | Format::Wide => {
                let changed = changed.into_iter().map(|object| (object, false));
                let gone = gone.into_iter().map(|object| (object, true));
                let all = now.values();
                Ok(printer.data(&family::rows(all, changed.chain(gone)))?)
            }
            Format::Name => {
                let lines = changed
                    .into_iter()
                    .map(|object| format!("{}\n", clean::line(&object.kind.named(&object.name))));
                Ok(printer.data(&lines.collect::<String>())?)
            }
            // A document each time it says something else.
            _ if self.document.as_ref() != Some(&family.document()) => {
                family.print(printer, &self.args.form())
            }
            _ => Ok(()),
        }
    }
}

//! `--watch`: Apps, or one of them, as they change.

use std::collections::{BTreeMap, HashMap};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;
use serde_json::value::RawValue;
use tokio::sync::mpsc::{self, Receiver, Sender};
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep, timeout_at};

use super::row::{self, Row};
use super::screen::Screen;
use super::{Args, Context, children, kind, named, not_installed, operator, subject};
use crate::cli::exit::PARTIAL;
use crate::cli::family::{self, Family, Subject, skipped};
use crate::cluster::{Error, Server};
use crate::output::table::View;
use crate::output::{Format, clean, value};
use crate::ownership::follow::{Change, Listener, follow};
use crate::ownership::list::{Items, Objects, Reader, Skipped};
use crate::ownership::{Event, Health, Kind, Object, State, events};

/// Changes that come together are shown together: a rollout writes a dozen objects at a time.
const TOGETHER: Duration = Duration::from_millis(100);
/// How often a terminal is drawn anew, for the ages on it.
const TICK: Duration = Duration::from_secs(1);
/// How often it is looked whether there is an operator.
const LOOK: Duration = Duration::from_secs(10);
/// What may wait to be shown; who follows waits when it is full.
const ROOM: usize = 256;

enum Message {
    App(Change<Value>),
    Object(Arc<Kind>, Change<Object>),
    Event(Change<Event>),
    Leases(operator::Leases),
}

/// Those who follow, and what they tell. They end when this is dropped.
struct Feed {
    server: Server,
    messages: Receiver<Message>,
    sender: Sender<Message>,
    followers: JoinSet<()>,
}

impl Feed {
    fn new(server: &Server) -> Self {
        let (sender, messages) = mpsc::channel(ROOM);
        Feed {
            server: server.without_warnings(),
            messages,
            sender,
            followers: JoinSet::new(),
        }
    }

    fn follow<R: Reader + 'static>(
        &mut self,
        path: String,
        query: Vec<String>,
        reader: R,
        wrap: impl Fn(Change<R::Item>) -> Message + Send + Sync + 'static,
    ) {
        let server = self.server.clone();
        let listener = Listener::new(&self.sender, wrap);
        self.followers
            .spawn(async move { follow(&server, &path, &query, reader, listener).await });
    }

    fn apps(&mut self, path: String, query: Vec<String>) {
        let reader = Items::new(|json: &RawValue| serde_json::from_str(json.get()).map(Some));
        self.follow(path, query, reader, Message::App);
    }

    fn leases(&mut self) {
        let (server, sender) = (self.server.clone(), self.sender.clone());
        self.followers.spawn(async move {
            loop {
                let leases = operator::leases(&server, server.namespace()).await;
                if sender.send(Message::Leases(leases)).await.is_err() {
                    return;
                }
                sleep(LOOK).await;
            }
        });
    }

    /// Waits for what is to be shown next: messages, or none when only time has passed. `None` when
    /// a person has had enough.
    async fn next(
        &mut self,
        tick: &mut tokio::time::Interval,
        ticks: bool,
    ) -> Option<Vec<Message>> {
        let mut together = Vec::new();
        tokio::select! {
            _ = tokio::signal::ctrl_c() => return None,
            _ = tick.tick(), if ticks => return Some(together),
            Some(message) = self.messages.recv() => together.push(message),
        }
        let until = Instant::now() + TOGETHER;
        while together.len() < ROOM {
            tokio::select! {
                _ = tokio::signal::ctrl_c() => return None,
                message = timeout_at(until, self.messages.recv()) => match message {
                    Ok(Some(message)) => together.push(message),
                    _ => break,
                },
            }
        }
        Some(together)
    }
}

fn ticker() -> tokio::time::Interval {
    let mut tick = interval(TICK);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    tick
}

/// All Apps that were asked for.
pub(super) async fn all(
    args: &Args,
    context: &Context,
    server: &Server,
) -> anyhow::Result<ExitCode> {
    let mut feed = Feed::new(server);
    feed.apps(kind().path(args.scope(server)), args.query());
    feed.leases();
    let mut list = List {
        args,
        server,
        screen: Screen::new(context),
        apps: BTreeMap::new(),
        shown: None,
        headed: false,
        leases: None,
        seen: operator::Seen::default(),
    };
    let mut tick = ticker();
    while let Some(messages) = feed.next(&mut tick, list.screen.is_terminal()).await {
        for message in messages {
            list.take(message)?;
        }
        list.show()?;
    }
    Ok(ExitCode::SUCCESS)
}

type Name = (String, String);

struct List<'a> {
    args: &'a Args,
    server: &'a Server,
    screen: Screen<'a>,
    apps: BTreeMap<Name, Value>,
    /// What was shown in a pipe; nothing before the first list
    shown: Option<BTreeMap<Name, (Row, String)>>,
    /// Whether the headings stand above
    headed: bool,
    leases: Option<operator::Leases>,
    seen: operator::Seen,
}

impl List<'_> {
    /// Errors: the Apps cannot be read, and never will be.
    fn take(&mut self, message: Message) -> anyhow::Result<()> {
        let name = |app: &Value| {
            let text = |field: &str| {
                app["metadata"][field]
                    .as_str()
                    .unwrap_or_default()
                    .to_owned()
            };
            (text("namespace"), text("name"))
        };
        match message {
            Message::App(Change::All(all)) => {
                self.apps = all.into_iter().map(|app| (name(&app), app)).collect();
                self.shown.get_or_insert_default();
                self.screen.works();
            }
            Message::App(Change::Put(app)) => {
                self.apps.insert(name(&app), app);
            }
            Message::App(Change::Gone(app)) => {
                self.apps.remove(&name(&app));
            }
            Message::App(Change::Failed(problem)) => match self.shown {
                Some(_) if !is_refused(&problem) => self.screen.fails(&problem),
                _ => return Err(not_installed(self.server, problem)),
            },
            Message::Leases(leases) => self.leases = Some(leases),
            Message::Object(..) | Message::Event(_) => {}
        }
        Ok(())
    }

    fn show(&mut self) -> anyhow::Result<()> {
        if self.shown.is_none() {
            return Ok(());
        }
        self.seen.note(Instant::now(), self.apps.values());
        let leases = self.leases.as_ref();
        let verdict = |leases| operator::verdict(self.apps.values(), leases, &self.seen);
        let words = leases.and_then(verdict);
        let now = Timestamp::now();
        let wide = self.args.output == Format::Wide;
        let is_table = matches!(self.args.output, Format::Table | Format::Wide);
        if self.screen.is_terminal() && is_table {
            let rows: Vec<Row> = self.apps.values().map(Row::of).collect();
            let printer = self.screen.printer();
            let view = View {
                width: printer.width(),
                color: printer.stdout_is_colored(),
                headers: !self.args.no_headers,
            };
            let text = match rows.is_empty() {
                true => format!("{}\n", clean::line(&self.args.none(self.server))),
                false => {
                    let table = row::table(&rows, self.args.all_namespaces, wide, now);
                    table.render(&view).text
                }
            };
            return self.screen.draw(&text, words.as_deref());
        }
        let shown = self.shown.take().unwrap_or_default();
        let version = |app: &Value| app["metadata"]["resourceVersion"].to_string();
        let mut changed = Vec::new();
        for (name, app) in &self.apps {
            let row = Row::of(app);
            let news = match shown.get(name) {
                Some((old, _)) if is_table => *old != row,
                Some((_, old)) => *old != version(app),
                None => true,
            };
            if news {
                changed.push((row, Some(app)));
            }
        }
        let gone = shown
            .iter()
            .filter(|(name, _)| !self.apps.contains_key(*name));
        changed.extend(gone.map(|(_, (row, _))| (row.clone().gone(), None)));
        let printer = self.screen.printer();
        if is_table {
            // Drawn below all that is there, so that lines stand in the columns of the others.
            let mut rows: Vec<Row> = self.apps.values().map(Row::of).collect();
            rows.extend(changed.iter().map(|(row, _)| row.clone()));
            let table = row::table(&rows, self.args.all_namespaces, wide, now);
            let view = View {
                width: None,
                color: false,
                headers: true,
            };
            let text = table.render(&view).text;
            let lines: Vec<&str> = text.split_inclusive('\n').collect();
            let mut shown = lines[lines.len() - changed.len()..].concat();
            if !changed.is_empty() && !std::mem::replace(&mut self.headed, true) {
                let heading = (!self.args.no_headers).then_some(lines[0]);
                shown.insert_str(0, heading.unwrap_or_default());
            }
            printer.data(&shown)?;
        } else {
            for app in changed.iter().filter_map(|(_, app)| *app) {
                match &self.args.output {
                    Format::Name => printer.data(&named(app))?,
                    output => value::print(printer, output, app)?,
                }
            }
        }
        let now_shown = |(name, app): (&Name, &Value)| (name.clone(), (Row::of(app), version(app)));
        self.shown = Some(self.apps.iter().map(now_shown).collect());
        self.screen.say(words);
        Ok(())
    }
}

fn is_refused(problem: &Error) -> bool {
    let code = problem.failure().map(|failure| failure.code.as_u16());
    matches!(code, Some(403 | 404))
}

/// One App with what it owns.
pub(super) async fn one(
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

//! All Apps, as they change.

use std::collections::BTreeMap;
use std::process::ExitCode;

use jiff::Timestamp;
use serde_json::Value;
use tokio::time::Instant;

use super::{Feed, Message, is_refused, ticker};
use crate::cli::Context;
use crate::cli::apps::row::{self, Row};
use crate::cli::apps::screen::Screen;
use crate::cli::apps::{Args, kind, named, not_installed, operator};
use crate::cluster::Server;
use crate::output::table::View;
use crate::output::{Format, clean, value};
use crate::ownership::follow::Change;

/// All Apps that were asked for.
pub(in crate::cli::apps) async fn all(
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

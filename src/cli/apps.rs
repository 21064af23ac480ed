//! `appop apps`: Apps and how they are.

use std::process::ExitCode;
use std::sync::Arc;

use serde_json::{Value, json};
use tokio::time::Instant;

use super::Context;
use super::exit::{PARTIAL, Usage};
use super::family::{self, Form, Subject};
use crate::cluster::{Error, Server};
use crate::output::progress::Progress;
use crate::output::{Format, clean, value};
use crate::ownership::list::{self, Items};
use crate::ownership::{Kind, State};

mod operator;
mod row;
mod screen;
mod watch;

use row::Row;

/// Arguments of `appop apps`.
#[derive(Debug, clap::Args)]
#[command(after_help = NOTES)]
pub struct Args {
    /// One App, with what it owns and what has happened to it; all Apps when left out
    #[arg(value_name = "NAME")]
    name: Option<String>,
    /// The Apps of all namespaces
    #[arg(long, short = 'A', conflicts_with_all = ["name", "namespace"])]
    all_namespaces: bool,
    /// Only the Apps with these labels, such as tier=front,track!=canary
    #[arg(long, short = 'l', value_name = "SELECTOR", conflicts_with = "name")]
    selector: Option<String>,
    /// Go on showing what changes, until Ctrl-C: drawn anew on a terminal, a line a change in a pipe
    #[arg(long, short)]
    watch: bool,
    /// Leave out the headings
    #[arg(long)]
    no_headers: bool,
    /// The form of the answer; with NAME, json, yaml and jsonpath are of the tree
    #[arg(
        long, short, value_name = "FORMAT", default_value = "table",
        value_parser = Format::parser([
            Format::Table, Format::Wide, Format::Name, Format::Json, Format::Yaml, Format::JSONPATH,
        ])
    )]
    output: Format,
}

const NOTES: &str = "\
Examples:
  appop apps -A                              all Apps, and whether they are ready
  appop apps -o wide                         and why not, in words
  appop apps web                             its Deployment, ReplicaSets, Pods, Service, endpoints
  appop apps web --watch                     as they change
  appop apps web -o jsonpath='{.object.health}'

STATE is Ready, Reconciling (on the way), Stalled (somebody must do something), Paused, Terminating,
or Waiting: no operator has looked at the App since it was last changed. READY is of the pods that are
wished. An App alone brings nothing up: where Apps wait for more than 5 s and no operator seems to be
running, appop says so on stderr. What it goes by is the Apps' status and the lease of operators
(app-lock); one that runs without a lease shows only by the status that it writes.
appop tree app/NAME looks for what an App owns among all kinds.
Exit code 3: something could not be read, often for want of permission; the rest was printed.";

/// The kinds of what an App brings about.
const CHILDREN: [(&str, &str, &str, &str); 5] = [
    ("apps", "v1", "deployments", "Deployment"),
    ("apps", "v1", "replicasets", "ReplicaSet"),
    ("", "v1", "pods", "Pod"),
    ("", "v1", "services", "Service"),
    ("discovery.k8s.io", "v1", "endpointslices", "EndpointSlice"),
];

impl Args {
    /// Prints Apps, or one of them.
    pub(super) async fn run(&self, context: &Context) -> anyhow::Result<ExitCode> {
        let name = self.name()?;
        let server = context.connect()?;
        match (name, self.watch) {
            (Some(name), false) => self.one(context, &server, name).await,
            (None, false) => self.all(context, &server).await,
            (Some(name), true) => watch::one(self, context, &server, name).await,
            (None, true) => watch::all(self, context, &server).await,
        }
    }

    /// NAME, which may be as `-o name` prints it: `app.app.example.com/web`.
    fn name(&self) -> Result<Option<&str>, Usage> {
        let Some(given) = self.name.as_deref() else {
            return Ok(None);
        };
        let name = match given.split_once('/') {
            Some((
                "app" | "apps" | "ap" | "app.app.example.com" | "apps.app.example.com",
                name,
            )) => name,
            Some((kind, _)) => {
                return Err(Usage(format!(
                    "{kind:?} is not App. For an object of any kind: appop tree {given}"
                )));
            }
            None => given,
        };
        if name.is_empty() || name.contains('/') {
            return Err(Usage(format!("{given:?} is not the name of an App")));
        }
        Ok(Some(name))
    }

    async fn all(&self, context: &Context, server: &Server) -> anyhow::Result<ExitCode> {
        let printer = context.printer;
        let progress = Progress::start(printer, "Reading Apps");
        let path = kind().path(self.scope(server));
        let mut reader = Items::new(|json| serde_json::from_str(json.get()).map(Some));
        let query = self.query();
        let (apps, leases) = futures::join!(
            list::list(server, &path, &query, &mut reader, |_: &Value| true),
            operator::leases(server, server.namespace())
        );
        let (apps, _) = apps.map_err(|problem| not_installed(server, problem))?;
        drop(progress);
        if apps.is_empty() {
            printer.say(&self.none(server));
        }
        match &self.output {
            Format::Table | Format::Wide if apps.is_empty() => {}
            Format::Table | Format::Wide => {
                let rows: Vec<Row> = apps.iter().map(Row::of).collect();
                let wide = self.output == Format::Wide;
                row::table(&rows, self.all_namespaces, wide, jiff::Timestamp::now())
                    .print(printer, !self.no_headers)?;
            }
            Format::Name => {
                let lines = apps.iter().map(named);
                printer.data(&lines.collect::<String>())?;
            }
            output => {
                let list = json!({
                    "apiVersion": "v1", "kind": "List", "metadata": {"resourceVersion": ""},
                    "items": apps,
                });
                value::print(printer, output, &list)?;
            }
        }
        self.alone(context, server, &apps, &leases).await;
        Ok(ExitCode::SUCCESS)
    }

    async fn one(
        &self,
        context: &Context,
        server: &Server,
        name: &str,
    ) -> anyhow::Result<ExitCode> {
        let printer = context.printer;
        let progress = Progress::start(printer, "Reading the App and what it owns");
        let (subject, children) = (subject(server, name), children());
        let (family, leases) = futures::join!(
            family::load(server, &subject, &children, |app| Some(
                Row::of(app).state()
            )),
            operator::leases(server, server.namespace())
        );
        let family = family.map_err(|problem| match problem.downcast::<Error>() {
            Ok(problem) => not_installed(server, problem),
            Err(problem) => problem,
        })?;
        drop(progress);
        family.print(printer, &self.form())?;
        self.alone(context, server, std::slice::from_ref(&family.root), &leases)
            .await;
        family.skipped.say(printer);
        Ok(match family.skipped.is_empty() {
            true => ExitCode::SUCCESS,
            false => ExitCode::from(PARTIAL),
        })
    }

    /// Says what there is to say about operators in view of these Apps. Only where one of them seems
    /// to wait, all Apps of its namespace are read anew: by now it may be seen to, and the status of
    /// others may show that an operator is at work.
    async fn alone(
        &self,
        context: &Context,
        server: &Server,
        apps: &[Value],
        leases: &operator::Leases,
    ) {
        let mut seen = operator::Seen::default();
        let unsure = seen.note(Instant::now(), apps.iter());
        if !unsure && operator::verdict(apps.iter(), leases, &seen).is_none() {
            return;
        }
        let mut fresh = None;
        if unsure {
            tokio::time::sleep(operator::CONFIRM).await;
            fresh = Some(operator::leases(server, server.namespace()).await);
        }
        let path = kind().path(self.scope(server));
        let mut reader = Items::new(|json| serde_json::from_str(json.get()).map(Some));
        let now = list::list(server, &path, &[], &mut reader, |_: &Value| true).await;
        // Who may read one App alone is told by what there was.
        let mut now = now.map_or_else(|_| apps.to_vec(), |(now, _)| now);
        let uid = |app: &Value| app["metadata"]["uid"].clone();
        let asked: std::collections::HashSet<Value> = apps.iter().map(uid).collect();
        now.retain(|app| asked.contains(&uid(app)) || row::is_seen(app));
        seen.note(Instant::now(), now.iter());
        if let Some(words) = operator::verdict(now.iter(), fresh.as_ref().unwrap_or(leases), &seen)
        {
            context.printer.warn(&words);
        }
    }

    fn form(&self) -> Form {
        Form {
            output: self.output.clone(),
            headers: !self.no_headers,
        }
    }

    /// The namespace to look in; `None` for all.
    fn scope<'a>(&self, server: &'a Server) -> Option<&'a str> {
        (!self.all_namespaces).then(|| server.namespace())
    }

    fn query(&self) -> Vec<String> {
        let selector = self.selector.as_deref().filter(|s| !s.is_empty());
        let selector = selector.map(|selector| {
            use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
            let selector = utf8_percent_encode(selector, NON_ALPHANUMERIC);
            format!("labelSelector={selector}")
        });
        selector.into_iter().collect()
    }

    fn none(&self, server: &Server) -> String {
        let place = match self.scope(server) {
            Some(namespace) => format!(" in the namespace {namespace:?}"),
            None => String::new(),
        };
        let labels = match &self.selector {
            Some(selector) => format!(" with the labels {selector}"),
            None => String::new(),
        };
        let hint = if self.all_namespaces {
            ""
        } else {
            " -A shows all namespaces."
        };
        format!("There are no Apps{place}{labels}.{hint}")
    }
}

/// Whether objects of this kind are Apps.
pub(super) fn is_app(kind: &Kind) -> bool {
    kind.group == "app.example.com" && kind.plural == "apps"
}

/// How an App is, in the words of the list of Apps.
pub(super) fn state(app: &Value) -> State {
    Row::of(app).state()
}

fn kind() -> Kind {
    Kind::known("app.example.com", "v1", "apps", "App")
}

fn subject(server: &Server, name: &str) -> Subject {
    Subject {
        kind: Arc::new(kind()),
        namespace: Some(server.namespace().to_owned()),
        name: name.to_owned(),
    }
}

fn children() -> Vec<Arc<Kind>> {
    let known =
        |(group, version, plural, kind)| Arc::new(Kind::known(group, version, plural, kind));
    CHILDREN.map(known).into()
}

fn named(app: &Value) -> String {
    let name = app["metadata"]["name"].as_str().unwrap_or_default();
    format!("{}\n", clean::line(&kind().named(name)))
}

/// A 404 for the kind itself: its CRD is missing.
fn not_installed(server: &Server, problem: Error) -> anyhow::Error {
    match problem.failure() {
        Some(failure) if failure.code.as_u16() == 404 => {
            let url = server.url();
            crate::operator::Error::NotInstalled { url }.into()
        }
        _ => problem.into(),
    }
}

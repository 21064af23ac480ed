//! `appop crds`: custom resources, as their definitions have them.

use std::collections::{BTreeMap, BTreeSet};
use std::process::ExitCode;

use clap_complete::engine::ArgValueCompleter;
use serde_json::{Value, json};

use super::Context;
use super::exit::{PARTIAL, Usage};
use crate::cluster::{Error, Server};
use crate::crds::backend::{Backend, service_of};
use crate::crds::fetch::{self, Names};
use crate::crds::row::{self, group_of};
use crate::crds::{self, Crd, Problem, Row, problems, table};
use crate::discovery::Discovery;
use crate::discovery::nearest::{did_you_mean, nearest};
use crate::output::progress::Progress;
use crate::output::{Format, Printer, clean, value};

mod one;

/// Arguments of `appop crds`.
#[derive(Debug, clap::Args)]
#[command(after_help = NOTES)]
pub struct Args {
    /// One CRD, by its name (widgets.example.com), or by plural, singular, kind or short name; all
    /// of them when left out
    #[arg(value_name = "NAME", add = ArgValueCompleter::new(super::complete::custom_resource))]
    name: Option<String>,
    /// Only CRDs of this group
    #[arg(long, value_name = "GROUP", conflicts_with = "name")]
    group: Option<String>,
    /// Only CRDs with these labels, such as app=web,tier!=db
    #[arg(long, short = 'l', value_name = "SELECTOR", conflicts_with = "name")]
    selector: Option<String>,
    /// Only what is wrong: not established, name conflicts, stored versions that are not served or
    /// block an upgrade, schemas that are not structural, conversion webhooks without a ready
    /// backend, deprecated versions in use
    #[arg(long)]
    problems: bool,
    /// What changed between two versions of NAME, such as v1beta1..v1
    #[arg(
        long,
        value_name = "OLD..NEW",
        requires = "name",
        conflicts_with = "problems"
    )]
    diff: Option<String>,
    /// The version of NAME to show in detail; otherwise the storage version
    #[arg(
        long,
        value_name = "VERSION",
        requires = "name",
        conflicts_with = "diff"
    )]
    api_version: Option<String>,
    /// Leave out the headings
    #[arg(long)]
    no_headers: bool,
    /// The form of the answer; sample is an object of NAME to start from
    #[arg(
        long, short, value_name = "FORMAT", default_value = "table",
        value_parser = Format::parser([
            Format::Table, Format::Wide, Format::Name, Format::Json, Format::Yaml, Format::JSONPATH,
            Format::Sample,
        ])
    )]
    output: Format,
}

const NOTES: &str = "\
Examples:
  appop crds                                     what there is
  appop crds --problems -o wide                  what is wrong, and what to do about it
  appop crds certificates                        one CRD: versions, conditions, schema
  appop crds certificates -o sample              an object to start from
  appop crds certificates --diff v1beta1..v1     what changed between two versions
  appop crds -o jsonpath='{.items[*].storedVersions}'

VERSIONS are marked (storage), (deprecated) and (unserved); a version without a mark is served. The
plain list is made without downloading schemas: where discovery names a single version of a CRD, it
shows that one alone. -o wide, json, yaml, jsonpath and --problems read every CRD to the end. -o json
has summaries of our own, without schemas; the CRDs themselves are at
appop raw /apis/apiextensions.k8s.io/v1/customresourcedefinitions
Exit code 3: something could not be read, often for want of permission; the rest was printed.";

/// More CRDs than these are not read one by one for the plain list. A hundred of 20 KB take 30 to
/// 60 ms, where `kubectl get crd` takes 200 to 400 ms for a thousand.
const MOST_ASKED: usize = 100;

impl Args {
    /// Prints all CRDs, or one of them in detail.
    pub(super) async fn run(&self, context: &Context) -> anyhow::Result<ExitCode> {
        if self.name.is_some() {
            return one::run(self, context).await;
        }
        if self.output == Format::Sample {
            let why = "-o sample needs the name of a CRD, as in: appop crds NAME -o sample";
            return Err(Usage(why.to_owned()).into());
        }
        let server = context.connect()?;
        let progress = Progress::start(context.printer, "Reading CRDs");
        if self.problems {
            return self.list_problems(context, &server, progress).await;
        }
        match self.output {
            Format::Table => self.list_light(context, &server, progress).await,
            Format::Name => self.list_names(context, &server, progress).await,
            _ => self.list_whole(context, &server, progress).await,
        }
    }

    /// Names and ages from the server's Table, the rest from discovery, and only the few CRDs of
    /// which that does not tell enough are read.
    async fn list_light(
        &self,
        context: &Context,
        server: &Server,
        progress: Progress,
    ) -> anyhow::Result<ExitCode> {
        let (names, discovery) = futures::join!(
            fetch::names(server, self.selector.as_deref()),
            context.discover(server)
        );
        let printer = context.printer;
        let named = match names {
            Ok(Names::Table(named)) => named,
            Ok(Names::Whole(crds)) => {
                drop(progress);
                self.print_rows(printer, crds.iter().map(Row::of).collect())?;
                return Ok(ExitCode::SUCCESS);
            }
            Err(problem) if fetch::is_forbidden(&problem) && self.selector.is_none() => {
                drop(progress);
                return self.list_without_crds(context, &problem, &discovery?);
            }
            Err(problem) => return Err(problem.into()),
        };
        let mut rows = row::join(named, &discovery?);
        let mut ask = row::to_ask(&rows);
        ask.retain(|at| self.is_wanted(&rows[*at].name));
        let asked = &ask[..ask.len().min(MOST_ASKED)];
        let outcome = fetch::complete(server, &mut rows, asked).await;
        drop(progress);
        let mut code = ExitCode::SUCCESS;
        if let Err(problem) = outcome {
            printer.warn(&format!("some CRDs could not be read: {problem}"));
            code = ExitCode::from(PARTIAL);
        }
        self.print_rows(printer, rows)?;
        if ask.len() > MOST_ASKED {
            printer.note(&format!(
                "{} more CRDs serve several versions or none; -o wide reads them all and marks what \
                 is stored and deprecated.",
                ask.len() - MOST_ASKED
            ));
        }
        Ok(code)
    }

    /// What discovery knows, for somebody who may not list CRDs.
    fn list_without_crds(
        &self,
        context: &Context,
        problem: &Error,
        discovery: &Discovery,
    ) -> anyhow::Result<ExitCode> {
        context.printer.warn(&format!(
            "CRDs cannot be listed: {problem}\nThese are the custom resources that discovery names: \
             those that are established, with the versions that are served."
        ));
        self.print_rows(context.printer, row::without_crds(discovery))?;
        Ok(ExitCode::from(PARTIAL))
    }

    async fn list_names(
        &self,
        context: &Context,
        server: &Server,
        progress: Progress,
    ) -> anyhow::Result<ExitCode> {
        let names: Vec<String> = match fetch::names(server, self.selector.as_deref()).await? {
            Names::Table(named) => named.into_iter().map(|n| n.name).collect(),
            Names::Whole(crds) => crds.iter().map(|c| c.name().to_owned()).collect(),
        };
        drop(progress);
        self.print_names(context.printer, &names)?;
        Ok(ExitCode::SUCCESS)
    }

    fn print_names(&self, printer: Printer, names: &[String]) -> anyhow::Result<()> {
        let wanted: Vec<&String> = names.iter().filter(|n| self.is_wanted(n)).collect();
        if wanted.is_empty() {
            self.say_none(printer, names.iter().map(String::as_str));
        }
        let lines = wanted.iter().map(|name| format!("{}\n", clean::line(name)));
        Ok(printer.data(&lines.collect::<String>())?)
    }

    fn print_rows(&self, printer: Printer, rows: Vec<Row>) -> anyhow::Result<()> {
        let wanted: Vec<&Row> = rows.iter().filter(|r| self.is_wanted(&r.name)).collect();
        if wanted.is_empty() {
            self.say_none(printer, rows.iter().map(|row| row.name.as_str()));
            return Ok(());
        }
        let now = jiff::Timestamp::now();
        let pairs = wanted.into_iter().map(|row| (row, None));
        table::list(pairs, false, now).print(printer, !self.no_headers)?;
        Ok(())
    }

    /// Everything but schemas, of every CRD.
    async fn list_whole(
        &self,
        context: &Context,
        server: &Server,
        progress: Progress,
    ) -> anyhow::Result<ExitCode> {
        let printer = context.printer;
        let crds = match fetch::all(server, self.selector.as_deref()).await {
            Ok(crds) => crds,
            Err(problem)
                if fetch::is_forbidden(&problem)
                    && self.selector.is_none()
                    && self.output == Format::Wide =>
            {
                drop(progress);
                let discovery = context.discover(server).await?;
                return self.list_without_crds(context, &problem, &discovery);
            }
            Err(problem) => return Err(problem.into()),
        };
        drop(progress);
        let wanted: Vec<&Crd> = crds.iter().filter(|c| self.is_wanted(c.name())).collect();
        if wanted.is_empty() {
            self.say_none(printer, crds.iter().map(Crd::name));
        }
        if self.output != Format::Wide {
            let items: Vec<Value> = wanted.into_iter().map(crds::summary).collect();
            value::print(printer, &self.output, &list_of(items))?;
            return Ok(ExitCode::SUCCESS);
        }
        if !wanted.is_empty() {
            let rows: Vec<Row> = wanted.iter().map(|crd| Row::of(crd)).collect();
            let pairs = rows.iter().zip(wanted.into_iter().map(Some));
            table::list(pairs, true, jiff::Timestamp::now()).print(printer, !self.no_headers)?;
        }
        Ok(ExitCode::SUCCESS)
    }

    async fn list_problems(
        &self,
        context: &Context,
        server: &Server,
        progress: Progress,
    ) -> anyhow::Result<ExitCode> {
        let crds = fetch::all(server, self.selector.as_deref()).await?;
        let wanted: Vec<&Crd> = crds.iter().filter(|c| self.is_wanted(c.name())).collect();
        progress.set("Looking at conversion webhooks");
        let services: BTreeSet<_> = wanted
            .iter()
            .filter_map(|crd| service_of(&crd.spec.conversion).cloned())
            .collect();
        let backends = fetch::backends(server, services.into_iter().collect()).await;
        drop(progress);
        let backends: BTreeMap<_, _> = backends.into_iter().collect();
        let unknown: BTreeSet<String> = backends
            .values()
            .filter_map(|backend| match backend {
                Backend::Unknown(why) => Some(why.clone()),
                _ => None,
            })
            .collect();
        for why in &unknown {
            context.printer.warn(&unknown_backend(why));
        }
        let around = problems::Context {
            others: &crds,
            backends,
            writers: BTreeMap::new(),
        };
        let found: Vec<(&Crd, Vec<Problem>)> = wanted
            .iter()
            .map(|crd| (*crd, crds::problems(crd, &around)))
            .filter(|(_, problems)| !problems.is_empty())
            .collect();
        if wanted.is_empty() {
            self.say_none(context.printer, crds.iter().map(Crd::name));
        }
        self.print_problems(context.printer, &found, wanted.len())?;
        Ok(match unknown.is_empty() {
            true => ExitCode::SUCCESS,
            false => ExitCode::from(PARTIAL),
        })
    }

    fn print_problems(
        &self,
        printer: Printer,
        found: &[(&Crd, Vec<Problem>)],
        looked_at: usize,
    ) -> anyhow::Result<()> {
        if found.is_empty() && looked_at > 0 {
            printer.say(&match looked_at {
                1 => "No problems in 1 CRD.".to_owned(),
                many => format!("No problems in {many} CRDs."),
            });
        }
        match &self.output {
            Format::Name => {
                let lines = found
                    .iter()
                    .map(|(crd, _)| format!("{}\n", clean::line(crd.name())));
                printer.data(&lines.collect::<String>())?;
            }
            Format::Table | Format::Wide => {
                let rows = found
                    .iter()
                    .flat_map(|(crd, all)| all.iter().map(|problem| (crd.name(), problem)));
                let table = table::problems(rows, self.output == Format::Wide);
                if !table.is_empty() {
                    table.print(printer, !self.no_headers)?;
                    if self.output == Format::Table && printer.stdout_is_terminal() {
                        printer.note("-o wide says what to do about each.");
                    }
                }
            }
            _ => {
                let items = found.iter().map(|(crd, problems)| {
                    let mut item = crds::summary(crd);
                    crds::add_problems(&mut item, problems);
                    item
                });
                value::print(printer, &self.output, &list_of(items.collect()))?;
            }
        }
        Ok(())
    }

    fn is_wanted(&self, name: &str) -> bool {
        self.group.as_deref().is_none_or(|g| group_of(name) == g)
    }

    /// Says that there are none, and which group may have been meant.
    fn say_none<'a>(&self, printer: Printer, names: impl Iterator<Item = &'a str>) {
        let mut text = match (&self.group, &self.selector) {
            (None, None) => "There are no CRDs on this server.".to_owned(),
            (Some(group), None) => format!("There are no CRDs in the group {group:?}."),
            (_, Some(selector)) => format!("There are no CRDs with the labels {selector}."),
        };
        if let Some(group) = &self.group {
            let groups: BTreeSet<&str> = names.map(group_of).collect();
            let near = nearest(group, groups);
            if let Some(hint) = did_you_mean(&near) {
                text.push_str(&format!(" {hint}"));
            }
        }
        printer.say(&text);
    }
}

fn unknown_backend(why: &str) -> String {
    format!("whether a conversion webhook answers is not known: {why}")
}

fn list_of(items: Vec<Value>) -> Value {
    json!({ "kind": "CrdSummaryList", "items": items })
}

//! `appop discover`: what the server serves.

use std::process::ExitCode;

use clap_complete::engine::ArgValueCompleter;
use serde_json::{Value, json};

use super::Context;
use super::exit::{PARTIAL, Usage};
use crate::discovery::lifecycle::{self, Lifecycle};
use crate::discovery::{
    self, CacheMode, Candidate, Discovery, Found, GroupVersionFailure, Resource,
};
use crate::output::progress::Progress;
use crate::output::tree::{self, Node};
use crate::output::{Cell, Column, Format, Paint, Table, clean, value};

mod detail;

/// Arguments of `appop discover`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// A group (batch), a group-version (batch/v1), or a resource by plural, singular, kind or
    /// short name (deploy, deployments.apps, deployments.v1.apps); everything when left out
    #[arg(value_name = "WHAT", add = ArgValueCompleter::new(super::complete::what))]
    what: Option<String>,
    /// Only this group; '' or core is the core group
    #[arg(long, value_name = "GROUP")]
    api_group: Option<String>,
    /// Only namespaced resources, or with =false only cluster-scoped ones
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_name = "BOOL")]
    namespaced: Option<bool>,
    /// Only resources that have all these verbs
    #[arg(long, value_delimiter = ',', value_name = "VERBS")]
    verbs: Vec<String>,
    /// Only resources that are in all these categories
    #[arg(long, value_delimiter = ',', value_name = "CATEGORIES")]
    categories: Vec<String>,
    /// Each resource once, in its preferred version: the view of kubectl api-resources
    #[arg(long)]
    preferred: bool,
    /// Only the group-versions, one a line: the lines of kubectl api-versions
    #[arg(long, conflicts_with_all = ["preferred", "what"])]
    versions: bool,
    /// Sort by this in place of the group
    #[arg(long, value_enum, value_name = "FIELD")]
    sort_by: Option<SortBy>,
    /// Leave out the headings
    #[arg(long)]
    no_headers: bool,
    /// Believe what was kept of an earlier run, without asking the server
    #[arg(long)]
    cached: bool,
    /// The form of the answer
    #[arg(
        long, short, value_name = "FORMAT", default_value = "table",
        value_parser = Format::parser([
            Format::Table, Format::Wide, Format::Name, Format::Json, Format::Yaml, Format::JSONPATH, Format::Tree,
        ])
    )]
    output: Format,
}

const EXAMPLES: &str = "\
Examples:
  appop discover                          every resource in every version
  appop discover --preferred -o name      the lines of kubectl api-resources -o name
  appop discover --verbs list,watch       what can be watched
  appop discover deploy                   one resource in detail
  appop discover batch -o tree            a group with its subresources

VERSION is marked * where it is the preferred one, and (storage) where objects are known to be
stored in it. Exit code 3: a part of the API could not be reached; the rest was printed.";

/// What to sort by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum SortBy {
    /// The plural name
    Name,
    /// The kind
    Kind,
}

impl Args {
    /// Prints what the server serves, or one part of it in detail.
    pub(super) async fn run(&self, context: &Context) -> anyhow::Result<ExitCode> {
        let server = context.connect()?;
        let cache = context.cache(&server);
        let mode = if self.cached {
            CacheMode::Trust
        } else {
            CacheMode::Revalidate
        };
        let progress = Progress::start(context.printer, "Asking the server what it serves");
        let discovery = discovery::load(&server, cache.as_ref(), mode).await?;
        drop(progress);

        let Some(what) = &self.what else {
            let rows = self.select(&discovery, |_| true);
            self.print(context, &discovery, rows)?;
            return Ok(self.report(context, &discovery));
        };
        match discovery.find(what) {
            Found::Group(group) => {
                let rows = self.select(&discovery, |r| r.group == group.name);
                self.print_part(context, &discovery, rows, &format!("group {what}"))?;
                Ok(self.report(context, &discovery))
            }
            Found::GroupVersion(group, version) => {
                let of = |r: &Resource| r.group == group.name && r.version == version.version;
                let rows = self.select(&discovery, of);
                self.print_part(context, &discovery, rows, &format!("group-version {what}"))?;
                Ok(self.report(context, &discovery))
            }
            Found::Resource(versions) => {
                let progress = Progress::start(context.printer, "Asking where it comes from");
                let detail = detail::load(&server, &versions, self.cached).await;
                drop(progress);
                self.print_detail(context, &discovery, &versions, &detail)?;
                Ok(ExitCode::SUCCESS)
            }
            Found::Ambiguous(candidates) => Err(ambiguous(what, &candidates)),
            Found::Unknown(near) => Err(unknown(what, &near, &discovery)),
        }
    }

    /// The resources that the flags leave, in the order that they ask for.
    fn select<'a>(
        &self,
        discovery: &'a Discovery,
        wanted: impl Fn(&Resource) -> bool,
    ) -> Vec<&'a Resource> {
        let all: Vec<&Resource> = match self.preferred {
            true => discovery.preferred(),
            false => discovery.resources().collect(),
        };
        let has_all =
            |have: &[String], wanted: &[String]| wanted.iter().all(|w| have.iter().any(|h| h == w));
        let mut rows: Vec<&Resource> = all
            .into_iter()
            .filter(|r| !r.verbs.is_empty() && wanted(r))
            .filter(|r| {
                self.api_group
                    .as_deref()
                    .is_none_or(|g| in_group(&r.group, g))
            })
            .filter(|r| self.namespaced.is_none_or(|n| r.namespaced == n))
            .filter(|r| has_all(&r.verbs, &self.verbs) && has_all(&r.categories, &self.categories))
            .collect();
        // Stable, so that versions of a resource stay in the server's order.
        rows.sort_by(|a, b| match self.sort_by {
            Some(SortBy::Name) => a.plural.cmp(&b.plural),
            Some(SortBy::Kind) => (&a.kind, &a.plural).cmp(&(&b.kind, &b.plural)),
            None => (&a.group, &a.plural).cmp(&(&b.group, &b.plural)),
        });
        rows
    }

    fn print_part(
        &self,
        context: &Context,
        discovery: &Discovery,
        rows: Vec<&Resource>,
        what: &str,
    ) -> anyhow::Result<()> {
        if rows.is_empty() && self.failures(discovery).next().is_none() {
            context
                .printer
                .say(&format!("Nothing in {what} is left by these flags."));
        }
        self.print(context, discovery, rows)
    }

    fn print(
        &self,
        context: &Context,
        discovery: &Discovery,
        rows: Vec<&Resource>,
    ) -> anyhow::Result<()> {
        let printer = context.printer;
        if self.versions {
            return self.print_versions(context, discovery);
        }
        match &self.output {
            Format::Name => {
                let mut text = String::new();
                for resource in rows {
                    text.push_str(&self.name(resource));
                    text.push('\n');
                }
                printer.data(&text)?;
            }
            Format::Json | Format::Yaml | Format::JsonPath(_) => {
                value::print(printer, &self.output, &document(discovery, &rows))?;
            }
            Format::Tree => tree::print(printer, &forest(discovery, &rows))?,
            _ => self
                .table(discovery, &rows)
                .print(printer, !self.no_headers)?,
        }
        Ok(())
    }

    /// `deployments.apps` under `--preferred`, as kubectl has it; else with the version, as kubectl
    /// takes it: `deployments.v1.apps`.
    fn name(&self, resource: &Resource) -> String {
        let name = match self.preferred {
            true => resource.name(),
            false => format!(
                "{}.{}.{}",
                resource.plural, resource.version, resource.group
            ),
        };
        clean::line(&name).into_owned()
    }

    fn print_versions(&self, context: &Context, discovery: &Discovery) -> anyhow::Result<()> {
        let mut versions: Vec<String> = discovery
            .groups
            .iter()
            .filter(|g| {
                self.api_group
                    .as_deref()
                    .is_none_or(|wanted| in_group(&g.name, wanted))
            })
            .flat_map(|g| {
                let served = g.versions.iter().filter(|v| !v.stale);
                served.map(|v| discovery::group_version(&g.name, &v.version))
            })
            .collect();
        versions.sort();
        match &self.output {
            Format::Json | Format::Yaml | Format::JsonPath(_) => {
                value::print(context.printer, &self.output, &json!(versions))?;
            }
            Format::Table | Format::Name => {
                let lines: String = versions
                    .iter()
                    .map(|version| clean::line(version) + "\n")
                    .collect();
                context.printer.data(&lines)?;
            }
            _ => {
                let known = "--versions knows the formats table, name, json, yaml and jsonpath";
                return Err(Usage(known.to_owned()).into());
            }
        }
        Ok(())
    }

    fn table(&self, discovery: &Discovery, rows: &[&Resource]) -> Table {
        let wide = self.output == Format::Wide;
        let mut table = Table::new([
            Column::new("GROUP"),
            Column::new("VERSION"),
            Column::new("RESOURCE"),
            Column::new("KIND"),
            Column::new("SHORTNAMES").priority(2),
            Column::new("SCOPE").priority(3),
            Column::new("VERBS").priority(5),
            Column::new("CATEGORIES").priority(4),
            Column::new("NOTE").priority(1),
        ])
        .wide(wide);
        for resource in rows {
            let note = note(discovery, resource);
            table.row([
                Cell::from(shown_group(&resource.group)),
                Cell::from(version_cell(discovery, resource)),
                Cell::from(resource.plural.as_str()).paint(Paint::Strong),
                Cell::from(resource.kind.as_str()),
                Cell::from(resource.short_names.join(",")),
                Cell::from(if resource.namespaced {
                    "Namespaced"
                } else {
                    "Cluster"
                }),
                Cell::from(resource.verbs.join(",")),
                Cell::from(resource.categories.join(",")),
                Cell::from(note).paint(Paint::Warn),
            ]);
        }
        let known = |group: &str, version: &str| {
            rows.iter()
                .any(|r| r.group == group && r.version == version)
        };
        let filtered = !self.verbs.is_empty() || !self.categories.is_empty();
        for failure in self
            .failures(discovery)
            .filter(|f| !filtered && !known(&f.group, &f.version))
        {
            table.row([
                Cell::from(shown_group(&failure.group)),
                Cell::from(failure.version.as_str()),
                Cell::from("<unavailable>").paint(Paint::Bad),
                Cell::from(""),
                Cell::from(""),
                Cell::from(""),
                Cell::from(""),
                Cell::from(""),
                Cell::from(failure.reason.as_str()).paint(Paint::Bad),
            ]);
        }
        table
    }

    fn failures<'a>(
        &'a self,
        discovery: &'a Discovery,
    ) -> impl Iterator<Item = &'a discovery::GroupVersionFailure> {
        let (group, version) = match self.what.as_deref().map(|what| discovery.find(what)) {
            Some(Found::Group(group)) => (Some(group.name.as_str()), None),
            Some(Found::GroupVersion(group, version)) => {
                (Some(group.name.as_str()), Some(version.version.as_str()))
            }
            _ => (None, None),
        };
        discovery
            .failures
            .iter()
            .filter(|f| {
                self.api_group
                    .as_deref()
                    .is_none_or(|g| in_group(&f.group, g))
            })
            .filter(move |f| {
                group.is_none_or(|group| f.group == group)
                    && version.is_none_or(|version| f.version == version)
            })
    }

    /// Says what could not be reached; the exit code tells whether there was any.
    fn report(&self, context: &Context, discovery: &Discovery) -> ExitCode {
        let failures: Vec<_> = self.failures(discovery).collect();
        if failures.is_empty() {
            return ExitCode::SUCCESS;
        }
        for failure in &failures {
            context.printer.warn(&format!(
                "{} cannot be reached: {}",
                failure.group_version(),
                failure.reason
            ));
        }
        context.printer.say(
            "The list is not complete. See what is wrong with: appop raw --table \
             /apis/apiregistration.k8s.io/v1/apiservices",
        );
        ExitCode::from(PARTIAL)
    }

    fn print_detail(
        &self,
        context: &Context,
        discovery: &Discovery,
        versions: &[&Resource],
        detail: &detail::Detail,
    ) -> anyhow::Result<()> {
        let printer = context.printer;
        match &self.output {
            Format::Name => {
                let mut text = String::new();
                for resource in versions
                    .iter()
                    .take(if self.preferred { 1 } else { usize::MAX })
                {
                    text.push_str(&self.name(resource));
                    text.push('\n');
                }
                printer.data(&text)?;
            }
            Format::Json | Format::Yaml | Format::JsonPath(_) => {
                value::print(printer, &self.output, &detail.document(discovery, versions))?;
            }
            Format::Tree => tree::print(printer, &forest(discovery, versions))?,
            _ => printer.data(&detail.text(printer, discovery, versions))?,
        }
        Ok(())
    }
}

fn in_group(group: &str, wanted: &str) -> bool {
    group == wanted || (wanted == "core" && group.is_empty())
}

/// A group as people call it; an empty cell would shift the columns for `awk`.
fn shown_group(group: &str) -> &str {
    if group.is_empty() { "core" } else { group }
}

fn version_cell(discovery: &Discovery, resource: &Resource) -> String {
    let mut text = resource.version.clone();
    if is_storage(resource) == Some(true) {
        text.push_str("(storage)");
    }
    if discovery.is_preferred(resource) {
        text.push('*');
    }
    text
}

/// Whether this version is the one that objects are stored in; known from legacy discovery alone.
fn is_storage(resource: &Resource) -> Option<bool> {
    let hash = resource.storage_hash.as_ref()?;
    Some(*hash == discovery::storage_hash(&resource.group, &resource.version, &resource.kind))
}

fn facts(resource: &Resource) -> Option<&'static Lifecycle> {
    lifecycle::of_kind(&resource.group, &resource.version, &resource.kind)
}

fn note(discovery: &Discovery, resource: &Resource) -> String {
    let stale = discovery
        .version(&resource.group, &resource.version)
        .is_some_and(|version| version.stale);
    let mut notes = Vec::new();
    if stale {
        notes.push("unavailable".to_owned());
    }
    notes.extend(facts(resource).and_then(|f| f.describe(lifecycle::recorded())));
    notes.join("; ")
}

/// One resource as a program gets it.
fn item(discovery: &Discovery, resource: &Resource) -> Value {
    let mut item = json!({
        "group": resource.group,
        "version": resource.version,
        "preferred": discovery.is_preferred(resource),
        "resource": resource.plural,
        "singular": resource.singular,
        "kind": resource.kind,
        "shortNames": resource.short_names,
        "namespaced": resource.namespaced,
        "verbs": resource.verbs,
        "categories": resource.categories,
        "subresources": resource.subresources.iter().map(|s| json!({
            "name": s.name,
            "group": s.group,
            "version": s.version,
            "kind": s.kind,
            "verbs": s.verbs,
        })).collect::<Vec<_>>(),
    });
    if let Some(storage) = is_storage(resource) {
        item["storage"] = json!(storage);
    }
    if let Some(facts) = facts(resource) {
        item["lifecycle"] = lifecycle_document(facts);
    }
    item
}

/// When an API came, goes, and by what it is replaced, as a program gets it.
fn lifecycle_document(facts: &Lifecycle) -> Value {
    let mut document = json!({});
    for (name, release) in [
        ("introduced", facts.introduced),
        ("deprecated", facts.deprecated),
        ("removed", facts.removed),
    ] {
        if let Some(release) = release {
            document[name] = json!(release.to_string());
        }
    }
    if let Some(next) = facts.replacement {
        document["replacement"] =
            json!({ "group": next.group, "version": next.version, "kind": next.kind });
    }
    document
}

fn document(discovery: &Discovery, rows: &[&Resource]) -> Value {
    json!({
        "kind": "DiscoveryList",
        "items": rows.iter().map(|r| item(discovery, r)).collect::<Vec<_>>(),
        "unavailable": discovery.failures.iter().map(|f| json!({
            "group": f.group,
            "version": f.version,
            "reason": f.reason,
        })).collect::<Vec<_>>(),
    })
}

fn forest(discovery: &Discovery, rows: &[&Resource]) -> Vec<Node> {
    let mut groups = Vec::new();
    for group in &discovery.groups {
        let mut root = Node::new(shown_group(&group.name)).paint(Paint::Strong);
        for version in &group.versions {
            let of = |r: &&&Resource| r.group == group.name && r.version == version.version;
            let resources: Vec<Node> = rows
                .iter()
                .filter(of)
                .map(|r| branch(discovery, r))
                .collect();
            if resources.is_empty() && !version.stale {
                continue;
            }
            let mut node = Node::new(version.version.as_str()).paint(Paint::Key);
            let failure = discovery
                .failures
                .iter()
                .find(|f| f.group == group.name && f.version == version.version);
            if let Some(failure) = failure {
                node = node
                    .note(format!("unavailable: {}", failure.reason))
                    .paint(Paint::Bad);
            } else if group
                .preferred()
                .is_some_and(|p| p.version == version.version)
            {
                node = node.note("preferred");
            }
            root = root.child(node.children(resources));
        }
        if !root.children.is_empty() {
            groups.push(root);
        }
    }
    groups
}

fn branch(discovery: &Discovery, resource: &Resource) -> Node {
    let mut note = resource.kind.clone();
    if !resource.short_names.is_empty() {
        note.push_str(&format!(" ({})", resource.short_names.join(", ")));
    }
    let more = self::note(discovery, resource);
    if !more.is_empty() {
        note.push_str(&format!("; {more}"));
    }
    let subresources = resource.subresources.iter().map(|s| {
        Node::new(format!("/{}", s.name)).note(format!("{} {}", s.kind, s.verbs.join(",")))
    });
    Node::new(resource.plural.as_str())
        .note(note)
        .children(subresources)
}

fn ambiguous(what: &str, candidates: &[Candidate<'_>]) -> anyhow::Error {
    let mut text = format!("{what:?} may mean several things; name one of them:");
    for candidate in candidates {
        let is = match candidate.resource {
            Some(resource) => format!("{} in {}", resource.kind, resource.group_version()),
            None => "the group".to_owned(),
        };
        text.push_str(&format!("\n  appop discover {:<40} {is}", candidate.word));
    }
    anyhow::Error::msg(text)
}

/// Nothing goes by that name: what is near, what cannot be reached, what there once was.
pub(super) fn unknown(what: &str, near: &[String], discovery: &Discovery) -> anyhow::Error {
    let mut text = format!("the server serves nothing called {what:?}.");
    if let Some(hint) = discovery::nearest::did_you_mean(near) {
        text.push_str(&format!(" {hint}"));
    } else {
        text.push_str(" See what it serves with: appop discover");
    }
    let may_hold = |f: &&GroupVersionFailure| match f.group.as_str() {
        // Whatever is no group may be a resource of one that cannot be seen.
        _ if !what.contains(['.', '/']) => near.is_empty() || what == f.group,
        "" => false,
        GroupVersionFailure::EVERY => true,
        group => {
            let resource = what.strip_suffix(group);
            resource.is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
                || what
                    .strip_prefix(group)
                    .is_some_and(|rest| rest.starts_with('/'))
        }
    };
    for failure in discovery.failures.iter().filter(may_hold) {
        text.push_str(&format!(
            "\nIt may belong to {}, which cannot be reached: {}",
            failure.group_version(),
            failure.reason
        ));
    }
    let (group, version) = what.split_once('/').unwrap_or((what, ""));
    // A group that Kubernetes still has is missing here for another reason.
    let is_gone = lifecycle::of_group(group)
        .all(|v| v.state(lifecycle::recorded()) == lifecycle::State::Removed);
    for gone in lifecycle::of_group(group) {
        let is_meant = gone.version == version || (version.is_empty() && is_gone);
        if let Some(fate) = gone.describe(lifecycle::recorded())
            && is_meant
            && discovery.version(gone.group, gone.version).is_none()
        {
            let name = discovery::group_version(gone.group, gone.version);
            text.push_str(&format!("\nKubernetes had {name}: {fate}."));
        }
    }
    for gone in lifecycle::of_name(what) {
        let name = lifecycle::KindName {
            group: gone.group,
            version: gone.version,
            kind: gone.kind,
        };
        if let Some(fate) = gone.describe(lifecycle::recorded()) {
            text.push_str(&format!("\nKubernetes had {name}: {fate}."));
        }
    }
    anyhow::Error::msg(text)
}

//! `appop explain`: the fields of a kind.

use std::process::ExitCode;

use clap_complete::engine::ArgValueCompleter;
use serde_json::{Value, json};

use super::Context;
use super::exit::Usage;
use crate::cluster::Server;
use crate::discovery::{self, CacheMode, Discovery, Resource};
use crate::output::progress::Progress;
use crate::output::{Format, clean, value};
use crate::schema::{Depth, Field, Gvk, Index};

mod complete;
mod hits;
mod page;
mod search;
mod target;

use target::Target;

/// Arguments of `appop explain`.
#[derive(Debug, clap::Args)]
#[command(after_help = NOTES)]
pub struct Args {
    /// A resource by plural, singular, kind or short name (pods, deploy, deployments.apps,
    /// deployments.v1.apps), and a field of it (pods.spec.containers.image)
    #[arg(value_name = "RESOURCE[.FIELD...]", required_unless_present = "search", add = ArgValueCompleter::new(complete::what))]
    what: Option<String>,
    /// The fields of fields too
    #[arg(long, short = 'R')]
    recursive: bool,
    /// The version of the resource, such as autoscaling/v1; otherwise the preferred one
    #[arg(long, value_name = "GROUP/VERSION")]
    api_version: Option<String>,
    /// Look for fields whose name or description matches, in all kinds or below RESOURCE; case
    /// matters only where REGEX has capitals
    #[arg(long, value_name = "REGEX", conflicts_with = "recursive")]
    search: Option<String>,
    /// Believe what was kept of an earlier run, without asking the server
    #[arg(long)]
    cached: bool,
    /// The form of the answer
    #[arg(
        long, short, value_name = "FORMAT", default_value = "text",
        value_parser = Format::parser([
            Format::Text, Format::Wide, Format::Name, Format::Json, Format::Yaml, Format::JSONPATH,
            Format::Sample,
        ])
    )]
    output: Format,
}

const NOTES: &str = "\
Examples:
  appop explain pods                                   what a pod is, and its fields
  appop explain deploy.spec.strategy --recursive       all fields below one field
  appop explain hpa --api-version autoscaling/v1       another version
  appop explain pods -o sample                         an object to start from
  appop explain --search 'grace period'                where is it?

-o name prints paths that explain takes, one a line. -o json has the field under \"field\": name,
type, description, required, default, enum, minimum and the other bounds, patterns, nullable,
list, patch, immutable, rules (CEL), items or values, and its fields; --recursive for all levels,
\"more\": true where there are fields that are not shown.";

impl Args {
    /// Prints a field, an object to start from, or the places where something is written.
    pub(super) async fn run(&self, context: &Context) -> anyhow::Result<ExitCode> {
        let pattern = self.search.as_deref().map(search::pattern).transpose()?;
        if pattern.is_some() && self.output == Format::Sample {
            let why = "--search knows the formats text, wide, name, json, yaml and jsonpath";
            return Err(Usage(why.to_owned()).into());
        }
        let path = self.what.as_deref().map(target::names).transpose()?;
        let server = context.connect()?;
        let source = Source::load(self, context, server).await?;
        match (path, pattern) {
            (Some(names), None) => self.explain(context, &source, &names).await,
            (Some(names), Some(pattern)) => {
                let target = self.target(context, &source.discovery, &names)?;
                let root = source.root(context, target.resource).await?;
                let field = found(&root, &target)?;
                search::below(self, context, &target, field, &pattern)
            }
            (None, Some(pattern)) => search::everywhere(self, context, &source, &pattern).await,
            (None, None) => Err(Usage("which resource?".to_owned()).into()),
        }
    }

    async fn explain(
        &self,
        context: &Context,
        source: &Source,
        names: &[String],
    ) -> anyhow::Result<ExitCode> {
        let target = self.target(context, &source.discovery, names)?;
        let root = source.root(context, target.resource).await?;
        let field = found(&root, &target)?;
        let printer = context.printer;
        match &self.output {
            Format::Json | Format::Yaml | Format::JsonPath(_) => {
                let depth = if self.recursive {
                    Depth::All
                } else {
                    Depth::Fields
                };
                value::print(printer, &self.output, &document(&target, field, depth))?;
            }
            Format::Sample => {
                let sample = match target.path.is_empty() {
                    true => field.sample(&gvk(target.resource)),
                    false => field.sample_part(),
                };
                let text = sample.to_yaml();
                match printer.stdout_is_terminal() {
                    true => printer.data(&clean::block(&text))?,
                    false => printer.data(&text)?,
                }
            }
            Format::Name => printer.data(&self.names(&target, field))?,
            _ => printer.data(&page::render(printer, &target, field, self.recursive))?,
        }
        Ok(ExitCode::SUCCESS)
    }

    /// The resource and the path of fields that `names` mean.
    ///
    /// Errors: no such resource, or not in that version; a sentence that says what is near.
    fn target<'a>(
        &self,
        context: &Context,
        discovery: &'a Discovery,
        names: &[String],
    ) -> anyhow::Result<Target<'a>> {
        let target = target::resolve(discovery, names, self.api_version.as_deref())?;
        if !target.others.is_empty() {
            context.printer.note(&format!(
                "{} is read as that of {}; there is also {}.",
                target.word,
                target.resource.group_version(),
                target.others.join(", ")
            ));
        }
        Ok(target)
    }

    fn names(&self, target: &Target<'_>, field: &Field) -> String {
        let root = target.full_path();
        let mut text = String::new();
        for flat in field.flatten() {
            if self.recursive || flat.depth == 0 {
                text.push_str(&format!("{root}.{}\n", flat.path));
            }
        }
        clean::block(&text).into_owned()
    }
}

/// Where schemas come from: what the server serves, and its index of documents.
struct Source {
    server: Server,
    cache: Option<discovery::Cache>,
    discovery: Discovery,
    index: Index,
}

impl Source {
    async fn load(args: &Args, context: &Context, server: Server) -> anyhow::Result<Self> {
        let cache = context.cache(&server);
        let mode = if args.cached {
            CacheMode::Trust
        } else {
            CacheMode::Revalidate
        };
        let _progress = Progress::start(context.printer, "Asking the server what it serves");
        let (discovery, index) = futures::join!(
            discovery::load(&server, cache.as_ref(), mode),
            Index::load(&server, cache.as_ref(), mode)
        );
        // What cannot be reached at all is told by the first.
        let discovery = discovery?;
        let index = index?;
        Ok(Source {
            server,
            cache,
            discovery,
            index,
        })
    }

    /// The tree of a resource's kind.
    ///
    /// Errors: the schema cannot be had, or the document does not describe the kind.
    async fn root(&self, context: &Context, resource: &Resource) -> anyhow::Result<Field> {
        let (group, version) = (&resource.group, &resource.version);
        let reading = format!("Reading the schemas of {}", resource.group_version());
        let _progress = Progress::start(context.printer, reading);
        let document = self
            .index
            .document(&self.server, self.cache.as_ref(), group, version)
            .await?;
        Field::from_openapi(&document, &gvk(resource)).ok_or_else(|| {
            anyhow::anyhow!(
                "the server's OpenAPI v3 document for {} does not describe the kind {}. Whoever \
                 serves it says nothing about its fields; look at an object instead: appop raw {}",
                resource.group_version(),
                resource.kind,
                resource.path(None)
            )
        })
    }
}

fn gvk(resource: &Resource) -> Gvk {
    Gvk::new(&resource.group, &resource.version, &resource.kind)
}

fn found<'a>(root: &'a Field, target: &Target<'_>) -> anyhow::Result<&'a Field> {
    root.look_up(&target.path)
        .map_err(|missing| anyhow::anyhow!(missing.sentence(&target.word)))
}

fn document(target: &Target<'_>, field: &Field, depth: Depth) -> Value {
    json!({
        "group": target.resource.group,
        "version": target.resource.version,
        "kind": target.resource.kind,
        "resource": target.resource.plural,
        "path": target.path.join("."),
        "field": field.to_json(depth),
    })
}

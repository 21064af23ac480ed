//! `appop crds NAME`: one CRD.

use std::collections::BTreeMap;
use std::process::ExitCode;

use serde_json::{Value, json};

use super::Args;
use crate::cli::Context;
use crate::cli::exit::{PARTIAL, Usage};
use crate::cluster::{Error, Server};
use crate::crds::backend::{Backend, service_of};
use crate::crds::detail::{Detail, Objects};
use crate::crds::fetch::{self, Definition, Names};
use crate::crds::model::Version;
use crate::crds::row::{self, group_of};
use crate::crds::usage::{Writers, writers};
use crate::crds::{self, Crd, Meant, Row, State, problems, stored};
use crate::discovery::nearest::{did_you_mean, nearest};
use crate::output::progress::Progress;
use crate::output::{Format, Printer, clean, value};
use crate::schema::{Depth, Field, Gvk};

mod diff;
mod hidden;

/// So many objects are looked at for who writes through deprecated versions; a page of kubectl's.
const LOOKED_AT: usize = 500;

pub(super) async fn run(args: &Args, context: &Context) -> anyhow::Result<ExitCode> {
    let word = args.name.as_deref().unwrap_or_default();
    let pair = args.diff.as_deref().map(diff::pair).transpose()?;
    if pair.is_some() && matches!(args.output, Format::Name | Format::Sample) {
        let why = "--diff knows the formats table, wide, json, yaml and jsonpath";
        return Err(Usage(why.to_owned()).into());
    }
    if args.problems && (args.output == Format::Sample || args.api_version.is_some()) {
        let why = "--problems goes with neither -o sample nor --api-version";
        return Err(Usage(why.to_owned()).into());
    }
    let server = context.connect()?;
    let progress = Progress::start(context.printer, "Reading the CRD");
    let definition = match find(context, &server, word).await? {
        Place::Found(definition) => *definition,
        Place::Hidden(problem) => {
            drop(progress);
            return hidden::run(args, context, &server, word, problem).await;
        }
    };
    if let Some(pair) = pair {
        drop(progress);
        return diff::run(args, context, &definition, pair);
    }
    let one = One {
        args,
        server: &server,
        definition: &definition,
    };
    match args.output {
        Format::Name => {
            let name = clean::line(definition.crd.name()).into_owned();
            context.printer.data(&format!("{name}\n"))?;
            Ok(ExitCode::SUCCESS)
        }
        Format::Sample => {
            drop(progress);
            one.sample(context.printer)
        }
        _ => one.show(context, progress).await,
    }
}

enum Place {
    Found(Box<Definition>),
    /// CRDs may not be read
    Hidden(Error),
}

/// The CRD that `word` means.
///
/// Errors: there is none or more than one, with what is near; the server cannot be asked.
async fn find(context: &Context, server: &Server, word: &str) -> anyhow::Result<Place> {
    // The full name of a CRD has a dot, and one request settles it.
    if word.contains('.') {
        match fetch::definition(server, word).await {
            Ok(Some(definition)) => return Ok(Place::Found(Box::new(definition))),
            Ok(None) => {}
            Err(problem) if fetch::is_forbidden(&problem) => return Ok(Place::Hidden(problem)),
            Err(problem) => return Err(problem.into()),
        }
    }
    let (names, discovery) = futures::join!(fetch::names(server, None), context.discover(server));
    let discovery = discovery?;
    let mut hidden = None;
    let mut rows: Vec<Row> = match names {
        Ok(Names::Table(named)) => row::join(named, &discovery),
        Ok(Names::Whole(crds)) => crds.iter().map(Row::of).collect(),
        // Who may not list them may still be allowed to read one.
        Err(problem) if fetch::is_forbidden(&problem) => {
            hidden = Some(problem);
            row::without_crds(&discovery)
        }
        Err(problem) => return Err(problem.into()),
    };
    let mut meant = crds::resolve(word, &rows, &discovery);
    if hidden.is_none() && !matches!(meant, Meant::Crd(_) | Meant::Several(_)) {
        // Kinds and short names of what is not served are not in discovery.
        let mut ask = row::to_ask(&rows);
        ask.retain(|at| rows[*at].state == State::Unknown);
        ask.truncate(super::MOST_ASKED);
        fetch::complete(server, &mut rows, &ask).await?;
        meant = crds::resolve(word, &rows, &discovery);
    }
    let name = match (meant, hidden) {
        (Meant::Crd(name), _) => name,
        (Meant::Unknown(_), Some(problem)) => return Ok(Place::Hidden(problem)),
        (other, _) => return Err(not_one(word, &other)),
    };
    match fetch::definition(server, &name).await {
        Ok(Some(definition)) => Ok(Place::Found(Box::new(definition))),
        Ok(None) => Err(anyhow::anyhow!(
            "the CRD {name} was there, and is gone now."
        )),
        Err(problem) if fetch::is_forbidden(&problem) => Ok(Place::Hidden(problem)),
        Err(problem) => Err(problem.into()),
    }
}

/// A sentence about a word that does not mean one CRD.
fn not_one(word: &str, meant: &Meant) -> anyhow::Error {
    anyhow::Error::msg(match meant {
        Meant::Several(names) => {
            let mut text = format!("{word:?} may mean several CRDs; name one of them:");
            for name in names {
                text.push_str(&format!("\n  appop crds {name}"));
            }
            text
        }
        Meant::NotCustom(name) => format!(
            "{name} is not defined by a CRD: the API server has it built in, or an aggregated \
             server serves it. See: appop discover {name}, and: appop explain {name}"
        ),
        Meant::Group(group) => {
            format!("{word:?} is an API group. See its CRDs with: appop crds --group {group}")
        }
        Meant::Crd(_) | Meant::Unknown(_) => {
            let near: &[String] = match meant {
                Meant::Unknown(near) => near,
                _ => &[],
            };
            let hint = did_you_mean(near)
                .unwrap_or_else(|| "See which there are with: appop crds".to_owned());
            format!("there is no CRD called {word:?}. {hint}")
        }
    })
}

struct One<'a> {
    args: &'a Args,
    server: &'a Server,
    definition: &'a Definition,
}

impl One<'_> {
    fn crd(&self) -> &Crd {
        &self.definition.crd
    }

    async fn show(&self, context: &Context, progress: Progress) -> anyhow::Result<ExitCode> {
        let crd = self.crd();
        let version = self.version()?;
        let schema = version
            .map(|v| schema(self.definition, &v.name))
            .transpose()?;
        let schema = schema.flatten();
        progress.set("Looking at its objects");
        let service = service_of(&crd.spec.conversion).cloned();
        let (objects, backends, others) = futures::join!(
            self.objects(),
            fetch::backends(self.server, service.into_iter().collect()),
            self.others()
        );
        drop(progress);
        let (objects, writers, looked_at_all) = objects;
        let backends: BTreeMap<_, _> = backends.into_iter().collect();
        let backend = backends.values().next().cloned();
        let around = problems::Context {
            others: &others,
            backends,
            writers,
        };
        let detail = Detail {
            crd,
            objects,
            backend,
            problems: crds::problems(crd, &around),
            version,
            schema: schema.as_ref(),
        };
        self.print(context.printer, &detail)?;
        if !looked_at_all {
            context.printer.note(&format!(
                "Who writes through deprecated versions was told from the first {LOOKED_AT} objects."
            ));
        }
        let unknown = unknown(&detail);
        if self.args.problems {
            // The page has them; a list of problems alone would look complete.
            for what in &unknown {
                context.printer.warn(what);
            }
        }
        Ok(match unknown.is_empty() {
            true => ExitCode::SUCCESS,
            false => ExitCode::from(PARTIAL),
        })
    }

    fn print(&self, printer: Printer, detail: &Detail<'_>) -> anyhow::Result<()> {
        let crd = detail.crd;
        if self.args.problems {
            let found = if detail.problems.is_empty() {
                Vec::new()
            } else {
                vec![(crd, detail.problems.clone())]
            };
            return self.args.print_problems(printer, &found, 1);
        }
        match &self.args.output {
            Format::Json | Format::Yaml | Format::JsonPath(_) => {
                value::print(printer, &self.args.output, &document(detail))
            }
            _ => Ok(printer.data(&detail.text(printer, jiff::Timestamp::now()))?),
        }
    }

    /// The version that was asked for, else the one to ask for objects, else the stored one.
    ///
    /// Errors: there is none of that name, with what there is.
    fn version(&self) -> anyhow::Result<Option<&Version>> {
        let crd = self.crd();
        match &self.args.api_version {
            Some(wanted) => named(crd, wanted).map(Some),
            None => Ok(crd.version_to_ask().or_else(|| crd.storage())),
        }
    }

    /// The number of objects; who wrote them through which version, if there are deprecated ones;
    /// and whether all were looked at for that.
    async fn objects(&self) -> (Objects, BTreeMap<String, Writers>, bool) {
        let crd = self.crd();
        let nobody = BTreeMap::new();
        if !crd.is("Established") {
            return (
                Objects::Unknown("it is not served".to_owned()),
                nobody,
                true,
            );
        }
        let Some(version) = crd.version_to_ask() else {
            let why = "no version is served".to_owned();
            return (Objects::Unknown(why), nobody, true);
        };
        let is_deprecated = crd.spec.versions.iter().any(|v| v.served && v.deprecated);
        let limit = if is_deprecated { LOOKED_AT } else { 1 };
        let path = crd.objects_path(&version.name);
        match fetch::objects(self.server, &path, limit).await {
            Err(problem) => (Objects::Unknown(fetch::reason(&problem)), nobody, true),
            Ok(page) => {
                let here = page.items.len() as u64;
                let objects = page.count().map_or(Objects::MoreThan(here), Objects::Count);
                if !is_deprecated {
                    return (objects, nobody, true);
                }
                let is_all = objects == Objects::Count(here);
                (objects, writers(&crd.spec.group, &page.items), is_all)
            }
        }
    }

    /// The other CRDs of the group, where one of them may hold a name that this one asks for.
    async fn others(&self) -> Vec<Crd> {
        let crd = self.crd();
        let is_refused = crd
            .condition("NamesAccepted")
            .is_some_and(|c| c.status == "False");
        if !is_refused {
            return Vec::new();
        }
        // Who holds a name is an extra: where it cannot be had, the server's own reason is there.
        let Ok(Names::Table(named)) = fetch::names(self.server, None).await else {
            return Vec::new();
        };
        let group = group_of(crd.name());
        let names = named
            .iter()
            .map(|n| n.name.as_str())
            .filter(|name| group_of(name) == group && *name != crd.name());
        fetch::some(self.server, names.take(super::MOST_ASKED))
            .await
            .0
    }

    fn sample(&self, printer: Printer) -> anyhow::Result<ExitCode> {
        let crd = self.crd();
        let Some(version) = self.version()? else {
            return Err(anyhow::anyhow!("{} has no versions.", crd.name()));
        };
        let Some(schema) = schema(self.definition, &version.name)? else {
            return Err(no_schema(crd, &version.name));
        };
        if !version.served {
            printer.warn(&format!("{} is not served.", version.name));
        }
        let gvk = Gvk::new(&crd.spec.group, &version.name, &crd.spec.names.kind);
        let text = schema.sample(&gvk).to_yaml();
        match printer.stdout_is_terminal() {
            true => printer.data(&clean::block(&text))?,
            false => printer.data(&text)?,
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// What could not be found out although there is something to find out.
fn unknown(detail: &Detail<'_>) -> Vec<String> {
    let crd = detail.crd;
    let mut all = Vec::new();
    if let Objects::Unknown(why) = &detail.objects
        && crd.is("Established")
        && crd.version_to_ask().is_some()
    {
        all.push(format!("how many objects there are is not known: {why}"));
    }
    if let Some(Backend::Unknown(why)) = &detail.backend {
        all.push(super::unknown_backend(why));
    }
    all
}

/// A version by name, or as `group/version`.
fn named<'a>(crd: &'a Crd, wanted: &str) -> anyhow::Result<&'a Version> {
    let name = match wanted.split_once('/') {
        Some((group, name)) if group == crd.spec.group => name,
        _ => wanted,
    };
    crd.version(name).ok_or_else(|| {
        let all: Vec<&str> = crd
            .versions_by_priority()
            .iter()
            .map(|v| v.name.as_str())
            .collect();
        let hint = did_you_mean(&nearest(name, all.iter().copied()))
            .map(|hint| format!(" {hint}"))
            .unwrap_or_default();
        anyhow::anyhow!(
            "{} has no version {wanted:?}; it has {}.{hint}",
            crd.name(),
            all.join(", ")
        )
    })
}

/// The schema of a version, if it has one.
///
/// Errors: it cannot be read.
fn schema(definition: &Definition, version: &str) -> anyhow::Result<Option<Field>> {
    let mut schemas = definition.schemas.iter();
    let Some((_, schema)) = schemas.find(|(name, _)| name == version) else {
        return Ok(None);
    };
    let field = Field::from_crd(schema).map_err(|problem| {
        anyhow::anyhow!(
            "the schema of {} {version} cannot be read: {problem}",
            definition.crd.name()
        )
    })?;
    Ok(Some(field))
}

fn no_schema(crd: &Crd, version: &str) -> anyhow::Error {
    anyhow::anyhow!("{} has no schema for its version {version}.", crd.name())
}

/// The summary, and besides it: `problems`, `conversion.ready`, `objects` (`count`, or `moreThan`, or
/// `unknown` with the reason), `migration` (`what`, `command`), `schema` (`version`, and the field
/// as `explain -o json` has it).
fn document(detail: &Detail<'_>) -> Value {
    let mut out = crds::summary(detail.crd);
    crds::add_problems(&mut out, &detail.problems);
    if let Some(backend) = &detail.backend {
        crds::add_backend(&mut out, backend);
    }
    out["objects"] = match &detail.objects {
        Objects::Count(count) => json!({ "count": count }),
        Objects::MoreThan(count) => json!({ "moreThan": count }),
        Objects::Unknown(why) => json!({ "unknown": why }),
    };
    let steps = stored::migration(detail.crd);
    if !steps.is_empty() {
        out["migration"] = steps
            .iter()
            .map(|step| json!({"what": step.what, "command": step.command}))
            .collect();
    }
    if let (Some(version), Some(schema)) = (detail.version, detail.schema) {
        out["schema"] = json!({
            "version": version.name,
            "field": schema.to_json(Depth::All),
        });
    }
    out
}

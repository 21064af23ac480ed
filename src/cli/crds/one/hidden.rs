//! `appop crds NAME` for somebody who may not read CRDs: what discovery knows.

use std::process::ExitCode;

use super::{Args, Context, Error, Format, Meant, Objects, PARTIAL, Server, clean, fetch, not_one};
use crate::crds::{self, row};
use crate::discovery::Resource;
use crate::output::{Page, Printer};

/// Prints what can be had without the CRD, and says what is missing.
///
/// Errors: `problem`, where nothing can be had without the CRD.
pub(super) async fn run(
    args: &Args,
    context: &Context,
    server: &Server,
    word: &str,
    problem: Error,
) -> anyhow::Result<ExitCode> {
    let needs_crd = args.diff.is_some() || args.problems || args.api_version.is_some();
    if needs_crd || !matches!(args.output, Format::Table | Format::Wide | Format::Name) {
        return Err(problem.into());
    }
    let discovery = context.discover(server).await?;
    let name = match crds::resolve(word, &row::without_crds(&discovery), &discovery) {
        Meant::Crd(name) => name,
        Meant::Unknown(_) => return Err(problem.into()),
        other => return Err(not_one(word, &other)),
    };
    let served: Vec<&Resource> = discovery.resources().filter(|r| r.name() == name).collect();
    let Some(first) = served.first() else {
        return Err(problem.into());
    };
    if args.output == Format::Name {
        context.printer.data(&format!("{}\n", clean::line(&name)))?;
    } else {
        let objects = match fetch::objects(server, &first.path(None), 1).await {
            Ok(page) => page.count().map_or(Objects::MoreThan(1), Objects::Count),
            Err(problem) => Objects::Unknown(fetch::reason(&problem)),
        };
        context
            .printer
            .data(&page(context.printer, &served, &objects))?;
    }
    context.printer.warn(&format!(
        "The CRD itself cannot be read: {problem}\nThis is what discovery knows. The schema may be \
         had with: appop explain {name}"
    ));
    Ok(ExitCode::from(PARTIAL))
}

fn page(printer: Printer, served: &[&Resource], objects: &Objects) -> String {
    let mut page = Page::new(printer);
    let Some(first) = served.first() else {
        return page.finish();
    };
    let versions: Vec<&str> = served.iter().map(|r| r.version.as_str()).collect();
    let subresources: Vec<&str> = first.subresources.iter().map(|s| s.name.as_str()).collect();
    page.field("Name", &first.name());
    page.field("Kind", &first.kind);
    page.field("Singular", &first.singular);
    page.field("Short names", &first.short_names.join(", "));
    page.field("Categories", &first.categories.join(", "));
    page.field(
        "Scope",
        if first.namespaced {
            "Namespaced"
        } else {
            "Cluster"
        },
    );
    page.field("Served", &versions.join(", "));
    page.field("Subresources", &subresources.join(", "));
    page.field("Objects", &objects.text());
    page.finish()
}

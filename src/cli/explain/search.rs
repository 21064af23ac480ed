//! `--search`: where something is written about.

use std::collections::BTreeMap;
use std::process::ExitCode;

use anyhow::anyhow;
use futures::StreamExt;
use regex::{Regex, RegexBuilder};

use super::hits::{Hit, print};
use super::target::Target;
use super::{Args, Source, gvk};
use crate::cli::Context;
use crate::cli::exit::{PARTIAL, Usage};
use crate::discovery::{Discovery, Resource, group_version};
use crate::output::progress::Progress;
use crate::schema::{Field, Flat, LoadError};

/// So many documents are asked for at a time; a server has about fifty.
const AT_ONCE: usize = 8;
/// A pattern that compiles to more than this is a mistake or an attack on oneself.
const PATTERN_LIMIT: usize = 1 << 20;

/// Compiles what is searched for: case matters only where it has capitals.
///
/// Errors: it is no regular expression.
pub(super) fn pattern(text: &str) -> Result<Regex, Usage> {
    // `\S` is no capital letter of the text.
    let mut chars = text.chars();
    let mut capitals = false;
    while let Some(c) = chars.next() {
        match c {
            '\\' => drop(chars.next()),
            c => capitals |= c.is_uppercase(),
        }
    }
    RegexBuilder::new(text)
        .case_insensitive(!capitals)
        .size_limit(PATTERN_LIMIT)
        .build()
        .map_err(|problem| {
            Usage(format!(
                "--search {text:?} is no regular expression: {problem}"
            ))
        })
}

/// Searches one field of one kind.
pub(super) fn below(
    args: &Args,
    context: &Context,
    target: &Target<'_>,
    field: &Field,
    pattern: &Regex,
) -> anyhow::Result<ExitCode> {
    let hits = hits(target.resource, &target.full_path(), field, pattern);
    print(args, context, hits, pattern)
}

/// Searches every kind in its preferred version, or those of `--api-version`.
pub(super) async fn everywhere(
    args: &Args,
    context: &Context,
    source: &Source,
    pattern: &Regex,
) -> anyhow::Result<ExitCode> {
    let discovery = &source.discovery;
    let resources: Vec<&Resource> = match &args.api_version {
        Some(wanted) => discovery
            .resources()
            .filter(|r| r.group_version() == *wanted)
            .collect(),
        None => discovery.preferred(),
    };
    if let Some(wanted) = args.api_version.as_deref().filter(|_| resources.is_empty()) {
        return Err(anyhow!("the server serves nothing in {wanted}."));
    }
    let mut by_version: BTreeMap<(&str, &str), Vec<&Resource>> = BTreeMap::new();
    for resource in resources {
        by_version
            .entry((&resource.group, &resource.version))
            .or_default()
            .push(resource);
    }
    let total = by_version.len();
    let progress = Progress::start(context.printer, "Reading the schemas");
    let mut documents = futures::stream::iter(by_version.into_iter().map(|(place, resources)| {
        let (group, version) = place;
        let wanted = source
            .index
            .document(&source.server, source.cache.as_ref(), group, version);
        async move { (place, resources, wanted.await) }
    }))
    .buffer_unordered(AT_ONCE);
    let (mut found, mut done, mut failed) = (Vec::new(), 0, Vec::new());
    while let Some((place, resources, document)) = documents.next().await {
        done += 1;
        progress.set(format!(
            "Reading the schemas: {done} of {total} group-versions"
        ));
        match document {
            Ok(document) => {
                for resource in resources {
                    if let Some(root) = Field::from_openapi(&document, &gvk(resource)) {
                        found.extend(hits(resource, &word(discovery, resource), &root, pattern));
                    }
                }
            }
            Err(problem) => failed.push((place, problem)),
        }
    }
    drop(documents);
    drop(progress);
    found.sort_by(|a, b| {
        let key = |h: &Hit| (h.group.clone(), h.resource.clone(), h.path.clone());
        key(a).cmp(&key(b))
    });
    let is_partial = report(context, discovery, &failed);
    let code = print(args, context, found, pattern)?;
    Ok(if is_partial {
        ExitCode::from(PARTIAL)
    } else {
        code
    })
}

/// Says which schemas could not be searched. What the server does not publish is no failure of
/// this search; what could not be reached is.
fn report(context: &Context, discovery: &Discovery, failed: &[((&str, &str), LoadError)]) -> bool {
    let mut is_partial = false;
    for ((group, version), problem) in failed {
        let place = group_version(group, version);
        match problem {
            LoadError::Unpublished(_) | LoadError::Unsupported => context.printer.note(&format!(
                "{place} publishes no schemas and was not searched."
            )),
            LoadError::Server(problem) => {
                is_partial = true;
                context
                    .printer
                    .warn(&format!("{place} could not be searched: {problem}"));
            }
        }
    }
    for failure in &discovery.failures {
        is_partial = true;
        let place = failure.group_version();
        context.printer.warn(&format!(
            "{place} could not be searched: {}",
            failure.reason
        ));
    }
    is_partial
}

/// The shortest word that means this resource and no other.
fn word(discovery: &Discovery, resource: &Resource) -> String {
    let is_it = |word: &str| {
        discovery
            .find_resource(word, None)
            .is_ok_and(|r| r == resource)
    };
    if is_it(&resource.plural) {
        resource.plural.clone()
    } else if is_it(&resource.name()) {
        resource.name()
    } else {
        format!(
            "{}.{}.{}",
            resource.plural, resource.version, resource.group
        )
    }
}

fn hits(resource: &Resource, root: &str, field: &Field, pattern: &Regex) -> Vec<Hit> {
    let matches = |flat: &Flat<'_>| {
        pattern.is_match(&flat.field.name) || pattern.is_match(&flat.field.description)
    };
    let hit = |flat: Flat<'_>| {
        let innermost = flat.parent.element().unwrap_or(flat.parent);
        let type_ = flat
            .parent
            .schema_name
            .as_ref()
            .or(innermost.schema_name.as_ref());
        Hit {
            group: resource.group.clone(),
            version: resource.version.clone(),
            kind: resource.kind.clone(),
            resource: resource.plural.clone(),
            path: format!("{root}.{}", flat.path),
            type_: flat.field.type_.clone(),
            description: flat.field.description.clone(),
            readable: resource.can("get") && resource.can("create"),
            of: type_.map(|t| (t.clone(), flat.field.name.clone())),
        }
    };
    field
        .flatten()
        .into_iter()
        .filter(|f| matches(f))
        .map(hit)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_matters_where_there_are_capitals() {
        assert!(pattern("pull").unwrap().is_match("imagePullPolicy"));
        assert!(!pattern("Pull").unwrap().is_match("pull"));
        assert!(pattern(r"\Spull").unwrap().is_match("xPULL"));
        assert!(pattern("(").is_err());
        assert!(pattern(r"(\w{1000}){1000}").is_err(), "too large");
    }
}

//! Completion of fields in a shell, from the schemas that an earlier run has kept. Asks nobody.

use std::ffi::OsStr;

use clap_complete::CompletionCandidate;

use super::{gvk, target};
use crate::cli::complete;
use crate::discovery;
use crate::output::clean;
use crate::schema::{self, Field, escaped};

/// The resources that `word` may become, and the fields once it has a resource and a dot.
pub(super) fn what(word: &OsStr) -> Vec<CompletionCandidate> {
    let mut found = complete::resource(word);
    found.extend(fields(word).unwrap_or_default());
    found
}

fn fields(word: &OsStr) -> Option<Vec<CompletionCandidate>> {
    let (before, begun) = word.to_str()?.rsplit_once('.')?;
    let (cache, _) = complete::place(std::env::args_os());
    let cache = cache?;
    let discovery = discovery::cached(&cache)?;
    let names = target::names(before).ok()?;
    let target = target::resolve(&discovery, &names, None).ok()?;
    let resource = target.resource;
    let document = schema::kept(&cache, &resource.group, &resource.version)?;
    let root = Field::from_openapi(&document, &gvk(resource))?;
    let parent = root.look_up(&target.path).ok()?;
    let fitting = parent
        .children()
        .iter()
        .filter(|c| c.name.starts_with(begun));
    let candidate = |field: &Field| {
        let path = format!("{before}.{}", escaped(&field.name));
        let help = clean::line(&field.type_).into_owned();
        CompletionCandidate::new(path).help(Some(help.into()))
    };
    Some(fitting.map(candidate).collect())
}

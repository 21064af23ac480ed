//! `appop crds NAME --diff OLD..NEW`.

use std::process::ExitCode;

use serde_json::json;

use super::{Args, Context, Definition, Format, Usage, named, no_schema, schema, value};
use crate::crds::changes::{Change, changes};
use crate::crds::table;

/// The two versions in `OLD..NEW`.
pub(super) fn pair(text: &str) -> Result<(&str, &str), Usage> {
    text.split_once("..")
        .map(|(old, new)| (old, new.trim_start_matches('.')))
        .filter(|(old, new)| !old.is_empty() && !new.is_empty())
        .ok_or_else(|| {
            Usage(format!(
                "--diff {text:?} does not name two versions: write OLD..NEW, as in v1beta1..v1"
            ))
        })
}

/// Prints what changed.
pub(super) fn run(
    args: &Args,
    context: &Context,
    definition: &Definition,
    (old, new): (&str, &str),
) -> anyhow::Result<ExitCode> {
    let crd = &definition.crd;
    let (from, to) = (named(crd, old)?, named(crd, new)?);
    let of = |version: &str| schema(definition, version)?.ok_or_else(|| no_schema(crd, version));
    let (before, after) = (of(&from.name)?, of(&to.name)?);
    let mut found = changes((from, &before), (to, &after));
    let printer = context.printer;
    if !matches!(args.output, Format::Table | Format::Wide) {
        let document = json!({
            "name": crd.name(),
            "from": from.name,
            "to": to.name,
            "changes": found,
        });
        value::print(printer, &args.output, &document)?;
        return Ok(ExitCode::SUCCESS);
    }
    let (from, to) = (&from.name, &to.name);
    if found.is_empty() {
        printer.say(&format!("{from} and {to} of {} are the same.", crd.name()));
        return Ok(ExitCode::SUCCESS);
    }
    let is_wide = args.output == Format::Wide;
    let wordings = found.iter().filter(|c| c.is_wording).count();
    found.retain(|change: &Change| is_wide || !change.is_wording);
    if !found.is_empty() {
        table::changes(&found, is_wide).print(printer, !args.no_headers)?;
    }
    if wordings > 0 && !is_wide {
        let also = if found.is_empty() { "Only" } else { "Also" };
        printer.note(&format!(
            "{also} {wordings} {} changed; -o wide shows them.",
            if wordings == 1 {
                "description"
            } else {
                "descriptions"
            }
        ));
    }
    Ok(ExitCode::SUCCESS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_versions_are_needed() {
        assert_eq!(pair("v1beta1..v1").unwrap(), ("v1beta1", "v1"));
        assert_eq!(pair("v1...v2").unwrap(), ("v1", "v2"));
        for wrong in ["", "v1", "v1..", "..v1", "v1.v2", ".."] {
            assert!(pair(wrong).is_err(), "{wrong}");
        }
    }
}

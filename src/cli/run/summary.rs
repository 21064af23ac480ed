//! What `appop run --once` prints: a line for each App.

use std::process::ExitCode;

use crate::operator::Outcome;
use crate::output::{Cell, Column, Paint, Printer, Table};

/// Prints what became of the Apps; exit code 1 if one of them cannot become ready by itself.
pub(super) fn print(outcomes: &[Outcome], printer: Printer) -> anyhow::Result<ExitCode> {
    if outcomes.is_empty() {
        printer.say("There are no Apps.");
        return Ok(ExitCode::SUCCESS);
    }
    let mut table = Table::new([
        Column::new("namespace"),
        Column::new("name"),
        Column::new("ready"),
        Column::new("wrote"),
        Column::new("reason"),
        Column::new("message").flexible(20),
    ]);
    for outcome in outcomes {
        let written: Vec<&str> = outcome.written.iter().map(|child| child.kind()).collect();
        let written = match written.as_slice() {
            [] => "-".to_owned(),
            some => some.join(","),
        };
        let (reason, message) = &outcome.why;
        let paint = match (&outcome.problem, reason.as_str()) {
            (Some(_), _) => Paint::Bad,
            (None, "AllReplicasReady") => Paint::Good,
            (None, _) => Paint::Plain,
        };
        let message = outcome.problem.as_ref().unwrap_or(message);
        table.row([
            Cell::from(&*outcome.key.namespace),
            Cell::from(&*outcome.key.name),
            Cell::from(outcome.ready.as_str()),
            Cell::from(written),
            Cell::from(reason.as_str()).paint(paint),
            Cell::from(message.as_str()),
        ]);
    }
    table.print(printer, true)?;
    let is_fine = outcomes.iter().all(|outcome| outcome.problem.is_none());
    Ok(if is_fine {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

//! What `appop run --dry-run` prints: every child that would be written, as a unified diff of YAML.

use std::process::ExitCode;

use futures::stream::{BoxStream, StreamExt};
use serde_json::Value;
use similar::TextDiff;

use crate::operator::{Change, Proposal};
use crate::output::value::{self, Style};
use crate::output::{Paint, Printer};

/// Lines around a change.
const AROUND: usize = 3;

/// Prints what would be written; exit code 1 if something cannot be.
pub(super) async fn print(
    mut proposals: BoxStream<'static, Proposal>,
    printer: Printer,
) -> anyhow::Result<ExitCode> {
    // Colours are those of the diff, not of YAML.
    let style = if printer.stdout_is_terminal() {
        Style::Safe
    } else {
        Style::Plain
    };
    let (mut apps, mut changes, mut fine) = (0, 0, true);
    while let Some(proposal) = proposals.next().await {
        apps += 1;
        for change in &proposal.changes {
            let text = text(&proposal, change, style)?;
            if !text.is_empty() {
                changes += 1;
                printer.data(&painted(printer, &text))?;
            }
        }
        if let Some(problem) = &proposal.problem {
            fine = false;
            printer.error(&format!("App {}: {problem}", proposal.key));
        }
    }
    let count = |n: usize, word: &str| match n {
        1 => format!("1 {word}"),
        n => format!("{n} {word}s"),
    };
    let (apps, changes) = (count(apps, "App"), count(changes, "object"));
    printer.say(&format!(
        "{apps} looked at, {changes} would be written; nothing was."
    ));
    Ok(if fine {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// A unified diff; empty when nothing that matters would change.
fn text(proposal: &Proposal, change: &Change, style: Style) -> anyhow::Result<String> {
    let yaml = |object: &Option<Value>| match object {
        Some(object) => value::yaml(&without_bookkeeping(object.clone()), style),
        None => Ok(String::new()),
    };
    let mut after = change.after.clone();
    if change.before.is_none() {
        unassign(&mut after);
    }
    let (before, after) = (yaml(&change.before)?, yaml(&after)?);
    let name = format!("{} {}", change.child.kind(), proposal.key);
    let title = |side: &Option<Value>, label: &str| match side {
        Some(_) => format!("{name} ({label})"),
        None => "/dev/null".to_owned(),
    };
    let (old, new) = (
        title(&change.before, "live"),
        title(&change.after, "wished"),
    );
    let diff = TextDiff::from_lines(&before, &after);
    if diff.ratio() == 1.0 {
        return Ok(String::new());
    }
    Ok(diff
        .unified_diff()
        .context_radius(AROUND)
        .header(&old, &new)
        .to_string())
}

/// What the server has picked for a Service that does not exist yet, it picks anew when it is made.
fn unassign(object: &mut Option<Value>) {
    let Some(spec) = object.as_mut().and_then(|o| o["spec"].as_object_mut()) else {
        return;
    };
    for field in ["clusterIP", "clusterIPs"] {
        spec.shift_remove(field);
    }
}

/// What changes with every write says nothing here.
fn without_bookkeeping(mut object: Value) -> Value {
    if let Some(metadata) = object["metadata"].as_object_mut() {
        for field in [
            "managedFields",
            "resourceVersion",
            "generation",
            "uid",
            "creationTimestamp",
        ] {
            metadata.shift_remove(field);
        }
    }
    if let Some(object) = object.as_object_mut() {
        object.shift_remove("status");
    }
    object
}

fn painted(printer: Printer, text: &str) -> String {
    let mut painted = String::new();
    for line in text.lines() {
        let paint = match line.as_bytes() {
            [b'+', b'+', b'+', ..] | [b'-', b'-', b'-', ..] => Paint::Strong,
            [b'+', ..] => Paint::Good,
            [b'-', ..] => Paint::Bad,
            [b'@', ..] => Paint::Dim,
            _ => Paint::Plain,
        };
        painted.push_str(&printer.paint(paint, line));
        painted.push('\n');
    }
    painted
}

//! `appop sandbox status`: which sandboxes are running.

use std::process::ExitCode;

use serde_json::json;

use crate::output::time::age;
use crate::output::value::{self, Style};
use crate::output::{Cell, Column, Format, Printer, Table};
use crate::sandbox::{Kind, Notice, running};

/// Arguments of `appop sandbox status`.
#[derive(Debug, clap::Args)]
#[command(after_help = NOTES)]
pub(super) struct Args {
    /// Leave out the headings
    #[arg(long)]
    no_headers: bool,
    /// The form of the answer; wide has the process, the nodes and the file of --data too
    #[arg(
        long, short, value_name = "FORMAT", default_value = "table",
        value_parser = Format::parser([
            Format::Table, Format::Wide, Format::Name, Format::Json, Format::Yaml,
        ])
    )]
    output: Format,
}

const NOTES: &str = "\
Examples:
  appop sandbox status
  export KUBECONFIG=$(appop sandbox status -o name | head -1)   the oldest one's

Shown are yours, whose temporary directory is this one's ($TMPDIR). -o name prints the kubeconfigs.
To end one, press Ctrl-C where it runs, or send SIGTERM to its process.";

impl Args {
    pub(super) fn run(&self, printer: Printer) -> anyhow::Result<ExitCode> {
        let all = running();
        if all.is_empty() {
            printer.say("No sandbox is running. Start one with: appop sandbox");
        }
        match &self.output {
            Format::Name => {
                let lines = all
                    .iter()
                    .map(|notice| format!("{}\n", notice.kubeconfig.display()));
                printer.data(&lines.collect::<String>())?;
            }
            Format::Json => value::print_json(printer, &json!(all))?,
            Format::Yaml => printer.data(&value::yaml(&json!(all), Style::of(printer))?)?,
            _ if all.is_empty() => {}
            form => table(&all, *form == Format::Wide).print(printer, !self.no_headers)?,
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn table(all: &[Notice], wide: bool) -> Table {
    let mut columns = vec![
        Column::new("server"),
        Column::new("kind"),
        Column::new("version"),
        Column::new("age"),
    ];
    if wide {
        columns.push(Column::new("process"));
        columns.push(Column::new("nodes"));
        columns.push(Column::new("data"));
    }
    columns.push(Column::new("kubeconfig"));
    let mut table = Table::new(columns);
    let now = jiff::Timestamp::now();
    for notice in all {
        let kind = match notice.kind {
            Kind::Memory => "memory",
            Kind::Real => "real",
        };
        let mut cells = vec![
            Cell::from(notice.url.as_str()),
            Cell::from(kind),
            Cell::from(notice.version.as_str()),
            Cell::from(age(Some(&notice.started), now)),
        ];
        if wide {
            let data = notice.data.as_ref();
            cells.push(Cell::from(notice.pid.to_string()));
            cells.push(Cell::from(notice.nodes.to_string()));
            cells.push(Cell::from(data.map_or_else(
                || "<none>".to_owned(),
                |data| data.display().to_string(),
            )));
        }
        cells.push(Cell::from(notice.kubeconfig.display().to_string()));
        table.row(cells);
    }
    table
}

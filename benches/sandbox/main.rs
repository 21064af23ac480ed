//! The sandbox in memory beside the real control plane, with the same clients.
//!
//! `KUBEBUILDER_ASSETS=$(tests/controlplane/build.sh) cargo bench --bench sandbox` starts one after
//! the other, prints the table and writes it to docs/benchmarks.md. With `-- --quick` numbers are
//! small and nothing is written: to see that it works. With `-- --memory` only the sandbox is
//! measured, and nothing written.

// A benchmark is a script: what fails ends it, and it prints.
#![allow(clippy::unwrap_used, clippy::print_stdout, clippy::print_stderr)]

mod client;
#[path = "../shared/crd.rs"]
mod crd;
mod measure;
#[path = "../shared/page.rs"]
mod page;
#[path = "../shared/processes.rs"]
mod processes;
#[path = "../shared/sandbox.rs"]
mod sandbox;
mod server;

use std::fmt::Write as _;

use measure::Figures;
use server::Kind;

/// How much of everything.
#[derive(Clone, Copy)]
pub(crate) struct Plan {
    objects: usize,
    lists: usize,
    changes: usize,
    deployments: usize,
    pods: usize,
    crds: usize,
    quick: bool,
}

const PLAN: Plan = Plan {
    objects: 10_000,
    lists: 9,
    changes: 1000,
    deployments: 1000,
    pods: 500,
    crds: 1000,
    quick: false,
};

impl Plan {
    fn quick() -> Self {
        Plan {
            objects: 500,
            lists: 3,
            changes: 100,
            deployments: 50,
            pods: 20,
            crds: 50,
            quick: true,
        }
    }

    /// How often a server is started to be timed.
    fn starts(self, kind: Kind) -> usize {
        match kind {
            _ if self.quick => 1,
            Kind::Memory => 9,
            Kind::Real => 3,
        }
    }
}

// One thread: the other core is the server's.
#[tokio::main(flavor = "current_thread")]
async fn main() {
    let has = |flag: &str| std::env::args().any(|a| a == flag);
    let plan = if has("--quick") { Plan::quick() } else { PLAN };
    if has("--memory") {
        Figures::of(Kind::Memory, plan).await;
        return;
    }
    if std::env::var_os("KUBEBUILDER_ASSETS").is_none() {
        eprintln!(
            "KUBEBUILDER_ASSETS is not set: run it as\n  \
             KUBEBUILDER_ASSETS=$(tests/controlplane/build.sh) cargo bench --bench sandbox"
        );
        std::process::exit(1);
    }
    let real = Figures::of(Kind::Real, plan).await;
    let ours = Figures::of(Kind::Memory, plan).await;
    let table = table(plan, &ours, &real);
    println!("{table}");
    if !plan.quick {
        page::write("sandbox", &table);
    }
}

fn table(plan: Plan, ours: &Figures, real: &Figures) -> String {
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let mut table = format!(
        "{} clients at a time on connections of their own; {cores} cores, which clients and server \
         share.\n\n\
         | what | sandbox | real | ratio | to reach |\n\
         |---|---|---|---|---|\n",
        measure::CLIENTS
    );
    let rows = [
        Row {
            what: "from start to `/readyz`".to_owned(),
            figure: |figures| figures.ready,
            unit: Unit::Time,
            goal: "under 50 ms",
        },
        Row {
            what: "resident memory when new".to_owned(),
            figure: |figures| figures.memory,
            unit: Unit::Memory,
            goal: "under 30 MB",
        },
        Row {
            what: format!("{} ConfigMaps created", plan.objects),
            figure: |figures| figures.config_maps,
            unit: Unit::Rate,
            goal: "5",
        },
        Row {
            what: format!("{} Deployments created", plan.deployments),
            figure: |figures| figures.deployments,
            unit: Unit::Rate,
            goal: "5",
        },
        Row {
            what: format!(
                "list of {} ConfigMaps, {:.1} MB",
                plan.objects,
                ours.list_length as f64 / 1e6
            ),
            figure: |figures| figures.list,
            unit: Unit::Time,
            goal: "5",
        },
        Row {
            what: format!(
                "{} changes, told to {} watchers",
                plan.changes,
                measure::WATCHERS
            ),
            figure: |figures| figures.watch,
            unit: Unit::Time,
            goal: "5",
        },
        Row {
            what: format!("{} CRDs of about 12 KB established", plan.crds),
            figure: |figures| figures.crds,
            unit: Unit::Time,
            goal: "3",
        },
        Row {
            what: "resident memory with them".to_owned(),
            figure: |figures| figures.crds_memory,
            unit: Unit::Memory,
            goal: "3",
        },
        Row {
            what: format!("a Deployment of {} pods available", plan.pods),
            figure: |figures| figures.rollout,
            unit: Unit::Time,
            goal: "",
        },
    ];
    for row in rows {
        let _ = writeln!(table, "{}", row.text(ours, real));
    }
    table
}

struct Row {
    what: String,
    figure: fn(&Figures) -> f64,
    unit: Unit,
    goal: &'static str,
}

enum Unit {
    /// Seconds; less is better
    Time,
    /// Bytes; less is better
    Memory,
    /// Each second; more is better
    Rate,
}

impl Row {
    fn text(&self, ours: &Figures, real: &Figures) -> String {
        let (ours, real) = ((self.figure)(ours), (self.figure)(real));
        let ratio = match self.unit {
            Unit::Time | Unit::Memory => real / ours,
            Unit::Rate => ours / real,
        };
        let Row { what, goal, .. } = self;
        let (ours, real) = (self.unit.text(ours), self.unit.text(real));
        format!("| {what} | {ours} | {real} | {ratio:.1} | {goal} |")
    }
}

impl Unit {
    fn text(&self, value: f64) -> String {
        match self {
            Unit::Time if value >= 1.0 => format!("{value:.1} s"),
            Unit::Time => format!("{:.0} ms", value * 1e3),
            Unit::Memory => format!("{:.0} MB", value / 1e6),
            Unit::Rate => format!("{value:.0}/s"),
        }
    }
}
